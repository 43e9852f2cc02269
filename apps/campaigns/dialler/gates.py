"""Who of those whose turn it is may be called: hours by place, then each lead's number and consent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from apps.calls.allowed import forbidden_among
from apps.calls.by_number import Wait, number_waits
from apps.calls.refusals import refused_among
from apps.campaigns.dialler.sql import Due, Stop
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules.of import Rules
from apps.organizations.models import Limits

Status = Lead.Status
Reason = Lead.Reason


@dataclass
class Openings:
    """The places of a campaign's pending leads as they are now.

    `open`: place to the first instant at which it is closed. `never`: places where calling is never allowed. `next_at`: when
    the first of the closed ones opens.
    """

    open: dict[str, dt.datetime] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    next_at: dt.datetime | None = None


def openings_of(rules: Rules, places: Iterable[str], now: dt.datetime) -> Openings:
    found = Openings()
    for place in places:
        hours = rules.hours(place, now)
        if hours.is_open and hours.until:
            found.open[place] = hours.until
        elif hours.next_at is None:
            found.never.append(place)
        else:
            found.closed.append(place)
            found.next_at = min(found.next_at or hours.next_at, hours.next_at)
    return found


def stops_among(
    campaign: Campaign, leads: Sequence[Due], rules: Rules, now: dt.datetime, *, limits: Sequence[Limits] | None = None
) -> dict[UUID, Stop]:
    """Those of the leads that are not called now, each with why. A constant number of queries. `limits`: of the
    organization and its agency, when they were read already.

    The agency's lock is held, so a call to the same number that another campaign reserved is seen here.
    """
    organization, numbers = campaign.organization, [lead.phone_number for lead in leads]
    if not numbers:
        return {}
    refused = refused_among(organization, numbers, now)
    forbidden = forbidden_among(organization, numbers, now, limits=limits)
    places = {lead.place for lead in leads}
    kinds = {place: rules.consent_kinds(place) for place in places}
    by_place = {place: rules.number_limits(place) for place in places}
    allowed = {lead.phone_number: by_place[lead.place] for lead in leads if by_place[lead.place]}
    waits = number_waits(organization=organization, numbers=numbers, limits=allowed, now=now)
    stops: dict[UUID, Stop] = {}
    for lead in leads:
        needed = kinds[lead.place]
        if lead.phone_number in refused:
            stops[lead.id] = _skipped(Reason.DO_NOT_CALL)
        elif lead.phone_number in forbidden:
            stops[lead.id] = _skipped(Reason.NOT_ALLOWED)
        elif needed is not None and lead.consent not in needed:
            stops[lead.id] = _skipped(Reason.NO_CONSENT)
        elif stop := _waits(lead, waits.get(lead.phone_number), now):
            stops[lead.id] = stop
    return stops


def _waits(lead: Due, wait: Wait | None, now: dt.datetime) -> Stop | None:
    """A retry that falls due before the next tick may be taken before its number's time."""
    if wait is None or wait.until <= max(now, lead.next_attempt_at or now):
        return None
    return Stop(Status.PENDING, Reason(wait.reason), next_attempt_at=wait.until)


def _skipped(reason: Reason) -> Stop:
    return Stop(Status.SKIPPED, reason, result=str(reason))
