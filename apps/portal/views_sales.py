"""What an agency's clients bought: purchases, invoices, transfers that arrived, money that goes back."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.billing.invoice_payments import take_invoice_money
from apps.billing.invoicing import paid_on
from apps.billing.metering import as_credits
from apps.billing.models import Invoice, Payment, Purchase
from apps.billing.purchasing import received_for, take_money
from apps.billing.received import Received
from apps.billing.refunds import effect_of, refund, unused_cents
from apps.billing.services import balance
from apps.billing.views_billing import pdf_answer
from apps.core import db
from apps.core.errors import DomainError, NotFound
from apps.organizations.access import agency_of, may, needs
from apps.organizations.middleware import with_deleted_clients
from apps.organizations.models import Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal.forms_sales import PaidForm, RefundForm
from apps.portal.selectors_sales import SalesFilter, client_choices, invoices_of, paid_by_invoice, purchases_of, waiting


@needs(Role.ADMIN)
@require_GET
def sales(request: HttpRequest, org: str) -> HttpResponse:
    agency, wanted = agency_of(request), SalesFilter.of(request.GET.dict())
    rows, has_more = purchases_of(agency, wanted)
    context = {
        "purchases": rows, "has_more": has_more, "wanted": wanted, "statuses": Purchase.Status.choices, "clients": client_choices(agency),
        "waiting": waiting(agency),
    }  # fmt: skip
    return render(request, "portal/sales.html", context)


@with_deleted_clients
@needs(Role.ADMIN)
@require_GET
def sales_invoices(request: HttpRequest, org: str) -> HttpResponse:
    agency, wanted = agency_of(request), SalesFilter.of(request.GET.dict())
    rows, has_more = invoices_of(agency, wanted)
    paid = paid_by_invoice(rows)
    context = {
        "invoices": [{"invoice": each, "is_open": _is_open(each, paid.get(each.pk, 0))} for each in rows], "has_more": has_more,
        "wanted": wanted, "clients": client_choices(agency),
    }  # fmt: skip
    return render(request, "portal/sales_invoices.html", context)


@never_cache
@needs(Role.ADMIN)
@require_GET
def sale(request: HttpRequest, org: str, client: str, pk: UUID) -> HttpResponse:
    """One purchase: what was paid, its documents, and what can be done."""
    agency = agency_of(request)
    row = _purchase(_client(agency, client), pk)
    return render(request, "portal/sale.html", _sale(request, row))


@needs(Role.ADMIN)
def sale_paid(request: HttpRequest, org: str, client: str, pk: UUID) -> HttpResponse:
    """Mark a transfer that arrived, in full or in part."""
    agency, now = agency_of(request), db.now()
    buyer, row = _found(request, agency, client, pk)
    initial = {"key": uuid4(), "amount": row.gross_cents - row.received, "received_on": now.date()}  # type: ignore[attr-defined]
    form = PaidForm(request.POST if request.method == "POST" else None, currency=row.currency, today=now.date(), initial=initial)
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/sale_paid.html", {"form": form, "purchase": row, "what": row.reference, "gross_cents": row.gross_cents}, status=422 if form.errors else 200)
    received = _received(form.cleaned_data, row.currency)
    with acting_for(buyer, with_parent=True):
        done = take_money(client=buyer, purchase_id=row.pk, received=received, by=Actor.of(request), now=now)
    if done.status == Purchase.Status.PAID:
        messages.success(request, _("Paid. The credits are booked, and the invoice is on its way."))
    else:
        messages.info(request, _("Noted. The credits are booked when the whole amount has arrived."))
    return redirect("sale", org, client, pk)


@needs(Role.ADMIN)
def sale_invoice_paid(request: HttpRequest, org: str, client: str, pk: UUID) -> HttpResponse:
    """Mark money that arrived for an invoice of a plan."""
    agency, now = agency_of(request), db.now()
    with acting_for(agency, with_children=True) if request.method == "POST" else nullcontext():
        buyer = _client(agency, client)
        row = _invoice(buyer, pk)
        missing = row.gross_cents - paid_on(row)
    initial = {"key": uuid4(), "amount": max(0, missing), "received_on": now.date()}
    form = PaidForm(request.POST if request.method == "POST" else None, currency=row.currency, today=now.date(), initial=initial)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "invoice": row, "client": buyer, "what": row.number, "gross_cents": row.gross_cents}
        return render(request, "portal/sale_paid.html", context, status=422 if form.errors else 200)
    with acting_for(buyer, with_parent=True):
        received = _received(form.cleaned_data, row.currency)
        take_invoice_money(client=buyer, invoice_id=row.pk, received=received, by=Actor.of(request), now=now)
    messages.success(request, _("The payment of %(number)s is noted.") % {"number": row.number})
    return redirect("sales_invoices", org)


@needs(Role.ADMIN)
def sale_refund(request: HttpRequest, org: str, client: str, pk: UUID) -> HttpResponse:
    """Give money back, after saying what that means for the wallet."""
    agency, now = agency_of(request), db.now()
    buyer, row = _found(request, agency, client, pk)
    unused, wallet = row.unused, row.wallet  # type: ignore[attr-defined]
    initial = {"key": uuid4(), "amount": unused or row.gross_cents - row.refunded_cents, "refunded_on": now.date()}
    form = RefundForm(request.POST if request.method == "POST" else None, purchase=row, today=now.date(), initial=initial)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            return _refunded(request, buyer, row, form.cleaned_data, now)
        except DomainError as error:
            form.add_error(error.param if error.param in form.fields else None, error.text)
    if form.errors:
        status = 422
    context = {"form": form, "purchase": row, "unused_cents": unused, "wallet": wallet, "most": row.gross_cents - row.refunded_cents}
    return render(request, "portal/sale_refund.html", context, status=status)


@with_deleted_clients
@needs(Role.ADMIN)
@require_GET
def sale_invoice(request: HttpRequest, org: str, client: str, pk: UUID) -> HttpResponse:
    buyer = _client(agency_of(request), client)
    return pdf_answer(_invoice(buyer, pk), buyer)


def _refunded(request: HttpRequest, buyer: Organization, row: Purchase, values: dict[str, Any], now: dt.datetime) -> HttpResponse:
    with acting_for(buyer, with_parent=True):
        done = refund(
            client=buyer, purchase_id=row.pk, amount_cents=values["amount"], key=str(values["key"]),
            on=values.get("refunded_on") or now.date(), by=Actor.of(request), takes_used=values["takes_used"], now=now,
        )  # fmt: skip
    words = {"reference": done.reference}
    messages.success(request, _("%(reference)s is refunded. The credit note is written.") % words)
    return redirect("sale", request.organization.slug, buyer.slug, row.pk)  # type: ignore[attr-defined]


def _sale(request: HttpRequest, row: Purchase) -> dict[str, Any]:
    own = row.organization_id
    payments = list(Payment.objects.for_organization(own).filter(purchase=row).order_by("created_at"))
    received = sum(each.amount_cents for each in payments)
    is_paid = row.status in (Purchase.Status.PAID, Purchase.Status.REFUNDED)
    rest = row.gross_cents - row.refunded_cents
    return {
        "purchase": row, "payments": payments, "received": received, "missing": row.gross_cents - received,
        "documents": list(Invoice.objects.for_organization(own).filter(purchase=row).order_by("created_at")),
        "can_mark": not is_paid and may(request, Role.ADMIN), "can_refund": is_paid and rest > 0,
        "used": effect_of(row, rest).used if is_paid and rest else 0,
    }  # fmt: skip


def _found(request: HttpRequest, agency: Organization, slug: str, pk: UUID) -> tuple[Organization, Purchase]:
    """The client and its purchase, with what the forms say about it. A form that is sent sees only the agency's own rows."""
    if request.method != "POST":
        buyer = _client(agency, slug)
        return buyer, _with_figures(_purchase(buyer, pk))
    with acting_for(agency, with_children=True):
        buyer = _client(agency, slug)
        return buyer, _with_figures(_purchase(buyer, pk))


