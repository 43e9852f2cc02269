"""Schemas as nested rows that a person can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

# A component with more parts than this stands once on the page of schemas, and is linked elsewhere.
SMALL = 6
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def words(text: str) -> SafeString:
    """One line of our own Markdown; the renderer lets no HTML pass."""
    return mark_safe(_markdown.renderInline(text)) if text else SafeString()  # noqa: S308


def prose(text: str) -> SafeString:
    """Paragraphs of our own Markdown."""
    return mark_safe(_markdown.render(text)) if text else SafeString()  # noqa: S308


@dataclass(frozen=True)
class Row:
    """One field. `link`: the component that is described elsewhere; `variants`: (title, rows) of which one applies."""

    name: str
    kind: str
    is_required: bool = False
    is_deprecated: bool = False
    about: SafeString = field(default_factory=SafeString)
    rules: tuple[str, ...] = ()
    link: str = ""
    rows: tuple[Row, ...] = ()
    variants: tuple[tuple[str, tuple[Row, ...]], ...] = ()


class Reader:
    """Reads schemas of one document; remembers which components were linked."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self.schemas = schemas
        self.linked: list[str] = []

    def rows(self, schema: dict[str, Any], *, depth: int = 0) -> tuple[Row, ...]:
        """The properties of an object, or of what an array holds."""
        found, _name, _null = self._plain(schema)
        if found.get("type") == "array" and "items" in found:
            return self.rows(found["items"], depth=depth)
        needed = found.get("required", [])
        return tuple(
            self.row(name, each, is_required=name in needed, depth=depth)
            for name, each in found.get("properties", {}).items()
        )

    def variants(self, schema: dict[str, Any], *, depth: int = 0) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        found, _name, _null = self._plain(schema)
        return tuple(
            (self._title(each), self.rows(each, depth=depth + 1)) for each in found.get("oneOf", found.get("anyOf", ()))
            if "$ref" in each or "properties" in each
        )  # fmt: skip

    def row(self, name: str, schema: dict[str, Any], *, is_required: bool, depth: int) -> Row:
        found, component, null = self._plain(schema)
        items, part = found.get("items") or {}, component
        if items:
            inner, part, _ = self._plain(items)
        else:
            inner = found
        link = part if part and depth > 0 and self._is_large(part) else ""
        if link and link not in self.linked:
            self.linked.append(link)
        return Row(
            name=name,
            kind=_kind(found, component, part, null),
            is_required=is_required,
            is_deprecated=bool(schema.get("deprecated")),
            about=words(schema.get("description") or found.get("description", "")),
            rules=tuple(_rules(found)) or tuple(_rules(inner)),
            link=link,
            rows=() if link else self.rows(inner, depth=depth + 1),
            variants=() if link else self.variants(inner, depth=depth),
        )

    def _plain(self, schema: dict[str, Any]) -> tuple[dict[str, Any], str, bool]:
        """Without reference and without the choice of null: schema, component's name, whether it may be null."""
        null = False
        for key in ("anyOf", "oneOf"):
            options = [each for each in schema.get(key, ()) if each != {"type": "null"}]
            if len(options) == 1 and len(schema[key]) == 2:
                schema, null = options[0], True
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            return self.schemas[name], name, null
        return schema, "", null

    def _is_large(self, name: str) -> bool:
        found = self.schemas[name]
        return len(found.get("properties", {})) > SMALL or "anyOf" in found or "oneOf" in found

    def _title(self, schema: dict[str, Any]) -> str:
        found, name, _null = self._plain(schema)
        return str(found.get("title") or name).split(": ")[-1]


def _kind(found: dict[str, Any], component: str, part: str, null: bool) -> str:
    kinds = found.get("type", "any" if not component else "object")
    kinds = [*kinds] if isinstance(kinds, list) else [kinds]
    null = null or "null" in kinds
    names = [_named(each, found, part) for each in kinds if each != "null"]
    return " or ".join([*names, *(["null"] if null else [])])


def _named(kind: str, found: dict[str, Any], part: str) -> str:
    if kind == "array":
        item = part or found.get("items", {}).get("type", "any")
        return f"array of {item[0] if isinstance(item, list) else item}"
    return str(found.get("format", kind)) if kind == "string" else kind


def _rules(schema: dict[str, Any]) -> list[str]:
    """What limits a value, in words of the schema."""
    found = []
    if "enum" in schema:
        found.append("one of " + ", ".join("null" if each is None else str(each) for each in schema["enum"]))
    for low, high, unit in (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " entries")):
        least, most = schema.get(low), schema.get(high)
        if least and most is not None:
            found.append(f"{least:,} to {most:,}{unit}")
        elif most is not None:
            found.append(f"at most {most:,}{unit}")
        elif least:
            found.append(f"at least {least:,}{unit}")
    if schema.get("default") is not None:
        shown = schema["default"]
        found.append(f"default {str(shown).lower() if isinstance(shown, bool) else shown}")
    return found
