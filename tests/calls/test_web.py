"""Web calls over real HTTP against the sandbox: the wire, the rules shared with outbound, rooms that nobody joins."""

from __future__ import annotations

import datetime as dt
import json
import random
from typing import Any

from django.test import Client, override_settings

from apps.billing.models import Hold, LedgerEntry
from apps.billing.services import balance
from apps.calls.models import Call, CallEvent
from apps.calls.services.quiet import read_call
from apps.calls.services.reconcile import open_dials
from apps.calls.services.web import close_room, empty_rooms
from apps.core import db
from apps.mail.models import Message
from apps.voice.client import Engine
from apps.voice.models import Connection
from apps.webhooks.models import Delivery
from tests import factories
from tests.calls.support import apply, event, make_connection, post, scope_of
from tests.calls.test_api import ONE_TIME
from tests.cases import TenantCase
from tests.engine import Sandbox
from tests.receivers import Received, Receiver, Reply

ROOM = {"token", "server_url", "call_id", "room_name", "expires_at"}


class WebCase(TenantCase):
    def setUp(self) -> None:
        self.sandbox = Sandbox.shared()
        self.addCleanup(self.sandbox.faults)
        self.connection = self.sandbox.connection()
        self.assistant = factories.make_assistant(self.client_org, name="Front desk", first_message="Good morning.")
        self.client_api = self.api(self.client_org)

    def post(self, body: dict[str, Any] | None = None, *, path: str = "/v1/web-calls", **headers: str) -> Any:
        sent = {"assistant_id": str(self.assistant.pk)} if body is None else body
        return self.client_api.client.post(path, sent, content_type="application/json", headers=headers)

    def call(self, public_id: str) -> Call:
        with scope_of(self.client_org):
            return Call.objects.select_related("connection", "organization__brand").get(public_id=public_id)

    def shown(self, public_id: str) -> dict[str, Any]:
        return self.client_api.get(f"/calls/{public_id}").json()

    def count(self) -> int:
        with scope_of(self.client_org):
            return Call.objects.count()


class AnswerTest(WebCase):
    def test_a_token_and_where_to_use_it(self) -> None:
        for path in ("/v1/web-calls", "/api/v1/calls/web"):
            before = db.now()
            answer = self.post(path=path)
            self.assertEqual(answer.status_code, 200, answer.content)
            body = answer.json()
            self.assertEqual(set(body), ROOM)
            self.assertEqual(body["room_name"], body["call_id"])
            self.assertRegex(body["call_id"], r"^call-[a-z0-9]{20}$")
            expires = dt.datetime.fromisoformat(body["expires_at"])
            self.assertTrue(before + dt.timedelta(minutes=9) < expires < db.now() + dt.timedelta(minutes=10, seconds=2))
            self.assertRegex(body["expires_at"], r"\.\d{3}Z$")
            self.assertIn("X-RateLimit-Remaining", answer.headers)
            self.assertNotIn(self.sandbox.url, answer.content.decode())
            self.assertNotIn(self.sandbox.key, answer.content.decode())
        self.assertEqual(self.count(), 2)

    def test_the_call_has_no_phone_at_either_end(self) -> None:
        body = self.post().json()
        call = self.shown(body["call_id"])
        self.assertEqual((call["direction"], call["status"], call["assistant_id"]), ("web", "connecting", str(self.assistant.pk)))
        names = ("caller_phone", "assistant_phone", "agent_phone", "phone_number", "number_id", "started_at", "duration_seconds")
        self.assertEqual({call[name] for name in names}, {None})
        listed = self.client_api.get("/calls").json()["calls"]
        self.assertEqual([each["id"] for each in listed], [body["call_id"]])

    def test_the_same_body_is_another_visitor(self) -> None:
        first, second = self.post().json(), self.post().json()
        self.assertNotEqual((first["call_id"], first["token"]), (second["call_id"], second["token"]))

    def test_an_idempotency_key_is_the_same_visitor(self) -> None:
        first = self.post(**{"Idempotency-Key": "visit-1"})
        again = self.post(**{"Idempotency-Key": "visit-1"})
        self.assertEqual((again.json(), again.headers["Idempotent-Replayed"]), (first.json(), "true"))
        self.assertEqual(self.count(), 1)
        other = self.post({"assistant_id": str(self.assistant.pk), "first_message": "Hi."}, **{"Idempotency-Key": "visit-1"})
        self.assertEqual(other.status_code, 409)

    def test_override_and_one_time_reach_the_engine(self) -> None:
        own = {"assistant_id": str(self.assistant.pk), "assistant_override": {"first_message": "Overridden.", "metadata": {"crm_id": "77"}}}
        for body, greeting, assistant in (
            (own, "Overridden.", str(self.assistant.pk)),
            ({"assistant": {**ONE_TIME, "first_message": "One time."}}, "One time.", None),
            ({"agent_config": ONE_TIME, "first_message": "Said first."}, "Said first.", None),
            ({"agent_id": str(self.assistant.pk)}, "Good morning.", str(self.assistant.pk)),
        ):
            answer = self.post(body)
            self.assertEqual(answer.status_code, 200, answer.content)
            call = self.call(answer.json()["call_id"])
            self.assertEqual(Engine(self.connection).text(str(call.ref), "")["messages"][0]["content"], greeting)
            self.assertEqual(self.shown(call.public_id)["assistant_id"], assistant)
        self.assertEqual(self.shown(self.post(own).json()["call_id"])["metadata"], {"crm_id": "77"})

    def test_references(self) -> None:
        body = {"assistant_id": str(self.assistant.pk), "reference": "visit-7"}
        first = self.post(body).json()
        found = self.client_api.get("/calls", {"reference": "visit-7"}).json()["calls"]
        self.assertEqual([each["id"] for each in found], [first["call_id"]])
        second = self.post(body)
        self.assertEqual((second.status_code, second.json()["type"], second.json()["call_id"]), (409, "duplicate_reference", first["call_id"]))


