"""Celery entries of payment accounts' events."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.core.db import now as read_now
from apps.organizations.tasks import TenantTask
from apps.portal.services.stripe_events import due_events, handle_event


@shared_task(base=TenantTask, ignore_result=True, time_limit=120)
def handle(organization_id: str, event_id: str) -> None:
    handle_event(agency_id=UUID(organization_id), event_pk=UUID(event_id), now=read_now())


@shared_task(ignore_result=True, time_limit=60)
def sweep() -> None:
    """Events whose task was lost, or that have to be tried again."""
    for agency_id, event_id in due_events(read_now()):
        handle.delay(str(agency_id), str(event_id))
