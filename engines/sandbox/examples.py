"""Values that fit a JSON Schema: arguments for tools, and the analysis that is made by rule."""

import random
from typing import Any

DEEPEST = 6
FORMATS = {
    "date": "2026-01-05",
    "date-time": "2026-01-05T09:30:00Z",
    "time": "09:30:00",
    "email": "caller@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000001",
}


class Examples:
    """`text` is the value of free text, `phone` that of fields that ask for a telephone number."""

    def __init__(self, source: random.Random, text: str, phone: str | None) -> None:
        self._source, self._text, self._phone = source, text, phone

    def fill(self, schema: dict[str, Any]) -> Any:
        """A value for a schema. What a pattern asks for is not guessed."""
        return self._value(schema, schema, "", 0)

    def _value(self, schema: Any, root: dict[str, Any], name: str, depth: int) -> Any:
        if not isinstance(schema, dict) or depth > DEEPEST:
            return None
        for key in ("const", "default", "example"):
            if key in schema:
                return schema[key]
        if schema.get("examples"):
            return self._source.choice(schema["examples"])
        if schema.get("enum"):
            return self._source.choice(schema["enum"])
        if "$ref" in schema:
            return self._value(_refer(root, schema["$ref"]), root, name, depth + 1)
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self._value(schema[key][0], root, name, depth + 1)
        if schema.get("allOf"):
            merged: dict[str, Any] = {"type": "object", "properties": {}}
            for part in schema["allOf"]:
                merged["properties"].update(part.get("properties", {}))
            return self._value(merged, root, name, depth + 1)
        return self._typed(schema, root, name, depth)

    def _typed(self, schema: dict[str, Any], root: dict[str, Any], name: str, depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((item for item in kind if item != "null"), "null")
        if kind == "object" or "properties" in schema:
            properties = schema.get("properties") or {}
            return {key: self._value(part, root, key, depth + 1) for key, part in properties.items()}
        if kind == "array":
            count = min(max(1, schema.get("minItems", 1)), schema.get("maxItems", 3), 3)
            return [self._value(schema.get("items", {}), root, name, depth + 1) for _ in range(count)]
        if kind == "boolean":
            return self._source.random() < 0.6
        if kind in ("integer", "number"):
            return self._number(schema, whole=kind == "integer")
        if kind == "null":
            return None
        return self._string(schema, name)

    def _number(self, schema: dict[str, Any], *, whole: bool) -> float:
        low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1 if "exclusiveMinimum" in schema else None)
        high = schema.get("maximum", schema.get("exclusiveMaximum", 1) - 1 if "exclusiveMaximum" in schema else None)
        if low is None:
            low = min(1, high) if high is not None else 1
        if high is None:
            high = max(10, low)
        step = schema.get("multipleOf")
        if step:
            return -(-low // step) * step
        if whole:
            return self._source.randint(int(-(-low // 1)), int(high))
        return round(self._source.uniform(low, high), 1)

    def _string(self, schema: dict[str, Any], name: str) -> str:
        value = FORMATS.get(schema.get("format", ""))
        if value is None:
            value = self._guess(name.casefold())
        value = value.ljust(schema.get("minLength", 0), "-")
        return value[: schema["maxLength"]] if "maxLength" in schema else value

    def _guess(self, name: str) -> str:
        if self._phone and any(part in name for part in ("phone", "telefo", "number", "nummer")):
            return self._phone
        for part, example in (("mail", FORMATS["email"]), ("date", FORMATS["date"]), ("time", "09:30")):
            if part in name:
                return example
        return self._text


def _refer(root: dict[str, Any], pointer: Any) -> Any:
    """A reference inside the same schema; others are not followed."""
    found: Any = root
    if not isinstance(pointer, str) or not pointer.startswith("#/"):
        return {}
    for part in pointer[2:].split("/"):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return found
