"""Rules for single values: each reader notes what is wrong and returns the value to store, as it was sent."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from apps.assistants.schema.report import Report

NAME_LIMIT, URL_LIMIT, SPOKEN_LIMIT, PROMPT_LIMIT = 200, 2048, 2000, 100_000
EMAIL_LIMIT = 254  # the longest address SMTP can carry, and what a column of addresses holds
DEEPEST = 64

_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
# api 1: the only rule for numbers that arrive as E.164.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NOT_PRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")


def short(value: object) -> str:
    """A value as it may be quoted in a message: one line, never long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def plain(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def is_number(value: object) -> bool:
    """True for a JSON number; booleans are none, and NaN and infinities do not exist in JSON."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)


def is_whole(value: object) -> bool:
    return is_number(value) and (isinstance(value, int) or float(value).is_integer())  # type: ignore[arg-type]


def read_text(report: Report, path: str, value: Any, limit: int, least: int = 0) -> Any:
    if not isinstance(value, str):
        report.refuse(path, _("must be text"))
    elif len(value) > limit:
        report.refuse(path, _("must have at most %(limit)s characters") % {"limit": limit})
    elif least and not value.strip():
        report.refuse(path, _("must not be empty"))
    elif len(value) < least:
        report.refuse(path, _("must have at least %(limit)s characters") % {"limit": least})
    return value


def read_boolean(report: Report, path: str, value: Any) -> Any:
    if not isinstance(value, bool):
        report.refuse(path, _("must be true or false"))
    return value


def read_number(
    report: Report, path: str, value: Any, least: float | None, most: float | None, *, whole: bool = False
) -> Any:
    if whole and not is_whole(value):
        report.refuse(path, _("must be a whole number"))
    elif not is_number(value):
        report.refuse(path, _("must be a number"))
    elif (least is not None and value < least) or (most is not None and value > most):
        report.refuse(path, _range(least, most))
    return value


def _range(least: float | None, most: float | None) -> str:
    if least is None or most is None:
        bound = most if least is None else least
        text = _("must be at most %(bound)s") if least is None else _("must be at least %(bound)s")
        return text % {"bound": plain(bound or 0)}
    return _("must be between %(least)s and %(most)s") % {"least": plain(least), "most": plain(most)}


def is_list(report: Report, path: str, value: Any, most: int | None = None, least: int = 0) -> bool:
    """Notes what is wrong with a list's form and length; False when its entries cannot be looked at."""
    if not isinstance(value, list):
        report.refuse(path, _("must be a list"))
        return False
    if most is not None and len(value) > most:
        report.refuse(path, _("must have at most %(limit)s entries") % {"limit": most})
        return False
    if len(value) < least:
        report.refuse(path, _("must have at least %(limit)s entries") % {"limit": least})
        return False
    return True


def is_object(report: Report, path: str, value: Any) -> bool:
    if not isinstance(value, dict):
        report.refuse(path, _("must be an object"))
        return False
    return True


def has(report: Report, path: str, value: Mapping[str, Any], key: str) -> bool:
    """True when a required key is there; null and an empty text count as missing."""
    if value.get(key) is None or value[key] == "":
        report.missing(f"{path}.{key}")
        return False
    return True


def read_choice(report: Report, path: str, value: Any, choices: tuple[Any, ...]) -> Any:
    if isinstance(value, bool) or value not in choices:
        known = ", ".join(str(choice) for choice in choices)
        report.refuse(path, _("“%(value)s” is not one of: %(known)s") % {"value": short(value), "known": known})
    return value


def read_url(report: Report, path: str, value: Any) -> Any:
    """An http(s) address that may be called (api 8.1, webhooks 3); the context judges where it leads."""
    if not isinstance(value, str):
        report.refuse(path, _("must be text"))
    elif len(value) > URL_LIMIT:
        report.refuse(path, _("must have at most %(limit)s characters") % {"limit": URL_LIMIT})
    elif not _is_web_address(value):
        report.refuse(path, _("must be a web address that starts with http:// or https://"))
    elif problem := report.context.address_problem(value):
        report.refuse(path, problem)
    return value


def _is_web_address(value: str) -> bool:
    try:
        parsed = urlsplit(value)
        return parsed.scheme in ("http", "https") and bool(parsed.hostname) and not _NOT_PRINTABLE.search(value)
    except ValueError:
        return False


def read_email(report: Report, path: str, value: Any) -> Any:
    try:
        validate_email(value if isinstance(value, str) and len(value) <= EMAIL_LIMIT else None)
    except ValidationError:
        report.refuse(path, _("must be an e-mail address"))
    return value


def read_phone(report: Report, path: str, value: Any) -> Any:
    if not isinstance(value, str) or not _E164.fullmatch(re.sub(r"[ .\-]", "", value)):
        report.refuse(path, _("must be a phone number in international form, such as +31201234567"))
    return value


def read_uuid(report: Report, path: str, value: Any) -> bool:
    if isinstance(value, str) and _UUID.fullmatch(value):
        return True
    report.refuse(path, _("must be an id (UUID)"))
    return False


def is_storable(report: Report, path: str, value: Any) -> bool:
    """Refuses what JSON can carry into Python but PostgreSQL cannot keep: NUL, half characters, NaN, endless depth."""
    waiting = [(path, value, 0)]
    while waiting:
        where, found, depth = waiting.pop()
        if depth > DEEPEST:
            report.refuse(path, _("is nested too deeply"))
            return False
        if problem := _cannot_be_kept(found):
            report.refuse(where, problem)
            return False
        if isinstance(found, dict):
            waiting += [(f"{where}.{short(key)}", part, depth + 1) for key, part in found.items()]
            if any(_cannot_be_kept(key) for key in found):
                report.refuse(where, _("has a key with a character that cannot be stored"))
                return False
        elif isinstance(found, list):
            waiting += [(f"{where}.{index}", part, depth + 1) for index, part in enumerate(found)]
    return True


def _cannot_be_kept(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return _("must be a number")
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return _("holds a character that cannot be stored")
    return _("holds a character that cannot be stored") if "\x00" in value else None
