"""A call as the API shows it (api 8.4)."""

from __future__ import annotations

from typing import Any

from apps.calls.models import Call
from apps.calls.services.payloads import plain_messages
from apps.core.api import instant


def call_body(call: Call) -> dict[str, Any]:
    """Every key of the contract; what GDPR mode or an erasure keeps back is null."""
    number_id = str(call.number_id) if call.number_id else None
    assistant_id = str(call.assistant_id) if call.assistant_id else None
    return {
        "id": call.public_id,
        "caller_phone": call.other_number,
        "assistant_phone": call.own_number,
        "agent_phone": call.own_number,
        "status": call.status,
        "direction": call.direction,
        "end_reason": call.end_reason,
        "error": call.error,
        "started_at": instant(call.started_at),
        "ended_at": instant(call.ended_at),
        "duration_seconds": call.duration_seconds,
        "summary": call.summary,
        "analysis_result": call.analysis_result,
        "messages": plain_messages(call.messages) if call.messages is not None else None,
        "room_name": call.public_id,
        "recording_url": call.recording_url or None,
        "agent_id": assistant_id,
        "assistant_id": assistant_id,
        "agent_name": call.assistant_name,
        "assistant_name": call.assistant_name,
        "business_name": call.business_name,
        "number_id": number_id,
        "phone_number": call.own_number,
        "metadata": call.metadata,
        "reference": call.reference,
        "created_at": instant(call.created_at),
        "updated_at": instant(call.updated_at),
    }
