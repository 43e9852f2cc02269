"""One call's way to the receiver: first attempts in order, over shared connections."""

import asyncio
import sys
from collections import deque
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import httpx

from . import VERSION

# httpcore imports sniffio anew for every lock; while it is missing each try walks the whole path,
# which cost a third of the time of an event. None makes the import fail at once.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


@dataclass(slots=True)
class Delivery:
    id: str
    event: str
    body: str
    call_id: str
    private: bool
    attempt: int = 1


class Channel:
    """First attempts of one call, one after the other. Lives while something waits."""

    def __init__(self, send: Any, empty: Any) -> None:
        self._send, self._empty = send, empty
        self._waiting: deque[tuple[Delivery, bool]] = deque()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def put(self, delivery: Delivery, *, swap: bool) -> None:
        self._waiting.append((delivery, swap))
        self._more.set()

    async def drained(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return

    async def _run(self) -> None:
        try:
            while self._waiting:
                delivery, swap = self._waiting.popleft()
                if swap and not self._waiting:
                    await self._next(0.5)
                if swap and self._waiting:
                    later, _ = self._waiting.popleft()
                    self._waiting.appendleft((delivery, False))
                    delivery = later
                await self._send(delivery)
        finally:
            self._empty()
            self._idle.set()

    async def _next(self, seconds: float) -> None:
        self._more.clear()
        try:
            await asyncio.wait_for(self._more.wait(), seconds)
        except TimeoutError:
            return


def client(*, connections: int, seconds: float) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(
        timeout=httpx.Timeout(seconds, pool=60),
        limits=limits,
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": f"Switchboard-Sandbox/{VERSION}"},
    )
