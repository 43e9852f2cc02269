"""The words with which views describe the API: schemas as plain JSON Schema, one decorator per operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

Schema = dict[str, Any]
# Keys of an operation that only the finishing hook reads; it removes them.
FURTHER, BODY = "x-further-answers", "x-body"
EXAMPLE_ID = "0190f3c2-7b1e-7c4d-9a55-3f0e8c6d1b27"
EXAMPLE_TIME = "2026-04-23T10:43:17.123Z"
E164 = r"^\+[1-9][0-9]{6,14}$"


def value(type: str, description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    """One value. `null` adds null to its type and to its choices; `rules` are keywords of JSON Schema."""
    schema: Schema = {"type": [type, "null"] if null else type} | rules
    if null and "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    if description:
        schema["description"] = description
    return schema


def text(description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    return value("string", description, null=null, **rules)


def integer(description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    return value("integer", description, null=null, **rules)


def number(description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    return value("number", description, null=null, **rules)


def boolean(description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    return value("boolean", description, null=null, **rules)


def uuid(description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    return text(description, null=null, **({"format": "uuid", "examples": [EXAMPLE_ID]} | rules))


def moment(description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    """A time: ISO 8601 in UTC with milliseconds."""
    return text(description, null=null, **({"format": "date-time", "examples": [EXAMPLE_TIME]} | rules))


def phone(description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    """A telephone number in E.164."""
    return text(description, null=null, **({"pattern": E164, "examples": ["+31850000001"]} | rules))


def array(items: Schema, description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    return value("array", description, null=null, items=items, **rules)


def anything(description: str = "", *, null: bool = False, **rules: Any) -> Schema:
    """An object of any keys."""
    return value("object", description, null=null, additionalProperties=True, **rules)


def record(
    properties: dict[str, Schema], *, required: Iterable[str] | None = None, description: str = "", **rules: Any
) -> Schema:
    """An object. Without `required` every property is always there, as in answers."""
    names = list(properties) if required is None else list(required)
    schema: Schema = {"type": "object", "properties": properties}
    return schema | ({"required": names} if names else {}) | ({"description": description} if description else {}) | rules


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def optional(name: str, description: str = "") -> Schema:
    """A component, or null."""
    schema: Schema = {"anyOf": [ref(name), {"type": "null"}]}
    return schema | ({"description": description} if description else {})


def one(key: str, name: str, **others: Schema) -> Schema:
    """`{"key": {…}}`; `others` may be there too."""
    return record({key: ref(name), **others}, required=[key])


def many(key: str, name: str, **others: Schema) -> Schema:
    """`{"key": [{…}, …]}`; `others` are always there too."""
    return record({key: array(ref(name)), **others})


WARNINGS = array(text(), "What was stored but may not work as hoped; only there when there is something to say.")
PAGE = (
    OpenApiParameter("limit", integer(minimum=1, maximum=1000, default=100), description="How many rows, 1 to 1000."),
    OpenApiParameter("offset", integer(minimum=0, default=0), description="How many rows to skip."),
)
PERIOD = tuple(
    OpenApiParameter(
        name, text(examples=["2026-04-01"]),
        description=f"The {end} day or moment to include, by `created_at`: ISO 8601 date (a day in UTC) or date-time.",
    )
    for name, end in (("start_date", "first"), ("end_date", "last"))
)  # fmt: skip


def operation(
    operation_id: str,
    summary: str,
    description: str = "",
    *,
    answer: Schema | None = None,
    status: int = 200,
    others: dict[int, Schema] | None = None,
    body: Schema | None = None,
    further: Sequence[int] = (),
    parameters: Sequence[OpenApiParameter] = (),
    deprecated: bool = False,
    **options: Any,
) -> Callable[[Any], Any]:
    """Describe a view's method.

    Args:
        answer: schema of a successful answer; None where it is SuccessResponse, or with status 204 nothing.
        others: further answers with a shape of their own.
        body: schema of the request body; also for DELETE.
        further: statuses of errors beyond those that follow from the operation's shape (`openapi_finish`).
    """
    kept: Schema = {FURTHER: list(further)} if further else {}
    if body is not None:
        kept[BODY] = body
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description or f"{summary}.",
        request=None,
        responses={
            status: OpenApiResponse(None if status == 204 else answer or ref("SuccessResponse"), description="Success."),
            **{code: OpenApiResponse(schema, description="Failure.") for code, schema in (others or {}).items()},
        },
        parameters=list(parameters),
        extensions=kept,
        deprecated=deprecated,
        **options,
    )
