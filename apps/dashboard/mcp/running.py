"""A tool runs as a request to the API: the same middleware and views, with the caller's right, limit and repeats."""

from __future__ import annotations

import json
import sys
from functools import cache
from io import BytesIO
from typing import Any, cast
from urllib.parse import urlencode

from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse

from apps.core.errors import DomainError, Invalid, NotFound
from apps.dashboard.mcp.tools import Tool
from apps.organizations.api_middleware import Admitted

# Who is at the other end, and which host was asked: what the API's middleware reads.
HANDED_ON = ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT", "HTTP_HOST", "HTTP_X_FORWARDED_FOR", "HTTP_USER_AGENT")
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def run(
    request: HttpRequest, admitted: Admitted, tool: Tool, arguments: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Run one operation. Returns the tool's result and the limit's headers; an answer from 400 on is `isError`."""
    try:
        asked = _request(request, tool, arguments)
    except DomainError as error:
        return _result(error.body(), is_error=True), {}
    asked.admitted = admitted  # type: ignore[attr-defined]
    answer = cast(HttpResponse, _handler().get_response(asked))
    headers = {name: answer[name] for name in LIMITS if name in answer}
    return _result(json.loads(answer.content) if answer.content else {}, is_error=answer.status_code >= 400), headers


@cache
def _handler() -> BaseHandler:
    """The whole way of a request, as a server would start it, without a server."""
    handler = BaseHandler()
    handler.load_middleware()
    return handler


def _request(request: HttpRequest, tool: Tool, arguments: dict[str, Any]) -> WSGIRequest:
    """Arguments where the operation wants them. Raises Invalid or NotFound for what fits nowhere."""
    placed = _placed(tool, arguments)
    path = tool.path
    for name in (each[1] for each in tool.places.values() if each[0] == "path"):
        path = path.replace("{" + name + "}", _segment(name, placed["path"].get(name)))
    body = json.dumps(placed["body"]).encode() if tool.has_body else b""
    query = {name: _text(value) for name, value in placed["query"].items() if value is not None}
    environ = {name: request.META[name] for name in HANDED_ON if name in request.META} | {
        "REQUEST_METHOD": tool.method.upper(),
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),  # as WSGI writes it
        "QUERY_STRING": urlencode(query, doseq=True),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ACCEPT": "application/json",
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    for name, value in placed["header"].items():
        if value is not None:
            environ["HTTP_" + name.upper().replace("-", "_")] = str(value)
    return WSGIRequest(environ)


def _placed(tool: Tool, arguments: dict[str, Any]) -> dict[str, dict[str, Any]]:
    placed: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "body": {}}
    for argument, value in arguments.items():
        # A body's further keys are the API's to judge; an operation without a body has no room for them.
        unknown = ("body", argument) if tool.has_body else None
        place = tool.places.get(argument, unknown)
        if place is None:
            line = f"{argument}: this tool has no such argument"
            raise Invalid(line, param=argument, details=[line])
        placed[place[0]][place[1]] = value
    return placed


def _segment(name: str, value: Any) -> str:
    if value is None or value == "":
        line = f"{name}: this field is required"
        raise Invalid(line, param=name, details=[line], type="missing_field")
    if not isinstance(value, str) or "/" in value:
        raise NotFound("There is nothing with this id.")
    return value


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_text(each) for each in value] if isinstance(value, list) else value


def _result(body: Any, *, is_error: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "content": [{"type": "text", "text": json.dumps(body, ensure_ascii=False)}], "isError": is_error,
    }  # fmt: skip
    return result | ({"structuredContent": body} if isinstance(body, dict) else {})
