"""A voice engine that only counts: when each request to dial arrives, and whether that was too soon.

    python -m benchmarks.standin PORT STARTS SECONDS    0 starts: no limit

It takes a call for good (no event follows), refuses what exceeds its rolling window with 429, and hands out what it saw at
`GET /seen`: `[seconds on this machine's steady clock, the number that was called, accepted]`; `PUT /window` begins anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Any

ENGINE: dict[str, Any] = {
    "kind": "other", "version": "1", "instance": "5f0c0000-0000-4000-8000-0000000000bb", "simulated": False, "clock": 1,
    "needs_keys": False, "features": ["one_time_full", "idempotency", "reference", "deadline", "certainty"],
    "answer_seconds": {"assistant-request": 6, "tool-calls": 11}, "limits": {"concurrent": None, "starts_per_second": None},
}  # fmt: skip


class Engine:
    def __init__(self, starts: int, seconds: float) -> None:
        self.order(starts, seconds)

    def order(self, starts: int, seconds: float) -> None:
        self.starts, self.seconds = starts, seconds
        self.seen: list[tuple[float, str, bool]] = []
        self.recent: deque[float] = deque()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            arrived = time.monotonic()
            line, _, fields = head.decode("latin-1").partition("\r\n")
            lengths = [value for name, _, value in (each.partition(":") for each in fields.split("\r\n")) if name.lower() == "content-length"]
            body = json.loads(await reader.readexactly(int(lengths[0]))) if lengths and int(lengths[0]) else {}
            method, path = line.split(" ")[:2]
            status, answer = self.answer(method, path, body, arrived)
            content = json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(content)) + content)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, method: str, path: str, body: Any, arrived: float) -> tuple[int, Any]:
        if path == "/calls/outbound":
            return self.dial(body, arrived)
        if path == "/engine":
            return 200, ENGINE
        if path == "/seen":
            return 200, self.seen
        if (method, path) == ("PUT", "/window"):
            self.order(body["starts"], body["seconds"])
            return 200, {}
        return (200, {"calls": []}) if path.startswith("/calls?") else (404, {"error": "Not found", "rang": False})

    def dial(self, body: Any, arrived: float) -> tuple[int, Any]:
        while self.recent and self.recent[0] <= arrived - self.seconds:
            self.recent.popleft()
        accepted = not self.starts or len(self.recent) < self.starts
        self.seen.append((arrived, body["destination"], accepted))
        if not accepted:
            return 429, {"error": "Too many starts", "type": "capacity", "rang": False}
        self.recent.append(arrived)
        return 200, {"success": True, "call_id": f"eng-{len(self.seen)}-{arrived}", "reference": body.get("reference")}


def go_first() -> None:
    """The judge notes when a request arrives: on a busy machine its own lateness would be taken for the caller's."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


async def main(port: int, starts: int, seconds: float) -> None:
    server = await asyncio.start_server(Engine(starts, seconds).serve, "127.0.0.1", port, backlog=1000)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    go_first()
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
