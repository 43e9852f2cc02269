"""When a call may start: so many starts in any so many seconds, exact for each of those that have such a limit.

A start is booked in the transaction that marks its call as being sent, as the call's `sent_at`; whoever books for the
same limit waits for that transaction. The request then leaves at the booked instant or not at all: who is late books anew.
"""

from __future__ import annotations

import datetime as dt
import time
from bisect import insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.calls.models import Call
from apps.calls.sql import lock_starts
from apps.core import db
from apps.core.db import step
from apps.core.http import NotSent
from apps.core.scope import Scope, acting, current
from apps.numbers.models import SipTrunk
from apps.organizations.models import Limits, Organization
from apps.voice.models import Connection
from apps.voice.services import known_capabilities

# Windows are kept a little longer than they are. A request may leave so late; two networks' ways may differ by the rest.
MARGIN, MARGIN_SHARE = dt.timedelta(milliseconds=15), 0.012
WAYS = 0.007
TOLERANCE = MARGIN.total_seconds() - WAYS
# What a request of a long window may be late: nobody waits for it longer.
LATEST = 0.05
# From the booking to its instant at least: to commit and to connect. Doubled whenever that was not enough.
LEAD = dt.timedelta(milliseconds=20)
# A campaign's call books a slot only when it comes so soon, and waits as a reserved row otherwise.
SOON = dt.timedelta(milliseconds=600)
# Who waits for the answer to a single call waits no longer than this for its slot.
PATIENCE = dt.timedelta(seconds=2)
# Connections are opened so long before the instant.
CONNECTING = 0.15
# Without a limit no instant is booked; who slept so long looks again whether the dial is still its own.
STALE = 5.0
LATE = "late"


class NotYet(Exception):
    """The next free slot lies too far ahead to wait for it now; nothing was written."""

    def __init__(self, at: dt.datetime, now: dt.datetime) -> None:
        super().__init__(at)
        self.at, self.now = at, now


@dataclass(frozen=True)
class Later:
    """A call that waits as a reserved row: it is to be sent in so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Window:
    """`starts` calls begin in any `seconds`. `calls`: which calls count."""

    name: str
    calls: Q
    starts: int
    seconds: float

    @property
    def margin(self) -> dt.timedelta:
        return max(MARGIN, dt.timedelta(seconds=self.seconds * MARGIN_SHARE))

    @property
    def lasts(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.seconds) + self.margin

    @property
    def gap(self) -> dt.timedelta:
        """Between two starts, when they are spread evenly."""
        return self.lasts / self.starts


@dataclass(frozen=True)
class Sending:
    """A dial that was marked as being sent. Only who holds the present `fence` may record what came of it.

    Args:
        at: on this process's own steady clock, when the request is to leave; None: as soon as it can.
        tolerance: seconds that it may leave later.
    """

    call: Call
    fence: int
    body: dict[str, Any]
    at: float | None = None
    tolerance: float = TOLERANCE
    marked: float = field(default_factory=time.monotonic)

    def approach(self) -> None:
        """Wait until it is time to connect."""
        if self.at is not None:
            _sleep_until(self.at - CONNECTING)

    def go(self) -> None:
        """Wait for the instant, with the connection open. Raises NotSent when it has passed."""
        if self.at is not None:
            _sleep_until(self.at)
        latest = self.marked + STALE if self.at is None else self.at + self.tolerance
        if time.monotonic() > latest:
            raise NotSent(LATE, "the slot has passed")

    def anew(self, at: float | None, windows: Iterable[Window]) -> Sending:
        least = min((window.margin.total_seconds() - WAYS for window in windows), default=TOLERANCE)
        return replace(self, at=at, tolerance=min(least, LATEST), marked=time.monotonic())


def windows_of(call: Call) -> list[Window]:
    """The limits under which a call starts, none for most. The call's organization, connection and trunk are loaded."""
    assert call.connection is not None
    starts = call.config.get("pace")
    return windows_for(
        organization=call.organization, connection=call.connection, trunk=call.trunk, origin=call.origin,
        starts=(int(starts[0]), int(starts[1])) if starts else None,
    )  # fmt: skip


def windows_for(
    *, organization: Organization, connection: Connection, trunk: SipTrunk | None, origin: str,
    starts: tuple[int, int] | None, limits: Mapping[UUID, Limits] | None = None,
) -> list[Window]:  # fmt: skip
    """Agency, client, campaign, engine (what it announced, and our own limit), trunk: in the order in which they are locked.

    Args:
        starts: the campaign's own limit: calls, in seconds.
        limits: of the organization and its agency, when they were read already.
    """
    head = organization.parent_id or organization.pk
    if limits is None:
        rows = Limits.objects.filter(organization_id__in={head, organization.pk}, starts__isnull=False)
        limits = {row.organization_id: row for row in rows}
    found = []
    if (row := limits.get(head)) and row.starts:
        found.append(Window(f"agency:{head}", family(head), row.starts, row.starts_seconds))
    if organization.pk != head and (row := limits.get(organization.pk)) and row.starts:
        own = Q(organization_id=organization.pk)
        found.append(Window(f"client:{organization.pk}", own, row.starts, row.starts_seconds))
    if starts:
        found.append(Window(origin, Q(organization_id=organization.pk, origin=origin), *starts))
    at_engine = Q(connection_id=connection.pk)
    known = known_capabilities(connection)
    # A key's own limit refuses what is too much: campaigns are spread below it, a person's few calls may come at once.
    if (rate := known.starts_per_second) and (waits_its_turn(origin) or not known.is_rate_of_key):
        found.append(Window(f"engine:{connection.pk}", at_engine, *_whole(rate)))
    if connection.starts:
        found.append(Window(f"engine:{connection.pk}", at_engine, connection.starts, connection.starts_seconds))
    if trunk and trunk.starts:
        found.append(Window(f"trunk:{trunk.pk}", Q(trunk_id=trunk.pk), trunk.starts, trunk.starts_seconds))
    return found


