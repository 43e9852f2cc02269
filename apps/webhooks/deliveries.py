"""Sending what is queued: claim the row, speak with nothing open, record what came of it (webhooks 10).

A worker that dies in between leaves its claim, which ends by itself: the delivery is then sent again with the same
X-Webhook-Id. So every delivery arrives at least once, and receivers drop repeats by that id.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from apps.core import http
from apps.core.db import step, writes
from apps.webhooks.endpoints import endpoint_of, may_send, note_failure, note_success, switch_off
from apps.webhooks.models import Attempt, Delivery
from apps.webhooks.rotation import keys_at
from apps.webhooks.sql import lock_endpoint
from apps.webhooks.targets import headers_for

SEND_SECONDS = 10.0
LEASE = dt.timedelta(seconds=30)
IN_FLIGHT = 2
KEPT_ANSWER = 2048
RETRIES = tuple(dt.timedelta(seconds=seconds) for seconds in (5, 30, 2 * 60, 10 * 60, 3600, 6 * 3600, 24 * 3600))
TOOL_ATTEMPTS = 3
GONE = 410


@dataclass(frozen=True)
class Claim:
    """All that sending needs, so that nothing is read while it sends."""

    delivery_id: UUID
    event: str
    url: str
    secret: str
    following: str
    body: bytes
    user_agent: str
    number: int
    lease_until: dt.datetime
    sent_at: dt.datetime


@dataclass(frozen=True)
class Result:
    status: int | None
    error: str
    answer: bytes
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def deliver(*, delivery_id: UUID | str, now: dt.datetime) -> bool | None:
    """One attempt of a delivery that is due.

    Returns whether the receiver took it; None when nothing was sent: not due, claimed by another worker, given up,
    behind an earlier event of its call, two requests to its URL are under way, or its URL rests.
    """
    claim = _claim(delivery_id, now)
    if claim is None:
        return None
    return finish_attempt(claim, now).ok


def next_due(*, after: UUID | str, now: dt.datetime) -> UUID | None:
    """The delivery to the same URL that has waited longest."""
    done = Delivery.objects.filter(pk=after).values_list("organization_id", "url_digest").first()
    if done is None:
        return None
    same = Delivery.objects.for_organization(done[0]).filter(url_digest=done[1])
    waiting = same.due(now).unclaimed(now).exclude(pk=after)
    return waiting.order_by("next_attempt_at", "id").values_list("pk", flat=True).first()


def is_doubtful(delivery_id: UUID | str) -> bool:
    """Whether the URL's last attempt failed: sending there may well mean waiting for nothing."""
    row = Delivery.objects.filter(pk=delivery_id).defer("body", "secret").first()
    found = endpoint_of(row, row.organization_id) if row else None
    return bool(found and found.failures)


def attempts_of(delivery: Delivery) -> int:
    """How often it is tried in all: 8 times, an async tool call 3 times (webhooks 7), what is not retried once."""
    if not delivery.retries:
        return 1
    return TOOL_ATTEMPTS if delivery.event == "tool-calls" else len(RETRIES) + 1


@writes
def _claim(delivery_id: UUID | str, now: dt.datetime) -> Claim | None:
    due = Delivery.objects.select_for_update(skip_locked=True).due(now).unclaimed(now)
    row = due.filter(pk=delivery_id).first()
    if row is None:
        return None
    lock_endpoint(row.organization_id, bytes(row.url_digest))
    if _is_busy(row, now) or _earlier_goes_first(row, now):
        return None
    found = endpoint_of(row, row.organization_id)
    if row.attempts_now >= attempts_of(row) or not row.body or (found and found.off_at):
        _give_up(row, now)
        return None
    return begin_attempt(row, now) if may_send(row, found, now) else None


@step
def begin_attempt(row: Delivery, now: dt.datetime) -> Claim:
    """Claim a row that this transaction holds: the attempt is written before it is sent."""
    row.change(now, attempt_count=row.attempt_count + 1, lease_until=now + LEASE)
    Attempt.objects.create(organization_id=row.organization_id, delivery=row, number=row.attempt_count, sent_at=now)
    keys = keys_at(organization_id=row.organization_id, owner_id=row.owner_id, secret=row.secret or "", at=now)
    return Claim(
        delivery_id=row.pk, event=row.event, url=row.url, secret=keys.secret, following=keys.following,
        body=row.body.encode(), user_agent=row.user_agent, number=row.attempt_count, lease_until=now + LEASE, sent_at=now,
    )  # fmt: skip


