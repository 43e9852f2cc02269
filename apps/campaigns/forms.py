"""Forms of campaigns and their leads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.assistants.models import Assistant
from apps.campaigns.models import Campaign
from apps.core import phone, variables
from apps.core.errors import DomainError
from apps.core.zones import ZONES
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

AUTOMATIC = "automatic"
DAYS = [
    (1, pgettext_lazy("weekday", "Mon")), (2, pgettext_lazy("weekday", "Tue")), (3, pgettext_lazy("weekday", "Wed")),
    (4, pgettext_lazy("weekday", "Thu")), (5, pgettext_lazy("weekday", "Fri")), (6, pgettext_lazy("weekday", "Sat")),
    (7, pgettext_lazy("weekday", "Sun")),
]  # fmt: skip
# Legacy aliases ("Israel", "Etc/GMT+3") are accepted and not proposed.
_OLD = ("Etc/", "SystemV/", "US/")
ZONE_CHOICES = [*sorted(zone for zone in ZONES if "/" in zone and not zone.startswith(_OLD)), "UTC"]


class CampaignForm(forms.Form):
    """Create and edit. The service has the last word; `refuse` puts what it says at the right field."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=200, help_text=gettext_lazy("Only your team sees it."),
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Spring recall"), "autofocus": ""}),
    )  # fmt: skip
    assistant = forms.ModelChoiceField(
        label=gettext_lazy("Assistant"), queryset=Assistant.objects.none(), empty_label=None
    )
    number = forms.ChoiceField(
        label=gettext_lazy("Calls from"),
        help_text=gettext_lazy("Automatic is the assistant's own number, else the oldest that can dial."),
    )
    system_message_template = forms.CharField(
        label=gettext_lazy("What the assistant knows about each lead"), required=False, strip=False,
        help_text=gettext_lazy("Added to the assistant's own instructions. {{name}} becomes the lead's value."),
        widget=forms.Textarea(attrs={
            "rows": 6, "data-autosize": "", "data-template-variables": "template-variables",
            "placeholder": gettext_lazy("You call {{name}} of {{company}} about the yearly check-up."),
        }),
    )  # fmt: skip
    schedule_start_time = forms.TimeField(
        label=gettext_lazy("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    schedule_end_time = forms.TimeField(
        label=gettext_lazy("Until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    schedule_days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days"), choices=DAYS, coerce=int, widget=forms.CheckboxSelectMultiple(attrs={"class": "choice-days"}),
        error_messages={"required": gettext_lazy("Choose at least one day of the week.")},
    )  # fmt: skip
    timezone = forms.CharField(
        label=gettext_lazy("Time zone"), max_length=64,
        help_text=gettext_lazy("The campaign's zone alone counts, wherever the people you call or your team are."),
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    max_attempts = forms.IntegerField(
        label=gettext_lazy("Attempts per lead"), min_value=1, max_value=10,
        help_text=gettext_lazy("When nobody answers or the line is busy."),
    )  # fmt: skip
    retry_delay_minutes = forms.IntegerField(
        label=gettext_lazy("Time between attempts"), min_value=5, max_value=1440,
        widget=forms.NumberInput(attrs={"data-unit": gettext_lazy("minutes")}),
    )  # fmt: skip
    max_concurrent_calls = forms.IntegerField(
        label=gettext_lazy("Calls at once"), min_value=1, max_value=50,
        help_text=gettext_lazy("Fresh leads first, then retries."),
    )  # fmt: skip

    def __init__(self, *args: Any, organization: Organization, campaign: Campaign | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.dialable = list(PhoneNumber.objects.for_organization(organization).can_dial().order_by("created_at", "id"))
        self._numbers = {str(number.pk): number for number in self._selectable()}
        self._set_assistants(organization)
        self._set_numbers()

    @property
    def zones(self) -> list[str]:
        return ZONE_CHOICES

    @property
    def template_names(self) -> list[str]:
        """The variables that the message asks for, as typed."""
        return sorted(variables.names(str(self["system_message_template"].value() or "")))

    def clean_number(self) -> PhoneNumber | None:
        chosen = self.cleaned_data["number"]
        return None if chosen == AUTOMATIC else self._numbers[chosen]

    def clean_timezone(self) -> str:
        zone = str(self.cleaned_data["timezone"])
        if zone not in ZONES:
            raise forms.ValidationError(
                _("There is no time zone “%(name)s”. Choose one from the list.") % {"name": zone}
            )
        return zone

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("schedule_start_time"), data.get("schedule_end_time")
        if start and end and end <= start:
            self.add_error("schedule_end_time", _("The end of the calling hours must be after their start."))
        return data

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return values | {"system_message_template": values["system_message_template"].strip() or None}

    def changes(self) -> dict[str, Any]:
        """As `values`; the assistant only where it may change."""
        values = self.values()
        if self.fields["assistant"].disabled:
            del values["assistant"]
        return values

    def _set_assistants(self, organization: Organization) -> None:
        field = self.fields["assistant"]
        assert isinstance(field, forms.ModelChoiceField)
        active = Assistant.objects.for_organization(organization).active().order_by("name", "id")
        current = self.campaign.assistant if self.campaign else None
        if current is None or current.deleted_at:
            field.queryset = active
            field.empty_label = None if len(active) == 1 else _("Choose an assistant")
            return
        field.queryset = Assistant.objects.for_organization(organization).filter(pk=current.pk)
        field.disabled = True
        field.help_text = _("Stays the same for the life of a campaign. Duplicate the campaign to use another one.")

    def _selectable(self) -> list[PhoneNumber]:
        own = self.campaign.number if self.campaign else None
        return [*self.dialable, *([own] if own and own not in self.dialable else [])]

    def _set_numbers(self) -> None:
        choices = [(AUTOMATIC, _("Automatic"))]
        choices += [(key, self._number_label(number)) for key, number in self._numbers.items()]
        if self.campaign and self.campaign.has_own_number and self.campaign.number_id is None:
            choices.insert(0, ("", _("Its number was deleted: choose another one")))
        field = self.fields["number"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _number_label(self, number: PhoneNumber) -> str:
        label = phone.format_international(number.phone_number)
        if number.name:
            label = f"{label} · {number.name}"
        return label if number in self.dialable else _("%(number)s (cannot dial now)") % {"number": label}


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
