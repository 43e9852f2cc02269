"""How an agency takes clients in, and who waits at its door."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.branding.services import absolute_url
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import agency_of, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.portal.forms_sign_up import RefuseForm, SignUpSettingsForm
from apps.portal.models import Portal, SignUp
from apps.portal.services.sign_up_steps import go_on
from apps.portal.services.sign_ups import approve, refuse, save_settings, sign_ups_of

SHOWN = 50


@needs(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def portal_sign_up(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    portal = Portal.objects.for_organization(agency).first() or Portal(organization=agency)
    form = SignUpSettingsForm(request.POST if request.method == "POST" else None, agency=agency, instance=portal)
    if request.method == "POST" and agency.owns_brand and form.is_valid():
        save_settings(agency=agency, values=_values(form), by=Actor.of(request), now=db.now())
        messages.success(request, _("The settings of sign-up were saved."))
        return redirect("portal_sign_up", org)
    address = absolute_url(agency.brand, reverse("account_signup"))
    waiting = sign_ups_of(agency).filter(status=SignUp.Status.WAITING).count()
    context = {"form": form, "address": address, "waiting": waiting, "portal": portal}
    return render(request, "portal/sign_up_settings.html", context, status=422 if form.errors else 200)


@needs(Role.ADMIN)
@require_safe
def sign_ups(request: HttpRequest, org: str) -> HttpResponse:
    """Who waits for the agency, and below everybody who signed up."""
    agency = agency_of(request)
    rows = sign_ups_of(agency)
    waiting = list(rows.filter(status=SignUp.Status.WAITING)[:SHOWN])
    status = request.GET.get("status", "")
    if status in SignUp.Status.values:
        rows = rows.filter(status=status)
    page = Paginator(rows, SHOWN).get_page(request.GET.get("page"))
    context = {"waiting": waiting, "page": page, "status": status, "statuses": SignUp.Status.choices, "refuse_form": RefuseForm(auto_id=False)}
    return render(request, "portal/sign_ups.html", context)


@require_POST
@needs(Role.ADMIN)
def sign_up_approve(request: HttpRequest, org: str, sign_up: UUID) -> HttpResponse:
    agency = agency_of(request)
    found = _find(agency, sign_up)
    row = go_on(sign_up=approve(agency=agency, sign_up_id=found.pk, by=Actor.of(request), now=db.now()), now=db.now())
    if row.status == SignUp.Status.DONE:
        messages.success(request, _("%(name)s has a workspace now and was told by mail.") % {"name": row.company})
    else:
        messages.success(request, _("%(name)s is let in; the workspace is made within a minute.") % {"name": row.company})
    if row.error:
        messages.warning(request, row.error)
    return redirect("sign_ups", org)


@require_POST
@needs(Role.ADMIN)
def sign_up_refuse(request: HttpRequest, org: str, sign_up: UUID) -> HttpResponse:
    agency = agency_of(request)
    found, form = _find(agency, sign_up), RefuseForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else request.POST.get("note", "")[:300]
    row = refuse(agency=agency, sign_up_id=found.pk, note=note.strip(), by=Actor.of(request), now=db.now())
    messages.success(request, _("%(name)s was told politely by mail.") % {"name": row.company})
    return redirect("sign_ups", org)


def _find(agency: Organization, pk: UUID) -> SignUp:
    found = sign_ups_of(agency).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such sign-up."))
    return found


def _values(form: SignUpSettingsForm) -> dict[str, Any]:
    values = dict(form.cleaned_data)
    values["plan_id"] = UUID(values["plan_id"]) if values["plan_id"] else None
    return values
