"""A campaign's calls are sent many at a time: one transaction marks them, each leaves at its own instant, what they came to
is written together. Every guarantee of `dial` holds; what needs more than a look at our own rows goes its way, one by one."""

from __future__ import annotations

import datetime as dt
import functools
import json
import logging
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Min, Q

from apps.billing.payers import least_left
from apps.billing.services import HOLD
from apps.calls.allowed import forbidden_among, limits_of, spend_left
from apps.calls.models import Call
from apps.calls.refusals import refused_among
from apps.calls.services.bodies import dial_body
from apps.calls.services.dial import deadline, note_engine, record_answer, seconds
from apps.calls.services.keys import call_ring, missing_keys
from apps.calls.services.slots import (
    LATE,
    LEAD,
    SOON,
    Booking,
    Sending,
    Window,
    closed_until,
    early,
    reading_all,
    windows_for,
)
from apps.calls.services.tools_mcp import requires_servers
from apps.calls.sql import Accepted, Mark, accept_many, mark_many, put_back_many
from apps.catalog.services.lookup import KeyRing
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Unavailable
from apps.organizations.models import Limits
from apps.voice.capabilities import Capabilities
from apps.voice.client import Engine
from apps.voice.mirror import mirrors
from apps.voice.models import Connection
from apps.voice.outcomes import Dialled
from apps.voice.services import capabilities, ensure_receiver

log = logging.getLogger(__name__)
Dial = Call.Dial
# Calls that are due within this are sent together.
TOGETHER = dt.timedelta(milliseconds=150)
MOST = 40
# For each call of a batch the transaction takes a little longer.
EACH = dt.timedelta(milliseconds=1)
# A process sends one after the other: what is booked for the same instant would be late for it.
SPREAD = dt.timedelta(milliseconds=4)
# Answers that come within this are written together.
GATHERED = 0.05
THREADS = 100
SWITCH_SECONDS = 0.001


@dataclass
class Ready:
    """A call with its request; `fence` is what the dial gets when it is marked."""

    call: Call
    windows: list[Window]
    body: dict[str, object]
    fence: int

    @property
    def gap(self) -> dt.timedelta:
        return max((window.gap for window in self.windows), default=dt.timedelta())


@dataclass
class Batch:
    """What one look found and marked.

    Args:
        apart: calls for `dial`: not simple, or not to be sent any more.
        next_at: when the next call that waits as a reserved row is due.
        is_more: others are due now.
    """

    organization_id: object
    sendings: list[Sending] = field(default_factory=list)
    apart: list[UUID] = field(default_factory=list)
    next_at: dt.datetime | None = None
    is_more: bool = False
    ready: dict[UUID, Ready] = field(default_factory=dict)

    def waits(self, until: dt.datetime) -> None:
        self.next_at = min(self.next_at or until, until)


@dataclass(frozen=True)
class Look:
    """What can be read without a lock. `closed`: engine and trunk for which the engine asked for patience."""

    now: dt.datetime
    calls: list[Call]
    limits: dict[UUID, Limits]
    closed: set[tuple[UUID | None, UUID | None]]


def mark_due(*, organization_id: object) -> Batch:
    """Mark the organization's calls of campaigns whose time comes within a moment. Speaks HTTP when an engine has not said
    lately what it can do."""
    batch = Batch(organization_id)
    look = _look(batch)
    by_engine: dict[UUID | None, list[Call]] = {}
    for call in look.calls:
        by_engine.setdefault(call.connection_id, []).append(call)
    for group in by_engine.values():
        ready = _prepared(batch, look, group)
        batch.ready |= {each.call.pk: each for each in ready}
        batch.sendings += _marked(batch, ready, LEAD)
    return batch


def send(batch: Batch) -> None:
    """Send what was marked, and write what it came to. A slot that passed before its request left is booked anew."""
    lead, pool = LEAD, _pool()
    under_way = {pool.submit(_exchange, sending): sending for sending in batch.sendings}
    while under_way:
        answers = [(under_way.pop(each), each.result()) for each in _answered(under_way)]
        late = [sending for sending, answer in answers if answer.error == LATE]
        if late:
            lead *= 2
            anew = _marked(batch, [batch.ready[sending.call.pk] for sending in late], lead, sent=True)
            under_way |= {pool.submit(_exchange, sending): sending for sending in anew}
        _record(batch.organization_id, [each for each in answers if each[1].error != LATE])


