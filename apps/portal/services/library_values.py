"""What of an agency's assistant or template travels to a client, and who changed which part of it since.

A copy has no link to the agency: neither its secrets nor its addresses, numbers, MCP servers or template ids go along.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from apps.assistants.models import AnalysisTemplate, Assistant, ToolTemplate
from apps.assistants.schema.tools import canonical_tool, raw_tools, tool_name
from apps.assistants.schema.views import without_secrets
from apps.assistants.services import values_of
from apps.assistants.template_copies import analysis_values, tool_values

Thing = Assistant | ToolTemplate | AnalysisTemplate
# Where reports of the agency's own calls go, and whether its own assistant answers, is not the client's matter.
OWN_REPORTS = ("webhook_url", "webhook_events", "notification_email", "notification_emails")
OWN = (*OWN_REPORTS, "webhook_secret", "is_active")
SECRETS = frozenset({"secret", "server_secret", "serverSecret", "headers"})
# Parts of a config that different people change: what it is told and what it can do, beside the model.
PARTS = {"llm_config": ("messages", "tools")}


@dataclass(frozen=True)
class Portable:
    """`values` by their names on the wire; `left_out`: what stays behind, of reports, secrets, mcp, numbers."""

    values: dict[str, Any]
    left_out: frozenset[str]


@dataclass(frozen=True)
class Change:
    """One part that the agency changed since the copy; `is_conflict`: the client changed it, too."""

    path: str
    base: Any
    mine: Any
    theirs: Any
    is_conflict: bool


def portable(thing: Thing, *, numbers: Set[str]) -> Portable:
    """What travels of the agency's `thing`. `numbers`: the agency's own phone numbers (E.164)."""
    whole = own_values(thing)
    values = shown(thing)
    left: set[str] = set()
    if isinstance(thing, Assistant):
        if any(whole[name] for name in OWN_REPORTS):
            left.add("reports")
        if raw_tools(values.get("llm_config")):
            kept = [tool for tool in raw_tools(values["llm_config"]) if _travels(tool, numbers, left)]
            values["llm_config"] = {**values["llm_config"], "tools": [_without_numbers(tool, numbers) for tool in kept]}
        before = whole["llm_config"]
        has_secret = bool(whole.get("webhook_secret")) or raw_tools(before) != raw_tools(without_secrets(whole)["llm_config"])
    else:
        has_secret = isinstance(thing, ToolTemplate) and (bool(thing.server_secret) or values["tool_config"] != thing.tool_config)
        if isinstance(thing, ToolTemplate) and thing.tool_type == ToolTemplate.Type.TRANSFER_CALL:
            _travels({"type": "transfer_call", **values["tool_config"]}, numbers, left)
            values["tool_config"] = _without_numbers(values["tool_config"], numbers)
    return Portable(values, frozenset(left | ({"secrets"} if has_secret else set())))


def own_values(thing: Thing) -> dict[str, Any]:
    if isinstance(thing, Assistant):
        return copy.deepcopy(values_of(thing))
    values = tool_values(thing) if isinstance(thing, ToolTemplate) else analysis_values(thing)
    return copy.deepcopy(values)


def shown(thing: Thing) -> dict[str, Any]:
    """What can be compared of a thing: no secrets, and nothing that is its owner's alone."""
    values = own_values(thing)
    if isinstance(thing, Assistant):
        values = {name: value for name, value in without_secrets(values).items() if name not in OWN}
        values["analysis_plan"] = _without(values.get("analysis_plan"), frozenset({"template_id"}))
    elif isinstance(thing, ToolTemplate):
        del values["server_secret"]
        values["tool_config"] = _without(values["tool_config"], SECRETS)
    return values


