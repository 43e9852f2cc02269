"""The list of calls, one call, and the numbers nobody calls."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.calls.detail import detail_of, find_call
from apps.calls.forms import RUNNING, DoNotCallForm, FilterForm
from apps.calls.models import Call, DoNotCall
from apps.calls.selectors import assistants_of, call_page, numbers_of
from apps.calls.services.do_not_call import allow_number, refuse_number
from apps.calls.starting import start_forms
from apps.core import db
from apps.core.errors import NotFound
from apps.core.phone import format_international
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor

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


def do_not_call(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    can_edit = may(request, Role.MEMBER)
    form = DoNotCallForm(request.POST or None, organization=organization)
    if request.method == "POST":
        answer = _add_number(request, form)
        if answer:
            return answer
    words = request.GET.get("q", "").strip()[:40]
    rows = DoNotCall.objects.for_organization(organization).order_by("-created_at", "-id")
    if words:
        rows = rows.filter(phone_number__contains="".join(mark for mark in words if mark.isdigit()))
    context = {"form": form, "rows": rows[:500], "words": words, "can_edit": can_edit, "organization": organization}
    return render(request, "calls/do_not_call.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Role.MEMBER)
def do_not_call_remove(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    rows = DoNotCall.objects.for_organization(organization).filter(pk=pk)
    number = rows.values_list("phone_number", flat=True).first()
    if number is None:
        raise NotFound
    allow_number(organization=organization, number=number, by=Actor.of(request))
    messages.success(request, _("%(number)s may be called again.") % {"number": format_international(number)})
    return redirect("do_not_call", org=organization.slug)


@needs(Role.MEMBER)
def _add_number(request: HttpRequest, form: DoNotCallForm) -> Any:
    if not form.is_valid():
        return None
    organization = request.organization  # type: ignore[attr-defined]
    values = form.cleaned_data
    refuse_number(
        organization=organization, number=values["phone_number"], reason=values["reason"], by=Actor.of(request), now=db.now()
    )
    words = _("%(number)s will not be called any more.") % {"number": format_international(values["phone_number"])}
    messages.success(request, words)
    return redirect("do_not_call", org=organization.slug)


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
