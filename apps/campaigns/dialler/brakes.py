"""What stops a campaign or slows a trunk by itself: read from rows each time, no counter can drift (limits 8, 9).

A campaign whose calls fail is paused until a person lets it go on. A trunk that refuses dials is left alone for a while and
then tried with one call, by whichever campaign comes first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db.models import Q, Sum

from apps.billing.models import CREDIT
from apps.billing.services import HOLD
from apps.calls.models import Call
from apps.calls.services.fate import NOT_COUNTED
from apps.campaigns.models import Attempt, Campaign

Dial = Call.Dial
TRUNK_WINDOW = dt.timedelta(seconds=120)
TRUNK_SHARE, TRUNK_LEAST = 0.5, 5
# How long a failing trunk is left alone, at first and at most; doubled by each try that fails.
REST, LONGEST_REST = dt.timedelta(seconds=10), dt.timedelta(minutes=5)
TRUNK_HISTORY = dt.timedelta(minutes=15)
MOST_ROWS = 2000


@dataclass(frozen=True)
class TrunkState:
    """`closed`: in order. `open`: no call until `until`. `half_open`: one call, to see."""

    state: Literal["closed", "open", "half_open"] = "closed"
    until: dt.datetime | None = None

    @property
    def is_failing(self) -> bool:
        return self.state != "closed"


@dataclass(frozen=True)
class Sent:
    """A dial request: it `failed` at the trunk (True), did not (False), or nobody knows yet (None)."""

    at: dt.datetime
    failed: bool | None


def tripped_by(campaign: Campaign, now: dt.datetime) -> list[str]:
    """The public ids of the calls that are too many failures by the campaign's own terms; empty while all is well.

    A call that ended with an error or in doubt failed; busy and no answer did not, and a request that the engine or the trunk
    turned away is the trunk's matter. Calls that tripped it before count no second time as failures.
    """
    if not campaign.breaker_percent:
        return []
    since = now - dt.timedelta(seconds=campaign.breaker_seconds)
    own = Attempt.objects.for_organization(campaign.organization_id).filter(campaign=campaign, settled_at__gte=since)
    own = own.exclude(outcome__in=NOT_COUNTED).filter(call__isnull=False)
    calls = list(own.values_list("call__public_id", "call__status", "call__end_reason").order_by("settled_at", "pk"))
    before = set(campaign.tripped)
    calls = [each for each in calls if each[0] not in before]
    failed = [public_id for public_id, status, reason in calls if is_failure(status, reason)]
    enough = len(calls) >= campaign.breaker_calls and 100 * len(failed) >= campaign.breaker_percent * len(calls)
    return failed if enough and failed else []


def is_failure(status: str, end_reason: str | None) -> bool:
    if status == Call.Status.ENDED_WITH_ERROR:
        return True
    return status == Call.Status.FAILED and end_reason in ("error", "in_doubt")


def trunk_state(trunk_id: UUID | None, connection_id: UUID, now: dt.datetime) -> TrunkState:
    """Whether calls may leave by this trunk of this engine: one query while nothing failed lately, else two."""
    if trunk_id is None:
        return TrunkState()
    of_trunk = Call.objects.filter(trunk_id=trunk_id, sent_at__gte=now - TRUNK_HISTORY)
    if not of_trunk.filter(_trouble(), connection_id=connection_id).exists():
        return TrunkState()
    rows = of_trunk.filter(connection_id=connection_id, sent_at__lte=now).order_by("-sent_at")
    sent = [Sent(at, _failed(dial, refusal)) for at, dial, refusal in rows.values_list("sent_at", "dial", "refusal")[:MOST_ROWS] if at]
    return judged(reversed(sent), now)


def judged(sent: Iterable[Sent], now: dt.datetime) -> TrunkState:
    """What a trunk's requests, oldest first, say about it now. Pure."""
    recent: list[Sent] = []
    opened_at: dt.datetime | None = None
    rest, is_tried = REST, False
    for each in sent:
        if opened_at is None:
            if each.failed is None:
                continue
            recent = [one for one in recent if one.at > each.at - TRUNK_WINDOW] + [each]
            if each.failed and _is_too_much(recent):
                opened_at, rest, is_tried = each.at, REST, False
        elif each.at < opened_at + rest:
            continue  # it was on its way when the trunk was given its rest
        elif each.failed is None:
            is_tried = True
        elif each.failed:
            opened_at, rest, is_tried = each.at, min(2 * rest, LONGEST_REST), False
        else:
            opened_at, recent = None, []
    if opened_at is None:
        return TrunkState()
    if now < opened_at + rest or is_tried:
        return TrunkState("open", opened_at + rest)
    return TrunkState("half_open")


def _is_too_much(recent: list[Sent]) -> bool:
    failed = sum(bool(each.failed) for each in recent)
    return len(recent) >= TRUNK_LEAST and failed >= TRUNK_SHARE * len(recent)


def _trouble() -> Q:
    """The condition of the index of calls that a trunk failed."""
    return Q(trunk__isnull=False) & (Q(refusal="unavailable") | Q(dial__in=[Dial.UNKNOWN, Dial.IN_DOUBT]))


def _failed(dial: str, refusal: str) -> bool | None:
    if dial == Dial.REFUSED:
        return refusal == "unavailable"
    if dial in (Dial.UNKNOWN, Dial.IN_DOUBT):
        return True
    return None if dial in (Dial.SENDING, Dial.RESERVED) else False


def is_trying(trunk_id: UUID | None, connection_id: UUID) -> bool:
    """Whether a call by this trunk is reserved or being sent: while it is tried with one call, that is the one."""
    waiting = Call.objects.filter(dial__in=[Dial.RESERVED, Dial.SENDING], trunk_id=trunk_id, connection_id=connection_id)
    return waiting.exists()


@dataclass(frozen=True)
class Spent:
    """Of a campaign's calls, in micro-credits: what was booked, and what running ones hold."""

    booked: int
    held: int


def spent_by(campaign: Campaign) -> Spent:
    calls = Call.objects.for_organization(campaign.organization_id).filter(origin=campaign.origin)
    booked = calls.aggregate(sum=Sum("cost"))["sum"] or 0
    held = HOLD * calls.filter(is_charged=True, settled_at=None).count()
    return Spent(int(booked), held)


def budget_left(campaign: Campaign) -> tuple[int | None, bool]:
    """How many calls the budget still allows (None: it has none), and whether it is used up for good: nothing that runs
    now will give any of it back."""
    if campaign.budget is None:
        return None, False
    spent = spent_by(campaign)
    left = campaign.budget - spent.booked - spent.held
    return max(0, left // CREDIT), left < CREDIT and (spent.held == 0 or spent.booked >= campaign.budget)
