"""The engine: its parts, what it announces, its life from start to stop."""

import asyncio
import logging
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import VERSION
from .calls import Call, HangUp, Register
from .clock import iso, utc_now
from .commands import COMMANDS
from .events import Events
from .faults import Faults
from .keys import Keys
from .player import ANSWER_SECONDS, finish, play
from .receiver import Receiver
from .rings import RingLog
from .text import TextTalk
from .tools import ANSWER_SECONDS as TOOL_SECONDS

log = logging.getLogger("sandbox")

_FEATURES = (
    "receiver idempotency reference certainty deadline one_time_full credentials inbound event_id progress transcript "
    "tools report control_url control_more heartbeat recordings text simulate"
)
FEATURES = _FEATURES.split()
HEARTBEAT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Options:
    """Start options. `clock` is the factor of time, `concurrent` the number of lines."""

    host: str
    port: int
    key: str
    data: Path
    clock: float = 1.0
    seed: int = 1
    concurrent: int = 200
    starts_per_second: int = 50


class Engine:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.instance = str(uuid.uuid4())
        self.started_at = utc_now()
        options.data.mkdir(parents=True, exist_ok=True)
        self.rings = RingLog(options.data / "rings.jsonl")
        self.keys = Keys(options.data / "keys.jsonl")
        self.receiver = Receiver(options.data / "receiver.json")
        self.faults = Faults()
        self.calls = Register()
        self.texts: dict[str, TextTalk] = {}
        self.events = Events(self.receiver, self.faults, options.data / "undelivered", options.clock, self.instance)
        self._tasks: set[asyncio.Task[Any]] = set()

    def describe(self) -> dict[str, Any]:
        """`GET /engine` (engine.md 3)."""
        hidden, clock = self.faults.hides(), self.options.clock
        return {
            "kind": "sandbox",
            "version": VERSION,
            "instance": self.instance,
            "simulated": True,
            "clock": int(clock) if clock == int(clock) else clock,
            "needs_keys": False,
            "features": [name for name in FEATURES if name not in hidden],
            "answer_seconds": {"assistant-request": ANSWER_SECONDS, "tool-calls": TOOL_SECONDS},
            "limits": {"concurrent": self.options.concurrent, "starts_per_second": self.options.starts_per_second},
            "control": list(COMMANDS),
            "providers": None,
            "sip": None,
        }

    def start(self) -> None:
        """Begin the heartbeats and deliver what an earlier process could not."""
        self.events.resume()
        self.spawn(self._beat())

    def begin(self, call: Call) -> None:
        """Play a call that is registered and, outbound, written to the ring log."""
        self.spawn(play(self, call))

    def bind_inbound(self, call: Call, reference: Any) -> None:
        """Our answer to `assistant-request` may carry the control plane's reference."""
        honoured = self.faults.honours_references and isinstance(reference, str) and 0 < len(reference) <= 64
        call.reference = reference if honoured else None
        self.calls.refer(call)
        self.rings.refer(call.id, call.reference or mirrored_id(call.assistant.metadata), call.reference)

    async def beat(self) -> None:
        await self.events.heartbeat(iso(self.started_at) or "", self.calls.running())

    async def stop(self) -> None:
        """End running calls, give their events a moment, keep the rest for the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        stopped = HangUp("error", status="ended-with-error", error="The engine was stopped")
        # Text talks have no task of their own; a task that never began could not end its call either.
        for call in self.calls.running():
            await finish(self, call, stopped, call.talked)
        await self.events.close(2.0)
        self.rings.close()
        self.keys.close()

    def spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _beat(self) -> None:
        while True:
            try:
                await self.beat()
            except Exception:
                log.exception("heartbeat")
            await asyncio.sleep(HEARTBEAT_SECONDS)


def mirrored_id(metadata: dict[str, Any]) -> str | None:
    """The control plane's call id in the metadata: what the ring log shows when there is no reference."""
    value = metadata.get("switchboard_call_id")
    return value if isinstance(value, str) else None
