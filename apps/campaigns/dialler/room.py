"""How many calls a campaign may start now, and when: campaign, client, agency, engine and trunk each have a say.

Lines are running calls, counted anew each time. Starts are only planned here: what is exact about them is the booking at the
moment of sending (calls, services/slots.py).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from apps.calls.services.slots import Window, early, next_start, windows_for
from apps.campaigns.dialler.crowd import Crowd, Wanting, read_others, wanting
from apps.campaigns.dialler.shares import Node, shares
from apps.campaigns.dialler.sql import line_state, read_held
from apps.campaigns.models import Campaign
from apps.core.db import step
from apps.numbers.models import SipTrunk
from apps.organizations.models import Limits
from apps.voice.capabilities import Capabilities
from apps.voice.models import Connection

# Ticks come each second. Who falls due is claimed, and slots are planned, for longer, so that no call is late when some ticks are.
AHEAD, PLANNED = dt.timedelta(seconds=2), dt.timedelta(seconds=2.5)
# Ids are ordered by time; hosts' clocks may differ by a few seconds.
RECENT = dt.timedelta(seconds=40)
REMEMBERED = dt.timedelta(seconds=30)
USUAL_STARTS = 20.0
SLOWEST = 0.5
# Slots are planned a little closer than they come: what was lost is made up for, as far as the window allows.
CATCH_UP = 0.95
MANY = 1_000_000
Place = tuple[str, object]


@dataclass(frozen=True)
class Pace:
    """Slots for starts: the first, and the seconds between two; no gap: all at once."""

    first: dt.datetime
    gap: float | None

    def room(self, now: dt.datetime) -> int | None:
        """How many slots are planned; None: no limit."""
        if self.gap is None:
            return None
        left = (now + PLANNED - self.first).total_seconds()
        return max(0, math.ceil(left / self.gap - 1e-6))

    def slot(self, number: int) -> dt.datetime | None:
        return None if self.gap is None else self.first + dt.timedelta(seconds=number * self.gap)


@dataclass(frozen=True)
class Room:
    """`most` calls may start now. `is_shared`: others have to know what this campaign would like to have."""

    most: int
    pace: Pace
    is_shared: bool
    ceiling: int = 0


def room_of(
    campaign: Campaign, connection: Connection, known: Capabilities, trunk: SipTrunk | None, limits: Sequence[Limits],
    now: dt.datetime,
) -> Room:  # fmt: skip
    """The least of what every limit leaves and of what is fair. The locks of the agency and of the engine are held.

    A trunk and a client belong to one agency, so they need no lock of their own. `limits`: of the organization and its
    agency.
    """
    own, held = wanting(campaign, trunk.pk if trunk else None), read_held()
    state = line_state(
        campaign, connection.pk, own.trunk_id, now=now, since=now - REMEMBERED, first=_first_id(now - RECENT)
    )
    crowd = Crowd(own, [], held, connection, known.concurrent, limits)
    windows = windows_for(
        organization=campaign.organization, connection=connection, trunk=trunk, origin=campaign.origin, starts=own.starts,
        limits=crowd.limits,
    )  # fmt: skip
    ceilings = crowd.ceilings({trunk.pk: trunk.concurrent_calls} if trunk else {})
    limited = any(left is not None for left in ceilings.values())
    if limited or len(windows) > bool(own.starts):
        crowd = Crowd(own, read_others(campaign, connection, now), held, connection, known.concurrent, limits)
        ceilings = crowd.ceilings(_trunk_limits(crowd, trunk))
    lines = _lines(crowd, state.open_attempts, ceilings, now)
    pace, slots = _starts(crowd, windows, _slowed(connection, trunk, known, state.full_seconds), now)
    if state.closed_until:
        slots = 0
    shared = limited or len(windows) > bool(own.starts)
    return Room(max(0, min(lines, slots)), pace, shared, own.ceiling - crowd.holds(own.origin))


@step
def note_wants(campaign: Campaign, wants: int, now: dt.datetime) -> None:
    """How many more calls it would start now: by that the others' next ticks divide."""
    if wants or campaign.wants:
        Campaign.objects.for_organization(campaign.organization_id).filter(pk=campaign.pk).update(wants=wants, wants_at=now)


def _lines(crowd: Crowd, tries: int, ceilings: dict[Place, int | None], now: dt.datetime) -> int:
    """What is free in every place, and no more than the campaign's share of it."""
    own = crowd.own
    places = (("engine", crowd.connection.pk), ("agency", own.head_id), ("client", own.organization_id), ("trunk", own.trunk_id))
    free = [left for place in places if (left := ceilings.get(place)) is not None]
    most = min([own.ceiling - tries, *free])
    if len(crowd.all) == 1 or most <= 0:
        return most

    def leaf(each: Wanting) -> Node:
        holds = crowd.holds(each.origin)
        demand = each.ceiling if each.wants is None else min(each.ceiling, holds + each.wants)
        return Node(each.origin, max(demand, holds), each.floor, weight=each.weight)

    # What the campaigns of the tree hold already is theirs to divide, beside what is free.
    whole = {
        place: None if left is None else max(0, left) + _held_in(crowd, place) for place, left in ceilings.items()
    }
    part = shares(crowd.tree(leaf, whole), turn=int(now.timestamp()))[own.origin]
    return min(most, part - crowd.holds(own.origin))


