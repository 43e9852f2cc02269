"""Rules for `stt_config`, `llm_config` and `tts_config` (api 9, 9.1-9.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.report import Report
from apps.assistants.schema.settings import check_setting
from apps.assistants.schema.tool_rules import check_tools
from apps.catalog import eu, providers
from apps.catalog.providers import Part, Provider

ROLES = ("system", "user", "assistant")
TEMPERATURE = (0, 2)  # of every provider (api 9.2)
PARTS: dict[str, Part] = {"stt_config": "stt", "llm_config": "llm", "tts_config": "tts"}


def read_config(report: Report, path: str, value: Any) -> Any:
    """A config, echoed exactly as sent; the last word of `path` says which part it is."""
    part = PARTS[path.rpartition(".")[2]]
    if not values.is_object(report, path, value):
        return value
    present = [values.has(report, path, value, key) for key in providers.required_keys(part)]
    found = _provider(report, f"{path}.provider", value.get("provider"), part)
    if found is None:
        return value
    _check_model(report, f"{path}.model", value.get("model"), found)
    _check_settings(report, path, value, found)
    if part == "stt" and all(present):
        _check_language(report, f"{path}.language", value["language"])
    elif part == "llm":
        check_messages(report, f"{path}.messages", value.get("messages"), ROLES)
        check_tools(report, f"{path}.tools", value.get("tools"))
    elif part == "tts" and all(present):
        _check_voice(report, f"{path}.voice_id", value["voice_id"], found)
    return value


def read_llm_override(report: Report, path: str, value: Any) -> Any:
    """`llm_config` of a workflow node: any of provider, model, temperature; the assistant gives the rest (api 8.15)."""
    if not values.is_object(report, path, value):
        return value
    if providers.is_realtime(value.get("provider")):
        report.refuse(f"{path}.provider", "realtime_provider_not_allowed_per_node")
        return value
    found = _provider(report, f"{path}.provider", value.get("provider"), "llm")
    if found is not None:
        _check_model(report, f"{path}.model", value.get("model"), found)
    elif value.get("model") is not None:
        values.read_text(report, f"{path}.model", value["model"], values.NAME_LIMIT, 1)
    if value.get("temperature") is not None:
        values.read_number(report, f"{path}.temperature", value["temperature"], *TEMPERATURE)
    return value


def check_eu(report: Report, assistant: Mapping[str, Any]) -> None:
    """The organization's switch "EU only": every part in use must keep to the EU (platform 9)."""
    llm = assistant.get("llm_config") or {}
    unused = ("stt", "tts") if providers.is_realtime(llm.get("provider")) else ()
    for key, part in PARTS.items():
        config = assistant.get(key)
        if config and part not in unused and not eu.keeps_to_eu(part, config):
            report.refuse(f"{key}.provider", _("this choice does not keep the processing in the EU"))


def _provider(report: Report, path: str, value: Any, part: Part) -> Provider | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        report.refuse(path, _("must be text"))
        return None
    found = providers.provider(part, value)
    if found is None:
        known = ", ".join(entry.id for entry in providers.providers(part))
        text = _("“%(value)s” is not a known provider; known are: %(known)s")
        report.refuse(path, text % {"value": values.short(value), "known": known}, "unknown_provider")
    elif found.local and not report.context.local_models:
        report.refuse(path, _("local models are not switched on for this organization"))
    return found


def _check_model(report: Report, path: str, value: Any, found: Provider) -> None:
    if value is None or value == "":
        return
    before = len(report.problems)
    values.read_text(report, path, value, values.NAME_LIMIT, 1)
    if len(report.problems) > before or found.knows_model(value):
        return
    text = _("“%(model)s” is not a known model of %(provider)s") % {"model": value, "provider": found.label}
    if report.context.strict_models:
        report.refuse(path, text)
    else:
        report.warn(path, text)


def _check_settings(report: Report, path: str, config: dict[str, Any], found: Provider) -> None:
    model = config.get("model") if isinstance(config.get("model"), str) else None
    for name in found.refused_settings(model):
        if config.get(name) is not None:
            report.refuse(f"{path}.{name}", _("the model %(model)s does not take this setting") % {"model": model})
    for name, setting in found.settings_for(model).items():
        if found.part == "stt" and name == "language":
            continue
        # Gladia writes `endpointing` in seconds: on Deepgram a non-integer is Gladia's (api 9, rule 3).
        if (found.part, found.id, name) == ("stt", "deepgram", "endpointing") and not values.is_whole(config.get(name)):
            continue
        if name not in found.refused_settings(model):
            check_setting(report, f"{path}.{name}", config.get(name), setting)


def _check_language(report: Report, path: str, value: Any) -> None:
    before = len(report.problems)
    values.read_text(report, path, value, values.NAME_LIMIT, 1)
    if len(report.problems) == before and providers.language_code(value) is None:
        report.warn(path, _("“%(language)s” is not a known language") % {"language": values.short(value)})


def _check_voice(report: Report, path: str, value: Any, found: Provider) -> None:
    known = tuple(sorted(report.context.local_voices)) if found.id == "piper" else found.voices
    if known is None:
        values.read_text(report, path, value, values.NAME_LIMIT, 1)
    elif value not in known:
        text = _("“%(voice)s” is not a voice of %(provider)s")
        report.refuse(path, text % {"voice": values.short(value), "provider": found.label})


def check_messages(report: Report, path: str, value: Any, roles: tuple[str, ...]) -> None:
    if value is None or not values.is_list(report, path, value):
        return
    for index, entry in enumerate(value):
        where = f"{path}.{index}"
        if not values.is_object(report, where, entry):
            continue
        if values.has(report, where, entry, "role"):
            values.read_choice(report, f"{where}.role", entry["role"], roles)
        if entry.get("content") is None:
            report.missing(f"{where}.content")
        else:
            values.read_text(report, f"{where}.content", entry["content"], values.PROMPT_LIMIT)
