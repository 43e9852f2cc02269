"""A client for protocols that bring an HTTP library of their own (MCP speaks through httpx2), under our rules for a
customer's URL (webhooks 3): every request's address is judged, each connection goes to an address that was judged, and
what is read in all is bounded. Redirects are answers, not followed. The caller keeps the deadline around it all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2

from apps.core import addresses
from apps.core.wire import tls

BYTES_LIMIT = 4 * 1024 * 1024


class Blocked(httpcore2.ConnectError):
    """The address may not be reached; its text is for the customer."""


class TooMuch(httpcore2.ReadError):
    """The other side sent more than is read."""


@dataclass
class Journal:
    """What happened below a protocol that keeps it to itself.

    `refusal` is the status of the last answer of 300 and above, `failure` why the first request without answer got none.
    """

    refusal: int | None = None
    failure: BaseException | None = None


def guarded_client(
    headers: Mapping[str, str], *, seconds: float, journal: Journal, limit: int = BYTES_LIMIT
) -> httpx2.AsyncClient:
    """An httpx2 client for a server that a customer named. It does not look for a transaction: the caller does.

    Args:
        headers: go with every request; `accept-encoding` is ours, because what is packed could unfold without bound.
        seconds: for each step of a request; put `asyncio.timeout` around the whole.
        limit: bytes to read over the client's whole life.
    """
    sent = httpx2.Headers(dict(headers))
    sent["accept-encoding"] = "identity"
    return httpx2.AsyncClient(headers=sent, transport=_Transport(limit, journal), timeout=seconds, trust_env=False)


class _Transport(httpx2.AsyncHTTPTransport):
    def __init__(self, limit: int, journal: Journal) -> None:
        super().__init__(verify=tls(), trust_env=False)
        self._journal = journal
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls(), http1=True, http2=False, retries=0, network_backend=_Network(_Budget(limit))
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            if problem := addresses.url_problem(str(request.url)):
                raise httpx2.ConnectError(problem) from Blocked(problem)
            response = await super().handle_async_request(request)
            if response.headers.get("content-encoding", "identity") != "identity":
                await response.aclose()
                raise httpx2.ReadError("the answer is compressed")
        except httpx2.TransportError as error:
            self._journal.failure = self._journal.failure or error.__cause__ or error
            raise
        if response.status_code >= 300:
            self._journal.refusal = response.status_code
        return response


class _Budget:
    def __init__(self, limit: int) -> None:
        self.left = limit

    def take(self, part: bytes) -> bytes:
        self.left -= len(part)
        if self.left < 0:
            raise TooMuch("the server sends too much")
        return part


class _Network(httpcore2.AsyncNetworkBackend):
    """Resolves once, judges every address, connects to a judged one; the TLS name stays the host's."""

    def __init__(self, budget: _Budget) -> None:
        self._budget, self._plain = budget, httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        targets = await _judged(host)
        for number, target in enumerate(targets):
            try:
                stream = await self._plain.connect_tcp(target, port, timeout, None, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(targets) - 1:
                    raise
            else:
                return _Stream(stream, self._budget)
        raise httpcore2.ConnectError(f"no address for {host}")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise Blocked("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _judged(host: str) -> list[str]:
    try:
        found = await asyncio.wrap_future(addresses.begin_lookup(host.removesuffix(".")))
    except OSError as error:
        raise httpcore2.ConnectError(f"no address for {host}") from error
    if not all(addresses.may_reach(address) for address in found):
        raise Blocked(f"{host} leads to a private network")
    return [str(address) for address in found]


class _Stream(httpcore2.AsyncNetworkStream):
    def __init__(self, inner: httpcore2.AsyncNetworkStream, budget: _Budget) -> None:
        self._inner, self._budget = inner, budget

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._budget.take(await self._inner.read(max_bytes, timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(inner, self._budget)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
