"""A running call: the fragment that follows it, and commands to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.calls.detail import detail_of, find_call
from apps.core import db
from apps.organizations.access import may
from apps.organizations.models import Role


def call_live(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    """The page's inside as it is now. It asks for itself again while the call runs, and stops by itself."""
    organization = request.organization  # type: ignore[attr-defined]
    call = find_call(organization, call_id)
    context = detail_of(organization, call, can_edit=may(request, Role.MEMBER), now=db.now())
    return render(request, "calls/_call.html", context)
