"""Reading tools (api 9.6): every shape and spelling becomes one `Tool`. Says nothing about whether they are valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["function", "end_call", "transfer", "mcp"]

_KINDS: dict[Any, Kind] = {
    None: "function",
    "function": "function",
    "end_call": "end_call",
    "endCall": "end_call",
    "transfer_call": "transfer",
    "transferCall": "transfer",
    "mcp": "mcp",
}
# Built-ins bring their own name (features 7).
_BUILT_IN_NAMES = {"end_call": "end_call", "transfer": "transfer_call"}


@dataclass(frozen=True)
class Tool:
    """One tool in canonical form. `url` and `secret` are the tool's own (webhooks 2, 4); None = the assistant's."""

    kind: Kind
    name: str | None
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    url: str | None = None
    secret: str | None = None
    is_async: bool = False
    message: str | None = None
    destinations: tuple[Mapping[str, Any], ...] = ()
    mcp_server_id: str | None = None
    allowed_tools: tuple[str, ...] = ()
    required: bool = True


def kind_of(tool: Mapping[str, Any]) -> Kind | None:
    """The kind by `type`; None when the type is not known."""
    kind = tool.get("type")
    return _KINDS.get(kind) if kind is None or isinstance(kind, str) else None


def tool_name(tool: Mapping[str, Any]) -> str | None:
    """The name the model sees; None for an MCP server, whose tools bring their own."""
    kind = kind_of(tool)
    if kind != "function":
        return _BUILT_IN_NAMES.get(kind or "")
    return _part(tool, "function").get("name") or tool.get("name")


def canonical_tool(tool: Mapping[str, Any]) -> Tool | None:
    """The tool in canonical form; None when its type is not known."""
    kind = kind_of(tool)
    if kind is None:
        return None
    function, server = _part(tool, "function"), _part(tool, "server")
    required = tool.get("required")
    return Tool(
        kind=kind,
        name=tool_name(tool),
        description=function.get("description") or tool.get("description") or "",
        parameters=function.get("parameters") or tool.get("parameters"),
        url=tool.get("url") or server.get("url") or tool.get("server_url"),
        secret=server.get("secret") or tool.get("server_secret"),
        is_async=bool(tool.get("async")),
        message=_message(tool),
        destinations=tuple(tool.get("destinations") or ()),
        mcp_server_id=tool.get("mcp_server_id"),
        allowed_tools=tuple(tool.get("allowed_tools") or ()),
        required=True if required is None else bool(required),
    )


def raw_tools(llm_config: Mapping[str, Any] | None) -> list[Any]:
    """The tools as stored; empty when there are none."""
    tools = (llm_config or {}).get("tools")
    return tools if isinstance(tools, list) else []


def tools_of(llm_config: Mapping[str, Any] | None) -> Iterator[Tool]:
    """The tools of a stored `llm_config` in canonical form, in their order."""
    for tool in raw_tools(llm_config):
        found = canonical_tool(tool) if isinstance(tool, Mapping) else None
        if found is not None:
            yield found


def _part(tool: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = tool.get(key)
    return part if isinstance(part, Mapping) else {}


def _message(tool: Mapping[str, Any]) -> str | None:
    for key in ("message", "async_response", "asyncResponse"):
        if isinstance(tool.get(key), str) and tool[key]:
            return tool[key]
    return None
