"""Where an agency's portal answers: its slug, and domains of its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.branding.dns import VERIFY, Found
from apps.branding.models import Domain
from apps.core import db
from apps.core.errors import DomainError, NotFound
from apps.organizations.access import agency_of, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.portal.forms_address import DomainForm, SlugForm
from apps.portal.services import domains

TONES = {"pending": ("notice", "clock"), "active": ("good", "check"), "failing": ("caution", "triangle-alert"), "off": ("bad", "unplug")}


def _portal(request: HttpRequest) -> Organization:
    organization = agency_of(request)
    if not organization.owns_brand:
        raise NotFound(_("Open your portal first."))
    return organization


@needs(Role.ADMIN)
@require_http_methods(["GET", "HEAD"])
def address(request: HttpRequest, org: str) -> HttpResponse:
    return _page(request, agency_of(request))


@require_POST
@needs(Role.ADMIN)
def domain_add(request: HttpRequest, org: str) -> HttpResponse:
    agency, form = _portal(request), DomainForm(request.POST)
    if form.is_valid():
        try:
            row = domains.claim(agency=agency, host=form.cleaned_data["host"], by=Actor.of(request), now=db.now())
        except DomainError as error:
            form.add_error("host", error.text)
        else:
            domains.check(agency=agency, domain=row, now=db.now())
            return redirect("portal_address", org)
    return _page(request, agency, domain_form=form)


@require_POST
@needs(Role.ADMIN)
def domain_check(request: HttpRequest, org: str, domain: UUID) -> HttpResponse:
    agency = _portal(request)
    row = domains.check(agency=agency, domain=domains.domain_of(agency, domain), now=db.now())
    if row.state == Domain.State.ACTIVE:
        messages.success(request, _("%(host)s is right.") % {"host": row.host})
    else:
        messages.info(request, _("Looked again: the list shows what was found for %(host)s.") % {"host": row.host})
    return redirect("portal_address", org)


@require_POST
@needs(Role.ADMIN)
def domain_release(request: HttpRequest, org: str, domain: UUID) -> HttpResponse:
    agency = _portal(request)
    row = domains.domain_of(agency, domain)
    domains.release(agency=agency, domain=row, by=Actor.of(request), now=db.now())
    messages.success(
        request, _("%(host)s was released. Remove its DNS records: as long as they are there they point to this installation.") % {"host": row.host}
    )
    return redirect("portal_address", org)


@require_POST
@needs(Role.OWNER)
def slug_change(request: HttpRequest, org: str) -> HttpResponse:
    agency, form = _portal(request), SlugForm(request.POST)
    if form.is_valid():
        try:
            domains.rename_portal(agency=agency, slug=form.cleaned_data["slug"], by=Actor.of(request), now=db.now())
        except DomainError as error:
            form.add_error("slug", error.text)
        except ValidationError as error:
            form.add_error("slug", error.messages[0])
        else:
            messages.success(request, _("Your portal has moved."))
            return redirect("portal_address", org)
    return _page(request, agency, slug_form=form)


def _page(
    request: HttpRequest, agency: Organization, *, domain_form: forms.Form | None = None, slug_form: forms.Form | None = None
) -> HttpResponse:
    brand = agency.brand
    context = {
        "tab": "address",
        "address": domains.slug_address(brand) if agency.owns_brand else "",
        "domain_form": domain_form or DomainForm(),
        "slug_form": slug_form or SlugForm(initial={"slug": brand.slug}),
        "slug_tail": f".{settings.PORTAL_BASE_DOMAIN}",
        "domains": [_row(each) for each in brand.domains.order_by("created_at")] if agency.owns_brand else [],
    }
    wrong = any(form is not None and form.errors for form in (domain_form, slug_form))
    return render(request, "portal/address.html", context, status=422 if wrong else 200)


def _row(row: Domain) -> dict[str, Any]:
    """A domain with its two records: what must stand there, what was found, and whether that is right."""
    found = Found(**row.found) if row.found else Found()
    target = settings.PORTAL_TARGET
    records = [
        {"kind": "CNAME", "name": row.host, "value": target, "found": found.cname or found.addresses, "is_right": found.points_here(target)},
        {"kind": "TXT", "name": f"{VERIFY}.{row.host}", "value": row.token, "found": found.txt, "is_right": found.proves(row.token)},
    ]
    return {
        "row": row, "records": records, "error": found.error, "is_serving": row.state in Domain.SERVING,
        "off_at": row.failing_since + domains.domains.GRACE if row.failing_since else None,
        "url": f"https://{row.host}/", "tone": TONES[row.state],
    }  # fmt: skip
