"""When a campaign may dial: a daily window on some weekdays, by the wall clock of its zone (features 14)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

DAY = dt.timedelta(days=1)
# The longest stretch without an opening: one weekday a week, and a clock change that swallows its window.
HORIZON = 15


@dataclass(frozen=True)
class Window:
    """Open from `start` until just before `end`, on `days` (Monday is 1).

    What the clock on the wall says decides: a window inside the hour that a spring night leaves out does not open, one
    inside the hour that an autumn night repeats opens twice.
    """

    start: dt.time
    end: dt.time
    days: frozenset[int]
    zone: ZoneInfo

    def is_open(self, now: dt.datetime) -> bool:
        local = now.astimezone(self.zone)
        return local.isoweekday() in self.days and self.start <= local.time() < self.end

    def closes_at(self, now: dt.datetime) -> dt.datetime:
        """The first instant after `now` at which an open window is closed; `now` itself when it is closed already."""
        if not self.is_open(now):
            return now
        return next(edge for edge in self._edges(now, days=3) if edge > now and not self.is_open(edge))

    def next_opening(self, now: dt.datetime) -> dt.datetime | None:
        """`now` while it is open, else the next instant at which it opens; None when it never does."""
        if self.is_open(now):
            return now
        edges = self._edges(now, days=HORIZON)
        return next((edge for edge in edges if edge > now and self.is_open(edge)), None)

    def _edges(self, now: dt.datetime, *, days: int) -> Iterable[dt.datetime]:
        """Every instant from yesterday on at which the answer may change, in order."""
        first = now.astimezone(self.zone).date() - DAY
        dates = [first + DAY * number for number in range(days + 1)]
        return sorted({edge for date in dates for edge in self._edges_of(date)})

    def _edges_of(self, date: dt.date) -> Iterator[dt.datetime]:
        for moment in (self.start, self.end):
            for fold in (0, 1):
                yield dt.datetime.combine(date, moment, self.zone).replace(fold=fold).astimezone(dt.UTC)
        midnight = dt.datetime.combine(date, dt.time(), self.zone)
        yield midnight.astimezone(dt.UTC)
        if midnight.utcoffset() != dt.datetime.combine(date + DAY, dt.time(), self.zone).utcoffset():
            yield self._change_between(midnight.astimezone(dt.UTC))

    def _change_between(self, start: dt.datetime) -> dt.datetime:
        """The instant of the clock change within the 26 hours after `start`."""
        before, low, high = start.astimezone(self.zone).utcoffset(), 0, 26 * 3600
        while high - low > 1:
            middle = (low + high) // 2
            at = (start + dt.timedelta(seconds=middle)).astimezone(self.zone)
            low, high = (middle, high) if at.utcoffset() == before else (low, middle)
        return start + dt.timedelta(seconds=high)
