"""`{{name}}` in prompts and greetings (features 1 and 14): one expression, one pass."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Names are column headers of imports: anything but braces and line ends; 200 bounds the search for the end.
_VARIABLE = re.compile(r"\{\{([^{}\r\n]{1,200})\}\}")


def fill(text: str, variables: Mapping[str, object]) -> str:
    """The text with every known `{{name}}` replaced by its value, as plain text.

    Names are case-sensitive, spaces around them do not count. Unknown names stay as written, and so does a name
    whose value is no text, number or boolean. Braces inside values are not expanded again.
    """

    def value(match: re.Match[str]) -> str:
        found = as_text(variables.get(match[1].strip()))
        return match[0] if found is None else found

    return _VARIABLE.sub(value, text)


def names(text: str) -> set[str]:
    """The names that a text asks for."""
    return {name.strip() for name in _VARIABLE.findall(text)} - {""}


def missing(text: str, variables: Mapping[str, object]) -> list[str]:
    """Names without a value, sorted; empty or blank is no value (features 14)."""
    return sorted(name for name in names(text) if not (as_text(variables.get(name)) or "").strip())


def parts(text: str, variables: Mapping[str, object]) -> list[tuple[str, str]]:
    """The filled text in pieces, for people: (piece, kind), kind `text`, `value`, or `missing` for a `{{name}}` without one."""
    found, at = [], 0
    for match in _VARIABLE.finditer(text):
        value = as_text(variables.get(match[1].strip())) or ""
        found += [(text[at : match.start()], "text"), (value, "value") if value.strip() else (match[0], "missing")]
        at = match.end()
    return [(piece, kind) for piece, kind in [*found, (text[at:], "text")] if piece]


def as_text(value: object) -> str | None:
    """A variable's value as text: numbers and booleans as JSON spells them; None when it cannot be one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return value if isinstance(value, str) else None
