"""Celery entries of mail. It stands left of organizations, so the scope is made here from the plain id."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.core import db
from apps.core.scope import Scope, acting
from apps.mail import delivery
from apps.mail.models import OPERATOR, Message

BATCH = 200


@shared_task(ignore_result=True, time_limit=120)
def send(organization_id: str | None, message_id: str) -> None:
    """Send one mail of an organization, or of nobody."""
    own = UUID(organization_id) if organization_id else None
    with acting(Scope((own,) if own else ())):
        delivery.deliver(organization_id=own, message_id=UUID(message_id))


@shared_task(ignore_result=True, time_limit=60)
def sweep() -> None:
    """Send what is due: what the task on commit missed, and what waits for another attempt."""
    now = db.now()
    with acting(Scope(overview=True)):
        rows = Message.objects.filter(transport=OPERATOR).due(now).order_by("next_attempt_at")
        ids = list(rows.values_list("organization_id", "pk")[:BATCH])
    for organization_id, message_id in ids:
        send.delay(str(organization_id) if organization_id else None, str(message_id))
