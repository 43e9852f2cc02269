"""Assistants and numbers with what their calls say: figures from the right, in the list's own query."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.assistants.models import Assistant, Workflow
from apps.calls.models import Call
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

WEEK = dt.timedelta(days=7)


def assistants_with_calls(organization: Organization, now: dt.datetime) -> QuerySet[Assistant]:
    """Live assistants, each with `last_call_at` and `calls_7_days`."""
    calls = Call.objects.for_organization(organization).filter(assistant=OuterRef("pk")).order_by()
    week = calls.filter(created_at__gte=now - WEEK).values("assistant").annotate(found=Count("pk")).values("found")
    return (
        Assistant.objects.for_organization(organization)
        .live()
        .annotate(
            last_call_at=Subquery(calls.order_by("-created_at").values("created_at")[:1]),
            calls_7_days=Coalesce(Subquery(week, output_field=IntegerField()), 0),
        )
    )


def filtered(assistants: QuerySet[Assistant], *, text: str, state: str) -> QuerySet[Assistant]:
    """By part of a name, and active or not."""
    if text:
        assistants = assistants.filter(Q(name__icontains=text) | Q(business_name__icontains=text))
    return assistants.filter(is_active=state == "active") if state in ("active", "inactive") else assistants


def numbers_with_calls(organization: Organization) -> QuerySet[PhoneNumber]:
    """Numbers with assistant and trunk, each with `last_inbound_at`, the newest call that came in on it."""
    calls = Call.objects.for_organization(organization).filter(number=OuterRef("pk"), direction=Call.Direction.INBOUND)
    return (
        PhoneNumber.objects.for_organization(organization)
        .select_related("assistant", "transfer_trunk", "workflow", "organization")
        .annotate(last_inbound_at=Subquery(calls.order_by("-created_at").values("created_at")[:1]))
    )


def last_inbound(number: PhoneNumber) -> Call | None:
    calls = Call.objects.for_organization(number.organization_id)
    return calls.filter(number=number, direction=Call.Direction.INBOUND).order_by("-created_at").first()


def workflows_with_numbers(organization: Organization) -> QuerySet[Workflow]:
    """Workflows, each with `number_count`: how many numbers run it."""
    running = PhoneNumber.objects.for_organization(organization).filter(workflow=OuterRef("pk")).order_by()
    count = running.values("workflow").annotate(count=Count("pk")).values("count")
    return Workflow.objects.for_organization(organization).annotate(number_count=Coalesce(Subquery(count), 0))


def numbers_running(workflow: Workflow) -> QuerySet[PhoneNumber]:
    """Numbers that run this workflow, with their assistants."""
    found = PhoneNumber.objects.for_organization(workflow.organization_id).filter(workflow=workflow)
    return found.select_related("assistant").order_by("phone_number")
