"""Money back: a credit note, a payment below zero, and the credits taken from the wallet again. Never more than was paid.

Everything is told by the total that was given back of a purchase: whoever books a total books the difference to what is
booked already, so Stripe's answer, its event, and both again, in any order, come to the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _

from apps.billing.gateways.stripe import Stripe
from apps.billing.invoicing import Line, Subject, issue_invoice
from apps.billing.models import CREDIT, Invoice, LedgerEntry, Payment, Purchase
from apps.billing.offers import seller_of
from apps.billing.purchasing import invoice_of, line_text, locked
from apps.billing.services import balance, book
from apps.billing.vat import Tax
from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit

Status = Purchase.Status
STEP = 100  # micro-credits: bookings have four decimals


@dataclass(frozen=True)
class Effect:
    """What a refund would do: micro-credits that go, and how many of them are used already."""

    amount_cents: int
    micro: int
    used: int


def effect_of(purchase: Purchase, amount_cents: int) -> Effect:
    """Tell before it is done what giving back this much means for the wallet."""
    total = purchase.refunded_cents + amount_cents
    micro = _micro_of(purchase, total) - _micro_of(purchase, purchase.refunded_cents)
    left = max(0, balance(purchase.organization_id))
    return Effect(amount_cents, micro, max(0, micro - left))


def unused_cents(purchase: Purchase) -> int:
    """What of the price the wallet still holds, and may be given back without taking used credits."""
    left = max(0, balance(purchase.organization_id))
    worth = purchase.gross_cents * left // (purchase.credits * CREDIT)
    return min(worth, purchase.gross_cents - purchase.refunded_cents)


def refund(
    *, client: Organization, purchase_id: object, amount_cents: int, key: str, on: dt.date, by: Actor, takes_used: bool,
    now: dt.datetime,
) -> Purchase:  # fmt: skip
    """Give back money of a paid purchase: by card through the gateway, else as the agency transferred it itself.

    Args:
        amount_cents: gross, at most what is left of what was paid.
        key: of the form; sent twice it gives back once.
        on: when it was transferred; by card today counts.
        takes_used: credits that are used already may go, so that the balance falls below zero.

    In a scope that holds the client and its agency. Raises Conflict for what is not paid, Invalid for too much, and what
    the gateway raises; a failure half-way is healed by the gateway's event or by the same form again.
    """
    purchase = _intend(client=client, purchase_id=purchase_id, amount_cents=amount_cents, key=key, by=by, takes_used=takes_used)
    if _is_done(purchase, key):
        return purchase
    if purchase.gateway != Purchase.Gateway.STRIPE:
        return _by_hand(client=client, purchase_id=purchase_id, amount_cents=amount_cents, key=key, on=on, by=by, now=now)
    seller = seller_of(client)
    if seller is None or not seller.stripe_secret_key:
        raise Conflict(_("Your Stripe account is not connected any more. Connect it again to refund."))
    metadata = {"purchase": str(purchase.pk), "organization": str(client.pk)}
    done = Stripe(seller.stripe_secret_key).refund(purchase.stripe_payment, amount_cents, key=f"refund:{purchase.pk}:{key}", metadata=metadata)
    return note_total(
        client=client, purchase_id=purchase_id, total_cents=done.total_cents, key=_form(key), on=now.date(), by=by, now=now
    )  # fmt: skip


@writes
def note_total(
    *, client: Organization, purchase_id: object, total_cents: int, key: str, on: dt.date, by: Actor, now: dt.datetime
) -> Purchase:
    """`book_total` in a transaction of its own."""
    return book_total(client=client, purchase_id=purchase_id, total_cents=total_cents, key=key, on=on, by=by, now=now)


@step
def book_total(
    *, client: Organization, purchase_id: object, total_cents: int, key: str, on: dt.date, by: Actor, now: dt.datetime
) -> Purchase:
    """So much was given back of a purchase in all: book what is not booked yet. A smaller total changes nothing.

    Before the purchase is paid here (an event overtook the payment's) nothing can be given back. Raises Conflict then.
    """
    purchase = locked(client, purchase_id)
    total = min(total_cents, purchase.gross_cents)
    if total <= purchase.refunded_cents:
        return purchase
    invoice = invoice_of(purchase)
    if purchase.status not in (Status.PAID, Status.REFUNDED) or invoice is None:
        raise Conflict(_("This purchase is not paid yet."))
    before, name = purchase.refunded_cents, f"refund:{purchase.pk}:{total}"
    micro = _micro_of(purchase, total) - _micro_of(purchase, before)
    book(
        organization_id=client.pk, key=name, kind=LedgerEntry.Kind.REFUND, amount=-micro,
        note=f"{purchase.name} ({purchase.reference})", actor=by, now=now,
    )  # fmt: skip
    note = _credit_note(client, purchase, invoice, before, total, name, now)
    Payment.objects.create(
        organization=client, key=key or name, gateway=purchase.gateway, currency=purchase.currency,
        amount_cents=before - total, received_on=on, purchase=purchase, invoice=note, actor=by.label[:200],
    )  # fmt: skip
    status = Status.REFUNDED if total == purchase.gross_cents else purchase.status
    purchase.change(now, refunded_cents=total, status=status)
    record_audit(organization=client, by=by, action="purchase.refunded", target=purchase, data={"total_cents": total, "credit_note": note.number})
    return purchase


@writes
def _intend(
    *, client: Organization, purchase_id: object, amount_cents: int, key: str, by: Actor, takes_used: bool
) -> Purchase:
    """Check what is asked for, and note who asked before anything leaves the house."""
    purchase = locked(client, purchase_id)
    if _is_done(purchase, key):
        return purchase
    if purchase.status not in (Status.PAID, Status.REFUNDED):
        raise Conflict(_("Only what was paid can be refunded."))
    if not 0 < amount_cents <= purchase.gross_cents - purchase.refunded_cents:
        raise Invalid(_("Refund at most what was paid and not refunded yet."), param="amount")
    if effect_of(purchase, amount_cents).used and not takes_used:
        raise Invalid(_("Some of these credits are used already. Refund less, or confirm that the balance may fall below zero."), param="takes_used")
    record_audit(organization=client, by=by, action="purchase.refund", target=purchase, data={"amount_cents": amount_cents, "key": key})
    return purchase


@writes
def _by_hand(
    *, client: Organization, purchase_id: object, amount_cents: int, key: str, on: dt.date, by: Actor, now: dt.datetime
) -> Purchase:
    purchase = locked(client, purchase_id)
    if _is_done(purchase, key):
        return purchase
    if amount_cents > purchase.gross_cents - purchase.refunded_cents:
        raise Invalid(_("Refund at most what was paid and not refunded yet."), param="amount")
    total = purchase.refunded_cents + amount_cents
    return book_total(
        client=client, purchase_id=purchase_id, total_cents=total, key=_form(key), on=on, by=by, now=now
    )


def _form(key: str) -> str:
    return f"refund-form:{key}"


def _is_done(purchase: Purchase, key: str) -> bool:
    return Payment.objects.for_organization(purchase.organization_id).filter(key=_form(key)).exists()


def _credit_note(
    client: Organization, purchase: Purchase, invoice: Invoice, before: int, total: int, key: str, now: dt.datetime
) -> Invoice:
    seller = seller_of(client)
    if seller is None:
        raise Conflict(_("The agency has no billing settings any more."))
    net = _net_of(purchase, total) - _net_of(purchase, before)
    return issue_invoice(
        client=client, seller=seller, key=key, tax=Tax(purchase.vat_rate, purchase.vat_reason), currency=purchase.currency,
        lines=[Line(text=line_text(client, purchase), net_cents=-net, entries=[key])], vat_cents=[-(total - before - net)],
        subject=Subject(purchase=purchase, supplied_from=invoice.supplied_from, supplied_until=invoice.supplied_until, corrects=invoice),
        now=now,
    )  # fmt: skip


def _net_of(purchase: Purchase, gross_cents: int) -> int:
    """The net part of a refunded total; of the whole it is the whole net price."""
    share = Decimal(purchase.net_cents) * gross_cents / purchase.gross_cents
    return int(share.quantize(Decimal(1), ROUND_HALF_UP))


def _micro_of(purchase: Purchase, gross_cents: int) -> int:
    """The micro-credits that go with a refunded total; with the whole, all that were bought."""
    share = Decimal(purchase.credits * CREDIT // STEP) * gross_cents / purchase.gross_cents
    return int(share.quantize(Decimal(1), ROUND_HALF_UP)) * STEP
