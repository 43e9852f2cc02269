"""Celery entries of payment accounts' events."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task

from apps.core.db import now as read_now
from apps.core.errors import DomainError
from apps.organizations.models import Organization
from apps.organizations.tasks import TenantTask
from apps.portal.services.stripe_catch_up import ask_for_purchase, end_at_stripe, ended_plans, quiet_purchases
from apps.portal.services.stripe_events import due_events, handle_event

log = logging.getLogger(__name__)


@shared_task(base=TenantTask, ignore_result=True, time_limit=120)
def handle(organization_id: str, event_id: str) -> None:
    handle_event(agency_id=UUID(organization_id), event_pk=UUID(event_id), now=read_now())


@shared_task(ignore_result=True, time_limit=60)
def sweep() -> None:
    """Events whose task was lost, or that have to be tried again."""
    for agency_id, event_id in due_events(read_now()):
        handle.delay(str(agency_id), str(event_id))


@shared_task(ignore_result=True, time_limit=60)
def catch_up() -> None:
    """Payments that no event told about, and plans that are over but still collected for."""
    now = read_now()
    for client_id, purchase_id in quiet_purchases(now):
        ask.delay(str(client_id), str(purchase_id))
    for client_id, ident in ended_plans(now):
        end_plan.delay(str(client_id), ident)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def ask(organization_id: str, purchase_id: str) -> None:
    client = Organization.objects.select_related("brand").get(pk=organization_id)
    try:
        ask_for_purchase(client=client, purchase_id=UUID(purchase_id), now=read_now())
    except DomainError as error:
        log.info("purchase %s is asked for again later: %s", purchase_id, error.text)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def end_plan(organization_id: str, ident: str) -> None:
    client = Organization.objects.get(pk=organization_id)
    try:
        end_at_stripe(client=client, ident=ident)
    except DomainError as error:
        log.info("plan %s is ended at the payment account later: %s", ident, error.text)
