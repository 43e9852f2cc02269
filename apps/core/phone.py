"""Phone numbers: one expression for E.164, libphonenumber for national input, and nothing guessed (api 1)."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

import phonenumbers
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
)
from phonenumbers.geodata.locale import LOCALE_DATA
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

E164 = re.compile(r"^\+[1-9][0-9]{6,14}$", re.ASCII)
_SIGNS = re.compile(r"[\s.\-\u2010-\u2015\u2212]")

PROBLEMS: dict[str, str | Promise] = {
    "empty": _("There is no phone number."),
    "not_a_number": _("This is not a phone number."),
    "scientific": _("The spreadsheet has cut this number short; format the column as text and enter it again."),
    "two_numbers": _("There are two numbers here; keep the one to call."),
    "letters": _("This is text, not a phone number."),
    "too_short": _("The number is too short."),
    "too_long": _("The number is too long."),
    "impossible": _("No phone number of its country looks like this."),
    "no_country": _("Choose a country, or write the number with + and the country code."),
}
UNVERIFIED = "unverified"
WARNINGS: dict[str, str | Promise] = {
    UNVERIFIED: _("Possible, but not known as a number in use."),
}

_SCIENTIFIC = re.compile(r"[+-]?\d+([.,]\d+)?e[+-]?\d+", re.IGNORECASE)
_POWER = re.compile(r"\+?([1-9])[.,](\d{6,})e\+?(\d{1,2})", re.IGNORECASE | re.ASCII)
_DECIMAL_TAIL = re.compile(r"(?<=^\d{6})(\d*)[.,]0+$|(?<=^\+\d{6})(\d*)[.,]0+$")
_BETWEEN = re.compile(
    r"\s*[/,;|&\n\r]\s*|\s+[-–—]\s+|\s+(?:or|oder|of|ou|o|und|and|en|et|y|e|bzw\.?)\s+", re.IGNORECASE
)
_GROUPED = re.compile(r"\+?[0-9]+(?:[ \-][0-9]+)*", re.ASCII)
# Up to 20 digits in groups: nothing of what is looked for below can be in it.
_PLAIN = re.compile(r"(?=(?:\D*\d){1,20}\D*$)" + _GROUPED.pattern, re.ASCII)
_PLACEHOLDERS = frozenset(
    ("n/a", "na", "#n/a", "n.a.", "none", "null", "nan", "nil", "no", "unknown", "k.a.", "keine", "kein", "nein",
     "unbekannt", "n.v.t.", "nvt", "geen", "nee", "onbekend", "inconnu", "aucun", "non")
)  # fmt: skip
_IMPOSSIBLE = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    ValidationResult.TOO_LONG: "too_long",
}
_UNPARSED = {
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}
_CODES = frozenset(map(str, COUNTRY_CODE_TO_REGION_CODE))
_UNNAMED = {"XK": "Kosovo", "AC": "Ascension Island", "TA": "Tristan da Cunha"}


class Parsed(NamedTuple):
    """Either a `number` in E.164, perhaps with a `warning`, or a `problem`: keys of WARNINGS and PROBLEMS."""

    number: str | None = None
    problem: str | None = None
    warning: str | None = None


def clean_e164(text: str) -> str | None:
    """The number without spaces, dots and dashes when that is E.164, else None: the whole rule for E.164 input."""
    if "+" not in text:
        return None
    cleaned = _SIGNS.sub("", text)
    return cleaned if E164.match(cleaned) else None


def parse(text: str, country: str | None = None, *, warns: bool = False) -> Parsed:
    """Read a number as people write it.

    Args:
        text: a cell or a form field; may hold a spreadsheet's leading apostrophe.
        country: ISO 3166 code for numbers in national format; without it they are refused as `no_country`.
        warns: of a number that came as E.164 too, when it is not known as valid.
    """
    text = _tidy(text)
    number = clean_e164(text)
    if number:
        return Parsed(number, warning=warning_of(number) if warns else None)
    return _quickly(text, country) or _problem_before_parsing(text) or _by_library(text, country)


def warning_of(number: str) -> str | None:
    """A key of WARNINGS for an E.164 number that is possible, but not known as valid; None for one that is known.

    The number is taken as it stands: "+49 0 30 ..." holds a digit that only Germans dial, and is not known.
    """
    code = _code_of(number[1:4])
    national = number[1 + len(code) :]
    known = _known(code)
    if known is None:
        return None if code and phonenumbers.is_valid_number(_split(int(code), national)) else UNVERIFIED
    return None if known.fullmatch(national) else UNVERIFIED


@functools.cache
def _code_of(begin: str) -> str:
    """The calling code among the first three digits of a number; empty when there is none."""
    return next((code for end in (1, 2, 3) if (code := begin[:end]) in _CODES), "")


def _split(code: int, national: str) -> PhoneNumber:
    zeros = len(national) - len(national.lstrip("0"))
    return PhoneNumber(
        country_code=code, national_number=int(national), italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )  # fmt: skip


@functools.cache
def _known(code: str) -> re.Pattern[str] | None:
    """What `is_valid_number` matches, as one expression: any number of the country, which is of one of the kinds, mobile ones
    first, each with its lengths. None for a code that several countries share."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code), ()) if code else ()
    found = PhoneMetadata.metadata_for_region(regions[0]) if len(regions) == 1 else None
    if found is None:
        return None
    kinds = (found.general_desc, found.mobile, found.fixed_line, found.voip, found.toll_free, found.premium_rate,
             found.shared_cost, found.personal_number, found.pager, found.uan, found.voicemail)  # fmt: skip
    anything = found.general_desc.possible_length if found.general_desc else ()
    general, *others = [
        f"(?=(?:{'|'.join(f'.{{{length}}}' for length in kind.possible_length or anything)})\\Z)(?:{kind.national_number_pattern})"
        for kind in kinds
        if kind is not None and kind.national_number_pattern
    ]
    return re.compile(f"(?={general}\\Z)(?:{'|'.join(others)})")


