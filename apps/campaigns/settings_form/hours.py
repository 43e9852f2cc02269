"""When it calls: the daily window, further windows, whose clock counts, public holidays."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.campaigns.forms import DAYS
from apps.campaigns.models import Campaign
from apps.campaigns.services.settings import MOST_WINDOWS, clean_windows
from apps.core.zones import ZONES

# Legacy aliases ("Israel", "Etc/GMT+3") are accepted and not proposed.
_OLD = ("Etc/", "SystemV/", "US/")
ZONE_CHOICES = [*sorted(zone for zone in ZONES if "/" in zone and not zone.startswith(_OLD)), "UTC"]
ROWS = "windows"
_ROW = re.compile(rf"^{ROWS}-(\d{{1,4}})-(?:days|start|end)$")


def clock() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


def days(**options: Any) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days"), choices=DAYS, coerce=int, widget=forms.CheckboxSelectMultiple(attrs={"class": "choice-days"}),
        error_messages={"required": gettext_lazy("Choose at least one day of the week.")}, **options,
    )  # fmt: skip


class WindowForm(forms.Form):
    """One further window. A row that was left empty is none."""

    days = days()
    start = forms.TimeField(
        label=gettext_lazy("From"), widget=clock(), error_messages={"required": gettext_lazy("Say when it begins.")}
    )
    end = forms.TimeField(
        label=gettext_lazy("Until"), widget=clock(), help_text=gettext_lazy("Not after the start: the next day."),
        error_messages={"required": gettext_lazy("Say when it ends.")},
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, empty_permitted=True, use_required_attribute=False, **kwargs)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("start") is not None and data.get("start") == data.get("end"):
            self.add_error("end", _("A window cannot end when it starts."))
        return data

    def value(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"days": data["days"], "start": f"{data['start']:%H:%M}", "end": f"{data['end']:%H:%M}"}


class HoursFields(forms.Form):
    schedule_start_time = forms.TimeField(label=gettext_lazy("From"), widget=clock())
    schedule_end_time = forms.TimeField(label=gettext_lazy("Until"), widget=clock())
    schedule_days = days()
    uses_lead_zone = forms.BooleanField(
        label=gettext_lazy("By the clock of the person called"), required=False,
        help_text=gettext_lazy(
            "The lead's own time zone counts, else that of the number. Where it may be one of several, all must be open."
        ),
    )  # fmt: skip
    timezone = forms.CharField(
        label=gettext_lazy("Time zone"), max_length=64,
        help_text=gettext_lazy("Of the campaign. It counts for whoever's own zone is not known, and for everybody when the switch is off."),
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    skips_holidays = forms.BooleanField(
        label=gettext_lazy("Not on public holidays"), required=False,
        help_text=gettext_lazy("Of the country and region of the person called."),
    )  # fmt: skip
    region = forms.CharField(
        label=gettext_lazy("Region"), required=False, max_length=10,
        help_text=gettext_lazy("Of the people called, where a lead has none: a code such as DE-BY or US-NY."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "DE-BY"}),
    )  # fmt: skip

    @property
    def zones(self) -> list[str]:
        return ZONE_CHOICES

    def clean_timezone(self) -> str:
        zone = str(self.cleaned_data["timezone"])
        if zone not in ZONES:
            raise forms.ValidationError(
                _("There is no time zone “%(name)s”. Choose one from the list.") % {"name": zone}
            )
        return zone

    def clean_region(self) -> str:
        return str(self.cleaned_data["region"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("schedule_start_time"), data.get("schedule_end_time")
        if start and end and end <= start:
            self.add_error("schedule_end_time", _("The end of the calling hours must be after their start."))
        return data


class WindowRows:
    """The further windows as rows of the form; `template` is an empty one for the browser."""

    def __init__(self, data: Mapping[str, Any] | None, windows: Sequence[Mapping[str, Any]], *, disabled: bool = False) -> None:
        if data is None or disabled:
            self.forms = [_row(place, initial=_initial(window)) for place, window in enumerate(windows)]
        else:
            places = sorted({int(match[1]) for key in data if (match := _ROW.match(key))})
            self.forms = [WindowForm(data, prefix=f"{ROWS}-{place}") for place in places[:MOST_WINDOWS]]
        for form in self.forms if disabled else []:
            for field in form.fields.values():
                field.disabled = True
        self.template = _row("__index__")
        self.spare = _row(len(self.forms) if data is None else 1 + max([-1, *(int(str(form.prefix).split("-")[1]) for form in self.forms)]))

    @property
    def has_errors(self) -> bool:
        return any(form.errors for form in self.forms)

    def is_valid(self) -> bool:
        found = [form.is_valid() for form in self.forms]
        return all(found)

    def values(self) -> list[dict[str, Any]]:
        return [form.value() for form in self.forms if form.is_bound and form.has_changed()]

    def words(self) -> str:
        """For a comparison of two versions of the form."""
        names = {str(value): str(label) for value, label in DAYS}
        rows = []
        for form in self.forms:
            chosen = ", ".join(names.get(str(day), "") for day in form["days"].value() or [])
            if chosen or form["start"].value():
                rows.append(f"{chosen} {_shown(form['start'].value())}–{_shown(form['end'].value())}")
        return "\n".join(rows)


def further(campaign: Campaign) -> list[dict[str, Any]]:
    """The windows after the one that the page's first line shows."""
    return list(campaign.windows or [])[1:]


def first_window(campaign: Campaign) -> dict[str, Any]:
    """The first line of the hours: the first of several windows, or the daily one."""
    if not campaign.windows:
        return {name: getattr(campaign, name) for name in ("schedule_start_time", "schedule_end_time", "schedule_days")}
    first = _initial(campaign.windows[0])
    return {"schedule_start_time": first["start"], "schedule_end_time": first["end"], "schedule_days": first["days"]}


def joined(data: Mapping[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """What is stored as `windows`: nothing while there is one line only. Raises ValueError with a sentence."""
    if not rows:
        return None
    first = {
        "days": data["schedule_days"], "start": f"{data['schedule_start_time']:%H:%M}", "end": f"{data['schedule_end_time']:%H:%M}",
    }  # fmt: skip
    return clean_windows([first, *rows])


def _row(place: object, **options: Any) -> WindowForm:
    return WindowForm(prefix=f"{ROWS}-{place}", **options)


def _initial(window: Mapping[str, Any]) -> dict[str, Any]:
    """A field for a time has no 24:00; until 0:00 is the same."""
    times = {name: dt.time.fromisoformat("00:00" if window[name] == "24:00" else window[name]) for name in ("start", "end")}
    return {"days": list(window["days"]), **times}


def _shown(value: object) -> str:
    return f"{value:%H:%M}" if isinstance(value, dt.time) else str(value or "")