def _with_figures(row: Purchase) -> Purchase:
    row.received = received_for(row)  # type: ignore[attr-defined]
    row.unused = unused_cents(row)  # type: ignore[attr-defined]
    row.wallet = as_credits(balance(row.organization_id))  # type: ignore[attr-defined]
    return row


def _client(agency: Organization, slug: str) -> Organization:
    found = Organization.objects.filter(parent=agency, slug=slug).select_related("brand").first()
    if found is None:
        raise NotFound
    return found


def _purchase(client: Organization, pk: UUID) -> Purchase:
    found = Purchase.objects.for_organization(client).select_related("organization").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _invoice(client: Organization, pk: UUID) -> Invoice:
    found = Invoice.objects.for_organization(client).select_related("corrects").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _received(values: dict[str, Any], currency: str) -> Received:
    return Received(
        key=f"manual:{values['key']}", gateway="manual", amount_cents=values["amount"], currency=currency, on=values["received_on"],
        note=values["note"],
    )  # fmt: skip


def _is_open(invoice: Invoice, paid: int) -> bool:
    """Whether money is still to come for it: an invoice of a purchase is written when it was paid, and nobody waits for that
    of a deleted client."""
    return invoice.organization.closed_at is None and invoice.kind == Invoice.Kind.INVOICE and invoice.purchase_id is None and paid < invoice.gross_cents
