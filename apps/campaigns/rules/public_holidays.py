"""Public holidays by country and region, from the library; a country it does not know has none."""

from __future__ import annotations

import datetime as dt
import functools

import holidays


@functools.lru_cache(maxsize=2048)
def holidays_of(country: str, region: str, year: int) -> frozenset[dt.date]:
    """The public holidays of a year. `region` is a subdivision of ISO 3166-2; of one that is unknown the country's hold."""
    for subdivision in dict.fromkeys((region, "")):
        try:
            return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
        except (NotImplementedError, ValueError, TypeError, AttributeError, KeyError):
            continue
    return frozenset()


@functools.lru_cache(maxsize=10_000)
def region_code(country: str, text: str) -> str:
    """The code of a subdivision given as code or by its name ("Bayern"), '' when the country has none like it."""
    known, names = _subdivisions(country)
    plain = text.strip().casefold()
    return known.get(plain) or names.get(plain, "")


@functools.lru_cache(maxsize=300)
def regions_of(country: str) -> tuple[str, ...]:
    """The codes of a country's subdivisions, sorted; none where the library knows none."""
    return tuple(sorted(_subdivisions(country)[0].values()))


@functools.lru_cache(maxsize=300)
def _subdivisions(country: str) -> tuple[dict[str, str], dict[str, str]]:
    try:
        found = holidays.country_holidays(country)
    except (NotImplementedError, ValueError, TypeError):
        return {}, {}
    names = getattr(found, "subdivisions_aliases", None) or {}
    known = {code.casefold(): code for code in found.subdivisions}
    return known, {str(name).casefold(): str(code) for name, code in names.items()}
