"""Around Django's ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from apps.core.api_request import is_api, is_browsable

Receive = Callable[[], Awaitable[Any]]


class BoundedBodies:
    """Django's ASGI handler spools the whole body before any middleware runs. An API body ends here one byte past its
    limit, so that what will be refused (413) fills no disk; the rest is read and dropped."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and (is_api(path) or is_browsable(path)):
            receive = _bounded(receive, settings.MAX_API_BODY_BYTES + 1)
        await self.application(scope, receive, send)


def _bounded(receive: Receive, most: int) -> Receive:
    left, is_over = most, False

    async def bounded() -> Any:
        nonlocal left, is_over
        message = await receive()
        while is_over and message["type"] == "http.request":
            message = await receive()
        if message["type"] != "http.request":
            return message
        body = message.get("body", b"")[:left]
        left -= len(body)
        is_over = left <= 0 or not message.get("more_body", False)
        return {"type": "http.request", "body": body, "more_body": not is_over}

    return bounded
