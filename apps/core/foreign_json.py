"""JSON that another's server wrote: read as far as it can be stored and written again, refused otherwise."""

from __future__ import annotations

import json
import math
import re
from typing import Any

# Beyond that, one of the many places that write a value again would run out of stack.
DEEPEST = 200
# What json reads and PostgreSQL cannot store: NUL and half a surrogate pair. They only come escaped.
_UNSTORABLE = re.compile(rb"\\u(0000|d[89a-f])", re.IGNORECASE)


def read_json(body: bytes) -> Any:
    """The value of a UTF-8 text. NUL is dropped, half a surrogate pair becomes `?`, a number like 1e400 becomes None.

    Raises:
        ValueError: no JSON, not UTF-8, NaN or Infinity, or nested more than 200 deep.
    """
    try:
        data = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if body.count(b"[") + body.count(b"{") > DEEPEST:
        _refuse_deep(data)
    return storable(data) if _UNSTORABLE.search(body) else data


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object of a body, or an empty one."""
    try:
        found = read_json(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def storable(value: Any) -> Any:
    """The value without what PostgreSQL refuses."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    return value


def _refuse_deep(data: Any) -> None:
    level = [data]
    for _depth in range(DEEPEST):
        level = [
            each for holder in level if isinstance(holder, dict | list)
            for each in (holder.values() if isinstance(holder, dict) else holder)
        ]  # fmt: skip
        if not level:
            return
    raise ValueError("nested too deep")


def _finite(text: str) -> float | None:
    """PostgreSQL's JSON has no infinity, which a number such as 1e400 would be."""
    value = float(text)
    return value if math.isfinite(value) else None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
