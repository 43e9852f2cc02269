"""The cache of sessions, which also stand in the database."""

from __future__ import annotations

from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache

from apps.core.outage import Outage

outage = Outage("sessions are read from the database")


class SessionCache(RedisCache):
    """Reads miss and writes are dropped while Valkey is down. A delete still raises: a session that somebody ended
    would otherwise be alive again when Valkey is back."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        if outage.is_on:
            return default
        try:
            return super().get(key, default, version)
        except redis.RedisError as error:
            outage.note(error)
            return default

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        if outage.is_on:
            return
        try:
            super().set(key, value, *args, **kwargs)
        except redis.RedisError as error:
            outage.note(error)
