"""What an agency earns with each client in a month: invoiced net, less what the client's calls cost the agency."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Max, Sum

from apps.billing.models import CREDIT, Invoice, LedgerEntry
from apps.organizations.models import Organization


@dataclass(frozen=True)
class Margin:
    """Cents of one currency. `used`: micro-credits of the agency's balance."""

    client_id: UUID | None
    name: str
    slug: str
    seconds: int
    used: int
    revenue: int
    cost: int

    @property
    def margin(self) -> int:
        return self.revenue - self.cost

    @property
    def share(self) -> float | None:
        """The margin's part of what was invoiced."""
        return self.margin / self.revenue if self.revenue > 0 else None


def margins(agency: Organization, start: dt.datetime, end: dt.datetime) -> list[Margin]:
    """Each client with an invoice or a call in the time, deleted ones too, the highest revenue first.

    In a scope that holds the agency and every client it ever had. Revenue counts in the month of the document, credit notes
    taken off.
    """
    calls = LedgerEntry.objects.for_organization(agency).calls().between(start, end).exclude(used_by=agency.pk)  # type: ignore[attr-defined]
    used = {
        row["used_by"]: row
        for row in calls.values("used_by").annotate(name=Max("used_by_name"), time=Sum("seconds"), amount=Sum("amount")).order_by()
    }
    clients = {each.pk: each for each in Organization.objects.filter(parent=agency)}
    bills = Invoice.objects.filter(organization_id__in=list(clients), issued_on__gte=start.date(), issued_on__lt=end.date())
    revenue = dict(bills.values_list("organization_id").annotate(net=Sum("net_cents")).order_by())
    rows = []
    for pk in {*used, *revenue, *(key for key, each in clients.items() if each.closed_at is None)}:
        spent: Any = used.get(pk, {})
        known = clients.get(pk)
        amount = -(spent.get("amount") or 0)
        rows.append(
            Margin(
                client_id=pk, name=known.name if known else spent.get("name", ""), slug=known.slug if known and not known.closed_at else "",
                seconds=spent.get("time") or 0, used=amount, revenue=revenue.get(pk, 0), cost=cost_cents(amount),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda each: (-each.revenue, each.name))


def total_of(rows: list[Margin]) -> Margin:
    """All together; the cost is rounded once, not the sum of what was rounded."""
    used = sum(each.used for each in rows)
    return Margin(None, "", "", sum(each.seconds for each in rows), used, sum(each.revenue for each in rows), cost_cents(used))


def cost_cents(used: int) -> int:
    """Micro-credits of the agency's balance in cents, half up."""
    return (2 * used * settings.CREDIT_PRICE_CENTS + CREDIT) // (2 * CREDIT)
