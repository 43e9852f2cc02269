"""When keys were used: noted in the cache, so that a GET writes nothing."""

from __future__ import annotations

import time

import redis

from apps.core.rate import client, outage

USED = "keys:used"


def used(organization_id: object, key_id: object) -> None:
    """Note that a key was used; a beat entry writes it."""
    if outage.is_on:
        return
    try:
        client().hset(USED, f"{organization_id}:{key_id}", int(time.time()))
    except redis.RedisError as error:
        outage.note(error)


def take_used() -> dict[str, int]:
    """The noted uses, taken away: `organization:key` to Unix seconds."""
    with client().pipeline(transaction=True) as pipe:
        pipe.hgetall(USED)
        pipe.delete(USED)
        found, _deleted = pipe.execute()
    return {name.decode(): int(value) for name, value in found.items()}
