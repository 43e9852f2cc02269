"""The arithmetic of a subscription's month: when it ends, what lapses, what is invoiced beyond it. No writes."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from apps.billing.models import CREDIT, LedgerEntry, Subscription
from apps.billing.services import balance

Kind = LedgerEntry.Kind
# Booked when a period ends or begins, often a little later: they belong to the period, not to their instant.
TURN = (Kind.INCLUDED, Kind.LAPSE, Kind.OVERAGE)


@dataclass(frozen=True)
class Close:
    """What the end of a period books, in micro-credits: what lapses, and what was used beyond everything."""

    lapse: int
    overage: int


def period_key(subscription: Subscription, what: str) -> str:
    """The key of a booking or an invoice of the current period, such as `included:<subscription>:<start>`."""
    return f"{what}:{subscription.pk}:{subscription.period_start.astimezone(dt.UTC):%Y%m%dT%H%M%S}"


def next_end(anchor: dt.datetime, start: dt.datetime) -> dt.datetime:
    """The end of the month that begins at `start`, on the day of the month of `anchor`, or the last one of a short month."""
    months = 1
    while (end := months_after(anchor, months)) <= start:
        months += 1
    return end


def months_after(instant: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(instant.month - 1 + months, 12)
    year, month = instant.year + year, month + 1
    return instant.replace(year=year, month=month, day=min(instant.day, calendar.monthrange(year, month)[1]))


def close_of(subscription: Subscription, end: dt.datetime) -> Close:
    """What is left of the included credits lapses, and what calls used beyond the wallet is overage, as of `end`.

    Included credits are used before those that were bought. Bookings of this subscription's turns do not count by their
    instant, so that a turn that comes late, or several at once, work out the same.
    """
    entries = LedgerEntry.objects.for_organization(subscription.organization_id)
    included = _sum(entries.filter(key=period_key(subscription, "included")))
    used = -_sum(entries.calls().between(subscription.period_start, end))
    at_end = balance(subscription.organization_id) - _sum(entries.filter(created_at__gte=end).exclude(kind__in=TURN))
    beyond = min(max(0, -at_end), max(0, used - included))
    billed = subscription.overage_micros is not None and subscription.status != Subscription.Status.TRIAL
    return Close(lapse=min(max(0, included - used), max(0, at_end)), overage=beyond if billed else 0)


def overage_cents(amount: int, micros: int) -> int:
    """Net price in cents of micro-credits at `micros` millionths of the currency a credit, half up."""
    whole = CREDIT * 10_000
    return (2 * amount * micros + whole) // (2 * whole)


def unused_cents(subscription: Subscription, now: dt.datetime) -> int:
    """Of the price of the running period, the part for the time that is left, half up."""
    if not subscription.price_cents or subscription.status == Subscription.Status.TRIAL or now >= subscription.period_end:
        return 0
    whole = int((subscription.period_end - subscription.period_start).total_seconds())
    left = int((subscription.period_end - now).total_seconds())
    return (2 * subscription.price_cents * left + whole) // (2 * whole)


def quantity(amount: int) -> Decimal:
    """Micro-credits as an invoice prints them: four decimals."""
    return (Decimal(amount) / CREDIT).quantize(Decimal("0.0001"))


def _sum(rows: object) -> int:
    return int(rows.aggregate(total=Sum("amount"))["total"] or 0)  # type: ignore[attr-defined]
