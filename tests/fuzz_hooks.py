"""Loaded by schemathesis itself: what a sensible client does with its own headers."""

from __future__ import annotations

import uuid
from typing import Any

import schemathesis

HEADER = "Idempotency-Key"
LONGEST = 255


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Each request has a key of its own: one key for different bodies is refused, and would hide everything behind 409."""
    headers = case.headers or {}
    given = headers.get(HEADER)
    if isinstance(given, str) and given:
        tail = uuid.uuid4().hex
        headers[HEADER] = given[: LONGEST - len(tail)] + tail if len(given) <= LONGEST else given
