"""Rule packs: what a country asks of whoever calls there, dated, with sources. Shipped ones are files beside this one."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.campaigns.window import Spans, Week, common, seconds_of, union

# ISO 3166 keeps these for their users: the European Union, and everywhere else.
EU, ELSEWHERE = "EU", "ZZ"
MEMBERS = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
     "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)  # fmt: skip
PURPOSES = ("marketing", "service")
Key = tuple[str, str]


@dataclass(frozen=True)
class NumberLimit:
    """At most `calls` calls to a number in any `days` days."""

    calls: int
    days: int


@dataclass(frozen=True)
class Part:
    """What a pack says of calls for one purpose. None: it says nothing of it."""

    hours: Week | None = None
    open_on_holidays: bool = True
    # Month and day to the spans of that day; they hold on top of the hours of its weekday.
    special_days: tuple[tuple[tuple[int, int], Spans], ...] = ()
    attempts: tuple[NumberLimit, ...] = ()
    silence_days: int | None = None
    consent: frozenset[str] | None = None
    attestation: bool = True

    def spans_of(self, day: dt.date, *, is_holiday: bool) -> Spans | None:
        """When the clock of the person called allows a call on that day; None: at any time."""
        if is_holiday and not self.open_on_holidays:
            return ()
        found = self.hours[day.weekday()] if self.hours is not None else None
        for when, spans in self.special_days:
            if when == (day.month, day.day):
                found = common(found, spans) if found is not None else spans
        return found


@dataclass(frozen=True)
class Pack:
    """A version of the rules of a country (or of a region of it), in force from a day on."""

    valid_from: dt.date
    marketing: Part
    service: Part
    hints: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        # Asked for once per zone and place: the values behind it are many.
        return hash((self.valid_from, self.marketing, self.service, self.hints))

    def part(self, purpose: str) -> Part:
        return self.marketing if purpose == "marketing" else self.service


# Versions of a pack, oldest first: each holds from its day until the next one begins.
Line = tuple[Pack, ...]


def in_force(line: Line, day: dt.date) -> Pack | None:
    """The version with the newest first day that is not after `day`."""
    return next((pack for pack in reversed(line) if pack.valid_from <= day), None)


def pack_of(rules: Mapping[str, Any], valid_from: dt.date) -> Pack:
    """A pack from JSON that `schema.problems` finds nothing wrong with."""
    parts = {purpose: _part(rules.get(purpose) or {}) for purpose in PURPOSES}
    return Pack(valid_from, parts["marketing"], parts["service"], tuple(rules.get("hints") or ()))


def _part(data: Mapping[str, Any]) -> Part:
    hours, consent = data.get("hours"), data.get("consent")
    return Part(
        hours=None if hours is None else tuple(spans_from(hours.get(str(day), ())) for day in range(1, 8)),
        open_on_holidays=bool(data.get("open_on_holidays", True)),
        special_days=tuple(
            ((int(each["date"][:2]), int(each["date"][3:])), spans_from(each["hours"])) for each in data.get("special_days") or ()
        ),
        attempts=tuple(NumberLimit(each["calls"], each["days"]) for each in data.get("attempts") or ()),
        silence_days=data.get("silence_days"),
        consent=None if consent is None else frozenset(consent),
        attestation=bool(data.get("attestation", True)),
    )


def spans_from(pairs: Iterable[Iterable[str]]) -> Spans:
    return union(tuple(seconds_of(text) for text in pair) for pair in pairs)  # type: ignore[misc]


@dataclass(frozen=True)
class Shipped:
    """A version as it is shipped, with what the page says about it."""

    country: str
    region: str
    valid_from: dt.date
    rules: dict[str, Any]
    sources: tuple[dict[str, Any], ...]


@functools.cache
def shipped() -> dict[Key, tuple[Shipped, ...]]:
    """All shipped versions by country and region, oldest first."""
    found: dict[Key, list[Shipped]] = {}
    for path in sorted((Path(__file__).parent / "packs").glob("*.json")):
        for each in json.loads(path.read_text()):
            key = (each["country"], each.get("region", ""))
            day = dt.date.fromisoformat(each["valid_from"])
            found.setdefault(key, []).append(Shipped(*key, day, each["rules"], tuple(each["sources"])))
    return {key: tuple(sorted(versions, key=lambda version: version.valid_from)) for key, versions in found.items()}


@functools.cache
def shipped_lines() -> dict[Key, Line]:
    return {key: tuple(pack_of(each.rules, each.valid_from) for each in versions) for key, versions in shipped().items()}
