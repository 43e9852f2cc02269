"""One validator for an assistant, whoever sends it: form, API, import (api 8.1)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema.configs import check_eu
from apps.assistants.schema.defaults import CONFIGS
from apps.assistants.schema.fields import ASSISTANT_FIELDS, read_fields
from apps.assistants.schema.report import Cleaned, Context, Report
from apps.catalog import providers


def clean_assistant(
    data: Any, *, context: Context, partial: bool = False, stored: Mapping[str, Any] | None = None
) -> Cleaned:
    """Judges the body of POST (`partial=False`) or PATCH (`partial=True`) /assistants.

    Args:
        data: parsed JSON, anything. Unknown keys are ignored; configs come back exactly as sent.
        context: what lies outside the body.
        partial: only the keys sent are judged and returned; null clears a nullable field.
        stored: the assistant's present values, for PATCH: the rules for `tts_config` depend on its LLM.

    Returns:
        Cleaned: for POST every field of the table, for PATCH the changed ones. A new LLM of the other kind brings
        `tts_config` along: null for a realtime LLM unless the client stored one, the default for a text LLM.
    """
    report = Report(context, stored)
    if not isinstance(data, dict):
        report.refuse("", _("the body must be a JSON object"), "invalid_request")
        return report.cleaned({})
    if not partial:
        data = _without_missing(report, data)
    found = read_fields(report, data, ASSISTANT_FIELDS)
    if not report.problems:
        if not partial:
            found = _with_defaults(found, context)
        _settle_tts(found, report)
        if context.eu_only and any(key in found for key in CONFIGS):
            check_eu(report, {**report.stored, **found})
    return report.cleaned(found)


def is_realtime(llm_config: Mapping[str, Any] | None) -> bool:
    """True when this `llm_config` speaks itself and needs neither STT nor TTS."""
    return providers.is_realtime((llm_config or {}).get("provider"))


def language_of(stt_config: Mapping[str, Any] | None) -> str | None:
    """The language as the catalogue spells it, `nl-NL` is read as `nl`; an unknown one as it was sent."""
    language = (stt_config or {}).get("language")
    return (providers.language_code(language) or language) if isinstance(language, str) else None


def _without_missing(report: Report, data: dict[str, Any]) -> dict[str, Any]:
    gaps = [field.name for field in ASSISTANT_FIELDS if field.required and data.get(field.name) is None]
    for name in gaps:
        report.missing(name)
    return {key: value for key, value in data.items() if key not in gaps}


def _with_defaults(found: dict[str, Any], context: Context) -> dict[str, Any]:
    complete = {field.name: found.get(field.name, field.default) for field in ASSISTANT_FIELDS}
    for key in ("stt_config", "llm_config"):
        if complete[key] is None:
            complete[key] = copy.deepcopy(context.defaults[key])
    return complete


def _settle_tts(found: dict[str, Any], report: Report) -> None:
    if "tts_config" not in found and "llm_config" not in found:
        return
    default = report.context.defaults["tts_config"]
    stored = report.stored.get("tts_config")
    realtime = is_realtime(found.get("llm_config") or report.stored.get("llm_config"))
    if "tts_config" in found:
        if found["tts_config"] is None and not realtime:
            found["tts_config"] = copy.deepcopy(default)
    elif realtime and stored == default:
        found["tts_config"] = None
    elif not realtime and stored is None:
        found["tts_config"] = copy.deepcopy(default)
