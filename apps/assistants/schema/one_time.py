"""One-time assistants and overrides (api 9.7), also as answers to assistant-request (webhooks 6)."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema.assistant import is_realtime
from apps.assistants.schema.configs import PARTS, check_eu
from apps.assistants.schema.defaults import CONFIGS
from apps.assistants.schema.fields import ASSISTANT_FIELDS, ONE_TIME_FIELDS, ONE_TIME_NAMES, read_fields
from apps.assistants.schema.report import Cleaned, Context, Report
from apps.catalog import providers

_INHERITED = ("provider", "model", "language")


def clean_one_time(data: Any, *, context: Context) -> Cleaned:
    """Judges a one-time assistant: `llm_config` is required, with a text provider `stt_config` and `tts_config` too.

    A config without `provider` takes provider, model and language from the platform default and nothing more.
    The values hold the keys sent; `resolve_override({}, values, context=…)` makes the whole assistant of them.
    """
    report = Report(context)
    sent = _sent(report, data, {})
    if sent is None:
        return report.cleaned({})
    sent = {key: value for key, value in sent.items() if value is not None or key not in CONFIGS}
    for key in _needed(sent.get("llm_config")):
        if key not in sent:
            report.missing(key)
    return _finish(report, sent, {})


def clean_override(data: Any, *, saved: Mapping[str, Any], context: Context) -> Cleaned:
    """Judges an `assistant_override` of a saved assistant; every key is optional and replaces that block whole.

    A config without `provider` takes provider, model and language from the saved block, else from the platform
    default, and nothing more.
    """
    report = Report(context, saved)
    sent = _sent(report, data, saved)
    return report.cleaned({}) if sent is None else _finish(report, sent, saved)


def resolve_override(saved: Mapping[str, Any], override: Mapping[str, Any], *, context: Context) -> dict[str, Any]:
    """The whole assistant for one call: a shallow merge, with `metadata` and without gaps.

    Args:
        saved: the saved assistant's values; `{}` for a one-time assistant.
        override: values of `clean_override` or `clean_one_time`.
    """
    base = {field.name: field.default for field in ASSISTANT_FIELDS}
    whole = copy.deepcopy({**base, "metadata": None, **saved, **override})
    whole["metadata"] = whole["metadata"] or {}
    if not saved:
        whole["recording_consent"] = None
    if not is_realtime(whole["llm_config"]):
        for key in ("stt_config", "tts_config"):
            if whole.get(key) is None:
                whole[key] = copy.deepcopy(context.defaults[key])
    return whole


def snake_keys(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A webhook answer in snake spelling (webhooks 6, api 10): known keys only, at the top and inside configs.

    A key that is there in both spellings keeps the snake one. Metadata, messages and tools stay as they are.
    """
    plain = _snake(answer, {*ONE_TIME_NAMES, "assistant", "assistant_id", "assistant_override", "error"})
    for key in ("assistant", "assistant_override"):
        if isinstance(plain.get(key), Mapping):
            plain[key] = snake_keys(plain[key])
    for key, part in PARTS.items():
        if isinstance(plain.get(key), Mapping):
            names = {name for provider in providers.providers(part) for name in provider.settings}
            plain[key] = _snake(plain[key], {*names, "provider", "model", "language", "voice_id"})
    return plain


def _snake(value: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, entry in value.items():
        snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()
        if snake == key or snake not in known:
            found[key] = entry
        elif snake not in value:
            found[snake] = entry
    return found


def _needed(llm_config: Any) -> tuple[str, ...]:
    if isinstance(llm_config, Mapping) and not is_realtime(llm_config):
        return CONFIGS
    return ("llm_config",)


def _sent(report: Report, data: Any, saved: Mapping[str, Any]) -> dict[str, Any] | None:
    if not isinstance(data, dict):
        report.refuse("", _("the assistant must be a JSON object"), "invalid_request")
        return None
    sent = {name: data[name] for name in ONE_TIME_NAMES if name in data}
    for key in CONFIGS:
        config = sent.get(key)
        if isinstance(config, dict) and config.get("provider") is None:
            source = saved.get(key) or report.context.defaults[key]
            taken = {name: source[name] for name in _INHERITED if source.get(name) is not None}
            sent[key] = {**taken, **{name: value for name, value in config.items() if name != "provider"}}
    return sent


def _finish(report: Report, sent: dict[str, Any], saved: Mapping[str, Any]) -> Cleaned:
    found = read_fields(report, sent, ONE_TIME_FIELDS)
    if report.context.eu_only and not report.problems and any(key in found for key in CONFIGS):
        check_eu(report, resolve_override(saved, found, context=report.context))
    return report.cleaned(found)
