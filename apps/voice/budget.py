"""How much may be asked of an upstream: 90 requests in any 60 seconds per key, the urgent ones first (platform 12).

One atomic script on Valkey's own clock counts for all processes. Nothing queues here: who gets no slot learns when the
next one comes, and decides whether that is worth waiting for.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import redis
from django.conf import settings

from apps.core.outage import Outage
from apps.core.rate import client
from apps.voice.capabilities import COUNTED_KINDS, Capabilities
from apps.voice.models import Connection

WINDOW_SECONDS = 60.0
outage = Outage("requests to voice engines are sent without counting them")

# KEYS: the requests of the window, the pause the upstream asked for. ARGV: window in microseconds, how many, whether the
# pause counts, a name for this request. Returns milliseconds until a slot, 0 when it was taken.
TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
if ARGV[3] == '1' then
    local pause = redis.call('PTTL', KEYS[2])
    if pause > 0 then return pause end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[1]))
local used, most = redis.call('ZCARD', KEYS[1]), tonumber(ARGV[2])
if used < most then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[4])
    redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] / 1000) + 1000)
    return 0
end
local leaves = redis.call('ZRANGE', KEYS[1], used - most, used - most, 'WITHSCORES')
return math.max(1, math.ceil((leaves[2] + ARGV[1] - now) / 1000))
"""
PAUSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
return 0
"""


class Priority(StrEnum):
    CONTROL = "control"
    OUTBOUND = "outbound"
    SYNC = "sync"


# The ninths that are kept free for what is more urgent.
KEPT_FREE = {Priority.CONTROL: 0, Priority.OUTBOUND: 1, Priority.SYNC: 3}


@dataclass(frozen=True)
class Budget:
    """What one key may still ask. `limit` requests in any `window` seconds."""

    name: str
    limit: int
    window: float = WINDOW_SECONDS

    def share(self, priority: Priority) -> int:
        """How many of the limit may be used up before a request of this urgency has to wait."""
        return max(1, self.limit - self.limit * KEPT_FREE[priority] // 9)

    def take(self, priority: Priority) -> float:
        """Take a slot. Returns 0 when it is taken, else the seconds until there may be one."""
        heeds_pause = "0" if priority == Priority.CONTROL else "1"
        argv = (int(self.window * 1e6), self.share(priority), heeds_pause, secrets.token_hex(8))
        return int(self._run(TAKE, [f"{self.name}:sent", f"{self.name}:pause"], *argv) or 0) / 1000

    def wait(self, priority: Priority, most: float) -> float:
        """`take`, waiting at most `most` seconds for a slot that comes in that time. Returns as `take` does."""
        end = time.monotonic() + most
        while (seconds := self.take(priority)) and time.monotonic() + seconds <= end:
            time.sleep(seconds)
        return seconds

    def pause(self, seconds: float) -> None:
        """The upstream wants no requests for so long (`Retry-After`). Only control still goes through."""
        self._run(PAUSE, [f"{self.name}:pause"], max(1, math.ceil(seconds * 1000)))

    def _run(self, script: str, keys: list[str], *argv: str | int) -> int | None:
        """A dead Valkey lets everything pass, with a line in the log once a minute."""
        if outage.is_on:
            return None
        try:
            return client().eval(script, len(keys), *keys, *argv)  # type: ignore[return-value,arg-type]
        except redis.RedisError as error:
            outage.note(error)
            return None


def budget_of(connection: Connection, known: Capabilities) -> Budget | None:
    """The budget of the connection's key; None for an engine that is no account with a limit per key."""
    limit = settings.UPSTREAM_REQUESTS_PER_MINUTE
    if known.kind not in COUNTED_KINDS or limit <= 0:
        return None
    whose = f"{urlsplit(connection.base_url).netloc.lower()}|{connection.api_key}"
    return Budget(f"upstream:{hashlib.sha256(whose.encode()).hexdigest()[:40]}", limit)