def family(head: object) -> Q:
    """What belongs to an agency and its clients."""
    return Q(organization_id=head) | Q(organization__parent_id=head)


@contextmanager
def reading_all(windows: Sequence[Window]) -> Iterator[None]:
    """Limits of an agency or an engine count everyone's calls; who writes stays the same (tenancy 9)."""
    scope = current()
    if not windows or scope is None:
        yield
        return
    with acting(Scope(scope.organizations, overview=True, operator=scope.operator)):
        yield


@step
def book(
    windows: Sequence[Window], *, most: dt.timedelta, lead: dt.timedelta = LEAD, but: object = None
) -> tuple[dt.datetime, float]:
    """The instant of the next start, and the same on this process's steady clock. The caller writes it to the call.

    Args:
        most: how far ahead it may lie.
        but: the call itself, when it was booked before.

    Raises NotYet.
    """
    lock_starts([window.name for window in windows])
    # Others were waited for: only the clock as it is behind the locks says what is free.
    now, read = db.now(), time.monotonic()
    at = next_start(windows, now + lead, but=but)
    if at - now > most:
        raise NotYet(at, now)
    return at, read + (at - now).total_seconds()


def next_start(windows: Sequence[Window], earliest: dt.datetime, *, but: object = None) -> dt.datetime:
    """The first instant from `earliest` on at which each window has room, behind everything that is booked."""
    at = earliest
    for window in windows:
        booked = Call.objects.filter(window.calls, direction=Call.Direction.OUTBOUND, sent_at__gt=earliest - window.lasts)
        last = booked.exclude(pk=but).order_by("-sent_at").values_list("sent_at", flat=True)
        for full_since in last[window.starts - 1 : window.starts]:
            at = max(at, (full_since or at) + window.lasts)
    return at


class Booking:
    """Starts of many calls of one organization and engine, behind the locks of all their limits. What was booked before is
    read once; the caller writes each instant to its call in this transaction."""

    def __init__(self, windows: Iterable[Window], *, lead: dt.timedelta, but: Collection[object]) -> None:
        each_once = {_key(window): window for window in windows}
        lock_starts(sorted({window.name for window in each_once.values()}, key=_place))
        self.now, self.read = db.now(), time.monotonic()
        self.earliest = self.now + lead
        self._booked = {key: self._newest(window, but) for key, window in each_once.items()}

    def take(self, windows: Sequence[Window], wanted: dt.datetime | None) -> dt.datetime:
        """The first instant with room in each of the windows, not before `wanted`; it is taken for those that follow."""
        at = max(self.earliest, wanted or self.earliest)
        for window in windows:
            booked = self._booked[_key(window)]
            if len(booked) >= window.starts:
                at = max(at, booked[-window.starts] + window.lasts)
        for window in windows:
            insort(self._booked[_key(window)], at)
        return at

    def steady(self, at: dt.datetime) -> float:
        """The same instant on this process's steady clock."""
        return self.read + (at - self.now).total_seconds()

    def _newest(self, window: Window, but: Collection[object]) -> list[dt.datetime]:
        calls = Call.objects.filter(
            window.calls, direction=Call.Direction.OUTBOUND, sent_at__gt=self.earliest - window.lasts
        ).exclude(pk__in=but)
        newest = calls.order_by("-sent_at").values_list("sent_at", flat=True)[: window.starts]
        return sorted(at for at in newest if at)


def closed_until(connection_id: UUID, trunk_id: UUID | None, now: dt.datetime) -> dt.datetime | None:
    """Until when the engine asked for patience with calls through this trunk, as it said with an answer 429."""
    asked = Call.objects.filter(connection_id=connection_id, refusal="capacity", next_check_at__gt=now)
    return asked.filter(trunk_id=trunk_id).order_by("-next_check_at").values_list("next_check_at", flat=True).first()


def early(gap: dt.timedelta) -> dt.timedelta:
    """How long before its slot a call is prepared: as long as it takes on a busy machine, shorter where slots come thick
    and fast and one that is missed is made up for by the next."""
    return max(dt.timedelta(milliseconds=100), min(SOON / 2, gap * 0.75))


def waits_its_turn(origin: str) -> bool:
    """Whether a call is one of many that may as well wait a moment."""
    return origin.startswith("campaign:")


def _key(window: Window) -> tuple[str, int, float]:
    return window.name, window.starts, window.seconds


def _place(name: str) -> tuple[int, str]:
    """In which order locks are taken: as `windows_for` names them."""
    return ("agency", "client", "campaign", "engine", "trunk").index(name.partition(":")[0]), name


def _whole(rate: float) -> tuple[int, float]:
    """Starts a second as a window of whole starts."""
    return (int(rate), 1.0) if rate == int(rate) else (1, 1 / rate)


def _sleep_until(instant: float) -> None:
    if (seconds := instant - time.monotonic()) > 0:
        time.sleep(seconds)
