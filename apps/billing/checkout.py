"""Paying by card: the page of the agency's own payment account, opened for one purchase or plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from apps.billing.gateways.stripe import Session, Stripe
from apps.billing.invoicing import buyer_of
from apps.billing.models import Buyer, Plan, Purchase, Seller, Subscription
from apps.billing.offers import Offer, seller_of
from apps.billing.purchasing import note_session
from apps.billing.subscriptions import credit_for, subscription_of, unused_text
from apps.billing.vat import gross_of
from apps.branding.services import absolute_url
from apps.core.db import writes
from apps.core.errors import Conflict, DomainError, NotFound, Unavailable
from apps.organizations.models import Organization

T = TypeVar("T")
LOCALES = {"en", "nl", "de"}


def open_checkout(*, client: Organization, purchase: Purchase, now: dt.datetime) -> str:
    """The address of the payment page of an open purchase; made once per purchase, and asked for again later.

    Raises Conflict when it cannot be paid that way any more, Unavailable when the payment account does not answer. What
    the account says is not shown to a client: it names the account's provider.
    """
    seller = _card_seller(client)
    if purchase.status not in (Purchase.Status.OPEN, Purchase.Status.FAILED) or purchase.gateway != Purchase.Gateway.STRIPE:
        raise Conflict(_("This purchase cannot be paid any more. Buy again."))
    return _url(_quietly(lambda: _session(Stripe(seller.stripe_secret_key or ""), seller, client, purchase, now)))


def open_plan_checkout(*, client: Organization, offer: Offer, key: str, now: dt.datetime) -> str:
    """The address of the payment page that begins a plan. The same `key` opens the same page. Errors as above.

    What is paid already of a plan that runs and is left for comes off the first payment.
    """
    seller = _card_seller(client)
    stripe = Stripe(seller.stripe_secret_key or "")
    plan, running = offer.item, subscription_of(client.pk)
    assert isinstance(plan, Plan)
    credit = credit_for(running, plan, now)

    def make(customer: str) -> Session:
        values = _plan_values(seller, client, customer, offer, running)
        if running and credit:
            off = gross_of(credit, offer.tax.rate)
            coupon = stripe.create_coupon(off, seller.currency, name=unused_text(client, running), key=f"credit:{key}:{off}")
            values["discounts"] = [{"coupon": coupon}]
            values["metadata"] |= {"credit_cents": str(credit)}
        return stripe.create_session(values, key=f"plan:{key}:{credit}:{customer}")

    return _url(_quietly(lambda: _with_customer(stripe, seller, client, make, now)))


def open_customer_portal(*, client: Organization) -> str:
    """The address where the client sees its cards and ends a plan. Raises as above, and NotFound before the first payment."""
    seller, buyer = _card_seller(client), buyer_of(client)
    if not buyer.stripe_customer:
        raise NotFound(_("There is nothing to see yet: nothing was paid by card."))
    back = absolute_url(client.brand, f"/o/{client.slug}/billing")
    return _quietly(lambda: Stripe(seller.stripe_secret_key or "").create_portal(buyer.stripe_customer, back))


def _card_seller(client: Organization) -> Seller:
    seller = seller_of(client)
    if seller is None or not seller.takes_cards:
        raise Conflict(_("Card payments are not possible at the moment. Choose another way to pay, or ask your provider."))
    return seller


def _session(stripe: Stripe, seller: Seller, client: Organization, purchase: Purchase, now: dt.datetime) -> Session:
    if purchase.stripe_session:
        return stripe.session(purchase.stripe_session)

    def make(customer: str) -> Session:
        return stripe.create_session(_package_values(client, customer, purchase), key=f"purchase:{purchase.pk}:{customer}")

    made = _with_customer(stripe, seller, client, make, now)
    note_session(client=client, purchase_id=purchase.pk, session=made.id, now=now)
    return made


def _with_customer(
    stripe: Stripe, seller: Seller, client: Organization, make: Callable[[str], Session], now: dt.datetime
) -> Session:
    """A session of the customer that is known; when the account does not know it (the agency took another one), of a new one."""
    known = buyer_of(client).stripe_customer
    if known:
        try:
            return make(known)
        except NotFound:
            pass
    return make(_customer(stripe, seller, client, known, now))


def _customer(stripe: Stripe, seller: Seller, client: Organization, instead_of: str, now: dt.datetime) -> str:
    """Make the client a customer of the agency's account, once for each account."""
    buyer = buyer_of(client)
    values = {
        "name": buyer.company or client.name, "email": buyer.email or None, "metadata": {"organization": str(client.pk)},
        "address": {
            "line1": buyer.address, "postal_code": buyer.postal_code or None, "city": buyer.city, "country": buyer.country,
        },
    }  # fmt: skip
    customer = stripe.create_customer(values, key=f"customer:{client.pk}:{seller.stripe_account}:{instead_of}")
    _note_customer(client=client, customer=customer, now=now)
    return customer


