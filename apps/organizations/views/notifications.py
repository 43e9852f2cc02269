"""The notes of a workspace: a page, and putting them away."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.people import person
from apps.core import db
from apps.organizations.notifications import put_away, shown_to

SHOWN = 100


@require_safe
def notifications(request: HttpRequest, org: str) -> HttpResponse:
    rows = list(shown_to(person(request), request.organization, request.role)[:SHOWN])  # type: ignore[attr-defined]
    return render(request, "organizations/notifications.html", {"rows": rows})


@require_POST
def notifications_put_away(request: HttpRequest, org: str) -> HttpResponse:
    """One note, or all that were on the page."""
    organization, now = request.organization, db.now()  # type: ignore[attr-defined]
    ids = [UUID(each) for each in request.POST.getlist("ids") if len(each) == 36]
    put_away(organization=organization, user=person(request), ids=ids[:SHOWN], now=now)
    target = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return redirect(target if safe else "notifications", *([] if safe else [org]))
