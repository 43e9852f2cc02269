"""How often and when a lead is called again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.campaigns.dialler.retries import MOST_ATTEMPTS, SHORT_SECONDS, Kind
from apps.campaigns.models import Campaign
from apps.campaigns.services.settings import BOUNDS, LONGEST_TALK, SHORTEST_TALK, clean_rules


def attempts_of(kind: str) -> str:
    return f"retry_{kind}_attempts"


def delays_of(kind: str) -> str:
    return f"retry_{kind}_delays"


VOICEMAIL = [
    (Campaign.Voicemail.MESSAGE, gettext_lazy("When a message was left")), (Campaign.Voicemail.ALWAYS, gettext_lazy("Always")),
    (Campaign.Voicemail.NEVER, gettext_lazy("Never")),
]  # fmt: skip
SECONDS = "retry_short_call_seconds"


class RetryFields(forms.Form):
    """The general rule, and for each outcome two fields; where both are empty the outcome follows the general rule."""

    max_attempts = forms.IntegerField(
        label=gettext_lazy("Attempts per lead"), min_value=1, max_value=MOST_ATTEMPTS,
        help_text=gettext_lazy("When nobody answers or the line is busy."),
    )  # fmt: skip
    retry_delay_minutes = forms.IntegerField(
        label=gettext_lazy("Time between attempts"), min_value=5, max_value=1440,
        widget=forms.NumberInput(attrs={"data-unit": gettext_lazy("minutes")}),
    )  # fmt: skip
    max_attempts_per_day = forms.IntegerField(
        label=gettext_lazy("Attempts per day"), required=False, min_value=1, max_value=BOUNDS["max_attempts_per_day"][1],
        help_text=gettext_lazy("By the lead's own clock. Empty: no limit."),
    )  # fmt: skip
    voicemail_counts = forms.ChoiceField(
        label=gettext_lazy("A voicemail counts as answered"), required=False, choices=VOICEMAIL,
        help_text=gettext_lazy("Whatever you choose, a message is left once per lead and never twice."),
    )  # fmt: skip
    spreads_day_parts = forms.BooleanField(
        label=gettext_lazy("Another part of the day each time"), required=False,
        help_text=gettext_lazy("Whoever did not answer in the morning is tried in the afternoon or the evening, within the calling hours."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in Kind:
            self.fields[attempts_of(kind)] = forms.IntegerField(
                label=_("Attempts"), required=False, min_value=1, max_value=MOST_ATTEMPTS
            )
            self.fields[delays_of(kind)] = forms.CharField(
                label=_("Minutes between them"), required=False, max_length=80,
                widget=forms.TextInput(attrs={"placeholder": "30, 120, 1440", "inputmode": "numeric", "autocomplete": "off"}),
            )  # fmt: skip
        self.fields[SECONDS] = forms.IntegerField(
            label=_("Shorter than"), required=False, min_value=SHORTEST_TALK, max_value=LONGEST_TALK,
            widget=forms.NumberInput(attrs={"data-unit": _("seconds"), "placeholder": str(SHORT_SECONDS)}),
        )  # fmt: skip

    @property
    def retry_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "kind": str(kind), "label": kind.label, "attempts": self[attempts_of(kind)], "delays": self[delays_of(kind)],
                "seconds": self[SECONDS] if kind == Kind.SHORT_CALL else None,
            }
            for kind in Kind
        ]  # fmt: skip

    @property
    def has_retry_rules(self) -> bool:
        return any(row[name].value() for row in self.retry_rows for name in ("attempts", "delays"))

    def clean_voicemail_counts(self) -> str:
        return self.cleaned_data["voicemail_counts"] or Campaign.Voicemail.MESSAGE

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["retry_rules"] = {str(kind): rule for kind in Kind if (rule := self._rule(kind))}
        return data

    def _rule(self, kind: Kind) -> dict[str, Any]:
        data, rule = self.cleaned_data, dict[str, Any]()
        if attempts := data.get(attempts_of(kind)):
            rule["attempts"] = attempts
        if text := data.get(delays_of(kind)):
            try:
                rule["delays"] = [int(part) for part in text.replace(";", ",").split(",") if part.strip()]
                clean_rules({kind: rule})
            except ValueError:
                self.add_error(delays_of(kind), _("Write minutes with commas between them, each from 5 to 43200, such as 30, 120."))
                return {}
        if kind == Kind.SHORT_CALL and (rule or data.get(SECONDS)):
            rule["seconds"] = data.get(SECONDS) or SHORT_SECONDS
        return rule


def retry_values(rules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Stored rules as the form's initial values."""
    found: dict[str, Any] = {SECONDS: (rules.get(Kind.SHORT_CALL) or {}).get("seconds")}
    for kind in Kind:
        rule = rules.get(kind) or {}
        found[attempts_of(kind)] = rule.get("attempts")
        found[delays_of(kind)] = ", ".join(str(each) for each in rule.get("delays") or [])
    return found
