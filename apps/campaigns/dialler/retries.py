"""When a lead is called again: by outcome, so often a day, in another part of the day, or when it asked for it.

Nothing here reads the database or a clock. Attempts are all calls to a lead that counted, whatever came of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules.hours import Hours

MOST_ATTEMPTS = 10
SHORTEST_DELAY, LONGEST_DELAY, MOST_DELAYS = 5, 43_200, 9  # minutes
SHORT_SECONDS = 10
# Starts of the morning, the afternoon and the evening, and the end of the evening, by the lead's clock.
PARTS = (dt.time(9), dt.time(12), dt.time(17), dt.time(21))
DAY = dt.timedelta(days=1)
# For a part that was not tried yet a lead waits so long, for another than the last one so long.
FRESH_PART, OTHER_PART = 2 * DAY, 7 * DAY
MOST_STEPS = 200
FURTHEST_CALL_BACK = 60 * DAY


class Kind(models.TextChoices):
    """What a retry rule can be for."""

    NO_ANSWER = "no_answer", _("No answer")
    BUSY = "busy", _("Busy")
    DECLINED = "declined", _("Declined")
    VOICEMAIL = "voicemail", _("Voicemail")
    FAILED = "failed", _("Call failed")
    SHORT_CALL = "short_call", _("Short talk")


Openings = Callable[[dt.datetime], Hours]


@dataclass(frozen=True)
class Rule:
    """At most `attempts` calls in all when the last one ended so; `delays` in minutes after the first, the second, …

    The last delay repeats. `seconds`: talks below that are short.
    """

    attempts: int
    delays: tuple[int, ...]
    seconds: int = SHORT_SECONDS

    def delay(self, attempts: int) -> dt.timedelta:
        """How long to wait after this many attempts."""
        minutes = self.delays[min(max(attempts, 1), len(self.delays)) - 1]
        return dt.timedelta(seconds=minutes * settings.CAMPAIGN_MINUTE_SECONDS)


@dataclass(frozen=True)
class Terms:
    """How a campaign calls again. An outcome without a rule of its own follows `general`; a short talk is then a talk."""

    general: Rule
    rules: Mapping[str, Rule]
    per_day: int | None = None
    spreads: bool = False
    voicemail: str = Campaign.Voicemail.MESSAGE

    @classmethod
    def of(cls, campaign: Campaign) -> Terms:
        general = Rule(campaign.max_attempts, (campaign.retry_delay_minutes,))
        rules = {kind: _rule(stored, general) for kind, stored in (campaign.retry_rules or {}).items()}
        return cls(general, rules, campaign.max_attempts_per_day, campaign.spreads_day_parts, campaign.voicemail_counts)

    @property
    def most(self) -> int:
        """Attempts that a lead can have without asking for one."""
        return max(self.general.attempts, *(rule.attempts for rule in self.rules.values()), 1)

    @property
    def needs_history(self) -> bool:
        return self.spreads or self.per_day is not None

    def rule(self, kind: str) -> Rule:
        return self.rules.get(kind, self.general)

    def allows(self, kind: str, attempts: int) -> bool:
        return attempts < self.rule(kind).attempts

    def is_short(self, seconds: float) -> bool:
        rule = self.rules.get(Kind.SHORT_CALL)
        return rule is not None and seconds < rule.seconds


@dataclass(frozen=True)
class Person:
    """Where and when a lead is, and when it was tried before."""

    zone: ZoneInfo
    openings: Openings
    tried: Sequence[dt.datetime] = ()


@dataclass(frozen=True)
class Again:
    """The next attempt; `reason` says why it lies ahead when that is more than the delay."""

    at: dt.datetime
    reason: str = ""


def kind_of(result: str) -> str:
    """The retry rule that a call's end falls under."""
    named = (Kind.NO_ANSWER, Kind.BUSY, Kind.DECLINED, Kind.VOICEMAIL)
    return result if result in named else Kind.FAILED


