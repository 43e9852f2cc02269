"""How calls begin: dialled, simulated inbound, or as a text talk."""

import random
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from .assistant import Assistant, read_assistant
from .calls import Call
from .clock import Pace, iso, utc_now
from .commands import NUMBER
from .engine import Engine, mirrored_id
from .keys import conflict
from .outcomes import MAGIC, dice, draw
from .rings import Ring
from .text import TOKEN_SECONDS, TextTalk
from .wire import Answer, Refusal, instant

REPLAYED = {"Idempotent-Replayed": "true"}


class Dialler:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._starts: deque[float] = deque()

    def outbound(self, body: dict[str, Any], key: str | None, digest: str, base: str) -> Answer:
        """`POST /calls/outbound`. In this order: replay, checks, reference, deadline, capacity, ring log, ring.

        Every Refusal says `rang`. There is no await between the deadline and the ring.
        """
        engine = self._engine
        if key and engine.faults.honours_keys and (earlier := engine.rings.of_key(key)):
            if earlier.digest != digest:
                raise conflict(call_id=earlier.call_id)
            return Answer(_accepted(earlier.call_id, earlier.call_reference, base), headers=REPLAYED)
        number = _number(body, "destination")
        raw, reference, ring_seconds = _assistant(body), self._reference(body), _ring_seconds(body)
        if body.get("not_after") is not None and instant(body["not_after"], "not_after") < utc_now():
            raise Refusal(400, "The deadline of this call has passed", "too_late", rang=False)
        self._check_capacity()
        assistant = read_assistant(raw, body, number)
        if isinstance(body.get("first_message"), str):
            # A greeting in the request beats both greetings of the assistant (features.md 1).
            assistant.greeting, assistant.greeting_outbound = body["first_message"], ""
        own = body["from"].get("number") if isinstance(body.get("from"), dict) else None
        source = dice(engine.options.seed, number, engine.rings.seen(number))
        outcome, asked = draw(source, number, inbound=False)
        call = Call(
            direction="outbound",
            own=own if isinstance(own, str) else None,
            other=number,
            base=base,
            outcome=outcome,
            asked=asked,
            dice=source,
            pace=Pace(engine.options.clock),
            assistant=assistant,
            reference=reference,
            ring_seconds=ring_seconds,
        )
        engine.calls.add(call)
        self._write_ring(call, key, digest)
        engine.begin(call)
        return Answer(_accepted(call.id, reference, base))

    def inbound(self, body: dict[str, Any], base: str) -> Answer:
        """`POST /simulate/inbound`: somebody calls one of the numbers."""
        engine = self._engine
        number, own, wanted = _number(body, "from"), _number(body, "to"), body.get("outcome")
        seed = body.get("seed", engine.options.seed)
        if wanted is not None and wanted not in MAGIC.values():
            raise _refuse("outcome", "one of " + ", ".join(MAGIC.values()))
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise _refuse("seed", "a number is needed")
        self._check_capacity()
        source = dice(seed, number, engine.rings.seen(number))
        outcome, asked = draw(source, number, inbound=True, wanted=wanted)
        forwarded = body.get("forwarded_from")
        call = Call(
            direction="inbound",
            own=own,
            other=number,
            base=base,
            outcome=outcome,
            asked=asked,
            dice=source,
            pace=Pace(engine.options.clock),
            assistant=Assistant(),
            forwarded_from=forwarded if isinstance(forwarded, str) else None,
        )
        engine.calls.add(call)
        self._write_ring(call, None, "")
        engine.begin(call)
        return Answer({"call_id": call.id})

    async def web(self, body: dict[str, Any], base: str) -> Answer:
        """`POST /web-calls` with `channel: "text"`. The sandbox has no room for sound.

        The talk begins when the visitor comes in, with the first `POST /calls/{id}/text`.
        """
        engine = self._engine
        if body.get("channel") != "text":
            raise _refuse("channel", 'the sandbox has no audio; only "text" is possible')
        raw, reference = _assistant(body), self._reference(body)
        call = Call(
            direction="web",
            own=None,
            other=None,
            base=base,
            outcome="answered",
            asked=True,
            dice=random.Random(f"{engine.options.seed} text"),  # noqa: S311 - repeatable on purpose
            pace=Pace(0),
            assistant=read_assistant(raw, body, None),
            reference=reference,
        )
        engine.calls.add(call)
        engine.texts[call.id] = TextTalk(engine, call)
        accepted = _accepted(call.id, reference, base)
        expires = datetime.fromtimestamp(time.time() + TOKEN_SECONDS, UTC)
        return Answer(
            {
                **{name: accepted[name] for name in accepted if name not in ("success", "status")},
                "token": call.id,
                "server_url": f"{base}/calls/{call.id}/text",
                "expires_at": iso(expires),
            }
        )

    def _reference(self, body: dict[str, Any]) -> str | None:
        """The reference of a request. Raises Refusal (409) when a call has it already."""
        reference, engine = body.get("reference"), self._engine
        if reference is None or not engine.faults.honours_references:
            return None
        if not isinstance(reference, str) or not 1 <= len(reference) <= 64:
            raise _refuse("reference", "1 to 64 characters are needed")
        earlier = engine.rings.of_reference(reference)
        call_id = earlier.call_id if earlier else engine.calls.id_of(reference)
        if call_id:
            raise Refusal(
                409, "This reference was used before", "duplicate_reference", call_id=call_id, rang=earlier is not None
            )
        return reference

    def _check_capacity(self) -> None:
        now, options = time.monotonic(), self._engine.options
        while self._starts and self._starts[0] <= now - 1:
            self._starts.popleft()
        busy = len(self._engine.calls.running()) >= options.concurrent
        if busy or len(self._starts) >= options.starts_per_second:
            raise Refusal(429, "No free line", "capacity", headers={"Retry-After": "1"}, rang=False)
        self._starts.append(now)

    def _write_ring(self, call: Call, key: str | None, digest: str) -> None:
        """The entry is on the disk before anything rings; when that fails nothing does."""
        ring = Ring(
            call_id=call.id,
            reference=call.reference or mirrored_id(call.assistant.metadata),
            key=key,
            direction=call.direction,
            own=call.own,
            other=call.other or "",
            at=iso(utc_now()) or "",
            instance=self._engine.instance,
            outcome=call.outcome,
            digest=digest,
            call_reference=call.reference,
        )
        try:
            self._engine.rings.ring(ring)
        except OSError as problem:
            self._engine.calls.drop(call)
            raise Refusal(503, f"The ring log cannot be written: {problem}", "server_error", rang=False) from None


