"""The documentation's pages, made from the API's description."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils.safestring import SafeString
from django.utils.text import slugify

from apps.core.openapi_document import described
from apps.dashboard.docs_fields import Reader, Row, prose, words
from apps.dashboard.docs_samples import samples

JSON = "application/json"
FIXED = ("webhooks", "schemas")


@dataclass(frozen=True)
class Answer:
    status: str
    about: SafeString
    rows: tuple[Row, ...]
    example: Any
    is_error: bool


@dataclass(frozen=True)
class Body:
    rows: tuple[Row, ...]
    variants: tuple[tuple[str, tuple[Row, ...]], ...]
    about: SafeString
    example: Any


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    about: SafeString
    is_deprecated: bool
    needs_key: bool
    parameters: tuple[Row, ...]
    inputs: tuple[dict[str, Any], ...]
    body: Body | None
    answers: tuple[Answer, ...]
    samples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Page:
    slug: str
    title: str
    about: SafeString
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Reference:
    """Everything that the pages show."""

    title: str
    about: SafeString
    server: str
    pages: tuple[Page, ...]
    events: tuple[Operation, ...]
    schemas: tuple[tuple[str, Body], ...]

    def page(self, slug: str) -> Page | None:
        return next((page for page in self.pages if page.slug == slug), None)


@lru_cache(maxsize=32)
def reference(*, brand: str, server: str, user_agent: str) -> Reference:
    """The pages on one host, in the name of its brand."""
    document = described(brand=brand, server=server, user_agent=user_agent).document
    maker = _Maker(document, server)
    pages = tuple(maker.page(tag) for tag in document["tags"])
    events = tuple(maker.event(name, item["post"]) for name, item in document["webhooks"].items())
    info = document["info"]
    return Reference(info["title"], prose(info["description"]), server, pages, events, maker.schemas())


class _Maker:
    def __init__(self, document: dict[str, Any], server: str) -> None:
        self.document, self.server = document, server
        self.components = document["components"]
        self.reader = Reader(self.components["schemas"])

    def page(self, tag: dict[str, str]) -> Page:
        found = [
            self.operation(path, method, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if operation["tags"][0] == tag["name"]
        ]
        return Page(slugify(tag["name"]), tag["name"], words(tag["description"]), tuple(found))

    def operation(self, path: str, method: str, operation: dict[str, Any]) -> Operation:
        parameters = operation.get("parameters", [])
        body = self._body(operation.get("requestBody"))
        needs_key = bool(operation.get("security", [{}])[0])
        query = {each["name"]: _value(each) for each in parameters if each["in"] == "query" and each.get("required")}
        url = self.server + path
        for each in parameters:
            if each["in"] == "path":
                url = url.replace("{" + each["name"] + "}", str(_value(each)))
        return Operation(
            id=operation["operationId"], method=method.upper(), path=path, summary=operation["summary"],
            about=prose(operation.get("description", "")), is_deprecated=bool(operation.get("deprecated")),
            needs_key=needs_key, parameters=tuple(self._parameter(each) for each in parameters),
            inputs=tuple(_input(each) for each in parameters), body=body,
            answers=tuple(self._answer(status, each) for status, each in operation["responses"].items()),
            samples=tuple(samples(method.upper(), url, query=query, body=body.example if body else None, needs_key=needs_key)),
        )  # fmt: skip

    def event(self, name: str, operation: dict[str, Any]) -> Operation:
        return Operation(
            id=name, method="POST", path=name, summary=name, about=prose(operation["description"]), is_deprecated=False,
            needs_key=False, parameters=tuple(self._parameter(each) for each in operation["parameters"]), inputs=(),
            body=self._body(operation["requestBody"]),
            answers=tuple(self._answer(status, each) for status, each in operation["responses"].items()), samples=(),
        )  # fmt: skip

    def schemas(self) -> tuple[tuple[str, Body], ...]:
        """The components that were linked, and those that they link."""
        done: dict[str, Body] = {}
        while waiting := [name for name in self.reader.linked if name not in done]:
            for name in waiting:
                schema = self.components["schemas"][name]
                about = words(schema.get("description", ""))
                done[name] = Body(self.reader.rows(schema, depth=1), self.reader.variants(schema, depth=1), about, None)
        return tuple(sorted(done.items(), key=lambda each: each[0].lower()))

    def _parameter(self, parameter: dict[str, Any]) -> Row:
        schema = parameter["schema"] | {"description": parameter.get("description", "")}
        return self.reader.row(parameter["name"], schema, is_required=bool(parameter.get("required")), depth=1)

    def _body(self, body: dict[str, Any] | None) -> Body | None:
        if body is None:
            return None
        media = body["content"][JSON]
        schema = media["schema"]
        component = self.components["schemas"].get(schema.get("$ref", "").rsplit("/", 1)[-1], schema)
        about = words(component.get("description", ""))
        return Body(self.reader.rows(schema, depth=1), self.reader.variants(schema), about, _example(media))

    def _answer(self, status: str, answer: dict[str, Any]) -> Answer:
        is_error = "$ref" in answer
        if is_error:
            answer = self.components["responses"][answer["$ref"].rsplit("/", 1)[1]]
        media = answer.get("content", {}).get(JSON)
        rows = self.reader.rows(media["schema"]) if media and not is_error else ()
        return Answer(status, words(answer["description"]), rows, _example(media) if media else None, is_error)


def _example(media: dict[str, Any]) -> Any:
    return next((each["value"] for each in media.get("examples", {}).values()), media.get("example"))


def _value(parameter: dict[str, Any]) -> Any:
    schema = parameter["schema"]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("format") == "uuid":
        return "0190f3c2-7b1e-7c4d-9a55-3f0e8c6d1b27"
    return schema.get("default", f"{{{parameter['name']}}}")


def _input(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = parameter["schema"]
    kind = "boolean" if schema.get("type") == "boolean" else "text"
    return {"name": parameter["name"], "in": parameter["in"], "required": bool(parameter.get("required")), "kind": kind,
            "hint": str(_value(parameter)) if not parameter.get("required") and parameter["in"] == "query" and "default" in schema else ""}  # fmt: skip
