"""The limits of the API: exact over processes, shown on every answer, and no obstacle when Valkey is gone (api 4)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.test import Client, override_settings

from apps.core import rate
from apps.core.outage import Outage
from apps.organizations.models import ApiKey
from tests import factories
from tests.calls.support import scope_of
from tests.cases import CommittedCase, TenantCase
from tests.engine import Sandbox
from tests.web import Reply, Web

NAMES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
BARE_IP = "203.0.113."


def early_in_a_minute(seconds: int = 20) -> None:
    """Wait for the next minute when this one is nearly over: a window must not end during the test."""
    if (late := time.time() % 60) > 60 - seconds:
        time.sleep(60.5 - late)


class WindowTest(TenantCase):
    def setUp(self) -> None:
        early_in_a_minute()
        self.key = factories.make_key(self.client_org)
        self.browser = Client(headers={"authorization": f"Bearer {self.key}"}, raise_request_exception=False)

    @override_settings(API_REQUESTS_PER_MINUTE=3)
    def test_a_window_counts_down_and_ends_with_the_minute(self) -> None:
        seen = []
        for _ in range(4):
            answer = self.browser.get("/api/v1/voices")
            seen.append((answer.status_code, answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"]))
        self.assertEqual(seen, [(200, "3", "2"), (200, "3", "1"), (200, "3", "0"), (429, "3", "0")])
        reset = int(answer["X-RateLimit-Reset"])
        self.assertEqual((reset % 60, 0 < reset - time.time() <= 60), (0, True))
        body = answer.json()
        self.assertEqual((body["error"], body["type"], body["retry_after"]), ("Rate limit exceeded", "rate_limit_exceeded", int(answer["Retry-After"])))
        self.assertTrue(1 <= body["retry_after"] <= 60)
        self.assertEqual(body["message"], f"Too many requests. Retry after {body['retry_after']} seconds.")

    @override_settings(API_REQUESTS_PER_MINUTE=3)
    def test_each_key_has_its_own(self) -> None:
        for _ in range(4):
            self.browser.get("/api/v1/voices")
        self.assertEqual(self.api(self.client_org).get("/voices").headers["X-RateLimit-Remaining"], "2")

    @override_settings(API_REQUESTS_PER_MINUTE=2)
    def test_a_limit_that_the_operator_raised(self) -> None:
        with scope_of(self.client_org):
            ApiKey.objects.update(requests_per_minute=5)
        codes = [self.browser.get("/api/v1/voices").status_code for _ in range(6)]
        self.assertEqual(codes, [200] * 5 + [429])

    @override_settings(API_REQUESTS_PER_MINUTE=2, TRUSTED_PROXIES=["127.0.0.0/8"])
    def test_without_a_valid_key_the_address_counts(self) -> None:
        def ask(host: int, header: str = "Bearer fl_live_wrong") -> int:
            return Client().get("/api/v1/voices", headers={"authorization": header, "x-forwarded-for": f"6.6.6.6, {BARE_IP}{host}"}).status_code

        self.assertEqual([ask(1), ask(1, "Basic x"), ask(1, ""), ask(1)], [401, 401, 429, 429])
        self.assertEqual(ask(2), 401)
        # A good key from the same address has its own window.
        self.assertEqual(self.browser.get("/api/v1/voices", headers={"x-forwarded-for": f"{BARE_IP}1"}).status_code, 200)
        with scope_of(self.client_org):
            ApiKey.objects.update(revoked_at="2026-01-01T00:00Z")
        codes = [self.browser.get("/api/v1/voices", headers={"x-forwarded-for": f"{BARE_IP}3"}).status_code for _ in range(3)]
        self.assertEqual(codes, [401, 401, 429])

    @override_settings(API_REQUESTS_PER_MINUTE=1)
    def test_the_check_comes_before_any_work(self) -> None:
        self.browser.get("/api/v1/voices")
        for method, address, body in (("POST", "assistants", b"{"), ("GET", "nothing", b""), ("POST", "organizations", b" " * 2_000_000), ("PUT", "voices", b"")):
            answer = self.browser.generic(method, f"/api/v1/{address}", body, content_type="application/json")
            self.assertEqual((answer.status_code, answer.json()["type"]), (429, "rate_limit_exceeded"))

    def test_the_tighter_of_two_windows_shows(self) -> None:
        call = factories.make_call(self.client_org, status="in-progress", ended_at=None, end_reason=None)
        address = f"/api/v1/calls/{call.public_id}/control"
        with override_settings(API_REQUESTS_PER_MINUTE=5):
            shown = [self.browser.post(address, {}, content_type="application/json").headers["X-RateLimit-Limit"] for _ in range(2)]
            self.assertEqual(shown, ["5", "5"])  # 3 of the key are left, 8 of the call
        with override_settings(API_REQUESTS_PER_MINUTE=50):
            for _ in range(8):
                answer = self.browser.post(address, {}, content_type="application/json")
            self.assertEqual((answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]), ("10", "0"))
            # Another key of the same organization shares the call's window.
            answer = self.api(self.client_org).post(f"/calls/{call.public_id}/control", {})
            self.assertEqual((answer.status_code, answer.headers["X-RateLimit-Limit"]), (429, "10"))
            other = factories.make_call(self.client_org, status="in-progress", ended_at=None, end_reason=None)
            answer = self.browser.post(f"/api/v1/calls/{other.public_id}/control", {}, content_type="application/json")
            self.assertEqual((answer.status_code, answer.headers["X-RateLimit-Remaining"]), (400, "9"))


class OutageTest(TenantCase):
    def test_said_once_a_minute_and_asked_again_soon(self) -> None:
        outage = Outage("nothing is counted")
        with self.assertLogs("apps.core.outage", "WARNING") as logs:
            for _ in range(50):
                outage.note(OSError("gone"))
        self.assertEqual(len(logs.output), 1)
        self.assertTrue(outage.is_on)
        outage.forget()
        self.assertFalse(outage.is_on)

    def test_a_dead_valkey_lets_requests_pass(self) -> None:
        rate.client.cache_clear()
        self.addCleanup(rate.client.cache_clear)
        self.addCleanup(rate.outage.forget)
        settings = override_settings(CACHE_URL="redis://127.0.0.1:9/1", API_REQUESTS_PER_MINUTE=1)
        with settings, self.assertLogs("apps.core.outage", "WARNING") as logs:
            answers = [self.api(self.client_org).get("/voices") for _ in range(5)]
        self.assertEqual({answer.status_code for answer in answers}, {200})
        self.assertEqual({answer.headers["X-RateLimit-Remaining"] for answer in answers}, {"1"})
        self.assertEqual(len(logs.output), 1)


@contextmanager
def silent_port() -> Iterator[int]:
    """Takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(500)
        yield server.getsockname()[1]


