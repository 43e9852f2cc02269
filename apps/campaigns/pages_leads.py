"""The leads of a campaign as a page shows them: filters, pages, the one reason and the next attempt of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.campaigns import selectors
from apps.campaigns.forecast import skipped_for
from apps.campaigns.models import Attempt, Campaign, Lead, LeadQuerySet
from apps.campaigns.reasons import count_reasons, with_reason
from apps.campaigns.results.outcomes import leads_with
from apps.campaigns.rules.places import read_place
from apps.core.status import status_of
from apps.core.templatetags.ui import number

PAGE = 50
FILTERS = ("status", "result", "reason", "place", "outcome", "will")


@dataclass(frozen=True)
class Instant:
    """A moment on the clock of the person called, and on the viewer's where that differs (else empty)."""

    at: dt.datetime
    there: str
    zone: str
    here: str


@dataclass(frozen=True)
class Row:
    lead: Lead
    reason: str | None
    next: Instant | None

    @property
    def can_skip(self) -> bool:
        return self.lead.status == Lead.Status.PENDING

    @property
    def can_put_back(self) -> bool:
        return (self.lead.status, self.lead.reason) == (Lead.Status.SKIPPED, Lead.Reason.SKIPPED)


@dataclass(frozen=True)
class Option:
    """One value of a filter, with how many leads it chooses."""

    value: str
    label: str
    count: int


def lead_page(campaign: Campaign, state: selectors.State, query: Mapping[str, str]) -> dict[str, Any]:
    """One page of leads, oldest first, narrowed as `chosen` says."""
    leads = chosen(_leads(campaign), query, state).oldest()
    page = Paginator(leads, PAGE).get_page(query.get("page"))
    rows = [row_of(lead, state) for lead in page.object_list]
    filters = {name: query[name] for name in ("q", *FILTERS) if query.get(name, "").strip()}
    return {"rows": rows, "leads": page, "range": _range(page), "is_filtered": bool(filters), "filters": filters}


def row_of(lead: Lead, state: selectors.State) -> Row:
    found = selectors.next_attempt_of(lead, state)
    zone = zone_of(lead, state.campaign)
    return Row(lead, selectors.reason_of(lead, state), instant(found, zone) if found and found > state.now else None)


def chosen(leads: LeadQuerySet, query: Mapping[str, str], state: selectors.State) -> LeadQuerySet:
    """Narrowed by `status`, `result`, `reason` (the one it has now), `will` (why it would be skipped), `outcome` (of the results), `place` (country or zone) and `q` in number and values."""
    if query.get("status") in Lead.Status.values:
        leads = leads.filter(status=query["status"])
    if result := query.get("result"):
        leads = leads.filter(result=result).exclude(status=Lead.Status.CALLING)
    if query.get("reason") in Lead.Reason.values:
        leads = with_reason(leads, query["reason"], state)
    if query.get("will") in Lead.Reason.values:
        leads = leads.pending().filter(skipped_for(state.campaign, query["will"], state.rules, state.now))
    if outcome := query.get("outcome"):
        leads = leads.filter(leads_with(outcome))
    if place := query.get("place"):
        leads = leads.filter(place=place)
    text = query.get("q", "").strip()[:100]
    return leads.filter(_matches(text)) if text else leads


def filter_options(state: selectors.State, progress: selectors.Progress) -> dict[str, list[Option]]:
    """What each filter offers, with counts: outcomes from the progress that was read already, the rest in one query each."""
    own = _leads(state.campaign)
    reasons = count_reasons(own, state)
    del reasons[Lead.Reason.FINISHED]
    places = own.order_by().exclude(place="").values_list("place").annotate(count=Count("pk"))
    found = dict(places.order_by("-count")[:50])
    return {
        "results": _named(progress.results),
        "reasons": _named(reasons),
        "places": [Option(place, place_words(place), count) for place, count in found.items()] if len(found) > 1 else [],
    }


def attempts_of(lead: Lead) -> list[Attempt]:
    """Every try to reach the lead with its call, the newest first."""
    own = Attempt.objects.for_organization(lead.organization_id).filter(lead=lead).select_related("call")
    return list(own.only(*_SHOWN).order_by("-number"))


def zone_of(lead: Lead, campaign: Campaign) -> ZoneInfo:
    """The zone by whose clock the lead's times are shown: the person's (the first of several), else the campaign's."""
    return ZoneInfo((read_place(lead.place).zones or (campaign.timezone,))[0])


def instant(moment: dt.datetime, zone: ZoneInfo) -> Instant:
    there, here = moment.astimezone(zone), timezone.localtime(moment)
    differs = there.utcoffset() != here.utcoffset()
    return Instant(moment, date_format(there, "D j M H:i"), str(zone), date_format(here, "D j M H:i") if differs else "")


def place_words(text: str) -> str:
    """Country, region and zones of a place, for people."""
    place = read_place(text)
    where = "-".join(part for part in (place.country, place.region) if part)
    zones = ", ".join(place.zones[:2]) + (f" +{len(place.zones) - 2}" if len(place.zones) > 2 else "")
    return " · ".join(part for part in (where, zones) if part)


_SHOWN = (
    "number", "outcome", "is_counted", "settled_at", "created_at", "organization_id", "lead_id", "call__public_id",
    "call__status", "call__end_reason", "call__duration_seconds", "call__started_at", "call__ended_at", "call__created_at",
    "call__sent_at", "call__cost", "call__is_charged",
)  # fmt: skip


def _leads(campaign: Campaign) -> LeadQuerySet:
    return Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign)


def _named(counts: Mapping[str, int]) -> list[Option]:
    options = [Option(value, str(status_of(value).label), count) for value, count in counts.items() if count]
    return sorted(options, key=lambda each: each.label)


def _matches(text: str) -> Q:
    """A number in any spelling, or a text in any value of the lead."""
    found = Q(variables__icontains=text)
    digits = "".join(mark for mark in text if mark.isdigit()).lstrip("0")
    return found | Q(phone_number__contains=digits) if len(digits) > 2 else found


def _range(page: Page[Lead]) -> str:
    names = {
        "first": number(page.start_index()),
        "last": number(page.end_index()),
        "total": number(page.paginator.count),
    }
    return _("%(first)s–%(last)s of %(total)s") % names
