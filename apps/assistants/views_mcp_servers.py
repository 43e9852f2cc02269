"""Pages of MCP servers: list, create, change, test, delete."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.assistants.errors import StaleRow
from apps.assistants.forms.mcp_server import McpServerForm
from apps.assistants.mcp_services import (
    assistants_using,
    create_server,
    delete_server,
    judge_server,
    probe_server,
    update_server,
    uses,
)
from apps.assistants.models import McpServer
from apps.assistants.views import find_assistant
from apps.core import db
from apps.core.errors import Conflict, NotFound
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor

PREFIX = re.compile(r"tools-[0-9a-z]{1,20}")


def find_server(request: HttpRequest, pk: UUID) -> McpServer:
    """The organization's server. Raises NotFound for anything else."""
    found = McpServer.objects.for_organization(request.organization).select_related("organization").filter(pk=pk)  # type: ignore[attr-defined]
    if (server := found.first()) is None:
        raise NotFound(_("There is no such MCP server. It may have been deleted."))
    return server


@require_GET
def mcp_servers(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    rows = list(McpServer.objects.for_organization(organization).order_by("name", "id"))
    counts = uses(organization=organization)
    for row in rows:
        row.assistant_count = counts.get(str(row.pk), 0)  # type: ignore[attr-defined]
    return render(request, "assistants/mcp_servers.html", {"servers": rows, "may_edit": may(request, Role.MEMBER)})


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def mcp_server_create(request: HttpRequest, org: str) -> HttpResponse:
    form = McpServerForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        judged = judge_server(form.values())
        if form.take(judged):
            try:
                made = create_server(organization=request.organization, values=judged.values, by=Actor.of(request))  # type: ignore[attr-defined]
            except Conflict as conflict:
                form.add_error("name", conflict.text)
            else:
                messages.success(request, _("“%(name)s” is saved. Test it to see its tools.") % {"name": made.name})
                return redirect("mcp_server", org, made.pk)
    return render(request, "assistants/mcp_server_create.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def mcp_server(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    found = find_server(request, pk)
    if request.method == "POST":
        return _save(request, found)
    form = McpServerForm(server=found)
    if not may(request, Role.MEMBER):
        for field in form.fields.values():
            field.disabled = True
    return _page(request, found, form, found.version)


@needs(Role.MEMBER)
def _save(request: HttpRequest, server: McpServer) -> HttpResponse:
    text = request.POST.get("version", "")
    version = int(text) if text.isdecimal() and len(text) < 10 else 0
    form = McpServerForm(request.POST, server=server)
    if not form.is_valid():
        return _page(request, server, form, version, status=422)
    judged = judge_server(form.values(), stored=server)
    if not form.take(judged):
        return _page(request, server, form, version, status=422)
    try:
        update_server(
            server=server, values=judged.values, by=Actor.of(request), now=db.now(), expected_version=version
        )  # fmt: skip
    except StaleRow as stale:
        return _compare(request, stale.current, form)
    except Conflict as conflict:
        form.add_error("name", conflict.text)
        return _page(request, server, form, version, status=422)
    messages.success(request, _("Saved."))
    return redirect("mcp_server", server.organization.slug, server.pk)


def _compare(request: HttpRequest, current: McpServer, form: McpServerForm) -> HttpResponse:
    """Both versions; sending the form again saves the person's own over the one that was shown."""
    yours = form.values()
    fields = [
        {"label": form.fields[name].label, "theirs": str(getattr(current, name)), "yours": str(yours[name])}
        for name in form.fields
        if getattr(current, name) != yours[name]
    ]
    if current.headers != yours["headers"]:
        names = [", ".join(current.headers), ", ".join(yours["headers"])]
        fields.append({"label": _("Headers"), "theirs": names[0], "yours": names[1]})
    conflict = {"fields": fields, "at": current.updated_at}
    return _page(request, current, form, current.version, status=409, is_dirty=True, conflict=conflict)


def _page(
    request: HttpRequest, server: McpServer, form: McpServerForm, version: int, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "server": server, "form": form, "version": version, "may_edit": may(request, Role.MEMBER),
        "assistants": assistants_using(server),
    }  # fmt: skip
    return render(request, "assistants/mcp_server.html", context | more, status=status)


@require_POST
@needs(Role.MEMBER)
def mcp_server_test(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Speak to the server as it is saved, now."""
    found = find_server(request, pk)
    outcome = probe_server(server=found)
    if request.headers.get("HX-Request"):
        return render(request, "assistants/_mcp_outcome.html", {"outcome": outcome})
    return _page(request, found, McpServerForm(server=found), found.version, outcome=outcome)


@require_POST
@needs(Role.MEMBER)
def assistant_mcp_tools(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The tools of the server that is chosen in a card of the editor, to tick. Stores nothing."""
    find_assistant(request, pk)
    prefix = request.GET.get("prefix", "")
    if not PREFIX.fullmatch(prefix):
        raise NotFound(_("There is no such tool on this page."))
    ident = request.POST.get(f"{prefix}-server", "")
    lines = request.POST.get(f"{prefix}-allowed", "").splitlines()
    chosen = request.POST.getlist(f"{prefix}-pick") or [line.strip() for line in lines if line.strip()]
    context: dict[str, Any] = {"prefix": prefix, "chosen": chosen, "typed": "\n".join(chosen), "pk": pk}
    if ident:
        outcome = probe_server(server=find_server(request, _uuid(ident)))
        offered = [tool["name"] for tool in outcome.tools or []]
        context |= {"outcome": outcome, "gone": [name for name in chosen if name not in offered]}
    return render(request, "assistants/_tool_mcp_picks.html", context)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(_("There is no such MCP server. It may have been deleted.")) from None


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def mcp_server_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Asks, or says which assistants still use it; deletes on POST."""
    found = find_server(request, pk)
    if request.method == "POST":
        delete_server(server=found, by=Actor.of(request))
        messages.success(request, _("“%(name)s” is deleted.") % {"name": found.name})
        return redirect("mcp_servers", org)
    context = {"server": found, "assistants": assistants_using(found)}
    return render(request, "assistants/mcp_server_delete.html", context)
