"""Figures of the usage page. A client sees its wallet, or what it used itself; its payer's entries are never shown."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Max, Q, Sum
from django.db.models.functions import TruncDate
from django.utils.formats import date_format

from apps.billing.forms import Cursor, UsageFilter
from apps.billing.models import Account, Hold, LedgerEntry, LedgerQuerySet
from apps.billing.services import balance
from apps.organizations.models import Organization

PAGE = 25
DAYS = 30
MONTHS = 24


@dataclass(frozen=True)
class Workspace:
    """What one workspace used, as its payer sees it."""

    id: object
    name: str
    seconds: int
    amount: int


@dataclass(frozen=True)
class Summary:
    """Micro-credits and seconds; `month` is this calendar month in UTC."""

    balance: int
    running: int
    low_below: int
    month_amount: int
    month_seconds: int

    @property
    def is_low(self) -> bool:
        return self.balance < self.low_below


def visible_entries(organization: Organization) -> LedgerQuerySet:
    """All that an agency pays for; of a client its wallet, and without one only its own calls."""
    entries: LedgerQuerySet = LedgerEntry.objects.for_organization(organization.wallet_id)
    return entries if has_balance(organization) else entries.filter(used_by=organization.pk)


def has_balance(organization: Organization) -> bool:
    """Whether the organization has a balance of its own to see."""
    return organization.is_agency or organization.has_wallet


def filtered(organization: Organization, wanted: UsageFilter) -> LedgerQuerySet:
    entries = visible_entries(organization)
    if wanted.period:
        entries = entries.between(*wanted.period)
    if wanted.workspace:
        entries = entries.filter(used_by=wanted.workspace)
    return entries.newest()


def page_of(entries: LedgerQuerySet, before: Cursor | None) -> tuple[list[LedgerEntry], Cursor | None]:
    """One page, and where the next one begins (None: there is none)."""
    if before:
        earlier = Q(created_at__lt=before.created_at) | Q(created_at=before.created_at, id__lt=before.id)
        # The first condition alone can be looked up in the index; the second one decides.
        entries = entries.filter(created_at__lte=before.created_at).filter(earlier)
    found = list(entries[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return found[:PAGE], Cursor(last.created_at, last.id) if last else None


def summary(organization: Organization, now: dt.datetime) -> Summary:
    start = month_start(now)
    month = visible_entries(organization).calls().filter(created_at__gte=start)
    used = month.aggregate(amount=Sum("amount"), seconds=Sum("seconds"))
    holds = Hold.objects.for_organization(organization.wallet_id).open()
    account = Account.objects.for_organization(organization.wallet_id).first()
    return Summary(
        balance=balance(organization.wallet_id),
        running=(holds if organization.is_agency else holds.filter(used_by=organization.pk)).count(),
        low_below=(account or Account()).low_balance_credits * 1_000_000,
        month_amount=-(used["amount"] or 0),
        month_seconds=used["seconds"] or 0,
    )


def last_days(now: dt.datetime) -> list[dt.date]:
    """The last 30 days in UTC, today last."""
    today = now.astimezone(dt.UTC).date()
    return [today - dt.timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def charged_by_day(organization: Organization, days: list[dt.date]) -> dict[dt.date, tuple[int, int]]:
    """Micro-credits and seconds of charged calls by day (UTC)."""
    start = dt.datetime.combine(days[0], dt.time(), dt.UTC)
    calls = visible_entries(organization).calls().filter(created_at__gte=start).order_by()
    rows = calls.annotate(day=TruncDate("created_at", tzinfo=dt.UTC)).values("day")
    return {
        row["day"]: (-row["amount"], row["time"] or 0)
        for row in rows.annotate(amount=Sum("amount"), time=Sum("seconds"))
    }


def by_workspace(organization: Organization, wanted: UsageFilter, now: dt.datetime) -> list[Workspace]:
    """What each workspace that an agency pays for used: in the month asked for, else in this one; the most first."""
    start, end = wanted.period or (month_start(now), now)
    calls = LedgerEntry.objects.for_organization(organization).calls().between(start, end).order_by()
    rows = calls.values("used_by").annotate(name=Max("used_by_name"), time=Sum("seconds"), spent=Sum("amount"))
    found = [Workspace(row["used_by"], row["name"], row["time"] or 0, -row["spent"]) for row in rows]
    return sorted(found, key=lambda each: (-each.amount, each.name))


def workspaces(organization: Organization, now: dt.datetime) -> list[tuple[str, str]]:
    """Choices of the filter: whoever made calls in the last year."""
    calls = LedgerEntry.objects.for_organization(organization).calls()
    recent = calls.filter(created_at__gte=now - dt.timedelta(days=366)).order_by()
    rows = recent.values("used_by").annotate(name=Max("used_by_name")).values_list("used_by", "name")
    return sorted(((str(each), name) for each, name in rows), key=lambda pair: pair[1].lower())


def months(organization: Organization, now: dt.datetime) -> list[tuple[str, str]]:
    """Choices of the filter: from this month back to the first entry, two years at most."""
    first = visible_entries(organization).order_by("created_at", "id").values_list("created_at", flat=True).first()
    month, found = month_start(now).date(), list[tuple[str, str]]()
    oldest = month_start(first).date() if first else month
    while month >= oldest and len(found) < MONTHS:
        found.append((f"{month:%Y-%m}", date_format(month, "F Y")))
        month = (month - dt.timedelta(days=1)).replace(day=1)
    return found


def month_start(now: dt.datetime) -> dt.datetime:
    return now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
