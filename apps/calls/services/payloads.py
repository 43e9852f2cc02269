"""The bodies of customers' events (webhooks 5 to 9): our ids, snake case, no `switchboard_*`, no secrets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from apps.assistants.schema import is_realtime, public_view
from apps.calls.models import Call
from apps.calls.services.snapshot import Private
from apps.core.api import instant

TYPES = {
    Call.Direction.INBOUND: "inbound_phone_call",
    Call.Direction.OUTBOUND: "outbound_phone_call",
    Call.Direction.WEB: "web_call",
}
NO_NUMBER = {"id": None, "number": None, "name": None}


def envelope(
    call: Call, private: Private, *, type: str, status: str, at: dt.datetime, **fields: Any
) -> dict[str, Any]:
    """One event.

    Args:
        status: `message.call.status`, as events spell it.
        at: when it happened, not when it is sent.
        fields: what the event adds under `message`.
    """
    message: dict[str, Any] = {
        "type": type,
        "timestamp": instant(at),
        "call": head(call, status),
        "phone_number": private.number or NO_NUMBER,
        "customer": {"number": call.other_number},
    }
    if type == "assistant-request":
        message["call"]["pipeline"] = "realtime" if is_realtime(call.config.get("llm_config")) else "standard"
    else:
        message["assistant"] = assistant_view(call)
    return {"message": message | fields}


def head(call: Call, status: str) -> dict[str, Any]:
    found = {"id": call.public_id, "type": TYPES[Call.Direction(call.direction)], "status": status}
    return found | ({"reference": call.reference} if call.reference else {})


def assistant_view(call: Call) -> dict[str, Any]:
    """The assistant after overrides, with the metadata that came with the call."""
    values: Mapping[str, Any] = call.config
    if values.get("greeting") is not None:
        values = {**values, "first_message": values["greeting"]}
    ident = str(call.assistant_id) if call.assistant_id else None
    return public_view(values, assistant_id=ident, metadata=call.metadata or {})


def wire_status(call: Call) -> str:
    """The status as events spell it (webhooks 8): errors as `ended-with-error`, every other final one as `ended`."""
    if call.is_running:
        return call.status
    broke = call.status == Call.Status.ENDED_WITH_ERROR
    failed = call.status == Call.Status.FAILED and call.end_reason == "error"
    return "ended-with-error" if broke or failed else "ended"


def end_fields(call: Call) -> dict[str, Any]:
    """What a last status-update adds."""
    fields: dict[str, Any] = {"end_reason": call.end_reason}
    if wire_status(call) == "ended-with-error":
        fields["error"] = call.error or "Call failed"
    return fields


def report_fields(call: Call, content: Mapping[str, Any]) -> dict[str, Any]:
    """What `end-of-call-report` adds (webhooks 9).

    Args:
        content: `summary`, `messages`, `analysis`, `recording_url`: for a call in GDPR mode it is nowhere else.
    """
    fields: dict[str, Any] = {
        "duration_seconds": call.duration_seconds or 0,
        "summary": content.get("summary") or "",
        "messages": plain_messages(content.get("messages")),
    }
    known = {
        "analysis": content.get("analysis"),
        "recording_url": content.get("recording_url"),
        "end_reason": call.end_reason,
        "started_at": instant(call.started_at),
        "ended_at": instant(call.ended_at),
    }
    return fields | {name: value for name, value in known.items() if value}


def plain_messages(messages: Any) -> list[dict[str, str]]:
    """Role and content, as the contract shows a transcript."""
    return [{"role": each["role"], "content": each["content"]} for each in messages or []]
