"""How the API speaks, whatever the operation: addresses, bodies, keys, errors (api 1-5). One table per rule."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.test import Client, override_settings
from django.urls import path

from apps.core import db
from apps.core.errors import Conflict
from apps.organizations.models import ApiKey
from config import urls
from tests import factories
from tests.cases import TenantCase

ERROR_KEYS = {"error", "message", "details", "type", "param"}
LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
JSON = "application/json"


class TransportCase(TenantCase):
    def setUp(self) -> None:
        self.key = factories.make_key(self.client_org)
        self.browser = Client(headers={"authorization": f"Bearer {self.key}"}, raise_request_exception=False)

    def send(self, method: str, path: str, body: bytes | str = b"", type: str = JSON, **options: Any) -> Any:
        return self.browser.generic(method, path, body, content_type=type, **options)

    def check_flat(self, answer: Any, status: int, type: str | None = None) -> dict[str, Any]:
        """One flat body with the limit's headers; never a page."""
        self.assertEqual((answer.status_code, answer["Content-Type"]), (status, JSON), answer.content[:300])
        body: dict[str, Any] = answer.json()
        self.assertIsInstance(body["error"], str)
        self.assertTrue(body["error"])
        self.assertIsInstance(body["message"], str)
        if type:
            self.assertEqual(body["type"], type)
        for name in LIMIT_HEADERS:
            self.assertTrue(answer[name].isdigit(), name)
        return body


class AddressTest(TransportCase):
    def test_no_trailing_slash_and_no_redirect(self) -> None:
        for method in ("GET", "POST", "PATCH", "DELETE"):
            for address in ("/api/v1/assistants/", "/api/v1/", "/api/v1", "/api", "/api/", "/v1", "/v1/", "/api/v2/calls", "/v1/nothing"):
                self.check_flat(self.send(method, address), 404, "not_found")

    def test_malformed_and_unknown_ids(self) -> None:
        theirs = factories.make_assistant(self.stranger)
        for pk in ("x", "1", str(theirs.pk), str(uuid.uuid4()), "%00", "a%00b", "%ff", "%ED%A0%80", "..", "x" * 5000):
            for kind in ("assistants", "agents", "numbers", "sip-trunks", "campaigns", "calls"):
                answer = self.send("GET", f"/api/v1/{kind}/{pk}")
                self.check_flat(answer, 404, "not_found")

    def test_plus_signs_in_call_ids(self) -> None:
        call = factories.make_call(self.client_org, ref="eng-1+x_y-z")
        for spelling in ("eng-1+x_y-z", "eng-1%2Bx_y-z", "eng-1%2bx_y-z"):
            answer = self.send("GET", f"/api/v1/calls/{spelling}")
            self.assertEqual((answer.status_code, answer.json()["id"]), (200, call.public_id))

    def test_a_nul_in_the_query_is_refused(self) -> None:
        for query in ("status=%00", "reference=a%00b", "start_date=%00", "unknown=%00", "%00=1"):
            self.check_flat(self.send("GET", f"/api/v1/calls?{query}"), 400, "invalid_value")

    def test_odd_queries(self) -> None:
        for query in ("status=%ff", "reference=%ED%A0%80", "unheard=1", "limit=", "limit=-5", "limit=99999999999", "offset=1e3", "a&b&=&="):
            status = 400 if query == "offset=1e3" else 200
            self.assertEqual(self.send("GET", f"/api/v1/calls?{query}").status_code, status, query)

    def test_pages_are_clamped_and_text_is_refused(self) -> None:
        for query, applied in (
            ("", (100, 0)), ("limit=0", (1, 0)), ("limit=5000&offset=7", (1000, 7)), ("limit=-1&offset=-1", (1, 0)),
        ):  # fmt: skip
            for kind in ("calls", "usage"):
                page = self.send("GET", f"/api/v1/{kind}?{query}").json()["pagination"]
                self.assertEqual((page["limit"], page["offset"]), applied, query)
        for text in ("many", "1_0", "1.5", "٣", "9" * 6000):
            body = self.check_flat(self.send("GET", f"/api/v1/calls?limit={text}"), 400, "invalid_value")
            self.assertEqual(body["param"], "limit")

    def test_dates_at_the_edge_of_time(self) -> None:
        for text in ("9999-12-31", "9999-12-31T23:59:59.999999", "0001-01-01T00:00:00%2B14:00", "yesterday", "2026-13-01"):
            for name in ("start_date", "end_date"):
                answer = self.send("GET", f"/api/v1/calls?{name}={text}")
                if answer.status_code != 200:
                    self.assertEqual(self.check_flat(answer, 400)["param"], name)


