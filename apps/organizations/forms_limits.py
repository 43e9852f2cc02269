"""What an operator allows an organization, typed as people think of it: credits and country codes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from phonenumbers import SUPPORTED_REGIONS

from apps.organizations.features import FEATURES, closed
from apps.organizations.models import FeatureDefault, Limits

MICRO = 1_000_000


class Switches(forms.MultipleChoiceField):
    """Features as boxes to tick. All ticked is null: what comes later is on, too."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self) -> None:
        super().__init__(required=False, choices=[(each.name, each.label) for each in FEATURES.values()])

    def prepare_value(self, value: Any) -> Any:
        return list(FEATURES) if value is None else value

    def clean(self, value: Any) -> list[str] | None:
        chosen = closed(super().clean(value))
        return None if len(chosen) == len(FEATURES) else sorted(chosen)


class FeatureDefaultForm(forms.ModelForm):  # type: ignore[type-arg]
    features = Switches()

    class Meta:
        model = FeatureDefault
        fields = ["level", "features"]


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg]
    features = Switches()
    countries = forms.CharField(
        required=False, max_length=1000, widget=forms.TextInput(attrs={"size": 80}),
        help_text="Countries that may be called, as ISO codes: NL, BE, DE. Empty: all.",
    )  # fmt: skip
    spend_per_hour = forms.DecimalField(
        required=False, min_value=Decimal("0.0001"), max_value=Decimal(1_000_000), decimal_places=4,
        help_text="Credits that calls may cost in any hour. Empty: no limit.",
    )  # fmt: skip

    class Meta:
        model = Limits
        fields = [
            "organization", "concurrent_calls", "guaranteed_calls", "inbound_lines", "starts", "starts_seconds", "countries",
            "spend_per_hour", "assistants", "numbers", "campaigns", "members", "api_keys", "minutes_per_month", "features",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limits = self.instance
        self.initial["countries"] = ", ".join(limits.countries or [])
        self.initial["spend_per_hour"] = None if limits.spend_per_hour is None else Decimal(limits.spend_per_hour) / MICRO

    def clean_countries(self) -> list[str] | None:
        """Null for an empty field: a list that allows nobody is not what was meant."""
        codes = sorted(set(self.cleaned_data["countries"].upper().replace(",", " ").split()))
        unknown = [code for code in codes if code not in SUPPORTED_REGIONS]
        if unknown:
            raise forms.ValidationError("Not known as countries: %(codes)s.", params={"codes": ", ".join(unknown)})
        return codes or None

    def clean_spend_per_hour(self) -> int | None:
        credits = self.cleaned_data["spend_per_hour"]
        return None if credits is None else int(credits * MICRO)
