"""Inputs of the editor: the text a person sees for a JSON value, and the value a typed text stands for."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.assistants.formspec import FieldSpec

Lazy = str | Promise
# A slider with more places than this is a guess, not a choice.
SLIDER_STEPS = 500
_WHOLE = re.compile(r"[+-]?\d{1,400}")


class Input(forms.Field):
    """One input. It shows the text it was made with, whatever was posted: the sheet decides which text that is."""

    def __init__(
        self, *, label: Lazy = "", help_text: Lazy = "", widget: forms.Widget | None = None, text: str = ""
    ) -> None:
        # `required` only keeps "optional" from standing beside every label; the validator decides.
        super().__init__(required=True, label=label, help_text=help_text, widget=widget, initial=text)  # type: ignore[arg-type]

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial

    def clean(self, value: Any) -> Any:
        return value


class Slider(forms.TextInput):
    template_name = "assistants/widgets/slider.html"


class Suggestions(forms.TextInput):
    """A text input with a few known values to pick from."""

    template_name = "assistants/widgets/suggestions.html"

    def __init__(self, known: Sequence[str], attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.known = known

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, value, attrs) | {"known": self.known}


class NumberText(forms.TextInput):
    """A text input for numbers: the browser's own number input silently drops what it cannot read."""

    template_name = "django/forms/widgets/number.html"


def tidy(text: str) -> str:
    """Text as browsers send it back, so that only a person's change counts as one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def same(typed: str, shown: str, *, one_line: bool = False) -> bool:
    """Whether a posted text is the one that was shown; an input of one line shows no line breaks."""
    typed, shown = tidy(typed), tidy(shown)
    return typed.replace("\n", "") == shown.replace("\n", "") if one_line else typed == shown


def to_text(spec: FieldSpec, value: Any) -> str:
    """The text an input shows; empty when the value is missing or is another provider's (api 9, rule 3)."""
    if spec.kind == "bool":
        return "on" if value is True else ""
    if spec.kind in ("int", "float"):
        return _number_text(value, whole=spec.kind == "int")
    if spec.kind == "choice":
        known = any(value == choice and type(value) is type(choice) for choice, _label in spec.choices)
        return str(value) if known else ""
    if spec.kind == "list":
        texts = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        return "\n".join(value) if texts else ""
    return value if isinstance(value, str) else ""


def parse(spec: FieldSpec, text: str) -> Any:
    """The value a typed, not empty text stands for. Raises ValueError with words for the person."""
    if spec.kind == "bool":
        return text == "on"
    if spec.kind in ("int", "float"):
        return number(text, whole=spec.kind == "int")
    if spec.kind == "choice":
        return next((value for value, _label in spec.choices if str(value) == text), text)
    if spec.kind == "list":
        return [line.strip() for line in tidy(text).split("\n") if line.strip()]
    return tidy(text)


def number(text: str, *, whole: bool = False) -> int | float:
    """A number as people type it, with point or comma; a whole one is an int. Raises ValueError with words."""
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or "_" in text:
        raise ValueError(_("must be a whole number") if whole else _("must be a number"))
    return int(found) if found.is_integer() else found


def widget_for(spec: FieldSpec, *, blank: bool = True) -> forms.Widget:
    """The widget of a setting; the default of the provider is a placeholder, never a value (api 8.1)."""
    if spec.kind == "bool":
        return forms.CheckboxInput()
    if spec.kind == "choice":
        return forms.Select(choices=[*([("", _blank(spec))] if blank else []), *spec.choices])
    if spec.kind in ("int", "float"):
        return _number_widget(spec)
    if spec.kind in ("list", "long_text"):
        return forms.Textarea({"rows": 3, "data-autosize": ""})
    return forms.TextInput()


def plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def help_for(spec: FieldSpec) -> Lazy:
    """The help, with the range where no slider shows it."""
    if spec.kind not in ("int", "float") or spec.minimum is None or spec.maximum is None or _slides(spec):
        return spec.help
    words = {"least": plain(spec.minimum), "most": plain(spec.maximum), "unit": spec.unit}
    between = (
        _("From %(least)s to %(most)s %(unit)s.") % words if spec.unit else _("From %(least)s to %(most)s.") % words
    )
    return f"{spec.help} {between}"


def _number_text(value: Any, *, whole: bool) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if whole and isinstance(value, float) else str(value)


def _slides(spec: FieldSpec) -> bool:
    if spec.minimum is None or spec.maximum is None or not spec.step:
        return False
    return (spec.maximum - spec.minimum) / spec.step <= SLIDER_STEPS


def _number_widget(spec: FieldSpec) -> forms.Widget:
    attrs: dict[str, Any] = {
        "inputmode": "numeric" if spec.kind == "int" else "decimal",
        "autocomplete": "off",
        "placeholder": "–" if spec.default is None else plain(spec.default),
        "data-unit": spec.unit,
    }
    if not _slides(spec):
        return NumberText(attrs)
    return Slider(
        attrs | {"data-min": plain(spec.minimum), "data-max": plain(spec.maximum), "data-step": plain(spec.step)}
    )


def _blank(spec: FieldSpec) -> Lazy:
    if spec.default is None:
        return _("Not set")
    shown = next((label for value, label in spec.choices if value == spec.default), spec.default)
    return _("Default (%(value)s)") % {"value": shown}
