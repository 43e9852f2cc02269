"""What every API request is checked for before anything else happens to it, and which requests those are."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest

from apps.core.errors import Invalid, NotFound, TooLarge

API = re.compile(r"^/(?:api|v1)(?:/|$)")
BROWSABLE = re.compile(r"^/o/[^/]+/api/v1(?:/|$)")
# Programs speak here too, in other words than the API's: MCP, and OAuth's token endpoint and documents.
PROGRAMS = re.compile(r"^/(?:(?:mcp|token|register)$|\.well-known/|identity/o/api/)")
DEPRECATED = re.compile(r"/api/v1/(?:agents|account|chats)(?:/|$)")


def is_api(path: str) -> bool:
    """The public mounts: keys only."""
    return API.match(path) is not None


def is_browsable(path: str) -> bool:
    """The same operations for signed-in people."""
    return BROWSABLE.match(path) is not None


def is_deprecated(path: str) -> bool:
    """An operation of an older name, on either mount (api 7)."""
    return DEPRECATED.search(path) is not None


def wants_page(request: HttpRequest) -> bool:
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


def wants_json(request: HttpRequest) -> bool:
    """Whether an error of this request is the flat body: always for programs, for people unless a page was asked for."""
    path = request.path_info
    if is_api(path) or PROGRAMS.match(path):
        return True
    return is_browsable(path) and not wants_page(request)


def read_body(request: HttpRequest) -> None:
    """Read the body, counting, so that one without Content-Length is bounded too (api 1). Raises TooLarge.

    Later readers find it in `request.body`.
    """
    limit = settings.MAX_API_BODY_BYTES
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        announced = 0
    if announced > limit:
        raise TooLarge("The body is larger than 1 MiB.")
    body = _stream(request).read(limit + 1)
    if len(body) > limit:
        raise TooLarge("The body is larger than 1 MiB.")
    request._body = body  # type: ignore[attr-defined]
    request._read_started = True  # type: ignore[attr-defined]
    request.META["CONTENT_LENGTH"] = str(len(body))


def check_address(request: HttpRequest) -> None:
    """No database holds a NUL character. Raises NotFound for one in the path, Invalid for one in the query."""
    if "\x00" in request.path_info:
        raise NotFound("There is nothing at this address.")
    for name, values in request.GET.lists():
        if "\x00" in name or any("\x00" in value for value in values):
            line = "the text holds a NUL character"
            raise Invalid(f"{name}: {line}".replace("\x00", ""), param=name.replace("\x00", ""))


def _stream(request: HttpRequest) -> HttpRequest:
    """WSGI: Django takes a body without Content-Length for an empty one; the server ends a chunked one by itself."""
    is_chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if is_chunked and not request.META.get("CONTENT_LENGTH") and "wsgi.input" in request.META:
        return request.META["wsgi.input"]  # type: ignore[no-any-return]
    return request
