"""Entering a client's workspace and leaving it again; and what the client sees of that."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.people import person
from apps.core import db
from apps.core.client import client_address
from apps.core.errors import NotFound
from apps.organizations.access import needs
from apps.organizations.forms import VisitForm
from apps.organizations.models import Role
from apps.organizations.services import Actor
from apps.organizations.visit_gate import ask
from apps.organizations.visits import end_visit, start_visit, visits_page


@require_http_methods(["GET", "POST"])
def visit(request: HttpRequest, org: str) -> HttpResponse:
    """Asks an agency's person why she enters; afterwards she gets where she wanted to go, and what she had sent is sent on."""
    organization = request.organization  # type: ignore[attr-defined]
    if request.via is None or getattr(request, "visit", None):  # type: ignore[attr-defined]
        return redirect(_next(request))
    form = VisitForm(request.POST or None, initial={"visit_next": _next(request)})
    if request.method != "POST":
        return ask(request, form)
    if not form.is_valid():
        return ask(request, form, status=422)
    start_visit(
        organization=organization, agency=organization.parent, user=person(request), reason=form.cleaned_data["visit_reason"],
        address=client_address(request), now=db.now(),
    )  # fmt: skip
    if form.cleaned_data["visit_sends"]:
        # 307: the browser sends the same form again, now to where it was meant for.
        return HttpResponse(status=307, headers={"Location": _next(request)})
    return redirect(_next(request))


@require_POST
def visit_leave(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    if request.via is None:  # type: ignore[attr-defined]
        raise NotFound
    end_visit(organization=organization, by=Actor.of(request), now=db.now())
    return redirect("overview", organization.parent.slug)


@needs(Role.ADMIN)
@require_safe
def visits(request: HttpRequest, org: str) -> HttpResponse:
    """Who of the agency was here, when, why, and what was done."""
    organization = request.organization  # type: ignore[attr-defined]
    if organization.is_agency:
        raise NotFound
    seen, after = visits_page(organization, before=_before(request), now=db.now())
    context: dict[str, Any] = {"seen": seen, "after": after, "is_first": "before" not in request.GET}
    return render(request, "organizations/visits.html", context)


def _before(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET["before"])
    except (KeyError, ValueError):
        return None


def _next(request: HttpRequest) -> str:
    """A path of this workspace."""
    slug = request.organization.slug  # type: ignore[attr-defined]
    wanted = request.POST.get("visit_next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(f"/o/{slug}/")
    return wanted if is_ours and not wanted.startswith(reverse("visit", args=[slug])) else reverse("overview", args=[slug])
