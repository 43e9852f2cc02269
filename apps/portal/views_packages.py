"""The packages of an agency: what its clients can buy once."""

from __future__ import annotations

import copy
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.billing.models import Package, Seller
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import agency_of, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.portal.forms_sales import PackageForm
from apps.portal.services.packages import arrange, save_offer


@needs(Role.ADMIN)
@require_GET
def packages(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    rows = list(Package.objects.for_organization(agency).order_by("position", "created_at", "id"))
    context = {
        "on_sale": [each for each in rows if each.is_active], "archive": [each for each in rows if not each.is_active],
        "seller": Seller.objects.for_organization(agency).first(), "currency": currency_of(agency),
    }  # fmt: skip
    return render(request, "portal/packages.html", context)


@needs(Role.ADMIN)
def package_edit(request: HttpRequest, org: str, pk: UUID | None = None) -> HttpResponse:
    agency = agency_of(request)
    row = _package(agency, pk) if pk else None
    instance = copy.copy(row) if row else Package(organization=agency)
    form = PackageForm(request.POST if request.method == "POST" else None, instance=instance, currency=currency_of(agency))
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/package.html", {"form": form, "package": row}, status=422 if form.errors else 200)
    save_offer(agency=agency, kind=Package, row=row, values=form.cleaned_data, by=Actor.of(request), now=db.now())
    messages.success(request, _("Saved. Past purchases stay as they are."))
    return redirect("packages", org)


@needs(Role.ADMIN)
@require_POST
def package_do(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """`do`: up, down, archive or restore."""
    agency = agency_of(request)
    arrange(agency=agency, row=_package(agency, pk), do=request.POST.get("do"), by=Actor.of(request), now=db.now())
    return redirect("packages", org)


def currency_of(agency: Organization) -> str:
    seller = Seller.objects.for_organization(agency).first()
    return (seller or Seller()).currency


def _package(agency: Organization, pk: UUID) -> Package:
    found = Package.objects.for_organization(agency).select_related("organization").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
