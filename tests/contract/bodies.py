"""Request bodies of the contract: for each kind of object the smallest that is valid, and one that says everything."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.world import World

_count = itertools.count(1)
SCHEMA = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
DESTINATION = {"type": "number", "number": "+31201234567", "description": "Sales", "message": "One moment."}
NODES = [
    {"id": "greet", "type": "conversation", "instructions": "Greet.", "first_line": "Good morning.", "ui": {"x": 10, "y": 20}},
    {"id": "look_up", "type": "tool", "tool_name": "look_up", "url": "https://example.com/look", "arguments": {"day": "today"}},
    {"id": "sales", "type": "transfer", "destination": "+31201234567", "first_line": "I connect you."},
    {"id": "bye", "type": "end", "first_line": "Goodbye."},
]
EDGES = [
    {"from": "greet", "to": "look_up", "description": "The caller names a day.", "message": "Let me look."},
    {"from": "look_up", "to": "greet"},
    {"from": "greet", "to": "sales", "description": "The caller wants a person."},
    {"from": "greet", "to": "bye", "description": "The caller is done."},
]
DEFINITION = {"version": 1, "entry_node": "greet", "global_prompt": "Be brief.", "nodes": NODES, "edges": EDGES}
SMALL_DEFINITION = {"version": 1, "entry_node": "greet", "nodes": [NODES[0]], "edges": []}
REALTIME = {"provider": "xai_realtime", "model": "grok-voice-think-fast-2.0", "voice": "ara"}
TEXT_MODEL = {
    "provider": "mistral", "model": "mistral-medium-latest", "temperature": 0.3,
    "messages": [{"role": "system", "content": "You answer the phone of a dental practice."}],
    "tools": [
        {"type": "end_call"},
        {"type": "transferCall", "destinations": [DESTINATION]},
        {"name": "book", "description": "Books a slot.", "parameters": SCHEMA, "url": "https://example.com/book", "async": True, "asyncResponse": "Done."},
        {"type": "function", "function": {"name": "find", "description": "Finds a slot.", "parameters": SCHEMA}, "server": {"url": "https://example.com/find", "secret": "s"}},
    ],
}  # fmt: skip
STT = {"provider": "deepgram", "model": "nova-3-general", "language": "nl", "keyterms": ["Bakker"], "endpointing": 300}
TTS = {"provider": "elevenlabs", "model": "eleven_flash_v2_5", "voice_id": "ukiwGs47sHyibruHJ1vg", "stability": 0.4, "similarity_boost": 0.8}
SPEECH = {
    "turn_taking": {"endpointing_min_delay": 0.5, "endpointing_max_delay": 2.5, "false_interruption_timeout": None},
    "pronunciation": [{"from": "GmbH", "to": "Gesellschaft"}],
    "background_audio": {"enabled": True, "clip": "city", "volume": 0.2},
    "silence": {"messages": ["Are you there?"], "final_message": None, "first_check_seconds": 4, "interval_seconds": 12, "max_attempts": 2},
    "end_call_message": "Goodbye.", "first_message_outbound": None, "end_call_phrases": ["goodbye"],
}  # fmt: skip
PLAN = {
    "structured_data_plan": {"enabled": True, "schema": SCHEMA, "messages": [{"role": "system", "content": "{{transcript}}"}]},
    "min_messages_threshold": 3,
}  # fmt: skip
FULL_ASSISTANT = {
    "name": "Front desk", "business_name": "Bakker Dental", "notification_email": "desk@example.org",
    "notification_emails": ["a@example.org", "b@example.org"], "recording_consent": {"enabled": True, "message": "May we record?"},
    "first_message": "Good morning, Bakker Dental.", "is_active": True, "max_duration_seconds": 600, "autonomous_silence_handling": True,
    "silence_timeout_seconds": 12, "voicemail_detection": True, "voicemail_message": "Please call back.", "gdpr_mode": True,
    "webhook_url": "http://example.com/hook", "webhook_secret": "whsec", "webhook_events": ["status-update", "something-new"],
    "analysis_plan": PLAN, "stt_config": STT, "llm_config": TEXT_MODEL, "tts_config": TTS, "speech_config": SPEECH,
}  # fmt: skip
# Every provider's settings in one config, a plain URL, an unknown event (api 11, check 2).
MIXED = {
    "stt_config": {"provider": "deepgram", "model": "nova-3-general", "language": "multi", "endpointing": 0.05, "code_switching": True, "sample_rate": 8000},
    "llm_config": {"provider": "openai", "model": "gpt-5.4", "voice": "ara", "turn_detection": {"threshold": 7}, "vertexai": True},
    "tts_config": {"provider": "elevenlabs", "voice_id": "v", "instructions": "Speak softly.", "speaking_rate": 1.5},
    "webhook_url": "http://example.com/plain", "webhook_events": ["status-update", "no-such-event"],
}  # fmt: skip
ONE_TIME = {"llm_config": TEXT_MODEL | {"tools": [{"type": "end_call"}]}, "stt_config": STT, "tts_config": TTS, "first_message": "Hello.", "metadata": {"crm_id": "77"}}
FUNCTION_CONFIG = {"name": "check_slot", "description": "Checks a free slot", "parameters": SCHEMA, "url": "https://example.com/slot", "async": True}
OLDER_FUNCTION = {"name": "check_slot", "function_definition": {"name": "check_slot"}, "server_url": "https://example.com/slot", "server_secret": "s"}
FLAT_FUNCTION = {"name": "check_slot", "type": "function", "description": "Checks a free slot", "url": "https://example.com/slot", "parameters": SCHEMA}


def fresh_phone() -> str:
    return f"+4420794{next(_count):05d}"


def fresh_word(word: str) -> str:
    return f"{word}_{next(_count)}"


def fresh_name(word: str) -> str:
    """A domain name."""
    return f"{word}{next(_count)}.example.org"


def create(world: World, path: str) -> dict[str, Any]:
    """The body that makes one more object at `path`."""
    name = path.split("/")[-1]
    return (FULL if world.full else BARE)[name](world)


def _full_assistant(world: World) -> dict[str, Any]:
    tool = {"type": "mcp", "mcp_server_id": world.make("mcp_server"), "allowed_tools": ["find_slot"], "required": True}
    return FULL_ASSISTANT | {"llm_config": TEXT_MODEL | {"tools": [*TEXT_MODEL["tools"], tool]}}


def _full_number(world: World) -> dict[str, Any]:
    links = {f"{name}_id": world.make(kind) for name, kind in (("assistant", "assistant"), ("transfer_trunk", "trunk"), ("workflow", "workflow"))}
    return {"phone_number": fresh_phone(), "name": "Main line", "is_active": True} | links


def _full_campaign(world: World) -> dict[str, Any]:
    assistant, number, other = world.make("assistant"), world.make("number"), world.saved_assistant()
    leads = [{"phone_number": fresh_phone(), "variables": {"name": "Sam", "company": "Acme"}}]
    return {
        "name": "Spring recall", "assistant_id": assistant, "status": "draft", "system_message_template": "You call {{name}} of {{company}}.",
        "schedule_start_time": "10:00", "schedule_end_time": "16:30:00", "timezone": "Europe/Berlin", "leads": leads, "number_id": number,
        "schedule_days": [1, 2, 3], "max_attempts": 5, "retry_delay_minutes": 30, "max_concurrent_calls": 2,
        "windows": [{"days": [1, 2], "start": "09:00", "end": "12:00"}, {"days": [5], "start": "22:00", "end": "02:00"}],
        "uses_lead_zone": True, "skips_holidays": True, "region": "DE-BY", "purpose": "marketing", "attestation": "Asked in the shop.",
        "retry_rules": {"busy": {"attempts": 5, "delays": [10, 30]}, "short_call": {"attempts": 2, "delays": [60], "seconds": 8}},
        "max_attempts_per_day": 2, "spreads_day_parts": True, "voicemail_counts": "never", "starts": 5, "starts_seconds": 10,
        "floor_calls": 1, "priority": 3, "breaker_percent": 40, "breaker_seconds": 60, "breaker_calls": 10, "budget": 12.5,
        "variant_assistant_id": other, "variant_version": 1, "variant_percent": 30,
        "report_emails": ["sales@example.com"],
    }  # fmt: skip


BARE: dict[str, Callable[[World], dict[str, Any]]] = {
    "assistants": lambda world: {"name": "Front desk"},
    "agents": lambda world: {"name": "Front desk"},
    "tool-templates": lambda world: {"name": "hang_up", "tool_type": "endCall", "tool_config": {}},
    "numbers": lambda world: {"phone_number": fresh_phone()},
    "sip-trunks": lambda world: {"name": "Trunk"},
    "analysis-templates": lambda world: {"name": "Appointment", "schema": SCHEMA},
    "campaigns": lambda world: {"name": "Spring recall", "agent_id": world.make("assistant")},
    "leads": lambda world: {"phone_number": fresh_phone()},
    "chats": lambda world: {"contact_id": "+31600000001", "channel": "whatsapp", "role": "user", "content": "Hi, can I reschedule?"},
    "workflows": lambda world: {"name": "Small", "definition": SMALL_DEFINITION},
    "mcp-servers": lambda world: {"name": fresh_word("Booking"), "url": "https://mcp.example.com/mcp"},
}
FULL: dict[str, Callable[[World], dict[str, Any]]] = {
    "assistants": _full_assistant,
    "agents": _full_assistant,
    "tool-templates": lambda world: {
        "name": "check_slot", "description": "For the desk", "tool_type": "function", "tool_config": FUNCTION_CONFIG, "server_secret": "s",
    },
    "numbers": _full_number,
    "sip-trunks": lambda world: {
        "name": "Trunk", "provider": "Twilio", "address": "sip.example.com", "transport": "tls", "auth_username": "u", "auth_password": "p",
        "inbound_addresses": ["192.0.2.1"], "outbound_number": "+31850000001", "concurrent_calls": 20, "starts": 150,
        "starts_seconds": 5,
    },
    "analysis-templates": lambda world: {
        "name": "Appointment", "description": "Reads days", "system_prompt": "You read calls.", "user_prompt": "{transcript}", "schema": SCHEMA,
        "min_messages_threshold": 3,
    },
    "campaigns": _full_campaign,
    "leads": lambda world: {"phone_number": fresh_phone(), "name": "Sam", "variables": {"name": "Sam", "company": "Acme", "visits": 3, "vip": True}},
    "chats": lambda world: {
        "contact_id": "+31600000001", "channel": "web", "role": "assistant", "content": "Of course.", "agent_id": world.make("assistant"),
        "metadata": {"ticket": 77},
    },
    "workflows": lambda world: {"name": "Front desk flow", "definition": DEFINITION, "is_active": False},
    "mcp-servers": lambda world: {
        "name": fresh_word("Booking"), "url": world.mcp_url, "transport": "streamable_http", "headers": {"X-Team": "desk"}, "timeout_seconds": 30,
    },
}  # fmt: skip
