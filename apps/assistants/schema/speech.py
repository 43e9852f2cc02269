"""Rules for `speech_config` (api 9.4); parts, ranges and limits come from the catalogue."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.report import Report
from apps.assistants.schema.settings import check_setting
from apps.catalog import providers
from apps.catalog.providers import Setting


def read_speech(report: Report, path: str, value: Any) -> Any:
    """Every part is optional; null in a part means the same as leaving it out."""
    if not values.is_object(report, path, value):
        return value
    for name, part in providers.speech_settings().items():
        check_setting(report, f"{path}.{name}", value.get(name), part)
    _check_order(report, f"{path}.turn_taking", value.get("turn_taking"))
    _check_pronunciation(report, f"{path}.pronunciation", value.get("pronunciation"))
    return value


def _check_order(report: Report, path: str, turn_taking: Any) -> None:
    if not isinstance(turn_taking, dict):
        return
    fields = providers.speech_settings()["turn_taking"].fields
    for name, field in fields.items():
        if field.not_below and _is_below(turn_taking, field):
            report.refuse(f"{path}.{name}", _("must not be below %(other)s") % {"other": field.not_below})


def _is_below(turn_taking: dict[str, Any], field: Setting) -> bool:
    mine, other = turn_taking.get(field.name), turn_taking.get(field.not_below or "")
    return values.is_number(mine) and values.is_number(other) and mine < other  # type: ignore[operator]


def _check_pronunciation(report: Report, path: str, entries: Any) -> None:
    if not isinstance(entries, list):
        return
    for index, entry in enumerate(entries):
        for key in ("from", "to"):
            if isinstance(entry, dict) and entry.get(key) is None:
                report.missing(f"{path}.{index}.{key}")
