"""A test call to oneself, as the campaign would call a lead."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.calls.starting import call_problem, only_simulates
from apps.campaigns.forms import posted, refuse
from apps.campaigns.forms_trial import TrialForm
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.pages import campaign_of, seen_by
from apps.campaigns.preview import preview_of
from apps.campaigns.services.launch import number_problem
from apps.campaigns.services.trial import start_test_call
from apps.core import db
from apps.core.errors import DomainError
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.voice.services import find_connection

REMEMBERED = "test_call_number"
OFFERED = 50


@needs(Role.MEMBER)
def campaign_test(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """GET shows what would be said with a lead's values (`?lead=`), POST calls."""
    campaign, now = campaign_of(request, pk), db.now()
    leads = _offered(campaign, request.GET.get("lead", ""))
    initial = {"phone_number": request.session.get(REMEMBERED, ""), "lead": str(leads[0].pk) if leads else ""}
    form = TrialForm(*posted(request), organization=campaign.organization, leads=leads, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        lead = next(each for each in leads if str(each.pk) == values["lead"])
        request.session[REMEMBERED] = values["to"]
        try:
            call = start_test_call(campaign=campaign, lead=lead, to=values["to"], key=values["key"], now=now)
        except DomainError as error:
            refuse(form, error, destination="phone_number")
        else:
            return redirect("call", org=org, call_id=call.public_id)
    shown = _shown(form, leads)
    context = {
        "campaign": campaign, "form": form, "lead": shown, "preview": preview_of(campaign, shown, now) if shown else None,
        "problem": _problem(campaign),
        "only_simulates": only_simulates(find_connection(campaign.organization)),
    }  # fmt: skip
    return render(request, "campaigns/test_call.html", context | seen_by(request), status=422 if form.errors else 200)


def _problem(campaign: Campaign) -> str:
    """Why no test call is possible; empty when one is."""
    if lost := number_problem(campaign):
        return lost
    number = [campaign.number] if campaign.number else []
    return call_problem(find_connection(campaign.organization), [campaign.assistant], number) if number else ""


def _offered(campaign: Campaign, chosen: str) -> list[Lead]:
    """The chosen lead first, then the first ones that wait, then any."""
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign)
    found = list(leads.pending().oldest()[:OFFERED]) or list(leads.oldest()[:OFFERED])
    if pk := _uuid(chosen):
        found = [*leads.filter(pk=pk), *(each for each in found if each.pk != pk)]
    return found


def _shown(form: TrialForm, leads: list[Lead]) -> Lead | None:
    named: Any = form["lead"].value()
    return next((each for each in leads if str(each.pk) == str(named)), leads[0] if leads else None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
