"""An agency's brand: opening its portal, the form with a preview beside it, closing and opening again."""

from __future__ import annotations

import copy

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.branding.services import absolute_url
from apps.core import db
from apps.core.errors import Conflict, Invalid
from apps.organizations.access import agency_of, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.portal.brand_preview import pictures, preview, preview_css, typed
from apps.portal.forms_brand import BrandForm, OpenPortalForm, PictureForm
from apps.portal.services.portals import drop_picture, open_portal, save_brand, save_picture, switch_portal


def portal_context(agency: Organization) -> dict[str, str]:
    """What the frame of these pages needs."""
    return {"portal_url": absolute_url(agency.brand, "/") if agency.owns_brand else ""}


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def portal_brand(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    if not agency.owns_brand:
        return _ask_to_open(request, agency, OpenPortalForm(initial={"name": agency.name, "slug": agency.slug[:40]}))
    form = BrandForm(request.POST or None, instance=copy.copy(agency.brand))
    if request.method == "POST" and form.is_valid():
        save_brand(agency=agency, values=form.cleaned_data, by=Actor.of(request), now=db.now())
        messages.success(request, _("The brand was saved."))
        return redirect("portal_brand", org)
    shown = typed(agency.brand, request.POST) if request.method == "POST" else agency.brand
    context = {"form": form, "pictures": pictures(agency.brand)} | portal_context(agency) | preview(agency, shown)
    return render(request, "portal/brand.html", context, status=422 if form.errors else 200)


@needs(Role.ADMIN)
@require_GET
def brand_preview(request: HttpRequest, org: str) -> HttpResponse:
    """The preview as the form stands; what is not valid yet stays as it was saved."""
    agency = agency_of(request)
    return render(request, "portal/_brand_preview.html", preview(agency, typed(agency.brand, request.GET)))


@needs(Role.ADMIN)
@require_GET
def brand_colours(request: HttpRequest, org: str) -> HttpResponse:
    """The preview's stylesheet: a strict policy allows no colours inside the page."""
    agency = agency_of(request)
    css = preview_css(typed(agency.brand, request.GET))
    return HttpResponse(css, content_type="text/css; charset=utf-8", headers={"Cache-Control": "private, max-age=600"})


@needs(Role.ADMIN)
@require_POST
def brand_picture_save(request: HttpRequest, org: str) -> HttpResponse:
    """One picture: uploaded, fetched from an address, or taken away. A refusal is told where the person came from."""
    agency = agency_of(request)
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        raise Invalid(" ".join(text for texts in form.errors.values() for text in texts))
    values, by, now = form.cleaned_data, Actor.of(request), db.now()
    if values["remove"]:
        drop_picture(agency=agency, kind=values["kind"], by=by, now=now)
        messages.success(request, _("The picture is gone."))
    else:
        content = values["file"].read() if values["file"] else b""
        save_picture(agency=agency, kind=values["kind"], content=content, url=values["url"], by=by, now=now)
        messages.success(request, _("The picture was saved."))
    return redirect("portal_brand", org)


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def portal_open(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    if agency.owns_brand or request.method != "POST":
        return redirect("portal_brand", org)
    form = OpenPortalForm(request.POST)
    if not form.is_valid():
        return _ask_to_open(request, agency, form)
    open_portal(agency=agency, by=Actor.of(request), now=db.now(), **form.cleaned_data)
    messages.success(request, _("Your portal is open. Give it your colours and your logo."))
    return redirect("portal_brand", org)


@needs(Role.ADMIN)
@require_POST
def portal_switch(request: HttpRequest, org: str) -> HttpResponse:
    """`?to=closed` or `?to=open`."""
    agency = agency_of(request)
    wanted = request.GET.get("to")
    if wanted not in ("open", "closed"):
        raise Conflict(_("Say whether the portal is to be open or closed."))
    switch_portal(agency=agency, is_open=wanted == "open", by=Actor.of(request), now=db.now())
    messages.success(request, _("The portal is open.") if wanted == "open" else _("The portal is closed."))
    return redirect("portal_brand", org)


def _ask_to_open(request: HttpRequest, agency: Organization, form: OpenPortalForm) -> HttpResponse:
    context = {"form": form, "base_domain": settings.PORTAL_BASE_DOMAIN}
    return render(request, "portal/portal_open.html", context, status=422 if form.errors else 200)
