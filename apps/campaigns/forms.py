"""Forms of leads and of the files they come in; the campaign's own is `settings_form`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.core import phone
from apps.core.errors import DomainError

DAYS = [
    (1, pgettext_lazy("weekday", "Mon")), (2, pgettext_lazy("weekday", "Tue")), (3, pgettext_lazy("weekday", "Wed")),
    (4, pgettext_lazy("weekday", "Thu")), (5, pgettext_lazy("weekday", "Fri")), (6, pgettext_lazy("weekday", "Sat")),
    (7, pgettext_lazy("weekday", "Sun")),
]  # fmt: skip


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        error_messages={
            "required": gettext_lazy("Choose a file first."),
            "empty": gettext_lazy("The file is empty."),
            "missing": gettext_lazy("Choose a file first."),
        },
    )


class LeadForm(forms.Form):
    """One lead: a number as people write it, and a value for each variable that the message or other leads have."""

    country = forms.ChoiceField(label=gettext_lazy("Country"))
    phone_number = forms.CharField(
        label=gettext_lazy("Phone number"), max_length=64,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "placeholder": "+31 6 12345678"}),
        help_text=gettext_lazy("With + and country code, or as it is dialled within the country."),
    )  # fmt: skip

    def __init__(self, *args: Any, names: Iterable[str], needed: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = phone.country_choices()
        self._names = {f"value-{number}": name for number, name in enumerate(names)}
        for key, name in self._names.items():
            self.fields[key] = forms.CharField(
                label=name, max_length=2000, required=name in set(needed),
                error_messages={"required": _("The message needs a value for “%(name)s”.") % {"name": name}},
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if text := data.get("phone_number"):
            parsed = phone.parse(text, data.get("country"))
            if parsed.number is None:
                self.add_error("phone_number", str(phone.PROBLEMS[parsed.problem or "not_a_number"]))
            data["number"] = parsed.number
        return data

    @property
    def variable_fields(self) -> list[forms.BoundField]:
        return [self[key] for key in self._names]

    def variables(self) -> dict[str, str]:
        """Those that have a value; `name`, by which a lead is listed, also from a variable called so in other letters."""
        found = {name: self.cleaned_data[key] for key, name in self._names.items() if self.cleaned_data.get(key)}
        named = [value for name, value in found.items() if name.casefold() == "name"]
        return found if "name" in found or not named else found | {"name": named[0]}


def posted(request: HttpRequest, *, files: bool = False) -> tuple[Any, ...]:
    """What was sent, for a form's first arguments; nothing on GET. An empty POST is one too."""
    if request.method != "POST":
        return (None,)
    return (request.POST, request.FILES) if files else (request.POST,)


def refuse(form: forms.Form, error: DomainError, **places: str) -> None:
    """Put a service's refusal at its field; `places` maps its `param` to the form's field name."""
    name = places.get(error.param or "", error.param)
    form.add_error(name if name in form.fields else None, error.text)
