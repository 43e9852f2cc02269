"""What a page of the browsable API offers beside the answer: forms from the request's schema, filters, ways to go on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from apps.core.openapi_document import base_document
from apps.core.openapi_finish import JSON, RENAMED

LONG = 300
WRITES = ("post", "patch", "put", "delete")
MOST_ROWS = 100
# Described once, at the address of the contract.
ALIASES = {"/api/v1/calls/web": "/v1/web-calls"}


@dataclass(frozen=True)
class Field:
    """One input. `kind`: text, long, number, integer, boolean, choice or json. `value`: what it holds now, as typed."""

    name: str
    kind: str
    is_required: bool
    is_nullable: bool
    about: str
    choices: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class Form:
    """One method. `raw`: a body to start from; empty when the method takes none."""

    method: str
    summary: str
    about: str
    fields: tuple[Field, ...]
    raw: str
    is_change: bool


def operations(route: str) -> dict[str, Any]:
    """The described operations at a route of ours, by method in lower case."""
    path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: "{" + RENAMED.get(found[1], found[1]) + "}", route)
    path = path.replace("/o/{org}", "", 1)
    return dict(base_document()["paths"].get(ALIASES.get(path, path), {}))


def short(path: str) -> str:
    """The path as a program with a key knows it."""
    return re.sub(r"^/o/[^/]+", "", path)


def forms(route: str, data: Any) -> list[Form]:
    """A form per method that writes; a change starts from the values in `data`."""
    return [_form(method, each, data) for method, each in operations(route).items() if method in WRITES]


def filters(route: str, query: Mapping[str, str]) -> list[Field]:
    """The parameters that GET takes, with what they hold now."""
    found = operations(route).get("get", {}).get("parameters", [])
    return [
        _field(each["name"], each["schema"], bool(each.get("required")), query.get(each["name"], ""), each.get("description", ""))
        for each in found if each["in"] == "query"
    ]  # fmt: skip


def pages(data: Any, query: Mapping[str, str]) -> dict[str, str]:
    """`previous` and `next` as query strings, where the answer is a page of a longer list."""
    found = data.get("pagination") if isinstance(data, dict) else None
    if not found:
        return {}
    limit, offset, links = found["limit"], found["offset"], {}
    if offset > 0:
        links["previous"] = "?" + urlencode({**query, "limit": limit, "offset": max(0, offset - limit)})
    if limit and offset + limit < found["total"]:
        links["next"] = "?" + urlencode({**query, "limit": limit, "offset": offset + limit})
    return links


def rows(route: str, path: str, data: Any) -> list[tuple[str, str]]:
    """(name, address) of the objects in a list whose single ones can be opened."""
    if not isinstance(data, dict) or not operations(route + "/<id>").get("get"):
        return []
    found = next((each for each in data.values() if isinstance(each, list)), [])
    return [(_name(row), f"{path}/{row['id']}") for row in found[:MOST_ROWS] if isinstance(row, dict) and "id" in row]


def _name(row: dict[str, Any]) -> str:
    named = next((row[key] for key in ("name", "phone_number", "domain_name") if row.get(key)), "")
    return f"{named} · {row['id']}" if named else str(row["id"])


def _form(method: str, operation: dict[str, Any], data: Any) -> Form:
    media = operation.get("requestBody", {}).get("content", {}).get(JSON)
    about = operation.get("description", "").replace("`", "")
    if media is None:
        return Form(method.upper(), operation["summary"], about, (), "", False)
    is_change = method in ("patch", "put")
    schema = _plain(media["schema"])
    now = _content(data) if is_change else {}
    needed = schema.get("required", [])
    fields = tuple(
        _field(name, each, name in needed, _typed(now[name]) if name in now else "", "")
        for name, each in schema.get("properties", {}).items() if not each.get("deprecated")
    )  # fmt: skip
    example: Any = next((each["value"] for each in media.get("examples", {}).values()), {})
    return Form(method.upper(), operation["summary"], about, fields, _pretty(example), is_change)


def _content(data: Any) -> dict[str, Any]:
    """The object of an answer, without its envelope."""
    if not isinstance(data, dict):
        return {}
    inner = [each for each in data.values() if isinstance(each, dict) and "id" in each]
    return inner[0] if inner and "id" not in data else data


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    return base_document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def _field(name: str, schema: dict[str, Any], is_required: bool, value: str, about: str) -> Field:
    options = schema.get("anyOf", [])
    kinds = schema.get("type", "object")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    null = "null" in kinds or {"type": "null"} in options
    choices = tuple(str(each) for each in schema.get("enum", ()) if each is not None)
    kind = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}.get(kinds[0], "json")
    if kind == "text" and schema.get("maxLength", 0) > LONG and "pattern" not in schema and "url" not in name:
        kind = "long"
    about = (about or schema.get("description", "")).replace("`", "")
    return Field(name, "choice" if choices and kind == "text" else kind, is_required, null, about, choices, value)


def _typed(value: Any) -> str:
    """A value as it would be typed into its input."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _pretty(value) if isinstance(value, dict | list) else json.dumps(value)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
