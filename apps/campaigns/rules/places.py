"""Where the person called is, as one text: country, region and every time zone that the number may be in.

No tables here: the migration that fills the column of old leads reads numbers the same way.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberParseException, PhoneNumberType
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.timezone import time_zones_for_geographical_number
from phonenumbers.tzdata import TIMEZONE_DATA

from apps.campaigns.rules.public_holidays import region_code
from apps.core.zones import ZONES

# Countries of the numbering plan that follow the rules of another one, as a region of it.
TERRITORIES = {"PR": "US", "GU": "US", "VI": "US", "AS": "US", "MP": "US", "AX": "FI", "SJ": "NO", "GP": "FR", "MQ": "FR",
               "GF": "FR", "RE": "FR", "YT": "FR", "BL": "FR", "MF": "FR"}  # fmt: skip
_REGION = re.compile(r"^([A-Z]{2})-([A-Z0-9]{1,6})$")
_NOWHERE = "001"


@dataclass(frozen=True)
class Place:
    """What `Lead.place` says. `zones`: in every one of them calling must be allowed; none: the campaign's."""

    country: str
    region: str
    zones: tuple[str, ...]


def place_of(*, phone_number: str, timezone: str = "", region: str = "") -> str:
    """The text for `Lead.place`: country|region|zone,zone (limits 1.5, 9 case 11).

    Args:
        phone_number: E.164.
        timezone: the lead's own zone; it takes the place of the number's when it exists.
        region: a subdivision of ISO 3166-2, with the country or without ("DE-BY", "BY", "Bavaria"). With one, it says where
            the person is, whatever the number's country.

    The zones of a number are those of its prefix when it belongs to a place, else all of its country: also of a number
    that is possible but not known as valid.
    """
    if not timezone and not region and (code := _code(phone_number)) in _plain_codes():
        return _place_of_code(code)
    return _place_of(phone_number, timezone, region)


@functools.cache
def _place_of_code(code: str) -> str:
    return _place_of(f"+{code}", "", "")


def _place_of(phone_number: str, timezone: str, region: str) -> str:
    country, zones = _of_number(phone_number)
    state = _state(country, phone_number)
    if country in TERRITORIES:
        country, state = TERRITORIES[country], country
    given = region.strip()
    if match := _REGION.match(given.upper()):
        country, state = match[1], region_code(match[1], match[2]) or match[2]
    elif given:
        state = region_code(country, given) or state
    if timezone in ZONES:
        zones = (timezone,)
    return f"{country}|{state}|{','.join(zones)}"


@functools.lru_cache(maxsize=50_000)
def read_place(text: str) -> Place:
    """The place behind a text of `place_of`; an empty one says nothing."""
    country, region, zones = [*text.split("|"), "", "", ""][:3]
    return Place(country, region, tuple(zone for zone in zones.split(",") if zone in ZONES))


def _of_number(number: str) -> tuple[str, tuple[str, ...]]:
    code = _code(number)
    if code and (known := _plain_codes().get(code)):
        return known
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return "", ()
    calling_code = parsed.country_code or 0
    country = phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(calling_code)
    return "" if country == _NOWHERE else country, _zones(parsed, calling_code)


def _zones(parsed: phonenumbers.PhoneNumber, calling_code: int) -> tuple[str, ...]:
    kind = phonenumbers.number_type(parsed)
    if kind != PhoneNumberType.UNKNOWN and is_number_type_geographical(kind, calling_code):
        found = time_zones_for_geographical_number(parsed)
    else:
        found = TIMEZONE_DATA.get(str(calling_code), ())
    return tuple(zone for zone in found if zone in ZONES)


def _code(number: str) -> str:
    """The calling code that a number in E.164 begins with, empty for none: no code begins another one."""
    return _code_in(number[1:4])


@functools.cache
def _code_in(begin: str) -> str:
    return next((begin[:length] for length in (1, 2, 3) if begin[:length] in _codes()), "")


@functools.cache
def _codes() -> frozenset[str]:
    return frozenset(str(code) for code in COUNTRY_CODE_TO_REGION_CODE)


@functools.cache
def _plain_codes() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Calling codes of one country in one zone: there the rest of the number says nothing about the place."""
    zones: dict[str, set[tuple[str, ...]]] = {code: set() for code in _codes()}
    for prefix, found in TIMEZONE_DATA.items():
        if begins := _code(f"+{prefix}"):
            zones[begins].add(found)
    return {
        code: (regions[0], tuple(zone for zone in next(iter(zones[code])) if zone in ZONES))
        for number, regions in COUNTRY_CODE_TO_REGION_CODE.items()
        if len(regions) == 1 and len(zones[code := str(number)]) == 1
    }


def _state(country: str, number: str) -> str:
    """The state or province that a number of the North American plan belongs to; '' for one that belongs to none."""
    return _area_codes().get((country, number[2:5]), "") if country in ("US", "CA") else ""


@functools.cache
def _area_codes() -> dict[tuple[str, str], str]:
    found = json.loads(Path(__file__).with_name("area_codes.json").read_text())
    return {(country, code): state for country, states in found.items() for state, codes in states.items() for code in codes.split()}