def format_international(number: str) -> str:
    """An E.164 number grouped for reading: "+49 30 23125001"."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return number


def country_choices() -> list[tuple[str, str]]:
    """Every country that has phone numbers: ISO code and "Germany (+49)" in the language in use, sorted by name."""
    return list(_choices((get_language() or "en").partition("-")[0]))


def zones(number: str) -> list[str]:
    """The IANA time zones an E.164 number may be in; several for large countries, none when unknown."""
    try:
        found = time_zones_for_number(phonenumbers.parse(number))
    except NumberParseException:
        return []
    return [zone for zone in found if zone != UNKNOWN_TIMEZONE]


def _tidy(text: str) -> str:
    """Without what cannot be seen or means nothing: direction marks, odd digits and blanks, apostrophe, `tel:`."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(mark for mark in text if unicodedata.category(mark) != "Cf")
    text = text.strip()
    if text[:1] == "'":
        text = text[1:].strip()
    if text[:4].lower() == "tel:":
        text = text[4:].strip()
    if "." in text or "," in text:
        # Spreadsheets and data tools write whole numbers as decimals; the dot must not become a digit more.
        return _DECIMAL_TAIL.sub(r"\1\2", _whole(text))
    return text


def _whole(text: str) -> str:
    """A number that was written as a power of ten, when no digit of it was lost: 3.1612345678E10."""
    found = _POWER.fullmatch(text)
    if found is None or len(found[2]) < int(found[3]):
        return text
    power = int(found[3])
    return text if found[2][power:].strip("0") else found[1] + found[2][:power]


def _quickly(text: str, country: str | None) -> Parsed | None:
    """What the library would say, at a third of its price; None: ask it.

    Only for a number known as valid, of countries whose numbers are dialled with one 0 inside and 00 outside: there
    nothing but these can stand before it.
    """
    if not country or text[:1] != "0" or not (code := _simple_code(country)) or not _GROUPED.fullmatch(text):
        return None
    digits = text.replace(" ", "").replace("-", "")
    if digits.startswith("00"):
        number = f"+{digits[2:]}"
        if not any(_is_simple(number[1:end]) for end in (2, 3, 4)):
            return None
    else:
        number = f"+{code}{digits[1:]}"
    return Parsed(number) if E164.match(number) and warning_of(number) is None else None


