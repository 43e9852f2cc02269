"""What people write for a time zone, a region and a consent, read into the values that are stored. Nothing is guessed:
what cannot be read for certain is None, and the row is refused with its reason."""

from __future__ import annotations

import datetime as dt
import functools
import re
import unicodedata
import zoneinfo

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from apps.campaigns.models import Lead
from apps.campaigns.rules.public_holidays import region_code
from apps.core.zones import ZONES

Consent = Lead.Consent

# Names of other systems for zones; the abbreviations of North America count only for numbers of +1: CST is China too.
_AMERICAN = {
    "et": "America/New_York", "est": "America/New_York", "edt": "America/New_York", "eastern": "America/New_York",
    "ct": "America/Chicago", "cst": "America/Chicago", "cdt": "America/Chicago", "central": "America/Chicago",
    "mt": "America/Denver", "mst": "America/Denver", "mdt": "America/Denver", "mountain": "America/Denver",
    "pt": "America/Los_Angeles", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "pacific": "America/Los_Angeles",
    "akst": "America/Anchorage", "alaska": "America/Anchorage", "hst": "Pacific/Honolulu", "hawaii": "Pacific/Honolulu",
    "ast": "America/Halifax", "atlantic": "America/Halifax", "nst": "America/St_Johns", "newfoundland": "America/St_Johns",
}  # fmt: skip
_EUROPEAN = {
    "cet": "Europe/Amsterdam", "cest": "Europe/Amsterdam", "mez": "Europe/Berlin", "mesz": "Europe/Berlin",
    "eet": "Europe/Athens", "eest": "Europe/Athens", "wet": "Europe/Lisbon", "west": "Europe/Lisbon",
    "bst": "Europe/London", "gmt": "Europe/London", "utc": "Etc/UTC", "z": "Etc/UTC", "msk": "Europe/Moscow",
}  # fmt: skip
_WINDOWS = {
    "weuropestandardtime": "Europe/Berlin", "romancestandardtime": "Europe/Paris", "gmtstandardtime": "Europe/London",
    "centraleuropestandardtime": "Europe/Budapest", "centraleuropeanstandardtime": "Europe/Warsaw",
    "flestandardtime": "Europe/Kiev", "gtbstandardtime": "Europe/Bucharest",
    "turkeystandardtime": "Europe/Istanbul", "russianstandardtime": "Europe/Moscow", "easternstandardtime": "America/New_York",
    "centralstandardtime": "America/Chicago", "mountainstandardtime": "America/Denver",
    "pacificstandardtime": "America/Los_Angeles", "usmountainstandardtime": "America/Phoenix",
    "alaskanstandardtime": "America/Anchorage", "hawaiianstandardtime": "Pacific/Honolulu",
    "atlanticstandardtime": "America/Halifax", "newfoundlandstandardtime": "America/St_Johns",
    "easterntime": "America/New_York", "centraltime": "America/Chicago", "mountaintime": "America/Denver",
    "pacifictime": "America/Los_Angeles", "indiastandardtime": "Asia/Kolkata", "chinastandardtime": "Asia/Shanghai",
    "tokyostandardtime": "Asia/Tokyo", "singaporestandardtime": "Asia/Singapore", "israelstandardtime": "Asia/Jerusalem",
    "arabianstandardtime": "Asia/Dubai", "southafricastandardtime": "Africa/Johannesburg",
    "auseasternstandardtime": "Australia/Sydney", "newzealandstandardtime": "Pacific/Auckland",
    "utcstandardtime": "Etc/UTC", "coordinateduniversaltime": "Etc/UTC",
}  # fmt: skip
# Without case, accents, blanks and signs, in the languages of the columns' names.
_CONSENTS: dict[str, frozenset[str]] = {
    Consent.EXPRESS: frozenset((
        "express", "expressconsent", "explicit", "explicitconsent", "consent", "yes", "y", "true", "1", "x", "optin", "optedin",
        "verbal", "oral", "given", "granted", "subscribed",
        "ja", "j", "waar", "toestemming", "uitdrukkelijk", "uitdrukkelijketoestemming", "mondeling", "gegeven",
        "wahr", "einwilligung", "ausdrucklich", "ausdrucklicheeinwilligung", "mundlich", "erteilt", "zugestimmt",
        "oui", "vrai", "consentement", "explicite", "si", "verdadero", "consentimiento", "explicito", "sim", "consenso", "tak",
    )),
    Consent.WRITTEN: frozenset((
        "written", "writtenconsent", "expresswritten", "expresswrittenconsent", "priorexpresswrittenconsent", "pewc", "signed",
        "doubleoptin", "doi",
        "schriftelijk", "schriftelijketoestemming", "getekend", "ondertekend",
        "schriftlich", "schriftlicheeinwilligung", "unterschrieben",
        "ecrit", "signe", "escrito", "porescrito", "firmado", "scritto", "firmato", "pisemna",
    )),
    Consent.CUSTOMER: frozenset((
        "customer", "existingcustomer", "client", "ebr", "existingbusinessrelationship", "softoptin",
        "klant", "bestaandeklant", "klantrelatie", "kunde", "bestandskunde", "kundin", "kundenbeziehung",
        "clientexistant", "cliente", "clienteexistente", "klient",
    )),
    "": frozenset((
        "no", "n", "false", "0", "none", "unknown", "nee", "onwaar", "geen", "onbekend", "nein", "falsch", "keine", "kein",
        "unbekannt", "non", "faux", "aucun", "nao", "nie",
    )),
}  # fmt: skip
_DAY = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[ T,]+(.+))?")
_CLOCK = re.compile(r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?(?:\s*uhr|\s*uur)?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_MONTH_FIRST = ("US", "PH")
# Countries of whose states a code must be known: it decides which law holds.
_WITH_RULES = {"US", "CA", "DE"}


def read_zone(text: str, number: str = "") -> str | None:
    """The IANA name of what somebody wrote; empty for nothing, None for what no zone is called.

    Args:
        number: E.164; the abbreviations of North America are believed only of its numbers.
    """
    return _zone(text.strip(), number.startswith("+1"))


def read_region(text: str, number: str = "", *, country: str = "") -> str | None:
    """A region's code in capitals (`BY`, `DE-BY`); a name (Bayern, New York) by the country of the number, or `country`.

    Empty for nothing, None for what is neither. A code that its country does not know is refused where states have rules
    of their own; elsewhere it adds nothing.
    """
    return _region(text.strip(), _countries(number[:4]) if number else (country,))


def read_consent(text: str) -> str | None:
    """A value of Lead.Consent; empty for nothing and for a no, None for a kind that nobody knows."""
    key = _key(text)
    if not key:
        return ""
    return next((kind for kind, words in _CONSENTS.items() if key in words), None)


def read_moment(text: str, *, zone: str, country: str = "") -> dt.datetime | None:
    """An instant from a date, with a time or without, or a Unix time. None for what is no date.

    Args:
        zone: IANA name, for what names none itself; a date alone is its beginning there.
        country: the month comes first in the United States, the day elsewhere.
    """
    text = text.strip()
    if re.fullmatch(r"1\d{9}(\d{3})?", text):
        return dt.datetime.fromtimestamp(int(text[:10]), dt.UTC)
    try:
        found = _iso(text) or _local(text, country)
        if found is None:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=zoneinfo.ZoneInfo(zone))).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _local(text: str, country: str) -> dt.datetime | None:
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    first, second, third = (int(found[place]) for place in (1, 2, 3))
    if len(found[1]) == 4:
        year, month, day = first, second, third
    else:
        year = third if len(found[3]) == 4 else 2000 + third
        day, month = (second, first) if country in _MONTH_FIRST and "/" in text else (first, second)
    hour, minute, second = _clock(found[4]) if found[4] else (0, 0, 0)
    return dt.datetime(year, month, day, hour, minute, second)


