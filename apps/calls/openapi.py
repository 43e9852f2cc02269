"""Calls, commands and usage as the API's description shows them (api 8.4, 8.5)."""

from __future__ import annotations

from typing import Any

from apps.calls.models import Call
from apps.calls.outbound import GREETING, REFERENCE
from apps.calls.services.control import CONTEXT, SPOKEN
from apps.core.openapi import (
    EXAMPLE_ID,
    WARNINGS,
    Schema,
    anything,
    array,
    boolean,
    integer,
    moment,
    number,
    phone,
    record,
    ref,
    text,
    uuid,
)

CALL_ID = "call-7h2k9m4p1x8c5v3b6n0q"
STATUSES = ", ".join(f"`{status}`" for status in Call.Status.values)
MESSAGE = record({"role": text(enum=["system", "user", "assistant"]), "content": text(examples=["Good morning."])})
OWN, OTHER = ("+31850000001", "+31600000001")
WHO: dict[str, Schema] = {
    "assistant_id": uuid("A saved assistant.", null=True),
    "agent_id": uuid("The older spelling of `assistant_id`.", null=True, deprecated=True),
    "assistant_override": {
        "anyOf": [ref("AssistantConfigOverride"), {"type": "null"}],
        "description": "Only with `assistant_id`.",
    },
    "assistant": {
        "anyOf": [ref("OneTimeAssistant"), {"type": "null"}],
        "description": "Instead of `assistant_id`. Older spellings: `agent`, `agent_config`.",
    },
}
CALL: dict[str, Schema] = {
    "id": text(examples=[CALL_ID]),
    "caller_phone": text("The other party. Null on web calls.", null=True, examples=[OTHER]),
    "assistant_phone": text("The own number. Null on web calls.", null=True, examples=[OWN]),
    "agent_phone": text("The same as `assistant_phone`.", null=True, examples=[OWN]),
    "status": text(f"{STATUSES}; expect others.", examples=["ended"]),
    "direction": text(null=True, enum=list(Call.Direction.values)),
    "end_reason": text("Why it ended, such as `user_hangup`, `busy` or `voicemail`.", null=True, examples=["user_hangup"]),
    "error": text(null=True, examples=[None]),
    "started_at": moment("When it was answered.", null=True),
    "ended_at": moment(null=True),
    "duration_seconds": number(null=True, examples=[84]),
    "summary": text(null=True, examples=["Caller wants an appointment."]),
    "analysis_result": anything("Keys of the assistant's analysis plan.", null=True, examples=[{"resolved": True}]),
    "messages": array(MESSAGE, "The transcript.", null=True),
    "room_name": text("The same as `id`.", null=True, examples=[CALL_ID]),
    "recording_url": text("A signed link, valid for 24 hours, new on each read.", null=True, examples=[None]),
    "agent_id": uuid("The same as `assistant_id`.", null=True),
    "assistant_id": uuid(null=True),
    "agent_name": text(null=True, examples=["Front desk"]),
    "assistant_name": text(null=True, examples=["Front desk"]),
    "business_name": text(null=True, examples=["Bakker Dental"]),
    "number_id": uuid(null=True),
    "phone_number": text("The own number.", null=True, examples=[OWN]),
    "metadata": anything("What came with the call.", null=True, examples=[{"crm_id": "77"}]),
    "reference": text("Your own id of the call.", null=True, examples=["order-1001"]),
    "created_at": moment(),
    "updated_at": moment(),
}  # fmt: skip


def _command(type: str, fields: dict[str, Schema], required: list[str], example: dict[str, Any]) -> Schema:
    kind = {"type": text(enum=[type])}
    return record(kind | fields, required=["type", *required], examples=[{"type": type} | example])


SAID = text("Said before it happens.", null=True, maxLength=SPOKEN)
COMMANDS = {
    "InjectContextCommand": _command(
        "inject-context",
        {"content": text("Given to the model.", minLength=1, maxLength=CONTEXT),
         "trigger_response": boolean("It answers at once.", null=True, default=False)},
        ["content"], {"content": "The customer has an open order, 1001.", "trigger_response": True},
    ),
    "SayCommand": _command(
        "say",
        {"content": text("Spoken word for word.", minLength=1, maxLength=SPOKEN),
         "end_after": boolean("Then the call ends.", null=True, default=False)},
        ["content"], {"content": "One moment, please."},
    ),
    "EndCallCommand": _command("end-call", {"message": SAID}, [], {"message": "Thank you, goodbye."}),
    "TransferCommand": _command(
        "transfer",
        {"destination": text("E.164 or a SIP URI.", minLength=1, maxLength=255), "message": SAID},
        ["destination"], {"destination": OTHER, "message": "I connect you."},
    ),
}  # fmt: skip
SCHEMAS: dict[str, Schema] = {
    "Call": record(CALL),
    "OutboundCallRequest": record(
        {
            "destination": phone("Who is called.", examples=[OTHER]),
            "number_id": uuid("From which number; else the assistant's oldest one with a trunk.", null=True),
            **WHO,
            "first_message": text("Replaces the greeting.", null=True, maxLength=GREETING),
            "reference": text("Your own id of this call, unique per key.", null=True, minLength=1, maxLength=REFERENCE),
        },
        required=["destination"],
        description="Exactly one of `assistant_id` and `assistant`.",
        examples=[
            {"destination": OTHER, "assistant_id": EXAMPLE_ID, "assistant_override": {"metadata": {"crm_id": "77"}}}
        ],
    ),
    "OutboundCallResponse": record(
        {
            "success": boolean(),
            "call_id": text(examples=[CALL_ID]),
            "status": text("`dialing`; the call itself says `connecting` at first.", examples=["dialing"]),
            "room_name": text("The same as `call_id`.", examples=[CALL_ID]),
            "warnings": WARNINGS,
        },
        required=["success", "call_id", "status", "room_name"],
        examples=[{"success": True, "call_id": CALL_ID, "status": "dialing", "room_name": CALL_ID}],
    ),
    "CallControlCommand": {
        "type": "object",
        "required": ["type"],
        "description": "One command, chosen by `type`.",
        "oneOf": [ref(name) for name in COMMANDS],
        "discriminator": {
            "propertyName": "type",
            "mapping": {
                schema["properties"]["type"]["enum"][0]: f"#/components/schemas/{name}" for name, schema in COMMANDS.items()
            },
        },
    },
    **COMMANDS,
    "CallControlResponse": record(
        {"success": boolean(), "message": text(examples=["Command sent successfully"])}
    ),
    "UsageLog": record(
        {
            "id": uuid(),
            "call_id": text(examples=[CALL_ID]),
            "duration_sec": integer(minimum=0, examples=[180]),
            "call_type": text(enum=["phone", "web"]),
            "byok_stt": boolean("Your own key was used for speech to text.", examples=[False]),
            "byok_llm": boolean("Your own key was used for the model.", examples=[False]),
            "byok_tts": boolean("Your own key was used for text to speech.", examples=[False]),
            "phone_number": text("The own number.", null=True, examples=[OWN]),
            "agent_name": text(null=True, examples=["Front desk"]),
            "business_name": text(null=True, examples=["Bakker Dental"]),
            "created_at": moment(),
        }
    ),
    "UsageSummary": record(
        {
            "total_calls": integer(minimum=0, examples=[42]),
            "total_duration_seconds": integer(minimum=0, examples=[7560]),
            "total_duration_minutes": number(minimum=0, examples=[126.0]),
        },
        description="Covers everything the query matches, not only the page.",
    ),
}  # fmt: skip


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result