def _exchange(sending: Sending) -> Dialled:
    """In a thread of its own, which never asks the database."""
    assert sending.call.connection is not None
    sending.approach()
    return Engine(sending.call.connection).dial(sending.body, key=sending.call.dial_key, before=sending.go)


def _answered(under_way: Iterable[Future[Dialled]]) -> set[Future[Dialled]]:
    done, others = wait(under_way, return_when=FIRST_COMPLETED)
    return done | (wait(others, timeout=GATHERED).done if others else set())


@functools.cache
def _pool() -> Executor:
    # Whoever waits for an instant gets the interpreter within a moment of it, however busy the other threads are.
    sys.setswitchinterval(SWITCH_SECONDS)
    return ThreadPoolExecutor(THREADS, thread_name_prefix="dial")


@transaction.atomic
def _look(batch: Batch) -> Look:
    now = db.now()
    own = Call.objects.for_organization(batch.organization_id).filter(
        dial=Dial.RESERVED, direction=Call.Direction.OUTBOUND, connection__isnull=False, origin__startswith="campaign:"
    )
    due = own.filter(Q(dial_at=None) | Q(dial_at__lte=now + TOGETHER)).order_by(F("dial_at").asc(nulls_first=True), "pk")
    calls = list(due.select_related("organization", "connection", "trunk")[: MOST + 1])
    batch.is_more, calls = len(calls) > MOST, calls[:MOST]
    batch.next_at = own.filter(dial_at__gt=now + TOGETHER).aggregate(next=Min("dial_at"))["next"]
    limits = {row.organization_id: row for row in limits_of(calls[0].organization)} if calls else {}
    lines = {(call.connection_id, call.trunk_id) for call in calls if call.connection_id}
    return Look(now, calls, limits, {line for line in lines if line[0] and closed_until(line[0], line[1], now)})


def _prepared(batch: Batch, look: Look, calls: Sequence[Call]) -> list[Ready]:
    """Those that can be sent by what is known here, with all that takes no lock."""
    connection, now = calls[0].connection, look.now
    assert connection is not None
    try:
        known = capabilities(connection, now)
        ensure_receiver(connection)
    except Unavailable:
        batch.apart += [call.pk for call in calls]
        return []
    rings: dict[str, KeyRing | None] = {}
    ready = []
    for call in calls:
        call.connection, starts = connection, call.config.get("pace")
        ring = _ring(call, known, rings)
        if (connection.pk, call.trunk_id) in look.closed or not _is_simple(call, connection, known) or missing_keys(ring, known):
            batch.apart.append(call.pk)
            continue
        windows = windows_for(
            organization=call.organization, connection=connection, trunk=call.trunk, origin=call.origin,
            starts=(int(starts[0]), int(starts[1])) if starts else None, limits=look.limits,
        )  # fmt: skip
        call.not_after = deadline(call, known, now)
        ready.append(Ready(call, windows, dial_body(call, known, ring), call.fence + 1))
    return ready


def _is_simple(call: Call, connection: Connection, known: Capabilities) -> bool:
    """Nothing has to be brought to the engine, and no other server has to be asked."""
    return not mirrors(connection) and not requires_servers(call, known)


def _ring(call: Call, known: Capabilities, rings: dict[str, KeyRing | None]) -> KeyRing | None:
    parts = json.dumps([call.config.get(f"{part}_config") for part in ("llm", "stt", "tts")])
    if parts not in rings:
        rings[parts] = call_ring(call, known)
    return rings[parts]


def _marked(batch: Batch, ready: Sequence[Ready], lead: dt.timedelta, *, sent: bool = False) -> list[Sending]:
    windows = [window for each in ready for window in each.windows]
    with reading_all(windows):
        return _mark(batch, ready, windows, lead + EACH * len(ready), sent=sent)


