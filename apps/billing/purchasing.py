"""A client's order of credits: open until it is paid, then credits, invoice and mail in one transaction, once."""

from __future__ import annotations

import datetime as dt
import secrets

from django.db.models import Sum
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from apps.billing.invoicing import Line, Subject, issue_invoice, tax_for
from apps.billing.models import CREDIT, Invoice, LedgerEntry, Package, Payment, Purchase, Seller
from apps.billing.offers import lacks_details, seller_of, ways_to_pay
from apps.billing.received import Received, keep_payment
from apps.billing.sales_mail import mail_paid, mail_payment_failed, mail_transfer
from apps.billing.services import book
from apps.billing.vat import Tax, tax_on
from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid, NotFound
from apps.organizations.models import Notification, Organization, Role
from apps.organizations.notifications import notify
from apps.organizations.services import Actor, record_audit

Status = Purchase.Status
# No letters that are taken for digits: the reference is typed into bank forms.
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
UNPAID = (Status.OPEN, Status.FAILED, Status.EXPIRED)


@writes
def order_package(
    *, client: Organization, package_id: object, gateway: str, key: str, by: Actor, now: dt.datetime
) -> Purchase:
    """Order a package at its price of now. A second time with the same key returns the first order.

    By transfer a mail with the instructions goes out. In a scope that holds the client and its agency.

    Raises NotFound for a package that is not on sale, Conflict for a client without a wallet, Invalid for a way to pay
    that the agency does not take, and for a buyer without an address.
    """
    if found := Purchase.objects.for_organization(client).filter(key=key).first():
        return found
    seller = seller_of(client)
    if seller is None or not client.has_wallet:
        raise Conflict(_("Credits cannot be bought for this workspace. Ask your provider."))
    if gateway not in ways_to_pay(seller):
        raise Invalid(_("Choose another way to pay."), param="gateway")
    if lacks_details(client):
        raise Invalid(_("Fill in your billing details first: they stand on the invoice."), param="details")
    package = Package.objects.for_organization(seller.organization_id).filter(pk=package_id, is_active=True).first()
    if package is None:
        raise NotFound(_("This package is not on sale any more."))
    tax = tax_for(client, seller, now.date())
    purchase = Purchase.objects.create(
        organization=client, key=key, package_id=package.pk, name=package.name, credits=package.credits,
        currency=seller.currency, net_cents=package.price_cents, vat_rate=tax.rate,
        vat_cents=tax_on(package.price_cents, tax.rate), vat_reason=tax.reason, gateway=gateway, reference=new_reference(),
        bought_by=by.label[:200],
    )  # fmt: skip
    record_audit(organization=client, by=by, action="purchase.order", target=purchase, data=_told(purchase))
    if gateway == Purchase.Gateway.TRANSFER:
        mail_transfer(purchase=purchase, seller=seller, now=now)
    return purchase


@writes
def note_session(*, client: Organization, purchase_id: object, session: str, now: dt.datetime) -> None:
    """Remember under which Checkout session a purchase is paid."""
    rows = Purchase.objects.for_organization(client).filter(pk=purchase_id)
    rows.update(stripe_session=session[:100], updated_at=now)


@writes
def take_money(*, client: Organization, purchase_id: object, received: Received, by: Actor, now: dt.datetime) -> Purchase:
    """`receive` in a transaction of its own."""
    return receive(client=client, purchase_id=purchase_id, received=received, by=by, now=now)


@step
def receive(*, client: Organization, purchase_id: object, received: Received, by: Actor, now: dt.datetime) -> Purchase:
    """Note money that came for a purchase, once per key; once it is paid in full, book the credits and write the invoice.

    Also for one that had failed or run out: whoever paid gets what was bought. In a scope that holds the client and its
    agency.

    Raises Invalid for another currency, or no money at all.
    """
    purchase = locked(client, purchase_id)
    if not received.is_money_in(purchase.currency):
        raise Invalid(_("The amount does not fit this purchase."), param="amount")
    if keep_payment(client=client, received=received, by=by, purchase=purchase):
        record_audit(organization=client, by=by, action="purchase.payment", target=purchase, data=_told(purchase) | received.told)
    if purchase.status in UNPAID and received_for(purchase) >= purchase.gross_cents:
        _complete(client, purchase, received, by, now)
    return purchase


@step
def fail(*, client: Organization, purchase_id: object, why: str, now: dt.datetime) -> None:
    """A payment did not go through. One that was paid by now, or has failed already, stays as it is."""
    purchase = locked(client, purchase_id)
    if purchase.status == Status.OPEN:
        purchase.change(now, status=Status.FAILED, error=why[:300])
        mail_payment_failed(
            client=client, key=str(purchase.pk), what=purchase.name, cents=purchase.gross_cents, currency=purchase.currency,
            now=now,
        )  # fmt: skip


