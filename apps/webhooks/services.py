"""Events on their way out: queue in the caller's transaction, switch a URL on again, forget what may not be kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from apps.core.db import step, writes
from apps.organizations.models import Organization
from apps.webhooks.deliveries import deliver
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.webhooks.questions import Answer, ask
from apps.webhooks.targets import Target, serialised, url_digest, user_agent_for
from apps.webhooks.tasks import deliver as deliver_task

__all__ = [
    "Answer",
    "Target",
    "ask",
    "deliver",
    "erase",
    "erase_expired",
    "is_off",
    "log_question",
    "queue",
    "reopen",
    "user_agent_for",
]

KEPT_DAYS = 30


@step
def queue(
    *,
    organization: Organization,
    event: str,
    call_id: str,
    key: str,
    body: dict[str, Any],
    target: Target,
    now: dt.datetime,
    wipes_body: bool = False,
    retries: bool = True,
) -> Delivery | None:
    """Put an event into the outbox; a worker is woken on commit, a sweep finds it otherwise.

    Args:
        call_id: the call's public id; first attempts of one call leave in the order they were queued.
        key: unique within the organization; a second time returns the delivery that is there.
        wipes_body: the body goes with success or the last attempt (`gdpr_mode`).
        retries: 8 attempts (3 for `tool-calls`), else 1.

    Returns None when the URL is switched off.
    """  # fmt: skip
    if is_off(organization=organization, target=target):
        return None
    row = Delivery(
        organization=organization, key=key, event=event, call_id=call_id, level=target.level, owner_id=target.owner_id,
        url=target.url, url_digest=target.digest, secret=target.secret or "", body=serialised(body),
        user_agent=target.user_agent, wipes_body=wipes_body, retries=retries, next_attempt_at=now,
    )  # fmt: skip
    Delivery.objects.bulk_create([row], ignore_conflicts=True)
    stored = Delivery.objects.for_organization(organization).get(key=key)
    if stored.pk == row.pk:
        deliver_task.delay_on_commit(str(organization.pk), str(row.pk))
    return stored


@step
def log_question(
    *, organization: Organization, target: Target, event: str, call_id: str, answer: Answer, now: dt.datetime
) -> Delivery:
    """Keep in the delivery log that a question was asked and what came of it; never its content."""
    status = Delivery.Status.DELIVERED if answer.ok else Delivery.Status.DEAD
    row = Delivery.objects.create(
        id=answer.id, organization=organization, key=f"question:{answer.id}", event=event, call_id=call_id,
        level=target.level, owner_id=target.owner_id, url=target.url, url_digest=target.digest,
        user_agent=target.user_agent, retries=False, status=status, attempt_count=1, erased_at=now,
        delivered_at=now if answer.ok else None,
    )  # fmt: skip
    error = f"{answer.problem}: {answer.detail}" if answer.problem else ""
    Attempt.objects.create(
        organization=organization, delivery=row, number=1, sent_at=now, seconds=answer.seconds,
        status_code=answer.status, error=error[:300],
    )  # fmt: skip
    return row


def is_off(*, organization: Organization, target: Target) -> bool:
    """Whether a 410 switched this URL off at its level; a tool's URL never is."""
    found = Endpoint.objects.for_organization(organization).off()
    return found.filter(level=target.level, owner_id=target.owner_id, url_digest=target.digest).exists()


@step
def reopen(*, organization: Organization, url: str, now: dt.datetime) -> bool:
    """Switch a URL on again, at whatever level it was off: it was saved again, or a button was pressed."""
    found = Endpoint.objects.for_organization(organization).off().filter(url_digest=url_digest(url))
    return bool(found.update(off_at=None, failures=0, open_until=None, updated_at=now))


@step
def erase(call_ids: Iterable[str], now: dt.datetime) -> None:
    """Wipe bodies and kept answers of these calls (public ids); what was still waiting is given up."""
    _wipe(Delivery.objects.filter(call_id__in=list(call_ids), erased_at=None), now)


@writes
def erase_expired(now: dt.datetime) -> None:
    """Bodies go after 30 days or the content retention, whichever is shorter; rows after 30 days (webhooks 10.4)."""
    for organization in Organization.objects.all():
        own = Delivery.objects.for_organization(organization)
        own.filter(created_at__lt=now - dt.timedelta(days=KEPT_DAYS)).delete()
        days = min(KEPT_DAYS, organization.content_retention_days)
        _wipe(own.filter(created_at__lt=now - dt.timedelta(days=days), erased_at=None), now)


@step
def erase_organization(*, organization: Organization) -> None:
    """Delete all deliveries of an organization and what is known of its URLs."""
    Delivery.objects.for_organization(organization).delete()
    Endpoint.objects.for_organization(organization).delete()


def _wipe(found: Any, now: dt.datetime) -> None:
    ids = list(found.values_list("pk", flat=True))
    Attempt.objects.filter(delivery__in=ids).update(answer=b"", updated_at=now)
    rows = Delivery.objects.filter(pk__in=ids)
    rows.filter(status=Delivery.Status.WAITING).update(
        status=Delivery.Status.DEAD, next_attempt_at=None, lease_until=None
    )
    rows.update(body=b"", erased_at=now, updated_at=now)
