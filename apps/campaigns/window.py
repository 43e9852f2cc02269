"""When a campaign may dial, by the wall clock of a zone (features 14): spans of a day, laid out as spans of time.

What the clock on the wall says decides: a span inside the hour that a spring night leaves out does not open, one inside the
hour that an autumn night repeats opens twice.
"""

from __future__ import annotations

import bisect
import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

DAY = 86_400
EPOCH = dt.date(1970, 1, 1).toordinal()
# The longest stretch without an opening of a week: one weekday, and a clock change that swallows it.
HORIZON = 15

# Seconds since midnight, from one until just before the other; of a day in order, without overlap.
Span = tuple[int, int]
Spans = tuple[Span, ...]
# The spans of Monday to Sunday.
Week = tuple[Spans, ...]
WHOLE_DAY: Spans = ((0, DAY),)
ALWAYS: Week = (WHOLE_DAY,) * 7


def seconds_of(text: str) -> int:
    """Seconds since midnight of "09:00", "09:00:30" or "24:00". Raises ValueError for anything else."""
    if text == "24:00":
        return DAY
    time = dt.time.fromisoformat(text)
    return time.hour * 3600 + time.minute * 60 + time.second


def week_of(windows: Iterable[Mapping[str, Any]]) -> Week:
    """The spans of `Campaign.windows`. A window whose end is not after its start goes on past midnight."""
    days: list[list[Span]] = [[] for _day in range(7)]
    for window in windows:
        start, end = seconds_of(window["start"]), seconds_of(window["end"])
        for day in window["days"]:
            days[day - 1].append((start, end if end > start else DAY))
            if end <= start and end:
                days[day % 7].append((0, end))
    return tuple(union(spans) for spans in days)


def daily(start: dt.time, end: dt.time, days: Iterable[int]) -> Week:
    """The same span on some weekdays (Monday is 1)."""
    span = (start.hour * 3600 + start.minute * 60 + start.second, end.hour * 3600 + end.minute * 60 + end.second)
    return tuple((span,) if day in set(days) else () for day in range(1, 8))


def union(spans: Iterable[Span]) -> Spans:
    """In order, what overlaps or touches as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return tuple(found)


def common(one: Sequence[Span], other: Sequence[Span]) -> Spans:
    """What lies in both; each in order and without overlap."""
    found: list[Span] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            found.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def laid_out(zone: str, spans_of: Callable[[int], Spans], first: int, last: int) -> Spans:
    """The instants (seconds since 1970, UTC) from `first` until before `last` at which a zone's wall clock is in its spans.

    Args:
        spans_of: the spans of a day, by its ordinal (`date.toordinal`).
    """
    found: list[Span] = []
    for start, end, offset in _stretches(zone, first, last):
        for day in range((start + offset) // DAY, (end + offset - 1) // DAY + 1):
            midnight = day * DAY - offset
            for opens, closes in spans_of(day + EPOCH):
                if (begin := max(start, midnight + opens)) < (stop := min(end, midnight + closes)):
                    found.append((begin, stop))
    return union(found)


def _stretches(zone: str, first: int, last: int) -> Iterable[tuple[int, int, int]]:
    """From `first` until `last` in pieces between clock changes: start, end, seconds that the wall clock is ahead of UTC."""
    start = first
    years = range(dt.datetime.fromtimestamp(first, dt.UTC).year, dt.datetime.fromtimestamp(last, dt.UTC).year + 1)
    for change in (each for year in years for each in _changes(zone, year)):
        if start < change < last:
            yield start, change, _offset(zone, start)
            start = change
    yield start, last, _offset(zone, start)


@functools.lru_cache(maxsize=4096)
def _changes(zone: str, year: int) -> tuple[int, ...]:
    """The instants of a year at which a zone's clock is changed, found by looking at each day; a day has one at most."""
    found = []
    first = (dt.date(year, 1, 1).toordinal() - EPOCH) * DAY
    last = (dt.date(year + 1, 1, 1).toordinal() - EPOCH) * DAY
    for day in range(first, last, DAY):
        low, high = day, day + DAY
        before = _offset(zone, low)
        if before == _offset(zone, high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
        found.append(high)
    return tuple(found)


def _offset(zone: str, at: int) -> int:
    offset = dt.datetime.fromtimestamp(at, ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def instant(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def span_at(spans: Sequence[Span], at: float) -> tuple[Span | None, Span | None]:
    """The span that holds an instant, and the next one that begins after it."""
    place = bisect.bisect_right(spans, at, key=lambda span: span[0])
    current = spans[place - 1] if place and at < spans[place - 1][1] else None
    return current, spans[place] if place < len(spans) else None


@dataclass(frozen=True)
class Window:
    """A week by the wall clock of one zone."""

    week: Week
    zone: ZoneInfo

    def is_open(self, now: dt.datetime) -> bool:
        return self._around(now)[0] is not None

    def closes_at(self, now: dt.datetime) -> dt.datetime:
        """The first instant after `now` at which an open window is closed; `now` itself when it is closed already."""
        current, _next = self._around(now)
        return instant(current[1]) if current else now

    def next_opening(self, now: dt.datetime) -> dt.datetime | None:
        """`now` while it is open, else the next instant at which it opens; None when it never does."""
        current, following = self._around(now)
        if current:
            return now
        return instant(following[0]) if following else None

    def _around(self, now: dt.datetime) -> tuple[Span | None, Span | None]:
        first = int(now.timestamp())
        return span_at(laid_out(self.zone.key, self._spans_of, first, first + HORIZON * DAY), now.timestamp())

    def _spans_of(self, day: int) -> Spans:
        return self.week[(day - 1) % 7]