def _starts(crowd: Crowd, windows: Sequence[Window], slowed: Window | None, now: dt.datetime) -> tuple[Pace, int]:
    """When the campaign's next calls start, and how many of them are planned for now.

    Where campaigns compete, each may reserve its share although others have reserved the slots before it came: who books
    first at the moment of sending goes first, and the others' calls move back.
    """
    every = [*windows, *([slowed] if slowed else [])]
    if not every:
        return Pace(now, None), MANY
    gap = max(_gap(window) for window in every)
    first = next_start(every, now)
    until_next = math.ceil((now + PLANNED - first).total_seconds() / gap - 1e-6)
    own, waiting = crowd.own.origin, crowd.holds(crowd.own.origin, reserved=True)
    taken = 0 if len(crowd.all) > 1 else max((_reserved_by_others(crowd, _place(each, crowd)) for each in every), default=0)
    first += (waiting + taken) * dt.timedelta(seconds=gap)
    pace = Pace(max(now, first - early(dt.timedelta(seconds=gap))), gap)
    ceilings = _slots(crowd, windows)
    if not ceilings:
        return pace, until_next - waiting - taken

    def leaf(each: Wanting) -> Node:
        demand = MANY if each.wants is None else crowd.holds(each.origin, reserved=True) + each.wants
        return Node(each.origin, demand, ceiling=_due(*each.starts) if each.starts else None, weight=each.weight)

    part = shares(crowd.tree(leaf, ceilings), turn=int(now.timestamp()))[own]
    return pace, min(until_next - taken, part) - waiting


def _slowed(connection: Connection, trunk: SipTrunk | None, known: Capabilities, full: int) -> Window | None:
    """Each second of the last half minute in which the engine said "no free line" to calls through this trunk halves
    their pace."""
    if not full:
        return None
    through = Q(connection_id=connection.pk, trunk_id=trunk.pk if trunk else None)
    starts = max(SLOWEST, (known.starts_per_second or USUAL_STARTS) / 2**full)
    return Window(f"slowed:{connection.pk}", through, 1, 1 / starts)


def _gap(window: Window) -> float:
    return window.gap.total_seconds() * CATCH_UP


def _due(starts: int, seconds: float) -> int:
    """How many fall due in the time that is planned."""
    return math.ceil(PLANNED.total_seconds() * starts / seconds)


def _place(window: Window, crowd: Crowd) -> Place:
    kind = window.name.partition(":")[0]
    own = crowd.own
    keys: dict[str, object] = {
        "agency": own.head_id, "client": own.organization_id, "trunk": own.trunk_id, "campaign": own.origin
    }
    return (kind, keys[kind]) if kind in keys else ("engine", crowd.connection.pk)


def _slots(crowd: Crowd, windows: Sequence[Window]) -> dict[Place, int | None]:
    """The slots that are planned in every place, without those that calls of others than these campaigns wait for."""
    found: dict[Place, int | None] = {}
    for window in windows:
        place, due = _place(window, crowd), _due(window.starts, window.seconds)
        found[place] = min(due, found.get(place) or due)
    for each in crowd.all:
        for place in (("agency", each.head_id), ("client", each.organization_id)):
            row = crowd.limits.get(place[1])
            if row and row.starts and (place[0] == "agency" or place[1] != each.head_id):
                found[place] = _due(row.starts, row.starts_seconds)
    return {place: max(0, (due or 0) - _reserved_by_others(crowd, place)) for place, due in found.items()}


def _reserved_by_others(crowd: Crowd, place: Place) -> int:
    kind, key = place
    origins = {each.origin for each in crowd.all}
    names = {"engine": "connection_id", "agency": "head_id", "client": "organization_id", "trunk": "trunk_id", "campaign": "origin"}
    return crowd.count(lambda each: each.origin not in origins and getattr(each, names[kind]) == key, reserved=True)


def _held_in(crowd: Crowd, place: Place) -> int:
    kind, key = place
    names = {"engine": None, "agency": "head_id", "client": "organization_id", "trunk": "trunk_id"}
    name = names[kind]
    return sum(crowd.holds(each.origin) for each in crowd.all if name is None or getattr(each, name) == key)


def _trunk_limits(crowd: Crowd, own: SipTrunk | None) -> dict[UUID, int | None]:
    ids = {each.trunk_id for each in crowd.all if each.trunk_id} - {own.pk if own else None}
    found: dict[UUID, int | None] = dict(SipTrunk.objects.filter(pk__in=ids).values_list("pk", "concurrent_calls")) if ids else {}
    return found | ({own.pk: own.concurrent_calls} if own else {})


def _first_id(moment: dt.datetime) -> UUID:
    """The smallest id that can have been made at that moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
