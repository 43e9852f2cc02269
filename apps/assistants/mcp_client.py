"""Speaking MCP to a customer's server, with the official client, under our rules for a customer's address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from django.utils.translation import gettext as _
from mcp import Client, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from apps.core.guarded import Blocked, Journal, TooMuch, guarded_client
from apps.core.http import refuse_inside_transaction

# A client of ours gives up after 30 s (api 1); a server may be allowed more for one tool.
LONGEST_TEST = 20.0
TOOLS_LIMIT, PAGES_LIMIT, ERROR_LIMIT = 500, 20, 300
RESULT_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Target:
    """A server as it is reached. `headers` hold secrets."""

    url: str
    transport: str
    headers: Mapping[str, str] = field(repr=False)
    timeout_seconds: int


@dataclass(frozen=True)
class Outcome:
    """What a test found: tools, or why there are none, in words for the customer."""

    duration_ms: int
    tools: list[dict[str, Any]] | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    def body(self) -> dict[str, Any]:
        """The answer of `POST /mcp-servers/{id}/test` (api 8.16)."""
        found: dict[str, Any] = {"ok": self.ok, "duration_ms": self.duration_ms}
        return found | ({"tools": self.tools} if self.ok else {"error": self.error})


@dataclass(frozen=True)
class Called:
    """What a tool gave back: a JSON value or text for the model, or why there is none."""

    seconds: float
    result: Any = None
    error: str = ""
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return not self.error


async def call_tool(target: Target, name: str, arguments: Mapping[str, Any], *, seconds: float) -> Called:
    """Run one tool and wait for its result, at most `seconds` and the server's own limit. Never raises for what the other
    side does; what the tool itself reports as an error is one.

    Raises OutsideInTransaction: a programming error.
    """
    refuse_inside_transaction()
    began, journal = time.monotonic(), Journal()
    limit = max(0.05, min(float(target.timeout_seconds), seconds))
    try:
        async with asyncio.timeout(limit), Client(_way(target, limit, journal), cache=None) as client:
            found = await client.call_tool(name, dict(arguments))
    except Exception as error:  # the client lets every kind of error of a foreign server through
        timed_out = any(isinstance(each, TimeoutError | httpx2.TimeoutException) for each in _leaves(error))
        return Called(time.monotonic() - began, error=_reason(error, journal, limit), timed_out=timed_out)
    text = _said(found)
    took = time.monotonic() - began
    if found.is_error:
        return Called(took, error=text[:ERROR_LIMIT] or _("The tool reports an error."))
    result = found.structured_content if found.structured_content is not None else text
    if len(str(result)) > RESULT_LIMIT:
        return Called(took, error=_("The tool's result is too long."))
    return Called(took, result)


async def reach(target: Target, *, seconds: float) -> str:
    """Connect and negotiate, nothing more. Returns why it failed; empty when the server is there.

    Raises OutsideInTransaction: a programming error.
    """
    refuse_inside_transaction()
    journal, limit = Journal(), max(0.05, min(float(target.timeout_seconds), seconds))
    try:
        async with asyncio.timeout(limit), Client(_way(target, limit, journal), cache=None):
            return ""
    except Exception as error:  # as above
        return _reason(error, journal, limit)


def _said(found: types.CallToolResult) -> str:
    """The texts of a result; pictures and sounds are of no use to a voice."""
    return "\n".join(part.text for part in found.content if isinstance(part, types.TextContent))


def list_tools(target: Target) -> Outcome:
    """Connect, negotiate, list every tool, part. Never raises for what the other side does.

    Raises OutsideInTransaction: a programming error.
    """
    refuse_inside_transaction()
    began, journal = time.monotonic(), Journal()
    limit = min(float(target.timeout_seconds), LONGEST_TEST)
    try:
        tools = asyncio.run(_listed(target, limit, journal))
    except Exception as error:  # the client lets every kind of error of a foreign server through
        return Outcome(_since(began), error=_reason(error, journal, limit))
    return Outcome(_since(began), tools=tools)


async def _listed(target: Target, limit: float, journal: Journal) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    async with asyncio.timeout(limit), Client(_way(target, limit, journal), cache=None) as client:
        cursor = None
        for _page in range(PAGES_LIMIT):
            found = await client.list_tools(cursor=cursor)
            tools += [
                {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
                for tool in found.tools
            ]
            cursor = found.next_cursor
            if not cursor or len(tools) >= TOOLS_LIMIT:
                break
    return tools[:TOOLS_LIMIT]


@asynccontextmanager
async def _way(target: Target, limit: float, journal: Journal) -> AsyncIterator[Any]:
    """The client's transport: a pair of streams."""

    def made(
        headers: dict[str, str] | None = None, timeout: httpx2.Timeout | None = None, auth: httpx2.Auth | None = None
    ) -> httpx2.AsyncClient:
        return guarded_client(target.headers, seconds=limit, journal=journal)

    if target.transport == "sse":
        async with sse_client(target.url, timeout=limit, httpx_client_factory=made) as streams:
            yield streams
    else:
        async with made() as client, streamable_http_client(target.url, http_client=client) as streams:
            yield streams


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _reason(error: BaseException, journal: Journal, limit: float) -> str:
    """One line that says what to look at; texts of the foreign server are cut."""
    found = list(_leaves(error)) + ([journal.failure] if journal.failure else [])
    if any(isinstance(each, Blocked) for each in found):
        return _("The address leads to a private network. Only addresses on the internet can be called.")
    if any(isinstance(each, TooMuch) for each in found):
        return _("The server sends more than is read.")
    if any(isinstance(each, TimeoutError | httpx2.TimeoutException) for each in found):
        return _("The server did not answer within %(seconds)s seconds.") % {"seconds": round(limit)}
    if journal.failure:
        return _("The server could not be reached: %(reason)s") % {"reason": _short(journal.failure)}
    if journal.refusal in (401, 403):
        return _("The server refused the sign-in (HTTP %(status)s). Check the headers.") % {"status": journal.refusal}
    if journal.refusal and journal.refusal < 400:
        text = _("The server redirects elsewhere (HTTP %(status)s). Use the address it redirects to.")
        return text % {"status": journal.refusal}
    if journal.refusal:
        text = _("The server answered HTTP %(status)s. Check the address and the transport.")
        return text % {"status": journal.refusal}
    told = next((each for each in found if isinstance(each, MCPError)), None)
    if told:
        return _("The server reports: %(reason)s") % {"reason": _short(told)}
    return _("The server does not speak MCP: %(reason)s") % {"reason": _short(found[0])}


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside groups, with what caused them."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error
        if error.__cause__:
            yield from _leaves(error.__cause__)


def _short(error: BaseException) -> str:
    text = " ".join((str(error) or type(error).__name__).split())
    return text if len(text) <= ERROR_LIMIT else f"{text[: ERROR_LIMIT - 1]}…"
