"""Mails about what a client bought: in its agency's look, to whom it named for invoices."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.billing.invoice_pdf import file_name, invoice_pdf
from apps.billing.models import Buyer, Invoice, Purchase, Seller
from apps.core.db import step
from apps.core.templatetags.ui import money
from apps.mail.models import Attachment
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Organization, Role

PLAN_INVOICE = "plan-invoice:"


@step
def mail_paid(*, purchase: Purchase, invoice: Invoice, now: dt.datetime) -> None:
    """Credits are booked; the invoice is attached."""
    client = purchase.organization
    file = Attachment(file_name(invoice), invoice_pdf(invoice, brand=client.brand))
    context = _facts(purchase) | {"number": invoice.number}
    _to_all(client, key=f"purchase-paid:{purchase.pk}", template="purchase_paid", context=context, file=file, now=now)


@step
def mail_transfer(*, purchase: Purchase, seller: Seller, now: dt.datetime) -> None:
    """How much to transfer, where to, with which reference."""
    context = _facts(purchase) | {
        "holder": seller.account_holder or seller.legal_name, "iban": seller.iban, "bic": seller.bic,
    }  # fmt: skip
    _to_all(purchase.organization, key=f"transfer:{purchase.pk}", template="transfer", context=context, now=now)


@step
def mail_payment_failed(*, client: Organization, key: str, what: str, cents: int, currency: str, now: dt.datetime) -> None:
    """A payment did not go through; `what` is the name of the package or plan."""
    context = {"organization": client.name, "name": what, "amount": money(cents, currency), "path": f"/o/{client.slug}/billing"}
    _to_all(client, key=f"payment-failed:{key}", template="payment_failed", context=context, now=now)


@step
def mail_plan_invoice(*, invoice: Invoice, seller: Seller, now: dt.datetime) -> None:
    """A month of a plan, with its invoice attached and how it is paid: by transfer, unless a card is charged for it."""
    client, plan = invoice.organization, invoice.subscription
    by_card = plan is not None and plan.gateway == Purchase.Gateway.STRIPE
    context = {
        "organization": client.name, "name": plan.name if plan else "", "number": invoice.number, "path": f"/o/{client.slug}/billing",
        "amount": money(invoice.gross_cents, invoice.currency), "due_on": invoice.due_on, "by_card": by_card,
        "holder": seller.account_holder or seller.legal_name, "iban": "" if by_card else seller.iban, "bic": seller.bic,
    }  # fmt: skip
    file = Attachment(file_name(invoice), invoice_pdf(invoice, brand=client.brand))
    _to_all(client, key=f"{PLAN_INVOICE}{invoice.pk}", template="plan_invoice", context=context, file=file, now=now)


def _facts(purchase: Purchase) -> dict[str, Any]:
    client = purchase.organization
    return {
        "organization": client.name, "name": purchase.name, "credits": purchase.credits, "reference": purchase.reference,
        "amount": money(purchase.gross_cents, purchase.currency), "path": f"/o/{client.slug}/billing",
    }  # fmt: skip


def _to_all(
    client: Organization, *, key: str, template: str, context: dict[str, Any], now: dt.datetime, file: Attachment | None = None
) -> None:
    for address, language in _readers(client):
        queue_mail(
            key=f"{key}:{address}"[:200], brand=client.brand, to=address, template=template, context=context,
            organization_id=client.pk, language=language, attachment=file, now=now,
        )  # fmt: skip


def _readers(client: Organization) -> list[tuple[str, str]]:
    """The address for invoices; without one, the owners."""
    buyer = Buyer.objects.for_organization(client).exclude(email="").first()
    if buyer:
        return [(buyer.email, client.language)]
    owners = Membership.objects.for_organization(client).filter(role=Role.OWNER).select_related("user")
    return [(each.user.email, each.user.language or client.language) for each in owners]