@writes
def _note_customer(*, client: Organization, customer: str, now: dt.datetime) -> None:
    Buyer.objects.for_organization(client).update(stripe_customer=customer[:64], updated_at=now)


def _package_values(client: Organization, customer: str, purchase: Purchase) -> dict[str, Any]:
    told = {"purchase": str(purchase.pk), "organization": str(client.pk), "reference": purchase.reference}
    return _values(client, customer, back=f"?paid={purchase.pk}") | {
        "mode": "payment", "client_reference_id": str(purchase.pk), "metadata": told,
        # A charge takes over what its payment says, so a refund's event names the purchase, too.
        "payment_intent_data": {"metadata": told, "description": f"{purchase.name} ({purchase.reference})"},
        "line_items": [{"quantity": 1, "price_data": _price(purchase.name, purchase.gross_cents, purchase.currency)}],
    }  # fmt: skip


def _plan_values(
    seller: Seller, client: Organization, customer: str, offer: Offer, running: Subscription | None
) -> dict[str, Any]:  # fmt: skip
    plan = offer.item
    assert isinstance(plan, Plan)
    told = {
        "plan": str(plan.pk), "organization": str(client.pk), "net_cents": str(offer.net_cents),
        "vat_rate": str(offer.tax.rate), "vat_reason": offer.tax.reason,
    }  # fmt: skip
    price = _price(plan.name, offer.gross_cents, seller.currency) | {"recurring": {"interval": "month"}}
    data: dict[str, Any] = {"metadata": told}
    if plan.trial_days and running is None and not has_tried(client):
        data["trial_period_days"] = plan.trial_days
    return _values(client, customer, back="?plan=begun") | {
        "mode": "subscription", "metadata": dict(told), "subscription_data": data, "line_items": [{"quantity": 1, "price_data": price}],
    }  # fmt: skip


def has_tried(client: Organization) -> bool:
    """Whether the client had a trial already: there is one for each client."""
    return Subscription.objects.for_organization(client).filter(trial_ends_at__isnull=False).exists()


def _values(client: Organization, customer: str, *, back: str) -> dict[str, Any]:
    here = absolute_url(client.brand, f"/o/{client.slug}/billing")
    return {
        "customer": customer, "success_url": here + back, "cancel_url": here + "?left=1",
        "locale": client.language if client.language in LOCALES else "auto",
    }  # fmt: skip


def _price(name: str, cents: int, currency: str) -> dict[str, Any]:
    return {"currency": currency.lower(), "unit_amount": cents, "product_data": {"name": name}}


def _quietly(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except DomainError as error:
        raise Unavailable(_("The payment page cannot be opened at the moment. Try again in a minute, or ask your provider.")) from error


def _url(session: Session) -> str:
    if not session.url:
        raise Conflict(_("This payment page is over. If you have paid, it is confirmed in a moment; else buy again."))
    return session.url
