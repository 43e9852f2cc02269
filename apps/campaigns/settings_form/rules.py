"""What the calls are for, and who stands for the consent of the people called."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.campaigns.models import Campaign

PURPOSES = [
    (Campaign.Purpose.MARKETING, gettext_lazy(
        "Marketing: nobody asked for the call. The rules of the country that is called hold: its hours, how often, whose consent."
    )),
    (Campaign.Purpose.SERVICE, gettext_lazy(
        "Service: the person expects it, as for an appointment or an order. Only your calling hours hold, and what a country asks of such calls."
    )),
]  # fmt: skip


class RuleFields(forms.Form):
    purpose = forms.ChoiceField(
        label=gettext_lazy("What the calls are for"), choices=PURPOSES, widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say what the calls are for: marketing or service.")},
    )  # fmt: skip
    attests = forms.BooleanField(
        label=gettext_lazy("Everybody on the list agreed to be called"), required=False,
        help_text=gettext_lazy("Your name and the time are kept with it. Where a country wants each person's consent, its kind and time belong to the lead."),
    )  # fmt: skip
    attestation = forms.CharField(
        label=gettext_lazy("Where their consent comes from"), required=False, max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "data-autosize": "", "placeholder": gettext_lazy("Ticked on the order form of our shop since March 2026.")}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        text = str(data.get("attestation") or "").strip()
        if data.get("attests") and not text and "attestation" not in self.errors:
            self.add_error("attestation", _("Say in a sentence where the consent comes from, or switch the statement off."))
        data["attestation"] = text if data.get("attests") else ""
        return data
