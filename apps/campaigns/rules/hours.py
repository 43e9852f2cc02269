"""Whether a person may be called now, until when, or from when on: the one arithmetic of calling hours."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from apps.campaigns.models import Lead
from apps.campaigns.rules.packs import Line, in_force
from apps.campaigns.rules.public_holidays import holidays_of
from apps.campaigns.window import DAY, WHOLE_DAY, Spans, Week, common, instant, laid_out, span_at

Reason = Lead.Reason
# How far is looked ahead, in days: most openings lie within the first stretch. What does not open in the last never opens.
STRETCHES = (9, 40, 400)


@dataclass(frozen=True)
class Hours:
    """Whether calling is allowed at the instant asked for.

    `until`: the first instant at which it is not any more (looked for at least a week ahead), None while closed.
    `next_at`: now while open, else the first instant at which it is; None: never (within 400 days). `reason`: why it is
    closed, a value of Lead.Reason; None while open.
    """

    is_open: bool
    until: dt.datetime | None
    next_at: dt.datetime | None
    reason: str | None


@dataclass(frozen=True)
class Days:
    """What is allowed on each day, whatever the zone: the campaign's window, the packs and public holidays of a place."""

    week: Week | None
    country: str = ""
    region: str = ""
    skips_holidays: bool = False
    purpose: str = "service"
    lines: tuple[Line, ...] = field(default=())

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        # Asked for once per day and zone: the values behind it are many.
        return hash((self.week, self.country, self.region, self.skips_holidays, self.purpose, self.lines))

    def of_window(self, ordinal: int) -> Spans:
        return self.week[(ordinal - 1) % 7] if self.week is not None else WHOLE_DAY

    def of_rules(self, ordinal: int) -> Spans:
        day = dt.date.fromordinal(ordinal)
        parts = [pack.part(self.purpose) for line in self.lines if (pack := in_force(line, day))]
        watches = self.skips_holidays or any(not part.open_on_holidays for part in parts)
        is_holiday = watches and self.is_holiday(day)
        if is_holiday and self.skips_holidays:
            return ()
        found = WHOLE_DAY
        for part in parts:
            spans = part.spans_of(day, is_holiday=is_holiday)
            found = found if spans is None else common(found, spans)
        return found

    def is_holiday(self, day: dt.date) -> bool:
        return day in holidays_of(self.country, self.region, day.year)

    def says_nothing(self) -> bool:
        return self.week is None and not self.skips_holidays and not self.lines


@functools.lru_cache(maxsize=50_000)
def _spans_of(days: Days, ordinal: int) -> Spans:
    found = days.of_window(ordinal)
    return common(found, days.of_rules(ordinal)) if found else ()


@dataclass(frozen=True)
class Clause:
    """By the wall clock of which zone the days are told."""

    zone: str
    days: Days


def hours_of(clauses: frozenset[Clause], now: dt.datetime) -> Hours:
    """All clauses must agree. Pure; what was worked out for a day is remembered."""
    at = now.timestamp()
    today = int(at) // DAY
    for days in STRETCHES:
        current, following = span_at(_spans(clauses, today, days), at)
        if current:
            return Hours(True, instant(current[1]), now, None)
        if following:
            return Hours(False, None, instant(following[0]), _reason(clauses, now))
    return Hours(False, None, None, Reason.NEVER_OPEN)


def _reason(clauses: frozenset[Clause], now: dt.datetime) -> str:
    """The campaign's own window before a holiday, that before legal hours; any zone that forbids counts."""
    found = {reason for clause in clauses if (reason := _reason_in(clause, now))}
    return next((reason for reason in (Reason.WAITING_WINDOW, Reason.HOLIDAY) if reason in found), Reason.OUTSIDE_HOURS)


def _reason_in(clause: Clause, now: dt.datetime) -> str | None:
    at, days = int(now.timestamp()), clause.days
    if not laid_out(clause.zone, days.of_window, at, at + 1):
        return Reason.WAITING_WINDOW
    if laid_out(clause.zone, days.of_rules, at, at + 1):
        return None
    is_holiday = days.is_holiday(now.astimezone(ZoneInfo(clause.zone)).date())
    return Reason.HOLIDAY if is_holiday else Reason.OUTSIDE_HOURS


def _spans(clauses: frozenset[Clause], today: int, length: int) -> Spans:
    return (_near if length == STRETCHES[0] else _far)(clauses, today, length)


def _common(clauses: frozenset[Clause], today: int, length: int) -> Spans:
    found: Spans = ((today * DAY, (today + length) * DAY),)
    laid = _laid_near if length == STRETCHES[0] else _laid_far
    for clause in clauses:
        found = common(found, laid(clause, today, length)) if found else ()
    return found


def _laid(clause: Clause, today: int, length: int) -> Spans:
    first = today * DAY
    return laid_out(clause.zone, functools.partial(_spans_of, clause.days), first, first + length * DAY)


# What lies near is small and asked for every second; what lies far is large and asked for by few.
_near, _far = functools.lru_cache(8192)(_common), functools.lru_cache(512)(_common)
_laid_near, _laid_far = functools.lru_cache(4096)(_laid), functools.lru_cache(256)(_laid)
