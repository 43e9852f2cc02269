"""Who buys: what stands on an invoice."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.billing.countries import country_names
from apps.billing.models import Buyer
from apps.billing.vat import vat_id_problem
from apps.billing.vat.ids import compact


class DetailsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The billing details of a client."""

    use_required_attribute = False

    class Meta:
        model = Buyer
        fields = ("company", "is_business", "contact", "email", "address", "postal_code", "city", "country", "vat_id", "reference")
        widgets = {"address": forms.Textarea({"rows": 2, "autocomplete": "street-address"}), "country": forms.Select}
        help_texts = {
            "email": _("Invoices go here. Empty: to the owners."),
            "vat_id": _("With the letters of the country, such as NL004495445B01. Its form and check digits are checked."),
            "is_business": _("Off: you buy as a private person."),
            "reference": _("Stands on each invoice, such as a cost centre."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].widget.choices = [("", "–"), *country_names()]  # type: ignore[attr-defined]
        for name in ("company", "address", "city", "country"):
            self.fields[name].required = True

    def clean_vat_id(self) -> str:
        return compact(self.cleaned_data["vat_id"])

    def clean_country(self) -> str:
        code: str = self.cleaned_data["country"]
        if code not in dict(country_names()):
            raise forms.ValidationError(_("Choose a country."))
        return code

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if problem := vat_id_problem(found.get("vat_id", ""), found.get("country", "")):
            self.add_error("vat_id", problem)
        return found
