"""MCP tools of a call: only those its assistant names, on servers of its own organization (api 9.6).

A server that a tool requires is looked at before the call begins: without it there is no call (features 7).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.assistants.mcp_client import Target, reach
from apps.assistants.mcp_services import target_of
from apps.assistants.models import McpServer
from apps.assistants.schema import tools_of
from apps.calls.models import Call
from apps.voice.capabilities import Capabilities

log = logging.getLogger(__name__)
UNAVAILABLE = "mcp_unavailable"
REACH_SECONDS = 3.0
# A server that was there a moment ago is not asked again before every call.
REMEMBERED_SECONDS = 60


@dataclass(frozen=True)
class McpTool:
    """A tool by the name its server knows, and how the server is reached."""

    target: Target
    name: str


def find_mcp_tool(call: Call, server_id: str, name: str) -> McpTool | None:
    """The tool an engine asks for; None when the call's assistant has none like it, or its server is gone."""
    for tool in tools_of(call.config.get("llm_config")):
        if tool.kind != "mcp" or str(tool.mcp_server_id).lower() != server_id.lower():
            continue
        if known := _known_name(name, tool.allowed_tools):
            rows = McpServer.objects.for_organization(call.organization_id).filter(pk=tool.mcp_server_id)
            server = rows.first()
            return McpTool(target_of(server), known) if server else None
    return None


@dataclass(frozen=True)
class Required:
    """A server without which a call may not begin."""

    name: str
    target: Target
    key: str


def required_servers(call: Call, known: Capabilities) -> tuple[Required, ...]:
    """The servers that the call's tools require; none at an engine that speaks to them itself."""
    if not known.has("tools"):
        return ()
    ids = _required_ids(call.config.get("llm_config"))
    rows = McpServer.objects.for_organization(call.organization_id).filter(pk__in=ids) if ids else ()
    return tuple(Required(row.name, target_of(row), f"mcp:there:{row.pk}:{row.version}") for row in rows)


def requires_servers(call: Call, known: Capabilities) -> bool:
    """Whether there may be any of them, without a query."""
    return known.has("tools") and bool(_required_ids(call.config.get("llm_config")))


async def first_missing(servers: Sequence[Required], seconds: float = REACH_SECONDS) -> str:
    """Look at all of them at once. Returns a sentence about one that is not there; empty when all are."""
    problems = await asyncio.gather(*(_look(each, min(seconds, REACH_SECONDS)) for each in servers))
    found = next(((each, problem) for each, problem in zip(servers, problems, strict=True) if problem), None)
    if found is None:
        return ""
    words = {"name": found[0].name, "problem": found[1]}
    return _("The MCP server “%(name)s” is required and cannot be used: %(problem)s") % words


async def _look(server: Required, seconds: float) -> str:
    try:
        if await cache.aget(server.key):
            return ""
    except RedisError as error:
        log.warning("what is known of MCP servers is not read: %s", error)
    problem = await reach(server.target, seconds=seconds)
    if not problem:
        try:
            await cache.aset(server.key, 1, REMEMBERED_SECONDS)
        except RedisError as error:
            log.warning("what is known of MCP servers is not written: %s", error)
    return problem


def _required_ids(llm_config: Mapping[str, Any] | None) -> list[str]:
    tools = (tool for tool in tools_of(llm_config) if tool.kind == "mcp" and tool.required)
    return list(dict.fromkeys(str(tool.mcp_server_id) for tool in tools if tool.mcp_server_id))


def _known_name(name: str, allowed: tuple[str, ...]) -> str | None:
    """A tool whose name clashes is offered as `<server>_<tool>` (features 7)."""
    if name in allowed:
        return name
    return max((each for each in allowed if name.endswith(f"_{each}")), key=len, default=None)
