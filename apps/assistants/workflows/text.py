"""A definition as text for people: keys in the order of the contract, and where each part stands in the text."""

from __future__ import annotations

import bisect
import json
import re
from typing import Any

_TOP = ("version", "entry_node", "global_prompt", "nodes", "edges")
_NODE = (
    "id", "type", "first_line", "instructions", "global", "global_description", "tool_name", "url", "arguments",
    "destination", "llm_config", "voice", "tts_config", "stt_config", "tools",
)  # fmt: skip
_EDGE = ("from", "to", "description", "message")
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def as_text(definition: dict[str, Any]) -> str:
    """Indented JSON; PostgreSQL keeps the values of an object but not the order of its keys."""
    found = _ordered(definition, _TOP)
    for key, order in (("nodes", _NODE), ("edges", _EDGE)):
        if isinstance(found.get(key), list):
            found[key] = [_ordered(each, order) if isinstance(each, dict) else each for each in found[key]]
    return json.dumps(found, indent=2, ensure_ascii=False)


def lines_of(text: str) -> dict[str, int]:
    """The line, from 1, on which each part of valid JSON begins, by its dotted path."""
    breaks = [match.start() for match in re.finditer("\n", text)]
    found: dict[str, int] = {"": 1}
    stack: list[_Level] = []
    for match in _TOKEN.finditer(text):
        mark, line = match.group(), bisect.bisect(breaks, match.start()) + 1
        top = stack[-1] if stack else None
        if mark in "}]":
            stack.pop()
        elif mark == "," and top:
            top.step()
        elif top and top.wants_key:
            top.key, top.wants_key = json.loads(mark), False
            found[top.path] = line
        elif mark not in ",:":
            path = top.path if top else ""
            found.setdefault(path, line)
            if mark in "{[":
                stack.append(_Level(path, is_object=mark == "{"))
    return found


def line_at(lines: dict[str, int], path: str) -> int:
    """The line of a path, or of the nearest part around it that is there."""
    while path not in lines and path:
        path = path.rpartition(".")[0]
    return lines.get(path, 1)


class _Level:
    """An object or list that is being read, and where in it."""

    def __init__(self, around: str, *, is_object: bool) -> None:
        self._around, self._is_object = around, is_object
        self.key, self.wants_key, self._index = "", is_object, 0

    @property
    def path(self) -> str:
        own = self.key if self._is_object else str(self._index)
        return f"{self._around}.{own}" if self._around else own

    def step(self) -> None:
        self.wants_key = self._is_object
        self._index += 1


def _ordered(value: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    known = {key: value[key] for key in order if key in value}
    return known | {key: value[key] for key in sorted(value) if key not in known}
