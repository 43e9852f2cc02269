"""Campaigns: the list, and one campaign with its leads."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.campaigns.activity import activity_of, chart_of, figures_of, label
from apps.campaigns.limits import limits_on, lines_of
from apps.campaigns.models import Campaign
from apps.campaigns.pages import campaign_of, live_context, seen_by
from apps.campaigns.pages_forecast import forecast_context
from apps.campaigns.pages_leads import filter_options, lead_page
from apps.campaigns.pages_list import list_page
from apps.core import db


@require_safe
def campaign_list(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    now = db.now()
    return render(request, "campaigns/list.html", list_page(organization, request.GET.dict(), now) | {"now": now})


@require_safe
def campaign_detail(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    campaign = campaign_of(request, pk)
    context = live_context(campaign, db.now())
    context |= lead_page(campaign, context["state"], request.GET.dict())
    context |= {"options": filter_options(context["state"], context["progress"])}
    context |= _activity(campaign, context["now"])
    if campaign.status in (Campaign.Status.DRAFT, Campaign.Status.PAUSED) and context["pending"]:
        context |= forecast_context(campaign, context["now"])
    return render(request, "campaigns/detail.html", context)


@require_safe
def campaign_live(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The part of the page that changes by itself."""
    context = live_context(campaign_of(request, pk), db.now())
    return render(request, "campaigns/_live.html", context | seen_by(request))


@require_safe
def campaign_activity(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The data of the chart: newer each time."""
    campaign, now = campaign_of(request, pk), db.now()
    context = {"campaign": campaign, "is_live": campaign.status == Campaign.Status.SCHEDULED}
    return render(request, "campaigns/_activity.html", context | _activity(campaign, now) | seen_by(request))


def _activity(campaign: Campaign, now: dt.datetime) -> dict[str, Any]:
    zone = timezone.get_current_timezone()
    found = activity_of(campaign, zone, now)
    rows = [(label(bar.start, found.width, zone), bar) for bar in reversed(found.bars) if bar.started]
    return {
        "activity": found, "chart": chart_of(found, zone), "bars": rows,
        "figures": figures_of(campaign, now), "lines": lines_of(limits_on(campaign)),
    }  # fmt: skip