class BodyTest(TransportCase):
    def test_an_empty_body_with_the_json_type_is_an_empty_object(self) -> None:
        call = factories.make_call(self.client_org)
        self.assertEqual(self.send("GET", f"/api/v1/calls/{call.public_id}").status_code, 200)
        for empty in (b"", b"  \r\n", b"{}"):
            self.assertEqual(self.send("GET", "/api/v1/assistants", empty).status_code, 200)
            body = self.check_flat(self.send("POST", "/api/v1/assistants", empty), 400, "missing_field")
            self.assertEqual(body["param"], "name")
        assistant = factories.make_assistant(self.client_org)
        self.assertEqual(self.send("PATCH", f"/api/v1/assistants/{assistant.pk}").status_code, 200)
        self.assertEqual(self.send("DELETE", f"/api/v1/assistants/{assistant.pk}").json(), {"success": True})
        self.check_flat(self.send("DELETE", f"/api/v1/assistants/{assistant.pk}"), 404, "not_found")

    def test_delete_takes_a_body(self) -> None:
        trunk = factories.make_trunk(self.client_org)
        answer = self.send("DELETE", f"/api/v1/sip-trunks/{trunk.pk}", b'{"reason": "moved"}')
        self.assertEqual(answer.json(), {"success": True})

    def test_bodies_that_are_no_json_object(self) -> None:
        for raw in (
            b"[]", b"null", b"7", b'"text"', b"{", b"{'a': 1}", b'{"name": NaN}', b'{"name": Infinity}', b'{"name": -Infinity}',
            b'{"name": "a", "name": "b"}',
            b'{"llm_config": {"model": "a", "model": "b"}}', b'{"name": "\xff"}', b"\xff\xfe{\x00}\x00", b'{"name": "\x00"}',
            b'{"name": "a"} x', b"{" * 3000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
            b'{"a":' * 200 + b"1" + b"}" * 200,
        ):  # fmt: skip
            for method, address in (("POST", "assistants"), ("POST", "calls/outbound"), ("PATCH", "organizations")):
                body = self.check_flat(self.send(method, f"/api/v1/{address}", raw), 400, "invalid_request")
                self.assertNotIn("Traceback", str(body))

    def test_what_no_database_holds_names_its_field(self) -> None:
        for raw, param in (
            (rb'{"name": "a\u0000"}', "name"), (rb'{"name": "\ud800"}', "name"), (rb'{"llm_config": {"messages": ["\udfff"]}}', "llm_config.messages.0"),
            (rb'{"a": {"b\u0000": 1}}', "a"), (b'{"name": 1e400}', "name"), (b'{"a": [-1e999]}', "a.0"), (b'{"a": 99999999999999999999}', "a"),
            (b'{"a": {"b": 9223372036854775808}}', "a.b"), (b'{"n": ' + b"9" * 6000 + b"}", "n"),
        ):  # fmt: skip
            for address in ("assistants", "numbers", "campaigns", "organizations"):
                body = self.check_flat(self.send("POST", f"/api/v1/{address}", raw), 400, "invalid_value")
                self.assertEqual((body["param"], len(body["details"])), (param, 1))

    def test_pairs_of_surrogates_and_a_byte_order_mark_are_fine(self) -> None:
        answer = self.send("POST", "/api/v1/assistants", b"\xef\xbb\xbf" + rb'{"name": "\ud83d\ude00 \u00e9"}')
        self.assertEqual((answer.status_code, answer.json()["assistant"]["name"]), (201, "😀 é"))

    def test_numbers_stay_numbers(self) -> None:
        sent = b'{"name": "n", "max_duration_seconds": 600, "tts_config": {"provider": "elevenlabs", "voice_id": "v", "stability": 0.25}}'
        made = self.send("POST", "/api/v1/assistants", sent).json()["assistant"]
        self.assertEqual((made["max_duration_seconds"], made["tts_config"]["stability"]), (600, 0.25))

    def test_a_large_number_can_be_sent_as_it_was_read(self) -> None:
        config = b'{"tts_config": {"provider": "elevenlabs", "voice_id": "v", "x": %s}, "name": "n"}'
        made = self.send("POST", "/api/v1/assistants", config % b"2.5e+30").json()["assistant"]
        self.assertEqual(made["tts_config"]["x"], 2.5e30)
        answer = self.send("PATCH", f"/api/v1/assistants/{made['id']}", config % b"2500000000000000000000000000000")
        self.assertEqual((answer.status_code, answer.json()["assistant"]["tts_config"]), (200, made["tts_config"]))

    def test_integers_beyond_a_column_are_refused(self) -> None:
        for value in (2**31, 2**62):
            body = b'{"name": "n", "max_duration_seconds": %d}' % value
            self.check_flat(self.send("POST", "/api/v1/assistants", body), 400, "invalid_value")

    def test_other_content_types_are_refused(self) -> None:
        for type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "text/json"):
            self.check_flat(self.send("POST", "/api/v1/assistants", b'{"name": "x"}', type), 415, "unsupported_media_type")
        for type in ("application/json; charset=utf-8", "Application/JSON", "application/problem+json", ""):
            self.assertEqual(self.send("POST", "/api/v1/assistants", b'{"name": "x"}', type).status_code, 201, type)

    def test_a_body_above_one_mebibyte(self) -> None:
        limit = 1024 * 1024
        for method in ("POST", "PATCH", "DELETE", "GET"):
            self.check_flat(self.send(method, "/api/v1/organizations", b" " * (limit + 1)), 413, "payload_too_large")
        self.assertEqual(self.send("GET", "/api/v1/organizations", b" " * limit).status_code, 200)
        # Who shows no key sends nothing that is read.
        self.assertEqual(Client().generic("POST", "/api/v1/assistants", b" " * (limit + 1), content_type=JSON).status_code, 401)


