"""The card of a webhook tool, flat or nested, in any spelling: values are changed where the stored tool holds them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from apps.assistants.forms.inputs import Input, tidy
from apps.assistants.forms.schema_editor import SchemaEditor
from apps.assistants.forms.sheet import MISSING, Path, get, put
from apps.assistants.forms.tool_cards import Card

MONO = {"class": "is-mono", "autocomplete": "off", "spellcheck": "false"}
SPELLINGS: dict[str, tuple[Path, ...]] = {
    "url": (("url",), ("server", "url"), ("server_url",)),
    "message": (("message",), ("async_response",), ("asyncResponse",)),
}
SECRETS: tuple[Path, ...] = (("server", "secret"), ("server_secret",))


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
