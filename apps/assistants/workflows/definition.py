"""One validator for a workflow definition (api 8.15). It notes every break, not only the first."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import Cleaned, Context, values
from apps.assistants.schema.report import Report
from apps.assistants.workflows.graph import breach, check_graph, objects, quoted, unreachable
from apps.assistants.workflows.nodes import check_edge, check_node

VERSION, NODES_LIMIT, EDGES_LIMIT, BYTES_LIMIT = 1, 100, 300, 256 * 1024


def clean_definition(data: Any, *, context: Context) -> Cleaned:
    """Judges the `definition` of POST and PATCH /workflows.

    Args:
        data: parsed JSON, anything.
        context: what lies outside the body; addresses of tools are judged by it.

    Returns:
        Cleaned: the definition as it was sent, with `edges` filled in. Paths of problems start inside the
        definition. Warnings name nodes that nothing leads to, models and languages that are not known.
    """
    report = Report(context)
    if not isinstance(data, dict):
        breach(report, "", _("definition must be an object"))
        return report.cleaned({})
    if not values.is_storable(report, "definition", data):
        return report.cleaned({})
    found = {**data, "edges": [] if data.get("edges") is None else data["edges"]}
    if len(json.dumps(data, ensure_ascii=False).encode()) > BYTES_LIMIT:
        breach(report, "", _("a definition has at most %(limit)s KiB") % {"limit": BYTES_LIMIT // 1024})
        return report.cleaned({})
    _check_head(report, found)
    if _is_list(report, found, "nodes", NODES_LIMIT) & _is_list(report, found, "edges", EDGES_LIMIT):
        _check_lists(report, found)
    return report.cleaned(found)


def counts(definition: dict[str, Any]) -> tuple[int, int]:
    """How many nodes and edges a stored definition has."""
    return len(definition.get("nodes") or []), len(definition.get("edges") or [])


def _check_head(report: Report, data: dict[str, Any]) -> None:
    if data.get("version") is None:
        report.missing("version")
    elif isinstance(data["version"], bool) or data["version"] != VERSION:
        breach(report, "version", _("version must be %(version)s") % {"version": VERSION})
    if data.get("entry_node") in (None, ""):
        report.missing("entry_node")
    elif not isinstance(data["entry_node"], str):
        report.refuse("entry_node", _("must be text"))
    if data.get("global_prompt") is not None:
        values.read_text(report, "global_prompt", data["global_prompt"], values.PROMPT_LIMIT)


def _is_list(report: Report, data: dict[str, Any], key: str, most: int) -> bool:
    if data.get(key) is None:
        report.missing(key)
        return False
    if not values.is_list(report, key, data[key]):
        return False
    if len(data[key]) > most:
        text = {
            "nodes": _("a workflow has at most %(most)s nodes, not %(count)s"),
            "edges": _("a workflow has at most %(most)s edges, not %(count)s"),
        }[key]
        breach(report, key, text % {"most": most, "count": len(data[key])})
        return False
    return True


def _check_lists(report: Report, data: dict[str, Any]) -> None:
    for index, node in enumerate(data["nodes"]):
        if values.is_object(report, f"nodes.{index}", node):
            check_node(report, f"nodes.{index}", node)
    for index, edge in enumerate(data["edges"]):
        if values.is_object(report, f"edges.{index}", edge):
            check_edge(report, f"edges.{index}", edge)
    entry = data.get("entry_node")
    check_graph(report, entry, objects(data["nodes"]), objects(data["edges"]))
    lost = unreachable(data) if entry in [node.get("id") for _index, node in objects(data["nodes"])] else []
    for index, node in objects(data["nodes"]):
        if node.get("id") in lost:
            report.warn(f"nodes.{index}", _("nothing leads to node %(node)s") % {"node": quoted(node["id"])})
