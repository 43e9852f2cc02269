"""Rules for JSON Schemas that customers write: tool parameters (api 9.6) and analysis results (api 8.10, 9.5)."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from apps.assistants.schema import values
from apps.assistants.schema.report import Report

BYTES_LIMIT = 64 * 1024


def read_object_schema(report: Report, path: str, value: Any) -> Any:
    """A JSON Schema of an object: at most 64 KiB, valid by draft 2020-12, without a remote `$ref`."""
    if not values.is_object(report, path, value):
        return value
    if value.get("type", "object") != "object":
        report.refuse(f"{path}.type", _("must be “object”"))
    elif len(json.dumps(value, ensure_ascii=False).encode()) > BYTES_LIMIT:
        report.refuse(path, _("must not be larger than %(limit)s KiB") % {"limit": BYTES_LIMIT // 1024})
    elif _has_remote_reference(value):
        report.refuse(path, _("must not refer to a schema elsewhere ($ref)"))
    elif problem := _flaw(value):
        report.refuse(path, _("is not a valid JSON Schema: %(problem)s") % {"problem": problem})
    return value


def _flaw(schema: dict[str, Any]) -> str | None:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = ".".join(str(part) for part in error.path)
        return f"{where}: {values.short(error.message)}" if where else values.short(error.message)
    except RecursionError:
        return _("it is nested too deeply")
    return None


def _has_remote_reference(schema: Any) -> bool:
    waiting = [schema]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            reference = found.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                return True
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return False
