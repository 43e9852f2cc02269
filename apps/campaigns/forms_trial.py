"""The form of a test call: whose values, and the number of the person who tries it."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.campaigns.models import Lead
from apps.core import phone
from apps.organizations.models import Organization


class TrialForm(forms.Form):
    """Args: `leads` to choose from; `initial` the number of last time."""

    lead = forms.ChoiceField(label=_("With the values of"))
    country = forms.ChoiceField(label=_("Country"))
    phone_number = forms.CharField(
        label=_("Your number"), max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "placeholder": "+31 6 12345678"}),
        help_text=_("This phone rings, not the lead's."),
    )  # fmt: skip
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, organization: Organization, leads: list[Lead], initial: dict[str, Any]) -> None:
        defaults = {"key": uuid.uuid4(), "country": organization.country}
        super().__init__(data, auto_id="trial_%s", initial=defaults | initial)
        lead, country = self.fields["lead"], self.fields["country"]
        assert isinstance(lead, forms.ChoiceField)
        assert isinstance(country, forms.ChoiceField)
        lead.choices = [(str(each.pk), _label(each)) for each in leads]
        country.choices = phone.country_choices()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if text := data.get("phone_number"):
            parsed = phone.parse(text, data.get("country"))
            if parsed.number is None:
                self.add_error("phone_number", str(phone.PROBLEMS[parsed.problem or "not_a_number"]))
            data["to"] = parsed.number
        return data


def _label(lead: Lead) -> str:
    number = phone.format_international(lead.phone_number)
    return f"{lead.name} · {number}" if lead.name else number
