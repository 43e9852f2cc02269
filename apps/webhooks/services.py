"""Events on their way out: queue in the caller's transaction, switch a URL on again, forget what may not be kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from apps.core.db import step, writes
from apps.organizations.models import Organization
from apps.webhooks.deliveries import GONE, Claim, Result, begin_attempt, deliver, finish_attempt
from apps.webhooks.endpoints import closing_fields, endpoint_of, reopen, switch_off
from apps.webhooks.models import Attempt, Delivery, Endpoint, SecretChange
from apps.webhooks.questions import Answer, ask
from apps.webhooks.rotation import KEPT, keys_at, new_secret, pending_change, replace_secret, switch_now
from apps.webhooks.targets import Target, serialised, user_agent_for
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
    "new_secret",
    "pending_change",
    "prepared",
    "queue",
    "reopen",
    "replace_secret",
    "send_test",
    "switch_now",
    "user_agent_for",
]

KEPT_DAYS = 30
CROWD = 10


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
) -> Delivery:
    """Put an event into the outbox; a worker is woken on commit, a sweep finds it otherwise.

    Args:
        call_id: the call's public id; first attempts of one call leave in the order they were queued.
        key: unique within the organization; a second time returns the delivery that is there.
        wipes_body: the body goes with success or the last attempt (`gdpr_mode`).
        retries: 8 attempts (3 for `tool-calls`), else 1.

    While the URL is switched off an event is given up at once, kept for a replay once it is on again.
    """  # fmt: skip
    row = _row(
        organization, target, event=event, call_id=call_id, key=key, body=serialised(body), wipes_body=wipes_body,
        retries=retries, next_attempt_at=now,
    )  # fmt: skip
    found = endpoint_of(target, organization.pk)
    if found and found.off_at:
        row.status, row.next_attempt_at = Delivery.Status.DEAD, None
        if wipes_body:
            row.body, row.erased_at = "", now
    Delivery.objects.bulk_create([row], ignore_conflicts=True)
    stored = Delivery.objects.for_organization(organization).get(key=key)
    is_new = stored.pk == row.pk and row.status == Delivery.Status.WAITING
    # Hundreds of wake-up calls for one URL would stand before others' work: a worker is at it, or the sweep sees to it.
    if is_new and not (found and found.failures) and not _is_crowded(organization, target):
        deliver_task.delay_on_commit(str(organization.pk), str(row.pk))
    return stored


@dataclass(frozen=True)
class Tried:
    """A test event and what came of it."""

    delivery: Delivery
    result: Result


def send_test(*, organization: Organization, target: Target, event: str, body: dict[str, Any], now: dt.datetime) -> Tried:
    """Send a test event now, signed as any other, and wait for the answer. It stands in the log, is not tried again, goes
    past a breaker, and a failure counts for nothing."""
    row, claim = _reserve_test(organization=organization, target=target, event=event, body=body, now=now)
    return Tried(row, finish_attempt(claim, now))


@writes
def _reserve_test(
    *, organization: Organization, target: Target, event: str, body: dict[str, Any], now: dt.datetime
) -> tuple[Delivery, Claim]:
    row = _row(
        organization, target, event=event, key="", call_id="", body=serialised(body), retries=False, is_test=True,
        next_attempt_at=now,
    )  # fmt: skip
    row.key = f"test:{row.pk}"
    row.save(force_insert=True)
    return row, begin_attempt(row, now)


@step
def log_question(
    *, organization: Organization, target: Target, event: str, call_id: str, answer: Answer, now: dt.datetime
) -> Delivery:
    """Keep in the delivery log that a question was asked and what came of it; never its content. An answer 410 switches
    the URL off as it does for an event."""
    status = Delivery.Status.DELIVERED if answer.ok else Delivery.Status.DEAD
    row = _row(
        organization, target, event=event, call_id=call_id, key=f"question:{answer.id}", retries=False, status=status,
        id=answer.id, attempt_count=1, erased_at=now, delivered_at=now if answer.ok else None, secret="",
    )  # fmt: skip
    row.save(force_insert=True)
    error = f"{answer.problem}: {answer.detail}" if answer.problem else ""
    Attempt.objects.create(
        organization=organization, delivery=row, number=1, sent_at=now, seconds=answer.seconds,
        status_code=answer.status, error=error[:300],
    )  # fmt: skip
    if answer.status == GONE:
        switch_off(row, now)
    return row


def prepared(*, organization: Organization, target: Target, now: dt.datetime) -> Target:
    """The target as it stands now: whether its URL is switched off, and which secrets sign. For questions, which are
    asked outside any transaction; an event is looked at when it is sent."""
    keys = keys_at(organization_id=organization.pk, owner_id=target.owner_id, secret=target.secret or "", at=now)
    off = is_off(organization=organization, target=target)
    return replace(target, secret=keys.secret or None, following=keys.following, is_off=off)


def is_off(*, organization: Organization, target: Target) -> bool:
    """Whether this URL is switched off at its level; a tool's URL never is."""
    found = endpoint_of(target, organization.pk)
    return bool(found and found.off_at)


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
        SecretChange.objects.for_organization(organization).filter(switches_at__lt=now - KEPT).delete()
        days = min(KEPT_DAYS, organization.content_retention_days)
        _wipe(own.filter(created_at__lt=now - dt.timedelta(days=days), erased_at=None), now)


@step
def erase_organization(*, organization: Organization) -> None:
    """Delete all deliveries of an organization and what is known of its URLs."""
    Delivery.objects.for_organization(organization).delete()
    Endpoint.objects.for_organization(organization).delete()
    SecretChange.objects.for_organization(organization).delete()


def _is_crowded(organization: Organization, target: Target) -> bool:
    waiting = Delivery.objects.for_organization(organization).filter(url_digest=target.digest, status=Delivery.Status.WAITING)
    return waiting[: CROWD + 1].count() > CROWD


def _row(organization: Organization, target: Target, **fields: Any) -> Delivery:
    values = {"level": target.level, "owner_id": target.owner_id, "url": target.url, "url_digest": target.digest,
              "secret": target.secret or "", "user_agent": target.user_agent} | fields  # fmt: skip
    return Delivery(organization=organization, **values)


def _wipe(found: Any, now: dt.datetime) -> None:
    ids = list(found.values_list("pk", flat=True))
    Attempt.objects.filter(delivery__in=ids).update(answer=b"", updated_at=now)
    rows = Delivery.objects.filter(pk__in=ids)
    rows.filter(status=Delivery.Status.WAITING).update(**closing_fields(now))
    rows.update(body=b"", erased_at=now, updated_at=now)
