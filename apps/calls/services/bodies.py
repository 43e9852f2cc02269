"""What an engine is sent with a call. The same row gives the same body, so that a repeat is the same request."""

from __future__ import annotations

from typing import Any, Literal

from apps.assistants.schema import for_engine
from apps.assistants.sync import EVENTS, copied_llm
from apps.calls.models import TEXT, Call
from apps.calls.services.incoming import MARK
from apps.calls.services.keys import credentials
from apps.calls.services.recordings import is_wanted
from apps.calls.services.snapshot import Private, private_of
from apps.catalog.services.lookup import KeyRing
from apps.core.api import instant
from apps.voice.capabilities import Capabilities
from apps.voice.models import Connection
from apps.voice.services import hook_url

RING_SECONDS = 30
# Of a one-time assistant the base wire keeps these keys only (api 9.7).
CONTRACT = (
    "first_message", "stt_config", "llm_config", "tts_config", "max_duration_seconds", "autonomous_silence_handling",
    "silence_timeout_seconds", "voicemail_detection", "voicemail_message", "metadata",
)  # fmt: skip


def dial_body(call: Call, capabilities: Capabilities, ring: KeyRing | None = None) -> dict[str, Any]:
    """The body of `POST /calls/outbound`: extensions only where the engine announces them (engine 4).

    Args:
        ring: the call's provider keys, read for this request (`keys.call_ring`).
    """
    private = private_of(call)
    body: dict[str, Any] = {"destination": call.other_number} | _assistant(call, "outbound", capabilities)
    if capabilities.has("reference"):
        body["reference"] = call.public_id
    if capabilities.has("deadline"):
        body |= {"not_after": instant(call.not_after), "ring_seconds": RING_SECONDS}
    if not capabilities.has("one_time_full"):
        body |= {"number_id": call.config["upstream"]["number"]} if is_copied(call) else {}
    else:
        body["from"] = _own_end(call, private)
        if private.trunk:
            body["transfer_trunk"] = private.trunk
    return body | credentials(ring, call.connection, capabilities)


def web_body(call: Call, capabilities: Capabilities, ring: KeyRing | None = None) -> dict[str, Any]:
    """The body of a web call: `channel` only for one that is typed. `ring` as in `dial_body`."""
    body = _assistant(call, "web", capabilities)
    if capabilities.has("reference"):
        body["reference"] = call.public_id
    if call.is_typed:
        body["channel"] = TEXT
    return body | credentials(ring, call.connection, capabilities)


def engine_assistant(
    call: Call, direction: Literal["inbound", "outbound", "web"], capabilities: Capabilities
) -> dict[str, Any]:
    """The assistant of the call with our mark in its metadata; tools without addresses (engine 5.8). For the base wire
    only the contract's keys (api 9.7)."""
    config = call.config
    full = for_engine(
        config, direction=direction, variables=config.get("variables") or {},
        system_message=config.get("system_message"), greeting=config.get("greeting"),
    )  # fmt: skip
    full["metadata"] = {**(call.metadata or {}), MARK: call.public_id}
    if capabilities.has("one_time_full"):
        return full | {"name": config.get("name"), "record": {"enabled": is_wanted(call), "channels": 2}}
    full = {name: full[name] for name in CONTRACT if name in full}
    return full | {"llm_config": copied_llm(full["llm_config"], (config.get("upstream") or {}).get("servers") or {})}


def answer_body(call: Call, capabilities: Capabilities) -> dict[str, Any]:
    """Who answers an incoming call: the whole assistant, or on the base wire the copy there with what differs."""
    return _assistant(call, "inbound", capabilities)


def is_copied(call: Call) -> bool:
    """Whether the call uses things that stand at the engine (`upstream` in its configuration)."""
    return bool(call.config.get("upstream"))


def lost_parts(call: Call, capabilities: Capabilities) -> list[str]:
    """Warnings for what the engine cannot honour of a one-time assistant. A saved one has its copy there, and GDPR mode
    and analysis are ours to honour (platform 12)."""
    wanted = call.config.get("speech_config")
    saved = call.assistant.speech_config if call.assistant else None
    if capabilities.has("one_time_full") or not wanted or wanted == saved:
        return []
    return ["speech_config: the voice engine does not take it with a call"]


def _assistant(
    call: Call, direction: Literal["inbound", "outbound", "web"], capabilities: Capabilities
) -> dict[str, Any]:
    """`assistant`, or on the base wire `assistant_id` with an override of the contract's keys (platform 12)."""
    changes = engine_assistant(call, direction, capabilities)
    copy = (call.config.get("upstream") or {}).get("assistant")
    if copy and not capabilities.has("one_time_full"):
        return {"assistant_id": copy, "assistant_override": changes}
    if not capabilities.has("receiver") and call.connection:
        changes |= _hook(call.connection)
    return {"assistant": changes}


def _own_end(call: Call, private: Private) -> dict[str, Any]:
    return {"number": call.own_number, **({"trunk": private.trunk} if private.trunk else {})}


def _hook(connection: Connection) -> dict[str, Any]:
    """An engine without `receiver` finds us through the assistant."""
    secret = connection.hook_secret
    return {"webhook_url": hook_url(connection), "webhook_secret": secret, "webhook_events": EVENTS}
