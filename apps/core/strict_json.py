"""JSON from strangers: an object that can be stored and sent on as it came, or a sentence that says why not."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

from apps.core.errors import DomainError, Invalid

DEPTH = 100
# A signed 64-bit integer: what every database column and most languages can hold.
INTEGER = 2**63
INTEGER_DIGITS = 20


def read_object(raw: bytes) -> dict[str, Any]:
    """A request's body as a JSON object in UTF-8; an empty body counts as `{}` (api 1).

    Raises DomainError (400): no JSON, no object, a key twice, nested too deeply, a number that is no JSON; Invalid with
    the field for a number that is too large and for a text that no database can hold (NUL, half a surrogate pair).
    """
    if not raw.strip():
        return {}
    too_large: list[_TooLarge] = []
    try:
        data = json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_constant,
            parse_int=lambda text: _integer(text, too_large), parse_float=lambda text: _float(text, too_large),
        )  # fmt: skip
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise DomainError(f"The body is not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise DomainError("The body must be a JSON object.")
    # Only these two need a look at more than lists and objects; unstorable characters only come escaped.
    _check(data, leaves=(str,) * (b"\\u" in raw) + (_TooLarge,) * bool(too_large), has_escapes=b"\\u" in raw)
    return data


class _TooLarge:
    """Stands where a number is that nothing can hold, until its field is known."""

    def __init__(self, text: str) -> None:
        self.text = text[:20]


def _check(data: dict[str, Any], *, leaves: tuple[type, ...], has_escapes: bool) -> None:
    """Walks without recursion: what is deep is exactly what is looked for."""
    kinds = (dict, list, *leaves)
    waiting: list[tuple[Any, str, int]] = [(data, "", 1)]
    while waiting:
        value, path, depth = waiting.pop()
        if depth > DEPTH:
            raise _too_deep()
        if isinstance(value, str):
            _check_text(value, path)
        elif isinstance(value, _TooLarge):
            line = f"{path}: the number {value.text} is too large"
            raise Invalid(line, param=path or None, details=[line])
        elif isinstance(value, dict):
            for key, inner in value.items():
                own = f"{path}.{key}" if path else key
                if has_escapes:
                    _check_text(key, path)
                if isinstance(inner, kinds):
                    waiting.append((inner, own, depth + 1))
        else:
            for index, inner in enumerate(value):
                if isinstance(inner, kinds):
                    waiting.append((inner, f"{path}.{index}", depth + 1))


def _check_text(text: str, path: str) -> None:
    if "\x00" not in text and text.isprintable():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        problem = "the text holds half of a surrogate pair"
    else:
        if "\x00" not in text:
            return
        problem = "the text holds a NUL character"
    line = f"{path}: {problem}" if path else problem
    raise Invalid(line, param=path or None, details=[line])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _value in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!a} stands there twice")
    return data


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _integer(text: str, too_large: list[_TooLarge]) -> Any:
    if len(text) <= INTEGER_DIGITS and -INTEGER <= (whole := int(text)) < INTEGER:
        return whole
    # PostgreSQL gives 1e22 back as 10000000000000000000000: what was read can be sent again.
    number = float(text)
    if math.isfinite(number) and Decimal(repr(number)) == Decimal(text):
        return number
    return _noted(text, too_large)


def _float(text: str, too_large: list[_TooLarge]) -> Any:
    number = float(text)
    return number if math.isfinite(number) else _noted(text, too_large)


def _noted(text: str, too_large: list[_TooLarge]) -> _TooLarge:
    too_large.append(_TooLarge(text))
    return too_large[-1]


def _too_deep() -> DomainError:
    return DomainError(f"The body is nested more than {DEPTH} levels deep.")
