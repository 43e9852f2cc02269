"""Searches a realtime provider runs itself (`provider_tools`): each kind is switched on or off and has own settings."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from apps.assistants.forms.inputs import Input, widget_for
from apps.assistants.forms.sheet import MISSING, Leaf, Path, Sheet, get, put
from apps.assistants.formspec import FieldSpec


@dataclass
class ProviderTools:
    """The first entry of each kind is edited; entries of unknown kinds and further ones stay where they are."""

    path: Path
    spec: FieldSpec
    sheet: Sheet

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def names(self) -> list[str]:
        return [name for kind in self.spec.variants for name in (self._switch(kind), *self._keys(kind))]

    def lay(self) -> None:
        entries = self._entries(self.sheet.base)
        for kind in self.spec.variants:
            found = _of_kind(entries, kind.name)
            on = self.sheet.is_on(self._switch(kind)) if self._was_on_page() else found is not None
            shown = Input(
                label=kind.label,
                help_text=kind.help,
                widget=widget_for(replace(kind, kind="bool")),
                text="on" if on else "",
            )
            self.sheet.put(self._switch(kind), shown)
            for leaf in self._leaves(kind):
                typed = self.sheet.text(leaf.key)
                leaf.add(self.sheet, leaf.stored(found or {}) if typed is None else typed)
        self.sheet.places[self.name] = self._switch(self.spec.variants[0])

    def apply(self, values: dict[str, Any]) -> None:
        if not self._was_on_page():
            return
        entries = copy.deepcopy(self._entries(values))
        for kind in self.spec.variants:
            found = _of_kind(entries, kind.name)
            if not self.sheet.is_on(self._switch(kind)):
                entries = [entry for entry in entries if entry is not found]
                continue
            if found is None:
                found = {"type": kind.name}
                entries.append(found)
            for leaf in self._leaves(kind):
                leaf.apply(self.sheet, found)
        if entries or get(values, self.path):
            put(values, self.path, entries or MISSING)
        self._place(entries)

    def _place(self, entries: list[Any]) -> None:
        for kind in self.spec.variants:
            found = _of_kind(entries, kind.name)
            for index, entry in enumerate(entries):
                if entry is found:
                    self.sheet.places[f"{self.name}.{index}"] = self._switch(kind)
                    for leaf in self._leaves(kind):
                        self.sheet.places[f"{self.name}.{index}.{leaf.path[-1]}"] = leaf.key

    def _was_on_page(self) -> bool:
        # Switches that are off send nothing; the settings beside them always do.
        return any(self.sheet.text(name) is not None for kind in self.spec.variants for name in self._keys(kind))

    def _entries(self, values: Any) -> list[Any]:
        found = get(values, self.path)
        return found if isinstance(found, list) else []

    def _switch(self, kind: FieldSpec) -> str:
        return f"{self.name}.{kind.name}"

    def _leaves(self, kind: FieldSpec) -> Iterator[Leaf]:
        for spec in kind.fields:
            yield Leaf((spec.name,), spec, name=f"{self._switch(kind)}.{spec.name}")

    def _keys(self, kind: FieldSpec) -> list[str]:
        return [leaf.key for leaf in self._leaves(kind)]


def _of_kind(entries: list[Any], kind: str) -> Any:
    return next((entry for entry in entries if isinstance(entry, dict) and entry.get("type") == kind), None)
