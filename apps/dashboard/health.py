"""Whether the installation can do its work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from apps.core import db
from apps.core.api import instant
from apps.core.rate import client
from apps.core.scope import Scope, acting
from apps.voice.models import Connection
from apps.voice.services import is_down


def report() -> dict[str, Any]:
    """The body of GET /health. The voice backend failing alone degrades; anything else is an error."""
    checks = {
        "database": _timed(_database),
        "cache": _timed(lambda: client().ping()),
        "queue": _timed(_queue),
        "backend": _timed(_backend),
    }
    failed = {name for name, check in checks.items() if check["status"] != "ok"}
    status = "ok" if not failed else "degraded" if failed == {"backend"} else "error"
    now = db.now() if "database" not in failed else None
    return {"status": status, "timestamp": instant(now), "version": "1.0.0", "checks": checks}


def _timed(check: Callable[[], object]) -> dict[str, Any]:
    began = time.monotonic()
    try:
        check()
    except (DatabaseError, redis.RedisError, OSError, RuntimeError) as error:
        return {"status": "error", "error": type(error).__name__}
    return {"status": "ok", "latency_ms": round((time.monotonic() - began) * 1000)}


def _database() -> None:
    connection.ensure_connection()
    db.now()


def _queue() -> None:
    url = settings.BROKER_URL.replace("redis+socket://", "unix://").split("?")[0]
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as broker:
        broker.ping()


def _backend() -> None:
    with acting(Scope(())):
        own = Connection.objects.filter(organization=None, is_active=True).first()
    if own is None or is_down(own):
        raise RuntimeError("the voice engine does not answer")
