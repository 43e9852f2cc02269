"""What an event should have told, asked for: purchases whose payment nobody reported, plans that are over here but not there."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from apps.billing.gateways.stripe import Stripe
from apps.billing.models import Purchase, Subscription
from apps.billing.offers import seller_of
from apps.core.errors import NotFound
from apps.core.scope import acting
from apps.organizations.models import Organization
from apps.organizations.scopes import overview
from apps.portal.services import stripe_purchases

# Long enough for every event to have come by itself; a Checkout page is open for a day.
QUIET = dt.timedelta(minutes=15)
ASKED_FOR = dt.timedelta(days=3)


def quiet_purchases(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(client, purchase) of open payment pages of which nothing was heard."""
    with acting(overview("payment pages nobody reported")):
        rows = Purchase.objects.filter(status=Purchase.Status.OPEN, gateway=Purchase.Gateway.STRIPE).exclude(stripe_session="")
        rows = rows.filter(created_at__lt=now - QUIET, created_at__gt=now - ASKED_FOR).order_by("created_at")
        return list(rows.values_list("organization_id", "pk")[:200])


def ask_for_purchase(*, client: Organization, purchase_id: UUID, now: dt.datetime) -> None:
    """Do what the event would have done. In a scope that holds the client and its agency; speaks to the outside."""
    purchase = Purchase.objects.for_organization(client).filter(pk=purchase_id, status=Purchase.Status.OPEN).first()
    seller = seller_of(client)
    if purchase is None or seller is None or not seller.stripe_secret_key:
        return
    session = Stripe(seller.stripe_secret_key).session(purchase.stripe_session)
    told = {
        "id": session.id, "mode": "payment", "payment_status": session.payment_status, "payment_intent": session.payment_intent,
        "amount_total": session.amount_cents, "currency": session.currency, "metadata": {"purchase": str(purchase.pk)},
    }  # fmt: skip
    if session.status == "complete":
        stripe_purchases.completed(client, told, now)
    elif session.status == "expired":
        stripe_purchases.expired(client, told, now)


def ended_plans(now: dt.datetime) -> list[tuple[UUID, str]]:
    """(client, Stripe's id) of plans that ended here lately: nothing may be collected for them any more."""
    with acting(overview("plans that are over")):
        rows = Subscription.objects.filter(status=Subscription.Status.ENDED, ended_at__gt=now - ASKED_FOR).exclude(stripe_subscription="")
        return list(rows.order_by("ended_at").values_list("organization_id", "stripe_subscription")[:200])


def end_at_stripe(*, client: Organization, ident: str) -> bool:
    """End a plan in the payment account as well. Returns whether it still ran there."""
    seller = seller_of(client)
    if seller is None or not seller.stripe_secret_key:
        return False
    stripe = Stripe(seller.stripe_secret_key)
    try:
        if stripe.subscription(ident).status in ("canceled", "incomplete_expired"):
            return False
        stripe.end_subscription(ident)
    except NotFound:
        return False
    return True
