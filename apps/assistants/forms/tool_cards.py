"""One card per kind of tool: its inputs, and the tool they stand for. Keys a card does not know stay in the tool."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _

from apps.assistants.forms.inputs import Input, tidy
from apps.assistants.forms.rows import Column, Rows
from apps.assistants.forms.schema_editor import Flaw, SchemaEditor
from apps.assistants.forms.sheet import MISSING, Path, Sheet, get, put
from apps.core.phone import clean_e164, format_international, parse

MONO = {"class": "is-mono", "autocomplete": "off", "spellcheck": "false"}


@dataclass
class Card:
    """
    Args:
        stored: the tool as it stands, None for one that was just added.
        was: the digest of the stored tool, for the page.
        country: of the organization, for phone numbers in national form.
    """

    kind: ClassVar[str]
    icon: ClassVar[str] = "wrench"

    sheet: Sheet
    prefix: str
    index: str
    stored: Any
    was: str
    country: str
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


@dataclass
class Function(Card):
    """A webhook tool, flat or nested; each value is changed where the stored tool holds it."""

    kind = "function"
    icon = "webhook"
    parameters: SchemaEditor = field(init=False)

    def __post_init__(self) -> None:
        stored = get(self.stored, self._path("parameters")) if self.stored else None
        self.parameters = SchemaEditor(self.name("params"), stored, self.sheet)

    @property
    def title(self) -> str:
        return self._start("name", self._text("name")) or _("New webhook")

    @property
    def subtitle(self) -> str:
        return self._start("description", self._text("description"))

    @property
    def first_input(self) -> str:
        return self.name("name")

    @property
    def has_secret(self) -> bool:
        return bool(self.stored and any(get(self.stored, path) for path in SECRETS))

    def lay(self) -> None:
        for key, shown in self._inputs().items():
            self._lay_text(key, shown)
        on = self.stored.get("async") is True if self.stored else False
        if self.sheet.text(self.name("kind")) is not None:
            on = self.sheet.is_on(self.name("async"))
        words = _("The assistant goes on talking instead of waiting for the answer.")
        shown = Input(label=_("Do not wait"), help_text=words, widget=forms.CheckboxInput(), text="on" if on else "")
        self._lay_text("async", shown)
        self._lay_secret()
        self.parameters.lay()

    def _lay_secret(self) -> None:
        help_text = _("Signs the requests. Empty: the secret of the assistant.")
        if self.has_secret:
            help_text = _("A secret is set. Leave this empty to keep it.")
        widget = forms.PasswordInput({"autocomplete": "new-password"}, render_value=True)
        self._lay_text(
            "secret", Input(label=_("Secret"), help_text=help_text, widget=widget, text=self._start("secret", ""))
        )
        text = "on" if self.sheet.is_on(self.name("secret-clear")) else ""
        self._lay_text("secret-clear", Input(label=_("Remove the secret"), widget=forms.CheckboxInput(), text=text))

    def _inputs(self) -> dict[str, Input]:
        rows = forms.Textarea({"rows": 2, "data-autosize": ""})
        words = {
            "name": (_("Name"), _("How the model calls it, such as check_availability."), forms.TextInput(MONO)),
            "description": (_("Description"), _("Tells the model what it does and when to use it."), rows),
            "url": (_("Address (URL)"), _("Empty: the webhook address of the assistant."), forms.URLInput(MONO | {"placeholder": "https://"})),
            "message": (_("Said meanwhile"), _("Spoken while the tool runs. Empty: nothing."), forms.TextInput()),
        }  # fmt: skip
        return {
            key: Input(label=label, help_text=help_text, widget=widget, text=self._start(key, self._text(key)))
            for key, (label, help_text, widget) in words.items()
        }

    def read(self) -> Any:
        tool = copy.deepcopy(self.stored) or {"type": "function", "name": ""}
        for key in ("name", "description", "url", "message"):
            typed = self.sheet.text(self.name(key))
            if typed is not None and tidy(typed) != tidy(self._text(key)):
                value: Any = tidy(typed)
                put(tool, self._path(key), value if value or key == "name" else MISSING)
        on = self.sheet.is_on(self.name("async"))
        if on != (tool.get("async") is True):
            tool["async"] = on
        is_changed, schema = self.parameters.changed()
        if is_changed:
            put(tool, self._path("parameters"), MISSING if schema is None else schema)
        self._read_secret(tool)
        # An emptied `server` is none; `null` would be another value than what was sent.
        return {key: value for key, value in tool.items() if key != "server" or value is not None}

    def places(self) -> dict[str, str]:
        found = {".".join(self._path(key)): self.name(key) for key in ("name", "description", "message")}
        found |= {
            "name": self.name("name"),
            "url": self.name("url"),
            "server": self.name("url"),
            "server.url": self.name("url"),
        }
        found["server.secret"] = self.name("secret")
        mode = self.sheet.text(self.parameters.prefix + "-mode")
        found[".".join(self._path("parameters"))] = self.name("params-json" if mode == "json" else "params")
        return found

    def _read_secret(self, tool: dict[str, Any]) -> None:
        path = next((path for path in SECRETS if get(tool, path)), SECRETS[0])
        if self.sheet.is_on(self.name("secret-clear")):
            put(tool, path, MISSING)
        elif typed := (self.sheet.text(self.name("secret")) or "").strip():
            put(tool, path, typed)
            # A nested tool is refused with a server that has no address (api 9.6).
            if "function" in tool and tool.get("url") and path[0] == "server" and not get(tool, ("server", "url")):
                put(tool, ("server", "url"), tool["url"])

    def _path(self, key: str) -> Path:
        """Where the stored tool holds a value: at its top, in `function` or in `server`, in an older spelling."""
        tool = self.stored or {}
        nested = isinstance(tool.get("function"), dict)
        if key in ("name", "description", "parameters"):
            return ("function", key) if nested else (key,)
        new: Path = ("server", "url") if nested and key == "url" else (key,)
        return next((path for path in SPELLINGS[key] if get(tool, path)), new)

    def _text(self, key: str) -> str:
        value = get(self.stored, self._path(key)) if self.stored else ""
        return value if isinstance(value, str) else ""


SPELLINGS: dict[str, tuple[Path, ...]] = {
    "url": (("url",), ("server", "url"), ("server_url",)),
    "message": (("message",), ("async_response",), ("asyncResponse",)),
}
SECRETS: tuple[Path, ...] = (("server", "secret"), ("server_secret",))
CARDS: dict[str, type[Card]] = {card.kind: card for card in (Function, Transfer, EndCall, Raw)}
