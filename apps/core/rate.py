"""Request limits: fixed windows of one clock minute or hour, counted by one atomic script: exact across processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings
from django.http import HttpRequest
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.core.client import client_address
from apps.core.outage import Outage

COUNT = "local n = redis.call('INCR', KEYS[1]); if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end; return n"
TIMEOUT_SECONDS = 0.3
outage = Outage("requests are answered without counting them")


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
    """Never tried twice: a count whose answer was lost would count double, and the request waits."""
    return redis.Redis.from_url(
        settings.CACHE_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def count(bucket: str, limit: int, *, seconds: int = 60) -> Window:
    """Count one request in the current window of `bucket`, `seconds` long. A dead Valkey lets it pass with a warning in the log."""
    window = int(time.time()) // seconds
    reset = (window + 1) * seconds
    if not outage.is_on:
        try:
            used = int(client().eval(COUNT, 1, f"rate:{bucket}:{window}", 2 * seconds))  # type: ignore[arg-type]
        except redis.RedisError as error:
            outage.note(error)
        else:
            return Window(limit, max(0, limit - used), reset, used <= limit)
    return Window(limit, limit, reset, True)


def count_address(request: HttpRequest) -> Window:
    """Count a request without a valid key: per client address (api 4)."""
    return count(f"address:{client_address(request)}", settings.API_REQUESTS_PER_MINUTE)
