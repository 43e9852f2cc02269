"""A rule pack as a form: hours as people write them, JSON underneath."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.campaigns.models import Lead
from apps.campaigns.rules.packs import spans_from
from apps.campaigns.rules.schema import MOST_CALLS, MOST_DAYS, MOST_SILENCE, problems
from apps.campaigns.rules.words import HINTS, spans_words
from apps.core.errors import Invalid

DAYS = range(1, 8)
LIMITS = (1, 2)
EARLIEST, LATEST = dt.date(2000, 1, 1), dt.date(2100, 1, 1)
_SPAN = re.compile(r"^\s*(\d{1,2})(?:[:.](\d{2}))?\s*[-–—]\s*(\d{1,2})(?:[:.](\d{2}))?\s*$", re.ASCII)
_OF_TIME = ("hours", "open_on_holidays", "special_days")


class RuleForm(forms.Form):
    """What holds from a day on. `base`: the rules it starts from; what the form does not show is kept of them."""

    valid_from = forms.DateField(
        label=gettext_lazy("Holds from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("By the clock of the person called. Until then, what holds now goes on."),
    )  # fmt: skip
    has_hours = forms.BooleanField(label=gettext_lazy("Calls only at these hours"), required=False)
    open_on_holidays = forms.BooleanField(label=gettext_lazy("Also on public holidays"), required=False)
    special_days = forms.CharField(
        label=gettext_lazy("Shortened days"), required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "is-mono", "placeholder": "12-24 00:00-18:30"}),
        help_text=gettext_lazy("One a line: month-day and hours. They hold on top of the hours of that weekday."),
    )  # fmt: skip
    holds_for_service = forms.BooleanField(
        label=gettext_lazy("The hours hold for service calls too"), required=False,
        help_text=gettext_lazy("Otherwise for marketing only."),
    )
    silence_days = forms.IntegerField(
        label=gettext_lazy("Silence after a refusal"), required=False, min_value=1, max_value=MOST_SILENCE,
        widget=forms.NumberInput(attrs={"data-unit": gettext_lazy("days")}),
        help_text=gettext_lazy("Empty: for as long as the person is on the do-not-call list."),
    )  # fmt: skip
    consent = forms.MultipleChoiceField(
        label=gettext_lazy("Consent that is enough"), choices=Lead.Consent.choices, required=False,
        widget=forms.CheckboxSelectMultiple, help_text=gettext_lazy("None ticked: no consent is needed."),
    )  # fmt: skip
    attestation = forms.BooleanField(
        label=gettext_lazy("May be attested for a whole campaign"), required=False,
        help_text=gettext_lazy("Otherwise each lead needs its own, with its proof."),
    )
    hints = forms.MultipleChoiceField(
        label=gettext_lazy("What the caller sees to"), choices=list(HINTS.items()), required=False, widget=forms.CheckboxSelectMultiple
    )
    sources = forms.CharField(
        label=gettext_lazy("Sources"), widget=forms.Textarea(attrs={"rows": 3, "data-autosize": ""}),
        help_text=gettext_lazy("One a line: what it says, and an address if there is one."),
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=500, help_text=gettext_lazy("Why you changed it. Only your team sees it.")
    )

    def __init__(self, *args: Any, base: Mapping[str, Any], sources: Any = (), today: dt.date, **kwargs: Any) -> None:
        self.base, self.today = base, today
        kwargs["initial"] = {"valid_from": today, "sources": sources_text(sources)} | values_of(base)
        super().__init__(*args, **kwargs)
        for day in DAYS:
            self.fields[f"day_{day}"] = forms.CharField(
                label=WEEKDAYS[day - 1], required=False, max_length=100,
                widget=forms.TextInput(attrs={"class": "is-mono", "placeholder": _("never"), "autocomplete": "off"}),
            )  # fmt: skip
        for number in LIMITS:
            self.fields[f"calls_{number}"] = forms.IntegerField(
                label=_("Calls to a number"), required=False, min_value=1, max_value=MOST_CALLS
            )
            self.fields[f"days_{number}"] = forms.IntegerField(
                label=_("in"), required=False, min_value=1, max_value=MOST_DAYS, widget=forms.NumberInput(attrs={"data-unit": _("days")})
            )

    @property
    def day_fields(self) -> list[forms.BoundField]:
        return [self[f"day_{day}"] for day in DAYS]

    @property
    def limit_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"calls_{number}"], self[f"days_{number}"]) for number in LIMITS]

    def clean_valid_from(self) -> dt.date:
        day: dt.date = self.cleaned_data["valid_from"]
        if not EARLIEST <= day < LATEST:
            raise forms.ValidationError(_("Choose a day between 2000 and 2100."))
        return day

    def clean_special_days(self) -> list[dict[str, Any]]:
        lines = [line.split(maxsplit=1) for line in self.cleaned_data["special_days"].splitlines() if line.strip()]
        if any(len(line) < 2 for line in lines):
            raise forms.ValidationError(_("Write a day and its hours, for example: 12-24 00:00-18:30"))
        return [{"date": line[0], "hours": read_spans(line[1])} for line in lines]

    def clean_sources(self) -> list[dict[str, str]]:
        return [self._source(line) for line in self.cleaned_data["sources"].splitlines() if line.strip()]

    def _source(self, line: str) -> dict[str, str]:
        words = line.split()
        url = next((word for word in words if word.startswith(("https://", "http://"))), "")
        if url:
            URLValidator(schemes=["https", "http"])(url)
        text = " ".join(word for word in words if word != url)
        return {"text": text or url, "url": url, "kind": "own", "date": self.today.isoformat()}

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        for number in LIMITS:
            if (values.get(f"calls_{number}") is None) != (values.get(f"days_{number}") is None):
                self.add_error(f"calls_{number}", _("Enter how many calls, and in how many days."))
        hours = {str(day): self._day(day) for day in DAYS}
        if not self.errors:
            self.rules = self._rules(values, hours)
            for each in problems(self.rules):
                self.add_error(self._field(each.field), each.text)
        return values

    def refuse(self, error: Invalid) -> None:
        """Show what the service refused."""
        self.add_error(None, error.details or [error.text])

    def _day(self, day: int) -> list[list[str]]:
        try:
            return read_spans(self.cleaned_data.get(f"day_{day}", ""))
        except forms.ValidationError as error:
            self.add_error(f"day_{day}", error)
            return []

    def _rules(self, values: Mapping[str, Any], hours: dict[str, Any]) -> dict[str, Any]:
        of_time = {
            "hours": hours if values["has_hours"] else None, "open_on_holidays": values["open_on_holidays"],
            "special_days": values["special_days"],
        }  # fmt: skip
        limits = [
            {"calls": values[f"calls_{number}"], "days": values[f"days_{number}"]} for number in LIMITS if values[f"calls_{number}"]
        ]
        marketing = of_time | {
            "attempts": limits, "silence_days": values["silence_days"], "consent": values["consent"] or None,
            "attestation": values["attestation"],
        }  # fmt: skip
        kept = {key: value for key, value in (self.base.get("service") or {}).items() if key not in _OF_TIME}
        service = kept | (of_time if values["holds_for_service"] else {})
        return {"marketing": marketing, "service": service, "hints": values["hints"]}

    def _field(self, name: str) -> str | None:
        last = name.rpartition(".")[2]
        if last in [str(day) for day in DAYS]:
            return f"day_{last}"
        return {"attempts": "calls_1"}.get(last, last if last in self.fields else None)


def values_of(rules: Mapping[str, Any]) -> dict[str, Any]:
    """A pack as the form's values."""
    part, service = rules.get("marketing") or {}, rules.get("service") or {}
    hours = part.get("hours")
    found: dict[str, Any] = {
        "has_hours": hours is not None, "open_on_holidays": part.get("open_on_holidays", True),
        "special_days": "\n".join(f"{each['date']} {spans_text(each['hours'])}" for each in part.get("special_days") or ()),
        "holds_for_service": service.get("hours") is not None, "silence_days": part.get("silence_days"),
        "consent": part.get("consent") or [], "attestation": part.get("attestation", True), "hints": rules.get("hints") or [],
    }  # fmt: skip
    found |= {f"day_{day}": spans_text((hours or {}).get(str(day), ())) for day in DAYS}
    for number, limit in zip(LIMITS, part.get("attempts") or (), strict=False):
        found |= {f"calls_{number}": limit["calls"], f"days_{number}": limit["days"]}
    return found


def spans_text(pairs: Any) -> str:
    return spans_words(spans_from(pairs)).replace("–", "-")


def sources_text(sources: Any) -> str:
    return "\n".join(f"{each['text']} {each.get('url', '')}".strip() for each in sources)


def read_spans(text: str) -> list[list[str]]:
    """ "9-13, 14:00-20:00" as spans. Raises ValidationError."""
    found = []
    for part in filter(str.strip, re.split(r"[,;]", text)):
        if not (match := _SPAN.match(part)):
            raise forms.ValidationError(_("“%(text)s”: write hours as 09:00-13:00, 14:00-20:00.") % {"text": part.strip()})
        start_hour, start_minute, end_hour, end_minute = match.groups()
        found.append([f"{int(start_hour):02}:{start_minute or '00'}", f"{int(end_hour):02}:{end_minute or '00'}"])
    return found