class RefusalTest(WebCase):
    def test_bodies_that_are_refused(self) -> None:
        own = str(self.assistant.pk)
        for body, param, kind in (
            ({}, "assistant_id", "missing_field"),
            ({"assistant_id": own, "assistant": ONE_TIME}, "assistant_id", "invalid_value"),
            ({"assistant_id": "front-desk"}, "assistant_id", "invalid_value"),
            ({"assistant_override": {}}, "assistant_id", "missing_field"),
            ({"assistant": ONE_TIME, "assistant_override": {}}, "assistant_override", "invalid_value"),
            ({"assistant": {}}, "assistant.llm_config", "missing_field"),
            ({"assistant_id": own, "reference": "x" * 65}, "reference", "invalid_value"),
            ({"assistant_id": own, "assistant_override": {"llm_config": {"provider": "nobody", "model": "x"}}}, "assistant_override.llm_config.provider", "unknown_provider"),
        ):  # fmt: skip
            answer = self.post(body)
            self.assertEqual((answer.status_code, answer.json()["param"], answer.json()["type"]), (400, param, kind), body)
        self.assertEqual(self.count(), 0)

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_the_order_of_the_checks(self) -> None:
        theirs = factories.make_assistant(self.stranger, name="Secret-canary")
        unknown = self.post({"assistant_id": str(theirs.pk)})
        self.assertEqual((unknown.status_code, unknown.json()["type"]), (404, "not_found"))
        self.assertNotIn(b"canary", unknown.content)
        with scope_of(self.client_org):
            self.assistant.change(db.now(), is_active=False)
        self.assertEqual((self.post().status_code, self.post().json()["param"]), (400, "assistant_id"))
        with scope_of(self.client_org):
            self.assistant.change(db.now(), is_active=True)
        poor = self.post()
        self.assertEqual((poor.status_code, poor.json()["type"], poor.json()["balance"]), (402, "insufficient_credits", 0))
        self.assertEqual(self.count(), 0)

    def test_keys(self) -> None:
        self.assertEqual(Client().post("/v1/web-calls", {}, content_type="application/json").status_code, 401)
        reader = self.api(self.client_org, read_only=True)
        self.assertEqual(reader.client.post("/v1/web-calls", {}, content_type="application/json").status_code, 403)
        answer = self.client_api.client.get("/v1/web-calls")
        self.assertEqual((answer.status_code, answer.json()["type"]), (405, "method_not_allowed"))
        missing = self.client_api.client.get("/v1/nothing")
        self.assertEqual((missing.status_code, missing.json()["type"]), (404, "not_found"))

    def test_without_an_engine(self) -> None:
        with scope_of(self.client_org):
            Connection.objects.update(is_active=False)
        answer = self.post()
        self.assertEqual((answer.status_code, answer.json()["type"], self.count()), (503, "backend_unavailable", 0))

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_without_an_answer_there_is_no_token_and_no_charge(self) -> None:
        factories.add_credits(self.agency, 5)
        with scope_of(self.client_org):
            Connection.objects.update(is_active=False)
        make_connection()
        answer = self.post()
        self.assertEqual((answer.status_code, answer.json()["type"]), (503, "backend_unavailable"))
        call = self.client_api.get("/calls").json()["calls"][0]
        self.assertEqual((call["status"], call["end_reason"], call["direction"]), ("failed", "error", "web"))
        with scope_of(self.client_org):
            self.assertFalse(Hold.objects.filter(released_at=None).exists())
            self.assertEqual(LedgerEntry.objects.filter(kind="call").count(), 0)

    def test_a_lost_answer_is_asked_for_again(self) -> None:
        """Which answers are lost is drawn: with this seed the first, not the second."""
        self.sandbox.faults(lose_answers=0.5, seed=_loses_first())
        answer = self.post()
        self.assertEqual(answer.status_code, 200, answer.content)
        with scope_of(self.client_org):
            self.assertEqual(len(Engine(self.connection).list_calls(reference=answer.json()["call_id"])), 1)

    def test_when_every_answer_is_lost(self) -> None:
        for class_ in ("A", "B", "C"):
            self.sandbox.faults(class_=class_, lose_answers=1)
            with scope_of(self.client_org):
                Connection.objects.update(engine={**self.connection.engine, "features": ["text", *(["idempotency"] if class_ == "A" else [])]})
            with override_settings(DIAL_ANSWER_SECONDS=0.7):
                answer = self.post()
            self.assertEqual((answer.status_code, answer.json()["type"]), (503, "backend_unavailable"))
        self.assertEqual({call["status"] for call in self.client_api.get("/calls").json()["calls"]}, {"failed"})
        now = db.now() + dt.timedelta(minutes=5)
        self.assertEqual((open_dials(now), empty_rooms(now)), (([], []), []))


