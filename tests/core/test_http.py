"""The one sender, against real sockets on loopback."""

import asyncio
import datetime as dt
import gzip
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import transaction

from apps.core import http, wire
from tests.core.canary import answer, listening, read_request
from tests.core.test_addresses import LITERALS

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Test: yes\r\n\r\nok"


def both(method, url, **options):
    """Send by the one and by the other; the answers, or errors, must be of a kind."""

    def tried(run):
        try:
            return run()
        except http.SendError as error:
            return error

    first = tried(lambda: http.send(method, url, **options))
    second = tried(lambda: asyncio.run(http.send_async(method, url, **options)))
    assert type(first) is type(second)
    if isinstance(first, http.SendError):
        assert (first.reason, getattr(first, "status", None)) == (second.reason, getattr(second, "status", None))
    else:
        assert (first.status, first.body, first.truncated) == (second.status, second.body, second.truncated)
    return first


@pytest.fixture(autouse=True)
def _loopback_open(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def test_a_request_arrives_as_it_was_meant_and_comes_back():
    with listening(answer(OK)) as canary:
        got = both("POST", canary.url("/a?b=c%20d"), headers={"X-Webhook-Id": "7"}, content=b'{"a":1}', timeout=5)
    assert (got.status, got.body, got.truncated, got.headers["x-test"]) == (200, b"ok", False, "yes")
    assert 0 <= got.seconds < 5
    for request in canary.received:
        head, _blank, body = request.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /a?b=c%20d HTTP/1.1\r\n")
        assert body == b'{"a":1}'
        lines = head.lower().split(b"\r\n")
        assert f"host: 127.0.0.1:{canary.port}".encode() in lines
        assert b"content-length: 7" in lines
        assert b"x-webhook-id: 7" in lines
        assert b"accept-encoding: identity" in lines
    assert len(canary.received) == 2


def test_redirects_are_answers():
    with listening(answer(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")) as canary:
        assert both("GET", canary.url(), timeout=5).status == 302
    assert len(canary.received) == 2


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "0"]
)
def test_a_private_address_gets_not_one_byte(host, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    with listening(answer(OK)) as canary:
        failed = both("POST", f"http://{host}:{canary.port}/", content=b"x", timeout=5)
        assert (type(failed), failed.reason) == (http.NotSent, "blocked")
    assert canary.received == []


@pytest.mark.parametrize("host", LITERALS)
def test_every_spelling_is_refused_when_it_is_used(host, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    with pytest.raises(http.NotSent):
        http.send("GET", f"http://{host}:8080/", timeout=2)


def test_a_name_that_turns_private_after_it_was_saved_is_refused(settings, monkeypatch):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    turns = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    asked = []

    def getaddrinfo(host, port, *args, **kwargs):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(turns), 0))]

    with listening(answer(OK)) as canary:
        url = f"http://rebind.example.com:{canary.port}/"
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        assert http.addresses.address_problem(url) is None
        for run in (
            lambda: http.send("GET", url, timeout=5),
            lambda: asyncio.run(http.send_async("GET", url, timeout=5)),
        ):
            with pytest.raises(http.NotSent, match="blocked"):
                run()
    assert asked == ["rebind.example.com"] * 3, "one look-up per use"
    assert canary.received == []


@pytest.mark.parametrize(
    "url", ["http://a@127.0.0.1:9/", "http://127.0.0.1:22/", "ftp://127.0.0.1/", "http://[x]/", "nonsense"]
)
def test_addresses_of_the_wrong_form_are_never_tried(url):
    assert type(both("GET", url, timeout=5)) is http.NotSent


