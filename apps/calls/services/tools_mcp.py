"""MCP tools of a call: only those its assistant names, on servers of its own organization (api 9.6)."""

from __future__ import annotations

from dataclasses import dataclass

from apps.assistants.mcp_client import Target
from apps.assistants.mcp_services import target_of
from apps.assistants.models import McpServer
from apps.assistants.schema import tools_of
from apps.calls.models import Call


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


def _known_name(name: str, allowed: tuple[str, ...]) -> str | None:
    """A tool whose name clashes is offered as `<server>_<tool>` (features 7)."""
    if name in allowed:
        return name
    return max((each for each in allowed if name.endswith(f"_{each}")), key=len, default=None)
