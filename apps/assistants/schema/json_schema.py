"""Rules for JSON Schemas that customers write: tool parameters (api 9.6) and analysis results (api 8.10, 9.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry

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


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """Judges values by a customer's schema, and does nothing else for it.

    References to elsewhere raise: the library would fetch them. Patterns do not count: a hostile one would stop the whole
    process, because the interpreter's expressions know no limit of time.
    """
    return Draft202012Validator(_without_patterns(dict(schema)), registry=Registry())


def _without_patterns(found: Any) -> Any:
    if isinstance(found, list):
        return [_without_patterns(each) for each in found]
    if not isinstance(found, dict):
        return found
    left_out = {"pattern"} if isinstance(found.get("pattern"), str) else set()
    if "patternProperties" in found:
        left_out |= {"patternProperties", "additionalProperties", "unevaluatedProperties"}
    return {name: _without_patterns(each) for name, each in found.items() if name not in left_out}


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
            references = (found.get(name) for name in ("$ref", "$dynamicRef"))
            if any(isinstance(each, str) and not each.startswith("#") for each in references):
                return True
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return False
