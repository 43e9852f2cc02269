"""Sales of an agency over all its clients. Needs a scope that reads the clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from apps.billing.models import Invoice, Payment, Purchase
from apps.organizations.models import Limits, Organization

PAGE = 50


@dataclass(frozen=True)
class SalesFilter:
    """What part of the sales is asked for; what makes no sense in an address is left out."""

    status: str = ""
    client: str = ""
    words: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: dict[str, str]) -> SalesFilter:
        status, page = query.get("status", ""), query.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1
        return cls(
            status if status in Purchase.Status.values else "", query.get("client", "")[:60], query.get("q", "").strip()[:60], max(1, number)
        )

    @property
    def is_set(self) -> bool:
        return bool(self.status or self.client or self.words)


def purchases_of(agency: Organization, wanted: SalesFilter) -> tuple[list[Purchase], bool]:
    """One page, newest first, and whether there is another one."""
    rows = Purchase.objects.filter(organization__parent=agency).select_related("organization")
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.client:
        rows = rows.filter(organization__slug=wanted.client)
    if wanted.words:
        rows = rows.filter(Q(reference__icontains=wanted.words) | Q(name__icontains=wanted.words) | Q(organization__name__icontains=wanted.words))
    return _page(rows, wanted)


def invoices_of(agency: Organization, wanted: SalesFilter) -> tuple[list[Invoice], bool]:
    """One page of invoices and credit notes, newest first, and whether there is another one."""
    rows = Invoice.objects.filter(organization__parent=agency).select_related("organization", "purchase")
    if wanted.client:
        rows = rows.filter(organization__slug=wanted.client)
    if wanted.words:
        rows = rows.filter(Q(number__icontains=wanted.words) | Q(organization__name__icontains=wanted.words))
    return _page(rows, wanted)


def paid_by_invoice(invoices: list[Invoice]) -> dict[UUID, int]:
    """Cents that came for these invoices."""
    rows = Payment.objects.filter(invoice__in=[each.pk for each in invoices]).order_by()
    return dict(rows.values("invoice").annotate(total=Sum("amount_cents")).values_list("invoice", "total"))


def waiting(agency: Organization) -> int:
    """Orders by transfer whose money has not arrived."""
    rows = Purchase.objects.filter(organization__parent=agency, status=Purchase.Status.OPEN)
    return rows.filter(gateway=Purchase.Gateway.TRANSFER).count()


def client_choices(agency: Organization) -> list[tuple[str, str]]:
    return list(Organization.objects.children_of(agency).values_list("slug", "name"))


def clients_by_plan(agency: Organization) -> dict[UUID, int]:
    """How many live clients have each plan."""
    rows = Limits.objects.filter(organization__parent=agency, organization__closed_at=None).exclude(plan_id=None).order_by()
    counts = rows.values("plan_id").annotate(count=Count("pk")).values_list("plan_id", "count")
    return {plan: count for plan, count in counts if plan}


def _page(rows: QuerySet[Any], wanted: SalesFilter) -> tuple[list[Any], bool]:
    start = (wanted.page - 1) * PAGE
    found = list(rows.order_by("-created_at", "-id")[start : start + PAGE + 1])
    return found[:PAGE], len(found) > PAGE


