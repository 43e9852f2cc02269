"""The price of a plan; what it switches on is in forms_access."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.billing.forms_money import CentsField, MicrosField
from apps.billing.models import CREDIT, Plan


class RateOfMinute(MicrosField):
    """Credits a minute; its value is micro-credits."""


class PlanPriceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name, price, what is included and what more costs."""

    price_cents = CentsField(label=_("Price per month"), required=False, help_text=_("Before tax. Empty: the plan is not for money, it only sets limits."))
    overage_micros = MicrosField(
        label=_("Price of a credit beyond them"), required=False,
        help_text=_("Invoiced at the end of the month. Empty: the client buys credits before it goes on."),
    )  # fmt: skip
    micro_per_minute = RateOfMinute(
        label=_("Credits per minute"), required=False, help_text=_("What a minute takes from the client's wallet. Empty: one credit."),
    )  # fmt: skip

    use_required_attribute = False

    class Meta:
        model = Plan
        fields = (
            "name", "description", "price_cents", "included_credits", "overage_micros", "overage_credits", "trial_days",
            "micro_per_minute", "is_public", "is_active",
        )  # fmt: skip
        help_texts = {
            "included_credits": _("Booked at the start of each month; what is left lapses at its end."),
            "overage_credits": _("More is not used without buying credits."),
            "trial_days": _("Free at the beginning, once for each client. 0: none."),
            "is_public": _("Clients see it on their billing page and choose it themselves."),
            "is_active": _("Off: nobody gets it any more; who has it keeps it."),
        }

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("price_cents", "overage_micros"):
            self.fields[name].say_currency(currency)  # type: ignore[attr-defined]
        self.fields["micro_per_minute"].widget.attrs["data-unit"] = _("credits")

    def clean_trial_days(self) -> int:
        days: int = self.cleaned_data["trial_days"]
        if days > 365:
            raise forms.ValidationError(_("At most 365 days."))
        return days

    def clean_included_credits(self) -> int:
        return self._bounded("included_credits")

    def clean_overage_credits(self) -> int:
        return self._bounded("overage_credits")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if found.get("overage_micros") is not None and not found.get("overage_credits") and "overage_credits" not in self.errors:
            self.add_error("overage_credits", _("Say how many at most: they are used before they are paid."))
        return found

    def _bounded(self, name: str) -> int:
        value: int = self.cleaned_data[name]
        if value > 100 * CREDIT:
            raise forms.ValidationError(_("At most 100,000,000."))
        return value
