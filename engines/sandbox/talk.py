"""One talk: turns, simulated time, live control. What is said is decided elsewhere."""

import math
import time
from typing import TYPE_CHECKING, Any

from .assistant import clean
from .calls import Call, HangUp
from .clock import iso
from .commands import carry_out
from .quoting import Quotes
from .script import SCRIPTS

if TYPE_CHECKING:
    from .engine import Engine

SECONDS_PER_WORD = 0.36
LONGEST_HOLD = 300
# Partial transcripts follow a sentence while it is spoken; below this factor nobody could read them.
PARTIAL_FROM_CLOCK = 0.2
PARTIAL_SECONDS = 1.5


class Talk:
    def __init__(self, engine: "Engine", call: Call) -> None:
        self.engine, self.call, self.assistant, self.dice = engine, call, call.assistant, call.dice
        self.script = SCRIPTS[call.assistant.language]
        self.quotes = Quotes(call.assistant.prompts, call.dice)
        self._turn = 0
        self._left: dict[int, list[str]] = {}
        self._closing = False
        self._tokens, self._token_time = self._burst(), time.monotonic()

    @property
    def seconds(self) -> float:
        """Simulated seconds since the answer."""
        return self.call.pace.seconds - self.call.talk_from

    def pick(self, lines: list[str]) -> str:
        """One of the lines; none comes back before all were used."""
        left = self._left.get(id(lines)) or self.dice.sample(lines, len(lines))
        self._left[id(lines)] = left[1:]
        return left[0]

    async def answered(self) -> None:
        """The line is open: metering starts, the status is told."""
        call = self.call
        call.talk_from = call.pace.seconds
        call.status = "in-progress"
        call.answered_at = call.stamp()
        call.recorded = (call.assistant.record or call.consent["given_at"] is not None) and not call.assistant.gdpr
        self.engine.events.emit(call, "status-update")

    def progress(self, kind: str, **data: Any) -> None:
        self.engine.events.emit(self.call, "call-progress", kind=kind, at=iso(self.call.stamp()), data=data)

    async def say(self, text: str, *, share: float = 1.0) -> None:
        """The assistant speaks. With `share` below 1 the other side hangs up after that share."""
        if self.call.muted and not self._closing:
            return
        latency = self._latency()
        await self.wait(latency["total"] / 1000)
        await self._speak("assistant", clean(text), share, latency)
        if self.assistant.ends_call(text) and not self._closing:
            raise HangUp("end_call_phrase")

    async def hear(self, text: str) -> None:
        """The other side speaks."""
        await self.wait(self.dice.uniform(0.4, 1.6))
        await self._speak("user", text, 1.0, None)

    async def wait(self, seconds: float) -> None:
        """A pause between turns; commands are obeyed in it. Raises HangUp."""
        await self.obey()
        end = self.call.pace.seconds + seconds
        while await self._pass(end, stop=self._commanded):
            await self.obey()

    async def obey(self) -> None:
        """Carry out the commands that wait, unless the call is closing already."""
        while self.call.commands and not self._closing:
            await carry_out(self, self.call.commands.popleft())
        held = 0
        while self.call.held and self.call.pace.factor and held < LONGEST_HOLD:
            held += 1
            await self._pass(self.call.pace.seconds + 1, stop=self._commanded)
            if self.call.commands:
                await self.obey()

    async def finish(self, end: HangUp) -> int:
        """Say the last words and let the last second pass; returns the talk in whole seconds."""
        if end.last_words:
            self._closing = True
            self.call.muted = False
            await self.say(end.last_words)
        limit = self.assistant.max_seconds
        seconds = math.ceil(round(self.seconds, 3))
        if limit is not None:
            seconds = min(seconds, math.floor(limit))
        # A talk lasts whole seconds: so the times of the events and the charged seconds agree.
        await self.call.pace.until(self.call.talk_from + seconds, lambda: False)
        return seconds

    async def _speak(self, role: str, text: str, share: float, latency: dict[str, int] | None) -> None:
        self._turn += 1
        length = max(0.8, len(text.split()) * SECONDS_PER_WORD)
        start = self.seconds
        message: dict[str, Any] = {"role": role, "content": text, "turn": self._turn, "start_ms": round(start * 1000)}
        message["end_ms"] = message["start_ms"]
        if latency:
            message["latency_ms"] = latency
        self.call.messages.append(message)
        partial = self.call.pace.factor >= PARTIAL_FROM_CLOCK
        pace, end = self.call.pace, self.call.pace.seconds + length * share
        try:
            while pace.seconds < end:
                step = min(end, pace.seconds + PARTIAL_SECONDS) if partial else end
                if await self._pass(step, stop=self._ended_by_command):
                    await self.obey()
                if partial and step < end:
                    self._transcript(message, _part(text, (self.seconds - start) / length), final=False)
        finally:
            spoken = (self.seconds - start) / length
            message["content"] = text if spoken > 0.97 else _part(text, spoken)
            message["end_ms"] = round(self.seconds * 1000)
            self._transcript(message, message["content"], final=True)

    async def _pass(self, end: float, *, stop: Any) -> bool:
        """Let time pass; True when `stop` cut it. Raises HangUp at the maximum duration."""
        limit = None
        if self.call.status == "in-progress" and self.assistant.max_seconds is not None:
            limit = self.call.talk_from + self.assistant.max_seconds
        target = end if limit is None else min(end, limit)
        cut = await self.call.pace.until(target, stop)
        if limit is not None and self.call.pace.seconds >= limit and not self._closing:
            raise HangUp("max_duration")
        return cut

    def _commanded(self) -> bool:
        return bool(self.call.commands) and not self._closing

    def _ended_by_command(self) -> bool:
        """Only the end of the call cuts a sentence; other commands wait until it is spoken."""
        if self._closing or not any(command["type"] == "end-call" for command in self.call.commands):
            return False
        first = next(command for command in self.call.commands if command["type"] == "end-call")
        self.call.commands.clear()
        self.call.commands.append(first)
        return True

    def _transcript(self, message: dict[str, Any], text: str, *, final: bool) -> None:
        if not self._token() or not text:
            return
        fields = {name: message[name] for name in ("turn", "role", "start_ms", "latency_ms") if name in message}
        end_ms = message["end_ms"] if final else round(self.seconds * 1000)
        self.engine.events.emit(self.call, "transcript", **fields, text=text, final=final, end_ms=end_ms)

    def _token(self) -> bool:
        """At most five transcripts a second and call; an instant talk shows its first turn only."""
        now = time.monotonic()
        self._tokens = min(self._burst(), self._tokens + (now - self._token_time) * 5)
        self._token_time = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _burst(self) -> float:
        return 5.0 if self.call.pace.factor else 1.0

    def _latency(self) -> dict[str, int]:
        if self._turn == 0:
            return {"total": 0}
        stt, llm, tts = self.dice.randint(120, 260), self.dice.randint(300, 700), self.dice.randint(100, 220)
        return {"stt": stt, "llm": llm, "tts": tts, "total": stt + llm + tts}


def _part(text: str, share: float) -> str:
    """The words that were spoken when a sentence was cut."""
    words = text.split()
    spoken = words[: max(1, int(len(words) * share))]
    return " ".join(spoken) + ("" if len(spoken) == len(words) else " …")
