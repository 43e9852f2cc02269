"""Values that are more than one input: the secret, the choice of events, and "off" beside a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from apps.assistants.forms.inputs import Input
from apps.assistants.forms.sheet import MISSING, Path, Sheet, get, put
from apps.assistants.forms.texts import EVENTS


@dataclass
class Secret:
    """Write-only: the page says that one is set, takes a new one, or removes it."""

    name: str
    sheet: Sheet

    @property
    def is_set(self) -> bool:
        return bool(self.sheet.base.get(self.name))

    def lay(self) -> None:
        help_text = _("Signs every request, so that your server can tell it comes from here.")
        if self.is_set:
            help_text = _("A secret is set. Leave this empty to keep it.")
        widget = forms.PasswordInput({"autocomplete": "new-password", "spellcheck": "false"}, render_value=True)
        shown = Input(label=_("Secret"), help_text=help_text, widget=widget, text=self.sheet.text(self.name) or "")
        self.sheet.put(self.name, shown, path=self.name)
        text = "on" if self.sheet.is_on(f"{self.name}.clear") else ""
        clear = Input(label=_("Remove the stored secret"), widget=forms.CheckboxInput(), text=text)
        self.sheet.put(f"{self.name}.clear", clear)

    def apply(self, values: dict[str, Any]) -> None:
        if self.sheet.is_on(f"{self.name}.clear"):
            values[self.name] = None
        elif typed := (self.sheet.text(self.name) or "").strip():
            values[self.name] = typed


@dataclass
class Events:
    """`webhook_events`: null is all, a list is these; names we do not know are kept."""

    sheet: Sheet
    name: str = "webhook_events"

    def lay(self) -> None:
        stored = self.sheet.base.get(self.name)
        typed = self.sheet.text(f"{self.name}.mode")
        mode = ("all" if stored is None else "some") if typed is None else typed
        choices = [("all", _("All events")), ("some", _("Only these"))]
        which = Input(label=_("Which events"), widget=forms.RadioSelect(choices=choices), text=mode)
        self.sheet.put(f"{self.name}.mode", which, path=self.name)
        known = [name for name, _label, _help in EVENTS]
        # A list from which nothing was chosen yet starts with all of them.
        on = known if stored is None else stored
        for name, label, help_text in EVENTS:
            is_on = self.sheet.is_on(self._key(name)) if typed is not None else name in on
            box = Input(label=label, help_text=help_text, widget=forms.CheckboxInput(), text="on" if is_on else "")
            self.sheet.put(self._key(name), box)

    def apply(self, values: dict[str, Any]) -> None:
        mode, stored = self.sheet.text(f"{self.name}.mode"), values.get(self.name)
        if mode == "all":
            values[self.name] = None
        elif mode == "some":
            before = stored or []
            known = [name for name, _label, _help in EVENTS]
            chosen = [name for name in known if self.sheet.is_on(self._key(name))]
            if stored is None or set(chosen) != set(known) & set(before):
                values[self.name] = chosen + [name for name in before if name not in known]

    def _key(self, event: str) -> str:
        return f"{self.name}.{event}"


@dataclass
class Off:
    """A switch beside a number where null means "off" and leaving it out means the default (api 9.4)."""

    path: Path
    label: str
    sheet: Sheet

    @property
    def name(self) -> str:
        return f"{'.'.join(self.path)}.off"

    def lay(self) -> None:
        on = self.sheet.is_on(self.name) if self.sheet.typed is not None else self._is_off(self.sheet.base)
        shown = Input(label=self.label, widget=forms.CheckboxInput(), text="on" if on else "")
        self.sheet.put(self.name, shown)

    def apply(self, values: dict[str, Any]) -> None:
        if self.sheet.is_on(self.name):
            put(values, self.path, None)
        elif self._is_off(values):
            put(values, self.path, MISSING)

    def _is_off(self, values: Any) -> bool:
        parent = get(values, self.path[:-1])
        return isinstance(parent, dict) and self.path[-1] in parent and parent[self.path[-1]] is None
