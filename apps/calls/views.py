"""The list of calls, and one call."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.calls.detail import detail_of, find_call
from apps.calls.forms import RUNNING, FilterForm
from apps.calls.models import Call
from apps.calls.selectors import assistants_of, call_page, numbers_of
from apps.calls.starting import start_forms
from apps.core import db
from apps.organizations.access import may
from apps.organizations.models import Role

CURSORS = ("before", "after")


@require_safe
def call_list(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    assistants, numbers = assistants_of(organization), numbers_of(organization)
    filters = FilterForm(request.GET, assistants=assistants, numbers=numbers)
    page = call_page(organization, filters, **{name: request.GET.get(name, "") for name in CURSORS})
    context: dict[str, Any] = {
        "filters": filters,
        "page": page,
        "older": _query(request, before=page.older),
        "newer": _query(request, after=page.newer),
        "clear_url": reverse("calls", args=[organization.slug]) if filters.values else "",
        "is_running_filter": filters.values.get("status") == RUNNING,
        "has_calls": bool(page.calls) or Call.objects.for_organization(organization).exists(),
        "organization": organization,
        "can_edit": may(request, Role.MEMBER),
        "now": db.now(),
    }
    if context["can_edit"]:
        context |= start_forms(organization, assistants, numbers)
    return render(request, "calls/list.html", context)


@require_safe
def call_detail(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    call = find_call(organization, call_id)
    context = detail_of(organization, call, can_edit=may(request, Role.MEMBER), now=db.now())
    return render(request, "calls/detail.html", context)


def _query(request: HttpRequest, **cursor: str) -> str:
    """The address of another page of the same list; empty when there is none."""
    query: QueryDict = request.GET.copy()
    for name in CURSORS:
        query.pop(name, None)
    (value,) = cursor.values()
    if not value:
        return ""
    query.update(cursor)
    return "?" + query.urlencode()
