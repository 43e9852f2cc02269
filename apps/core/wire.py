"""One exchange on the wire, for `core.http` alone: its clock, its connection, and what a failure means."""

import asyncio
import functools
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import certifi
import httpcore
import httpx

from apps.core import addresses

CHUNK = 16 * 1024


class SendError(Exception):
    """A request without a usable answer.

    `reason` is a word for programs: `invalid`, `blocked`, `dns`, `refused`, `tls`, `timeout`, `broken`, `too_long`, or
    what a caller's own `before` raised.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class NotSent(SendError):
    """Certain: not one byte of the request reached the other side. Sending again is safe."""


class NoAnswer(SendError):
    """Unknown: the request was at least begun, and the answer did not come, or not whole.

    `status` is the answer's status when that much had arrived.
    """

    def __init__(self, reason: str, detail: str = "", status: int | None = None) -> None:
        super().__init__(reason, detail)
        self.status = status


@dataclass(frozen=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: bytes
    truncated: bool  # there was more than the limit; the rest was not read
    seconds: float


@functools.cache
def tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@dataclass
class Exchange:
    """One request's clock, and how far it has come."""

    timeout: float
    before: Callable[[], None] | None = None  # called with the connection open, before the first byte of the request
    started: float = field(default_factory=time.monotonic)
    begun: bool = False  # bytes of the request may have left
    status: int | None = None
    truncated: bool = False
    body: bytearray = field(default_factory=bytearray)

    def left(self) -> float:
        """Seconds until the deadline; raises when it has passed."""
        left = self.started + self.timeout - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline passed")
        return left

    def take(self, part: bytes, limit: int) -> bool:
        """Add a part of the body; true when the limit is passed and reading should stop."""
        self.left()
        self.body += part
        self.truncated = len(self.body) > limit
        del self.body[limit:]
        return self.truncated

    def answer(self, headers: Iterable[tuple[bytes, bytes]]) -> Answer:
        # What arrives is handed on as it came, so nothing later tries to unpack it.
        kept = httpx.Headers([pair for pair in headers if pair[0].lower() != b"content-encoding"])
        seconds = time.monotonic() - self.started
        return Answer(self.status or 0, kept, bytes(self.body), self.truncated, seconds)


def failure(error: BaseException, exchange: Exchange) -> SendError:
    if isinstance(error, httpcore.TimeoutException | TimeoutError):
        reason = "timeout"
    elif isinstance(error, _Blocked):
        reason = "blocked"
    elif isinstance(error, _Unresolved):
        reason = "dns"
    elif isinstance(error, httpcore.LocalProtocolError):
        reason = "invalid"
    elif isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError):
        reason = "tls"
    else:
        reason = "broken" if exchange.begun else "refused"
    if exchange.begun:
        return NoAnswer(reason, str(error), exchange.status)
    return NotSent(reason, str(error))


class _Blocked(httpcore.ConnectError):
    pass


class _Unresolved(httpcore.ConnectError):
    pass


def _judged(host: str, found: list[addresses.Address], trusted: bool) -> list[str]:
    if not found:
        raise _Unresolved(f"no address for {host}")
    if not trusted and not all(addresses.may_reach(address) for address in found):
        raise _Blocked(f"{host} leads to a private network")
    return [str(address) for address in found]


class Network(httpcore.NetworkBackend):
    """Resolves once, judges every address, connects to a judged one; the TLS name stays the host's."""

    def __init__(self, exchange: Exchange, trusted: bool) -> None:
        self._exchange, self._trusted, self._plain = exchange, trusted, httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, timeout=None, local_address=None, socket_options=None):  # type: ignore[no-untyped-def]
        try:
            found = addresses.lookup(host.removesuffix("."), self._exchange.left())
        except OSError as error:
            raise _Unresolved(str(error)) from error
        targets = _judged(host, found, self._trusted)
        for number, target in enumerate(targets):
            share = self._exchange.left() / (len(targets) - number)
            try:
                stream = self._plain.connect_tcp(target, port, share, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(targets) - 1:
                    raise
            else:
                return _Stream(stream, self._exchange)
        raise _Unresolved(host)

    def connect_unix_socket(self, path, timeout=None, socket_options=None):  # type: ignore[no-untyped-def]
        raise _Blocked("no sockets of this machine")


class _Stream(httpcore.NetworkStream):
    """Gives every read and write only what is left of the exchange's time, so that a dripping server gains nothing."""

    def __init__(self, inner: httpcore.NetworkStream, exchange: Exchange) -> None:
        self._inner, self._exchange = inner, exchange

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._exchange.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._exchange.before and not self._exchange.begun:
            self._exchange.before()
        for start in range(0, len(buffer), CHUNK):
            left = self._exchange.left()
            self._exchange.begun = True
            self._inner.write(buffer[start : start + CHUNK], left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context, server_hostname=None, timeout=None):  # type: ignore[no-untyped-def]
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._exchange.left()), self._exchange)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """`Network` for asyncio; `asyncio.timeout` around the whole exchange keeps the time."""

    def __init__(self, exchange: Exchange, trusted: bool) -> None:
        self._exchange, self._trusted, self._plain = exchange, trusted, httpcore.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, timeout=None, local_address=None, socket_options=None):  # type: ignore[no-untyped-def]
        try:
            found = await asyncio.wrap_future(addresses.begin_lookup(host.removesuffix(".")))
        except OSError as error:
            raise _Unresolved(str(error)) from error
        targets = _judged(host, found, self._trusted)
        for number, target in enumerate(targets):
            share = self._exchange.left() / (len(targets) - number)
            try:
                stream = await self._plain.connect_tcp(target, port, share, None, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(targets) - 1:
                    raise
            else:
                return _AsyncStream(stream, self._exchange)
        raise _Unresolved(host)

    async def connect_unix_socket(self, path, timeout=None, socket_options=None):  # type: ignore[no-untyped-def]
        raise _Blocked("no sockets of this machine")


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream, exchange: Exchange) -> None:
        self._inner, self._exchange = inner, exchange

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, None)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._exchange.begun = True
        await self._inner.write(buffer, None)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(self, ssl_context, server_hostname=None, timeout=None):  # type: ignore[no-untyped-def]
        return _AsyncStream(await self._inner.start_tls(ssl_context, server_hostname, None), self._exchange)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