def test_trusted_means_the_address_is_not_judged(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    with listening(answer(OK)) as canary:
        assert both("GET", canary.url(), timeout=5, trusted=True).status == 200


def test_nobody_listening_is_certain():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failed = both("POST", f"http://127.0.0.1:{port}/", content=b"x", timeout=5)
    assert (type(failed), failed.reason) == (http.NotSent, "refused")


def test_a_name_without_address_is_certain(monkeypatch):
    def getaddrinfo(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(wire.addresses.socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(http.NotSent, match="dns"):
        http.send("GET", "http://gone.example.com/", timeout=2)


def test_a_silent_name_server_ends_at_the_deadline(monkeypatch):
    hold = threading.Event()
    with listening(answer(OK)):
        monkeypatch.setattr(wire.addresses.socket, "getaddrinfo", lambda *a, **k: hold.wait(5) and [])
        began = time.monotonic()
        with pytest.raises(http.NotSent):
            http.send("GET", "http://slow.example.com/", timeout=0.2)
        assert time.monotonic() - began < 2
        hold.set()


def test_an_unspeakable_header_is_certain():
    with listening(answer(OK)) as canary:
        failed = both("GET", canary.url(), headers={"X-A": "a\r\nX-B: b"}, timeout=5)
    assert (type(failed), failed.reason) == (http.NotSent, "invalid")
    assert b"X-B" not in b"".join(canary.received)


def test_a_connection_cut_after_the_request_is_unknown():
    with listening(lambda connection, canary: read_request(connection, canary)) as canary:
        failed = both("POST", canary.url(), content=b"x", timeout=5)
    assert (type(failed), failed.reason) == (http.NoAnswer, "broken")


def test_a_cut_body_is_unknown_but_its_status_is_told():
    cut = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nhalf"
    with listening(answer(cut)) as canary:
        failed = both("POST", canary.url(), content=b"x", timeout=5)
    assert (type(failed), failed.status) == (http.NoAnswer, 201)


def test_silence_ends_at_the_deadline():
    def silent(connection, canary):
        read_request(connection, canary)
        canary.stopped.wait(10)

    with listening(silent) as canary:
        began = time.monotonic()
        failed = both("POST", canary.url(), content=b"x", timeout=0.3)
        assert time.monotonic() - began < 2
    assert (type(failed), failed.reason) == (http.NoAnswer, "timeout")


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_dripping_server_gains_nothing(part):
    whole = {"head": b"", "body": b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"}[part]

    def drip(connection, canary):
        read_request(connection, canary)
        connection.sendall(whole)
        while not canary.stopped.wait(0.05):
            connection.sendall(b"H")

    with listening(drip) as canary:
        began = time.monotonic()
        failed = both("GET", canary.url(), timeout=0.4)
        assert time.monotonic() - began < 2
    assert type(failed) is http.NoAnswer
    assert failed.status == (200 if part == "body" else None)


def test_a_huge_answer_is_cut():
    def flood(connection, canary):
        read_request(connection, canary)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not canary.stopped.is_set():
            connection.sendall(b"x" * 65536)

    with listening(flood) as canary:
        got = both("GET", canary.url(), timeout=5)
    assert got.truncated
    assert got.body == b"x" * 65536


def test_an_answer_of_exactly_the_limit_is_whole():
    with listening(answer(OK)) as canary:
        got = http.send("GET", canary.url(), timeout=5, limit=2)
    assert (got.body, got.truncated) == (b"ok", False)


def test_a_packed_answer_is_not_unpacked():
    packed = gzip.compress(b"0" * 10_000_000)
    text = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    with listening(answer(text)) as canary:
        assert both("GET", canary.url(), timeout=5).body == packed
        with http.safe_client(canary.url(), {}, 5) as client:
            assert client.get("/").content == packed


def test_the_clients_send_the_same_way(settings):
    with listening(answer(OK)) as canary:
        with http.safe_client(canary.url("/api/v1"), {"Authorization": "Bearer k"}, 5) as client:
            assert client.post("/calls", json={"a": 1}).text == "ok"
        assert canary.received[0].startswith(b"POST /api/v1/calls HTTP/1.1\r\n")
        assert b"Bearer k" in canary.received[0]
        assert canary.received[0].endswith(b'{"a":1}')
        settings.WEBHOOK_ALLOWED_NETWORKS = []
        with http.safe_client(canary.url(), {}, 5) as client, pytest.raises(http.NotSent, match="blocked"):
            client.get("/")
        with http.trusted_client(canary.url(), {}, 5) as client:
            assert client.get("/").status_code == 200


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with listening(answer(OK)) as canary:
        assert both("GET", canary.url(), timeout=5).status == 200


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_nothing_is_sent_inside_a_transaction():
    with listening(answer(OK)) as canary:
        with transaction.atomic(), pytest.raises(http.OutsideInTransaction):
            http.send("GET", canary.url(), timeout=5)
        client = http.trusted_client(canary.url(), {}, 5)
        with transaction.atomic(), pytest.raises(http.OutsideInTransaction):
            client.get("/")
        assert canary.received == []
        assert http.send("GET", canary.url(), timeout=5).status == 200


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_transaction_around_a_test_does_not_count():
    with listening(answer(OK)) as canary:
        assert http.send("GET", canary.url(), timeout=5).status == 200


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate for `right.example.com`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "right.example.com")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("right.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path / "both.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, *plain) + made.public_bytes(pem))
    return path


@pytest.mark.parametrize(("host", "known", "reason"), [
    ("right.example.com", True, None), ("wrong.example.com", True, "tls"), ("right.example.com", False, "tls"),
])  # fmt: skip
def test_the_certificate_is_checked_against_the_name_not_the_address(host, known, reason, certificate, monkeypatch):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    wire.tls.cache_clear()

    def handle(connection, canary):
        with server.wrap_socket(connection, server_side=True) as secure:
            answer(OK)(secure, canary)

    def getaddrinfo(host, port, *args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    with listening(handle) as canary:
        real = socket.getaddrinfo
        monkeypatch.setattr(
            wire.addresses.socket,
            "getaddrinfo",
            lambda h, *a, **k: getaddrinfo(h, *a) if "example" in h else real(h, *a, **k),
        )
        got = both("GET", f"https://{host}:{canary.port}/", timeout=5)
    wire.tls.cache_clear()
    if reason:
        assert (type(got), got.reason) == (http.NotSent, reason)
        assert canary.received == []
    else:
        assert got.status == 200
        assert f"host: {host}:{canary.port}".encode() in canary.received[0].lower()
