"""The slow and obvious way to say whether somebody may be called at an instant: look at the clock on each wall.

Written from the rules alone: it reads numbers, packs and holidays by itself and knows no spans of time, only one instant.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import phonenumbers
from phonenumbers import geocoder
from phonenumbers.timezone import time_zones_for_number

MINUTE = dt.timedelta(minutes=1)
PACKS = Path(__file__).parents[2] / "apps" / "campaigns" / "rules" / "packs"
EU = {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT",
      "NL", "PL", "PT", "RO", "SE", "SI", "SK"}  # fmt: skip
_calendars: dict[tuple[str, str], Any] = {}


@dataclass
class Person:
    """A number with what its lead says; `state` is told by the area code where it is None."""

    number: str
    zone: str = ""
    state: str | None = None

    def __post_init__(self) -> None:
        self.parsed = phonenumbers.parse(self.number)
        self.country = phonenumbers.region_code_for_number(self.parsed) or ""
        if self.state is None:
            self.state = state_of(self.parsed)

    @property
    def zones(self) -> list[str]:
        return [self.zone] if self.zone else list(time_zones_for_number(self.parsed))


@dataclass
class Oracle:
    """One campaign and the packs it works under: `packs` are rows of JSON, each with `rank` (0 wins)."""

    windows: list[dict[str, Any]]
    zone: str
    by_person: bool
    purpose: str
    skips_holidays: bool = False
    packs: list[dict[str, Any]] = field(default_factory=list)

    def is_open(self, person: Person, at: dt.datetime) -> bool:
        if not self.by_person and not self.in_windows(at.astimezone(ZoneInfo(self.zone))):
            return False
        return all(self.allows(person, at.astimezone(ZoneInfo(zone))) for zone in person.zones)

    def allows(self, person: Person, local: dt.datetime) -> bool:
        """By the wall clock of one place where the person may be."""
        if self.by_person and not self.in_windows(local):
            return False
        holiday = is_holiday(person, local.date())
        if holiday and self.skips_holidays:
            return False
        return all(says(rules, self.purpose, local, holiday) for rules in self.rules_of(person, local.date()))

    def in_windows(self, local: dt.datetime) -> bool:
        time, today, yesterday = local.strftime("%H:%M"), local.isoweekday(), (local - dt.timedelta(days=1)).isoweekday()
        for window in self.windows:
            start, end, days = window["start"], window["end"], window["days"]
            if start < end:
                if today in days and start <= time < end:
                    return True
            elif (today in days and time >= start) or (yesterday in days and time < end):
                return True
        return False

    def rules_of(self, person: Person, day: dt.date) -> list[dict[str, Any]]:
        wanted = [self.newest(person.country, "", day) or self.newest("ZZ", "", day)]
        if person.country in EU:
            wanted.append(self.newest("EU", "", day))
        regions = {pack["region"] for pack in self.packs if pack["country"] == person.country and pack.get("region")}
        for region in regions if not person.state else regions & {person.state}:
            wanted.append(self.newest(person.country, region, day))
        return [rules for rules in wanted if rules is not None]

    def newest(self, country: str, region: str, day: dt.date) -> dict[str, Any] | None:
        """The winning rank that has a version for the day, and of it the newest."""
        found = [
            pack for pack in self.packs
            if (pack["country"], pack.get("region", "")) == (country, region) and dt.date.fromisoformat(pack["valid_from"]) <= day
        ]  # fmt: skip
        if not found:
            return None
        best = min(pack["rank"] for pack in found)
        return max((pack for pack in found if pack["rank"] == best), key=lambda pack: pack["valid_from"])["rules"]


def says(rules: dict[str, Any], purpose: str, local: dt.datetime, holiday: bool) -> bool:
    part = rules.get(purpose, {})
    time = local.strftime("%H:%M")
    if holiday and part.get("open_on_holidays") is False:
        return False
    if part.get("hours") is not None and not within(part["hours"].get(str(local.isoweekday()), []), time):
        return False
    special = [each for each in part.get("special_days", []) if each["date"] == local.strftime("%m-%d")]
    return all(within(each["hours"], time) for each in special)


def within(spans: list[list[str]], time: str) -> bool:
    return any(start <= time < end for start, end in spans)


def is_holiday(person: Person, day: dt.date) -> bool:
    key = (person.country, person.state or "")
    if key not in _calendars:
        try:
            _calendars[key] = holidays.country_holidays(person.country, subdiv=person.state or None)
        except NotImplementedError:
            _calendars[key] = {}
    return day in _calendars[key]


def state_of(parsed: phonenumbers.PhoneNumber) -> str:
    """The state of an American number by what the geocoder calls its place; '' when that is no state."""
    if phonenumbers.region_code_for_number(parsed) not in ("US", "CA"):
        return ""
    calendar = holidays.country_holidays(phonenumbers.region_code_for_number(parsed))
    names = {str(name): code for name, code in calendar.subdivisions_aliases.items()} | {"Washington State": "WA"}
    last = geocoder.description_for_number(parsed, "en").split(", ")[-1]
    return last if last in calendar.subdivisions else names.get(last, "")


def shipped() -> list[dict[str, Any]]:
    """The shipped packs as they stand in their files, behind every edit."""
    return [pack | {"rank": 9} for path in PACKS.glob("*.json") for pack in json.loads(path.read_text())]


def walk(oracle: Oracle, person: Person, at: dt.datetime, wanted: bool, minutes: int) -> dt.datetime | None:
    """The first full minute from `at` on at which the answer is `wanted`, a minute at a time."""
    for _minute in range(minutes):
        if oracle.is_open(person, at) is wanted:
            return at
        at += MINUTE
    return None
