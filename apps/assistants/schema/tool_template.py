"""Tool templates (api 8.2): three bodies in, one form stored, the union out, and the tool an assistant gets a copy of."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.fields import Field, read_fields, text
from apps.assistants.schema.report import Cleaned, Context, Problem, Report
from apps.assistants.schema.tool_rules import SECRET_LIMIT, check_tools
from apps.assistants.schema.tools import canonical_tool

FUNCTION, END_CALL, TRANSFER = "function", "end_call", "transfer_call"
SPELLINGS = {FUNCTION: FUNCTION, END_CALL: END_CALL, "endCall": END_CALL, TRANSFER: TRANSFER, "transferCall": TRANSFER}
TYPES = tuple(SPELLINGS)
DEFINITION = ("name", "description", "parameters")
# Where older and flat bodies carry what `tool_config` holds: the key of the body to the key of the config.
MIRRORS = {
    "server_url": "url",
    "url": "url",
    "async": "async",
    "parameters": "parameters",
    "destinations": "destinations",
    "asyncResponse": "message",
    "async_response": "message",
    "message": "message",
}

FIELDS = (
    Field("name", text(values.NAME_LIMIT, 1), nullable=False, required=True),
    Field("description", text(values.PROMPT_LIMIT)),
    Field("server_secret", text(SECRET_LIMIT, 1)),
)


def clean_tool_template(
    data: Any, *, context: Context, partial: bool = False, stored: Mapping[str, Any] | None = None
) -> Cleaned:
    """Judges the body of POST (`partial=False`) or PATCH (`partial=True`) /tool-templates, in any of its three forms.

    Args:
        data: parsed JSON, anything. A sent `tool_config` wins over the older and the flat keys.
        context: judges addresses.
        stored: for PATCH, the present `name`, `description`, `tool_type` and `tool_config`.

    Returns:
        Cleaned: `name`, `description`, `tool_type`, `tool_config`, `server_secret`; for PATCH those that were sent.
    """
    report = Report(context, stored)
    if not isinstance(data, dict):
        report.refuse("", _("the body must be a JSON object"), "invalid_request")
        return report.cleaned({})
    if not partial and data.get("name") is None:
        report.missing("name")
        data = {key: value for key, value in data.items() if key != "name"}
    found = read_fields(report, data, FIELDS)
    shape = _Shape(report, data, partial)
    shape.read()
    found |= shape.found
    if not report.problems:
        _check(report, {**report.stored, **found}, shape)
    if not partial:
        found = {"description": None, "server_secret": None} | found
    return report.cleaned(found)


class _Shape:
    """Reads type and config from whichever form the body has, and remembers under which key each part was sent."""

    def __init__(self, report: Report, data: dict[str, Any], partial: bool) -> None:
        self.report, self.data, self.partial = report, data, partial
        self.found: dict[str, Any] = {}
        self.sent_as: dict[str, str] = {}

    def read(self) -> None:
        self._read_type()
        if "tool_config" in self.data:
            self._read_config()
        else:
            self._read_older()
        if self.partial:
            return
        refused = {problem.path.split(".")[0] for problem in self.report.problems}
        if "tool_type" not in self.found and not refused & {"tool_type", "type", "function_definition"}:
            self.report.missing("tool_type")
        elif "tool_config" not in self.found and not refused & {"tool_config", "function_definition"}:
            self.report.missing("tool_config")

    def _read_type(self) -> None:
        key = next((key for key in ("tool_type", "type") if key in self.data), None)
        if key is None:
            return
        kind = self.data[key]
        if kind is None:
            self.report.refuse(key, _("must not be null"))
        elif isinstance(kind, str) and kind in SPELLINGS:
            self.found["tool_type"] = SPELLINGS[kind]
        else:
            values.read_choice(self.report, key, kind, TYPES)

    def _read_config(self) -> None:
        config = self.data["tool_config"]
        if config is None:
            self.report.refuse("tool_config", _("must not be null"))
        elif values.is_object(self.report, "tool_config", config) and values.is_storable(
            self.report, "tool_config", config
        ):
            self.found["tool_config"] = config

    def _read_older(self) -> None:
        stored = self.report.stored.get("tool_config") or {}
        config = copy.deepcopy(dict(stored))
        is_sent = self._read_definition(config)
        for key, name in MIRRORS.items():
            if key not in self.data:
                continue
            if self.data[key] is None and self.partial:
                self.report.refuse(key, _("must not be null"))
            elif self.data[key] is not None and values.is_storable(self.report, key, self.data[key]):
                config[name], self.sent_as[name], is_sent = self.data[key], key, True
        # In the flat form `type` alone says what an end of call is; in the new form the config is required.
        if is_sent or (not self.partial and "tool_type" not in self.data and "type" in self.data):
            self.found["tool_config"] = config

    def _read_definition(self, config: dict[str, Any]) -> bool:
        if "function_definition" not in self.data:
            return False
        key, definition = "function_definition", self.data["function_definition"]
        if definition is None and not self.partial:
            return False
        if not values.is_object(self.report, key, definition) or not values.is_storable(self.report, key, definition):
            return False
        if values.has(self.report, key, definition, "name"):
            for name in DEFINITION:
                config.pop(name, None)
                self.sent_as[name] = f"{key}.{name}"
            config |= {name: definition[name] for name in DEFINITION if definition.get(name) is not None}
            self.found.setdefault("tool_type", FUNCTION)
        return True


def _check(report: Report, whole: dict[str, Any], shape: _Shape) -> None:
    """The rules of an assistant's tool (api 9.6), told in the names of the body that was sent."""
    if not {"name", "tool_type", "tool_config"} & shape.data.keys() and not shape.found:
        return
    inner = Report(report.context)
    check_tools(inner, "tools", [_judged(whole, shape)], mcp=False)
    report.problems += [
        Problem(_told(problem.path, whole, shape.sent_as), problem.text, problem.code) for problem in inner.problems
    ]
    for warning in inner.warnings:
        path, words = warning.split(": ", 1)
        report.warn(_told(path, whole, shape.sent_as), words)