def _accepted(call_id: str, reference: str | None, base: str) -> dict[str, Any]:
    answer = {"success": True, "call_id": call_id, "status": "dialing", "room_name": call_id}
    if reference:
        answer["reference"] = reference
    return {**answer, "control_url": f"{base}/calls/{call_id}/control"}


def _assistant(body: dict[str, Any]) -> dict[str, Any]:
    raw = next((body[name] for name in ("assistant", "agent", "agent_config") if body.get(name) is not None), None)
    if raw is None and (body.get("assistant_id") or body.get("agent_id")):
        raise Refusal(404, "This engine keeps no assistants: send the whole one", "not_found", rang=False)
    if not isinstance(raw, dict) or not isinstance(raw.get("llm_config"), dict):
        error = "assistant.llm_config: this field is required"
        raise Refusal(400, error, "missing_field", param="assistant.llm_config", rang=False)
    return raw


def _ring_seconds(body: dict[str, Any]) -> int:
    value = body.get("ring_seconds", 30)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 300:
        raise _refuse("ring_seconds", "1 to 300 seconds are possible")
    return value


def _number(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value in (None, ""):
        raise Refusal(400, f"{name}: this field is required", "missing_field", param=name, rang=False)
    if not isinstance(value, str) or not NUMBER.match(value):
        raise _refuse(name, "a number like +31850000001 is needed")
    return value


def _refuse(name: str, why: str) -> Refusal:
    return Refusal(400, f"{name}: {why}", "invalid_value", param=name, rang=False)
