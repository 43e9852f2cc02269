"""Campaigns: the list, and one campaign with its leads."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.campaigns.pages import campaign_of, lead_page, list_rows, live_context, seen_by
from apps.core import db


@require_safe
def campaign_list(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    return render(request, "campaigns/list.html", {"rows": list_rows(organization), "now": db.now()})


@require_safe
def campaign_detail(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    campaign = campaign_of(request, pk)
    context = live_context(campaign, db.now())
    context |= lead_page(campaign, context["state"], request.GET.dict())
    return render(request, "campaigns/detail.html", context)


@require_safe
def campaign_live(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The part of the page that changes by itself."""
    context = live_context(campaign_of(request, pk), db.now())
    return render(request, "campaigns/_live.html", context | seen_by(request))
