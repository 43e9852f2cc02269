"""The figures of the front page."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.assistants.models import Assistant
from apps.calls.models import Call
from apps.campaigns.models import Campaign, Lead
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

ANSWERED = Q(started_at__isnull=False)


def overview_of(organization: Organization, *, days: int, now: dt.datetime) -> dict[str, Any]:
    """Totals against the period before, calls a day, newest calls, running campaigns, and what is left to set up."""
    start = _midnight(now) - dt.timedelta(days=days - 1)
    calls = Call.objects.for_organization(organization)
    this = _totals(calls.filter(created_at__gte=start))
    before = _totals(calls.filter(created_at__gte=start - dt.timedelta(days=days), created_at__lt=start))
    return {
        "stats": _stats(this, before),
        "volume": _volume(calls, start, days),
        "recent": list(calls.newest().defer("config", "messages", "turns", "search")[:8]),
        "running_campaigns": _campaigns(organization),
        "steps": _steps(organization),
    }


def _midnight(now: dt.datetime) -> dt.datetime:
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _totals(calls: Any) -> dict[str, int]:
    found = calls.aggregate(
        calls=Count("pk"), answered=Count("pk", filter=ANSWERED), seconds=Sum("duration_seconds"),
        transferred=Count("pk", filter=Q(status=Call.Status.TRANSFERRED)),
    )  # fmt: skip
    return {name: value or 0 for name, value in found.items()}


def _stats(this: dict[str, int], before: dict[str, int]) -> list[dict[str, Any]]:
    rate, rate_before = _share(this), _share(before)
    minutes, minutes_before = this["seconds"] / 60, before["seconds"] / 60
    return [
        {"label": _("Calls"), "value": this["calls"], "icon": "phone", **_delta(this["calls"], before["calls"])},
        {"label": _("Answered"), "share": rate, "icon": "phone-call", **_delta(rate, rate_before)},
        {"label": _("Minutes"), "value": round(minutes), "icon": "timer", **_delta(minutes, minutes_before)},
        {
            "label": _("Handed over"), "value": this["transferred"], "icon": "phone-forwarded",
            **_delta(this["transferred"], before["transferred"]),
        },
    ]  # fmt: skip


def _share(totals: dict[str, int]) -> float:
    return totals["answered"] / totals["calls"] if totals["calls"] else 0.0


def _delta(this: float, before: float) -> dict[str, str]:
    if not before:
        return {"delta": "", "good": ""}
    change = (this - before) / before * 100
    return {"delta": f"{change:+.0f} %", "good": "1" if change >= 0 else "0"}


def _volume(calls: Any, start: dt.datetime, days: int) -> dict[str, Any]:
    zone = timezone.get_current_timezone()
    rows = (
        calls.filter(created_at__gte=start)
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values("day")
        .annotate(answered=Count("pk", filter=ANSWERED), missed=Count("pk", filter=~ANSWERED))
        .order_by("day")
    )
    found = {row["day"]: row for row in rows}
    every = [start.date() + dt.timedelta(days=number) for number in range(days)]
    return {
        "labels": [date_format(day, "j M") for day in every],
        "series": [
            {"label": _("Answered"), "data": [found.get(day, {}).get("answered", 0) for day in every]},
            {"label": _("Not answered"), "data": [found.get(day, {}).get("missed", 0) for day in every]},
        ],
    }


def _campaigns(organization: Organization) -> list[Campaign]:
    done = Q(leads__status__in=[Lead.Status.COMPLETED, Lead.Status.FAILED, Lead.Status.SKIPPED])
    found = Campaign.objects.for_organization(organization).filter(
        deleted_at=None, status__in=[Campaign.Status.SCHEDULED, Campaign.Status.PAUSED]
    )
    return list(found.annotate(total=Count("leads"), done=Count("leads", filter=done)).newest()[:5])


def _steps(organization: Organization) -> list[dict[str, Any]]:
    """The way to the first call; empty once everything on it exists."""
    slug = organization.slug
    has_number = PhoneNumber.objects.for_organization(organization).exists()
    steps = [
        (_("Create an assistant"), _("What it says and how it sounds."), "assistant_create",
         Assistant.objects.for_organization(organization).live().exists()),
        (_("Register a phone number"), _("Forward it from your provider, or try the sandbox first."), "number_create", has_number),
        (_("Make a first call"), _("Call yourself, or simulate an incoming call."), "calls",
         Call.objects.for_organization(organization).exists()),
        (_("Run a campaign"), _("Import leads and let the assistant call them."), "campaign_create",
         Campaign.objects.for_organization(organization).exists()),
    ]  # fmt: skip
    if all(done for *_rest, done in steps):
        return []
    return [
        {"name": name, "title": title, "text": text, "url": reverse(name, args=[slug]), "done": done}
        for title, text, name, done in steps
    ]
