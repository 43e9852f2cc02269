"""Celery entries of campaigns: ids in, one service, the work itself lies in rows."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.campaigns import selectors
from apps.campaigns.dialler.tick import resume_campaign, tick_campaign
from apps.campaigns.services.imports import run_import
from apps.campaigns.services.reports import reports_to_send, send_report
from apps.core.db import now as read_now
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.scopes import overview, scope_for
from apps.organizations.tasks import TenantTask

# Ticks follow each other, in seconds: all at once, they would take the processor from the calls whose instant comes.
STEP, WHOLE = 0.1, 0.8


@shared_task(ignore_result=True, time_limit=30)
def tick() -> None:
    """Each second: one short task per campaign that has something to settle or may dial now, one after the other."""
    with acting(overview("campaigns with something to do")):
        found = selectors.to_tick(read_now())
    step = min(STEP, WHOLE / max(1, len(found)))
    for place, (organization_id, campaign_id) in enumerate(found):
        tick_one.apply_async((str(organization_id), str(campaign_id)), countdown=place * step, expires=2 + place * step)


@shared_task(ignore_result=True, time_limit=30)
def tick_one(organization_id: str, campaign_id: str) -> None:
    with acting(_wide(organization_id)):
        tick_campaign(organization_id=UUID(organization_id), campaign_id=UUID(campaign_id), now=read_now())


@shared_task(ignore_result=True, time_limit=60)
def sweep() -> None:
    """Each 10 s: campaigns whose reason to pause may be over, imports whose worker died, and reports."""
    with acting(overview("pauses that end by themselves, imports without a worker, reports to send")):
        now = read_now()
        paused, imports = selectors.paused_by_themselves(), selectors.imports_to_do(now)
        reports = reports_to_send(now)
    for organization_id, campaign_id in paused:
        resume_one.apply_async((str(organization_id), str(campaign_id)), expires=10)
    for organization_id, upload_id in imports:
        import_one.apply_async((str(organization_id), str(upload_id)), expires=10)
    for organization_id, campaign_id in reports:
        report_one.apply_async((str(organization_id), str(campaign_id)), expires=10)


@shared_task(ignore_result=True, time_limit=30)
def resume_one(organization_id: str, campaign_id: str) -> None:
    with acting(_wide(organization_id)):
        resume_campaign(organization_id=UUID(organization_id), campaign_id=UUID(campaign_id), now=read_now())


@shared_task(base=TenantTask, ignore_result=True, time_limit=600)
def import_one(organization_id: str, upload_id: str) -> None:
    run_import(organization_id=UUID(organization_id), upload_id=UUID(upload_id), now=read_now())


@shared_task(base=TenantTask, ignore_result=True, time_limit=120)
def report_one(organization_id: str, campaign_id: str) -> None:
    send_report(organization_id=UUID(organization_id), campaign_id=UUID(campaign_id), now=read_now())


def _wide(organization_id: str) -> Scope:
    """The tenant and its payer, and everybody's rows to read: limits count everyone's calls (tenancy 9)."""
    own = UUID(organization_id)
    with acting(Scope((own,))):
        organization = Organization.objects.get(pk=own)
    return Scope(scope_for(organization, with_parent=True).organizations, overview=True)
