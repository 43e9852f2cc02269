"""Waking workers. The work stands in rows that a sweep finds: a queue that is down delays it and fails nothing."""

from __future__ import annotations

from typing import Any

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from apps.core.outage import Outage

outage = Outage("workers are not woken, the sweeps will find the work")


def wake(task: Any, *args: Any, **kwargs: Any) -> None:
    """Send a task whose row is committed."""
    if outage.is_on:
        return
    try:
        task.delay(*args, **kwargs)
    except (OperationalError, RedisError, OSError) as error:
        outage.note(error)
