"""What the parts of the editor share: the stored values, what was typed, the inputs, and where a problem is shown."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from apps.assistants.forms.inputs import Input, help_for, parse, same, to_text, widget_for
from apps.assistants.formspec import FieldSpec

Path = tuple[str, ...]
MISSING = object()


@dataclass
class Sheet:
    """
    Args:
        base: the stored values by their names on the wire; never changed.
        typed: what came with the request, None when the page is only opened.
    """

    base: Mapping[str, Any]
    typed: QueryDict | None = None
    fields: dict[str, Input] = field(default_factory=dict)
    tabs: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    tab: str = ""

    def put(self, name: str, shown: Input, *, path: str = "") -> None:
        """Add an input to the tab that is being laid out; problems at `path` are shown at it."""
        self.fields[name] = shown
        self.tabs[name] = self.tab
        if path:
            self.places[path] = name

    def text(self, name: str) -> str | None:
        """What was typed; None when the input was not on the page that was sent."""
        return self.typed.get(name) if self.typed is not None else None

    def is_on(self, name: str) -> bool:
        return bool(self.text(name))

    def refuse(self, name: str, text: str) -> None:
        self.problems.append((name, text))

    def place(self, path: str) -> str | None:
        """The input nearest to a problem's path: its own, else that of the part it lies in."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path.rpartition(".")[0]
        return None


@dataclass(frozen=True)
class Leaf:
    """One input for one value. The name of the input is the path of the value, so a problem finds it.

    Args:
        empty: what an emptied input stores; MISSING takes the key away.
    """

    path: Path
    spec: FieldSpec
    empty: Any = MISSING
    blank: bool = True
    wide: bool = False
    name: str = ""

    @property
    def key(self) -> str:
        return self.name or ".".join(self.path)

    def stored(self, values: Any) -> str:
        return to_text(self.spec, get(values, self.path))

    def add(self, sheet: Sheet, text: str, widget: Any = None) -> None:
        shown = Input(
            label=self.spec.label,
            help_text=help_for(self.spec),
            widget=widget or widget_for(self.spec, blank=self.blank),
            text=text,
        )
        sheet.put(self.key, shown, path=".".join(self.path))

    def lay(self, sheet: Sheet, widget: Any = None) -> None:
        """Add the input with what was typed, else what is stored."""
        typed = sheet.text(self.key)
        if typed is None:
            on_page = sheet.typed is not None and self.spec.kind == "bool"
            typed = "" if on_page else self.stored(sheet.base)
        self.add(sheet, typed, widget)

    def apply(self, sheet: Sheet, values: Any) -> None:
        """Write the value into `values` when the person changed it; otherwise what is stored stays as it is."""
        typed = sheet.text(self.key)
        if typed is None and self.spec.kind != "bool":
            return
        typed = typed or ""
        if same(typed, self.stored(values), one_line=self.spec.kind == "text" and not self.wide):
            return
        if not typed.strip() and self.spec.kind != "bool":
            put(values, self.path, self.empty)
            return
        try:
            put(values, self.path, parse(self.spec, typed))
        except ValueError as error:
            sheet.refuse(self.key, str(error))


def get(values: Any, path: Iterable[str]) -> Any:
    for key in path:
        if not isinstance(values, dict):
            return None
        values = values.get(key)
    return values


def put(values: Any, path: Path, value: Any) -> None:
    """Set a value, making the objects on the way; MISSING takes it away, and what it leaves empty with it."""
    if value is MISSING:
        _drop(values, path)
        return
    for key in path[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[path[-1]] = value


def _drop(values: Any, path: Path) -> None:
    for depth in range(len(path), 0, -1):
        parent = get(values, path[: depth - 1]) if depth > 1 else values
        if not isinstance(parent, dict):
            continue
        if depth < len(path) and parent.get(path[depth - 1]) != {}:
            return
        if depth == 1 and len(path) > 1:
            parent[path[0]] = None
        else:
            parent.pop(path[depth - 1], None)


def canonical(value: Any) -> str:
    """JSON that is equal only for equal JSON: `1`, `1.0` and `true` differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True)


def changed(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level values that differ."""
    return {name: value for name, value in values.items() if canonical(value) != canonical(base.get(name))}


def fresh(base: Mapping[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(dict(base))
