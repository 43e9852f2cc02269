"""When a campaign will be done, worked out by places and not by leads. Pure arithmetic: no database, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.campaigns.rules import Hours

Openings = Callable[[str, dt.datetime], Hours]
# Places beyond these are few people each; they are taken for one of the others.
MOST_PLACES = 60
HORIZON = dt.timedelta(days=60)


@dataclass(frozen=True)
class Pace:
    """What limits how fast calls follow each other.

    `lines` at once, each taken for `seconds` by one attempt; `starts` per second, None: no limit.
    """

    lines: int
    seconds: float
    starts: float | None = None

    @property
    def per_second(self) -> float:
        by_lines = self.lines / max(self.seconds, 0.1)
        return by_lines if self.starts is None else min(by_lines, self.starts)


@dataclass(frozen=True)
class Finish:
    """`first` and `last` call; None: never. `last` None beside a `first`: not within 60 days."""

    first: dt.datetime | None
    last: dt.datetime | None


def finish_of(
    leads: Mapping[str, int], openings: Openings, pace: Pace, *, again: list[float], delay: dt.timedelta, now: dt.datetime
) -> Finish:  # fmt: skip
    """The way the dialler goes: fresh leads first, in the hours of their places, then each further attempt.

    Args:
        leads: by place.
        again: the share of the leads that needs a second attempt, a third, …
        delay: between two attempts to a lead.
    """
    groups = _largest(leads)
    first, end = _round(groups, openings, pace.per_second, now, now + HORIZON)
    at: dt.datetime | None = end
    start = first
    for share in again:
        rest = {place: count * share for place, count in groups.items()}
        if at is None or start is None or sum(rest.values()) < 0.5:
            break
        # The last fresh lead that was not reached is called again after the delay.
        start, at = max(at, start + delay), _last(groups, openings, at + delay, now + HORIZON)
        start, done = _round(rest, openings, pace.per_second, start, now + HORIZON)
        at = max(at, done) if at and done else None
    return Finish(first, at)


def _round(
    groups: Mapping[str, float], openings: Openings, per_second: float, now: dt.datetime, limit: dt.datetime
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """One attempt for everybody: the first and the last instant, the last None beyond the limit."""
    left = {place: float(count) for place, count in groups.items() if count > 0}
    known: dict[str, Hours] = {}
    edges: dict[str, dt.datetime] = {}
    first, at = None, now
    while left and at < limit:
        for place in [each for each in left if edges.get(each, at) <= at]:
            known[place] = hours = openings(place, at)
            edge = hours.until if hours.is_open else hours.next_at
            if edge is None or edge <= at:
                left.pop(place)  # never open: nobody there is called
            else:
                edges[place] = edge
        open_now = [place for place in left if known[place].is_open]
        if not left:
            break
        edge = min(edges[place] for place in left)
        if not open_now:
            at = edge
            continue
        first = first or at
        at = _work_off(left, open_now, per_second, at, edge)
    return first, at if not left and first else None


def _work_off(
    left: dict[str, float], open_now: list[str], per_second: float, at: dt.datetime, edge: dt.datetime
) -> dt.datetime:
    """Take off what is called between two instants, from each open place in proportion. Returns when that is done."""
    total, room = sum(left[place] for place in open_now), per_second * (edge - at).total_seconds()
    if total <= room:
        for place in open_now:
            del left[place]
        return at + dt.timedelta(seconds=total / per_second)
    for place in open_now:
        left[place] *= 1 - room / total
    return edge


def _last(groups: Mapping[str, float], openings: Openings, at: dt.datetime, limit: dt.datetime) -> dt.datetime | None:
    """The first instant from `at` on at which somebody may be called."""
    chances = [hours.next_at for place in groups if (hours := openings(place, at)).next_at]
    found = min(chances, default=None)
    return found if found and found < limit else None


def _largest(leads: Mapping[str, int]) -> dict[str, float]:
    ranked = sorted(leads.items(), key=lambda each: -each[1])
    groups = {place: float(count) for place, count in ranked[:MOST_PLACES]}
    if rest := sum(count for _place, count in ranked[MOST_PLACES:]):
        groups[ranked[0][0]] += rest
    return groups
