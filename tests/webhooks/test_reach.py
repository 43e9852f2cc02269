"""What a delivery may reach, judged when it connects: names, ports, certificates, redirects, and how much is read (webhooks 3)."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from django.test import override_settings

from apps.core.addresses import address_problem
from apps.core.scope import Scope, acting
from apps.webhooks import deliveries
from apps.webhooks.models import Attempt
from tests.cases import TenantCase
from tests.factories import NOW
from tests.receivers import Receiver, Reply
from tests.webhooks.outbox import deliver, fresh, queued

OPEN = override_settings(WEBHOOK_ALLOWED_NETWORKS=["127.0.0.0/8"])
CLOSED = override_settings(WEBHOOK_ALLOWED_NETWORKS=[])
PUBLIC = "198.41.0.4"


@contextlib.contextmanager
def names(**addresses: str) -> Iterator[None]:
    """A name server that knows `host_example="1.2.3.4"` as host.example."""
    known = {name.replace("_", "."): address for name, address in addresses.items()}

    def answer(host: str, port: Any, *_rest: Any, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known.get(host, host), 0))]

    with mock.patch("apps.core.addresses.socket.getaddrinfo", answer):
        yield


@contextlib.contextmanager
def raw_server(answer: Any, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that writes what `answer(connection)` wants, for each connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                plain, _peer = listener.accept()
                with contextlib.suppress(OSError), plain:
                    connection = context.wrap_socket(plain, server_side=True) if context else plain
                    connection.recv(65536)
                    answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        listener.close()


class ReachTest(TenantCase):
    def attempt(self, url: str) -> Attempt:
        row = queued(self.client_org, url)
        deliver(row, NOW)
        with acting(Scope((self.client_org.pk,))):
            return Attempt.objects.get(delivery=row)

    def test_a_name_that_is_public_when_saved_and_private_when_used(self) -> None:
        with CLOSED, Receiver() as server:
            url = f"http://rebind.example:{server.url.rpartition(':')[2]}/hook"
            with names(rebind_example=PUBLIC):
                assert address_problem(url) is None
            with names(rebind_example="127.0.0.1"):
                assert address_problem(url)
                tried = self.attempt(url)
            assert (tried.status_code, tried.error) == (None, "blocked: rebind.example leads to a private network")
            assert server.received == []

    def test_the_connection_goes_to_the_address_that_was_judged(self) -> None:
        """One look-up per attempt: a second answer could be another one."""
        with OPEN, Receiver() as server:
            asked = []

            def answer(host: str, port: Any, *_rest: Any, **_options: Any) -> list[Any]:
                if host != "once.example":
                    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, int(port or 0)))]
                asked.append(host)
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else PUBLIC, 0))]

            with mock.patch("apps.core.addresses.socket.getaddrinfo", answer):
                tried = self.attempt(f"http://once.example:{server.url.rpartition(':')[2]}/")
            assert (tried.status_code, asked) == (200, ["once.example"])
            assert server.received[0].headers["host"].startswith("once.example:")

    def test_redirects_are_failures_and_go_nowhere(self) -> None:
        with OPEN, Receiver() as inside, Receiver(Reply(302, b"", {"Location": inside.url})) as server:
            for status in (301, 302, 303, 307, 308):
                server.reply = Reply(status, b"", {"Location": inside.url})
                assert self.attempt(server.url).status_code == status
            assert (len(server.received), inside.received) == (5, [])

    def test_ports_below_1024(self) -> None:
        with OPEN:
            for port in (1, 22, 25, 81, 1023):
                url = f"http://{PUBLIC}:{port}/"
                assert address_problem(url)
                assert self.attempt(url).error.startswith("blocked: Below 1024")

    def test_a_certificate_nobody_signed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = Path(folder) / "key.pem", Path(folder) / "cert.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                 "-keyout", str(key), "-out", str(certificate)],
                check=True, capture_output=True,
            )  # fmt: skip
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            seen: list[bytes] = []
            with OPEN, raw_server(lambda connection: seen.append(b"read"), context) as port:
                tried = self.attempt(f"https://127.0.0.1:{port}/")
        assert (tried.status_code, tried.error.split(":")[0], seen) == (None, "tls", [])

    def test_of_ten_megabytes_little_is_read_and_less_is_kept(self) -> None:
        with OPEN, Receiver(Reply(200, b"x" * 10_000_000)) as server:
            tried = self.attempt(server.url)
        assert (tried.status_code, len(tried.answer)) == (200, 2048)

    def test_a_dripping_server_gets_the_time_of_one_attempt(self) -> None:
        def drip(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n")
            for _count in range(100):
                connection.sendall(b"x")
                time.sleep(0.05)

        with OPEN, mock.patch.object(deliveries, "SEND_SECONDS", 0.6), raw_server(drip) as port:
            started = time.monotonic()
            tried = self.attempt(f"http://127.0.0.1:{port}/")
            assert time.monotonic() - started < 2
        assert (tried.status_code, tried.error.split(":")[0]) == (500, "timeout")
        assert 0.5 < (tried.seconds or 0) < 2

    def test_a_blocked_address_is_retried_like_any_failure(self) -> None:
        with CLOSED, names(inside_example="10.0.0.7"):
            row = queued(self.client_org, "http://inside.example/")
            assert deliver(row, NOW) is False
        assert fresh(row).status == "waiting"
        assert fresh(row).next_attempt_at - NOW < dt.timedelta(seconds=7)
