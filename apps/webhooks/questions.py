"""Questions asked while a caller waits: one request, no retry, and a breaker for servers that are dead."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.cache import cache
from redis.exceptions import RedisError
from uuid_utils.compat import uuid7

from apps.core import http
from apps.core.foreign_json import read_json
from apps.webhooks.targets import Target, headers_for, serialised

log = logging.getLogger(__name__)
TIMEOUTS = 5
OPEN_SECONDS = 30
REMEMBERED_SECONDS = 600


@dataclass(frozen=True)
class Answer:
    """What a customer's server said to a question.

    ok: a 2xx answer that could be read; `data` is its JSON, or plain text where text is allowed (tool-calls).
    problem: one of `off`, `timeout`, `unreachable`, `blocked`, `status`, `unreadable`, `too_long`; empty when ok.
    """

    ok: bool
    data: Any = None
    problem: str = ""
    status: int | None = None
    detail: str = ""
    seconds: float = 0.0
    id: UUID = field(default_factory=uuid7)


async def ask(target: Target, *, event: str, body: dict[str, Any], seconds: float) -> Answer:
    """Send `assistant-request` or `tool-calls` and wait for the answer, at most `seconds` in all.

    Never raises for what the other side does. After five time-outs in a row the URL is left alone for 30 s, and the
    answer is `off` at once (webhooks 10.3); so it is for a URL that is switched off.
    """
    if target.is_off:
        return Answer(False, problem="off", detail="the URL is switched off")
    breaker = _Breaker(target)
    if await breaker.is_open():
        return Answer(False, problem="off", detail="left alone after five time-outs")
    identity, content = uuid7(), serialised(body).encode()
    headers = headers_for(
        event=event, delivery_id=identity, attempt=1, timestamp=int(time.time()), body=content,
        secret=target.secret, user_agent=target.user_agent, following=target.following,
    )  # fmt: skip
    started = time.monotonic()
    try:
        found = await http.send_async("POST", target.url, headers=headers, content=content, timeout=seconds)
    except http.SendError as error:
        await breaker.note(timed_out=error.reason == "timeout")
        took = time.monotonic() - started
        return Answer(False, problem=_problem(error), detail=str(error)[:300], seconds=took, id=identity)
    await breaker.note(timed_out=False)
    return _read(found, takes_text=event == "tool-calls", identity=identity)


def _read(found: http.Answer, *, takes_text: bool, identity: UUID) -> Answer:
    known: dict[str, Any] = {"status": found.status, "seconds": found.seconds, "id": identity}
    if not 200 <= found.status < 300:
        return Answer(False, problem="status", detail=f"HTTP {found.status}", **known)
    if found.truncated:
        return Answer(False, problem="too_long", detail="the answer is longer than 64 KiB", **known)
    try:
        return Answer(True, read_json(found.body), **known)
    except ValueError:
        if takes_text:
            return Answer(True, found.body.decode(errors="replace").replace("\x00", ""), **known)
        return Answer(False, problem="unreadable", detail="the answer is not JSON", **known)


def _problem(error: http.SendError) -> str:
    return error.reason if error.reason in ("timeout", "blocked") else "unreachable"


class _Breaker:
    """Counts time-outs in the cache, because every process asks; without a cache nothing is ever left alone."""

    def __init__(self, target: Target) -> None:
        name = f"{target.level}:{target.owner_id}:{target.digest.hex()}"
        self._open, self._count = f"ask:open:{name}", f"ask:timeouts:{name}"

    async def is_open(self) -> bool:
        try:
            return bool(await cache.aget(self._open))
        except RedisError as error:
            log.warning("breaker not read: %s", error)
            return False

    async def note(self, *, timed_out: bool) -> None:
        try:
            if not timed_out:
                await cache.adelete(self._count)
                return
            await cache.aadd(self._count, 0, REMEMBERED_SECONDS)
            if await cache.aincr(self._count) >= TIMEOUTS:
                await cache.aset(self._open, 1, OPEN_SECONDS)
                await cache.adelete(self._count)
        except (RedisError, ValueError) as error:
            log.warning("breaker not written: %s", error)
