"""Figures over many apps of one organization."""

from __future__ import annotations

import datetime as dt

from django.db.models import Sum

from apps.calls.models import Call
from apps.organizations.models import Organization
from apps.organizations.selectors import children_of


def month_seconds(organization: Organization, now: dt.datetime) -> int:
    """Talk of this calendar month (UTC) in seconds; a parent's figure includes its children."""
    start = now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ids = [organization.pk, *(pk for pk, _name, _made in children_of(organization))]
    found = Call.objects.filter(organization_id__in=ids, started_at__gte=start)
    return found.aggregate(total=Sum("duration_seconds"))["total"] or 0
