"""The leads of a campaign: the list that refreshes itself, one lead more or less, and the results as a file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.campaigns.forms import LeadForm, posted, refuse
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.pages import campaign_of, seen_by
from apps.campaigns.pages_leads import FILTERS, chosen, lead_page
from apps.campaigns.results import from_file, results_filename, write_results
from apps.campaigns.selectors import campaign_state
from apps.campaigns.services.leads import NewLead, add_lead, remove_lead
from apps.campaigns.services.single import skip_leads
from apps.campaigns.sql import variable_names
from apps.core import db, variables
from apps.core.errors import DomainError
from apps.core.templatetags.ui import number
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@require_safe
def leads(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """One page of leads as a fragment; without htmx the campaign's page."""
    campaign = campaign_of(request, pk)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("campaign", org=org, pk=pk)
    now = db.now()
    context = lead_page(campaign, campaign_state(campaign, now), request.GET.dict())
    context |= {"campaign": campaign, "now": now} | seen_by(request)
    return render(request, "campaigns/_leads.html", context)


@needs(Role.MEMBER)
def lead_add(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    campaign = campaign_of(request, pk)
    form = lead_form(campaign, *posted(request))
    if request.method == "POST" and form.is_valid():
        lead = NewLead(form.cleaned_data["number"], form.variables())
        try:
            add_lead(campaign=campaign, lead=lead, by=Actor.of(request), now=db.now())
        except DomainError as error:
            refuse(form, error)
        else:
            messages.success(request, _("%(number)s is in the campaign.") % {"number": lead.phone_number})
            return redirect("campaign", org=org, pk=pk)
    template = "campaigns/_lead_form.html" if request.htmx else "campaigns/lead_add.html"  # type: ignore[attr-defined]
    context = {"campaign": campaign, "lead_form": form} | seen_by(request)
    return render(request, template, context, status=422 if form.errors else 200)


@needs(Role.MEMBER)
@require_POST
def lead_remove(request: HttpRequest, org: str, pk: UUID, lead_id: UUID) -> HttpResponse:
    campaign = campaign_of(request, pk)
    remove_lead(campaign=campaign, lead_id=lead_id, by=Actor.of(request), now=db.now())
    messages.success(request, _("The lead is removed. Its calls stay."))
    return redirect("campaign", org=org, pk=pk)


@needs(Role.MEMBER)
def leads_skip(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """GET asks how many waiting leads of the filter shall not be called, POST skips them."""
    campaign = campaign_of(request, pk)
    wanted = {name: request.GET[name] for name in ("q", *FILTERS) if request.GET.get(name)}
    state = campaign_state(campaign, db.now())
    if request.method != "POST":
        waiting = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).pending()
        context = {"campaign": campaign, "count": chosen(waiting, wanted, state).count(), "filters": wanted}
        return render(request, "campaigns/leads_skip.html", context | seen_by(request))
    count = skip_leads(
        campaign=campaign, chosen=lambda found: chosen(found, wanted, state), by=Actor.of(request), now=state.now
    )
    text = ngettext("%(count)s lead is skipped.", "%(count)s leads are skipped.", count)
    messages.success(request, text % {"count": number(count)})
    return redirect("campaign", org=org, pk=pk)


@require_safe
def campaign_results(request: HttpRequest, org: str, pk: UUID) -> HttpResponseBase:
    campaign = campaign_of(request, pk)
    filename = results_filename(campaign)
    return from_file(write_results(campaign, db.now()), content_type="text/csv; charset=utf-8", filename=filename)


def lead_form(campaign: Campaign, data: Any = None) -> LeadForm:
    """A form for one lead with a field for every variable that the message or the campaign's leads have."""
    needed = variables.names(campaign.system_message_template or "")
    names = sorted(needed) + [name for name in variable_names(campaign.pk) if name not in needed]
    if "name" not in needed and any(name.casefold() == "name" for name in names if name != "name"):
        names = [name for name in names if name != "name"]
    if any(name != "name" and name.casefold() == "name" for name in names) and "name" not in needed:
        names.remove("name") if "name" in names else None
    return LeadForm(
        data, names=names[:50] or ["name"], needed=needed, initial={"country": campaign.organization.country}
    )
