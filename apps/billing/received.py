"""Money that came for a purchase or an invoice."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from apps.billing.models import Invoice, Payment, Purchase
from apps.core.db import step
from apps.organizations.models import Organization
from apps.organizations.services import Actor


@dataclass(frozen=True)
class Received:
    """Money that came. `key` names it once: the gateway's id of it, or the form by which a person marked it."""

    key: str
    gateway: str
    amount_cents: int
    currency: str
    on: dt.date
    note: str = ""
    stripe_payment: str = ""

    def is_money_in(self, currency: str) -> bool:
        return self.currency.upper() == currency and self.amount_cents > 0

    @property
    def told(self) -> dict[str, Any]:
        """What the audit log says of it."""
        return {"amount_cents": self.amount_cents, "on": self.on.isoformat(), "gateway": self.gateway}


@step
def keep_payment(*, client: Organization, received: Received, by: Actor, **paid_for: Purchase | Invoice) -> bool:
    """Keep money that came, once per key, with the `purchase` or `invoice` it is for. False: it was kept before."""
    _row, is_new = Payment.objects.get_or_create(
        organization=client, key=received.key,
        defaults={
            "gateway": received.gateway, "currency": received.currency.upper(), "amount_cents": received.amount_cents,
            "received_on": received.on, "note": received.note[:300], "actor": by.label[:200], **paid_for,
        },
    )  # fmt: skip
    return is_new
