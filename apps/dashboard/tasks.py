"""Nightly work over the apps of each organization."""

from __future__ import annotations

import uuid

from celery import shared_task

from apps.calls import tasks_recordings
from apps.calls.services import erase as calls
from apps.campaigns.services import campaigns
from apps.chats import services as chats
from apps.core import db
from apps.core.queue import wake
from apps.core.scope import Scope, acting
from apps.dashboard import account_import
from apps.dashboard.erasure import open_erasures, run_erasure
from apps.dashboard.mcp.connections import erase_unused
from apps.mail import services as mail
from apps.organizations import idempotency
from apps.organizations.models import Job, Organization
from apps.organizations.scopes import overview
from apps.organizations.services import SYSTEM, Actor
from apps.organizations.tasks import TenantTask
from apps.voice.periods import accounts_with_periods, set_periods
from apps.webhooks import services as webhooks


@shared_task(ignore_result=True, time_limit=60)
def erase_expired() -> None:
    """Send one task per organization, and forget what is nobody's: old mail, spent tokens of programs."""
    with acting(overview("ids of organizations for tonight's erasure")):
        ids = list(Organization.objects.values_list("pk", flat=True))
    for organization_id in ids:
        erase_expired_of.delay(str(organization_id))
    with acting(Scope(())):
        mail.erase_expired(organization_id=None, now=db.now())
        calls.erase_unbound(now=db.now())
    erase_unused(now=db.now())
    for owner, connection_id in accounts_with_periods():
        wake(set_account_periods, owner and str(owner), str(connection_id))


@shared_task(ignore_result=True, time_limit=60)
def set_account_periods(organization_id: str | None, connection_id: str) -> None:
    """An engine that erases by its own account's periods gets ours; None: the installation's account."""
    owner = uuid.UUID(organization_id) if organization_id else None
    set_periods(organization_id=owner, connection_id=uuid.UUID(connection_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=600)
def erase_expired_of(organization_id: str) -> None:
    """What one organization keeps no longer, app by app; safe to run again."""
    now = db.now()
    organization = Organization.objects.get(pk=organization_id)
    idempotency.erase_expired(organization=organization, now=now)
    webhooks.erase_expired(now)
    mail.erase_expired(organization_id=uuid.UUID(organization_id), now=now)
    calls.erase_expired(organization=organization, now=now)
    wake(tasks_recordings.remove_orphans, organization_id)
    campaigns.erase_expired(organization=organization, now=now)
    chats.erase_expired(organization=organization, now=now)


@shared_task(base=TenantTask, ignore_result=True, time_limit=1800)
def import_account(organization_id: str, job_id: str) -> None:
    """Take an organization's account over from its engine."""
    organization = Organization.objects.get(pk=organization_id)
    job = Job.objects.for_organization(organization).select_related("started_by").get(pk=job_id)
    by = Actor(label=str(job.started_by), user=job.started_by) if job.started_by else SYSTEM
    account_import.import_account(organization=organization, job_id=job_id, by=by)


@shared_task(base=TenantTask, ignore_result=True, time_limit=600)
def erase_person(organization_id: str, job_id: str) -> None:
    """Go on with the erasure of a person."""
    run_erasure(organization_id=organization_id, job_id=job_id)


@shared_task(ignore_result=True, time_limit=60)
def sweep_erasures() -> None:
    """Every 15 s: erasures whose task was lost, or that wait for a call or an engine."""
    for organization_id, job_id in open_erasures(db.now()):
        wake(erase_person, str(organization_id), str(job_id))