class RoomTest(WebCase):
    """Time passes by moving what is stored."""

    def opened(self) -> Call:
        return self.call(self.post().json()["call_id"])

    def expire(self, call: Call, **fields: Any) -> None:
        with scope_of(self.client_org):
            call.change(db.now(), not_after=db.now() - dt.timedelta(seconds=16), **fields)

    def close(self, call: Call) -> Call:
        with scope_of(self.client_org):
            for organization_id, call_id in empty_rooms(db.now()):
                close_room(organization_id=organization_id, call_id=call_id)
        return self.call(call.public_id)

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_a_room_nobody_joins_ends_free_of_charge(self) -> None:
        factories.add_credits(self.agency, 5)
        call = self.opened()
        with scope_of(self.client_org):
            self.assertTrue(Hold.objects.filter(released_at=None).exists())
            self.assertEqual(empty_rooms(db.now()), [])
        self.expire(call)
        call = self.close(call)
        self.assertEqual((call.status, call.end_reason, call.cost, call.started_at), ("failed", "no_answer", 0, None))
        shown = self.shown(call.public_id)
        self.assertEqual((shown["status"], shown["end_reason"], shown["duration_seconds"]), ("failed", "no_answer", None))
        self.assertEqual(self.client_api.get("/usage").json()["logs"], [])
        with scope_of(self.client_org):
            self.assertFalse(Hold.objects.filter(released_at=None).exists())
            self.assertEqual(balance(self.agency.pk), 5_000_000)
            self.assertTrue(CallEvent.objects.filter(call=call, kind="unjoined").exists())
            self.assertEqual(empty_rooms(db.now()), [])

    def test_somebody_who_came_is_not_thrown_out(self) -> None:
        """The event that says so was lost: the engine is asked once more."""
        call = self.opened()
        Engine(self.connection).text(str(call.ref), "")
        self.expire(call)
        call = self.close(call)
        self.assertEqual(call.status, "in-progress")
        self.assertIsNotNone(call.started_at)

    def test_an_engine_that_does_not_answer_is_waited_for(self) -> None:
        call = self.opened()
        self.expire(call)
        with scope_of(self.client_org):
            Connection.objects.filter(pk=self.connection.pk).update(base_url="http://127.0.0.1:9")
        self.assertEqual(self.close(call).status, "connecting")
        with scope_of(self.client_org):
            call.change(db.now(), not_after=db.now() - dt.timedelta(minutes=11))
        self.assertEqual((self.close(call).status, self.close(call).end_reason), ("failed", "no_answer"))

    def test_a_request_that_died_before_the_token(self) -> None:
        for dial in ("reserved", "sending"):
            call = factories.make_call(
                self.client_org, direction="web", status="connecting", end_reason=None, started_at=None, ended_at=None,
                duration_seconds=None, own_number=None, other_number=None, dial=dial, connection=self.connection,
                created_at=db.now() - dt.timedelta(seconds=61), lease_until=db.now() - dt.timedelta(seconds=30),
            )  # fmt: skip
            self.assertEqual(open_dials(db.now()), ([], []))
            call = self.close(call)
            self.assertEqual((call.status, call.dial, call.refusal), ("failed", "refused", "unavailable"))

    def test_the_engine_may_say_it_first(self) -> None:
        call = self.opened()
        post(self.connection, event("status-update", call, status="ended", end_reason="no_answer"), secret=self.connection.hook_secret)
        with scope_of(self.client_org):
            apply(call)
        self.assertEqual((call.status, call.end_reason, call.cost), ("failed", "no_answer", 0))

    def test_a_short_limit_of_the_talk_does_not_shorten_the_wait(self) -> None:
        with scope_of(self.client_org):
            self.assistant.change(db.now(), max_duration_seconds=30)
        call = self.opened()
        now = db.now()
        with scope_of(self.client_org):
            call.change(now, created_at=now - dt.timedelta(minutes=5), last_news_at=now - dt.timedelta(minutes=5))
            read_call(organization_id=call.organization_id, call_id=call.pk)
        self.assertEqual(self.call(call.public_id).status, "connecting")


