"""One lead: what is known of it and what a person decides about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.pages import campaign_of, window_words, zone_words
from apps.campaigns.pages_leads import attempts_of, instant, row_of, zone_of
from apps.campaigns.preview import preview_of
from apps.campaigns.rules.words import HINTS
from apps.campaigns.selectors import campaign_state
from apps.campaigns.services.single import NotNow, call_next, put_back, skip_lead
from apps.core import db
from apps.core.errors import DomainError, NotFound
from apps.core.templatetags.ui import phone
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@require_safe
def lead_detail(request: HttpRequest, org: str, pk: UUID, lead_id: UUID) -> HttpResponse:
    """Preview, hours and every attempt."""
    campaign, now = campaign_of(request, pk), db.now()
    lead = lead_of(campaign, lead_id)
    context = {
        "campaign": campaign, "now": now, "lead": lead, "row": row_of(lead, campaign_state(campaign, now)),
        "preview": (preview := preview_of(campaign, lead, now)), "attempts": attempts_of(lead),
        "allowed": _allowed(campaign, lead, preview.obstacle), "window": window_words(campaign), "zone": zone_words(campaign),
        "hints": [HINTS[key] for key in preview.hints if key in HINTS],
    }  # fmt: skip
    return render(request, "campaigns/lead.html", context)


@needs(Role.MEMBER)
@require_POST
def lead_skip(request: HttpRequest, org: str, pk: UUID, lead_id: UUID) -> HttpResponse:
    return _act(request, pk, lead_id, skip_lead, _("%(number)s is skipped. You can put it back."))


@needs(Role.MEMBER)
@require_POST
def lead_put_back(request: HttpRequest, org: str, pk: UUID, lead_id: UUID) -> HttpResponse:
    return _act(request, pk, lead_id, put_back, _("%(number)s waits again."))


@needs(Role.MEMBER)
@require_POST
def lead_call(request: HttpRequest, org: str, pk: UUID, lead_id: UUID) -> HttpResponse:
    """Before all others. Refused with the reason when the rules forbid it now; `whenever` waits for the first chance."""
    whenever = bool(request.POST.get("whenever"))

    def call(**values: Any) -> Lead:
        return call_next(**values, whenever=whenever)

    try:
        text = _("%(number)s is called as soon as allowed.") if whenever else _("%(number)s is called next.")
        return _act(request, pk, lead_id, call, text)
    except NotNow as refusal:
        campaign = campaign_of(request, pk)
        lead = lead_of(campaign, lead_id)
        context = {
            "campaign": campaign, "lead": lead, "obstacle": refusal.obstacle, "back": request.GET.get("back", ""),
            "allowed": _allowed(campaign, lead, refusal.obstacle),
        }  # fmt: skip
        return render(request, "campaigns/lead_not_now.html", context, status=409)


def lead_of(campaign: Campaign, pk: UUID) -> Lead:
    """Raises NotFound for another campaign's lead."""
    found = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign, pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _allowed(campaign: Campaign, lead: Lead, obstacle: Any) -> Any:
    """When an obstacle ends, by the clock of the person called; None: never, or there is none."""
    return instant(obstacle.until, zone_of(lead, campaign)) if obstacle and obstacle.until else None


def _act(request: HttpRequest, pk: UUID, lead_id: UUID, service: Callable[..., Lead], text: str) -> HttpResponse:
    campaign = campaign_of(request, pk)
    try:
        lead = service(campaign=campaign, lead_id=lead_id, by=Actor.of(request), now=db.now())
    except (NotNow, NotFound):
        raise
    except DomainError as error:
        messages.error(request, error.text)
    else:
        messages.success(request, text % {"number": phone(lead.phone_number)})
    if request.GET.get("back") == "lead":
        return redirect("lead", org=campaign.organization.slug, pk=pk, lead_id=lead_id)
    return redirect("campaign", org=campaign.organization.slug, pk=pk)
