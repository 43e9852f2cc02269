"""An engine's event as it came in, read with care: it is another's text (webhooks 12, engine 7)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from apps.core.foreign_json import read_json

QUESTIONS = ("assistant-request", "tool-calls")
TOLD = ("status-update", "end-of-call-report", "call-progress", "transcript")
HEARTBEAT = "engine-heartbeat"
MARK = "switchboard_call_id"


@dataclass(frozen=True)
class Message:
    """The envelope of an event. `call_id` is our id as the event carries it, `ref` the engine's."""

    type: str
    raw: dict[str, Any]
    at: dt.datetime | None
    seq: int | None
    instance: str
    ref: str
    call_id: str
    call_type: str
    status: str
    control_url: str
    own: str
    other: str

    @property
    def is_inbound(self) -> bool:
        return self.call_type == "inbound_phone_call"

    @property
    def is_simulated(self) -> bool:
        return bool(part(self.raw, "engine").get("simulated"))

    def key(self, webhook_id: str | None) -> str:
        """What makes a repeat: for a question what is asked, else the engine's id of the event, else call, type, status and
        time. `webhook_id` is None for an engine that does not promise the same id on each retry."""
        if self.type == "tool-calls":
            return _short_key(f"{self.ref}:tools:{','.join(sorted(call['id'] for call in tool_calls(self.raw)))}")
        if self.type == "assistant-request" and self.ref:
            return _short_key(f"{self.ref}:{self.type}")
        if webhook_id:
            return webhook_id[:200]
        return _short_key(f"{self.ref}:{self.type}:{self.status}:{_text(self.raw.get('timestamp'))}")


def read_message(body: bytes) -> Message | None:
    """The event of a request body, which is UTF-8; None when it is none."""
    try:
        data = read_json(body)
    except ValueError:
        return None
    message = data.get("message") if isinstance(data, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return None
    call, engine = part(message, "call"), part(message, "engine")
    metadata = part(part(message, "assistant"), "metadata") or part(call, "metadata")
    seq = message.get("seq")
    return Message(
        type=message["type"][:40],
        raw=message,
        at=instant_of(message.get("timestamp")),
        seq=seq if isinstance(seq, int) and not isinstance(seq, bool) and 0 < seq < 2**31 else None,
        instance=_text(engine.get("instance"), 64),
        ref=_text(call.get("engine_id") or call.get("id"), 255),
        call_id=_text(metadata.get(MARK) or call.get("reference"), 64),
        call_type=_text(call.get("type")),
        status=_text(call.get("status"), 40),
        control_url=_text(call.get("control_url"), 2048),
        own=_text(part(message, "phone_number").get("number"), 32),
        other=_text(part(message, "customer").get("number"), 32),
    )


def tool_calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of `tool_call_list` that can be run: `id`, `name`, `arguments`, `is_mcp`, `server` (of an MCP tool)."""
    found = message.get("tool_call_list")
    calls = []
    for entry in found if isinstance(found, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            continue
        function = part(entry, "function")
        name, arguments = function.get("name") or entry.get("name"), function.get("arguments", entry.get("arguments"))
        calls.append({
            "id": entry["id"][:200], "name": _text(name, 200), "is_mcp": entry.get("type") == "mcp",
            "server": _text(entry.get("mcp_server_id"), 64),
            "arguments": arguments if isinstance(arguments, dict) else _parsed(arguments),
        })  # fmt: skip
    return calls


def _short_key(key: str) -> str:
    """As it is where it fits; cut it would be another request's."""
    return key if len(key) <= 200 else f"{hashlib.sha256(key.encode()).hexdigest()}:many"


def part(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def instant_of(value: Any) -> dt.datetime | None:
    """An ISO 8601 instant; without a zone it is UTC."""
    try:
        moment = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if not 2000 <= moment.year < 2200:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def whole(value: Any) -> int | None:
    """A number of seconds, rounded up to whole ones; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**31:
        return None
    return int(value) + (value > int(value))


def _parsed(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any, most: int = 200) -> str:
    return value[:most] if isinstance(value, str) else ""
