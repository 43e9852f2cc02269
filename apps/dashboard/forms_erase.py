"""Whose data is to be erased: a number that is searched, then typed once more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import phone
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization


class PersonForm(forms.Form):
    """Step 1: whose data. A number of the organization's own is nobody's."""

    phone_number = forms.CharField(
        label=gettext_lazy("Phone number"), max_length=40,
        help_text=gettext_lazy("As the person writes it; without a country code it is read as a number of your country."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )  # fmt: skip

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization

    def clean_phone_number(self) -> str:
        found = phone.parse(self.cleaned_data["phone_number"], self.organization.country)
        if found.number is None:
            raise forms.ValidationError(str(phone.PROBLEMS[found.problem or "not_a_number"]))
        if PhoneNumber.objects.for_organization(self.organization).filter(phone_number=found.number).exists():
            raise forms.ValidationError(_("This is one of your own phone numbers. Delete it under Phone numbers."))
        return found.number


class ConfirmForm(PersonForm):
    """Step 2: the number once more, typed."""

    typed = forms.CharField(
        label=gettext_lazy("Type the number again to confirm"), max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )  # fmt: skip
    keeps_refusal = forms.BooleanField(
        label=gettext_lazy("Keep the number on the do-not-call list"), required=False,
        help_text=gettext_lazy("So that nobody calls this person again. It is the only thing that stays."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        typed = phone.parse(values.get("typed") or "", self.organization.country).number
        if values.get("phone_number") and values.get("typed") and typed != values["phone_number"]:
            self.add_error("typed", _("This is not the number above."))
        return values
