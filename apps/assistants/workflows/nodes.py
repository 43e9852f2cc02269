"""The fields of one node and of one edge. An optional field that is null counts as not set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.configs import read_config, read_llm_override
from apps.assistants.schema.report import Report
from apps.assistants.schema.tool_rules import check_tools

TYPES = ("conversation", "tool", "transfer", "end")


def check_node(report: Report, path: str, node: dict[str, Any]) -> None:
    values.has(report, path, node, "id")  # its form is a rule of the graph
    if values.has(report, path, node, "type"):
        values.read_choice(report, f"{path}.type", node["type"], TYPES)
        check = _CHECKS.get(node["type"]) if isinstance(node["type"], str) else None
        if check:
            check(report, path, node)
    _optional_text(report, path, node, "first_line", values.SPOKEN_LIMIT)
    _check_place(report, f"{path}.ui", node.get("ui"))


def check_edge(report: Report, path: str, edge: dict[str, Any]) -> None:
    """Whether `from` and `to` name nodes, and whether a description is needed, are rules of the graph."""
    for key in ("from", "to"):
        if values.has(report, path, edge, key) and not isinstance(edge[key], str):
            report.refuse(f"{path}.{key}", _("must be text"))
    _optional_text(report, path, edge, "description", values.PROMPT_LIMIT)
    _optional_text(report, path, edge, "message", values.SPOKEN_LIMIT)


def _conversation(report: Report, path: str, node: dict[str, Any]) -> None:
    if values.has(report, path, node, "instructions"):
        values.read_text(report, f"{path}.instructions", node["instructions"], values.PROMPT_LIMIT, 1)
    if node.get("global") is not None:
        values.read_boolean(report, f"{path}.global", node["global"])
    _optional_text(report, path, node, "global_description", values.PROMPT_LIMIT)
    if node.get("voice") is not None:
        values.read_text(report, f"{path}.voice", node["voice"], values.NAME_LIMIT, 1)
    if node.get("llm_config") is not None:
        read_llm_override(report, f"{path}.llm_config", node["llm_config"])
    for key in ("tts_config", "stt_config"):
        if node.get(key) is not None:
            read_config(report, f"{path}.{key}", node[key])
    check_tools(report, f"{path}.tools", node.get("tools"), mcp=False)


def _tool(report: Report, path: str, node: dict[str, Any]) -> None:
    if values.has(report, path, node, "tool_name"):
        values.read_text(report, f"{path}.tool_name", node["tool_name"], values.NAME_LIMIT, 1)
    if node.get("url") is not None:
        values.read_url(report, f"{path}.url", node["url"])
    if node.get("arguments") is not None:
        values.is_object(report, f"{path}.arguments", node["arguments"])


def _transfer(report: Report, path: str, node: dict[str, Any]) -> None:
    if values.has(report, path, node, "destination"):
        values.read_phone(report, f"{path}.destination", node["destination"])


_CHECKS: dict[str, Callable[[Report, str, dict[str, Any]], None]] = {
    "conversation": _conversation,
    "tool": _tool,
    "transfer": _transfer,
}


def _optional_text(report: Report, path: str, holder: dict[str, Any], key: str, limit: int) -> None:
    if holder.get(key) is not None:
        values.read_text(report, f"{path}.{key}", holder[key], limit)


def _check_place(report: Report, path: str, value: Any) -> None:
    if value is None or not values.is_object(report, path, value):
        return
    for key in ("x", "y"):
        if value.get(key) is not None and not values.is_number(value[key]):
            report.refuse(f"{path}.{key}", _("must be a number"))
