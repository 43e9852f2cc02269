"""A real MCP server on loopback, behind TLS with a certificate of its own: the official package in a thread.

`with serving(tmp_path) as server:` gives `server.url("/mcp")` (streamable HTTP) and `server.url("/sse")`; `server.ca` is
what a client must trust; `server.seen` are the headers of each request. Other paths misbehave: see `_STRANGE`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ipaddress
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mcp.server.mcpserver import MCPServer

from apps.core import wire

KEY = "right-canary"


class Server:
    def __init__(self, ca: Path) -> None:
        self.ca, self.port, self.seen = ca, 0, []  # type: ignore[var-annotated]
        # Where /redirect leads.
        self.elsewhere = "http://127.0.0.1:1/"
        tools = MCPServer("Bakker Dental bookings")

        @tools.tool()
        def find_slot(day: str) -> str:
            """Finds a free slot."""
            return f"{day} at ten"

        @tools.tool()
        def book(day: str, name: str = "") -> str:
            return f"{day} for {name}"

        self._stream, self._sse = tools.streamable_http_app(), tools.sse_app()

    def url(self, path: str = "/mcp") -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._stream(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append((scope["method"], scope["path"], headers))
        path = scope["path"]
        if path == "/secret" and headers.get("x-api-key") != KEY:
            await _answer(send, 401, b"")
        elif path in ("/mcp", "/secret"):
            await self._stream({**scope, "path": "/mcp", "raw_path": b"/mcp"}, receive, send)
        elif path.startswith(("/sse", "/messages")):
            await self._sse(scope, receive, send)
        elif path == "/redirect":
            await _answer(send, 307, b"", [(b"location", self.elsewhere.encode())])
        elif path == "/within":
            await _answer(send, 307, b"", [(b"location", b"/mcp")])
        else:
            await _STRANGE[path](send)


async def _answer(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers or []})
    await send({"type": "http.response.body", "body": body})


async def _silent(send: Any) -> None:
    await asyncio.sleep(30)


async def _flood(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    for _part in range(2000):
        await send({"type": "http.response.body", "body": b" " * 65536, "more_body": True})


async def _drip(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for _part in range(300):
        await send({"type": "http.response.body", "body": b": still here\n\n", "more_body": True})
        await asyncio.sleep(0.1)


async def _html(send: Any) -> None:
    await _answer(send, 200, b"<h1>Hello</h1>", [(b"content-type", b"text/html")])


async def _bomb(send: Any) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    kind = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
    await _answer(send, 200, packed, kind)


async def _failing(send: Any) -> None:
    await _answer(send, 500, json.dumps({"oops": "x" * 5000}).encode(), [(b"content-type", b"application/json")])


async def _missing(send: Any) -> None:
    await _answer(send, 404, b"")


_STRANGE = {
    "/silent": _silent, "/flood": _flood, "/drip": _drip, "/html": _html, "/bomb": _bomb, "/failing": _failing,
    "/missing": _missing,
}  # fmt: skip


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run the server until the block ends."""
    pem = _certificate(folder)
    server = Server(pem)
    config = uvicorn.Config(
        server, host="127.0.0.1", port=0, ssl_certfile=str(pem), ssl_keyfile=str(pem), log_level="critical",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    runner = uvicorn.Server(config)
    thread = threading.Thread(target=runner.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 20
        while not runner.started and time.monotonic() < until:
            time.sleep(0.01)
        server.port = runner.servers[0].sockets[0].getsockname()[1]
        yield server
    finally:
        runner.should_exit = True
        thread.join(10)


@contextmanager
def trusting(server: Server) -> Iterator[None]:
    """Our own clients believe the server's certificate inside the block."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(server.ca)
    wire.tls.cache_clear()
    try:
        yield
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before
        wire.tls.cache_clear()


def _certificate(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    path = folder / "mcp.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, *plain) + made.public_bytes(pem))
    return path
