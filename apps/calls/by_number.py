"""How often a number may be called by an organization, whatever campaign it is a lead of (features 14)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings

from apps.calls.models import Call, CallingRules
from apps.calls.sql import CallTo, calls_to
from apps.organizations.models import Organization

GAP = "number_gap"
LIMIT = "number_limit"
# A call that was reserved long before it rings counts when it rings.
AHEAD = dt.timedelta(days=1)


class NumberLimit(Protocol):
    """At most `calls` calls to one number in any `days` days."""

    @property
    def calls(self) -> int: ...
    @property
    def days(self) -> int: ...


@dataclass(frozen=True)
class Wait:
    """Why a number is not called now, and until when at least. `reason` is `number_gap` or `number_limit`."""

    reason: str
    until: dt.datetime


@dataclass(frozen=True)
class Placed:
    """A call that rang, rings or may ring: from its start to its end; `end` None while it is not over."""

    start: dt.datetime
    end: dt.datetime | None


@dataclass(frozen=True)
class _Limit:
    calls: int
    days: int


def number_waits(
    *, organization: Organization, numbers: Iterable[str], now: dt.datetime,
    limits: Mapping[str, Sequence[NumberLimit]] | None = None,
) -> dict[str, Wait]:  # fmt: skip
    """Those of the numbers (E.164) that have to wait, each with the reason that holds longest. One query, however many.

    Every outbound call of the organization counts that rang, rings, is reserved or may have rung: of all campaigns and
    single ones. Those that certainly did not ring do not. Two transactions that look at once do not see each other's
    reservations: call it under the lock that reserving holds.

    Args:
        limits: by number, what the rules of its country allow beside the organization's own rules.
    """
    wanted, limits = sorted(set(numbers)), limits or {}
    if not wanted:
        return {}
    usual = CallingRules()
    longest = max([usual.number_days, _gap(usual.min_gap_minutes).days + 1, *(each.days for some in limits.values() for each in some)])
    since = now - dt.timedelta(days=longest) - AHEAD
    found = calls_to(organization.pk, wanted, since=since, minute=settings.CAMPAIGN_MINUTE_SECONDS)
    rules = found.rules or (usual.min_gap_minutes, usual.number_attempts, usual.number_days)
    own, gap = [_Limit(*rules[1:])], _gap(rules[0])
    placed = _placed(found.calls)
    waits = {number: _wait(calls, [*own, *limits.get(number, ())], gap, now) for number, calls in placed.items()}
    return {number: wait for number, wait in waits.items() if wait}


def rules_of(organization: Organization) -> CallingRules:
    """The organization's rules; the defaults, not stored, where it chose none."""
    found = CallingRules.objects.for_organization(organization).first()
    return found or CallingRules(organization=organization)


def _gap(minutes: int) -> dt.timedelta:
    return dt.timedelta(seconds=minutes * settings.CAMPAIGN_MINUTE_SECONDS)


def _placed(calls: Iterable[CallTo]) -> dict[str, list[Placed]]:
    found: dict[str, list[Placed]] = {}
    for call in calls:
        start = call.sent_at or max(call.dial_at or call.created_at, call.created_at)
        end = None if call.status in Call.RUNNING else max(call.ended_at or start, start)
        found.setdefault(call.number, []).append(Placed(start, end))
    return found


def _wait(
    calls: list[Placed], limits: Iterable[NumberLimit], gap: dt.timedelta, now: dt.datetime
) -> Wait | None:
    waits = [Wait(GAP, (max(now, each.start) if each.end is None else each.end) + gap) for each in calls]
    waits += _reached(sorted(each.start for each in calls), limits, now)
    ahead = [wait for wait in waits if wait.until > now]
    return max(ahead, key=lambda wait: wait.until, default=None)


def _reached(starts: list[dt.datetime], limits: Iterable[NumberLimit], now: dt.datetime) -> Iterator[Wait]:
    """The limits that the calls have used up, until enough of them are too long ago."""
    for limit in limits:
        days = dt.timedelta(days=limit.days)
        recent = [start for start in starts if start > now - days]
        if len(recent) >= limit.calls > 0:
            yield Wait(LIMIT, recent[-limit.calls] + days)
        elif limit.calls <= 0:
            yield Wait(LIMIT, now + days)
