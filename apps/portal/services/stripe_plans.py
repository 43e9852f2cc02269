"""Events of a plan that is paid by card each month. The months are ours: Stripe tells only what was paid, and what ended."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.billing.card_extras import charge_extra
from apps.billing.gateways.stripe import Stripe
from apps.billing.models import Invoice, Payment, Plan, Subscription
from apps.billing.offers import seller_of
from apps.billing.sales_mail import mail_payment_failed
from apps.billing.standing import mark_late
from apps.billing.subscriptions import (
    begin_subscription,
    cancel_subscription,
    change_subscription,
    end_subscription,
    resume_subscription,
    subscription_of,
)
from apps.core.db import step, writes
from apps.core.errors import Conflict
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.portal.services.plans import assign_plan
from apps.portal.services.stripe_fields import cents as cents_of
from apps.portal.services.stripe_fields import text, uuid

CARD = Actor(label="Card payment")
# What payments are called by the gateway's id: of a month, and of what is charged beside it.
MONTH, EXTRA = "stripe:", "stripe-beside:"
Status = Subscription.Status


def begun(client: Organization, session: dict[str, Any], now: dt.datetime) -> None:
    """A client chose a plan and gave a card: its terms begin, its limits hold."""
    ident = text(session.get("subscription"))
    plan = Plan.objects.for_organization(client.parent_id).filter(pk=uuid(session["metadata"].get("plan"))).first()
    if plan is None or not ident:
        return
    if Subscription.objects.for_organization(client).filter(stripe_subscription=ident).exists():
        return
    running = subscription_of(client.pk)
    if running and running.plan_id != plan.pk:
        agreed = text(session["metadata"].get("credit_cents"))
        change_subscription(
            client=client, plan=plan, by=CARD, now=now, gateway="stripe", stripe_subscription=ident,
            agreed=int(agreed) if agreed.isascii() and agreed.isdigit() else None,
        )  # fmt: skip
    _begin(client=client, plan=plan, ident=ident, now=now)
    assign_plan(client=client, plan=plan, by=CARD, now=now)


def paid(client: Organization, invoice: dict[str, Any], now: dt.datetime) -> None:
    """A month was paid: the oldest invoice of ours of which none was paid is. Or what was charged beside the months."""
    cents, currency, ident = cents_of(invoice.get("amount_paid")), text(invoice.get("currency")), text(invoice.get("id"))
    if cents <= 0:
        return
    if beside := uuid(invoice["metadata"].get("invoice")):
        _book_extra(client=client, invoice_id=beside, key=f"{EXTRA}{ident}", cents=cents, currency=currency, now=now)
    else:
        _book_payment(client=client, ident=_subscription(invoice), key=f"{MONTH}{ident}", cents=cents, currency=currency, now=now)


def failed(client: Organization, invoice: dict[str, Any], now: dt.datetime) -> None:
    """A month, or what was charged beside it, could not be collected. Stripe tries again; the client is told each time."""
    if beside := uuid(invoice["metadata"].get("invoice")):
        _extra_late(client=client, invoice_id=beside, key=text(invoice.get("event_id")), cents=cents_of(invoice.get("amount_due")), now=now)
        return
    _late(client=client, ident=_subscription(invoice), key=text(invoice.get("event_id")), cents=cents_of(invoice.get("amount_due")), now=now)


def collect(client: Organization, found: dict[str, Any], now: dt.datetime) -> None:
    """Credits beyond the plan are to be charged to its card."""
    charge_extra(client=client, invoice_id=uuid(found.get("id")), now=now)


def changed(client: Organization, found: dict[str, Any], now: dt.datetime) -> None:
    """Asked for as it is now: events of changes may come in any order."""
    running = _running(client, text(found.get("id")))
    seller = seller_of(client)
    if running is None or seller is None or not seller.stripe_secret_key:
        return
    state = Stripe(seller.stripe_secret_key).subscription(running.stripe_subscription)
    if state.status in ("canceled", "incomplete_expired"):
        end_subscription(client=client, by=CARD, now=now)
    elif state.ends_at_period_end != running.ends_at_period_end:
        (cancel_subscription if state.ends_at_period_end else resume_subscription)(client=client, by=CARD, now=now)


def ended(client: Organization, found: dict[str, Any], now: dt.datetime) -> None:
    if _running(client, text(found.get("id"))):
        end_subscription(client=client, by=CARD, now=now)


@writes
def _begin(*, client: Organization, plan: Plan, ident: str, now: dt.datetime) -> None:
    """A plan that ran already without a card is paid by it from now on."""
    row = begin_subscription(client=client, plan=plan, by=CARD, now=now, gateway="stripe", stripe_subscription=ident)
    if row.stripe_subscription != ident:
        Subscription.objects.for_organization(client).filter(pk=row.pk).update(gateway="stripe", stripe_subscription=ident)


@writes
def _book_payment(*, client: Organization, ident: str, key: str, cents: int, currency: str, now: dt.datetime) -> None:
    if Payment.objects.for_organization(client).filter(key=key).exists():
        return
    running = _known(client, ident)
    invoice = _oldest_open(running)
    if invoice is None:
        # Our month turns in the same hour as Stripe's: the next attempt finds its invoice.
        raise Conflict("No invoice of this plan is open yet.")
    _book(client, running, invoice, key=key, cents=cents, currency=currency, now=now)


@writes
def _book_extra(*, client: Organization, invoice_id: UUID, key: str, cents: int, currency: str, now: dt.datetime) -> None:
    if Payment.objects.for_organization(client).filter(key=key).exists():
        return
    if found := _with_plan(client, invoice_id):
        _book(client, *found, key=key, cents=cents, currency=currency, now=now)


@step
def _book(
    client: Organization, running: Subscription, invoice: Invoice, *, key: str, cents: int, currency: str, now: dt.datetime
) -> None:  # fmt: skip
    if currency.upper() != invoice.currency:
        raise Conflict("The payment is in another currency than the invoice.")
    Payment.objects.create(
        organization=client, key=key, gateway="stripe", currency=invoice.currency, amount_cents=cents, received_on=now.date(),
        invoice=invoice, actor=CARD.label,
    )  # fmt: skip
    if running.status == Status.PAST_DUE:
        running.change(now, status=Status.ACTIVE)
    data = {"amount_cents": cents, "on": now.date().isoformat()}
    record_audit(organization=client, by=CARD, action="invoice.payment", target=invoice, data=data)


@writes
def _late(*, client: Organization, ident: str, key: str, cents: int, now: dt.datetime) -> None:
    running = _known(client, ident)
    mail_payment_failed(client=client, key=key, what=running.name, cents=cents, currency=running.currency, now=now)
    mark_late(subscription=running, invoice=None, now=now)


@writes
def _extra_late(*, client: Organization, invoice_id: UUID, key: str, cents: int, now: dt.datetime) -> None:
    if found := _with_plan(client, invoice_id):
        running, invoice = found
        mail_payment_failed(client=client, key=key, what=running.name, cents=cents, currency=running.currency, now=now)
        mark_late(subscription=running, invoice=invoice, now=now)


def _with_plan(client: Organization, invoice_id: UUID) -> tuple[Subscription, Invoice] | None:
    """An invoice of ours, and its plan, locked; None when it is none of a plan of this client."""
    invoice = Invoice.objects.for_organization(client).filter(pk=invoice_id, subscription__isnull=False).first()
    if invoice is None:
        return None
    return Subscription.objects.for_organization(client).select_for_update().get(pk=invoice.subscription_id), invoice


def _oldest_open(subscription: Subscription) -> Invoice | None:
    """A month's payment never pays what is charged beside the months: one is for one invoice."""
    months = Payment.objects.filter(invoice=OuterRef("pk"), key__startswith=MONTH)
    paid = Payment.objects.filter(invoice=OuterRef("pk")).order_by().values("invoice").annotate(sum=Sum("amount_cents")).values("sum")
    rows = Invoice.objects.for_organization(subscription.organization_id).filter(subscription=subscription, kind=Invoice.Kind.INVOICE)
    rows = rows.exclude(Exists(months)).annotate(paid=Coalesce(Subquery(paid), 0)).order_by("issued_on", "sequence")
    return next((each for each in rows if each.paid < each.gross_cents), None)


def _known(client: Organization, ident: str) -> Subscription:
    """The subscription of an event; one that is not known yet comes with another event."""
    rows = Subscription.objects.for_organization(client).select_for_update()
    found = rows.filter(stripe_subscription=ident).first() if ident else None
    if found is None:
        raise Conflict("The subscription is not known yet.")
    return found


def _running(client: Organization, ident: str) -> Subscription | None:
    found = subscription_of(client.pk)
    return found if found and ident and found.stripe_subscription == ident else None


def _subscription(invoice: dict[str, Any]) -> str:
    """Where an invoice names its subscription: at the top, or below its parent in newer versions of the API."""
    parent = invoice.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, dict) else None
    newer = details.get("subscription") if isinstance(details, dict) else None
    return text(invoice.get("subscription")) or text(newer)