def compare(*, base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[Change]:
    """What the agency (`mine`) changed since `base` and the client (`theirs`) does not have."""
    before, now, there = (split(each) for each in (base, mine, theirs))
    changes = []
    for path in dict.fromkeys([*now, *before]):
        old, new, held = before.get(path), now.get(path), there.get(path)
        if not _same(old, new) and not _same(new, held):
            changes.append(Change(path, old, new, held, is_conflict=not _same(old, held)))
    return changes


def changed_by_client(*, base: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    before, there = split(base), split(theirs)
    return [path for path in dict.fromkeys([*before, *there]) if not _same(before.get(path), there.get(path))]


def split(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values by parts, such as `first_message`, `llm_config.tools` and, for the rest of it, `llm_config`."""
    parts: dict[str, Any] = {}
    for name, value in values.items():
        inner = PARTS.get(name, ())
        if inner and isinstance(value, Mapping):
            parts[name] = {key: each for key, each in value.items() if key not in inner}
            parts |= {f"{name}.{key}": value.get(key) for key in inner}
        else:
            parts[name] = value
    return parts


def merged(*, held: Mapping[str, Any], changes: list[Change]) -> dict[str, Any]:
    """The client's values (`held`, with its secrets) with these changes in them: only the names that change."""
    found: dict[str, Any] = {}
    for change in changes:
        name, _dot, key = change.path.partition(".")
        if not key and name not in PARTS:
            found[name] = keep_secrets(change.mine, held.get(name)) if name == "tool_config" else change.mine
            continue
        config = dict(found.get(name) or held.get(name) or {})
        inner = {each: config[each] for each in PARTS[name] if each in config}
        if not key:
            config = {**(change.mine or {}), **inner}
        elif change.mine is None:
            config.pop(key, None)
        else:
            config[key] = _tools(change.mine, config.get(key)) if key == "tools" else change.mine
        found[name] = config
    return copy.deepcopy(found)


def inverse(thing: Thing, changes: list[Change]) -> dict[str, Any] | None:
    """What `back` needs to undo these changes of a template: the parts as they were, without secrets. None: it cannot be undone.

    A secret that is not kept, because the agency's tool calls another address, could not come back.
    """
    values, found = own_values(thing), {change.path: change.theirs for change in changes}
    if "tool_config" in found:
        there = values["tool_config"]
        new = merged(held=values, changes=changes)["tool_config"]
        if there != _without(there, SECRETS) and _address(new) != _address(there):
            return None
    return found


def back(thing: Thing, parts: Mapping[str, Any]) -> dict[str, Any]:
    """The names and values with which a template is again what `inverse` kept, with the secrets it holds."""
    changes = [Change(path, None, value, None, is_conflict=False) for path, value in parts.items()]
    return merged(held=own_values(thing), changes=changes)


def as_text(value: Any) -> str:
    """A part for the eye."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(each, dict) and "content" in each for each in value):
        return "\n\n".join(str(each["content"]) for each in value)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _travels(tool: Any, numbers: Set[str], left: set[str]) -> bool:
    found = canonical_tool(tool) if isinstance(tool, Mapping) else None
    if found is None:
        return True
    if found.kind == "mcp":
        left.add("mcp")
        return False
    own = [each for each in found.destinations if each.get("number") in numbers]
    if own:
        left.add("numbers")
    return not own or len(own) < len(found.destinations)


def _without_numbers(tool: Any, numbers: Set[str]) -> Any:
    if not isinstance(tool, Mapping) or not isinstance(tool.get("destinations"), list):
        return tool
    kept = [each for each in tool["destinations"] if not (isinstance(each, Mapping) and each.get("number") in numbers)]
    return {**tool, "destinations": kept}


def _tools(new: Any, old: Any) -> Any:
    """The agency's tools; one that the client holds for the same address goes on signing with the client's secret."""
    by_name = {tool_name(each): each for each in old or [] if isinstance(each, Mapping)}
    return [keep_secrets(each, by_name.get(tool_name(each))) if isinstance(each, Mapping) else each for each in new]


def keep_secrets(new: Any, old: Any) -> Any:
    if not isinstance(new, Mapping) or not isinstance(old, Mapping) or _address(new) != _address(old):
        return new
    found = {**new} | {key: old[key] for key in SECRETS if key in old}
    server = old.get("server")
    if isinstance(server, Mapping) and (kept := {key: server[key] for key in SECRETS if key in server}):
        found["server"] = {**(new.get("server") or {}), **kept}
    return found


def _address(tool: Mapping[str, Any]) -> Any:
    server = tool.get("server")
    return tool.get("url") or (server.get("url") if isinstance(server, Mapping) else None) or tool.get("server_url")


def _without(value: Any, keys: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: each if key == "parameters" else _without(each, keys) for key, each in value.items() if key not in keys}
    return [_without(each, keys) for each in value] if isinstance(value, list) else value


def _same(one: Any, other: Any) -> bool:
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    return json.dumps(value if value not in ({}, [], "") else None, sort_keys=True, default=str)
