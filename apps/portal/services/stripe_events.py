"""What an agency's Stripe account tells: each event is kept once, then done; repeats and wrong order change nothing twice.

An event that is not about a purchase or a plan of ours (the account may serve other trades) is put away. What has to wait
for another event is tried again, longer apart each time.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.billing.card_extras import COLLECT
from apps.billing.models import StripeEvent
from apps.core.db import now as read_now
from apps.core.db import writes
from apps.core.errors import DomainError
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.scopes import acting_for, overview
from apps.portal.services import stripe_plans, stripe_purchases
from apps.portal.services.stripe_fields import uuid

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 12
LEASE = dt.timedelta(seconds=30)
Handler = Callable[[Organization, dict[str, Any], dt.datetime], None]

HANDLED: dict[str, Handler] = {
    "checkout.session.completed": stripe_purchases.completed,
    "checkout.session.async_payment_succeeded": stripe_purchases.completed,
    "checkout.session.async_payment_failed": stripe_purchases.failed,
    "checkout.session.expired": stripe_purchases.expired,
    "charge.refunded": stripe_purchases.refunded,
    "invoice.paid": stripe_plans.paid,
    "invoice.payment_failed": stripe_plans.failed,
    "customer.subscription.updated": stripe_plans.changed,
    "customer.subscription.deleted": stripe_plans.ended,
    # Our own: noted with an invoice, tried again like the others.
    COLLECT: stripe_plans.collect,
}


@writes
def store_event(*, agency_id: UUID, event_id: str, type: str, body: str, now: dt.datetime) -> StripeEvent | None:
    """Keep an event that was proven to be authentic. None when its id is known already."""
    try:
        with transaction.atomic():
            return StripeEvent.objects.create(
                organization_id=agency_id, event_id=event_id, type=type[:80], payload=body, next_attempt_at=now
            )
    except IntegrityError:
        return None


def handle_event(*, agency_id: UUID, event_pk: UUID, now: dt.datetime) -> bool:
    """Do what an event asks for, unless it is done or another worker has it. Returns whether it is done now.

    In the agency's scope, outside of a transaction: each step writes in the client's own.
    """
    event = _claim(agency_id=agency_id, event_pk=event_pk, now=now)
    if event is None:
        return False
    try:
        _apply(agency_id, event, now)
    except DomainError as error:
        _note(event=event, error=error.text, gives_up=event.attempts >= MOST_ATTEMPTS, now=read_now())
        return False
    _note(event=event, error="", gives_up=True, now=read_now())
    return True


def due_events(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(agency, event) of what waits to be done."""
    with acting(overview("events of payment accounts that wait")):
        rows = StripeEvent.objects.filter(done_at=None, next_attempt_at__lte=now).order_by("next_attempt_at")
        return list(rows.values_list("organization_id", "pk")[:200])


def client_of(agency_id: UUID, found: dict[str, Any]) -> Organization | None:
    """The client that an event's object is about: as it was marked when it was made. None: not one of ours."""
    wanted = uuid(metadata_of(found).get("organization"))
    if wanted is None:
        return None
    with acting(Scope((wanted, agency_id))):
        rows = Organization.objects.select_related("brand")
        return rows.filter(pk=wanted, parent_id=agency_id).first()


def metadata_of(found: dict[str, Any]) -> dict[str, Any]:
    """What we wrote on an object; an invoice carries what its subscription was marked with, in one of two places."""
    parent = found.get("parent")
    places = (
        found.get("metadata"), _inner(found.get("subscription_details"), "metadata"),
        _inner(_inner(parent, "subscription_details"), "metadata"),
    )  # fmt: skip
    return next((each for each in places if isinstance(each, dict) and each.get("organization")), {})


@writes
def _claim(*, agency_id: UUID, event_pk: UUID, now: dt.datetime) -> StripeEvent | None:
    rows = StripeEvent.objects.for_organization(agency_id).filter(pk=event_pk, done_at=None, next_attempt_at__lte=now)
    if not rows.update(next_attempt_at=now + LEASE, attempts=F("attempts") + 1, updated_at=now):
        return None
    return StripeEvent.objects.for_organization(agency_id).get(pk=event_pk)


def _apply(agency_id: UUID, event: StripeEvent, now: dt.datetime) -> None:
    body = json.loads(event.payload or "{}")
    found = body.get("data", {}).get("object")
    handler = HANDLED.get(event.type)
    if handler is None or not isinstance(found, dict):
        return
    client = client_of(agency_id, found)
    if client is None:
        return
    if client.closed_at:
        log.warning("event %s is about a client that is gone", event.event_id)
        return
    with acting_for(client, with_parent=True):
        handler(client, found | {"metadata": metadata_of(found), "event_id": event.event_id}, now)


@writes
def _note(*, event: StripeEvent, error: str, gives_up: bool, now: dt.datetime) -> None:
    """Done (its content goes), or when to try again: in seconds first, in hours at last."""
    if gives_up:
        event.change(now, done_at=now, next_attempt_at=None, payload=None, error=error[:300])
        if error:
            log.error("event %s of a payment account was given up: %s", event.event_id, error)
    else:
        event.change(now, next_attempt_at=now + dt.timedelta(seconds=min(5 * 3**event.attempts, 6 * 3600)), error=error[:300])


def _inner(found: Any, name: str) -> Any:
    return found.get(name) if isinstance(found, dict) else None