class MoneyTest(WebCase):
    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_a_talk_is_charged_and_counted_as_web(self) -> None:
        factories.add_credits(self.agency, 5)
        call = self.call(self.post().json()["call_id"])
        for number, (kind, status, fields) in enumerate((
            ("status-update", "in-progress", {}), ("status-update", "ended", {"end_reason": "user_hangup"}),
            ("end-of-call-report", "ended", {"duration_seconds": 90, "messages": [{"role": "user", "content": "Hi."}]}),
        ), 1):  # fmt: skip
            post(self.connection, event(kind, call, seq=number, status=status, **fields), secret=self.connection.hook_secret)
        with scope_of(self.client_org):
            apply(call)
            self.assertEqual((call.status, call.duration_seconds), ("ended", 90))
            self.assertEqual(LedgerEntry.objects.get(kind="call").amount, -call.cost)
        self.assertGreater(call.cost, 0)
        log = self.client_api.get("/usage").json()["logs"][0]
        self.assertEqual((log["call_type"], log["phone_number"], log["duration_sec"], log["call_id"]), ("web", None, 90, call.public_id))

    def test_the_report_is_mailed_without_a_number(self) -> None:
        with scope_of(self.client_org):
            self.assistant.change(db.now(), notification_email="desk@example.com")
        call = self.call(self.post().json()["call_id"])
        for number, (kind, status, fields) in enumerate((
            ("status-update", "in-progress", {}), ("end-of-call-report", "ended", {"duration_seconds": 9, "messages": []}),
        ), 1):  # fmt: skip
            post(self.connection, event(kind, call, seq=number, status=status, **fields), secret=self.connection.hook_secret)
        with scope_of(self.client_org):
            apply(call)
            mail = Message.objects.get(to="desk@example.com")
        self.assertIn("Web call", mail.subject)
        self.assertNotIn("Number:", mail.text)
        self.assertNotIn("None", mail.subject + mail.text)

    def test_webhooks_as_usual(self) -> None:
        with scope_of(self.client_org):
            self.assistant.change(db.now(), webhook_url="https://example.com/hook", webhook_events=["status-update"])
        call = self.call(self.post().json()["call_id"])
        post(self.connection, event("status-update", call, seq=1), secret=self.connection.hook_secret)
        with scope_of(self.client_org):
            apply(call)
            message = json.loads(Delivery.objects.get(call_id=call.public_id).body)["message"]
        self.assertEqual((message["call"]["type"], message["call"]["id"], message["call"]["status"]), ("web_call", call.public_id, "in-progress"))
        self.assertEqual((message["phone_number"], message["customer"]), ({"id": None, "number": None, "name": None}, {"number": None}))
        self.assertNotIn("engine", message)


