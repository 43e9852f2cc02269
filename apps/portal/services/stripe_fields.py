"""Reading fields of foreign objects: the type that is expected, or nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID


def text(value: Any) -> str:
    """A text, or the id of an object that stands there as itself instead of as its id."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else ""


def cents(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
