"""What an agency sees of its clients on one page."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Count, Max, Q, Sum

from apps.assistants.models import Assistant
from apps.calls.models import Call
from apps.organizations.models import Organization


def clients_of(agency: Organization, now: dt.datetime) -> list[dict[str, Any]]:
    """Each live client with its assistants and its calls of the last 30 days. Needs a scope that reads the children."""
    children = list(Organization.objects.children_of(agency))
    ids = [child.pk for child in children]
    recent = Q(created_at__gte=now - dt.timedelta(days=30))
    calls = _by_organization(
        Call.objects.filter(organization_id__in=ids), calls=Count("pk", filter=recent),
        seconds=Sum("duration_seconds", filter=recent), last_call=Max("created_at"),
    )  # fmt: skip
    assistants = _by_organization(Assistant.objects.live().filter(organization_id__in=ids), assistants=Count("pk"))
    empty = {"calls": 0, "seconds": 0, "last_call": None, "assistants": 0}
    return [
        {"organization": child} | empty | assistants.get(child.pk, {}) | calls.get(child.pk, {}) for child in children
    ]


def _by_organization(rows: Any, **figures: Any) -> dict[Any, dict[str, Any]]:
    return {row.pop("organization_id"): row for row in rows.values("organization_id").annotate(**figures).order_by()}
