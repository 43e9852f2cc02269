"""Connected apps: a person's own, and for an organization's admins everybody's."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.oauth import resource
from apps.accounts.people import person
from apps.dashboard.mcp.connections import (
    Connection,
    connections_of,
    connections_to,
    disconnect,
    organization_at,
    workspaces_at,
)
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor


@login_required
@require_http_methods(["GET", "POST"])
def connected_apps(request: HttpRequest) -> HttpResponse:
    """One's own; a post ends one of them."""
    found = connections_of(person(request))
    if request.method == "POST":
        chosen = _chosen(found, request.POST.get("connection", ""))
        organization = organization_at(chosen.organization_id)
        with acting_for(organization):
            disconnect(organization=organization, connection=chosen, by=Actor.of(request))
        _say(request, chosen)
        return redirect("profile_apps")
    names = {each.organization_id: each.name for each in workspaces_at(person(request), request.brand)}  # type: ignore[attr-defined]
    rows = [{"connection": each, "organization": names.get(each.organization_id, "")} for each in found]
    return render(request, "accounts/apps.html", {"rows": rows, "address": resource(request)})


@needs(Role.ADMIN)
@require_safe
def organization_apps(request: HttpRequest, org: str) -> HttpResponse:
    found = connections_to(request.organization)  # type: ignore[attr-defined]
    return render(request, "organizations/apps.html", {"connections": found, "address": resource(request)})


@needs(Role.ADMIN)
@require_POST
def organization_app_disconnect(request: HttpRequest, org: str, connection_id: UUID) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    chosen = _chosen(connections_to(organization), str(connection_id))
    disconnect(organization=organization, connection=chosen, by=Actor.of(request))
    _say(request, chosen)
    return redirect("organization_apps", org=org)


def _chosen(found: list[Connection], wanted: str) -> Connection:
    chosen = next((each for each in found if str(each.id) == wanted), None)
    if chosen is None:
        raise Http404
    return chosen


def _say(request: HttpRequest, connection: Connection) -> None:
    messages.success(request, _("“%(name)s” is disconnected.") % {"name": connection.client.name})