class ProcessesTest(CommittedCase):
    @classmethod
    def tearDownClass(cls) -> None:
        Web.end_shared()
        super().tearDownClass()

    def setUp(self) -> None:
        super().setUp()
        self.key = factories.make_key(self.client_org)

    def check_headers(self, reply: Reply) -> None:
        self.assertEqual([name for name in NAMES if not reply.headers.get(name, "").isdigit()], [], reply)
        self.assertEqual(reply.headers["content-type"], "application/json")

    def test_the_limit_is_exact_over_processes(self) -> None:
        with scope_of(self.client_org):
            ApiKey.objects.update(requests_per_minute=30)
        early_in_a_minute()
        webs = [Web.shared("asginl"), Web.shared("wsgi")]  # two processes each
        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda number: webs[number % 2].send("GET", "/api/v1/voices", key=self.key), range(80)))
        codes = [reply.status for reply in replies]
        self.assertEqual((codes.count(200), codes.count(429)), (30, 50))
        self.assertEqual(sorted(int(reply.headers[NAMES[1]]) for reply in replies if reply.status == 200), list(range(30)))
        self.assertEqual({int(reply.headers["retry-after"]) > 0 for reply in replies if reply.status == 429}, {True})

    def test_every_answer_bears_the_headers(self) -> None:
        too_long = b" " * (1024 * 1024 + 1)
        for interface in ("asginl", "wsgi"):
            web = Web.shared(interface)
            for status, method, path, options in (
                (200, "GET", "/api/v1/voices", {"key": self.key}),
                (404, "GET", "/api/v1/nothing", {"key": self.key}),
                (404, "GET", "/api", {"key": self.key}),
                (405, "PUT", "/api/v1/voices", {"key": self.key}),
                (401, "GET", "/api/v1/voices", {}),
                (401, "POST", "/v1/web-calls", {}),
                (421, "GET", "/api/v1/voices", {"headers": {"Host": "nobody.example"}}),
                (413, "POST", "/api/v1/assistants", {"key": self.key, "body": too_long}),
                (413, "POST", "/api/v1/assistants", {"key": self.key, "body": iter([too_long])}),
                (413, "DELETE", "/api/v1/assistants", {"key": self.key, "body": iter([b" " * 65536] * 60)}),
                (400, "POST", "/api/v1/assistants", {"key": self.key, "body": iter([b'{"na', b'me": 7}'])}),
                (415, "POST", "/api/v1/assistants", {"key": self.key, "body": b"a=b", "headers": {"Content-Type": "text/plain"}}),
            ):
                with self.subTest(f"{interface} {method} {path} {status}"):
                    reply = web.send(method, path, **options)
                    self.assertEqual(reply.status, status, reply.body)
                    self.check_headers(reply)
                    self.assertIsInstance(reply.json().get("error", ""), str)

    def test_chunked_bodies_and_odd_addresses_over_the_wire(self) -> None:
        call = factories.make_call(self.client_org, ref="eng-1+x")
        for interface in ("asginl", "wsgi"):
            web = Web.shared(interface)
            made = web.send("POST", "/api/v1/assistants", key=self.key, body=iter([b'{"name":', b' "Piece by piece"}']))
            self.assertEqual((made.status, made.json()["assistant"]["name"]), (201, "Piece by piece"))
            for spelling in ("eng-1+x", "eng-1%2Bx"):
                self.assertEqual(web.send("GET", f"/api/v1/calls/{spelling}", key=self.key).json()["id"], call.public_id)
            for path in ("/api/v1/calls/%00", "/api/v1/calls/%ff%fe", "/api/v1/assistants/%2e%2e", "/api/v1/assistants/"):
                self.assertEqual(web.send("GET", path, key=self.key).status, 404, path)
            head = web.send("HEAD", "/api/v1/assistants", key=self.key)
            self.assertEqual((head.status, head.body), (200, b""))
            self.check_headers(head)

    def test_a_dead_or_silent_valkey_and_queue(self) -> None:
        """Reads and creates answer as ever, an outbound call is placed, and the log says it once per process."""
        sandbox = Sandbox.shared()
        sandbox.connection()
        assistant = factories.make_assistant(self.client_org)
        factories.make_number(self.client_org, assistant=assistant, transfer_trunk=factories.make_trunk(self.client_org))
        with silent_port() as silent:
            for number, port in enumerate((9, silent), 1):
                url = f"redis://127.0.0.1:{port}"
                with self.subTest(url), Web(interface="wsgi", workers=1, CACHE_URL=f"{url}/1", BROKER_URL=f"{url}/0") as web:
                    self.serve_without(web, assistant.pk, f"+44770090001{number}")

    def serve_without(self, web: Web, assistant_id: Any, to: str) -> None:
        web.send("GET", "/api/v1/voices", key=self.key)  # the process reads its code
        took = {}
        for method, path, body, status in (
            ("GET", "/api/v1/voices", None, 200),
            ("GET", "/api/v1/voices", None, 200),
            ("POST", "/api/v1/assistants", {"name": "Without"}, 201),
            ("POST", "/api/v1/calls/outbound", {"destination": to, "assistant_id": str(assistant_id)}, 200),
            ("POST", "/api/v1/calls/outbound", {"destination": to, "assistant_id": str(assistant_id)}, 200),
            ("GET", "/api/v1/calls", None, 200),
        ):
            began = time.monotonic()
            reply = web.send(method, path, key=self.key, body=body)
            took[f"{method} {path} {status}"] = time.monotonic() - began
            self.assertEqual(reply.status, status, (path, reply.body))
            self.check_headers(reply)
        self.assertLess(max(took.values()), 5, took)
        said = [line for line in web.log.splitlines() if "without counting" in line]
        self.assertEqual(len(said), 1, web.log)
        self.assertNotIn("Traceback", web.log)