def next_attempt(terms: Terms, kind: str, *, attempts: int, ended_at: dt.datetime, person: Person) -> Again:
    """When a lead is called again that may be.

    Args:
        attempts: that counted, this one included.
        ended_at: the end of the last one; `person.tried` holds its start too.
    """
    at, reason = ended_at + terms.rule(kind).delay(attempts), ""
    if terms.per_day is not None and _on_day(person, at) >= terms.per_day:
        at, reason = _next_day(at, person.zone), Lead.Reason.DAY_LIMIT
    if terms.spreads:
        at = another_part(at, person)
    return Again(at, reason)


def another_part(at: dt.datetime, person: Person) -> dt.datetime:
    """The first instant from `at` on, within the hours, in a part of the day in which the lead was not tried yet.

    Else, in another one than the last; `at` itself when there is none within a week.
    """
    parts = [part_of(each, person.zone) for each in person.tried]
    if not parts:
        return at
    every = set(range(len(PARTS) - 1))
    fresh, others = every - set(parts), every - {parts[-1]}
    found = _within(fresh, at, FRESH_PART, person) if fresh else None
    return found or _within(others, at, OTHER_PART, person) or at


def call_back(wanted: dt.datetime, *, asked_at: dt.datetime, now: dt.datetime, openings: Openings) -> Again | None:
    """The attempt that a lead asked for, moved into the hours; None for a time that cannot be meant.

    Args:
        wanted: the time that was named in the call.
        asked_at: when the call ended.
    """
    if not asked_at - DAY / 24 < wanted < asked_at + FURTHEST_CALL_BACK:
        return None
    at = max(wanted, now)
    hours = openings(at)
    return Again(at if hours.is_open else hours.next_at or at, Lead.Reason.CALL_BACK)


def moment_of(stored: object, zone: ZoneInfo) -> dt.datetime | None:
    """A call's analysis names a time as text: ISO 8601, without offset by the lead's clock. None when it does not."""
    try:
        moment = dt.datetime.fromisoformat(str(stored).strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(dt.UTC)


def part_of(moment: dt.datetime, zone: ZoneInfo) -> int | None:
    """0 in the morning, 1 in the afternoon, 2 in the evening, None at night."""
    local = moment.astimezone(zone).time()
    return next((part for part in range(len(PARTS) - 1) if PARTS[part] <= local < PARTS[part + 1]), None)


def _rule(stored: Mapping[str, Any], general: Rule) -> Rule:
    delays = tuple(stored.get("delays") or general.delays)
    return Rule(stored.get("attempts", general.attempts), delays, stored.get("seconds") or SHORT_SECONDS)


def _on_day(person: Person, at: dt.datetime) -> int:
    day = at.astimezone(person.zone).date()
    return sum(each.astimezone(person.zone).date() == day for each in person.tried)


def _next_day(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    tomorrow = at.astimezone(zone).date() + DAY
    return dt.datetime.combine(tomorrow, dt.time(), zone).astimezone(dt.UTC)


def _within(parts: Iterable[int], at: dt.datetime, wait: dt.timedelta, person: Person) -> dt.datetime | None:
    """The first open instant in one of the parts, from `at` until so long after it."""
    wanted, end, moment = set(parts), at + wait, at
    for _step in range(MOST_STEPS):
        if moment >= end:
            return None
        hours = person.openings(moment)
        if not hours.is_open:
            if hours.next_at is None or hours.next_at <= moment:
                return None
            moment = hours.next_at
        elif part_of(moment, person.zone) in wanted:
            return moment
        else:
            moment = min(_next_part(moment, person.zone), hours.until or end)
    return None


def _next_part(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The next instant at which another part of the day begins."""
    date = moment.astimezone(zone).date()
    edges = [
        dt.datetime.combine(day, clock, zone).astimezone(dt.UTC) for day in (date, date + DAY) for clock in PARTS
    ]
    return next(edge for edge in edges if edge > moment)
