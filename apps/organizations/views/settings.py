"""Settings of the organization: general, privacy and security; the danger zone. The account webhook is webhooks'."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import db
from apps.core.zones import ZONES
from apps.organizations.access import may, needs
from apps.organizations.changes import StaleOrganization, update_organization, version_of
from apps.organizations.forms import GeneralForm, PrivacyForm
from apps.organizations.members import remove_member
from apps.organizations.models import Membership, Organization, Role
from apps.organizations.services import Actor


@require_http_methods(["GET", "POST"])
def organization_settings(request: HttpRequest, org: str) -> HttpResponse:
    """Everybody sees what is set and may leave; admins change it."""
    organization = request.organization  # type: ignore[attr-defined]
    form = GeneralForm(request.POST or None, instance=copy.copy(organization))
    context = {
        "zones": sorted(ZONES),
        "is_member": request.via is None,  # type: ignore[attr-defined]
    }
    if request.method == "POST":
        return _save_general(request, form, context)
    return show_settings(request, form, "organizations/settings.html", context)


@needs(Role.ADMIN)
def _save_general(request: HttpRequest, form: GeneralForm, context: dict[str, Any]) -> HttpResponse:
    if form.is_valid():
        return save_settings(request, form, form.cleaned_data, "organizations/settings.html", context)
    return show_settings(request, form, "organizations/settings.html", context)


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def privacy_settings(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    form = PrivacyForm(request.POST or None, instance=copy.copy(organization), is_owner=may(request, Role.OWNER))
    if request.method == "POST" and form.is_valid():
        return save_settings(request, form, form.cleaned_data, "organizations/privacy.html", {})
    return show_settings(request, form, "organizations/privacy.html", {})


@require_POST
def leave(request: HttpRequest, org: str) -> HttpResponse:
    """Give up one's own membership; everybody may, but the last owner."""
    organization = request.organization  # type: ignore[attr-defined]
    own = get_object_or_404(Membership.objects.for_organization(organization), user=request.user)
    remove_member(organization=organization, membership=own, by=Actor.of(request))
    messages.success(request, _("You have left %(name)s.") % {"name": organization.name})
    return redirect("home")


def save_settings(
    request: HttpRequest, form: forms.BaseForm, values: dict[str, Any], template: str, context: dict[str, Any],
    save: Callable[..., Organization] = update_organization,
) -> HttpResponse:  # fmt: skip
    """Save and go back to the page; a version that somebody else saved meanwhile is shown beside one's own.

    Args:
        context: what the template needs; a `new_secret` in it is shown now, in this answer only.
        save: takes what `update_organization` takes.
    """
    organization = request.organization  # type: ignore[attr-defined]
    try:
        current = save(
            organization=organization, by=Actor.of(request), now=db.now(),
            expected=request.POST.get("version", ""), **values,
        )  # fmt: skip
    except StaleOrganization as error:
        return _conflict(request, form, error.current, values, template, context)
    if "new_secret" in context:
        request.organization = current  # type: ignore[attr-defined]
        return show_settings(request, form, template, context | {"has_secret": True}, status=200)
    messages.success(request, _("The settings were saved."))
    return redirect(request.path)


def show_settings(
    request: HttpRequest, form: forms.BaseForm, template: str, context: dict[str, Any], status: int | None = None
) -> HttpResponse:
    """The page with its form; 422 when the form has errors, and then what was typed stays."""
    version = version_of(request.organization)  # type: ignore[attr-defined]
    status = status or (422 if form.errors else 200)
    # A form that came back keeps the version it was opened with: a change in between must still be noticed.
    kept = request.POST.get("version", version) if status == 422 else version
    return render(request, template, {"form": form, "version": kept} | context, status=status)


def _conflict(
    request: HttpRequest,
    form: forms.BaseForm,
    current: Organization,
    values: dict[str, Any],
    template: str,
    context: Any,
) -> HttpResponse:
    """Both versions, field by field; the form keeps what was typed and may now be saved over the newer one."""
    fields = [
        {"label": form.fields[name].label or name, "theirs": _word(form, name, getattr(current, name)), "yours": _word(form, name, mine)}
        for name, mine in values.items()
        if name != "webhook_secret" and mine != getattr(current, name)
    ]  # fmt: skip
    context = {key: value for key, value in context.items() if key != "new_secret"}
    shown = {"form": form, "version": version_of(current), "conflict": fields, "current": current}
    return render(request, template, shown | context, status=409)


def _word(form: forms.BaseForm, name: str, value: Any) -> str:
    choices = dict(getattr(form.fields[name], "choices", []))
    if isinstance(value, bool):
        return _("On") if value else _("Off")
    if isinstance(value, list):
        return ", ".join(str(choices.get(each, each)) for each in value) or _("None")
    if value is None:
        return _("All")
    return str(choices.get(value, value))