def _judged(whole: Mapping[str, Any], shape: _Shape) -> dict[str, Any]:
    tool = copied_tool(whole)
    if not shape.found:
        # Only the name may have broken: what is stored was judged when it came, and addresses are not looked up again.
        return {key: tool[key] for key in ("type", "name", "description", "destinations") if key in tool}
    return tool


def _told(path: str, whole: Mapping[str, Any], sent_as: Mapping[str, str]) -> str:
    rest = path.removeprefix("tools.0").removeprefix(".")
    key, dot, below = rest.partition(".")
    if key == "name" and _is_empty(whole["tool_config"].get("name")):
        return "name"
    return sent_as.get(key, f"tool_config.{key}" if key else "tool_config") + dot + below


def copied_tool(template: Mapping[str, Any]) -> dict[str, Any]:
    """The tool an assistant gets: flat, as api 9.6 writes it, with every key of the config.

    Args:
        template: `name`, `description`, `tool_type`, `tool_config`, and `server_secret` when there is one.
    """
    kind, config = template["tool_type"], template.get("tool_config") or {}
    if kind == END_CALL:
        return {"type": END_CALL}
    # A key `function` would make the tool a nested one; `type` is the template's.
    tool = copy.deepcopy({key: value for key, value in config.items() if key not in ("function", "type")})
    if kind == TRANSFER:
        return {"type": TRANSFER, **tool}
    tool = {"type": FUNCTION, **tool}
    for key in ("name", "description"):
        if _is_empty(tool.get(key)) and template.get(key):
            tool[key] = template[key]
    secret, server = template.get("server_secret"), tool.get("server") or {}
    if secret and isinstance(server, dict):
        tool["server"] = {**server, "secret": secret}
    return tool


def template_of(tool: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values of a template for an assistant's tool, in any of its shapes; None for tools of MCP servers.

    A nested tool becomes a flat one. The secret leaves the config, where it would lie readable.
    """
    found = canonical_tool(tool)
    if found is None or found.kind == "mcp":
        return None
    values = {"name": found.name, "description": None, "server_secret": None}
    if found.kind == "end_call":
        return values | {"tool_type": END_CALL, "tool_config": {}}
    if found.kind == "transfer":
        rest = {key: value for key, value in tool.items() if key != "type"}
        return values | {"tool_type": TRANSFER, "tool_config": copy.deepcopy(rest)}
    known = {"type", "function", "server", "server_secret", "server_url", "async_response", "asyncResponse"}
    config = {key: copy.deepcopy(value) for key, value in tool.items() if key not in known}
    parts = {"name": found.name, "description": found.description, "url": found.url, "message": found.message}
    config |= {key: value for key, value in parts.items() if value}
    if found.parameters is not None:
        config["parameters"] = copy.deepcopy(found.parameters)
    return values | {"tool_type": FUNCTION, "tool_config": config, "server_secret": found.secret or None}


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


def function_definition(template: Mapping[str, Any]) -> dict[str, Any]:
    """The older form of a function template: `name`, `description`, `parameters`."""
    tool = copied_tool(template)
    return {"name": tool["name"], "description": tool.get("description"), "parameters": tool.get("parameters")}
