"""The only module of the product that sends HTTP.

Every request goes out on a connection of its own, inside no database transaction, under one deadline for the whole
exchange, with a cap on what is read, and follows no redirect. A customer's URL is judged when it is used: the name is
resolved once, every address is judged, and the connection goes to an address that was judged (webhooks 3).

A fresh connection per request is what makes `NotSent` certain: a kept-alive one that breaks leaves open whether the
other side has read the request.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import httpcore
import httpx
from django.db import connections

from apps.core import addresses
from apps.core.wire import Answer, AsyncNetwork, Exchange, Network, NoAnswer, NotSent, SendError, failure, tls

__all__ = [
    "Answer",
    "Download",
    "NoAnswer",
    "NotSent",
    "OutsideInTransaction",
    "SafeTransport",
    "SendError",
    "download",
    "refuse_inside_transaction",
    "safe_client",
    "send",
    "send_async",
    "trusted_client",
]

ANSWER_LIMIT = 64 * 1024


class OutsideInTransaction(RuntimeError):
    """Someone tried to speak to the outside while a database transaction was open (tenancy 5)."""


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    timeout: float,
    limit: int = ANSWER_LIMIT,
    trusted: bool = False,
    before: Callable[[], None] | None = None,
) -> Answer:
    """Send one request and read the answer.

    Args:
        timeout: seconds for everything together, the name server included.
        limit: bytes of the answer's body to read; the rest is dropped.
        trusted: the operator configured this URL, so its address is not judged.
        before: called with the connection open, before the first byte; may wait, and raise NotSent.

    Raises:
        NotSent, NoAnswer: see there. Any status that arrives whole is an `Answer`, also 3xx and 5xx.
        OutsideInTransaction: a programming error.
    """
    refuse_inside_transaction()
    exchange = Exchange(timeout, before)
    request = _request(method, url, headers, content, trusted)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=tls(), network_backend=Network(exchange, trusted)) as pool,
            pool.stream(**request) as response,
        ):
            exchange.status = response.status
            for part in response.iter_stream():
                if exchange.take(part, limit):
                    break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise failure(error, exchange) from error
    return exchange.answer(response.headers)


async def send_async(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    timeout: float,
    limit: int = ANSWER_LIMIT,
    trusted: bool = False,
) -> Answer:
    """`send` for async views: the questions that are asked while a caller waits."""
    refuse_inside_transaction()
    exchange = Exchange(timeout)
    request = _request(method, url, headers, content, trusted)
    try:
        async with (
            asyncio.timeout(timeout),
            httpcore.AsyncConnectionPool(ssl_context=tls(), network_backend=AsyncNetwork(exchange, trusted)) as pool,
            pool.stream(**request) as response,
        ):
            exchange.status = response.status
            async for part in response.aiter_stream():
                if exchange.take(part, limit):
                    break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise failure(error, exchange) from error
    return exchange.answer(response.headers)


@dataclass(frozen=True)
class Download:
    """An answer whose body went into a file: `size` bytes with this SHA-256 (hex). Only a 200 has one."""

    status: int
    headers: httpx.Headers
    size: int
    sha256: str


def download(
    url: str,
    *,
    into: BinaryIO,
    headers: Mapping[str, str] | None = None,
    timeout: float,
    limit: int,
    trusted: bool = False,
) -> Download:
    """GET a file in parts, so that no more than one of them is ever held in memory. Otherwise as `send`.

    Args:
        into: takes the body of a 200; of any other status nothing is read.
        limit: bytes; a longer body ends the exchange.

    Raises:
        NotSent, NoAnswer: see there; NoAnswer `too_long` for a body over the limit. What was written until then stays.
    """
    refuse_inside_transaction()
    exchange, digest, size = Exchange(timeout), hashlib.sha256(), 0
    request = _request("GET", url, headers, None, trusted)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=tls(), network_backend=Network(exchange, trusted)) as pool,
            pool.stream(**request) as response,
        ):
            exchange.status = response.status
            for part in response.iter_stream() if response.status == 200 else ():
                exchange.left()
                size += len(part)
                if size > limit:
                    raise NoAnswer("too_long", f"more than {limit} bytes", response.status)
                digest.update(part)
                into.write(part)
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise failure(error, exchange) from error
    return Download(response.status, httpx.Headers(response.headers), size, digest.hexdigest())


def trusted_client(base_url: str, headers: Mapping[str, str], timeout: float, limit: int = 2**23) -> httpx.Client:
    """A client for the installation's own engine: an address that the operator chose is not judged."""
    return _client(base_url, headers, timeout, limit, trusted=True)


def safe_client(base_url: str, headers: Mapping[str, str], timeout: float, limit: int = 2**23) -> httpx.Client:
    """A client for a server that a customer named."""
    return _client(base_url, headers, timeout, limit, trusted=False)


def refuse_inside_transaction() -> None:
    """Raise when this thread holds a transaction open; the ones that wrap a test case do not count."""
    for connection in connections.all(initialized_only=True):
        if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]
            raise OutsideInTransaction("HTTP inside a database transaction: reserve, commit, send, record.")


class SafeTransport(httpx.BaseTransport):
    """Lets an `httpx.Client` send through `send`, with all that it guarantees. Errors are `NotSent` and `NoAnswer`."""

    def __init__(self, *, timeout: float, limit: int, trusted: bool = False) -> None:
        self._timeout, self._limit, self._trusted = timeout, limit, trusted

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = send(
            request.method,
            str(request.url),
            headers=request.headers,
            content=request.read() or None,
            timeout=self._timeout,
            limit=self._limit,
            trusted=self._trusted,
        )
        if answer.truncated:
            raise NoAnswer("broken", "the answer is too long", answer.status)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=request)


def _client(base_url: str, headers: Mapping[str, str], timeout: float, limit: int, *, trusted: bool) -> httpx.Client:
    transport = SafeTransport(timeout=timeout, limit=limit, trusted=trusted)
    return httpx.Client(
        base_url=base_url, headers=dict(headers), transport=transport, trust_env=False, follow_redirects=False
    )


def _request(
    method: str, url: str, headers: Mapping[str, str] | None, content: bytes | None, trusted: bool
) -> dict[str, Any]:
    try:
        problem = None if trusted else addresses.url_problem(url)
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise NotSent("invalid", "not a valid web address") from error
    if problem:
        raise NotSent("blocked", problem)
    sent = httpx.Headers({"accept": "*/*"} | dict(headers or {}))
    # Compressed answers would let a small body unfold into a huge one behind the cap.
    sent.update({"host": target.netloc.decode("ascii"), "accept-encoding": "identity", "connection": "close"})
    if content is not None:
        sent["content-length"] = str(len(content))
    wire_url = httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)
    return {"method": method, "url": wire_url, "headers": sent.raw, "content": content}
