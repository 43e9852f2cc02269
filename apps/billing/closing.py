"""What becomes of an organization's money when it is deleted: nothing more is sold, what was booked and invoiced stays."""

from __future__ import annotations

import datetime as dt

from apps.billing.models import Buyer, Hold, Package, Plan, Seller, StripeEvent, Subscription
from apps.core.db import step
from apps.organizations.models import Organization


@step
def close_accounts(*, organization: Organization, now: dt.datetime) -> None:
    """End the plan without a further invoice, release holds, forget keys and addresses.

    The ledger, invoices and payments cannot be changed: the law wants them kept, with what stands on an invoice.
    """
    Subscription.objects.for_organization(organization).exclude(status=Subscription.Status.ENDED).update(
        status=Subscription.Status.ENDED, ended_at=now, updated_at=now
    )
    Hold.objects.for_organization(organization).open().update(released_at=now, updated_at=now)
    for model in (Buyer, Seller, Package, Plan, StripeEvent):
        model.objects.for_organization(organization).delete()
