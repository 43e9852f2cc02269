"""Events to try a receiver with: built by the builders of the real ones, from an assistant as it stands, marked as a test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from apps.assistants.models import Assistant
from apps.assistants.schema import defaults, tools_of
from apps.assistants.services import values_of
from apps.calls.models import Call
from apps.calls.services.payloads import envelope, report_fields
from apps.calls.services.snapshot import Private, config_of, number_view, without_ours
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

EVENTS = ("assistant-request", "tool-calls", "status-update", "end-of-call-report")
NUMBER = {"id": None, "number": "+31850000001", "name": "Main line"}
TALK = [
    {"role": "assistant", "content": "Good morning, how can I help you?"},
    {"role": "user", "content": "I would like an appointment on Tuesday."},
    {"role": "assistant", "content": "Tuesday at nine is free. Shall I book it?"},
    {"role": "user", "content": "Yes, please."},
]
SAMPLES = {"string": "test", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {}}


def sample_event(*, organization: Organization, assistant: Assistant | None, event: str, now: dt.datetime) -> dict[str, Any]:
    """The body of one of EVENTS for a call of 84 seconds that never was.

    It says so twice: `message.test` is true, and so is `metadata.test` of the assistant.
    """
    values = values_of(assistant) if assistant else {**defaults(), "name": "Front desk", "first_message": TALK[0]["content"]}
    call = _call(organization, assistant, values, now)
    number = PhoneNumber.objects.for_organization(organization).order_by("created_at", "id").first()
    private = Private(number=number_view(number) or NUMBER)
    status, fields = _details(event, call, values)
    return envelope(call, private, type=event, status=status, at=now, **fields, test=True)


def _call(organization: Organization, assistant: Assistant | None, values: Mapping[str, Any], now: dt.datetime) -> Call:
    metadata = without_ours(values.get("metadata") or {}) | {"test": True}
    return Call(
        organization=organization, assistant=assistant, direction=Call.Direction.INBOUND, status=Call.Status.ENDED,
        end_reason="user_hangup", other_number="+31600000001", metadata=metadata, config=config_of(organization, values),
        duration_seconds=84, started_at=now - dt.timedelta(seconds=90), ended_at=now - dt.timedelta(seconds=6),
    )  # fmt: skip


def _details(event: str, call: Call, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if event == "assistant-request":
        return "ringing", {}
    if event == "tool-calls":
        return "in-progress", {"tool_call_list": [_tool_call(values)]}
    if event == "status-update":
        return "ended", {"end_reason": call.end_reason}
    content = {"summary": "Caller wants an appointment on Tuesday at nine.", "messages": TALK, "analysis": {"resolved": True}}
    return "ended", report_fields(call, content)


def _tool_call(values: Mapping[str, Any]) -> dict[str, Any]:
    """The assistant's first webhook tool with made-up arguments; one of ours when it has none."""
    name, arguments = "lookup_contact", {"query": "Sam"}
    for tool in tools_of(values.get("llm_config")):
        if tool.kind == "function" and tool.name:
            name, arguments = tool.name, _arguments(tool.parameters)
            break
    return {"id": "tool_test", "type": "function", "function": {"name": name, "arguments": arguments}}


def _arguments(schema: Any) -> dict[str, Any]:
    fields = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {name: _value(field) for name, field in fields.items() if isinstance(field, dict)}


def _value(field: dict[str, Any]) -> Any:
    if isinstance(field.get("enum"), list) and field["enum"]:
        return field["enum"][0]
    kind = field.get("type")
    return SAMPLES.get(kind, "test") if isinstance(kind, str) else "test"
