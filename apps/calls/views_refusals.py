"""The numbers nobody calls: the list, one number more or less, and the list as a file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.calls.forms import DoNotCallForm, RefusalFilterForm
from apps.calls.models import DoNotCall
from apps.calls.selectors_lists import refusal_page
from apps.calls.services.do_not_call import allow_entry, refuse_number
from apps.calls.services.refusal_files import exported
from apps.core import db
from apps.core.errors import NotFound
from apps.core.phone import format_international
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@require_http_methods(["GET", "HEAD", "POST"])
def do_not_call(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    form = DoNotCallForm(request.POST or None, organization=organization)
    if request.method == "POST":
        answer = _add_number(request, form)
        if answer:
            return answer
    filters = RefusalFilterForm(request.GET)
    words, source = filters.values.get("q", ""), filters.values.get("source", "")
    asked, now = request.GET.get("page", ""), db.now()
    number = int(asked) if asked.isdecimal() and len(asked) < 7 else 1
    page = refusal_page(organization, words=words, source=source, number=number, now=now)
    context = {
        "form": form, "filters": filters, "words": words, "is_filtered": bool(words or source), "page": page,
        "has_any": bool(page.rows) or DoNotCall.objects.for_organization(organization).exists(), "now": now,
        "can_edit": may(request, Role.MEMBER), "can_admin": may(request, Role.ADMIN), "organization": organization,
    }  # fmt: skip
    return render(request, "calls/do_not_call.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Role.MEMBER)
def do_not_call_remove(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    row: Any = DoNotCall.objects.for_organization(organization).filter(pk=pk).first()
    if row is None or not allow_entry(organization=organization, pk=pk, by=Actor.of(request)):
        raise NotFound
    shown = format_international(row.phone_number) if row.phone_number else _("The number of an erased person")
    messages.success(request, _("%(number)s may be called again.") % {"number": shown})
    return redirect("do_not_call", org=organization.slug)


@require_safe
@needs(Role.MEMBER)
def do_not_call_export(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    name = f"{_('do-not-call-list')}-{db.now():%Y-%m-%d}.csv"
    # Written while the request's transaction is open: one moment of the list.
    content = b"".join(exported(organization))
    return HttpResponse(
        content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


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