@functools.cache
def _simple_code(country: str) -> str:
    """The calling code of a country that dials 0 and 00 and nothing else; empty for every other."""
    found = PhoneMetadata.metadata_for_region(country)
    if found is None or found.international_prefix != "00" or found.national_prefix_transform_rule:
        return ""
    if found.national_prefix != "0" or found.national_prefix_for_parsing != "0" or found.leading_zero_possible:
        return ""
    return str(found.country_code)


@functools.cache
def _is_simple(code: str) -> bool:
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code), ()) if code.isdecimal() else ()
    return len(regions) == 1 and _simple_code(regions[0]) == code


def _problem_before_parsing(text: str) -> Parsed | None:
    if _PLAIN.fullmatch(text):
        return None
    if not text:
        return Parsed(problem="empty")
    if _SCIENTIFIC.fullmatch(text):
        return Parsed(problem="scientific")
    if text.lower() in _PLACEHOLDERS or not any(mark.isalnum() for mark in text):
        return Parsed(problem="not_a_number")
    if _holds_two(text):
        return Parsed(problem="two_numbers")
    if any(mark.isalpha() for mark in text):
        return Parsed(problem="letters")
    if re.search(r"[^0-9+()\[\]\s./\-\u2010-\u2015\u2212]", text):
        return Parsed(problem="not_a_number")
    digits = sum(mark.isdigit() for mark in text)
    return Parsed(problem="too_long") if digits > 20 else None


def _holds_two(text: str) -> bool:
    """Whether a second number, or another ending, follows one that is already whole.

    A separator after fewer digits than a number has only sets off the area code: 069/90009444.
    """
    if re.search(r"\d{2}.*\+\s*\(?\d", text) and text.count("+") > 1:
        return True
    international = text.startswith(("+", "(+", "00"))
    for separator in _BETWEEN.finditer(text):
        before = sum(mark.isdigit() for mark in text[: separator.start()])
        after = sum(mark.isdigit() for mark in text[separator.end() :])
        if after and before >= (10 if international else 7):
            return True
    return False


def _by_library(text: str, country: str | None) -> Parsed:
    text = text.replace("/", " ")
    international = text.startswith(("+", "(+"))
    if not country and not international:
        if not re.match(r"00\s*[1-9]", text):
            return Parsed(problem="no_country")
        text = "+" + text[2:]
    try:
        found = phonenumbers.parse(text, country)
    except NumberParseException as error:
        return Parsed(problem=_UNPARSED.get(error.error_type) or _by_length(text))
    reason = phonenumbers.is_possible_number_with_reason(found)
    if reason != ValidationResult.IS_POSSIBLE:
        if country and re.match(r"00[1-9]", text):  # 00 is dialled abroad in most countries, but not in this one
            return _by_library("+" + text[2:], country)
        return Parsed(problem=_IMPOSSIBLE.get(reason) or _by_length(text))
    number = phonenumbers.format_number(found, PhoneNumberFormat.E164)
    if found.extension or not E164.match(number):
        return Parsed(problem=_by_length(number))
    return Parsed(number, warning=None if phonenumbers.is_valid_number(found) else UNVERIFIED)


def _by_length(text: str) -> str:
    """Which end of 7 to 15 digits is missed; "impossible" when neither."""
    digits = sum(mark.isdigit() for mark in text)
    return "too_short" if digits < 7 else "too_long" if digits > 15 else "impossible"


@functools.lru_cache(maxsize=8)
def _choices(language: str) -> tuple[tuple[str, str], ...]:
    rows = [
        (code, f"{_country_name(code, language)} (+{phonenumbers.country_code_for_region(code)})")
        for code in phonenumbers.SUPPORTED_REGIONS
    ]
    return tuple(sorted(rows, key=lambda row: unicodedata.normalize("NFD", row[1]).casefold()))


def _country_name(code: str, language: str) -> str:
    names = LOCALE_DATA.get(code, {})
    name = names.get(language) or names.get("en") or _UNNAMED.get(code, code)
    return names[name[1:]] if name.startswith("*") else name  # "*aa": the same as in language aa
