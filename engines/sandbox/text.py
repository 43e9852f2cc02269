"""Text talks: a visitor types, the assistant answers at once, with the same quotes and tools as on the phone."""

import asyncio
from typing import TYPE_CHECKING, Any

from .calls import Call, HangUp
from .player import finish, hand_over, reply, say_goodbye
from .talk import Talk
from .tools import run_tool
from .wire import Refusal

if TYPE_CHECKING:
    from .engine import Engine

TOKEN_SECONDS = IDLE_SECONDS = 600


class TextTalk:
    """One text talk. Its seconds are those the sentences would take, whatever the clock."""

    def __init__(self, engine: "Engine", call: Call) -> None:
        self._engine, self._call = engine, call
        self._talk = Talk(engine, call)
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._wake_later(TOKEN_SECONDS)

    async def hear(self, text: str) -> dict[str, Any]:
        """Answer a visitor: `messages` since then, `tool_calls`, `ended`.

        The first time the visitor comes in and is greeted; then the text may be empty.
        """
        return await self._run(self._answer(text))

    async def obey(self) -> None:
        """Carry out the live commands that wait."""
        await self._run(self._talk.obey())

    async def _run(self, step: Any) -> dict[str, Any]:
        call = self._call
        async with self._lock:
            if not call.running:
                step.close()
                raise Refusal(400, "The call is not active", "call_not_active", rang=False)
            seen, tools = len(call.messages), len(call.tool_calls)
            try:
                await step
            except HangUp as end:
                seconds = await self._talk.finish(end)
                new = self._new(seen, tools)
                await self._end(end, seconds)
                return {**new, "ended": True}
            self._wake_later(IDLE_SECONDS)
            return {**self._new(seen, tools), "ended": False}

    async def _answer(self, text: str) -> None:
        if self._call.answered_at is None:
            await self._greet()
        if text:
            await self._reply(text)

    async def _greet(self) -> None:
        await self._talk.answered()
        if self._call.assistant.greeting:
            await self._talk.say(self._call.assistant.greeting)

    async def _reply(self, text: str) -> None:
        talk, script, said = self._talk, self._talk.script, text.casefold()
        await talk.hear(text)
        if any(word in said for word in script.end_words):
            await say_goodbye(talk)
        if any(word in said for word in script.person_words):
            await hand_over(talk)
            return
        for tool in talk.assistant.tools:
            words = set(f"{tool.name} {tool.description}".casefold().replace("_", " ").split())
            if words & {word.strip("?!.,") for word in said.split() if len(word) > 4}:
                await run_tool(talk, tool)
                return
        await talk.say(reply(talk, text))

    def _new(self, seen: int, tools: int) -> dict[str, Any]:
        shown = ("role", "content", "turn", "start_ms", "end_ms")
        rows = [{name: item[name] for name in shown} for item in self._call.messages[seen:]]
        return {"messages": rows, "tool_calls": [dict(row) for row in self._call.tool_calls[tools:]]}

    async def _end(self, end: HangUp, seconds: int) -> None:
        if self._idle:
            self._idle.cancel()
        self._engine.texts.pop(self._call.id, None)
        await finish(self._engine, self._call, end, seconds)

    def _wake_later(self, seconds: int) -> None:
        """A visitor who went away ends the talk; one who never came, the call."""
        if self._idle:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(seconds, self._leave)

    def _leave(self) -> None:
        if self._call.running:
            self._engine.events.spawn(self.leave())

    async def leave(self) -> None:
        """The visitor is gone, or never came."""
        if self._call.running:
            came = self._call.answered_at is not None
            await self._end(HangUp("user_hangup" if came else "no_answer"), self._call.talked)
