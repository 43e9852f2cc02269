"""A client's billing: balance, what it can buy, what it bought, its invoices and its details."""

from __future__ import annotations

import copy
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.billing import checkout, details, offers
from apps.billing.forms_details import DetailsForm
from apps.billing.invoice_pdf import file_name, invoice_pdf
from apps.billing.invoicing import buyer_of, tax_for
from apps.billing.models import Invoice, Purchase
from apps.billing.purchasing import cancel, order_package, received_for
from apps.billing.services import balance
from apps.billing.subscriptions import subscription_of
from apps.billing.vat.words import reason_words
from apps.core import db
from apps.core.errors import Invalid, NotFound
from apps.organizations.access import needs
from apps.organizations.middleware import unwrapped
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor

SHOWN = 25
# What a form says: the provider of the payment account is not named to a client.
WAYS = {"card": Purchase.Gateway.STRIPE.value, "transfer": Purchase.Gateway.TRANSFER.value}


def client_of(request: HttpRequest) -> Organization:
    """The workspace of the page; an agency's own billing is its usage page."""
    organization: Organization = request.organization  # type: ignore[attr-defined]
    if organization.is_agency:
        raise NotFound
    return organization


@never_cache
@needs(Role.OWNER)
@require_GET
def billing(request: HttpRequest, org: str) -> HttpResponse:
    client = client_of(request)
    seller = offers.seller_of(client)
    tax = tax_for(client, seller, db.now().date()) if seller else None
    packages = offers.packages_of(seller, tax) if seller and tax and client.has_wallet else []
    plans = offers.plans_of(seller, tax) if seller and tax and seller.takes_cards else []
    purchases = list(Purchase.objects.for_organization(client).order_by("-created_at", "-id")[:SHOWN])
    invoices = Invoice.objects.for_organization(client).order_by("-created_at", "-id")[:SHOWN]
    buyer = buyer_of(client)
    context = {
        "balance": balance(client.wallet_id) if client.has_wallet else None, "seller": seller, "packages": packages, "plans": plans,
        "ways": offers.ways_to_pay(seller) if seller else [], "purchases": purchases, "invoices": list(invoices), "buyer": buyer,
        "lacks_details": offers.is_incomplete(buyer), "subscription": subscription_of(client.pk), "key": uuid4(),
        "tax_words": reason_words(tax.reason) if tax else "", "paid": _returned(request, purchases),
        "plan_begun": request.GET.get("plan") == "begun", "left": "left" in request.GET,
    }  # fmt: skip
    return render(request, "billing/billing.html", context)


@needs(Role.OWNER)
@require_POST
def billing_buy(request: HttpRequest, org: str) -> HttpResponse:
    client = client_of(request)
    try:
        purchase = order_package(
            client=client, package_id=_uuid(request, "package"), gateway=WAYS.get(request.POST.get("way", ""), ""),
            key=f"form:{_uuid(request, 'key')}", by=Actor.of(request), now=db.now(),
        )  # fmt: skip
    except Invalid as error:
        if error.param != "details":
            raise
        messages.info(request, error.text)
        return redirect("billing_details", org)
    card = purchase.gateway == Purchase.Gateway.STRIPE
    return redirect("billing_pay" if card else "billing_purchase", org, purchase.pk)


@unwrapped
@never_cache
@needs(Role.OWNER)
@require_GET
def billing_pay(request: HttpRequest, org: str, purchase: UUID) -> HttpResponse:
    """On to the payment page. A page of its own, because a form may not lead to another host."""
    client = client_of(request)
    row = _purchase(client, purchase)
    if row.status in (Purchase.Status.PAID, Purchase.Status.REFUNDED):
        return redirect("billing_purchase", org, row.pk)
    return _leave(request, checkout.open_checkout(client=client, purchase=row, now=db.now()))


