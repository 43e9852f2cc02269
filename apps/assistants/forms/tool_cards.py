"""One card per kind of tool: its inputs, and the tool they stand for. Keys a card does not know stay in the tool."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _

from apps.assistants.forms.inputs import Input
from apps.assistants.forms.rows import Column, Rows
from apps.assistants.forms.schema_editor import Flaw
from apps.assistants.forms.sheet import Sheet, get
from apps.core.phone import clean_e164, format_international, parse


@dataclass
class Card:
    """
    Args:
        stored: the tool as it stands, None for one that was just added.
        was: the digest of the stored tool, for the page.
        country: of the organization, for phone numbers in national form.
        source: the template a tool that was just added is a copy of, for the page.
    """

    kind: ClassVar[str]
    icon: ClassVar[str] = "wrench"

    sheet: Sheet
    prefix: str
    index: str
    stored: Any
    was: str
    country: str
    source: str = ""
    # What is wrong with the tool as a whole.
    errors: list[str] = field(default_factory=list)

    @property
    def first_input(self) -> str:
        return self.prefix

    @property
    def title(self) -> str:
        return ""

    @property
    def subtitle(self) -> str:
        return ""

    def lay(self) -> None:
        """Add the inputs."""

    def read(self) -> Any:
        """The tool as typed. Raises Flaw when it cannot be read."""
        raise NotImplementedError

    def places(self) -> dict[str, str]:
        """Paths inside the tool to the names of the inputs."""
        return {}

    def name(self, key: str) -> str:
        return f"{self.prefix}-{key}"

    def _lay_text(self, key: str, shown: Input) -> None:
        self.sheet.put(self.name(key), shown)

    def _start(self, key: str, stored: str) -> str:
        typed = self.sheet.text(self.name(key))
        return stored if typed is None else typed


@dataclass
class EndCall(Card):
    kind = "end_call"
    icon = "phone-off"

    @property
    def title(self) -> str:
        return _("End call")

    @property
    def subtitle(self) -> str:
        return _("The assistant may hang up when the talk is over.")

    def read(self) -> Any:
        return copy.deepcopy(self.stored) or {"type": "end_call"}


@dataclass
class Raw(Card):
    kind = "raw"
    icon = "braces"

    @property
    def title(self) -> str:
        kind = self.stored.get("type") if isinstance(self.stored, dict) else None
        return _("MCP server") if kind == "mcp" else _("Other tool")

    @property
    def first_input(self) -> str:
        return self.name("json")

    def lay(self) -> None:
        text = json.dumps(self.stored, indent=2, ensure_ascii=False)
        widget = forms.Textarea({"rows": 8, "class": "is-mono", "data-json-editor": "", "spellcheck": "false"})
        help_text = _("This kind has no form of its own yet. It is kept as it is.")
        self._lay_text("json", Input(label="JSON", help_text=help_text, widget=widget, text=self._start("json", text)))

    def read(self) -> Any:
        try:
            return json.loads(self.sheet.text(self.name("json")) or "")
        except (ValueError, RecursionError) as error:
            raise Flaw(self.name("json"), _("This is not valid JSON.")) from error


@dataclass
class Transfer(Card):
    kind = "transfer"
    icon = "phone-forwarded"
    rows: Rows = field(init=False)

    def __post_init__(self) -> None:
        number = {"inputmode": "tel", "autocomplete": "off", "placeholder": "+31 20 123 4567"}
        columns = (
            Column("number", _("Phone number"), lambda: forms.TextInput(number)),
            Column("description", _("When to transfer here"), forms.TextInput, _("The model chooses by this.")),
            Column("message", _("Said before"), forms.TextInput, _("Empty: no announcement.")),
        )
        entries = get(self.stored, ("destinations",)) if isinstance(self.stored, dict) else None
        base = {"destinations": entries if isinstance(entries, list) else [{}] if self.stored is None else []}
        inner = Sheet(base, self.sheet.typed, self.sheet.fields, self.sheet.tabs, self.sheet.places, tab=self.sheet.tab)
        self.rows = Rows(self.name("to"), ("destinations",), columns, inner, "number")

    @property
    def title(self) -> str:
        return _("Transfer")

    @property
    def subtitle(self) -> str:
        numbers = [row.texts["number"] for row in self.rows.rows if row.texts["number"]]
        return ", ".join(format_international(number) for number in numbers)

    @property
    def first_input(self) -> str:
        return self.name(f"to-{self.rows.rows[0].index}-number") if self.rows.rows else self.prefix

    def lay(self) -> None:
        self.rows.lay()

    def read(self) -> Any:
        tool = copy.deepcopy(self.stored) or {"type": "transfer_call"}
        self.rows.rows = self.rows.used()
        stored = self.rows.stored(self.rows.sheet.base)
        if self.stored is None or self.rows.is_changed(self.rows.rows, stored):
            tool["destinations"] = [self._tidy(entry) for entry in self.rows.entries(self.rows.rows, stored)]
        return tool

    def places(self) -> dict[str, str]:
        found = {"destinations": self.first_input}
        for number, row in enumerate(self.rows.rows):
            for key in ("number", "description", "message"):
                found[f"destinations.{number}.{key}"] = self.name(f"to-{row.index}-{key}")
        return found

    def _tidy(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Numbers may be typed in national form; an empty announcement is none."""
        entry = {"type": "number"} | {key: value for key, value in entry.items() if value != "" or key == "number"}
        number = entry.get("number", "")
        if isinstance(number, str) and number and clean_e164(number) is None:
            entry["number"] = parse(number, self.country).number or number
        return entry
