"""The usage page: the ledger of billing, and beside it what simulated calls would have cost."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from apps.billing.selectors import charged_by_day, last_days
from apps.billing.views import ledger_context
from apps.calls.models import Call
from apps.core import db
from apps.organizations.access import sees_costs
from apps.organizations.models import Organization

Days = dict[dt.date, tuple[int, int]]


@require_GET
def usage(request: HttpRequest, org: str) -> HttpResponse:
    organization, now = request.organization, db.now()  # type: ignore[attr-defined]
    shows_minutes = request.GET.get("show") == "minutes" or not sees_costs(request)
    days = last_days(now)
    charged, free = charged_by_day(organization, days), free_by_day(organization, days)
    context = ledger_context(request, now) | {
        "chart": _chart(days, charged, free, in_minutes=shows_minutes),
        "chart_is_empty": not charged and not free,
        "shows_minutes": shows_minutes,
        "free_amount": sum(amount for amount, _seconds in free.values()),
        "free_seconds": sum(seconds for _amount, seconds in free.values()),
    }
    return render(request, "billing/usage.html", context)


def free_by_day(organization: Organization, days: list[dt.date]) -> Days:
    """What calls that are not charged would have cost, in micro-credits, and their seconds, by day (UTC)."""
    start = dt.datetime.combine(days[0], dt.time(), dt.UTC)
    calls = Call.objects.for_organization(organization).filter(is_charged=False, duration_seconds__gt=0)
    # A call ends within a day of its start: the first bound can use the index.
    recent = calls.filter(created_at__gte=start - dt.timedelta(days=1), ended_at__gte=start)
    rows = recent.annotate(day=TruncDate("ended_at", tzinfo=dt.UTC)).values("day").order_by()
    found = rows.annotate(amount=Sum("cost"), time=Sum("duration_seconds"))
    return {row["day"]: (row["amount"] or 0, row["time"]) for row in found}


def _chart(days: list[dt.date], charged: Days, free: Days, *, in_minutes: bool) -> dict[str, Any]:
    def values(found: Days) -> list[float]:
        amounts = (found.get(day, (0, 0)) for day in days)
        return [round(seconds / 60, 2) if in_minutes else round(amount / 1_000_000, 4) for amount, seconds in amounts]

    series = [{"label": _("Charged"), "data": values(charged), "tone": "brand"}]
    if free:
        series.append({"label": _("Simulated, free"), "data": values(free), "tone": "plain"})
    return {
        "labels": [date_format(day, "j M") for day in days],
        "series": series,
        "unit": _("min") if in_minutes else _("credits"),
    }
