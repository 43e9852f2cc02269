"""What the builder's buttons do to a definition: one more node, one more edge."""

from __future__ import annotations

import copy
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.workflows.graph import objects


def first_definition() -> dict[str, Any]:
    """What a new workflow starts with: valid, and small enough to read."""
    return {
        "version": 1,
        "entry_node": "greet",
        "global_prompt": _("You answer the phone. Be friendly and brief."),
        "nodes": [
            {"id": "greet", "type": "conversation", "instructions": _("Ask what the caller needs.")},
            {"id": "goodbye", "type": "end", "first_line": _("Thank you for calling. Goodbye.")},
        ],
        "edges": [{"from": "greet", "to": "goodbye", "description": _("The caller has no further questions.")}],
    }


def add_node(definition: dict[str, Any], kind: str) -> dict[str, Any]:
    """The definition with one more node of this kind, under a free id; what only a person can know is left empty."""
    blank: dict[str, dict[str, Any]] = {
        "conversation": {"instructions": _("Say here what happens in this part of the talk.")},
        "tool": {"tool_name": "look_up", "url": None, "arguments": {}},
        "transfer": {"destination": ""},
        "end": {"first_line": _("Goodbye.")},
    }
    made = copy.deepcopy(definition)
    nodes = made["nodes"] if isinstance(made.get("nodes"), list) else []
    taken = {node.get("id") for _index, node in objects(nodes)}
    stem = {"conversation": "talk", "end": "goodbye"}.get(kind, kind)
    ident = next(name for name in (f"{stem}_{number}" for number in range(1, len(nodes) + 2)) if name not in taken)
    made["nodes"] = [*nodes, {"id": ident, "type": kind, **blank[kind]}]
    return made


def add_edge(definition: dict[str, Any], start: str, end: str, description: str) -> dict[str, Any]:
    made = copy.deepcopy(definition)
    edges = made["edges"] if isinstance(made.get("edges"), list) else []
    made["edges"] = [*edges, {"from": start, "to": end} | ({"description": description} if description else {})]
    return made
