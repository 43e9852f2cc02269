"""Arguments of a tool as a form: an input per property of its schema, or one text of JSON."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

PREFIX = "try"
FORM, JSON = "form", "json"
MOST_FIELDS = 40
NUMBERS = {"integer": forms.IntegerField, "number": forms.FloatField}
MONO = {"class": "is-mono", "spellcheck": "false"}


class ArgumentsForm(forms.Form):
    """What is left empty is not sent. JSON is sent as it is typed: a tool may be tried with too little on purpose.

    Args:
        parameters: the tool's JSON Schema, or None.
        mode: `form` or `json`; a schema without properties is always typed as JSON.
    """

    use_required_attribute = False

    def __init__(self, parameters: Mapping[str, Any] | None, data: Any = None, *, mode: str = FORM) -> None:
        schema = parameters or {}
        found = schema.get("properties")
        self.properties: dict[str, Any] = dict(list(found.items())[:MOST_FIELDS]) if isinstance(found, dict) else {}
        self.mode = JSON if mode == JSON or not self.properties else FORM
        # htmx would carry the style of an input over to its successor of the same id, which the policy forbids.
        super().__init__(data, prefix=PREFIX, auto_id=f"id_{secrets.token_hex(4)}_%s")
        if self.mode == JSON:
            self.fields["json"] = forms.CharField(
                label=_("Arguments (JSON)"), initial="{}",
                widget=forms.Textarea({"rows": 8, "data-json-editor": "", **MONO}),
            )  # fmt: skip
            return
        required = schema.get("required")
        needed = required if isinstance(required, list) else []
        for number, (name, rule) in enumerate(self.properties.items()):
            self.fields[f"arg-{number}"] = _field(name, rule if isinstance(rule, dict) else {}, name in needed)

    @property
    def arguments(self) -> dict[str, Any]:
        """What was typed; call `is_valid` first."""
        if self.mode == JSON:
            found: dict[str, Any] = self.cleaned_data["json"]
            return found
        pairs = zip(self.properties, self.fields, strict=True)
        return {name: self.cleaned_data[key] for name, key in pairs if self.cleaned_data[key] not in (None, "")}

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if self.mode == JSON:
            if (read := _read(values.get("json") or "{}")) is None or not isinstance(read[0], dict):
                self.add_error("json", _("Write one JSON object, such as {\"day\": \"monday\"}."))
            else:
                values["json"] = read[0]
            return values
        for key, field in self.fields.items():
            if isinstance(field, JsonText) and values.get(key):
                if (read := _read(values[key])) is None:
                    self.add_error(key, _("This is not valid JSON."))
                else:
                    values[key] = read[0]
        return values


class JsonText(forms.CharField):
    """A list or an object, typed as JSON."""


def _field(name: str, rule: Mapping[str, Any], needed: bool) -> forms.Field:
    kind, choices = rule.get("type"), rule.get("enum")
    words = str(rule.get("description") or "")[:300]
    options: dict[str, Any] = {"label": name, "required": needed, "help_text": words}
    if isinstance(choices, list) and choices and all(isinstance(each, str) for each in choices):
        return forms.ChoiceField(choices=[("", "–"), *((each, each) for each in choices[:200])], **options)
    if kind == "boolean":
        return forms.TypedChoiceField(
            choices=[("", "–"), ("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))],
            coerce=lambda value: value == "true", empty_value=None, **options,
        )  # fmt: skip
    if isinstance(kind, str) and kind in NUMBERS:
        return NUMBERS[kind](**options)
    if kind in ("array", "object"):
        return JsonText(widget=forms.Textarea({"rows": 3, **MONO}), **options)
    return forms.CharField(strip=False, **options)


def _read(text: str) -> tuple[Any] | None:
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None
