"""The form of a campaign: a new one, a copy, and changes that nobody else's changes are lost to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.campaigns.forms import posted, refuse
from apps.campaigns.models import Campaign
from apps.campaigns.pages import campaign_of
from apps.campaigns.services.campaigns import StaleCampaign, create_campaign, update_campaign
from apps.campaigns.settings_form import CampaignForm, initial_of
from apps.core import db
from apps.core.errors import Conflict, DomainError
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor

PLACES = {
    "assistant_id": "assistant", "number_id": "number", "variant_assistant_id": "variant", "variant_version": "variant",
    "windows": "schedule_days", "retry_rules": "max_attempts",
}  # fmt: skip


@needs(Role.MEMBER)
def campaign_create(request: HttpRequest, org: str) -> HttpResponse:
    """A new campaign; `?copy=<id>` proposes another one's settings: all but the statement of consent, which is for its list."""
    organization = request.organization  # type: ignore[attr-defined]
    form = CampaignForm(*posted(request), initial=_proposal(request), organization=organization)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_campaign(organization=organization, values=form.values(), by=Actor.of(request), now=db.now())
        except DomainError as error:
            refuse(form, error, **PLACES)
        else:
            messages.success(request, _("The campaign is a draft now. Add its leads next."))
            return redirect("campaign", org=org, pk=made.pk)
    context: dict[str, Any] = {"form": form, "campaign": None, "title": _("New campaign"), "back_url": reverse("campaigns", args=[org])}
    context["is_open"] = dict.fromkeys(form.open, True)
    return render(request, "campaigns/form.html", context, status=422 if form.errors else 200)


@needs(Role.MEMBER)
def campaign_edit(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    campaign = campaign_of(request, pk)
    if campaign.is_final:
        raise Conflict(_("A campaign that is over cannot be changed. Duplicate it to call again."))
    form = CampaignForm(
        *posted(request), initial=initial_of(campaign), organization=campaign.organization, campaign=campaign
    )
    status, conflict = 200, None
    if request.method == "POST":
        if form.is_valid() and (answer := _save(request, form, campaign)):
            return answer
        status = 422
        if isinstance(stale := getattr(form, "stale", None), StaleCampaign):
            status, conflict = 409, _conflict(form, stale.current)
            form = _renewed(request, form, stale.current)
    context = {
        "form": form, "campaign": campaign, "title": _("Edit %(name)s") % {"name": campaign.name}, "conflict": conflict,
        "back_url": reverse("campaign", args=[org, pk]), "is_open": dict.fromkeys(form.open, True),
    }  # fmt: skip
    return render(request, "campaigns/form.html", context, status=status)


def _save(request: HttpRequest, form: CampaignForm, campaign: Campaign) -> HttpResponse | None:
    """Store the form; None when the service refused, with the reason on the form."""
    try:
        update_campaign(
            campaign=campaign, values=form.changes(), by=Actor.of(request), now=db.now(),
            expected_version=form.cleaned_data["version"] or 0,
        )  # fmt: skip
    except StaleCampaign as error:
        form.stale = error  # type: ignore[attr-defined]
        return None
    except DomainError as error:
        refuse(form, error, **PLACES)
        return None
    messages.success(request, _("Saved."))
    return redirect("campaign", org=campaign.organization.slug, pk=campaign.pk)


def _conflict(form: CampaignForm, current: Campaign) -> dict[str, Any]:
    """The fields that differ between what stands now and what was typed."""
    theirs = CampaignForm(initial=initial_of(current), organization=current.organization, campaign=current)
    fields = [
        {"label": field.label, "theirs": _shown(theirs, field.name), "yours": _shown(form, field.name)}
        for field in form.visible_fields()
        if not field.field.disabled and _shown(theirs, field.name) != _shown(form, field.name)
    ]
    if theirs.windows.words() != form.windows.words():
        fields.append({"label": _("Further windows"), "theirs": theirs.windows.words(), "yours": form.windows.words()})
    return {"fields": fields, "at": current.updated_at}


def _renewed(request: HttpRequest, form: CampaignForm, current: Campaign) -> CampaignForm:
    """The same answers against the newest version: saved again, they win."""
    data = request.POST.copy()
    data["version"] = str(current.version)
    return CampaignForm(data, initial=initial_of(current), organization=current.organization, campaign=current)


def _shown(form: CampaignForm, name: str) -> str:
    value, field = form[name].value(), form.fields[name]
    if isinstance(field, forms.BooleanField):
        return _("Yes") if value else _("No")
    choices = dict(_flat(getattr(field, "choices", [])))
    if isinstance(value, list):
        return ", ".join(choices.get(str(each), str(each)) for each in value)
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    return choices.get(str(value), "" if value is None else str(value))


def _flat(choices: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Choices without their groups."""
    for key, label in choices:
        if isinstance(label, list | tuple):
            yield from _flat(label)
        else:
            yield str(key), str(label)


def _proposal(request: HttpRequest) -> dict[str, Any]:
    organization = request.organization  # type: ignore[attr-defined]
    if copied := _copied(request):
        return initial_of(copied) | {
            "name": _("Copy of %(name)s") % {"name": copied.name},
            "attests": False,
        }
    new = Campaign(organization=organization, timezone=organization.timezone)
    return initial_of(new) | {"uses_lead_zone": True, "purpose": Campaign.Purpose.MARKETING}


def _copied(request: HttpRequest) -> Campaign | None:
    try:
        return campaign_of(request, UUID(request.GET["copy"]))
    except (KeyError, ValueError):
        return None
