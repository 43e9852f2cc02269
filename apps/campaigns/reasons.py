"""`selectors.reason_of` as a condition on rows: to filter and count leads by the one reason each has."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from django.db.models import BooleanField, Case, Count, Q, Value, When

from apps.campaigns.dialler.sql import places_of
from apps.campaigns.models import Campaign, Lead, LeadQuerySet
from apps.campaigns.rules import Hours, Rules
from apps.campaigns.rules.book import Book
from apps.campaigns.selectors import State, reason_of
from apps.campaigns.window import ALWAYS

Reason = Lead.Reason
Status = Lead.Status


@dataclass(frozen=True)
class Places:
    """Of the waiting leads: reason to the places that have it for now, and which leads wait longer than their place."""

    by_reason: dict[str, list[str]]
    later: Q


def with_reason(leads: LeadQuerySet, reason: str, state: State) -> LeadQuerySet:
    """Those of the campaign's leads whose `reason_of` it is."""
    over = Q(reason=reason) & ~Q(status__in=Lead.UNFINISHED)
    if reason == Reason.FINISHED:
        over |= Q(reason="") & ~Q(status__in=Lead.UNFINISHED)
    if state.campaign.status != Campaign.Status.SCHEDULED:
        waiting = Q(status=Status.PENDING) if reason == _common(state) else Q(pk=None)
        return leads.filter(over | waiting)
    places = _places(state)
    own = Q(reason=reason) | (Q(reason="") if reason == Reason.WAITING_RETRY else Q(pk=None))
    for_now = Q(place__in=places.by_reason.get(reason, [])) & ~places.later
    return leads.filter(over | Q(status=Status.PENDING) & ((places.later & own) | for_now))


def count_reasons(leads: LeadQuerySet, state: State) -> Counter[str]:
    """How many of the campaign's leads have which reason; those that are finished or being called have none here."""
    is_running = state.campaign.status == Campaign.Status.SCHEDULED
    places = _places(state) if is_running else Places({}, Q(pk=None))
    place_reason = {place: reason for reason, found in places.by_reason.items() for place in found}
    later = Case(When(places.later, then=True), default=False, output_field=BooleanField()) if is_running else Value(False)
    rows = leads.order_by().annotate(later=later).values_list("status", "reason", "place", "later")
    found: Counter[str] = Counter()
    for status, reason, place, is_later, count in rows.annotate(count=Count("pk")):
        if status == Status.CALLING:
            continue
        if status != Status.PENDING:
            found[reason or Reason.FINISHED] += count
        elif not is_running:
            found[_common(state)] += count
        else:
            found[(reason or Reason.WAITING_RETRY) if is_later else place_reason.get(place, _common(state))] += count
    return found


def _places(state: State) -> Places:
    by_reason: dict[str, list[str]] = defaultdict(list)
    by_time: dict[dt.datetime | None, list[str]] = defaultdict(list)
    for place in places_of(state.campaign.pk):
        hours = state.rules.hours(place, state.now)
        by_time[hours.next_at].append(place)
        by_reason[str(hours.reason) if not hours.is_open and hours.reason else _common(state)].append(place)
    later = Q(pk=None)
    for next_at, places in by_time.items():
        waits = Q(next_attempt_at__isnull=False) if next_at is None else Q(next_attempt_at__gt=next_at)
        later |= Q(place__in=places) & waits
    return Places(dict(by_reason), later)


def _common(state: State) -> str:
    """The reason of a lead that nothing of its own holds back."""
    free = Lead(campaign=state.campaign, organization_id=state.campaign.organization_id, status=Status.PENDING)
    return str(reason_of(free, replace(state, rules=_AnyHour(state.campaign, Book(), state.now, ALWAYS))))


class _AnyHour(Rules):
    def hours(self, place: str, now: dt.datetime) -> Hours:
        return Hours(is_open=True, until=None, next_at=now, reason=None)
