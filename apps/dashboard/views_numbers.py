"""Pages of numbers that show their calls: the list and one number."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.core import db
from apps.dashboard.selectors_assistants import last_inbound, numbers_with_calls
from apps.numbers.forms import AssignForm, NumberForm
from apps.numbers.models import PhoneNumber
from apps.numbers.services import StaleNumber, update_number
from apps.numbers.views import find_number
from apps.organizations.access import may, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.voice.capabilities import Sip, known_capabilities
from apps.voice.services import find_connection

PAGE = 50


@require_GET
def numbers(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    text = request.GET.get("q", "").strip()
    found = numbers_with_calls(organization).order_by("phone_number")
    if text:
        digits = "".join(mark for mark in text if mark.isdigit())
        by_label = found.filter(name__icontains=text) | found.filter(assistant__name__icontains=text)
        found = by_label | found.filter(phone_number__contains=digits.lstrip("0") or digits) if digits else by_label
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    form = AssignForm(organization)
    context = {
        "page": page, "text": text, "may_edit": may(request, Role.MEMBER), "sip": _sip(organization),
        "assistants": list(form.fields["assistant"].queryset),  # type: ignore[attr-defined]
        "trunks": list(form.fields["transfer_trunk"].queryset),  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "numbers/list.html", context)


@require_http_methods(["GET", "POST"])
def number(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    found = find_number(request, pk)
    if request.method == "POST":
        return _save(request, found)
    form = NumberForm(found.organization, initial=_initial(found))
    if not may(request, Role.MEMBER):
        for field in form.fields.values():
            field.disabled = True
    return _page(request, found, form, found.version)


@needs(Role.MEMBER)
def _save(request: HttpRequest, number: PhoneNumber) -> HttpResponse:
    text = request.POST.get("version", "")
    version = int(text) if text.isdecimal() and len(text) < 10 else 0
    form = NumberForm(number.organization, request.POST, initial=_initial(number))
    if not form.is_valid():
        return _page(request, number, form, version, status=422)
    try:
        update_number(number=number, values=form.values(), by=Actor.of(request), now=db.now(), expected_version=version)
    except StaleNumber as stale:
        return _compare(request, stale.current, form)
    messages.success(request, _("Saved."))
    return redirect("number", number.organization.slug, number.pk)


def _compare(request: HttpRequest, current: PhoneNumber, form: NumberForm) -> HttpResponse:
    """Both versions; sending the form again saves the person's own over the one that was shown."""
    theirs, yours = _initial(current), form.values()
    fields = [
        {"label": form.fields[name].label, "theirs": _text(getattr(current, name)), "yours": _text(yours[name])}
        for name in theirs
        if _text(getattr(current, name)) != _text(yours[name])
    ]
    conflict = {"fields": fields, "at": current.updated_at}
    return _page(request, current, form, current.version, status=409, is_dirty=True, conflict=conflict)


def _page(
    request: HttpRequest, number: PhoneNumber, form: NumberForm, version: int, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "number": number, "form": form, "version": version, "may_edit": may(request, Role.MEMBER),
        "last_call": last_inbound(number), "sip": _sip(number.organization),
    }  # fmt: skip
    return render(request, "numbers/detail.html", context | more, status=status)


def _initial(number: PhoneNumber) -> dict[str, Any]:
    return {
        "name": number.name, "assistant": number.assistant_id, "transfer_trunk": number.transfer_trunk_id,
        "workflow": number.workflow_id,
        "is_active": number.is_active,
    }  # fmt: skip


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("On") if value else _("Off")
    return str(value or "")


def _sip(organization: Organization) -> Sip | None:
    """Where customers forward their numbers to; None when the engine has no such address."""
    connection = find_connection(organization)
    return known_capabilities(connection).sip if connection else None
