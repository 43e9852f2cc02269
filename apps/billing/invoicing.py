"""Invoices and credit notes: the next number under a lock, a copy of both sides, never changed afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum

from apps.billing.models import Buyer, Invoice, InvoiceCounter, Payment, Purchase, Seller, Subscription
from apps.billing.vat import Party, Tax, decide, tax_on
from apps.core.db import step
from apps.organizations.models import Organization

LANGUAGES = {code for code, _name in settings.LANGUAGES}
SELLER_FIELDS = (
    "legal_name", "address", "postal_code", "city", "country", "vat_id", "registration", "iban", "bic", "account_holder",
    "invoice_footer",
)  # fmt: skip
BUYER_FIELDS = ("company", "contact", "address", "postal_code", "city", "country", "vat_id", "reference")


@dataclass(frozen=True)
class Line:
    """One line of an invoice. `quantity` as it is printed; `entries`: keys of the ledger entries that it stands for.

    `unit_micros`: price of one, in millionths of the currency.
    """

    text: str
    net_cents: int
    quantity: Decimal = Decimal(1)
    unit_micros: int | None = None
    entries: Sequence[str] = ()


@dataclass(frozen=True)
class Subject:
    """What an invoice is about, and when it was supplied."""

    purchase: Purchase | None = None
    subscription: Subscription | None = None
    supplied_from: dt.date | None = None
    supplied_until: dt.date | None = None
    due_on: dt.date | None = None
    note: str = ""
    corrects: Invoice | None = field(default=None)


def tax_for(client: Organization, seller: Seller, on: dt.date) -> Tax:
    """The tax on a sale to this client on a day, by its billing details as they are now."""
    buyer = buyer_of(client)
    return decide(
        seller=Party(
            country=seller.country, postal_code=seller.postal_code, vat_id=seller.vat_id, vat_rate=seller.vat_rate,
            is_small_business=seller.is_small_business, uses_one_stop_shop=seller.uses_one_stop_shop,
        ),
        buyer=Party(country=buyer.country, postal_code=buyer.postal_code, vat_id=buyer.vat_id, is_business=buyer.is_business),
        on=on,
    )  # fmt: skip


def buyer_of(client: Organization) -> Buyer:
    """Who the client is on an invoice; what it has not said yet is its name and country."""
    found = Buyer.objects.for_organization(client).first()
    return found or Buyer(organization=client, company=client.name, country=client.country)


@step
def issue_invoice(
    *, client: Organization, seller: Seller, key: str, lines: Sequence[Line], tax: Tax, subject: Subject,
    now: dt.datetime, currency: str = "", vat_cents: Sequence[int] | None = None,
) -> Invoice:  # fmt: skip
    """Give out the next number of the seller's series. A second time with the same key returns the first document.

    The number belongs to this transaction: when it is rolled back, the number is free again, so there is no gap. Waits
    for other documents of the same seller.

    Args:
        lines: at least one; a credit note's are below zero (`subject.corrects` makes it one).
        vat_cents: the tax of each line, where it was agreed before; else worked out here, rounded half up at the line.
        currency: else the seller's.

    The scope holds the client and its agency.
    """
    if found := Invoice.objects.for_organization(client).filter(key=key).first():
        return found
    kind = Invoice.Kind.CREDIT_NOTE if subject.corrects else Invoice.Kind.INVOICE
    taxes = list(vat_cents) if vat_cents is not None else [tax_on(each.net_cents, tax.rate) for each in lines]
    prefix = seller.credit_note_prefix if subject.corrects else seller.invoice_prefix
    sequence = _next_number(seller, kind)
    return Invoice.objects.create(
        organization=client, key=key, seller_id=seller.pk, kind=kind, series=kind, sequence=sequence,
        number=f"{prefix}{sequence:05d}", corrects=subject.corrects, language=_language(client),
        currency=currency or seller.currency, issued_on=now.date(), due_on=subject.due_on,
        supplied_from=subject.supplied_from, supplied_until=subject.supplied_until,
        seller=_copy(seller, SELLER_FIELDS), buyer=_copy(buyer_of(client), BUYER_FIELDS),
        lines=[_as_json(line, tax.rate, vat) for line, vat in zip(lines, taxes, strict=True)],
        net_cents=sum(each.net_cents for each in lines), vat_cents=sum(taxes), vat_reason=tax.reason,
        note=subject.note[:500], purchase=subject.purchase, subscription=subject.subscription,
    )  # fmt: skip


def paid_on(invoice: Invoice) -> int:
    """Cents that came for this invoice, less what went back."""
    rows = Payment.objects.for_organization(invoice.organization_id).filter(invoice=invoice)
    return int(rows.aggregate(total=Sum("amount_cents"))["total"] or 0)


def _next_number(seller: Seller, series: str) -> int:
    counters = InvoiceCounter.objects.for_organization(seller.organization_id)
    InvoiceCounter.objects.get_or_create(organization_id=seller.organization_id, series=series)
    counter = counters.select_for_update().get(series=series)
    counter.last += 1
    counter.save(update_fields=["last"])
    return counter.last


def _as_json(line: Line, rate: int, vat: int) -> dict[str, Any]:
    unit = line.unit_micros if line.unit_micros is not None else line.net_cents * 10_000
    return {
        "text": line.text, "quantity": str(line.quantity), "unit_micros": unit, "net_cents": line.net_cents,
        "vat_rate": rate, "vat_cents": vat, "entries": list(line.entries),
    }  # fmt: skip


def _copy(row: Seller | Buyer, names: Sequence[str]) -> dict[str, str]:
    return {name: getattr(row, name) for name in names}


def _language(client: Organization) -> str:
    return client.language if client.language in LANGUAGES else settings.LANGUAGE_CODE
