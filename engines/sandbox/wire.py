"""Requests, answers and refusals in plain ASGI."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from .store import compact

MAX_BODY = 2 * 1024 * 1024


class Refusal(Exception):
    """An error answer: one flat body, as in api.md 3. `more` holds `rang`, `call_id` and the like."""

    def __init__(
        self, status: int, error: str, kind: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(error)
        self.status, self.headers = status, headers or {}
        self.body = {"error": error, "type": kind, **more}


@dataclass(slots=True)
class Answer:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    base: str
    args: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty body is an empty object."""
        if not self.raw.strip():
            return {}
        try:
            value = json.loads(self.raw)
        except ValueError:
            raise Refusal(400, "The body is not JSON", "invalid_request", rang=False) from None
        if not isinstance(value, dict):
            raise Refusal(400, "The body must be a JSON object", "invalid_request", rang=False)
        return value

    def number(self, name: str, default: int, highest: int) -> int:
        """A number of the query, clamped to 0..highest."""
        text = self.query.get(name, "")
        if text == "":
            return default
        try:
            return max(0, min(int(text), highest))
        except ValueError:
            raise Refusal(400, f"{name}: a number is needed", "invalid_value", param=name) from None


Handler = Callable[[Request], Awaitable[Answer]]


class Router:
    """Paths with `{}` for one segment. Unknown path: 404, unknown method: 405."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        pattern = re.compile("^" + re.escape(path).replace(r"\{\}", "([^/]+)") + "$")
        self._routes.append((method, pattern, handler))

    def find(self, request: Request) -> Handler:
        known = False
        for method, pattern, handler in self._routes:
            match = pattern.match(request.path)
            if match is None:
                continue
            known = True
            if method == request.method:
                request.args = tuple(unquote(group) for group in match.groups())
                return handler
        if known:
            raise Refusal(405, "This method is not known here", "method_not_allowed", rang=False)
        raise Refusal(404, "Not found", "not_found", rang=False)


def instant(value: Any, name: str) -> datetime:
    """An ISO instant; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refusal(400, f"{name}: an instant is needed", "invalid_value", param=name, rang=False) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def read_request(scope: dict[str, Any], receive: Any) -> Request:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    raw = bytearray()
    while True:
        message = await receive()
        raw += message.get("body", b"")
        if len(raw) > MAX_BODY:
            raise Refusal(413, "The body is too large", "payload_too_large", rang=False)
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    # The raw path keeps an escaped slash inside a segment apart from a real one.
    path = scope.get("raw_path", b"").decode("latin-1").split("?")[0] or scope["path"]
    return Request(
        method=scope["method"],
        path=path.rstrip("/") or "/",
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=headers,
        raw=bytes(raw),
        base="http://" + headers.get("host", "127.0.0.1"),
    )


async def send_answer(send: Any, answer: Answer) -> None:
    headers = dict(answer.headers)
    if isinstance(answer.body, bytes):
        body = answer.body
    else:
        body = compact(answer.body)
        headers.setdefault("Content-Type", "application/json")
    headers["Content-Length"] = str(len(body))
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def cut_connection(send: Any) -> None:
    """Promise a body and never send it: the server drops the connection, the client learns nothing.

    Leaving without any answer would make the server send a clean 500, which tells the client too much.
    """
    headers = [(b"content-type", b"application/json"), (b"content-length", b"64")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