def _clock(text: str) -> tuple[int, int, int]:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    hour = int(found[1])
    if found[4]:
        hour = hour % 12 + (12 if found[4].lower().startswith("p") else 0)
    return hour, int(found[2]), int(found[3] or 0)


@functools.lru_cache(maxsize=4096)
def _zone(text: str, is_american: bool) -> str | None:
    key = _key(text)
    # Before the names themselves: the zone EST has no summer, and who writes it for New York means one that has.
    if "/" not in text and (named := (_AMERICAN.get(key) if is_american else None) or _EUROPEAN.get(key)):
        return named
    if not text or text in ZONES:
        return text
    return _zones_by_key().get(key) or _WINDOWS.get(key)


@functools.cache
def _zones_by_key() -> dict[str, str]:
    """IANA names without case and signs, and their cities where only one zone has that city. No bare abbreviations."""
    areas = [name for name in ZONES if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/"))]
    found: dict[str, str] = {}
    cities: dict[str, set[str]] = {}
    for name in areas:
        found[_key(name)] = name
        cities.setdefault(_key(name.rsplit("/", 1)[1]), set()).add(name)
    plain = {key: next(iter(names)) for key, names in cities.items() if len(names) == 1 and len(key) > 4}
    # "US/Eastern" must not make "eastern" a word for everybody.
    return {key: name for key, name in plain.items() if not name.startswith(("US/", "Canada/"))} | found


@functools.lru_cache(maxsize=4096)
def _region(text: str, countries: tuple[str, ...]) -> str | None:
    code = text.upper()
    if not text or re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,6}", code):
        return code
    if found := next(filter(None, (region_code(country, text) for country in countries)), None):
        return found
    if not re.fullmatch(r"[A-Z0-9]{1,3}", code) or set(countries) & _WITH_RULES:
        return None
    return code


@functools.lru_cache(maxsize=1024)
def _countries(prefix: str) -> tuple[str, ...]:
    digits = prefix[1:]
    found = next((known for length in (1, 2, 3) if (known := COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length] or 0)))), ())
    return tuple(found[:2])


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in plain if mark.isalnum())
