"""JSON Schemas of the description as tools need them: one object at the root, and nothing that points outside."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
PREFIX = "#/components/schemas/"
# Words of OpenAPI that no JSON Schema knows, or that point at components.
DROPPED = {"discriminator", "xml", "externalDocs", "example"}
# Under these stand names of the author's own, under those plain values.
NAMED = {"properties", "patternProperties", "dependentSchemas"}
DATA = {"default", "examples", "enum", "const"}


def flat_object(schema: Schema, components: dict[str, Schema]) -> tuple[dict[str, Schema], list[str]]:
    """Properties and required names of a body. Of a choice: all properties, and what every choice needs.

    Programs that call tools refuse a choice at the root; which combination is right, the API itself says.
    """
    schema = _resolved(schema, components)
    properties = {name: each for name, each in schema.get("properties", {}).items() if not _is_hidden(each)}
    required = list(schema.get("required", []))
    for part in schema.get("allOf", []):
        inner, needed = flat_object(part, components)
        properties = _joined(properties, inner)
        required += needed
    choices = [flat_object(part, components) for part in (*schema.get("oneOf", []), *schema.get("anyOf", []))]
    for inner, _needed in choices:
        properties = _joined(properties, inner)
    if choices:
        required += [name for name in choices[0][1] if all(name in needed for _inner, needed in choices)]
    return properties, [name for name in dict.fromkeys(required) if name in properties]


def gathered(schema: Schema, components: dict[str, Schema]) -> tuple[Schema, dict[str, Schema]]:
    """The schema with its references turned inwards, and the parts they name, for `$defs`."""
    parts: dict[str, Schema] = {}
    return _inwards(schema, components, parts), dict(sorted(parts.items()))


def _inwards(value: Any, components: dict[str, Schema], parts: dict[str, Schema]) -> Any:
    if isinstance(value, list):
        return [_inwards(each, components, parts) for each in value]
    if not isinstance(value, dict):
        return value
    turned: dict[str, Any] = {}
    for key, each in value.items():
        if key == "$ref":
            turned[key] = _part(each, components, parts)
        elif key in NAMED:
            turned[key] = {name: _inwards(schema, components, parts) for name, schema in each.items()}
        elif key in DATA:
            turned[key] = each
        elif key not in DROPPED:
            turned[key] = _inwards(each, components, parts)
    return turned


def _part(reference: str, components: dict[str, Schema], parts: dict[str, Schema]) -> str:
    name = reference.removeprefix(PREFIX)
    if name not in parts:
        parts[name] = {}  # stands while a part that holds itself is being read
        parts[name] = _inwards(components[name], components, parts)
    return f"#/$defs/{name}"


def _resolved(schema: Schema, components: dict[str, Schema]) -> Schema:
    while "$ref" in schema:
        schema = components[schema["$ref"].removeprefix(PREFIX)]
    return schema


def _is_hidden(schema: Schema) -> bool:
    """What only answers hold."""
    return bool(schema.get("readOnly"))


def _joined(ours: dict[str, Schema], theirs: dict[str, Schema]) -> dict[str, Schema]:
    """Both; a property that differs may be either."""
    joined = dict(ours)
    for name, schema in theirs.items():
        if name not in joined:
            joined[name] = schema
        elif "enum" in joined[name] and "enum" in schema:
            joined[name] = joined[name] | {"enum": list(dict.fromkeys([*joined[name]["enum"], *schema["enum"]]))}
        elif joined[name] != schema:
            known = joined[name]["anyOf"] if set(joined[name]) == {"anyOf"} else [joined[name]]
            joined[name] = {"anyOf": [*known, schema]} if schema not in known else joined[name]
    return joined
