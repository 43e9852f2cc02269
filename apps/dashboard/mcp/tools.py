"""The tools, made of the API's description: one per operation that is not deprecated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apps.core.openapi_document import described
from apps.dashboard.mcp.schemas import flat_object, gathered

JSON = "application/json"
SKIPPED = ("/api/v1/health",)


@dataclass(frozen=True)
class Tool:
    """One operation. `places` says for each argument where in the request it goes and by what name there."""

    name: str
    title: str
    description: str
    method: str
    path: str
    places: dict[str, tuple[str, str]]
    schema: dict[str, Any]
    has_body: bool

    @property
    def reads(self) -> bool:
        return self.method == "get"

    def as_json(self) -> dict[str, Any]:
        """As `tools/list` shows it. Deletes are destructive, everything else adds or changes (features 20)."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.schema,
            "annotations": {
                "title": self.title,
                "readOnlyHint": self.reads,
                "destructiveHint": self.method == "delete",
                "idempotentHint": self.method != "post",
            },
        }


@lru_cache(maxsize=64)
def tools(*, brand: str, server: str, user_agent: str) -> dict[str, Tool]:
    """By name, in the order of the description, in the words of this host."""
    document = described(brand=brand, server=server, user_agent=user_agent).document
    components = document.get("components", {})
    found = [
        _tool(path, method, operation, components)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if not operation.get("deprecated") and path not in SKIPPED
    ]
    return {tool.name: tool for tool in found}


def snake(operation_id: str) -> str:
    """`listSipTrunks` → `list_sip_trunks`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation_id)
    return re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_").lower()


def _tool(path: str, method: str, operation: dict[str, Any], components: dict[str, Any]) -> Tool:
    parameters = operation.get("parameters", [])
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema")
    places: dict[str, tuple[str, str]] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in parameters:
        name = snake(parameter["name"])
        places[name] = (parameter["in"], parameter["name"])
        properties[name] = _described(parameter)
        if parameter.get("required") or parameter["in"] == "path":
            required.append(name)
    if body is not None:
        inner, needed = flat_object(body, components.get("schemas", {}))
        for name, schema in inner.items():
            argument = f"{name}_in_body" if name in places else name
            places[argument] = ("body", name)
            properties[argument] = schema
            required += [argument] if name in needed else []
    title = operation.get("summary") or snake(operation["operationId"]).replace("_", " ").capitalize()
    return Tool(
        name=snake(operation["operationId"]),
        title=title,
        description=_sentence(title, operation.get("description") or ""),
        method=method,
        path=path,
        places=places,
        schema=_input(properties, required, components, closed=body is None),
        has_body=body is not None,
    )


def _described(parameter: dict[str, Any]) -> dict[str, Any]:
    about = {"description": parameter["description"]} if parameter.get("description") else {}
    return parameter.get("schema", {"type": "string"}) | about


def _sentence(title: str, description: str) -> str:
    return description if description.startswith(title) else f"{title}. {description}".strip()


def _input(
    properties: dict[str, Any], required: list[str], components: dict[str, Any], *, closed: bool
) -> dict[str, Any]:
    schema, parts = gathered({"type": "object", "properties": properties}, components.get("schemas", {}))
    schema |= {"required": required} if required else {}
    schema |= {"additionalProperties": False} if closed else {}
    return schema | ({"$defs": parts} if parts else {})
