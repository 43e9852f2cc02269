"""Calls: what is known of each, and the register of all."""

import random
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .clock import Pace, iso, utc_now

if TYPE_CHECKING:
    from .assistant import Assistant

FINAL = ("ended", "ended-with-error", "transferred", "failed", "rejected")
TYPES = {"outbound": "outbound_phone_call", "inbound": "inbound_phone_call", "web": "web_call"}


class HangUp(Exception):
    """The talk is over. `last_words` are spoken before the line goes dead."""

    def __init__(self, reason: str, *, status: str = "ended", error: str | None = None, last_words: str = "") -> None:
        super().__init__(reason)
        self.reason, self.status, self.error, self.last_words = reason, status, error, last_words


@dataclass(slots=True)
class Call:
    """`outcome` is the story, `asked` that it was wanted by name or by a magic number."""

    direction: str
    own: str | None
    other: str | None
    base: str
    outcome: str
    asked: bool
    dice: random.Random
    pace: Pace
    assistant: "Assistant"
    reference: str | None = None
    forwarded_from: str | None = None
    ring_seconds: int = 30
    id: str = field(default_factory=lambda: "eng-" + uuid.uuid4().hex[:20])
    status: str = "connecting"
    end_reason: str | None = None
    error: str | None = None
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    talk_from: float = 0.0
    consent: dict[str, str | None] = field(default_factory=lambda: {"asked_at": None, "given_at": None})
    voicemail: dict[str, bool] = field(default_factory=lambda: {"detected": False, "message_left": False})
    transfer: dict[str, Any] | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    commands: deque[dict[str, Any]] = field(default_factory=deque)
    summary: str | None = None
    analysis: dict[str, Any] | None = None
    recorded: bool = False
    erased: bool = False
    muted: bool = False
    held: bool = False
    seq: int = 0
    last_stamp: datetime | None = None
    listen_token: str | None = None

    @property
    def running(self) -> bool:
        return self.status not in FINAL

    @property
    def talked(self) -> int:
        """Whole seconds of talk so far."""
        return 0 if self.answered_at is None else int(self.pace.seconds - self.talk_from)

    @property
    def control_url(self) -> str:
        return f"{self.base}/calls/{self.id}/control"

    @property
    def wire_status(self) -> str:
        """The status as events name it (webhooks.md 8)."""
        if self.running:
            return self.status
        broken = self.status == "ended-with-error" or (self.status == "failed" and self.end_reason == "error")
        return "ended-with-error" if broken else "ended"

    def stamp(self) -> datetime:
        """Now, but later than every stamp before: two events of one call never share an instant."""
        now = utc_now()
        if self.last_stamp is not None and now <= self.last_stamp:
            now = self.last_stamp + timedelta(milliseconds=1)
        self.last_stamp = self.updated_at = now
        return now

    def head(self) -> dict[str, Any]:
        """`message.call` of an event."""
        head = {
            "id": self.id,
            "engine_id": self.id,
            "type": TYPES[self.direction],
            "status": self.wire_status,
            "control_url": self.control_url,
        }
        if self.reference:
            head["reference"] = self.reference
        return head

    def view(self) -> dict[str, Any]:
        """The Call of api.md 8.4."""
        open_content = not self.erased and not self.assistant.gdpr
        turns = [{"role": item["role"], "content": item["content"]} for item in self.messages]
        recording = f"{self.base}/calls/{self.id}/recording" if self.recorded and open_content else None
        return {
            **bare_view(self.id, self.direction, self.own, self.other, self.reference),
            "status": self.status,
            "end_reason": self.end_reason,
            "error": self.error,
            "started_at": iso(self.answered_at),
            "ended_at": iso(self.ended_at),
            "duration_seconds": self.duration,
            "summary": self.summary if open_content else None,
            "analysis_result": self.analysis if open_content else None,
            "messages": turns if open_content else None,
            "recording_url": recording,
            "assistant_name": self.assistant.name,
            "agent_name": self.assistant.name,
            "metadata": self.assistant.metadata,
            "control_url": self.control_url,
            "simulated": True,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }


def bare_view(
    call_id: str, direction: str, own: str | None, other: str | None, reference: str | None
) -> dict[str, Any]:
    """A Call of which only the ends are known."""
    nothing = (
        "end_reason error started_at ended_at duration_seconds summary analysis_result messages recording_url "
        "agent_id assistant_id agent_name assistant_name business_name number_id metadata"
    )
    return {
        "id": call_id,
        "room_name": call_id,
        "reference": reference,
        "direction": direction,
        "call_type": direction,
        "caller_phone": other,
        "assistant_phone": own,
        "agent_phone": own,
        "phone_number": own,
        **dict.fromkeys(nothing.split()),
    }


class Register:
    """Calls of this process: all that run, and the last ones that ended."""

    KEPT = 2000

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._ended: deque[str] = deque()
        self._running: dict[str, Call] = {}
        self._references: dict[str, str] = {}

    def add(self, call: Call) -> None:
        self._calls[call.id] = self._running[call.id] = call
        if call.reference:
            self._references[call.reference] = call.id

    def drop(self, call: Call) -> None:
        """Forget a call that never began."""
        self._calls.pop(call.id, None)
        self._running.pop(call.id, None)
        self._references.pop(call.reference or "", None)

    def refer(self, call: Call) -> None:
        """The reference of a call that was known before it."""
        if call.reference:
            self._references.setdefault(call.reference, call.id)

    def id_of(self, reference: str) -> str | None:
        return self._references.get(reference)

    def get(self, call_id: str) -> Call | None:
        return self._calls.get(call_id)

    def running(self) -> list[Call]:
        return list(self._running.values())

    def newest_first(self) -> list[Call]:
        return list(reversed(self._calls.values()))

    def ended(self, call: Call) -> None:
        """Keep an ended call for a while; the oldest one makes room."""
        self._running.pop(call.id, None)
        self._ended.append(call.id)
        while len(self._ended) > self.KEPT:
            oldest = self._calls.pop(self._ended.popleft(), None)
            if oldest is not None and oldest.reference:
                self._references.pop(oldest.reference, None)
