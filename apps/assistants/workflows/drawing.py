"""A definition as a drawing: boxes in rows, each row one step further from the entry node, and the ways between them.

A definition that is not valid yet is drawn as far as it can be: somebody is typing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from apps.assistants.workflows.graph import objects, unreachable

WIDTH, HEIGHT = 176, 56
GAP_X, GAP_Y, MARGIN = 32, 64, 40
NODES_LIMIT = 200
EVERYWHERE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Box:
    """One node. `x`, `y` is its upper left corner; lengths are units of the drawing."""

    id: str
    kind: str
    text: str
    x: int
    y: int
    is_entry: bool = False
    is_global: bool = False
    is_unreachable: bool = False
    is_wrong: bool = False
    line: int = 1

    @property
    def middle(self) -> int:
        return self.x + WIDTH // 2

    @property
    def bottom(self) -> int:
        return self.y + HEIGHT

    @property
    def text_x(self) -> int:
        return self.x + 12

    @property
    def title_y(self) -> int:
        return self.y + 23

    @property
    def text_y(self) -> int:
        return self.y + 42


@dataclass(frozen=True)
class Line:
    """One edge: `path` is an SVG path, `text` what its pointer shows."""

    start: str
    end: str
    path: str
    text: str
    is_wrong: bool = False


@dataclass(frozen=True)
class Drawing:
    width: int
    height: int
    boxes: list[Box]
    lines: list[Line]
    box_width: int = WIDTH
    box_height: int = HEIGHT


def draw(definition: Any, wrong: frozenset[str] = frozenset(), lines: Mapping[str, int] = EVERYWHERE) -> Drawing:
    """The drawing of a definition, valid or not.

    Args:
        wrong: paths of problems; `nodes.2.url` marks the third node.
        lines: where each path stands in the text that is shown beside the drawing.
    """
    definition = definition if isinstance(definition, dict) else {}
    nodes = _nodes(definition)
    edges = [
        (index, edge)
        for index, edge in objects(_list(definition, "edges"))
        if _is_known(edge.get("from"), nodes) and _is_known(edge.get("to"), nodes)
    ]
    rows = _rows(definition, nodes, edges)
    marked = {".".join(path.split(".")[:2]) for path in wrong}
    lost = set(unreachable({**definition, "nodes": _list(definition, "nodes"), "edges": _list(definition, "edges")}))
    widest = max((len(row) for row in rows), default=1)
    width = 2 * MARGIN + widest * (WIDTH + GAP_X) - GAP_X
    boxes: dict[str, Box] = {}
    for number, row in enumerate(rows):
        left = (width - len(row) * (WIDTH + GAP_X) + GAP_X) // 2
        for place, ident in enumerate(row):
            index, node = nodes[ident]
            boxes[ident] = Box(
                id=ident, kind=str(node.get("type") or ""), text=_text(node),
                x=left + place * (WIDTH + GAP_X), y=MARGIN + number * (HEIGHT + GAP_Y),
                is_entry=ident == definition.get("entry_node"), is_global=node.get("global") is True,
                is_unreachable=ident in lost, is_wrong=f"nodes.{index}" in marked,
                line=lines.get(f"nodes.{index}", 1),
            )  # fmt: skip
    ways = [_line(boxes, edge, f"edges.{index}" in marked) for index, edge in edges]
    return Drawing(width, 2 * MARGIN + max(len(rows), 1) * (HEIGHT + GAP_Y) - GAP_Y, list(boxes.values()), ways)


def _list(definition: dict[str, Any], key: str) -> list[Any]:
    found = definition.get(key)
    return found if isinstance(found, list) else []


def _nodes(definition: dict[str, Any]) -> dict[str, tuple[int, dict[str, Any]]]:
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for index, node in objects(_list(definition, "nodes"))[:NODES_LIMIT]:
        if isinstance(node.get("id"), str) and node["id"]:
            found.setdefault(node["id"], (index, node))
    return found


def _is_known(end: Any, nodes: dict[str, Any]) -> bool:
    return isinstance(end, str) and end in nodes


def _rows(
    definition: dict[str, Any], nodes: dict[str, tuple[int, dict[str, Any]]], edges: list[tuple[int, dict[str, Any]]]
) -> list[list[str]]:
    """Nodes by their distance from where a call can begin; what nothing leads to starts rows of its own."""
    ways: dict[str, list[str]] = {}
    for _index, edge in edges:
        ways.setdefault(edge["from"], []).append(edge["to"])
    entry = definition.get("entry_node")
    starts = [entry] if _is_known(entry, nodes) else []
    rows: list[list[str]] = []
    placed: set[str] = set()
    while starts or len(placed) < len(nodes):
        row = [str(each) for each in starts] or [next(ident for ident in nodes if ident not in placed)]
        while row:
            placed |= set(row)
            rows.append(row)
            further = [target for ident in row for target in ways.get(ident, []) if target not in placed]
            row = list(dict.fromkeys(further))
        starts = []
    return rows


def _line(boxes: dict[str, Box], edge: dict[str, Any], wrong: bool) -> Line:
    start, end = boxes[edge["from"]], boxes[edge["to"]]
    if end.y > start.y:
        bend = (end.y - start.bottom) // 2
        path = (
            f"M{start.middle} {start.bottom} C{start.middle} {start.bottom + bend} "
            f"{end.middle} {end.y - bend} {end.middle} {end.y - 4}"
        )
    else:  # back up, or to the side: around the boxes on the side where the target is
        left = end.x <= start.x
        begin, goal = (start.x, end.x - 4) if left else (start.x + WIDTH, end.x + WIDTH + 4)
        out = min(begin, goal) - GAP_X if left else max(begin, goal) + GAP_X
        level, target = start.y + HEIGHT // 2, end.y + HEIGHT // 2 + 8
        path = f"M{begin} {level} C{out} {level} {out} {target} {goal} {target}"
    text = edge.get("description")
    return Line(edge["from"], edge["to"], path, text if isinstance(text, str) else "", wrong)


def _text(node: dict[str, Any]) -> str:
    """The one line that tells this node from others."""
    key = {"conversation": "instructions", "tool": "tool_name", "transfer": "destination", "end": "first_line"}
    kind = node.get("type")
    found = node.get(key.get(kind, "")) if isinstance(kind, str) else None
    text = " ".join(found.split()) if isinstance(found, str) else ""
    return text if len(text) <= 24 else f"{text[:23]}…"
