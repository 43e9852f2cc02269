"""What moves a campaign: start, resume, pause, cancel, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.campaigns.models import Campaign
from apps.campaigns.pages import campaign_of, live_context, seen_by
from apps.campaigns.pages_forecast import forecast_context, summary
from apps.campaigns.services.campaigns import delete_campaign
from apps.campaigns.services.status import cancel_campaign, pause_campaign, start_campaign
from apps.core import db
from apps.core.errors import DomainError
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@needs(Role.MEMBER)
def campaign_start(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """GET asks, POST starts or resumes. What the launch checks say is on the campaign's page."""
    campaign = campaign_of(request, pk)
    if request.method != "POST":
        return _ask(request, campaign, "start")
    return _move(request, campaign, start_campaign, _("The campaign is running."))


@needs(Role.MEMBER)
@require_POST
def campaign_pause(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    text = _("The campaign is paused. Calls that are running finish.")
    return _move(request, campaign_of(request, pk), pause_campaign, text)


@needs(Role.MEMBER)
def campaign_cancel(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """GET asks, POST cancels for good."""
    campaign = campaign_of(request, pk)
    if request.method != "POST":
        return _ask(request, campaign, "cancel")
    text = _("The campaign is cancelled. Calls that are running finish.")
    return _move(request, campaign, cancel_campaign, text)


@needs(Role.MEMBER)
def campaign_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """GET asks, POST deletes."""
    campaign = campaign_of(request, pk)
    if request.method != "POST":
        return _ask(request, campaign, "delete")
    delete_campaign(campaign=campaign, by=Actor.of(request), now=db.now())
    messages.success(request, _("%(name)s is deleted. Its calls stay.") % {"name": campaign.name})
    return redirect("campaigns", org=org)


def _move(request: HttpRequest, campaign: Campaign, service: Any, text: str) -> HttpResponse:
    try:
        service(campaign=campaign, by=Actor.of(request), now=db.now())
    except DomainError as error:
        messages.error(request, error.text)
    else:
        messages.success(request, text)
    return redirect("campaign", org=campaign.organization.slug, pk=campaign.pk)


def _ask(request: HttpRequest, campaign: Campaign, action: str) -> HttpResponse:
    """On a page, or in the dialog of the campaign's page."""
    template = "campaigns/_confirm.html" if request.htmx else "campaigns/confirm.html"  # type: ignore[attr-defined]
    context = live_context(campaign, db.now()) | seen_by(request) | {"action": action}
    if action == "start":
        context |= forecast_context(campaign, context["now"])
        context |= {"summary": summary(context["forecast"])}
    return render(request, template, context)
