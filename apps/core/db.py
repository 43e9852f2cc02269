"""Time from the database, and the two kinds of write."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

from apps.core.scope import in_transaction

P = ParamSpec("P")
R = TypeVar("R")


def now() -> dt.datetime:
    """The database's clock, read once per unit of work at its entry (view, task, hook) and passed down."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(dt.UTC)


def writes(function: Callable[P, R]) -> Callable[P, R]:
    """A service that opens its own transaction. It is never nested: Django raises."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(durable=True):
            return function(*args, **kwargs)

    return run


def step(function: Callable[P, R]) -> Callable[P, R]:
    """A write inside the caller's transaction. Raises RuntimeError when there is none."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not connection.in_atomic_block:
            raise RuntimeError(f"{function.__name__} runs inside a transaction of its caller")
        return function(*args, **kwargs)

    return run


__all__ = ["in_transaction", "now", "step", "writes"]
