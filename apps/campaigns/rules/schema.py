"""The shape of a rule pack: one validator for the form, the admin and the files that are shipped.

    {"marketing": {…}, "service": {…}, "hints": [keys of HINTS]}, each purpose with any of
    hours             {"1": [["09:00", "13:00"], …], …, "7": []}: spans of each weekday (Monday is 1); absent: no rule
    open_on_holidays  false: no calls on public holidays (default true)
    special_days      [{"date": "12-24", "hours": [["00:00", "18:30"]]}]: hold on top of the hours of the weekday
    attempts          [{"calls": 4, "days": 30}]: calls to a number, over all campaigns; all of them hold
    silence_days      how long somebody who refused is left alone; absent: no period
    consent           kinds of Lead.Consent of which a lead needs one; absent: none is needed
    attestation       whether what is attested for a whole campaign is enough (default true)
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.campaigns.models import Lead
from apps.campaigns.rules.packs import PURPOSES
from apps.campaigns.window import seconds_of

HINT_KEYS = (
    "ai_disclosure", "identify", "caller_id", "objection", "register", "keep_proof", "abandoned", "express_consent",
)  # fmt: skip
PART_KEYS = ("hours", "open_on_holidays", "special_days", "attempts", "silence_days", "consent", "attestation")
MOST_CALLS, MOST_DAYS, MOST_SILENCE, MOST_SPANS, MOST_SPECIAL, MOST_LIMITS = 1000, 366, 3660, 6, 40, 4
_TIME = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", re.ASCII)
_DATE = re.compile(r"^[0-9]{2}-[0-9]{2}$", re.ASCII)


@dataclass(frozen=True)
class Problem:
    """What is wrong, and at which field: "marketing.hours.1"."""

    field: str
    text: str


def problems(rules: Any) -> list[Problem]:
    """Everything that is wrong with the JSON of a pack; empty when it can be used."""
    if not isinstance(rules, dict):
        return [Problem("rules", _("A rule pack is an object."))]
    found = [_unknown(key, "") for key in rules if key not in (*PURPOSES, "hints")]
    for purpose in PURPOSES:
        found += _part(purpose, rules.get(purpose, {}))
    hints = rules.get("hints", [])
    if not isinstance(hints, list) or any(hint not in HINT_KEYS for hint in hints):
        found.append(Problem("hints", _("Use only these: %(names)s.") % {"names": ", ".join(HINT_KEYS)}))
    return found


def _part(purpose: str, part: Any) -> Iterator[Problem]:
    if not isinstance(part, dict):
        yield Problem(purpose, _("What holds for a purpose is an object."))
        return
    for key in part:
        if key not in PART_KEYS:
            yield _unknown(key, f"{purpose}.")
    yield from _hours(f"{purpose}.hours", part.get("hours"))
    yield from _special_days(f"{purpose}.special_days", part.get("special_days") or [])
    yield from _attempts(f"{purpose}.attempts", part.get("attempts") or [])
    silence, consent = part.get("silence_days"), part.get("consent")
    if silence is not None and not _is_number(silence, MOST_SILENCE):
        yield Problem(f"{purpose}.silence_days", _("Enter a number of days from 1 to %(most)s.") % {"most": MOST_SILENCE})
    if consent is not None and (not isinstance(consent, list) or not consent or set(map(str, consent)) - set(Lead.Consent.values)):
        names = ", ".join(Lead.Consent.values)
        yield Problem(f"{purpose}.consent", _("Choose one or more of these: %(names)s.") % {"names": names})
    for key in ("open_on_holidays", "attestation"):
        if not isinstance(part.get(key, True), bool):
            yield Problem(f"{purpose}.{key}", _("Enter true or false."))


def _hours(name: str, hours: Any) -> Iterator[Problem]:
    if hours is None:
        return
    if not isinstance(hours, dict) or set(hours) - {str(day) for day in range(1, 8)}:
        yield Problem(name, _("Give the hours of the weekdays 1 (Monday) to 7 (Sunday)."))
        return
    for day, spans in hours.items():
        if text := spans_problem(spans):
            yield Problem(f"{name}.{day}", text)


def spans_problem(spans: Any) -> str | None:
    """What is wrong with the spans of one day."""
    if not isinstance(spans, list) or len(spans) > MOST_SPANS:
        return _("Give at most %(most)s spans of time for a day.") % {"most": MOST_SPANS}
    last = 0
    for span in spans:
        if not isinstance(span, list) or len(span) != 2 or not all(isinstance(each, str) and _TIME.match(each) for each in span):
            return _("Write times as 09:00, from 00:00 to 24:00.")
        start, end = (seconds_of(each) for each in span)
        if start >= end:
            return _("%(start)s–%(end)s: the end must be after the start.") % {"start": span[0], "end": span[1]}
        if start < last:
            return _("%(start)s–%(end)s overlaps the span before it.") % {"start": span[0], "end": span[1]}
        last = end
    return None


def _special_days(name: str, days: Any) -> Iterator[Problem]:
    if not isinstance(days, list) or len(days) > MOST_SPECIAL:
        yield Problem(name, _("Give at most %(most)s special days.") % {"most": MOST_SPECIAL})
        return
    seen = set()
    for each in days:
        date = each.get("date") if isinstance(each, dict) else None
        if not is_day(date):
            yield Problem(name, _("Write a special day as month-day, for example 12-24."))
        elif date in seen:
            yield Problem(name, _("%(date)s is there twice.") % {"date": date})
        elif text := spans_problem(each.get("hours")):
            yield Problem(name, f"{date}: {text}")
        seen.add(date)


def is_day(text: Any) -> bool:
    """Whether a text is a day that some year has, as 02-29."""
    if not isinstance(text, str) or not _DATE.match(text):
        return False
    try:
        dt.date(2000, int(text[:2]), int(text[3:]))
    except ValueError:
        return False
    return True


def _attempts(name: str, limits: Any) -> Iterator[Problem]:
    if not isinstance(limits, list) or len(limits) > MOST_LIMITS:
        yield Problem(name, _("Give at most %(most)s limits.") % {"most": MOST_LIMITS})
        return
    for each in limits:
        calls, days = (each.get("calls"), each.get("days")) if isinstance(each, dict) else (None, None)
        if not _is_number(calls, MOST_CALLS) or not _is_number(days, MOST_DAYS):
            values = {"calls": MOST_CALLS, "days": MOST_DAYS}
            yield Problem(name, _("Enter 1 to %(calls)s calls in 1 to %(days)s days.") % values)


def _is_number(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _unknown(key: Any, prefix: str) -> Problem:
    return Problem(f"{prefix}{key}", _("There is no rule of this name."))
