"""Writes of MCP servers, and the test that speaks to one."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.assistants.errors import InUse, StaleRow
from apps.assistants.mcp_client import Outcome, Target, list_tools
from apps.assistants.models import Assistant, McpServer
from apps.assistants.schema import Cleaned, Context
from apps.assistants.schema.mcp_server import clean_headers, clean_mcp_server, merged
from apps.assistants.schema.tools import raw_tools
from apps.core.addresses import address_problem
from apps.core.db import step, writes
from apps.core.errors import Conflict
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.voice import mirror

_CONTEXT = Context(address_problem=address_problem)


def judge_server(data: Any, *, stored: McpServer | None = None) -> Cleaned:
    """The validator's answer for a new server, or for a change of `stored`. Names are resolved: no transaction may be open."""
    if stored is None:
        return clean_mcp_server(data, context=_CONTEXT)
    return clean_mcp_server(data, context=_CONTEXT, partial=True, stored={"url": stored.url})


@writes
def create_server(*, organization: Organization, values: Mapping[str, Any], by: Actor) -> McpServer:
    """Store a server from values the validator returned. Raises Conflict when its name is taken."""
    server = McpServer(organization=organization, **_columns(values))
    _save(lambda: server.save(force_insert=True), server.name)
    record_audit(organization=organization, by=by, action="mcp_server.create", target=server)
    _mark(server)
    return server


@writes
def update_server(
    *, server: McpServer, values: Mapping[str, Any], by: Actor, now: dt.datetime, expected_version: int | None = None
) -> McpServer:
    """Change the fields in `values`; `headers` replaces all of them.

    Raises:
        StaleRow: somebody else saved since `expected_version`.
        Conflict: the new name is taken.
    """
    rows = McpServer.objects.for_organization(server.organization_id).select_related("organization")
    current: McpServer = rows.select_for_update(of=("self",)).get(pk=server.pk)
    if expected_version is not None and current.version != expected_version:
        raise StaleRow(current)
    changed = {name: value for name, value in _columns(values).items() if getattr(current, name) != value}
    if changed:
        _save(lambda: current.change(now, version=current.version + 1, **changed), changed.get("name", ""))
        fields = sorted("headers" if name == "sealed_headers" else name for name in changed)
        record_audit(
            organization=current.organization, by=by, action="mcp_server.update", target=current, data={"fields": fields}
        )  # fmt: skip
        _mark(current)
    return current


@writes
def delete_server(*, server: McpServer, by: Actor) -> None:
    """Delete a server that no assistant uses. Raises InUse, which says how many do."""
    if count := len(assistants_using(server)):
        text = ngettext(
            "%(count)s assistant still uses this MCP server. Remove its tools there first.",
            "%(count)s assistants still use this MCP server. Remove its tools there first.", count,
        )  # fmt: skip
        raise InUse(text % {"count": count})
    record_audit(organization=server.organization, by=by, action="mcp_server.delete", target=server)
    _mark(server)
    server.delete()


@step
def _mark(server: McpServer) -> None:
    mirror.mark(organization=server.organization, kinds=[mirror.Kind.MCP_SERVER], ids=[server.pk])


def assistants_using(server: McpServer) -> list[Assistant]:
    """Live assistants with a tool of this server, by name. Their configs are read: an id may be spelled in any case."""
    live = Assistant.objects.for_organization(server.organization_id).live().order_by("name", "id")
    return [each for each in live.only("name", "llm_config") if str(server.pk) in servers_of(each.llm_config)]


def server_choices(organization: Organization) -> list[tuple[str, str]]:
    """Ids and names, for a choice."""
    rows = McpServer.objects.for_organization(organization).order_by("name", "id").values_list("id", "name")
    return [(str(pk), name) for pk, name in rows]


def uses(*, organization: Organization) -> Counter[str]:
    """How many live assistants use each server, by the server's id."""
    configs = Assistant.objects.for_organization(organization).live().values_list("llm_config", flat=True)
    return Counter(ident for config in configs for ident in servers_of(config))


def servers_of(llm_config: Mapping[str, Any] | None) -> set[str]:
    """Ids of the MCP servers whose tools a stored `llm_config` uses."""
    tools = [tool for tool in raw_tools(llm_config) if isinstance(tool, Mapping) and tool.get("type") == "mcp"]
    return {str(tool.get("mcp_server_id")).lower() for tool in tools}


def probe_server(*, server: McpServer, headers: Mapping[str, str] | None = None) -> Outcome:
    """List the server's tools now.

    Args:
        headers: for this test only; they win over the stored ones.

    Raises Invalid when `headers` cannot be sent. What the server does wrong is an Outcome, never an error.
    """
    more = clean_headers(headers, context=_CONTEXT).require()["headers"] if headers is not None else {}
    return list_tools(target_of(server, more))


def target_of(server: McpServer, more: Mapping[str, str] | None = None) -> Target:
    """The server as it is reached, with its headers; those in `more` win."""
    return Target(server.url, server.transport, merged(server.headers, more or {}), server.timeout_seconds)


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    columns = {name: value for name, value in values.items() if name != "headers"}
    if "headers" in values:
        columns["sealed_headers"] = json.dumps(values["headers"]) if values["headers"] else ""
    return columns


def _save(save: Callable[[], None], name: str) -> None:
    try:
        with transaction.atomic():
            save()
    except IntegrityError:
        text = _("There is already an MCP server called “%(name)s”.") % {"name": name}
        raise Conflict(text, type="already_exists", param="name") from None