@step
def expire(*, client: Organization, purchase_id: object, now: dt.datetime) -> None:
    """Nobody paid in time. One that was paid by now stays paid."""
    purchase = locked(client, purchase_id)
    if purchase.status == Status.OPEN:
        purchase.change(now, status=Status.EXPIRED)


@writes
def cancel(*, client: Organization, purchase_id: object, by: Actor, now: dt.datetime) -> None:
    """Give up an order by transfer for which no money has come. Raises Conflict for any other."""
    purchase = locked(client, purchase_id)
    if purchase.status != Status.OPEN or purchase.gateway != Purchase.Gateway.TRANSFER or received_for(purchase):
        raise Conflict(_("This purchase cannot be cancelled any more."))
    purchase.change(now, status=Status.EXPIRED)
    record_audit(organization=client, by=by, action="purchase.cancel", target=purchase, data=_told(purchase))


@step
def locked(client: Organization, purchase_id: object) -> Purchase:
    """The row, for this transaction alone. Raises NotFound."""
    rows = Purchase.objects.for_organization(client).select_for_update(of=("self",)).select_related("organization__brand")
    found = rows.filter(pk=purchase_id).first()
    if found is None:
        raise NotFound(_("There is no such purchase."))
    return found


def received_for(purchase: Purchase) -> int:
    """Cents that came, less what went back."""
    rows = Payment.objects.for_organization(purchase.organization_id).filter(purchase=purchase)
    return int(rows.aggregate(total=Sum("amount_cents"))["total"] or 0)


def invoice_of(purchase: Purchase) -> Invoice | None:
    return Invoice.objects.for_organization(purchase.organization_id).filter(key=f"purchase:{purchase.pk}").first()


def new_reference() -> str:
    return "R-" + "".join(secrets.choice(LETTERS) for _place in range(8))


def _complete(client: Organization, purchase: Purchase, received: Received, by: Actor, now: dt.datetime) -> None:
    values = {"stripe_payment": received.stripe_payment[:100]} if received.stripe_payment else {}
    purchase.change(now, status=Status.PAID, paid_at=now, error="", **values)
    entry = book(
        organization_id=client.pk, key=f"purchase:{purchase.pk}", kind=LedgerEntry.Kind.PURCHASE,
        amount=purchase.credits * CREDIT, note=f"{purchase.name} ({purchase.reference})", actor=by, now=now,
    )  # fmt: skip
    seller = _seller(client)
    invoice = issue_invoice(
        client=client, seller=seller, key=f"purchase:{purchase.pk}", tax=Tax(purchase.vat_rate, purchase.vat_reason),
        lines=[Line(text=line_text(client, purchase), net_cents=purchase.net_cents, entries=[entry.key])],
        vat_cents=[purchase.vat_cents], currency=purchase.currency,
        subject=Subject(purchase=purchase, supplied_from=now.date(), supplied_until=now.date(), note=_paid_words(client, purchase)),
        now=now,
    )  # fmt: skip
    mail_paid(purchase=purchase, invoice=invoice, now=now)
    _tell_agency(client, purchase, now)


def _tell_agency(client: Organization, purchase: Purchase, now: dt.datetime) -> None:
    agency = Organization.objects.get(pk=client.parent_id)
    with translation.override(agency.language):
        notify(
            organization=agency, key=f"sale:{purchase.pk}", kind="sale", level=Notification.Level.SUCCESS, role=Role.ADMIN,
            title=_("%(client)s paid %(name)s") % {"client": client.name, "name": purchase.name},
            url=reverse("sale", args=[agency.slug, client.slug, purchase.pk]), now=now,
        )  # fmt: skip


def line_text(client: Organization, purchase: Purchase) -> str:
    """What stands on the document, in its language."""
    with translation.override(client.language):
        return _("%(name)s: %(count)d credits") % {"name": purchase.name, "count": purchase.credits}


def _paid_words(client: Organization, purchase: Purchase) -> str:
    with translation.override(client.language):
        return _("Paid. Reference: %(reference)s") % {"reference": purchase.reference}


def _seller(client: Organization) -> Seller:
    found = seller_of(client)
    if found is None:
        raise Conflict(_("The agency has no billing settings any more."))
    return found


def _told(purchase: Purchase) -> dict[str, object]:
    return {"reference": purchase.reference, "name": purchase.name, "credits": purchase.credits, "gross_cents": purchase.gross_cents, "currency": purchase.currency}  # fmt: skip
