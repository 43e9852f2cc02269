"""Files over HTTP in parts (RFC 9110, section 14): one range at a time, never a whole file in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

CHUNK = 64 * 1024
_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(ValueError):
    """The range begins behind the end of the file."""


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a Range header. None means the whole file: no range, one that nobody understands, or
    several at once. Raises Unsatisfiable."""
    found = _RANGE.fullmatch(header)
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size - 1
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, end


def ranged(
    request: HttpRequest, *, open_file: Callable[[], IO[bytes]], size: int, media_type: str, filename: str, etag: str,
    as_attachment: bool = False,
) -> HttpResponseBase:  # fmt: skip
    """Answer a GET or HEAD with a file or the part that is asked for: 200, 206 or 416.

    Args:
        etag: the file's digest; a Range with another `If-Range` gets the whole file.
    """
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", f'"{etag}"') != f'"{etag}"':
        wanted = ""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "ETag": f'"{etag}"',
        "Content-Disposition": content_disposition_header(as_attachment, filename) or "inline",
    }
    try:
        part = read_range(wanted, size)
    except Unsatisfiable:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"}, content_type=media_type)
    start, end = part or (0, size - 1)
    headers["Content-Length"] = str(end - start + 1)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    status = 206 if part else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers, content_type=media_type)
    parts: Any = (_parts_async if isinstance(request, ASGIRequest) else _parts)(open_file, start, end - start + 1)
    return StreamingHttpResponse(parts, status=status, headers=headers, content_type=media_type)


def _parts(open_file: Callable[[], IO[bytes]], start: int, length: int) -> Iterator[bytes]:
    with open_file() as file:
        file.seek(start)
        while length > 0 and (part := file.read(min(CHUNK, length))):
            length -= len(part)
            yield part


async def _parts_async(open_file: Callable[[], IO[bytes]], start: int, length: int) -> AsyncIterator[bytes]:
    """The same where a server awaits: Django would read a plain iterator to its end before the first byte leaves."""
    parts = _parts(open_file, start, length)  # nothing is opened before the first part is asked for
    read = sync_to_async(lambda: next(parts, b""))
    try:
        while part := await read():
            yield part
    finally:
        await sync_to_async(parts.close)()  # type: ignore[attr-defined]
