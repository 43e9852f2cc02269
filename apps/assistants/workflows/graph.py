"""What must hold between nodes and edges (api 8.15). Each break is a sentence of its own that names the node."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.report import Problem, Report

NODE_ID = re.compile(r"[a-z][a-z0-9_]{0,40}")
FINAL = ("transfer", "end")

Entries = list[tuple[int, dict[str, Any]]]


class Break(Problem):
    """A problem whose text says by itself what it is about."""

    def __str__(self) -> str:
        return self.text


def breach(report: Report, path: str, text: str) -> None:
    report.problems.append(Break(path, text))


def objects(entries: list[Any]) -> Entries:
    """The entries that can be looked at, with their places in the list."""
    return [(index, entry) for index, entry in enumerate(entries) if isinstance(entry, dict)]


def check_graph(report: Report, entry: Any, nodes: Entries, edges: Entries) -> None:
    by_id = _by_id(report, nodes)
    if isinstance(entry, str) and entry:
        _check_entry(report, entry, by_id)
    seen: set[tuple[str, str]] = set()
    for index, edge in edges:
        _check_ends(report, f"edges.{index}", edge, by_id, seen)
        _check_description(report, f"edges.{index}", edge, by_id)
    ways_out = Counter(edge["from"] for _index, edge in edges if isinstance(edge.get("from"), str))
    for index, node in nodes:
        _check_ways_out(report, f"nodes.{index}", node, ways_out)
        _check_overrides(report, f"nodes.{index}", node)


def unreachable(definition: dict[str, Any]) -> list[str]:
    """Ids of nodes that no way leads to; `global` ones can be reached from every conversation node."""
    nodes = [node for _index, node in objects(definition.get("nodes") or []) if isinstance(node.get("id"), str)]
    ways: dict[str, list[str]] = {}
    for _index, edge in objects(definition.get("edges") or []):
        if isinstance(edge.get("from"), str) and isinstance(edge.get("to"), str):
            ways.setdefault(edge["from"], []).append(edge["to"])
    entry = definition.get("entry_node")
    waiting = [entry] if isinstance(entry, str) else []
    waiting += [node["id"] for node in nodes if _is_global(node)]
    reached: set[str] = set()
    while waiting:
        found = waiting.pop()
        if found not in reached:
            reached.add(found)
            waiting += ways.get(found, [])
    return list(dict.fromkeys(node["id"] for node in nodes if node["id"] not in reached))


def quoted(value: Any) -> str:
    return f'"{values.short(value)}"'


def _is_global(node: dict[str, Any]) -> bool:
    return node.get("type") == "conversation" and node.get("global") is True


def _by_id(report: Report, nodes: Entries) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for index, node in nodes:
        ident, path = node.get("id"), f"nodes.{index}.id"
        if ident in (None, ""):
            continue
        if not isinstance(ident, str) or not NODE_ID.fullmatch(ident):
            text = _("node id %(node)s does not match ^[a-z][a-z0-9_]{0,40}$")
            breach(report, path, text % {"node": quoted(ident)})
        elif ident in found:
            breach(report, path, _("node id %(node)s is used more than once") % {"node": quoted(ident)})
        if isinstance(ident, str):
            found.setdefault(ident, node)
    return found


def _check_entry(report: Report, entry: str, by_id: dict[str, dict[str, Any]]) -> None:
    words = {"node": quoted(entry)}
    if entry not in by_id:
        breach(report, "entry_node", _("entry_node %(node)s is not a node of this workflow") % words)
    elif by_id[entry].get("type") != "conversation":
        breach(report, "entry_node", _("entry_node %(node)s is not a conversation node") % words)


def _check_ends(
    report: Report, path: str, edge: dict[str, Any], by_id: dict[str, dict[str, Any]], seen: set[tuple[str, str]]
) -> None:
    ends = edge.get("from"), edge.get("to")
    words = {"edge": _named(edge)}
    for key, end in zip(("from", "to"), ends, strict=True):
        if isinstance(end, str) and end and end not in by_id:
            text = _("edge %(edge)s: %(node)s is not a node of this workflow")
            breach(report, f"{path}.{key}", text % (words | {"node": quoted(end)}))
    if not all(isinstance(end, str) and end for end in ends):
        return
    if ends[0] == ends[1]:
        breach(report, path, _("edge %(edge)s leads back to its own node") % words)
    elif ends in seen:
        breach(report, path, _("edge %(edge)s is there more than once") % words)
    seen.add(ends)  # type: ignore[arg-type]


def _check_description(report: Report, path: str, edge: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> None:
    start = edge.get("from")
    leaves_tool = isinstance(start, str) and by_id.get(start, {}).get("type") == "tool"
    text = edge.get("description")
    if not leaves_tool and (text is None or (isinstance(text, str) and not text.strip())):
        breach(report, f"{path}.description", _("edge %(edge)s needs a description") % {"edge": _named(edge)})


def _check_ways_out(report: Report, path: str, node: dict[str, Any], ways_out: Counter[str]) -> None:
    ident, kind = node.get("id"), node.get("type")
    if not isinstance(ident, str) or not ident:
        return
    words = {"node": quoted(ident), "type": kind, "count": ways_out[ident]}
    if kind in FINAL and ways_out[ident]:
        breach(report, path, _("node %(node)s is of type %(type)s: no edge may leave it") % words)
    if kind == "tool" and ways_out[ident] != 1:
        text = _("tool node %(node)s needs exactly one edge that leaves it, it has %(count)s")
        breach(report, path, text % words)


def _check_overrides(report: Report, path: str, node: dict[str, Any]) -> None:
    if node.get("type") != "conversation":
        return
    words = {"node": quoted(node.get("id"))}
    if node.get("global") is True and node.get("global_description") in (None, ""):
        text = _("node %(node)s is global and needs global_description")
        breach(report, f"{path}.global_description", text % words)
    if node.get("voice") is not None and node.get("tts_config") is not None:
        breach(report, f"{path}.voice", _("node %(node)s must not have both voice and tts_config") % words)


def _named(edge: dict[str, Any]) -> str:
    return f"{quoted(edge.get('from'))} -> {quoted(edge.get('to'))}"
