"""An assistant as others see it: customers in webhooks (webhooks 5), a voice engine with a call (engine 4, 5)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal

from apps.assistants.schema.assistant import is_realtime
from apps.assistants.schema.tools import raw_tools, tool_name
from apps.catalog import providers
from apps.core.variables import fill

Direction = Literal["inbound", "outbound", "web"]

_CONFIGS = ("llm_config", "stt_config", "tts_config")
_PUBLIC = ("first_message", *_CONFIGS, "autonomous_silence_handling", "voicemail_detection")
# `secret` is the contract's key, the others are older or camel spellings seen in stored tools.
_SECRETS = frozenset({"secret", "server_secret", "serverSecret", "headers"})
# We route tool calls, so an engine learns neither where they go nor how they are signed (engine 5, rule 8).
_ROUTES = _SECRETS | {"url", "server", "server_url", "serverUrl"}
_FOR_ENGINE = (
    "speech_config",
    "max_duration_seconds",
    "autonomous_silence_handling",
    "silence_timeout_seconds",
    "analysis_plan",
    "gdpr_mode",
)


def public_view(values: Mapping[str, Any], *, assistant_id: str | None, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """`message.assistant` of an event: the resolved assistant, without any secret.

    Args:
        values: the assistant of the call, after overrides.
        assistant_id: None for a one-time assistant.
        metadata: what arrived with the call.
    """
    view: dict[str, Any] = {"id": assistant_id, "name": values.get("name")}
    view |= copy.deepcopy({key: values.get(key) for key in _PUBLIC})
    view["llm_config"] = _with_tools(view["llm_config"], [_without(t, _SECRETS) for t in raw_tools(view["llm_config"])])
    return {**view, "metadata": copy.deepcopy(dict(metadata))}


def without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values with tools that say neither how they are signed nor what they send along."""
    kept = copy.deepcopy(dict(values))
    kept.pop("webhook_secret", None)
    kept["llm_config"] = _with_tools(kept.get("llm_config"), [_without(t, _SECRETS) for t in raw_tools(kept.get("llm_config"))])
    return kept


def for_engine(
    values: Mapping[str, Any],
    *,
    direction: Direction,
    variables: Mapping[str, object],
    system_message: str | None = None,
    greeting: str | None = None,
) -> dict[str, Any]:
    """The one-time assistant that travels with a call to an engine with `one_time_full` (engine 4).

    Tools go without address and secret; `end_call` is added for silence handling (features 4); `{{name}}` is filled
    in system messages, greeting and voicemail message (features 1). Nothing stored is changed. The caller adds
    `metadata`, `record` and `voicemail_phrases`.

    Args:
        values: the assistant of the call, after overrides (`resolve_override`).
        direction: decides greeting, voicemail detection (outbound only) and consent (inbound only).
        variables: of the lead, or `metadata.variables`.
        system_message: the campaign's template, unfilled; one more system message after the assistant's own.
        greeting: the `first_message` of the outbound request; beats every other one.
    """
    sent = {key: copy.deepcopy(values.get(key)) for key in _FOR_ENGINE}
    sent["first_message"] = _filled(_greeting(values, direction, greeting), variables)
    sent["llm_config"] = _llm(values, variables, system_message)
    if not is_realtime(values.get("llm_config")):
        sent["stt_config"] = copy.deepcopy(values.get("stt_config"))
        sent["tts_config"] = copy.deepcopy(values.get("tts_config"))
    if direction == "outbound":
        sent["voicemail_detection"] = bool(values.get("voicemail_detection"))
        sent["voicemail_message"] = _filled(values.get("voicemail_message"), variables)
    if direction == "inbound":
        sent["recording_consent"] = copy.deepcopy(values.get("recording_consent"))
    return sent


def without_routes(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as an engine sees it: neither where it goes nor how it is signed."""
    kept: dict[str, Any] = _without(tool, _ROUTES)
    return kept


def clamped_turn_detection(llm_config: Mapping[str, Any]) -> dict[str, Any] | None:
    """`turn_detection` as it is used: numbers pulled into their range (api 9, rule 2); None when there is none."""
    found = llm_config.get("turn_detection")
    provider = providers.provider("llm", llm_config.get("provider"))
    setting = provider.settings.get("turn_detection") if provider else None
    if setting is None or not isinstance(found, Mapping):
        return None
    clamped = dict(found)
    for name, field in setting.fields.items():
        value = clamped.get(name)
        if value is not None and field.minimum is not None and field.maximum is not None:
            clamped[name] = max(field.minimum, min(field.maximum, value))
    return clamped


def _greeting(values: Mapping[str, Any], direction: Direction, greeting: str | None) -> str | None:
    if greeting is not None:
        return greeting
    outbound = (values.get("speech_config") or {}).get("first_message_outbound")
    return outbound if direction == "outbound" and outbound else values.get("first_message")


def _llm(values: Mapping[str, Any], variables: Mapping[str, object], system_message: str | None) -> dict[str, Any]:
    config = copy.deepcopy(dict(values["llm_config"]))
    tools = [_without(tool, _ROUTES) for tool in raw_tools(config)]
    if values.get("autonomous_silence_handling") and "end_call" not in [tool_name(tool) for tool in tools]:
        tools.append({"type": "end_call"})
    config = _with_tools(config, tools)
    config["messages"] = _messages(config.get("messages") or [], variables, system_message)
    turn_detection = clamped_turn_detection(config)
    return config if turn_detection is None else {**config, "turn_detection": turn_detection}


def _messages(
    messages: list[dict[str, Any]], variables: Mapping[str, object], system_message: str | None
) -> list[dict[str, Any]]:
    found = list(messages)
    if system_message:
        own = [index for index, message in enumerate(found) if message["role"] == "system"]
        found.insert(own[-1] + 1 if own else 0, {"role": "system", "content": system_message})
    return [
        {**message, "content": fill(message["content"], variables)} if message["role"] == "system" else message
        for message in found
    ]


def _filled(text: str | None, variables: Mapping[str, object]) -> str | None:
    return fill(text, variables) if text else text


def _with_tools(config: Any, tools: list[Any]) -> Any:
    return {**config, "tools": tools} if config and (tools or "tools" in config) else config


def _without(tool: Any, keys: frozenset[str]) -> Any:
    """The tool without those keys, at its top and in its parts; `parameters` are the customer's and stay whole."""
    if not isinstance(tool, Mapping):
        return tool
    kept = {key: value for key, value in tool.items() if key not in keys}
    return {key: value if key == "parameters" else _without(value, keys) for key, value in kept.items()}
