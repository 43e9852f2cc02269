"""A small language of types, to write the contract's field tables in by hand.

Objects must hold exactly the fields of their table. What was seen of each field is remembered, so that a test can show
that every field was met with a value, and every nullable one without.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NULL, VALUE = "null", "a value"
Seen = defaultdict[str, set[str]]


def new_record() -> Seen:
    return defaultdict(set)


class Kind:
    """One type: `.n` is the same, nullable."""

    def __init__(self, name: str, test: Callable[[Any], bool] = lambda value: True) -> None:
        self.name, self._test = name, test

    @property
    def n(self) -> Kind:
        return Nullable(self)

    def problems(self, value: Any, path: str, seen: Seen) -> Iterator[str]:
        if not self._test(value):
            yield f"{path}: {self.name} expected, {json.dumps(value)[:80]} found"


class Nullable(Kind):
    def __init__(self, kind: Kind) -> None:
        super().__init__(f"{kind.name} or null")
        self.kind = kind

    def problems(self, value: Any, path: str, seen: Seen) -> Iterator[str]:
        if value is not None:
            yield from self.kind.problems(value, path, seen)


class Fields(Kind):
    """An object with exactly these fields. A name that ends in `?` may be missing."""

    def __init__(self, name: str, /, **fields: Kind | Maybe) -> None:
        super().__init__(name)
        self.optional = {key for key, kind in fields.items() if isinstance(kind, Maybe)}
        self.fields = {key: kind.kind if isinstance(kind, Maybe) else kind for key, kind in fields.items()}

    def problems(self, value: Any, path: str, seen: Seen) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: {self.name} expected, {json.dumps(value)[:80]} found"
            return
        for key in sorted(self.fields.keys() - self.optional - value.keys()):
            yield f"{path}.{key}: missing"
        for key in sorted(value.keys() - self.fields.keys()):
            yield f"{path}.{key}: not in the contract"
        for key in sorted(self.fields.keys() & value.keys()):
            seen[f"{self.name}.{key}"].add(NULL if value[key] is None else VALUE)
            yield from self.fields[key].problems(value[key], f"{path}.{key}", seen)

    def expected(self) -> Iterator[tuple[str, str]]:
        """What a record must hold when everything was met: (field, NULL or VALUE)."""
        for key, kind in self.fields.items():
            if kind is not NOTHING:
                yield f"{self.name}.{key}", VALUE
            if isinstance(kind, Nullable):
                yield f"{self.name}.{key}", NULL
            yield from _expected(kind)


class Maybe:
    """A field that need not be there."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind


class ListOf(Kind):
    def __init__(self, item: Kind) -> None:
        super().__init__(f"list of {item.name}")
        self.item = item

    def problems(self, value: Any, path: str, seen: Seen) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path}: a list expected, {json.dumps(value)[:80]} found"
            return
        for index, each in enumerate(value):
            yield from self.item.problems(each, f"{path}.{index}", seen)


class MapOf(Kind):
    """Text to something."""

    def __init__(self, item: Kind) -> None:
        super().__init__(f"map to {item.name}")
        self.item = item

    def problems(self, value: Any, path: str, seen: Seen) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: a map expected, {json.dumps(value)[:80]} found"
            return
        for key, each in value.items():
            yield from self.item.problems(each, f"{path}.{key}", seen)


def _expected(kind: Kind) -> Iterator[tuple[str, str]]:
    if isinstance(kind, Fields):
        yield from kind.expected()
    elif isinstance(kind, Nullable):
        yield from _expected(kind.kind)
    elif isinstance(kind, ListOf | MapOf):
        yield from _expected(kind.item)


def expected(kind: Kind) -> set[tuple[str, str]]:
    return set(_expected(kind))


def one_of(*choices: str) -> Kind:
    return Kind(" or ".join(choices), lambda value: value in choices)


def exactly(wanted: Any) -> Kind:
    return Kind(json.dumps(wanted), lambda value: type(value) is type(wanted) and value == wanted)


def is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


TEXT = Kind("text", lambda value: isinstance(value, str))
WORD = Kind("text that is not empty", lambda value: isinstance(value, str) and value != "")
UUID = Kind("lower-case UUID", lambda value: isinstance(value, str) and UUID_FORM.fullmatch(value) is not None)
INSTANT = Kind("time with milliseconds", lambda value: isinstance(value, str) and INSTANT_FORM.fullmatch(value) is not None)
TIME = Kind("HH:MM:SS", lambda value: isinstance(value, str) and re.fullmatch(r"\d\d:\d\d:\d\d", value) is not None)
E164 = Kind("E.164", lambda value: isinstance(value, str) and re.fullmatch(r"\+[1-9][0-9]{6,14}", value) is not None)
INT = Kind("whole number", is_int)
COUNT = Kind("count", lambda value: is_int(value) and value >= 0)
NUMBER = Kind("number", lambda value: is_int(value) or isinstance(value, float))
BOOL = Kind("true or false", lambda value: isinstance(value, bool))
OBJECT = Kind("object", lambda value: isinstance(value, dict))
NOTHING = Kind("null", lambda value: value is None)
TEXTS = ListOf(TEXT)