@never_cache
@needs(Role.OWNER)
@require_GET
def billing_purchase(request: HttpRequest, org: str, purchase: UUID) -> HttpResponse:
    """One purchase: its state, and how to transfer."""
    client = client_of(request)
    row = _purchase(client, purchase)
    received = received_for(row)
    context = {
        "purchase": row, "seller": offers.seller_of(client), "received": received, "missing": row.gross_cents - received,
        "invoices": list(Invoice.objects.for_organization(client).filter(purchase=row).order_by("created_at")),
        "tax_words": reason_words(row.vat_reason), "can_cancel": _can_cancel(row, received),
    }  # fmt: skip
    return render(request, "billing/purchase.html", context)


@needs(Role.OWNER)
@require_POST
def billing_cancel(request: HttpRequest, org: str, purchase: UUID) -> HttpResponse:
    cancel(client=client_of(request), purchase_id=purchase, by=Actor.of(request), now=db.now())
    messages.success(request, _("The order is cancelled."))
    return redirect("billing", org)


@needs(Role.OWNER)
@require_POST
def billing_plan(request: HttpRequest, org: str) -> HttpResponse:
    """Choose a plan: on to the payment page, which begins it."""
    client, now = client_of(request), db.now()
    seller = offers.seller_of(client)
    wanted = _uuid(request, "plan")
    shown = offers.plans_of(seller, tax_for(client, seller, now.date())) if seller else []
    offer = next((each for each in shown if each.item.pk == wanted), None)
    if offer is None:
        raise NotFound(_("This plan is not on sale any more."))
    if offers.lacks_details(client):
        messages.info(request, _("Fill in your billing details first: they stand on the invoice."))
        return redirect("billing_details", org)
    return _leave(request, checkout.open_plan_checkout(client=client, offer=offer, key=str(_uuid(request, "key")), now=now))


@needs(Role.OWNER)
@require_POST
def billing_cards(request: HttpRequest, org: str) -> HttpResponse:
    """On to the page where cards are changed and a plan is ended."""
    return _leave(request, checkout.open_customer_portal(client=client_of(request)))


@needs(Role.OWNER)
def billing_details(request: HttpRequest, org: str) -> HttpResponse:
    client = client_of(request)
    form = DetailsForm(request.POST if request.method == "POST" else None, instance=copy.copy(buyer_of(client)))
    if request.method != "POST" or not form.is_valid():
        return render(request, "billing/details.html", {"form": form}, status=422 if form.errors else 200)
    details.save_details(client=client, values=form.cleaned_data, by=Actor.of(request), now=db.now())
    messages.success(request, _("Saved. The next invoice says it."))
    return redirect("billing", org)


@needs(Role.OWNER)
@require_GET
def billing_invoice(request: HttpRequest, org: str, invoice: UUID) -> HttpResponse:
    client = client_of(request)
    row = Invoice.objects.for_organization(client).select_related("corrects").filter(pk=invoice).first()
    if row is None:
        raise NotFound
    return pdf_answer(row, client)


def pdf_answer(invoice: Invoice, client: Organization) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{file_name(invoice)}"', "Cache-Control": "no-store"}
    return HttpResponse(invoice_pdf(invoice, brand=client.brand), content_type="application/pdf", headers=headers)


def _leave(request: HttpRequest, url: str) -> HttpResponse:
    answer = render(request, "billing/leave.html", {"url": url})
    answer["Cache-Control"] = "no-store"
    return answer


def _purchase(client: Organization, pk: UUID) -> Purchase:
    found = Purchase.objects.for_organization(client).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _returned(request: HttpRequest, purchases: list[Purchase]) -> Purchase | None:
    """The purchase that the payment page sent the person back from."""
    return next((each for each in purchases if str(each.pk) == request.GET.get("paid")), None)


def _can_cancel(purchase: Purchase, received: int) -> bool:
    return purchase.status == Purchase.Status.OPEN and purchase.gateway == Purchase.Gateway.TRANSFER and not received


def _uuid(request: HttpRequest, name: str) -> UUID:
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        raise Invalid(_("Choose what to buy."), param=name) from None


