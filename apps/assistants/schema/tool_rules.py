"""Rules for the tools of an assistant (api 9.6); also for tools of a workflow node, without MCP (api 8.15)."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.json_schema import read_object_schema
from apps.assistants.schema.report import Report
from apps.assistants.schema.tools import kind_of, tool_name

TOOLS_LIMIT, ALLOWED_TOOLS_LIMIT, SECRET_LIMIT = 64, 25, 255
TYPES = ("function", "end_call", "endCall", "transfer_call", "transferCall", "mcp")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def check_tools(report: Report, path: str, value: Any, *, mcp: bool = True) -> None:
    """Null means: no tools. Two tools of one name are refused; a missing description is only a warning.

    Args:
        mcp: whether tools of MCP servers may be among them.
    """
    if value is None or not values.is_list(report, path, value, TOOLS_LIMIT):
        return
    taken: set[str] = set()
    for index, tool in enumerate(value):
        where = f"{path}.{index}"
        if values.is_object(report, where, tool):
            if kind_of(tool) == "mcp" and not mcp:
                report.refuse(f"{where}.type", _("tools of MCP servers are not allowed here"))
                continue
            _check_tool(report, where, tool)
            _check_unique(report, where, tool, taken)


def _check_tool(report: Report, path: str, tool: dict[str, Any]) -> None:
    kind = kind_of(tool)
    if kind is None:
        values.read_choice(report, f"{path}.type", tool["type"], TYPES)
    elif kind == "mcp":
        _check_mcp(report, path, tool)
    elif kind == "transfer":
        _check_transfer(report, path, tool)
    elif kind == "function" and tool.get("function") is not None:
        _check_nested(report, path, tool)
    elif kind == "function":
        _check_function(report, path, tool)
        _check_webhook(report, path, tool)


def _check_unique(report: Report, path: str, tool: dict[str, Any], taken: set[str]) -> None:
    name = tool_name(tool)
    if not isinstance(name, str):
        return
    if name in taken:
        report.refuse(f"{path}.name", _("another tool is already called “%(name)s”") % {"name": values.short(name)})
    taken.add(name)


def _check_nested(report: Report, path: str, tool: dict[str, Any]) -> None:
    if values.is_object(report, f"{path}.function", tool["function"]):
        _check_function(report, f"{path}.function", tool["function"])
    _check_webhook(report, path, tool)
    if isinstance(tool.get("server"), dict):
        values.has(report, f"{path}.server", tool["server"], "url")


def _check_function(report: Report, path: str, function: dict[str, Any]) -> None:
    if values.has(report, path, function, "name"):
        name = function["name"]
        if not isinstance(name, str) or not NAME.fullmatch(name):
            text = _("must start with a letter or _ and hold only letters, digits, _ and -, at most 64 in all")
            report.refuse(f"{path}.name", text)
    _check_description(report, path, function)
    if function.get("parameters") is not None:
        read_object_schema(report, f"{path}.parameters", function["parameters"])


def _check_description(report: Report, path: str, owner: dict[str, Any]) -> None:
    if owner.get("description") in (None, ""):
        report.warn(f"{path}.description", _("without a description the model has to guess when to use this"))
    else:
        values.read_text(report, f"{path}.description", owner["description"], values.PROMPT_LIMIT)


def _check_webhook(report: Report, path: str, tool: dict[str, Any]) -> None:
    if tool.get("url") is not None:
        values.read_url(report, f"{path}.url", tool["url"])
    if tool.get("async") is not None:
        values.read_boolean(report, f"{path}.async", tool["async"])
    if tool.get("message") is not None:
        values.read_text(report, f"{path}.message", tool["message"], values.SPOKEN_LIMIT)
    server = tool.get("server")
    if server is None or not values.is_object(report, f"{path}.server", server):
        return
    if server.get("url") not in (None, ""):
        values.read_url(report, f"{path}.server.url", server["url"])
    if server.get("secret") is not None:
        values.read_text(report, f"{path}.server.secret", server["secret"], SECRET_LIMIT)


def _check_transfer(report: Report, path: str, tool: dict[str, Any]) -> None:
    if not values.has(report, path, tool, "destinations"):
        return
    where = f"{path}.destinations"
    if values.is_list(report, where, tool["destinations"], least=1):
        for index, destination in enumerate(tool["destinations"]):
            if values.is_object(report, f"{where}.{index}", destination):
                _check_destination(report, f"{where}.{index}", destination)


def _check_destination(report: Report, path: str, destination: dict[str, Any]) -> None:
    if destination.get("type") is not None:
        values.read_choice(report, f"{path}.type", destination["type"], ("number",))
    if values.has(report, path, destination, "number"):
        values.read_phone(report, f"{path}.number", destination["number"])
    _check_description(report, path, destination)
    if destination.get("message") is not None:
        values.read_text(report, f"{path}.message", destination["message"], values.SPOKEN_LIMIT)


def _check_mcp(report: Report, path: str, tool: dict[str, Any]) -> None:
    if values.has(report, path, tool, "mcp_server_id"):
        where = f"{path}.mcp_server_id"
        known = values.read_uuid(report, where, tool["mcp_server_id"])
        if known and not report.context.mcp_server_exists(tool["mcp_server_id"]):
            report.refuse(where, _("no such MCP server in this organization"))
    if values.has(report, path, tool, "allowed_tools"):
        where = f"{path}.allowed_tools"
        if values.is_list(report, where, tool["allowed_tools"], ALLOWED_TOOLS_LIMIT, 1):
            for index, name in enumerate(tool["allowed_tools"]):
                values.read_text(report, f"{where}.{index}", name, values.NAME_LIMIT, 1)
    if tool.get("required") is not None:
        values.read_boolean(report, f"{path}.required", tool["required"])
