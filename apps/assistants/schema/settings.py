"""One rule for every setting that the catalogue describes: type, range, choices, parts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.report import Report
from apps.catalog.providers import Setting

# Settings that hold a prompt rather than a word; all other texts follow the limit of spoken texts.
_PROMPTS = frozenset({"instructions"})


def check_setting(report: Report, path: str, value: Any, setting: Setting) -> None:
    """Null means: not set."""
    if value is None:
        return
    if setting.choices:
        values.read_choice(report, path, value, setting.choices)
        return
    _CHECKS[setting.type](report, path, value, setting)


def check_fields(report: Report, path: str, value: dict[str, Any], setting: Setting) -> None:
    """The known keys of an object; unknown ones are stored as they are (api 1)."""
    for name in setting.required:
        values.has(report, path, value, name)
    for name, part in setting.fields.items():
        check_setting(report, f"{path}.{name}", value.get(name), _without_range(part) if setting.clamped else part)


def _without_range(setting: Setting) -> Setting:
    return Setting(name=setting.name, type=setting.type)


def _text(report: Report, path: str, value: Any, setting: Setting) -> None:
    limit = setting.max_length or (values.PROMPT_LIMIT if setting.name in _PROMPTS else values.SPOKEN_LIMIT)
    before = len(report.problems)
    values.read_text(report, path, value, limit, setting.min_length or 0)
    least = setting.min_letters_or_digits
    if least and len(report.problems) == before and sum(letter.isalnum() for letter in value) < least:
        report.refuse(path, _("must have at least %(limit)s letters or digits") % {"limit": least})


def _boolean(report: Report, path: str, value: Any, setting: Setting) -> None:
    values.read_boolean(report, path, value)


def _number(report: Report, path: str, value: Any, setting: Setting) -> None:
    values.read_number(report, path, value, setting.minimum, setting.maximum)


def _integer(report: Report, path: str, value: Any, setting: Setting) -> None:
    values.read_number(report, path, value, setting.minimum, setting.maximum, whole=True)


def _array(report: Report, path: str, value: Any, setting: Setting) -> None:
    if not values.is_list(report, path, value, setting.max_items, setting.min_items or 0):
        return
    for index, entry in enumerate(value):
        where = f"{path}.{index}"
        if setting.discriminator:
            _variant(report, where, entry, setting)
        elif setting.items:
            _entry(report, where, entry, setting.items)


def _entry(report: Report, path: str, entry: Any, setting: Setting) -> None:
    if entry is None:
        report.refuse(path, _("must not be null"))
    else:
        check_setting(report, path, entry, setting)


def _variant(report: Report, path: str, entry: Any, setting: Setting) -> None:
    if not values.is_object(report, path, entry) or not values.has(report, path, entry, setting.discriminator or ""):
        return
    kind = entry[setting.discriminator]
    variant = setting.variants.get(kind) if isinstance(kind, str) else None
    if variant is None:
        values.read_choice(report, f"{path}.{setting.discriminator}", kind, tuple(setting.variants))
    else:
        check_fields(report, path, entry, variant)


def _object(report: Report, path: str, value: Any, setting: Setting) -> None:
    if values.is_object(report, path, value):
        check_fields(report, path, value, setting)


_CHECKS = {
    "string": _text,
    "boolean": _boolean,
    "number": _number,
    "integer": _integer,
    "array": _array,
    "object": _object,
}
