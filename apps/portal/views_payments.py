"""How an agency sells: itself on an invoice, tax, transfers, and its own payment account."""

from __future__ import annotations

import copy
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from apps.billing.gateways.stripe import StripeTrouble
from apps.billing.models import Seller
from apps.billing.sellers import connect_stripe, disconnect_stripe, save_seller
from apps.branding.services import absolute_url
from apps.core import db
from apps.core.errors import Invalid
from apps.organizations.access import agency_of, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.portal.forms_sales import SellerForm, StripeForm
from apps.portal.services.stripe_events import HANDLED


@never_cache
@needs(Role.OWNER)
@require_GET
def portal_payments(request: HttpRequest, org: str) -> HttpResponse:
    return _page(request)


@needs(Role.OWNER)
@require_POST
def portal_seller(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    form = SellerForm(request.POST, instance=copy.copy(_seller(agency)))
    if not form.is_valid():
        return _page(request, form=form, status=422)
    save_seller(agency=agency, values=form.cleaned_data, by=Actor.of(request), now=db.now())
    messages.success(request, _("Saved. It holds for what is sold from now on."))
    return redirect("portal_payments", org)


@sensitive_post_parameters("secret_key", "webhook_secret")
@needs(Role.OWNER)
@require_POST
def portal_stripe(request: HttpRequest, org: str) -> HttpResponse:
    """Keys are kept only when Stripe has answered to them."""
    agency = agency_of(request)
    form = StripeForm(request.POST, _seller(agency))
    if not form.is_valid():
        return _page(request, keys=form, status=422)
    values = form.cleaned_data
    try:
        seller = connect_stripe(
            agency=agency, publishable_key=values["publishable_key"], secret_key=values["secret_key"],
            webhook_secret=values["webhook_secret"], by=Actor.of(request), now=db.now(),
        )  # fmt: skip
    except (Invalid, StripeTrouble) as error:
        form.add_error("secret_key", error.text)
        return _page(request, keys=form, status=422)
    if seller.takes_cards:
        messages.success(request, _("Stripe knows these keys. Your clients can pay by card."))
    else:
        messages.info(request, _("Stripe knows these keys. Now make the webhook and store its secret."))
    return redirect("portal_payments", org)


@needs(Role.OWNER)
@require_POST
def portal_stripe_off(request: HttpRequest, org: str) -> HttpResponse:
    disconnect_stripe(agency=agency_of(request), by=Actor.of(request), now=db.now())
    messages.success(request, _("The keys are forgotten. Your clients cannot pay by card any more."))
    return redirect("portal_payments", org)


def _page(request: HttpRequest, *, form: SellerForm | None = None, keys: StripeForm | None = None, status: int = 200) -> HttpResponse:
    agency = agency_of(request)
    seller = _seller(agency)
    context: dict[str, Any] = {
        "seller": seller, "is_saved": not seller._state.adding, "form": form or SellerForm(instance=copy.copy(seller)),
        "keys": keys or StripeForm(None, seller), "events": sorted(HANDLED),
        "hook_url": absolute_url(agency.brand, reverse("stripe_hook", args=[seller.stripe_hook])) if seller.stripe_hook else "",
    }  # fmt: skip
    return render(request, "portal/payments.html", context, status=status)


def _seller(agency: Organization) -> Seller:
    found = Seller.objects.for_organization(agency).first()
    return found or Seller(organization=agency, legal_name=agency.name, country=agency.country)
