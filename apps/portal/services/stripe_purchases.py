"""Events of a Checkout page and of its payment: money came, failed, did not come in time, or went back."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.billing import purchasing
from apps.billing.purchasing import take_money
from apps.billing.received import Received
from apps.billing.refunds import note_total
from apps.core.db import writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor
from apps.portal.services import stripe_plans
from apps.portal.services.stripe_fields import cents, text, uuid

# Seen by the client in its audit log: its agency's payment provider is not its business.
CARD = Actor(label="Card payment")


def completed(client: Organization, session: dict[str, Any], now: dt.datetime) -> None:
    """The page was completed. What is paid later (a bank debit) is not booked before the money is there."""
    if session.get("mode") == "subscription":
        stripe_plans.begun(client, session, now)
    elif session.get("payment_status") in ("paid", "no_payment_required") and (wanted := uuid(session["metadata"].get("purchase"))):
        payment = text(session.get("payment_intent")) or text(session.get("id"))
        received = Received(
            key=f"stripe:{payment}", gateway="stripe", amount_cents=cents(session.get("amount_total")),
            currency=text(session.get("currency")), on=now.date(), stripe_payment=payment,
        )  # fmt: skip
        take_money(client=client, purchase_id=wanted, received=received, by=CARD, now=now)


def failed(client: Organization, session: dict[str, Any], now: dt.datetime) -> None:
    if wanted := uuid(session["metadata"].get("purchase")):
        _fail(client=client, purchase_id=wanted, now=now)


def expired(client: Organization, session: dict[str, Any], now: dt.datetime) -> None:
    if wanted := uuid(session["metadata"].get("purchase")):
        _expire(client=client, purchase_id=wanted, now=now)


def refunded(client: Organization, charge: dict[str, Any], now: dt.datetime) -> None:
    """Also what the agency gave back at Stripe itself. Waits for the payment's event when it came first."""
    if wanted := uuid(charge["metadata"].get("purchase")):
        total = cents(charge.get("amount_refunded"))
        note_total(client=client, purchase_id=wanted, total_cents=total, key="", on=now.date(), by=CARD, now=now)


@writes
def _fail(*, client: Organization, purchase_id: object, now: dt.datetime) -> None:
    purchasing.fail(client=client, purchase_id=purchase_id, why="The payment did not succeed.", now=now)


@writes
def _expire(*, client: Organization, purchase_id: object, now: dt.datetime) -> None:
    purchasing.expire(client=client, purchase_id=purchase_id, now=now)
