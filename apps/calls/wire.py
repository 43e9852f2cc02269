"""A call and a usage log as the API shows them (api 8.4, 8.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.branding.models import Brand
from apps.calls.recordings import signed_link
from apps.calls.services.payloads import plain_messages
from apps.core.api import instant

# Just what is shown: `config` and the encrypted columns stay in the database.
COLUMNS = (
    "pk", "organization_id", "public_id", "other_number", "own_number", "status", "direction", "end_reason", "error",
    "started_at", "ended_at", "duration_seconds", "summary", "analysis_result", "messages", "recording_url",
    "assistant_id", "assistant_name", "business_name", "number_id", "metadata", "reference", "created_at", "updated_at",
)  # fmt: skip
USAGE_COLUMNS = (
    "pk", "public_id", "duration_seconds", "direction", "usage", "own_number", "assistant_name", "business_name",
    "created_at",
)  # fmt: skip


def call_body(row: Mapping[str, Any], brand: Brand) -> dict[str, Any]:
    """Every field of the contract, null when empty."""
    assistant_id = str(row["assistant_id"]) if row["assistant_id"] else None
    return {
        "id": row["public_id"],
        "caller_phone": row["other_number"],
        "assistant_phone": row["own_number"],
        "agent_phone": row["own_number"],
        "status": row["status"],
        "direction": row["direction"],
        "end_reason": row["end_reason"],
        "error": row["error"],
        "started_at": instant(row["started_at"]),
        "ended_at": instant(row["ended_at"]),
        "duration_seconds": row["duration_seconds"],
        "summary": row["summary"],
        "analysis_result": row["analysis_result"],
        "messages": None if row["messages"] is None else plain_messages(row["messages"]),
        "room_name": row["public_id"],
        "recording_url": signed_link(brand, row["organization_id"], row["pk"]) if row["recording_url"] else None,
        "agent_id": assistant_id,
        "assistant_id": assistant_id,
        "agent_name": row["assistant_name"],
        "assistant_name": row["assistant_name"],
        "business_name": row["business_name"],
        "number_id": str(row["number_id"]) if row["number_id"] else None,
        "phone_number": row["own_number"],
        "metadata": row["metadata"] or None,
        "reference": row["reference"],
        "created_at": instant(row["created_at"]),
        "updated_at": instant(row["updated_at"]),
    }


def usage_body(row: Mapping[str, Any]) -> dict[str, Any]:
    own = {part["part"] for part in row["usage"] or [] if part.get("key") in ("own", "parent") and "part" in part}
    return {
        "id": str(row["pk"]),
        "call_id": row["public_id"],
        "duration_sec": row["duration_seconds"] or 0,
        "call_type": "web" if row["direction"] == "web" else "phone",
        "byok_stt": "stt" in own,
        "byok_llm": "llm" in own,
        "byok_tts": "tts" in own,
        "phone_number": row["own_number"],
        "agent_name": row["assistant_name"],
        "business_name": row["business_name"],
        "created_at": instant(row["created_at"]),
    }
