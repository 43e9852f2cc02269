"""A JSON Schema that a person writes: rows for simple ones, JSON for all. Both stand for the same schema."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.assistants.forms.inputs import Input, Lazy, tidy
from apps.assistants.forms.rows import TEMPLATE_INDEX, read_json
from apps.assistants.forms.sheet import Sheet, canonical

TYPES: tuple[tuple[str, Lazy], ...] = (
    ("string", gettext_lazy("Text")),
    ("number", gettext_lazy("Number")),
    ("integer", gettext_lazy("Whole number")),
    ("boolean", gettext_lazy("Yes or no")),
    ("array", gettext_lazy("List")),
    ("object", gettext_lazy("Object")),
    ("", gettext_lazy("Anything")),
)
KEYS = ("name", "type", "description", "required")


@dataclass
class Property:
    index: str
    name: str = ""
    type: str = "string"
    description: str = ""
    required: str = ""
    was: str = ""  # its name in the schema the rows were made from, whose further rules it keeps


@dataclass
class SchemaEditor:
    """
    Args:
        prefix: of the inputs; also what a button says to switch between rows and JSON.
        stored: the schema as it stands, None when there is none.
        path: where the validator reports its problems.
    """

    prefix: str
    stored: Any
    sheet: Sheet
    path: str = ""
    mode: str = "rows"
    rows: list[Property] = field(default_factory=list)
    base: str = ""
    problem: str = ""

    def lay(self) -> None:
        """Add the inputs. A typed schema that rows cannot show stays in JSON, with the reason."""
        typed = self.sheet.text(f"{self.prefix}-mode")
        if typed is None:
            schema, self.mode = self.stored, "rows" if is_simple(self.stored) else "json"
            self._lay(schema)
        elif self.sheet.text("switch") == self.prefix:
            self._switch(typed)
        else:
            self.mode, self.base = typed, self.sheet.text(f"{self.prefix}-base") or "null"
            self.rows = self._typed_rows()
            self._add(self.sheet.text(f"{self.prefix}-json") or "")

    def read(self) -> Any:
        """The schema as typed: None for an empty one. Raises ValueError with words and the input's name."""
        if self.sheet.text(f"{self.prefix}-mode") == "json":
            return self._read_json()
        typed = self.sheet.text(f"{self.prefix}-base") or "null"
        base = None if typed == "null" else read_json(typed)
        rows = [row for row in self._typed_rows() if row.name.strip() or row.description.strip() or row.was]
        return self._built(base, rows)

    def changed(self) -> tuple[bool, Any]:
        """Whether the person changed the schema, and what it is now; a flaw is noted at its input."""
        if self.sheet.text(f"{self.prefix}-mode") is None:
            return False, self.stored
        try:
            schema = self.read()
        except Flaw as flaw:
            self.sheet.refuse(flaw.name, str(flaw))
            return False, self.stored
        return canonical(schema) != canonical(self.stored), schema

    @property
    def template(self) -> Property:
        """A blank row for the page's <template>."""
        return Property(TEMPLATE_INDEX)

    @property
    def next(self) -> int:
        """A number that no row of the page has."""
        return max((int(row.index) for row in self.rows if row.index.isdecimal()), default=-1) + 1

    def _switch(self, mode: str) -> None:
        wanted = "rows" if mode == "json" else "json"
        try:
            schema = self.read()
            if wanted == "rows" and not is_simple(schema):
                raise Flaw(f"{self.prefix}-json", _("This schema says more than rows can show; edit it as JSON."))
        except Flaw as flaw:
            self.mode, self.base = mode, self.sheet.text(f"{self.prefix}-base") or "null"
            self.rows, self.problem = self._typed_rows(), str(flaw)
            self._add(self.sheet.text(f"{self.prefix}-json") or "")
            return
        self.mode = wanted
        self._lay(schema)

    def _lay(self, schema: Any) -> None:
        self.base = json.dumps(schema, ensure_ascii=False)
        self.rows = rows_of(schema) if self.mode == "rows" else []
        self._add("" if schema is None else json.dumps(schema, indent=2, ensure_ascii=False))

    def _add(self, text: str) -> None:
        if self.mode == "json":
            widget = forms.Textarea({"rows": 10, "class": "is-mono", "data-json-editor": "", "spellcheck": "false"})
            help_text = _("JSON Schema of an object, draft 2020-12.")
            shown = Input(label=_("JSON Schema"), help_text=help_text, widget=widget, text=text)
            self.sheet.put(f"{self.prefix}-json", shown, path=self.path)
        self._add_row(self.template)
        for row in self.rows:
            self._add_row(row)
            if row.name:
                self.sheet.places[f"{self.path}.properties.{row.name}"] = f"{self.prefix}-{row.index}-name"
        if self.mode == "rows":
            first = f"{self.prefix}-{self.rows[0].index}-name" if self.rows else ""
            if self.path and first:
                self.sheet.places[self.path] = first

    def _add_row(self, row: Property) -> None:
        name = f"{self.prefix}-{row.index}"
        mono = {"class": "is-mono", "autocomplete": "off", "spellcheck": "false"}
        words = {"placeholder": _("What it means, in words the model understands"), "autocomplete": "off"}
        inputs = {
            "name": Input(label=_("Name"), widget=forms.TextInput(mono), text=row.name),
            "type": Input(label=_("Kind"), widget=forms.Select(choices=TYPES), text=row.type),
            "description": Input(label=_("Description"), widget=forms.TextInput(words), text=row.description),
            "required": Input(label=_("Required"), widget=forms.CheckboxInput(), text=row.required),
        }
        for key, shown in inputs.items():
            self.sheet.put(f"{name}-{key}", shown)

    def _typed_rows(self) -> list[Property]:
        typed = self.sheet.typed
        assert typed is not None
        indexes = [index for index in dict.fromkeys(typed.getlist(self.prefix)) if index.isalnum() and len(index) <= 20]
        rows = [self._typed_row(index) for index in indexes if typed.get("remove") != f"{self.prefix}-{index}"]
        return rows + ([Property(f"{len(indexes)}x")] if typed.get("add") == self.prefix else [])

    def _typed_row(self, index: str) -> Property:
        texts = {key: self.sheet.text(f"{self.prefix}-{index}-{key}") or "" for key in (*KEYS, "was")}
        return Property(index, **texts)

    def _read_json(self) -> Any:
        text = (self.sheet.text(f"{self.prefix}-json") or "").strip()
        if not text:
            return None
        try:
            return json.loads(text, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            words = {"line": error.lineno, "column": error.colno, "problem": error.msg}
            text = _("This is not valid JSON: %(problem)s in line %(line)s, column %(column)s.") % words
            raise Flaw(f"{self.prefix}-json", text) from error
        except (ValueError, RecursionError) as error:
            raise Flaw(f"{self.prefix}-json", _("This is not valid JSON.")) from error

    def _built(self, base: dict[str, Any] | None, rows: list[Property]) -> Any:
        if base is None and not rows:
            return None
        base = base or {}
        old = base.get("properties") or {}
        properties: dict[str, Any] = {}
        for row in rows:
            name = row.name.strip()
            if not name:
                raise Flaw(f"{self.prefix}-{row.index}-name", _("A parameter needs a name."))
            if name in properties:
                raise Flaw(f"{self.prefix}-{row.index}-name", _("There is another parameter of this name."))
            properties[name] = _property(old.get(row.was) or {}, row)
        schema = dict(base)
        if canonical(properties) != canonical(old):
            schema = {"type": "object"} | schema | {"properties": properties}
        return _with_required(schema, base, rows)


class Flaw(ValueError):
    """What was typed cannot be read; `name` is the input."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def is_simple(schema: Any) -> bool:
    """Whether rows show the whole outline: an object whose properties each have one kind or none."""
    if schema is None:
        return True
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        return False
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        return False
    in_order = all(isinstance(each, str) and each in properties for each in required)
    return in_order and all(_is_simple_property(each) for each in properties.values())


def _is_simple_property(found: Any) -> bool:
    if not isinstance(found, dict):
        return False
    kind = found.get("type", "")
    known = isinstance(kind, str) and kind in {value for value, _label in TYPES}
    return known and isinstance(found.get("description", ""), str)


def rows_of(schema: Any) -> list[Property]:
    required = set((schema or {}).get("required", []))
    return [
        Property(
            str(index), name, each.get("type", ""), each.get("description", ""), "on" if name in required else "", name
        )
        for index, (name, each) in enumerate(((schema or {}).get("properties") or {}).items())
    ]


def _property(old: dict[str, Any], row: Property) -> dict[str, Any]:
    """The property with its further rules (enum, format, items …); only what was changed is written."""
    new = dict(old)
    if row.type != old.get("type", ""):
        new.pop("type", None)
        new = ({"type": row.type} if row.type else {}) | new
    if tidy(row.description) != tidy(old.get("description", "")):
        new.pop("description", None)
        if row.description.strip():
            new["description"] = row.description.strip()
    return new


def _with_required(schema: dict[str, Any], base: dict[str, Any], rows: list[Property]) -> dict[str, Any]:
    wanted = [row.name.strip() for row in rows if row.required]
    if set(wanted) == set(base.get("required", [])):
        return schema
    rest = {key: value for key, value in schema.items() if key != "required"}
    return rest | ({"required": wanted} if wanted else {})


def _no_constant(name: str) -> None:
    raise ValueError(name)
