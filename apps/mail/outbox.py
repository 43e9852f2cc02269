"""How a mail leaves the outbox: claimed under a lease, sent by its transport, then recorded."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.conf import settings

from apps.core.db import writes
from apps.mail.models import OPERATOR, PRIVATE, Message

EMPTY: dict[str, str | None] = {"text": "", "html": "", "attachment": None}


@writes
def claim(
    *, organization_id: UUID | None, message_id: UUID, now: dt.datetime, lease: dt.timedelta, transport: str = OPERATOR
) -> Message | None:
    """Take a due mail of a transport for sending; None when it is sent, not due, or another sender holds it.

    The lease outlives any attempt: a sender that dies leaves a mail that becomes due again.
    """
    rows = Message.objects.of(organization_id).filter(transport=transport, pk=message_id)
    row = rows.due(now).select_for_update(skip_locked=True, of=("self",)).select_related("brand").first()
    if row:
        row.change(now, status=Message.Status.SENDING, attempts=row.attempts + 1, next_attempt_at=now + lease)
    return row


@writes
def record_sent(*, message: Message, now: dt.datetime) -> None:
    """Sent. Where mails really leave the house their bodies are not kept: they hold codes and links."""
    leaves = settings.EMAIL_URL or message.transport != OPERATOR
    empty = EMPTY if leaves or message.is_private else {}
    message.change(now, status=Message.Status.SENT, sent_at=now, next_attempt_at=None, error="", **empty)


@writes
def record_failure(*, message: Message, error: str, again_at: dt.datetime | None, now: dt.datetime) -> None:
    """Not sent. Without `again_at` it is given up, and the content of a private one with it."""
    status = Message.Status.WAITING if again_at else Message.Status.DEAD
    empty = EMPTY if message.is_private and not again_at else {}
    message.change(now, status=status, next_attempt_at=again_at, error=error[:500], **empty)


@writes
def hand_over(*, message: Message, transport: str, error: str, now: dt.datetime) -> None:
    """This transport cannot send it at all: another one begins anew."""
    message.change(
        now, transport=transport, status=Message.Status.WAITING, attempts=0, next_attempt_at=now, error=error[:500]
    )


@writes
def revive(*, now: dt.datetime) -> int:
    """Let mails that were given up begin anew, but for private ones, which are empty; only those the scope may write. Returns how many."""
    rows = Message.objects.filter(status=Message.Status.DEAD).exclude(key__startswith=PRIVATE)
    return rows.update(status=Message.Status.WAITING, attempts=0, next_attempt_at=now, updated_at=now)
