"""The mail that says a balance is low: one per crossing and owner (platform 3)."""

from __future__ import annotations

import datetime as dt

from apps.billing.metering import as_credits
from apps.billing.models import CREDIT, Account, LedgerEntry
from apps.core.db import step
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Organization, Role


@step
def tell_low_balance(*, entry: LedgerEntry, left: int, now: dt.datetime, account: Account | None = None) -> int:
    """Mail the owners when this booking took the balance below what they chose. Returns how many mails.

    Args:
        entry: the booking, just made; it is part of the key, so one crossing is told once.
        left: micro-credits after it.
        account: its settings, when they are read already.
    """
    account = account or Account.objects.for_organization(entry.organization_id).first() or Account()
    threshold = account.low_balance_credits * CREDIT
    if not threshold or not left < threshold <= left - entry.amount:
        return 0
    payer = Organization.objects.select_related("brand").get(pk=entry.organization_id)
    owners = Membership.objects.for_organization(payer).filter(role=Role.OWNER, user__is_active=True)
    found = list(owners.select_related("user__brand"))
    for membership in found:
        queue_mail(
            key=f"low-balance:{entry.pk}:{membership.user_id}", brand=membership.user.brand, to=membership.user.email,
            template="low_balance",
            context={
                "organization": payer.name, "credits": as_credits(left), "threshold": account.low_balance_credits,
                "path": f"/o/{payer.slug}/usage", "is_wallet": payer.parent_id is not None,
            },
            organization_id=payer.pk, language=membership.user.language or payer.language, now=now,
        )  # fmt: skip
    return len(found)
