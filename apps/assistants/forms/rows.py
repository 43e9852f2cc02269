"""Rows that a person adds and removes. Hidden inputs named after the group list the rows in their order."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from apps.assistants.forms.inputs import Input, Lazy, tidy
from apps.assistants.forms.sheet import Path, Sheet, canonical, get, put

TEMPLATE_INDEX = "__index__"


@dataclass
class Column:
    """One input of a row and the key it stands for."""

    key: str
    label: Lazy
    widget: Callable[[], forms.Widget] = forms.TextInput
    help: Lazy = ""
    start: str = ""


@dataclass
class Row:
    index: str
    texts: dict[str, str]
    # What the row holds beyond its inputs, as JSON; None: a row that was just added.
    more: str | None = None

    @property
    def is_blank(self) -> bool:
        return self.more is None and not any(text.strip() for text in self.texts.values())


@dataclass
class Rows:
    """A list of small objects under `path`.

    Args:
        group: prefix of the inputs: `messages` gives `messages-0-content`.
        matters: the column that must hold something for a new row to count.
    """

    group: str
    path: Path
    columns: tuple[Column, ...]
    sheet: Sheet
    matters: str
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A blank row for the page's <template>; its number is filled in when it is added.
        self.template = Row(TEMPLATE_INDEX, self._start())

    def lay(self) -> None:
        self.rows = self.shown()
        for row in [*self.rows, self.template]:
            self._add(row)
        if self.rows:
            self.sheet.places[".".join(self.path)] = self._name(self.rows[0], self.columns[0].key)

    @property
    def next(self) -> int:
        """A number that no row of the page has."""
        return max((int(row.index) for row in self.rows if row.index.isdecimal()), default=-1) + 1

    def shown(self) -> list[Row]:
        """What was typed, else what is stored; a button without JS adds or removes one."""
        typed = self.sheet.typed
        if typed is None or (self.group not in typed and f"{self.group}-shown" not in typed):
            return [self._row(str(index), entry) for index, entry in enumerate(self.stored(self.sheet.base))]
        indexes = [index for index in typed.getlist(self.group) if index.isalnum() and len(index) <= 20]
        rows = [self._typed_row(index) for index in dict.fromkeys(indexes)]
        rows = [row for row in rows if typed.get("remove") != f"{self.group}-{row.index}"]
        if typed.get("add") == self.group:
            rows.append(Row(f"{len(indexes)}x", self._start()))
        return rows

    def stored(self, values: Any) -> list[dict[str, Any]]:
        found = get(values, self.path)
        return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

    def apply(self, values: dict[str, Any]) -> None:
        rows, stored = self.used(), self.stored(values)
        if self.is_changed(rows, stored):
            put(values, self.path, self.entries(rows, stored))
        self.place(rows)

    def used(self) -> list[Row]:
        """The rows that count: one that was added and never filled in does not."""
        return [row for row in self.shown() if row.more is not None or row.texts[self.matters].strip()]

    def is_changed(self, rows: list[Row], stored: list[dict[str, Any]]) -> bool:
        return [self._seen(row.texts) for row in rows] != [self._seen(self._texts(entry)) for entry in stored]

    def place(self, rows: list[Row], offset: int = 0) -> None:
        for number, row in enumerate(rows):
            path = f"{'.'.join(self.path)}.{number + offset}"
            self.sheet.places[path] = self._name(row, self.columns[0].key)
            for column in self.columns:
                self.sheet.places[f"{path}.{column.key}"] = self._name(row, column.key)

    def entries(self, rows: list[Row], stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows nobody changed are the stored entries themselves."""
        left = list(stored)
        entries = []
        for row in rows:
            same = next((each for each in left if self._seen(self._texts(each)) == self._seen(row.texts)), None)
            if same is not None:
                left.remove(same)
                entries.append(copy.deepcopy(same))
            else:
                entries.append(read_json(row.more or "") | {key: tidy(text) for key, text in row.texts.items()})
        return entries

    def _row(self, index: str, entry: dict[str, Any]) -> Row:
        more = {key: value for key, value in entry.items() if key not in self._keys()}
        return Row(index, self._texts(entry), json.dumps(more, ensure_ascii=False))

    def _typed_row(self, index: str) -> Row:
        texts = {key: self.sheet.text(f"{self.group}-{index}-{key}") or "" for key in self._keys()}
        return Row(index, texts, self.sheet.text(f"{self.group}-{index}-more"))

    def _texts(self, entry: dict[str, Any]) -> dict[str, str]:
        found = {key: entry.get(key) for key in self._keys()}
        return {key: value if isinstance(value, str) else "" for key, value in found.items()}

    def _seen(self, texts: dict[str, str]) -> tuple[str, ...]:
        return tuple(tidy(texts[key]) for key in self._keys())

    def _start(self) -> dict[str, str]:
        return {column.key: column.start for column in self.columns}

    def _keys(self) -> list[str]:
        return [column.key for column in self.columns]

    def _name(self, row: Row, key: str) -> str:
        return f"{self.group}-{row.index}-{key}"

    def _add(self, row: Row) -> None:
        for column in self.columns:
            shown = Input(label=column.label, help_text=column.help, widget=column.widget(), text=row.texts[column.key])
            self.sheet.put(self._name(row, column.key), shown)


