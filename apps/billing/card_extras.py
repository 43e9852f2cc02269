"""What a plan that is paid by card owes beyond its monthly price: charged to the plan's card, once for each invoice."""

from __future__ import annotations

import datetime as dt
import json
import logging
from uuid import UUID

from apps.billing.gateways.stripe import Stripe
from apps.billing.invoicing import paid_on
from apps.billing.models import Invoice, StripeEvent
from apps.billing.offers import seller_of
from apps.core.db import step
from apps.organizations.models import Organization

log = logging.getLogger(__name__)

# How a wish to charge stands among the events of the payment account, which are tried again until they are done.
COLLECT = "collect"
# The account forgets after a day that it was asked the same before: later nobody asks again, and the invoice stays unpaid.
ASKED_FOR = dt.timedelta(hours=20)


@step
def note_extra(*, client: Organization, invoice: Invoice, now: dt.datetime) -> None:
    """Note that credits beyond the plan are to be charged; in the transaction of their invoice. The scope holds the agency."""
    if extra_cents(invoice) > 0:
        told = {"id": str(invoice.pk), "metadata": {"organization": str(client.pk)}}
        StripeEvent.objects.get_or_create(
            organization_id=client.parent_id, event_id=f"{COLLECT}:{invoice.pk}",
            defaults={"type": COLLECT, "payload": json.dumps({"data": {"object": told}}), "next_attempt_at": now},
        )  # fmt: skip


def charge_extra(*, client: Organization, invoice_id: UUID | None, now: dt.datetime) -> None:
    """Let the payment account charge the card; its events say whether that succeeded. Outside of a transaction.

    Raises what `Stripe` raises: asking again is safe.
    """
    invoice = Invoice.objects.for_organization(client).select_related("subscription").filter(pk=invoice_id).first()
    seller = seller_of(client)
    if invoice is None or invoice.subscription is None or seller is None or not seller.stripe_secret_key:
        return
    if now - invoice.created_at > ASKED_FOR:
        log.error("the credits beyond the plan of invoice %s could not be charged", invoice.pk)
        return
    cents = min(extra_cents(invoice), invoice.gross_cents - paid_on(invoice))
    if cents <= 0:
        return
    stripe = Stripe(seller.stripe_secret_key)
    plan = stripe.subscription(invoice.subscription.stripe_subscription)
    stripe.charge_beside(
        plan, cents, invoice.currency, text=f"{invoice.subscription.name}, {invoice.number}", key=f"{COLLECT}:{invoice.pk}",
        metadata={"organization": str(client.pk), "invoice": str(invoice.pk)},
    )  # fmt: skip


def extra_cents(invoice: Invoice) -> int:
    """Of an invoice, with its tax, what the card is not charged with the month: credits beyond the plan."""
    lines = [line for line in invoice.lines if any(key.startswith("overage:") for key in line["entries"])]
    return sum(line["net_cents"] + line["vat_cents"] for line in lines)