class AudioEngineTest(WebCase):
    """An engine with rooms for sound: played by a small server, because the sandbox has none."""

    def test_address_and_token_are_passed_through(self) -> None:
        answer = {"success": True, "call_id": "eng-1", "token": "eyJ.x", "server_url": "wss://rtc.example.org", "expires_at": "2099-01-01T00:00:00.000Z"}
        asked, body = self.through(200, answer)
        self.assertEqual((body["token"], body["server_url"], body["expires_at"]), ("eyJ.x", "wss://rtc.example.org", "2099-01-01T00:00:00.000Z"))
        sent = asked.json
        self.assertEqual((set(sent), sent["reference"]), ({"assistant", "reference"}, body["call_id"]))
        self.assertNotIn("channel", sent)
        self.assertEqual(asked.path, "/calls/web")

    def test_answers_that_cannot_be_used(self) -> None:
        for status, answer, wanted in (
            (200, {"call_id": "eng-1", "server_url": "wss://rtc.example.org"}, 503),
            (200, {"call_id": "eng-1", "token": "t", "server_url": "javascript:alert(1)"}, 503),
            (200, {"call_id": "eng-1", "token": 7, "server_url": "wss://rtc.example.org"}, 503),
            (400, {"error": "No such voice", "type": "invalid_value"}, 400),
            (404, {"error": "Not found"}, 503), (429, {"error": "Busy", "type": "capacity"}, 503),
        ):  # fmt: skip
            _asked, body = self.through(status, answer, wanted=wanted)
            self.assertIsInstance(body["error"], str)

    def test_provider_keys_travel_and_a_missing_one_is_named(self) -> None:
        answer = {"success": True, "call_id": "eng-1", "token": "t", "server_url": "wss://rtc.example.org"}
        _asked, refused = self.through(200, answer, wanted=400, needs_keys=True)
        self.assertIn("openai, deepgram, elevenlabs", refused["message"])
        for slot in ("openai", "deepgram", "elevenlabs"):
            factories.make_provider_key(self.client_org, slot, f"sk-canary-{slot}")
        asked, body = self.through(200, answer, needs_keys=True)
        self.assertEqual(asked.json["credentials"]["deepgram"], {"api_key": "sk-canary-deepgram"})
        self.assertNotIn("canary", json.dumps(self.shown(body["call_id"])))

    def through(self, status: int, answer: dict[str, Any], wanted: int = 200, needs_keys: bool = False) -> tuple[Received, dict[str, Any]]:
        with scope_of(self.client_org):
            Connection.objects.update(is_active=False)
        with Receiver(Reply(status, answer)) as engine:
            features = ["reference", "one_time_full", *(["credentials"] if needs_keys else [])]
            known = {"kind": "worker", "simulated": False, "needs_keys": needs_keys, "features": features}
            make_connection(base_url=engine.url, engine=known)
            factories.add_credits(self.agency, 5)
            found = self.post()
        self.assertEqual(found.status_code, wanted, found.content)
        return next(iter(engine.received[::-1]), Received("", "", {}, b"")), found.json()


def _loses_first() -> int:
    for seed in range(100):
        source = random.Random(f"answers {seed}")
        draws = [[source.random() < share for share in (0, 0, 0.5)][2] for _ in range(2)]
        if draws == [True, False]:
            return seed
    raise AssertionError
