"""Request limits: fixed windows of one clock minute, counted by one atomic script: exact across processes."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings

log = logging.getLogger(__name__)
COUNT = "local n = redis.call('INCR', KEYS[1]); if n == 1 then redis.call('EXPIRE', KEYS[1], 120) end; return n"


@dataclass(frozen=True)
class Window:
    """What a client may still do: numbers of the three headers; `reset` in Unix seconds."""

    limit: int
    remaining: int
    reset: int
    allowed: bool

    @property
    def retry_after(self) -> int:
        return max(1, self.reset - int(time.time()))

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@cache
def client() -> redis.Redis:
    return redis.Redis.from_url(settings.CACHE_URL, socket_timeout=1, socket_connect_timeout=1)


def count(bucket: str, limit: int) -> Window:
    """Count one request in this minute's window of `bucket`. A dead Valkey lets it pass with a warning in the log."""
    minute = int(time.time()) // 60
    reset = (minute + 1) * 60
    try:
        used = int(client().eval(COUNT, 1, f"rate:{bucket}:{minute}"))  # type: ignore[arg-type]
    except redis.RedisError as error:
        log.warning("rate limit not counted: %s", error)
        return Window(limit, limit, reset, True)
    return Window(limit, max(0, limit - used), reset, used <= limit)


USED = "keys:used"


def used(organization_id: object, key_id: object) -> None:
    """Note that a key was used; a beat entry writes it, so that a GET stays read-only."""
    try:
        client().hset(USED, f"{organization_id}:{key_id}", int(time.time()))
    except redis.RedisError as error:
        log.warning("key use not noted: %s", error)


def take_used() -> dict[str, int]:
    """The noted uses, taken away: `organization:key` to Unix seconds."""
    with client().pipeline(transaction=True) as pipe:
        pipe.hgetall(USED)
        pipe.delete(USED)
        found, _deleted = pipe.execute()
    return {name.decode(): int(value) for name, value in found.items()}
