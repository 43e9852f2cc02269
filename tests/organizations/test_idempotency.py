"""Idempotency-Key on every POST, on both mounts; what a crash leaves is continued, not repeated (api 6)."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection
from django.test import Client, override_settings
from django.urls import path

from apps.assistants.models import AnalysisTemplate, Assistant, McpServer, ToolTemplate, Workflow
from apps.calls.models import Call
from apps.campaigns.models import Campaign, Lead
from apps.chats.models import ChatMessage
from apps.core import db
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations import idempotency
from apps.organizations.models import ApiKey, Organization, StoredAnswer
from apps.organizations.scopes import operator
from tests import factories
from tests.calls.support import scope_of
from tests.cases import Api, CommittedCase, TenantCase
from tests.engine import Sandbox
from tests.routes import routes
from tests.web import Web

JSON = "application/json"


def _crash(request: Any, **kwargs: Any) -> Any:
    _seen.append(idempotency.intent_of(request).text)
    raise RuntimeError("broken on purpose")


_seen: list[str] = []


class CrashingUrls:
    urlpatterns = [path("api/v1/crash", _crash)]


class HeaderTest(TenantCase):
    def setUp(self) -> None:
        self.client_api = self.api(self.client_org)

    def make(self, name: str = "Front desk", key: str = "k1", api: Api | None = None) -> Any:
        return (api or self.client_api).post("/assistants", {"name": name}, **{"Idempotency-Key": key})

    def names(self) -> list[str]:
        with scope_of(self.client_org):
            return sorted(Assistant.objects.for_organization(self.client_org).values_list("name", flat=True))

    def test_the_same_key_and_body_get_the_first_answer(self) -> None:
        first, again = self.make(), self.make()
        self.assertEqual((first.status_code, again.status_code), (201, 201))
        self.assertEqual((first.content, first["Content-Type"]), (again.content, again["Content-Type"]))
        self.assertNotIn("Idempotent-Replayed", first.headers)
        self.assertEqual(again["Idempotent-Replayed"], "true")
        self.assertIn("X-RateLimit-Remaining", again.headers)
        self.assertEqual(self.names(), ["Front desk"])

    def test_the_order_of_keys_and_blanks_make_no_other_body(self) -> None:
        for raw in ('{"name": "a", "is_active": true}', '{\n"is_active":true,"name":"a"}'):
            answer = self.client_api.client.post("/api/v1/assistants", raw, content_type=JSON, headers={"idempotency-key": "k"})
            self.assertEqual(answer.status_code, 201)
        self.assertEqual(self.names(), ["a"])

    def test_the_same_key_with_another_body_or_address_is_409(self) -> None:
        self.make()
        for answer in (self.make("Other"), self.client_api.post("/agents", {"name": "Front desk"}, **{"Idempotency-Key": "k1"})):
            self.assertEqual((answer.status_code, answer.json()["param"]), (409, "Idempotency-Key"))
            self.assertIsInstance(answer.json()["error"], str)
        self.assertEqual(self.names(), ["Front desk"])

    def test_keys_of_the_header_belong_to_one_api_key(self) -> None:
        self.make()
        other = self.make(api=self.api(self.client_org))
        self.assertNotIn("Idempotent-Replayed", other.headers)
        self.assertEqual(len(self.names()), 2)
        stranger = self.make(api=self.api(self.stranger))
        self.assertNotIn("Idempotent-Replayed", stranger.headers)

    def test_other_keys_make_other_things_and_other_methods_ignore_it(self) -> None:
        pk = self.make(key="a").json()["assistant"]["id"]
        self.make(key="b")
        self.assertEqual(len(self.names()), 2)
        for name in ("x", "y"):
            answer = self.client_api.patch(f"/assistants/{pk}", {"name": name}, **{"Idempotency-Key": "a"})
            self.assertEqual(answer.json()["assistant"]["name"], name)

    def test_the_length_of_a_key(self) -> None:
        for key in ("", "x" * 256):
            answer = self.make(key=key)
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, "Idempotency-Key"))
        self.assertEqual(self.make(key="x" * 255).status_code, 201)

    def test_a_day_later_it_is_a_new_request(self) -> None:
        self.make()
        with scope_of(self.client_org):
            row = StoredAnswer.objects.get()
            self.assertAlmostEqual((row.expires_at - db.now()).total_seconds(), 24 * 3600, delta=30)
            StoredAnswer.objects.update(expires_at=db.now())
        self.assertNotIn("Idempotent-Replayed", self.make("Front desk 2").headers)
        self.assertEqual(self.names(), ["Front desk", "Front desk 2"])

    def test_only_2xx_is_kept(self) -> None:
        self.assertEqual(self.make("").status_code, 400)
        self.assertEqual(self.make("").status_code, 400)
        self.assertEqual(self.make().status_code, 201)  # the refusal freed the key, also for another body
        with scope_of(self.client_org):
            self.assertEqual(StoredAnswer.objects.count(), 1)
        for raw in (b"[]", b'{"name": "a", "name": "b"}'):
            answer = self.client_api.client.post("/api/v1/assistants", raw, content_type=JSON, headers={"idempotency-key": "bad"})
            self.assertEqual(answer.status_code, 400)
        self.assertEqual(self.client_api.post("/nothing", {}, **{"Idempotency-Key": "none"}).status_code, 404)
        with scope_of(self.client_org):
            self.assertEqual(StoredAnswer.objects.count(), 1)

    def test_deprecated_operations_replay_too(self) -> None:
        answers = [self.client_api.post("/agents", {"name": "Old"}, **{"Idempotency-Key": "o"}) for _ in range(2)]
        self.assertEqual(answers[0].content, answers[1].content)
        self.assertEqual([answer["Deprecation"] for answer in answers], ["true", "true"])
        self.assertEqual(self.names(), ["Old"])

    def test_the_mount_for_people(self) -> None:
        address = f"/o/{self.client_org.slug}/api/v1/assistants"
        cleo = self.as_(self.cleo)
        send = {"data": {"name": "Mine"}, "content_type": JSON, "headers": {"idempotency-key": "k1"}}
        first, again = cleo.post(address, **send), cleo.post(address, **send)
        self.assertEqual((first.status_code, again.content, again["Idempotent-Replayed"]), (201, first.content, "true"))
        self.make("By key")  # the same value of a key's program is another request
        self.assertEqual(self.names(), ["By key", "Mine"])
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        self.assertEqual(self.as_(viewer).post(address, **send).status_code, 403)

    def test_kept_answers_are_encrypted(self) -> None:
        made = self.api(self.agency).post("/organizations", {"name": "Kid", "parent_org_id": str(self.agency.pk)}, **{"Idempotency-Key": "s"})
        secret = made.json()["api_key"]
        with scope_of(self.agency), connection.cursor() as cursor:
            cursor.execute("SELECT body, row_to_json(s)::text FROM organizations_storedanswer s")
            sealed, whole = cursor.fetchone()
            self.assertNotIn(secret.encode(), bytes(sealed))
            self.assertNotIn(secret, whole)
            self.assertNotIn("Kid", whole)
            self.assertEqual(json.loads(StoredAnswer.objects.get().body)["api_key"], secret)

    @override_settings(ROOT_URLCONF=CrashingUrls)
    def test_a_crash_is_continued_at_once_with_the_same_intent(self) -> None:
        self.client_api.client.raise_request_exception = False
        _seen.clear()
        for _ in range(2):
            answer = self.client_api.post("/crash", {}, **{"Idempotency-Key": "c"})
            self.assertEqual((answer.status_code, answer.json()["type"]), (500, "server_error"))
        self.client_api.post("/crash", {}, **{"Idempotency-Key": "d"})
        self.client_api.post("/crash", {})
        self.assertEqual((_seen[0], len(set(_seen))), (_seen[1], 3))


def _id(answer: Any, name: str | None) -> str:
    body = answer.json()
    return str((body[name] if name else body)["id"])


class ContinuedTest(TenantCase):
    """A run that dies after its commit and before its answer is kept: the repeat returns what it made."""

    def setUp(self) -> None:
        self.client_api = self.api(self.agency)
        self.assistant = factories.make_assistant(self.agency)
        self.campaign = factories.make_campaign(self.agency, assistant=self.assistant)
        factories.make_lead(self.campaign, status="failed", result="no_answer")

    def die(self) -> None:
        """What the database holds after the process was killed between the two transactions, a lease later."""
        with scope_of(self.agency):
            StoredAnswer.objects.filter(key="h:k").update(
                status=None, body=None, lease_until=db.now() - dt.timedelta(seconds=1)
            )
            StoredAnswer.objects.exclude(key="h:k").delete()

    def cases(self) -> dict[str, tuple[dict[str, Any], type[Any], str | None]]:
        """Every POST that makes a row: body, model, and the key of the answer that holds its id (None: not wrapped)."""
        nodes = [{"id": "start", "type": "conversation", "instructions": "Talk."}]
        return {
            "/assistants": ({"name": "A"}, Assistant, "assistant"),
            "/agents": ({"name": "B"}, Assistant, "agent"),
            "/tool-templates": ({"name": "t", "tool_type": "end_call", "tool_config": {}}, ToolTemplate, "tool_template"),
            "/analysis-templates": ({"name": "T", "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}}}, AnalysisTemplate, "analysis_template"),
            "/numbers": ({"phone_number": "+31850000077"}, PhoneNumber, "number"),
            "/sip-trunks": ({"name": "T", "address": "sip.example.com"}, SipTrunk, "trunk"),
            "/campaigns": ({"name": "C", "assistant_id": str(self.assistant.pk)}, Campaign, "campaign"),
            f"/campaigns/{self.campaign.pk}/redial": ({"name": "R"}, Campaign, "campaign"),
            f"/campaigns/{self.campaign.pk}/leads": ({"phone_number": "+447700900999"}, Lead, "lead"),
            "/workflows": ({"name": "W", "definition": {"version": 1, "entry_node": "start", "nodes": nodes}}, Workflow, "workflow"),
            "/mcp-servers": ({"name": "m", "url": "https://mcp.example.com/mcp"}, McpServer, "mcp_server"),
            "/chats": ({"contact_id": "7", "channel": "sms", "role": "user", "content": "Hi."}, ChatMessage, None),
        }

    def test_what_was_made_is_not_made_twice(self) -> None:
        for address, (body, model, name) in self.cases().items():
            with self.subTest(address), scope_of(self.agency):
                StoredAnswer.objects.all().delete()
                first = self.client_api.post(address, body, **{"Idempotency-Key": "k"})
                self.assertEqual(first.status_code, 201, first.content)
                count = model.objects.for_organization(self.agency).count()
                self.die()
                again = self.client_api.post(address, body, **{"Idempotency-Key": "k"})
                self.assertEqual((again.status_code, _id(again, name)), (201, _id(first, name)), again.content)
                self.assertNotIn("Idempotent-Replayed", again.headers)
                self.assertEqual(model.objects.for_organization(self.agency).count(), count)
                self.assertEqual(self.client_api.post(address, body, **{"Idempotency-Key": "k"}).content, again.content)

    def test_every_post_is_thought_of(self) -> None:
        elsewhere = {
            "/organizations",  # below
            "/calls/outbound", "/calls/web", "/v1/web-calls",  # the call's own key is the intent: tests of calls
            "/calls/<str:call_id>/control",  # the command's own key is the intent
            "/byok", "/byok/config",  # the second time writes the same
            "/domains", "/domains/sync", "/domains/verify", "/domains/refresh",  # one domain per organization
            "/mcp-servers/<uuid:pk>/test",  # changes nothing
            # The second time finds the lead as the first left it.
            "/campaigns/<uuid:pk>/leads/<uuid:lead_pk>/skip", "/campaigns/<uuid:pk>/leads/<uuid:lead_pk>/call-now",
        }  # fmt: skip
        listed = {address.replace(str(self.campaign.pk), "<uuid:pk>") for address in self.cases()} | elsewhere
        posts = {
            "/" + route.pattern.removeprefix("api/v1/")
            for route in routes()
            if route.pattern.startswith(("api/v1/", "v1/")) and hasattr(getattr(route.view, "cls", None), "post")
        }
        self.assertEqual(posts - listed, set())

    def test_an_organization_gets_a_key_that_works(self) -> None:
        body = {"name": "Kid", "parent_org_id": str(self.agency.pk)}
        first = self.client_api.post("/organizations", body, **{"Idempotency-Key": "k"}).json()
        self.die()
        again = self.client_api.post("/organizations", body, **{"Idempotency-Key": "k"})
        self.assertEqual((again.status_code, again.json()["id"]), (201, first["id"]))
        with operator("count"):
            self.assertEqual(Organization.objects.filter(name="Kid").count(), 1)
            live = ApiKey.objects.filter(organization_id=first["id"], revoked_at=None)
            self.assertEqual(live.count(), 1)
        # The answer with the first key reached nobody.
        self.assertEqual(self.bearer(first["api_key"]), 401)
        self.assertEqual(self.bearer(again.json()["api_key"]), 200)

    def bearer(self, key: str) -> int:
        return Client(headers={"authorization": f"Bearer {key}"}).get("/api/v1/organizations").status_code


class CommandTest(TenantCase):
    """The same value for a command: sent once, also when its answer was not kept."""

    def test_a_command_is_sent_once(self) -> None:
        connection_ = Sandbox.shared().connection()
        call = factories.make_call(self.client_org, status="in-progress", connection=connection_, ref="eng-gone", ended_at=None, end_reason=None)
        api = self.api(self.client_org)
        with scope_of(self.client_org):
            first = api.post(f"/calls/{call.public_id}/control", {"type": "end-call"}, **{"Idempotency-Key": "k"})
            self.assertEqual(first.status_code, 503)  # the engine knows no such call: nothing happened, nothing is kept
            self.assertEqual(StoredAnswer.objects.count(), 0)


class OutboundTest(TenantCase):
    def setUp(self) -> None:
        self.sandbox = Sandbox.shared()
        self.sandbox.connection()
        self.assistant = factories.make_assistant(self.client_org)
        factories.make_number(self.client_org, assistant=self.assistant, transfer_trunk=factories.make_trunk(self.client_org))
        self.client_api = self.api(self.client_org)

    def post(self, key: str = "", to: str = "+447700900001") -> Any:
        body = {"destination": to, "assistant_id": str(self.assistant.pk)}
        return self.client_api.post("/calls/outbound", body, **({"Idempotency-Key": key} if key else {}))

    def test_a_key_that_arrived_late_is_kept_for_its_day(self) -> None:
        first = self.post()
        self.assertEqual(self.post("late").json(), first.json())
        with scope_of(self.client_org):
            StoredAnswer.objects.filter(key__startswith="b:").update(expires_at=db.now())
        self.assertEqual(self.post("late").json(), first.json())
        self.assertNotEqual(self.post().json(), first.json())

    def test_an_answer_of_a_key_is_merged_for_30_seconds_only(self) -> None:
        first = self.post("a")
        self.assertEqual(self.post().json(), first.json())
        with scope_of(self.client_org):
            StoredAnswer.objects.filter(key__startswith="b:").update(expires_at=db.now())
        self.assertNotEqual(self.post().json(), first.json())
        self.assertEqual(self.post("a").json(), first.json())

    def test_a_refusal_frees_both(self) -> None:
        self.sandbox.faults(errors=1)
        self.addCleanup(self.sandbox.faults)
        self.assertEqual(self.post("a").status_code, 503)
        with scope_of(self.client_org):
            self.assertEqual(StoredAnswer.objects.count(), 0)
        self.sandbox.faults()
        self.assertEqual(self.post("a").status_code, 200)

    def test_the_mount_for_people_merges_too(self) -> None:
        body = {"destination": "+447700900001", "assistant_id": str(self.assistant.pk)}
        address, cleo = f"/o/{self.client_org.slug}/api/v1/calls/outbound", self.as_(self.cleo)
        answers = [cleo.post(address, body, content_type=JSON) for _ in range(2)]
        self.assertEqual(answers[0].json(), answers[1].json())


class ParallelTest(CommittedCase):
    """Real processes, real connections."""

    @classmethod
    def tearDownClass(cls) -> None:
        Web.end_shared()
        super().tearDownClass()

    def setUp(self) -> None:
        super().setUp()
        self.sandbox = Sandbox.shared()
        self.sandbox.connection()
        self.assistant = factories.make_assistant(self.agency)
        factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency))
        self.key = factories.make_key(self.agency)

    def at_once(self, interface: str, count: int, address: str, body: Any, **headers: str) -> list[Any]:
        web = Web.shared(interface)
        with ThreadPoolExecutor(count) as pool:
            runs = [pool.submit(web.send, "POST", f"/api/v1{address}", key=self.key, body=body, headers=headers) for _ in range(count)]
            return [run.result() for run in runs]

    def test_twenty_identical_calls_at_once(self) -> None:
        for number, (interface, headers) in enumerate((("asginl", {}), ("wsgi", {}), ("wsgi", {"Idempotency-Key": "twenty"})), 1):
            with self.subTest(interface, headers=headers):
                body = {"destination": f"+44770090010{number}", "assistant_id": str(self.assistant.pk)}
                answers = self.at_once(interface, 20, "/calls/outbound", body, **headers)
                self.assertEqual({answer.status for answer in answers}, {200}, Web.shared(interface).log)
                self.assertEqual(len({answer.body for answer in answers}), 1)
                replayed = [answer for answer in answers if answer.headers.get("idempotent-replayed") == "true"]
                self.assertEqual(len(replayed), 19)
                with scope_of(self.agency):
                    self.assertEqual(Call.objects.filter(other_number=body["destination"]).count(), 1)
                self.assertEqual(len(self.sandbox.rings(reference=answers[0].json()["call_id"])), 1)

    def test_twenty_identical_creates_at_once(self) -> None:
        answers = self.at_once("asginl", 20, "/assistants", {"name": "Once"}, **{"Idempotency-Key": str(uuid.uuid4())})
        self.assertEqual({(answer.status, answer.body) for answer in answers}, {(201, answers[0].body)})
        with scope_of(self.agency):
            self.assertEqual(Assistant.objects.for_organization(self.agency).filter(name="Once").count(), 1)

    def test_who_waits_too_long_is_told(self) -> None:
        with scope_of(self.agency):
            digest_of = self.at_once("wsgi", 1, "/assistants", {"name": "Slow"}, **{"Idempotency-Key": "slow"})
            self.assertEqual(digest_of[0].status, 201)
            StoredAnswer.objects.update(status=None, body=None, lease_until=db.now() + dt.timedelta(seconds=30))
        began = db.now()
        answers = self.at_once("wsgi", 3, "/assistants", {"name": "Slow"}, **{"Idempotency-Key": "slow"})
        waited = (db.now() - began).total_seconds()
        self.assertEqual({(answer.status, answer.json()["type"]) for answer in answers}, {(409, "in_progress")})
        self.assertTrue(9.5 < waited < 14, waited)