class Messages(Rows):
    """The messages of a model. With `prompt` the first system message has an input of its own (`prompt`)."""

    def __init__(self, group: str, path: Path, sheet: Sheet, roles: tuple[str, ...], *, prompt: str = "") -> None:
        words = {"system": _("Instruction"), "user": _("Caller"), "assistant": _("Assistant")}
        columns = (
            Column("role", _("Role"), lambda: forms.Select(choices=[(r, words[r]) for r in roles]), start=roles[0]),
            Column("content", _("Text"), lambda: forms.Textarea({"rows": 2, "data-autosize": ""})),
        )
        super().__init__(group, path, columns, sheet, "content")
        self.prompt = prompt

    def lay(self) -> None:
        if self.prompt:
            typed = self.sheet.text(self.prompt)
            shown = Input(
                label=_("Instructions"),
                help_text=_(
                    "Who the assistant is, what it should do and what it must not do. {{name}} is filled from a campaign’s lead."
                ),
                widget=forms.Textarea({"rows": 12, "data-autosize": ""}),
                text=self._prompt_text(self.sheet.base) if typed is None else typed,
            )
            self.sheet.put(self.prompt, shown, path=".".join(self.path))
        super().lay()

    def stored(self, values: Any) -> list[dict[str, Any]]:
        found = super().stored(values)
        at = self._prompt_at(found)
        return found if at is None else found[:at] + found[at + 1 :]

    def apply(self, values: dict[str, Any]) -> None:
        if not self.prompt:
            super().apply(values)
            return
        every, rows, stored = super().stored(values), self.used(), self.stored(values)
        at = self._prompt_at(every)
        entries = self.entries(rows, stored) if self.is_changed(rows, stored) else stored
        prompt = self._prompt(every[at] if at is not None else None)
        first = min(at or 0, len(entries))
        new = [*entries[:first], *prompt, *entries[first:]]
        if canonical(new) != canonical(every):
            put(values, self.path, new)
        self.place(rows[:first])
        self.place(rows[first:], first + len(prompt))
        if prompt:
            self.sheet.places[f"{'.'.join(self.path)}.{first}"] = self.prompt

    def _prompt(self, stored: dict[str, Any] | None) -> list[dict[str, Any]]:
        typed = self.sheet.text(self.prompt)
        if typed is None or (stored and tidy(typed) == tidy(_content(stored))):
            return [stored] if stored else []
        return [(stored or {"role": "system"}) | {"content": tidy(typed)}] if tidy(typed) else []

    def _prompt_at(self, messages: list[dict[str, Any]]) -> int | None:
        if not self.prompt:
            return None
        return next((at for at, message in enumerate(messages) if message.get("role") == "system"), None)

    def _prompt_text(self, values: Any) -> str:
        every = super().stored(values)
        at = self._prompt_at(every)
        return _content(every[at]) if at is not None else ""


def _content(message: dict[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""


def read_json(text: str) -> Any:
    """What a hidden input carries; an empty object when it was tampered with."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