@writes
def _mark(
    batch: Batch, ready: Sequence[Ready], windows: Sequence[Window], lead: dt.timedelta, *, sent: bool
) -> list[Sending]:
    """Look once more whether the calls are still wanted, and book an instant for each: in the order in which they are due.

    Args:
        sent: they were marked before, and their instants passed.
    """
    held = _held(batch.organization_id, ready, sent=sent)
    if not held:
        return []
    unwanted = _unwanted([each.call for each in held], db.now())
    batch.apart += unwanted
    booking = Booking(windows, lead=lead, but=[each.call.pk for each in held])
    marks, later, sendings = [], [], []
    soonest = booking.earliest
    for each in held:
        if each.call.pk in unwanted:
            # What was marked and did not leave is reserved again, so that it can be refused.
            later += [(each.call.pk, booking.now)] if sent else []
            continue
        at = booking.now
        if each.windows:
            at = booking.take(each.windows, max(each.call.dial_at or soonest, soonest))
            soonest = at + SPREAD
        wanted_until, not_after = each.call.wanted_until, each.call.not_after
        assert not_after is not None
        if wanted_until and at >= wanted_until:
            later.append((each.call.pk, booking.now))
            batch.apart.append(each.call.pk)
        elif at - booking.now > SOON:
            later.append((each.call.pk, at - early(each.gap)))
            batch.waits(later[-1][1])
        else:
            marks.append(Mark(each.call.pk, at, not_after, each.fence))
            steady = booking.steady(at) if each.windows else None
            sendings.append(Sending(each.call, each.fence, each.body).anew(steady, each.windows))
    if marks:
        lease = seconds(settings.DIAL_LEASE_SECONDS)
        mark_many(batch.organization_id, marks, lease=lease, now=booking.now)
    if later:
        put_back_many(batch.organization_id, later, now=booking.now)
    return sendings


def _held(organization_id: object, ready: Sequence[Ready], *, sent: bool) -> list[Ready]:
    """Those that nobody else has touched since, locked."""
    rows = Call.objects.for_organization(organization_id).filter(pk__in=[each.call.pk for each in ready])
    rows = rows.filter(dial=Dial.SENDING if sent else Dial.RESERVED).select_for_update(of=("self",), skip_locked=not sent)
    found = {row[0]: row[1:] for row in rows.values_list("pk", "fence", "updated_at", "wanted_until")}
    held = []
    for each in ready:
        fence, updated_at, wanted_until = found.get(each.call.pk) or (None, None, None)
        if fence == each.fence if sent else (fence, updated_at) == (each.call.fence, each.call.updated_at):
            each.call.wanted_until = wanted_until
            held.append(each)
    return held


def _unwanted(calls: Sequence[Call], now: dt.datetime) -> list[UUID]:
    """Of an organization's calls those that `dial` would refuse, should anything have changed since they were reserved."""
    organization = calls[0].organization
    organization.refresh_from_db(fields=["suspended_at", "closed_at"])
    if organization.suspended_at or organization.closed_at:
        return [call.pk for call in calls]
    numbers = {call.other_number for call in calls if call.other_number}
    refused = refused_among(organization, numbers, now) | forbidden_among(organization, numbers, now).keys()
    is_broke = any(call.is_charged for call in calls) and (
        least_left(organization.payer_ids, now) < HOLD or ((left := spend_left(organization, now)) is not None and left < 0)
    )
    return [
        call.pk for call in calls
        if call.other_number in refused or (is_broke and call.is_charged) or (call.wanted_until and now >= call.wanted_until)
    ]  # fmt: skip


def _record(organization_id: object, answers: Sequence[tuple[Sending, Dialled]]) -> None:
    if not answers:
        return
    now, written = db.now(), set[UUID]()
    with suppress(IntegrityError):  # one of them names a call that is another's: each on its own
        written = _accept(organization_id=organization_id, answers=answers, now=now)
    for sending, answer in answers:
        if sending.call.pk not in written:
            _record_one(organization_id, sending, answer, now)
    for connection in {sending.call.connection for sending, _answer in answers if sending.call.connection}:
        said = [answer for sending, answer in answers if sending.call.connection == connection]
        note_engine(connection, max(said, key=lambda answer: answer.engine_is_down), now)


def _record_one(organization_id: object, sending: Sending, answer: Dialled, now: dt.datetime) -> None:
    try:
        record_answer(organization_id=organization_id, call_id=sending.call.pk, fence=sending.fence, answer=answer, now=now)
    except IntegrityError:
        # Its lease runs out, and the engine is asked again; the others have nothing to do with it.
        log.exception("the answer to the dial of call %s", sending.call.public_id)


@writes
def _accept(*, organization_id: object, answers: Sequence[tuple[Sending, Dialled]], now: dt.datetime) -> set[UUID]:
    accepted = [
        Accepted(sending.call.pk, sending.fence, answer.ref, answer.control_url)
        for sending, answer in answers
        if answer.ref and answer.outcome in ("accepted", "duplicate")
    ]
    return accept_many(organization_id, accepted, now=now) if accepted else set()
