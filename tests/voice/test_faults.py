"""An upstream that misbehaves: what each fault is called, what it costs, and what becomes of a dial, a read and a write."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import override_settings

from apps.core.errors import Invalid
from apps.voice.client import Engine, EngineBusy, EngineTrouble
from tests.cases import TenantCase
from tests.receivers import Receiver, Reply
from tests.voice.test_client import engine_at
from tests.voice.test_connections import connect

DATE = {"Retry-After": "Mon, 05 Jan 2026 09:30:40 GMT", "Date": "Mon, 05 Jan 2026 09:30:00 GMT"}
HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"assistants":['
RETRY_DATE = "".join(f"{name}: {value}\r\n" for name, value in DATE.items()).encode()


@contextmanager
def raw(*parts: bytes | float, reset: bool = False) -> Iterator[str]:
    """A server that says exactly these bytes to everybody, sleeps where a number stands, and hangs up."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def speak(client: socket.socket) -> None:
        try:
            client.recv(65536)
            for part in parts:
                if isinstance(part, bytes):
                    client.sendall(part)
                else:
                    over.wait(part)
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        except OSError:
            pass
        finally:
            client.close()

    def serve() -> None:
        while not over.is_set():
            try:
                client, _address = server.accept()
            except OSError:
                return
            threading.Thread(target=speak, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        server.close()


def reason(ask: Any) -> str:
    with pytest.raises(EngineTrouble) as caught:
        ask()
    return caught.value.reason


@pytest.mark.parametrize(
    ("parts", "reset", "trouble", "fate"),
    [
        pytest.param((), False, "broken", "unknown", id="hangs up"),
        pytest.param((HEAD,), False, "broken", "unknown", id="body cut short"),
        pytest.param((HEAD,), True, "broken", "unknown", id="reset mid-body"),
        pytest.param((HEAD, 30.0), False, "timeout", "unknown", id="stops mid-body"),
        pytest.param((b"HTTP/1.1 200 OK\r\n", 30.0), False, "timeout", "unknown", id="stops mid-head"),
        pytest.param((b"SSH-2.0-OpenSSH_9.2\r\n",), False, "broken", "unknown", id="not HTTP"),
        pytest.param((b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",), False, "unreadable", "accepted", id="not JSON"),
        pytest.param((b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",), False,
                     "http_302", "unknown", id="redirect to a private address"),
        pytest.param((b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n",), False, "http_503", "unknown", id="5xx"),
        pytest.param((b"HTTP/1.1 429 Slow\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n",), False, "busy", "refused", id="429 seconds"),
        pytest.param((b"HTTP/1.1 429 Slow\r\n" + RETRY_DATE + b"Content-Length: 0\r\n\r\n",), False, "busy", "refused", id="429 date"),
    ],
)  # fmt: skip
def test_faults(monkeypatch: pytest.MonkeyPatch, parts: tuple[Any, ...], reset: bool, trouble: str, fate: str) -> None:
    monkeypatch.setattr("apps.voice.wire.READ_SECONDS", 0.6)
    with raw(*parts, reset=reset) as url:
        started = time.monotonic()
        dialled = engine_at(url, key=f"{url}d").dial({"destination": "+447700900001"}, key="k", seconds=0.6)
        read = reason(lambda: engine_at(url, key=f"{url}r").objects("/assistants", "assistants"))
        assert time.monotonic() - started < 6
    assert (read, dialled.outcome) == (trouble, fate)
    if trouble == "busy":
        assert dialled.retry_after == 40
        assert not dialled.engine_is_down


class WordsTest(TenantCase):
    def test_ten_megabytes_are_not_swallowed(self) -> None:
        with Receiver(Reply(body=b"[" + b" " * (10 * 2**20) + b"]")) as server:
            started = time.monotonic()
            assert reason(lambda: engine_at(server.url).objects("/assistants", "assistants")) == "too_long"
            assert engine_at(server.url).dial({}, key="k").outcome == "accepted"
            assert time.monotonic() - started < 10

    def test_what_becomes_of_an_answer(self) -> None:
        """platform 12: 401, 402, 403, 5xx are trouble (503 for the caller), 400 keeps its details, 404 is missing."""
        for status, text in ((401, "unauthorized"), (402, "insufficient_credits"), (403, "forbidden")):
            with Receiver(Reply(status, {"error": "No", "type": text})) as server:
                dialled = engine_at(server.url).dial({}, key="k")
                assert (dialled.outcome, dialled.error, dialled.engine_is_down) == ("refused", text, True)
                assert reason(engine_at(server.url).voices) == f"http_{status}"
        with Receiver(Reply(400, {"error": "Validation failed", "details": ["destination: no"]})) as server:
            dialled = engine_at(server.url).dial({}, key="k")
            assert (dialled.outcome, dialled.details, dialled.engine_is_down) == ("refused", ["destination: no"], False)
            with pytest.raises(Invalid) as caught:
                engine_at(server.url).create("/assistants", {}, key="k")
            assert caught.value.details == ["destination: no"]

    def test_a_busy_engine_is_not_a_broken_one(self) -> None:
        with Receiver(Reply(429, {}, {"Retry-After": "30"})) as server, pytest.raises(EngineBusy) as caught:
            engine_at(server.url).announced()
        assert (caught.value.retry_after, caught.value.status) == (30, 503)


class WebCallTest(TenantCase):
    def test_it_is_asked_for_at_its_own_address(self) -> None:
        room = {"token": "t", "server_url": "wss://rtc.example.org", "call_id": "w-1"}
        with Receiver() as base, Receiver(Reply(body=room)) as rooms:
            row = connect(base_url=base.url + "/api/v1", web_call_url=rooms.url + "/v1/web-calls", engine_read_at=None)
            found = Engine(row).web_call({"assistant_id": "a"}, key="k")  # type: ignore[arg-type]
        assert (found.outcome, found.ref, found.body) == ("accepted", "w-1", room)
        [sent] = rooms.received
        assert (sent.method, sent.path, sent.json) == ("POST", "/v1/web-calls", {"assistant_id": "a"})
        assert sent.headers["authorization"] == "Bearer k"
        assert base.received == []

    def test_without_one_and_with_an_engine_that_announces_more(self) -> None:
        with Receiver(Reply(body={"call_id": "w-1"})) as base, Receiver() as rooms:
            for fields in ({"web_call_url": ""}, {"web_call_url": rooms.url, "engine": {"kind": "worker"}}):
                row = connect(base_url=base.url, **fields)
                assert Engine(row).web_call({}, key="k").outcome == "accepted"  # type: ignore[arg-type]
                row.delete()  # type: ignore[attr-defined]
        assert [each.path for each in base.received] == ["/calls/web", "/calls/web"]
        assert rooms.received == []

    def test_a_customers_address_inside_is_refused(self) -> None:
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]), Receiver() as rooms:
            row = connect(self.agency, base_url="https://example.org", web_call_url=rooms.url)
            found = Engine(row).web_call({}, key="k")  # type: ignore[arg-type]
            operators = connect(base_url="https://example.org", web_call_url=rooms.url)
            assert Engine(operators).web_call({}, key="k").outcome == "accepted"  # type: ignore[arg-type]
        assert (found.outcome, found.error, len(rooms.received)) == ("refused", "blocked", 1)