def finish_attempt(claim: Claim, now: dt.datetime) -> Result:
    """Send what was claimed, with nothing open, and record what came of it."""
    result = _send(claim)
    _record(claim, result, now)
    return result


def _send(claim: Claim) -> Result:
    headers = headers_for(
        event=claim.event, delivery_id=claim.delivery_id, attempt=claim.number, body=claim.body,
        timestamp=int(claim.sent_at.timestamp()), secret=claim.secret, user_agent=claim.user_agent,
        following=claim.following,
    )  # fmt: skip
    started = time.monotonic()
    try:
        answer = http.send("POST", claim.url, headers=headers, content=claim.body, timeout=SEND_SECONDS)
    except http.SendError as error:
        status = error.status if isinstance(error, http.NoAnswer) else None
        # A success whose body broke off is a success: the receiver has said so before.
        return Result(status, str(error)[:300], b"", time.monotonic() - started)
    return Result(answer.status, "", answer.body, answer.seconds, answer.headers)


@writes
def _record(claim: Claim, result: Result, now: dt.datetime) -> None:
    row = Delivery.objects.select_for_update().filter(pk=claim.delivery_id).first()
    if row is None:
        return
    attempt = Attempt.objects.get(delivery=row, number=claim.number)
    attempt.change(
        now, seconds=result.seconds, status_code=result.status, error=result.error,
        answer="" if row.wipes_body or row.erased_at else result.answer[:KEPT_ANSWER].decode(errors="replace"),
    )  # fmt: skip
    if row.status != Delivery.Status.WAITING:
        return
    is_ours = row.attempt_count == claim.number and row.lease_until == claim.lease_until
    ended = now + dt.timedelta(seconds=result.seconds)
    if result.ok:
        note_success(row, now)
        row.change(now, status=Delivery.Status.DELIVERED, delivered_at=ended, **_closed(row, now))
        return
    if not row.is_test:  # what somebody tries out says nothing about the URL's life
        _note(row, claim, result, ended, now)
    number = claim.number - row.attempts_before
    if result.status == GONE or (is_ours and number >= attempts_of(row)):
        _give_up(row, now)
    elif is_ours:
        row.change(now, next_attempt_at=ended + RETRIES[number - 1], lease_until=None)


@step
def _note(row: Delivery, claim: Claim, result: Result, ended: dt.datetime, now: dt.datetime) -> None:
    if result.status == GONE:
        switch_off(row, now)
    note_failure(row, sent_at=claim.sent_at, ended=ended, now=now)


def _closed(row: Delivery, now: dt.datetime) -> dict[str, object]:
    """What ends with the last attempt; the body too when it may not be kept."""
    fields: dict[str, object] = {"next_attempt_at": None, "lease_until": None}
    return fields | {"body": "", "erased_at": row.erased_at or now} if row.wipes_body else fields


def _give_up(row: Delivery, now: dt.datetime) -> None:
    row.change(now, status=Delivery.Status.DEAD, **_closed(row, now))


def _is_busy(row: Delivery, now: dt.datetime) -> bool:
    same = Delivery.objects.for_organization(row.organization_id).filter(url_digest=row.url_digest)
    return same.filter(status=Delivery.Status.WAITING, lease_until__gt=now).count() >= IN_FLIGHT


def _earlier_goes_first(row: Delivery, now: dt.datetime) -> bool:
    """First attempts of one call leave in the order of their events; ids are ordered by time."""
    if row.attempt_count or not row.call_id:
        return False
    before = Delivery.objects.for_organization(row.organization_id).filter(
        call_id=row.call_id, url_digest=row.url_digest, status=Delivery.Status.WAITING, pk__lt=row.pk
    )
    return before.filter(Q(attempt_count=0) | Q(attempt_count=1, lease_until__gt=now)).exists()
