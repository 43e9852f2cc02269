"""What an agency sees of its clients on one page. Needs a scope that reads the children."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet, Sum

from apps.accounts.models import User
from apps.assistants.models import Assistant
from apps.billing.models import CREDIT, Invoice, LedgerEntry, Plan
from apps.billing.selectors import month_start
from apps.calls.models import Call
from apps.organizations.models import Limits, Membership, Organization

FAILED = (Call.Status.FAILED, Call.Status.ENDED_WITH_ERROR, Call.Status.INSUFFICIENT_CREDITS)
STATES = ("active", "suspended")


@dataclass
class ClientRow:
    """One client with its figures: `balance` in micro-credits (None: the agency's balance pays), money in cents."""

    organization: Organization
    balance: int | None = None
    plan: str = ""
    assistants: int = 0
    calls_today: int = 0
    failed_today: int = 0
    calls: int = 0
    last_call: dt.datetime | None = None
    month_seconds: int = 0
    revenue_cents: int = 0
    cost_cents: int = 0
    last_sign_in: dt.datetime | None = None

    @property
    def margin_cents(self) -> int:
        return self.revenue_cents - self.cost_cents

    @property
    def name(self) -> str:
        return self.organization.name.lower()


@dataclass
class Totals:
    """The head of the page."""

    clients: int = 0
    suspended: int = 0
    calls_today: int = 0
    failed_today: int = 0
    month_seconds: int = 0
    margin_cents: int = 0
    rows: list[ClientRow] = field(default_factory=list)


ORDERS: dict[str, Any] = {
    "name": lambda row: row.name,
    "balance": lambda row: -1 if row.balance is None else row.balance,
    "minutes": lambda row: row.month_seconds,
    "margin": lambda row: row.margin_cents,
    "calls": lambda row: row.calls_today,
    "failed": lambda row: row.failed_today,
    "seen": lambda row: row.last_sign_in.timestamp() if row.last_sign_in else 0,
}


def clients_of(
    agency: Organization, now: dt.datetime, *, text: str = "", state: str = "", order: str = "name"
) -> Totals:
    """The live clients that fit, with their figures, in the order asked for; always the same number of queries.

    Args:
        text: part of a name, or of the e-mail address of somebody who works there.
        order: a key of ORDERS, with a minus for the largest first.
    """
    children = list(_found(agency, text, state))
    rows = {child.pk: ClientRow(child) for child in children}
    _add_calls(rows, agency, now)
    _add_money(rows, agency, now)
    _add_people(rows)
    _add_plans(rows, agency)
    found = sorted(rows.values(), key=lambda row: (ORDERS.get(order.removeprefix("-"), ORDERS["name"])(row), row.name))
    if order.startswith("-"):
        found.reverse()
    return Totals(
        clients=len(found), suspended=sum(row.organization.is_suspended for row in found), rows=found,
        calls_today=sum(row.calls_today for row in found), failed_today=sum(row.failed_today for row in found),
        month_seconds=sum(row.month_seconds for row in found), margin_cents=sum(row.margin_cents for row in found),
    )  # fmt: skip


def client_row(agency: Organization, client: Organization, now: dt.datetime) -> ClientRow:
    """The figures of one client."""
    rows = {client.pk: ClientRow(client)}
    _add_calls(rows, agency, now)
    _add_money(rows, agency, now)
    _add_people(rows)
    _add_plans(rows, agency)
    return rows[client.pk]


def people_of(client: Organization) -> list[dict[str, Any]]:
    """Who works at a client, with the last sign-in."""
    rows = Membership.objects.for_organization(client).people()
    return [{"member": row, "user": row.user, "last_sign_in": row.user.last_login} for row in rows]


def credit_cents(micro: int) -> int:
    """What micro-credits cost the agency, in cents, rounded half up."""
    return (micro * settings.CREDIT_PRICE_CENTS * 2 + CREDIT) // (2 * CREDIT)


def _found(agency: Organization, text: str, state: str) -> QuerySet[Organization]:
    rows = Organization.objects.children_of(agency)
    if state in STATES:
        rows = rows.filter(suspended_at__isnull=state == "active")
    if text:
        people = User.objects.filter(Q(email__icontains=text) | Q(name__icontains=text))
        members = Membership.objects.filter(organization__parent=agency, user__in=people)
        rows = rows.filter(Q(name__icontains=text) | Q(slug__icontains=text) | Q(pk__in=members.values("organization")))
    return rows


def _add_calls(rows: dict[UUID, ClientRow], agency: Organization, now: dt.datetime) -> None:
    today = now.astimezone(ZoneInfo(agency.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    is_today, recent = Q(created_at__gte=today), Q(created_at__gte=now - dt.timedelta(days=30))
    found = _by_organization(
        Call.objects.filter(organization_id__in=list(rows)), calls_today=Count("pk", filter=is_today),
        failed_today=Count("pk", filter=is_today & Q(status__in=FAILED)), calls=Count("pk", filter=recent), last_call=Max("created_at"),
    )  # fmt: skip
    _fill(rows, found)
    _fill(rows, _by_organization(Assistant.objects.live().filter(organization_id__in=list(rows)), assistants=Count("pk")))


def _add_money(rows: dict[UUID, ClientRow], agency: Organization, now: dt.datetime) -> None:
    start = month_start(now)
    used = LedgerEntry.objects.for_organization(agency).calls().filter(created_at__gte=start, used_by__in=list(rows)).order_by()
    for each in used.values("used_by").annotate(time=Sum("seconds"), spent=Sum("amount")):
        row = rows[each["used_by"]]
        row.month_seconds, row.cost_cents = each["time"] or 0, credit_cents(-each["spent"])
    invoices = Invoice.objects.filter(organization_id__in=list(rows), issued_on__gte=start.date())
    _fill(rows, _by_organization(invoices, revenue_cents=Sum("net_cents")))
    wallets = [pk for pk, row in rows.items() if row.organization.has_wallet]
    for pk in wallets:
        rows[pk].balance = 0
    _fill(rows, _by_organization(LedgerEntry.objects.filter(organization_id__in=wallets), balance=Sum("amount")))


def _add_people(rows: dict[UUID, ClientRow]) -> None:
    members = Membership.objects.filter(organization_id__in=list(rows))
    _fill(rows, _by_organization(members, last_sign_in=Max("user__last_login")))


def _add_plans(rows: dict[UUID, ClientRow], agency: Organization) -> None:
    names = dict(Plan.objects.for_organization(agency).values_list("pk", "name"))
    limits = Limits.objects.filter(organization_id__in=list(rows), plan_id__in=list(names))
    for organization_id, plan_id in limits.values_list("organization_id", "plan_id"):
        rows[organization_id].plan = names[plan_id] if plan_id else ""


def _fill(rows: dict[UUID, ClientRow], found: dict[UUID, dict[str, Any]]) -> None:
    for organization_id, figures in found.items():
        for name, value in figures.items():
            setattr(rows[organization_id], name, value)


def _by_organization(rows: Any, **figures: Any) -> dict[Any, dict[str, Any]]:
    return {row.pop("organization_id"): row for row in rows.values("organization_id").annotate(**figures).order_by()}
