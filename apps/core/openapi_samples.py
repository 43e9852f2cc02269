"""An example of every schema, put together from the examples of its parts."""

from __future__ import annotations

from typing import Any

TEXTS = {
    "uuid": "0190f3c2-7b1e-7c4d-9a55-3f0e8c6d1b27",
    "date-time": "2026-04-23T10:43:17.123Z",
    "email": "office@example.org",
    "uri": "https://example.org/path",
}
DEEPEST = 8


def sample(schema: dict[str, Any], schemas: dict[str, Any], *, hidden: str = "writeOnly", depth: int = 0) -> Any:
    """A value that fits `schema`.

    Args:
        schemas: the components that references name.
        hidden: properties marked so are left out: `writeOnly` in an answer, `readOnly` in a request.
    """
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, hidden=hidden, depth=depth)
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    for key in ("example", "const", "default"):
        if key in schema:
            return schema[key]
    for key in ("oneOf", "anyOf"):
        if key in schema and "properties" not in schema:
            return sample(schema[key][0], schemas, hidden=hidden, depth=depth)
    return _of_type(schema, schemas, hidden, depth)


def _of_type(schema: dict[str, Any], schemas: dict[str, Any], hidden: str, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema or "allOf" in schema else None)
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return _object(schema, schemas, hidden, depth)
    if kind == "array":
        fits = depth < DEEPEST or schema.get("minItems")
        return [sample(schema.get("items", {}), schemas, hidden=hidden, depth=depth + 1)] if fits else []
    if kind == "string":
        return TEXTS.get(schema.get("format", ""), "text")
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return True if kind == "boolean" else None


def _object(schema: dict[str, Any], schemas: dict[str, Any], hidden: str, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in schema.get("allOf", []):
        inner = sample(part, schemas, hidden=hidden, depth=depth)
        found |= inner if isinstance(inner, dict) else {}
    needed = schema.get("required", [])
    for name, each in schema.get("properties", {}).items():
        shown = not each.get(hidden) and not each.get("deprecated")
        if name in needed or (shown and depth < DEEPEST):
            found[name] = sample(each, schemas, hidden=hidden, depth=depth + 1)
    return found
