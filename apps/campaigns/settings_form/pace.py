"""How fast it calls, what stops it, who is told how it went."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from apps.billing.services import micro
from apps.campaigns.models import Campaign
from apps.campaigns.services.settings import BOUNDS, MOST_CREDITS, clean_emails

STANDARD = Campaign()
_SPLIT = re.compile(r"[\s,;]+")


def whole(name: str, label: Any, help_text: Any = "", *, required: bool = False, unit: Any = "") -> forms.IntegerField:
    """A number within its bounds; left empty it is the standard, which stands in the field as a hint."""
    least, most = BOUNDS[name]
    standard = getattr(STANDARD, name)
    attrs = {"placeholder": "" if standard is None else str(standard)} | ({"data-unit": unit} if unit else {})
    return forms.IntegerField(
        label=label, help_text=help_text, required=required, min_value=least, max_value=most, widget=forms.NumberInput(attrs=attrs)
    )


class PaceFields(forms.Form):
    max_concurrent_calls = whole(
        "max_concurrent_calls", gettext_lazy("Calls at once"), gettext_lazy("Fresh leads first, then retries."), required=True
    )
    priority = forms.TypedChoiceField(
        label=gettext_lazy("Priority"), choices=Campaign.Priority.choices, coerce=int, required=False,
        help_text=gettext_lazy("Who gets more of the lines that several campaigns want."),
    )  # fmt: skip
    starts = whole("starts", gettext_lazy("Call starts"), gettext_lazy("At most so many begin. Empty: as many as your lines allow."))
    starts_seconds = whole(
        "starts_seconds", gettext_lazy("Within"), gettext_lazy("In any such stretch of time."), unit=gettext_lazy("seconds")
    )
    floor_calls = whole(
        "floor_calls", gettext_lazy("Lines of its own"), gettext_lazy("Other campaigns leave it so many while it has leads to call.")
    )

    def clean_priority(self) -> int:
        return self.cleaned_data["priority"] or Campaign.Priority.NORMAL


class BrakeFields(forms.Form):
    breaker_percent = whole(
        "breaker_percent", gettext_lazy("Share of failed calls"), gettext_lazy("From this share on it pauses and the owners are told. 0: never."), unit="%"
    )
    breaker_seconds = whole("breaker_seconds", gettext_lazy("Looked at: the last"), unit=gettext_lazy("seconds"))
    breaker_calls = whole("breaker_calls", gettext_lazy("From so many calls on"))
    budget = forms.DecimalField(
        label=gettext_lazy("Budget"), required=False, max_digits=11, decimal_places=4, min_value=0, max_value=MOST_CREDITS,
        help_text=gettext_lazy("It pauses before it costs more. Empty: only your balance limits it."),
        widget=forms.NumberInput(attrs={"data-unit": gettext_lazy("credits"), "step": "any"}),
    )  # fmt: skip

    def clean_budget(self) -> int | None:
        credits = self.cleaned_data["budget"]
        return None if credits is None else micro(credits)


class ReportFields(forms.Form):
    report_emails = forms.CharField(
        label=gettext_lazy("Send the report to"), required=False, max_length=3000,
        help_text=gettext_lazy("One address per line. They get it as a PDF when the campaign is over."),
        widget=forms.Textarea(attrs={"rows": 2, "data-autosize": "", "placeholder": "sales@example.com", "spellcheck": "false"}),
    )  # fmt: skip

    def clean_report_emails(self) -> list[str]:
        try:
            return clean_emails(_SPLIT.split(self.cleaned_data["report_emails"]))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
