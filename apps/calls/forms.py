"""What people type on the calls' pages: filters of the list, a call to place, commands, a number not to call."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.assistants.models import Assistant
from apps.calls.models import Call, DoNotCall
from apps.core.phone import PROBLEMS, country_choices, format_international, parse
from apps.core.status import status_of
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

RUNNING = "running"
# The sandbox's outcomes that mean something for a caller (engine 8).
OUTCOMES = [
    ("", _("Drawn by chance")),
    ("answered", _("A normal conversation")),
    ("hangs_up_early", _("Hangs up during the first message")),
    ("asks_for_person", _("Asks for a person")),
    ("opts_out", _("Wants no more calls")),
    ("asks_callback", _("Asks to be called back")),
    ("engine_error", _("The line breaks")),
]
Choices = list[tuple[str, Any]]


class ListFilter(forms.Form):
    """Filters of a list with a period, as they stand in the address. What cannot be read is ignored, never an error."""

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        for name, label in (("from", _("From")), ("to", pgettext_lazy("date", "To"))):
            widget = forms.DateInput(attrs={"type": "date", "class": "input-sm"})
            self.fields[name] = forms.DateField(required=False, label=label, widget=widget)

    def _choose(self, name: str, empty: Any, choices: Choices) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", empty), *choices]
        field.widget.attrs["class"] = "select-sm"

    @property
    def values(self) -> dict[str, Any]:
        """Only what was given and can be read."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    @property
    def since(self) -> dt.datetime | None:
        """The first instant of the first day, in the person's zone."""
        return _midnight(self.values.get("from"))

    @property
    def until(self) -> dt.datetime | None:
        """The first instant after the last day."""
        last = self.values.get("to")
        return _midnight(last + dt.timedelta(days=1)) if last and last < dt.date.max else None


class FilterForm(ListFilter):
    """The filters of the calls."""

    q = forms.CharField(max_length=200, required=False)
    status = forms.ChoiceField(required=False, label=_("Status"))
    direction = forms.ChoiceField(required=False, label=_("Direction"))
    assistant = forms.ChoiceField(required=False, label=_("Assistant"))
    number = forms.ChoiceField(required=False, label=_("Number"))

    def __init__(self, data: Any, *, assistants: list[Assistant], numbers: list[PhoneNumber]) -> None:
        super().__init__(data)
        states = [(value, status_of(value).label) for value in Call.Status.values]
        self._choose("status", _("Any status"), [(RUNNING, _("Running now")), *states])
        directions = [(value, status_of(value).label) for value in Call.Direction.values]
        self._choose("direction", _("In and out"), directions)
        self._choose("assistant", _("Any assistant"), [(str(each.pk), each.name) for each in assistants])
        self._choose("number", _("Any number"), number_choices(numbers))
        self.full_clean()


class PhoneForm(forms.Form):
    """A form with a number in national or international format and the country it is read in."""

    phone_field = "destination"
    country = forms.ChoiceField(label=_("Country"))

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = country_choices()
        country.initial = organization.country
        self._default = organization.country

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        text = found.get(self.phone_field)
        if text:
            read = parse(text, found.get("country") or self._default)
            if read.number:
                found[self.phone_field] = read.number
            else:
                self.add_error(self.phone_field, str(PROBLEMS[read.problem or "not_a_number"]))
        return found


class CallForm(PhoneForm):
    """Places one call."""

    destination = forms.CharField(
        label=_("Number to call"), max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "autofocus": True}),
    )  # fmt: skip
    assistant = forms.ChoiceField(label=_("Assistant"))
    number = forms.ChoiceField(label=_("Call from"), required=False)
    first_message = forms.CharField(
        label=_("First message"), required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Only for this call; empty: what the assistant always says."),
    )  # fmt: skip
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, organization: Organization, assistants: list[Assistant], numbers: list[PhoneNumber],
        initial: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            data, organization=organization, auto_id="call_%s", initial={"key": uuid.uuid4()} | (initial or {})
        )
        assistant, number = self.fields["assistant"], self.fields["number"]
        assert isinstance(assistant, forms.ChoiceField)
        assert isinstance(number, forms.ChoiceField)
        assistant.choices = [(str(each.pk), each.name) for each in assistants]
        number.choices = [("", _("Chosen for the assistant")), *number_choices(numbers)]


class SimulateForm(PhoneForm):
    """Somebody calls one of our numbers, in the sandbox."""

    phone_field = "caller"
    to = forms.ChoiceField(label=_("Number that is called"))
    caller = forms.CharField(
        label=_("Caller's number"), max_length=40, initial="+44 7700 900001",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )  # fmt: skip
    outcome = forms.ChoiceField(label=_("What the caller does"), required=False, choices=OUTCOMES)

    def __init__(self, data: Any = None, *, organization: Organization, numbers: list[PhoneNumber]) -> None:
        super().__init__(data, organization=organization, auto_id="simulate_%s")
        to = self.fields["to"]
        assert isinstance(to, forms.ChoiceField)
        to.choices = number_choices(numbers)


class CommandForm(forms.Form):
    """A command to a running call, as its API body (api 8.4); `read_command` judges it."""

    type = forms.CharField(max_length=20)
    content = forms.CharField(required=False)
    destination = forms.CharField(max_length=255, required=False)
    message = forms.CharField(required=False)
    trigger_response = forms.BooleanField(required=False)
    end_after = forms.BooleanField(required=False)

    def __init__(self, data: Any, *, country: str) -> None:
        super().__init__(data)
        self._country = country

    def clean_destination(self) -> str:
        """A number as people write it; anything else stays as it is."""
        text: str = self.cleaned_data["destination"]
        return parse(text, self._country).number or text

    def body(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value}


class DoNotCallForm(PhoneForm):
    phone_field = "phone_number"
    phone_number = forms.CharField(
        label=_("Phone number"), max_length=40, widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"})
    )
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)


class RefusalFilterForm(forms.Form):
    """The filters of the do-not-call list, as they stand in the address."""

    q = forms.CharField(max_length=100, required=False)
    source = forms.ChoiceField(
        required=False, label=_("Source"), choices=[("", _("Any source")), *DoNotCall.Source.choices],
        widget=forms.Select(attrs={"class": "select-sm"}),
    )  # fmt: skip

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.full_clean()

    @property
    def values(self) -> dict[str, str]:
        """Only what was given and can be read."""
        return {name: value for name, value in self.cleaned_data.items() if value}


class RefusalFileForm(forms.Form):
    """A file of numbers not to call, and the country of those without a code."""

    file = forms.FileField(
        label=_("File"), max_length=255,
        error_messages={
            "required": _("Choose a file first."), "empty": _("The file is empty."), "missing": _("Choose a file first."),
        },
    )  # fmt: skip
    country = forms.ChoiceField(label=_("Country of numbers without a country code"))

    def __init__(self, *args: Any, organization: Organization) -> None:
        super().__init__(*args, initial={"country": organization.country})
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = country_choices()


def number_choices(numbers: list[PhoneNumber]) -> Choices:
    return [(str(each.pk), _label(each)) for each in numbers]


def _label(number: PhoneNumber) -> str:
    spaced = format_international(number.phone_number)
    return f"{number.name} · {spaced}" if number.name else spaced


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time(), timezone.get_current_timezone()) if day else None