class MethodTest(TransportCase):
    def test_methods_that_an_address_does_not_know(self) -> None:
        for method, address in (("PUT", "assistants"), ("DELETE", "calls"), ("POST", "usage"), ("GET", "calls/outbound"), ("TRACE", "voices"), ("BREW", "voices")):
            answer = self.send(method, f"/api/v1/{address}")
            self.check_flat(answer, 405, "method_not_allowed")
            self.assertIn("OPTIONS", answer["Allow"])

    def test_head_and_options(self) -> None:
        head = self.send("HEAD", "/api/v1/assistants")
        self.assertEqual((head.status_code, head.content, head["Content-Type"]), (200, b"", JSON))
        answer = self.send("OPTIONS", "/api/v1/assistants")
        self.assertEqual((answer.status_code, answer.json()), (200, {"allow": ["GET", "POST", "HEAD", "OPTIONS"]}))
        self.assertEqual(answer["Allow"], "GET, POST, HEAD, OPTIONS")

    def test_no_cors(self) -> None:
        answer = self.send("OPTIONS", "/api/v1/assistants", HTTP_ORIGIN="https://evil.example", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST")
        self.assertFalse([name for name in answer.headers if name.lower().startswith("access-control")])

    def test_whatever_is_accepted_the_answer_is_json(self) -> None:
        for accept in ("text/html", "application/xml", "*/*;q=0.1", "nonsense"):
            self.assertEqual(self.send("GET", "/api/v1/assistants?format=api", HTTP_ACCEPT=accept)["Content-Type"], JSON)


class KeyTest(TransportCase):
    def test_whatever_is_wrong_with_a_key_is_401(self) -> None:
        good = self.key
        for header in (
            None, "", "Bearer", "Bearer ", f"bearer {good}", f"Basic {good}", f"Token {good}", good, f"Bearer {good} x", f"Bearer {good[:-1]}",
            f"Bearer {good.upper()}", "Bearer \xe9\xff", "Bearer " + "x" * 8000, "Bearer fl_live_" + "a" * 40,
        ):  # fmt: skip
            for method, address in (("GET", "/api/v1/assistants"), ("POST", "/api/v1/nothing"), ("GET", f"/api/v1/assistants?api_key={good}"), ("PUT", "/v1/web-calls")):
                options = {} if header is None else {"HTTP_AUTHORIZATION": header}
                answer = Client().generic(method, address, content_type=JSON, **options)
                body = self.check_flat(answer, 401, "unauthorized")
                self.assertEqual(body["error"], "Invalid API key")
                self.assertEqual(answer["WWW-Authenticate"], "Bearer")

    def test_a_session_opens_nothing(self) -> None:
        self.check_flat(self.as_(self.cleo).get("/api/v1/assistants"), 401, "unauthorized")

    def test_expired_and_revoked_keys(self) -> None:
        for field, type in (("expires_at", "api_key_expired"), ("revoked_at", "api_key_revoked")):
            with self.acting_for(self.client_org):
                ApiKey.objects.update(expires_at=None, revoked_at=None)
                ApiKey.objects.update(**{field: db.now() - dt.timedelta(seconds=1)})
            self.check_flat(self.send("GET", "/api/v1/assistants"), 401, type)

    def test_a_suspended_organization(self) -> None:
        with self.acting_for(self.client_org):
            self.client_org.change(db.now(), suspended_at=db.now())
        for method, address in (("GET", "assistants"), ("POST", "calls/outbound"), ("GET", "nothing")):
            self.check_flat(self.send(method, f"/api/v1/{address}"), 403, "forbidden")

    def test_a_read_only_key(self) -> None:
        reader = Client(headers={"authorization": f"Bearer {factories.make_key(self.client_org, read_only=True)}"})
        self.assertEqual(reader.get("/api/v1/assistants").status_code, 200)
        for method in ("POST", "PUT", "PATCH", "DELETE", "BREW"):
            self.check_flat(reader.generic(method, "/api/v1/assistants", b"{}", content_type=JSON), 403, "forbidden")

    def test_health_needs_no_key(self) -> None:
        answer = Client().get("/api/v1/health")
        self.assertEqual(answer["Content-Type"], JSON)
        self.assertIn("X-RateLimit-Limit", answer.headers)


class DeprecatedTest(TransportCase):
    def test_deprecated_operations_say_so_whatever_they_answer(self) -> None:
        pk = factories.make_assistant(self.client_org).pk
        cases = [("GET", "agents"), ("POST", "agents"), ("GET", f"agents/{pk}"), ("PATCH", f"agents/{pk}"), ("PUT", f"agents/{pk}"),
                 ("DELETE", f"agents/{pk}"), ("DELETE", f"agents/{pk}"), ("GET", "account"), ("GET", "chats"), ("GET", "chats/context")]  # fmt: skip
        for method, address in cases:
            self.assertEqual(self.send(method, f"/api/v1/{address}").headers.get("Deprecation"), "true", address)
        for address in ("assistants", "organizations", "numbers"):
            self.assertNotIn("Deprecation", self.send("GET", f"/api/v1/{address}").headers)
        browsable = self.as_(self.cleo).get(f"/o/{self.client_org.slug}/api/v1/agents")
        self.assertEqual((browsable.status_code, browsable["Deprecation"]), (200, "true"))


def _crash(request: Any, **kwargs: Any) -> Any:
    raise RuntimeError("secret-canary")


def _refuse(request: Any, **kwargs: Any) -> Any:
    raise Conflict("Not now.")


def _suspect(request: Any, **kwargs: Any) -> Any:
    raise SuspiciousOperation("secret-canary")


_broken = [path("crash", _crash), path("refuse", _refuse), path("suspect", _suspect)]


class BrokenUrls:
    urlpatterns = [path(f"{prefix}{each.pattern}", each.callback) for prefix in ("api/v1/", "o/<slug:org>/api/v1/") for each in _broken] + urls.urlpatterns
    handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


@override_settings(ROOT_URLCONF=BrokenUrls)
class CrashTest(TransportCase):
    def test_a_crash_is_a_flat_500_that_says_nothing(self) -> None:
        for debug in (False, True):
            with self.subTest(debug=debug), override_settings(DEBUG=debug), self.assertLogs("django.request", "ERROR"):
                body = self.check_flat(self.send("POST", "/api/v1/crash", b"{}"), 500, "server_error")
                self.assertNotIn("canary", str(body))

    def test_refusals_outside_of_rest_framework(self) -> None:
        self.check_flat(self.send("GET", "/api/v1/refuse"), 409, "invalid_state")
        self.check_flat(self.send("GET", "/api/v1/suspect"), 400, "invalid_request")

    def test_the_browsable_mount(self) -> None:
        cleo = self.as_(self.cleo)
        cleo.raise_request_exception = False
        base = f"/o/{self.client_org.slug}/api/v1"
        for address, status in (("crash", 500), ("refuse", 409), ("suspect", 400), ("nothing", 404), ("assistants/", 404), ("calls/%00", 404), ("calls?status=%00", 400)):
            answer = cleo.get(f"{base}/{address}")
            self.assertEqual((answer.status_code, answer["Content-Type"]), (status, JSON), address)
            self.assertIsInstance(answer.json()["error"], str)
            page = cleo.get(f"{base}/{address}", headers={"accept": "text/html,*/*"})
            self.assertEqual(page.status_code, status, address)
            self.assertTrue(page["Content-Type"].startswith("text/html"), address)
            self.assertNotIn(b"canary", page.content)


class BrowsableTest(TransportCase):
    def setUp(self) -> None:
        super().setUp()
        self.base = f"/o/{self.client_org.slug}/api/v1"

    def test_strangers_and_nobody(self) -> None:
        answer = Client().get(f"{self.base}/assistants")
        self.assertEqual((answer.status_code, answer.json()["type"]), (401, "unauthorized"))
        page = Client().get(f"{self.base}/assistants", headers={"accept": "text/html"})
        self.assertEqual(page.status_code, 302)
        answer = self.as_(self.dov).get(f"{self.base}/assistants")
        self.assertEqual((answer.status_code, answer.json()["type"]), (404, "not_found"))

    def test_bodies_are_judged_alike(self) -> None:
        cleo = self.as_(self.cleo)
        for raw, type, status in ((b" " * (1024 * 1024 + 1), JSON, 413), (b"[]", JSON, 400), (b"a=b", "text/plain", 415), (rb'{"name": "\ud800"}', JSON, 400)):
            answer = cleo.generic("POST", f"{self.base}/assistants", raw, content_type=type)
            self.assertEqual((answer.status_code, answer["Content-Type"]), (status, JSON))
        answer = cleo.put(f"{self.base}/assistants")
        self.assertEqual((answer.status_code, answer.json()["type"]), (405, "method_not_allowed"))

    def test_a_write_needs_the_token(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.cleo, backend="allauth.account.auth_backends.AuthenticationBackend")
        for headers in ({}, {"idempotency-key": "a"}):
            answer = strict.post(f"{self.base}/assistants", {"name": "x"}, content_type=JSON, headers=headers)
            self.assertEqual((answer.status_code, answer.json()["type"]), (403, "forbidden"))

    def test_a_second_factor_that_is_asked_for(self) -> None:
        with self.acting_for(self.client_org):
            self.client_org.change(db.now(), requires_second_factor=True)
        answer = self.as_(self.cleo).get(f"{self.base}/assistants")
        self.assertEqual((answer.status_code, answer.json()["type"]), (403, "forbidden"))


class HostTest(TransportCase):
    def test_an_unknown_host(self) -> None:
        for host in ("nobody.example", "bad host", "nobody.example:99999", "-"):
            self.check_flat(self.send("GET", "/api/v1/assistants", HTTP_HOST=host), 421, "unknown_host")
        answer = Client().get(f"/o/{self.client_org.slug}/api/v1/assistants", headers={"host": "nobody.example"})
        self.assertEqual((answer.status_code, answer["Content-Type"]), (421, JSON))
        self.assertEqual(Client().get("/api/v1/health", headers={"host": "nobody.example"})["Content-Type"], JSON)
