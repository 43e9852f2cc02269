"""Calls on the wire: shapes, the order of checks, repeats, control, usage."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings

from apps.calls.models import Call, CallCommand
from apps.core import db
from apps.organizations.models import StoredAnswer
from apps.voice.models import Connection
from tests import factories
from tests.calls.support import make_connection, scope_of
from tests.cases import CommittedCase, TenantCase
from tests.engine import Sandbox

CALL_FIELDS = {
    "id", "caller_phone", "assistant_phone", "agent_phone", "status", "direction", "end_reason", "error", "started_at",
    "ended_at", "duration_seconds", "summary", "analysis_result", "messages", "room_name", "recording_url", "agent_id",
    "assistant_id", "agent_name", "assistant_name", "business_name", "number_id", "phone_number", "metadata", "reference",
    "created_at", "updated_at",
}  # fmt: skip
ONE_TIME = {
    "llm_config": {"provider": "openai", "model": "gpt-5.4", "messages": [{"role": "system", "content": "x"}]},
    "stt_config": {"provider": "deepgram", "model": "nova-3-general", "language": "nl"},
    "tts_config": {"provider": "elevenlabs", "voice_id": "v"},
}  # fmt: skip


class ReadTest(TenantCase):
    def setUp(self) -> None:
        self.api_of = self.api(self.client_org)

    def test_a_call_has_every_field_of_the_contract(self) -> None:
        messages = [{"role": "user", "content": "Hi.", "turn": 1, "start_ms": 0}]
        call = factories.make_call(self.client_org, messages=messages, metadata={"crm_id": "77"}, ref="eng-1+x")
        body = self.api_of.get(f"/calls/{call.public_id}").json()
        self.assertEqual(set(body), CALL_FIELDS)
        self.assertEqual((body["id"], body["room_name"], body["messages"]), (call.public_id, call.public_id, [{"role": "user", "content": "Hi."}]))
        self.assertEqual(body["started_at"], "2026-11-18T10:00:00.000Z")
        for spelling in ("eng-1+x", "eng-1%2Bx"):
            self.assertEqual(self.api_of.get(f"/calls/{spelling}").json()["id"], call.public_id)

    def test_a_strangers_call_is_not_found(self) -> None:
        call = factories.make_call(self.stranger, ref="eng-2")
        for name in (call.public_id, "eng-2", "x" * 300, "call-"):
            answer = self.api_of.get(f"/calls/{name}")
            self.assertEqual((answer.status_code, answer.json()["type"]), (404, "not_found"))
        self.assertEqual(self.api_of.get("/calls").json(), {"calls": [], "pagination": {"total": 0, "limit": 100, "offset": 0}})

    def test_filters_and_pages(self) -> None:
        for number in range(5):
            factories.make_call(self.client_org, status=["ended", "failed", "ended-with-error"][number % 3], reference=f"r{number}")
        ids = [call["id"] for call in self.api_of.get("/calls", {"limit": 2}).json()["calls"]]
        more = self.api_of.get("/calls", {"limit": 2, "offset": 2}).json()
        self.assertEqual(more["pagination"], {"total": 5, "limit": 2, "offset": 2})
        self.assertFalse(set(ids) & {call["id"] for call in more["calls"]})
        self.assertEqual(self.api_of.get("/calls", {"status": "failed"}).json()["pagination"]["total"], 3)
        self.assertEqual(self.api_of.get("/calls", {"status": "unheard-of"}).json()["calls"], [])
        self.assertEqual(self.api_of.get("/calls", {"reference": "r3"}).json()["pagination"]["total"], 1)
        today = db.now().date()
        self.assertEqual(self.api_of.get("/calls", {"start_date": today, "end_date": today}).json()["pagination"]["total"], 5)
        before = today - dt.timedelta(days=1)
        self.assertEqual(self.api_of.get("/calls", {"end_date": before}).json()["pagination"]["total"], 0)
        self.assertEqual(self.api_of.get("/calls", {"limit": "many"}).status_code, 400)

    def test_usage(self) -> None:
        factories.make_call(self.client_org, duration_seconds=84, assistant_name="Front desk")
        factories.make_call(self.client_org, duration_seconds=100, usage=[{"part": "llm", "key": "own"}])
        factories.make_call(self.client_org, duration_seconds=None, started_at=None, status="failed")
        factories.make_call(self.stranger)
        body = self.api_of.get("/usage", {"limit": 1}).json()
        self.assertEqual(body["summary"], {"total_calls": 2, "total_duration_seconds": 184, "total_duration_minutes": 3.07})
        self.assertEqual(body["pagination"], {"total": 2, "limit": 1, "offset": 0})
        log = body["logs"][0]
        self.assertEqual((log["duration_sec"], log["call_type"], log["byok_llm"], log["byok_stt"]), (100, "phone", True, False))


class OutboundTest(TenantCase):
    def setUp(self) -> None:
        self.sandbox = Sandbox.shared()
        self.addCleanup(self.sandbox.faults)
        self.connection = self.sandbox.connection()
        self.assistant = factories.make_assistant(self.client_org)
        self.number = factories.make_number(self.client_org, assistant=self.assistant, transfer_trunk=factories.make_trunk(self.client_org))
        self.client_api = self.api(self.client_org)

    def post(self, body: dict[str, Any] | None = None, **headers: str) -> Any:
        wanted = {"destination": "+44 7700 900-001", "assistant_id": str(self.assistant.pk)}
        return self.client_api.post("/calls/outbound", wanted if body is None else body, **headers)

    def test_a_call_is_placed(self) -> None:
        answer = self.post()
        self.assertEqual(answer.status_code, 200)
        body = answer.json()
        self.assertEqual(body, {"success": True, "call_id": body["call_id"], "status": "dialing", "room_name": body["call_id"]})
        call = self.client_api.get(f"/calls/{body['call_id']}").json()
        self.assertEqual((call["status"], call["direction"], call["caller_phone"], call["assistant_phone"]), ("connecting", "outbound", "+447700900001", str(self.number)))
        self.assertEqual(len(self.sandbox.rings(reference=body["call_id"])), 1)

    def test_the_same_body_within_30_seconds_is_the_same_call(self) -> None:
        first, again = self.post(), self.post()
        self.assertEqual(first.json(), again.json())
        self.assertEqual(again.headers["Idempotent-Replayed"], "true")
        with scope_of(self.client_org):
            StoredAnswer.objects.update(expires_at=db.now())
        self.assertNotEqual(self.post().json()["call_id"], first.json()["call_id"])

    def test_idempotency_keys(self) -> None:
        first = self.post(**{"Idempotency-Key": "a"})
        self.assertEqual(self.post(**{"Idempotency-Key": "a"}).json(), first.json())
        self.assertEqual(self.post().json(), first.json())  # no second value: the 30 s rule holds
        second = self.post(**{"Idempotency-Key": "b"})
        self.assertNotEqual(second.json()["call_id"], first.json()["call_id"])
        other = {"destination": "+447700900002", "assistant_id": str(self.assistant.pk)}
        refused = self.post(other, **{"Idempotency-Key": "a"})
        self.assertEqual(refused.status_code, 409)
        self.assertEqual(self.post(**{"Idempotency-Key": "x" * 256}).status_code, 400)

    def test_a_key_after_a_request_without_one_is_the_same_request(self) -> None:
        self.assertEqual(self.post().json(), self.post(**{"Idempotency-Key": "late"}).json())

    def test_a_refusal_is_not_kept(self) -> None:
        self.sandbox.faults(errors=1)
        refused = self.post()
        self.assertEqual((refused.status_code, refused.json()["type"]), (503, "backend_unavailable"))
        self.sandbox.faults()
        self.assertEqual(self.post().status_code, 200)

    def test_an_answer_of_unknown_fate_is_200(self) -> None:
        self.sandbox.faults(lose_answers=1)
        answer = self.post()
        self.assertEqual((answer.status_code, answer.json()["status"]), (200, "dialing"))
        self.assertEqual(self.post().json(), answer.json())
        self.assertEqual(len(self.sandbox.rings(reference=answer.json()["call_id"])), 1)

    def test_a_run_that_died_is_continued(self) -> None:
        first = self.post(**{"Idempotency-Key": "a"})
        with scope_of(self.client_org):
            StoredAnswer.objects.update(status=None, body=None, lease_until=db.now() - dt.timedelta(seconds=1))
            StoredAnswer.objects.filter(key__startswith="b:").delete()
        self.assertEqual(self.post(**{"Idempotency-Key": "a"}).json()["call_id"], first.json()["call_id"])
        with scope_of(self.client_org):
            self.assertEqual(Call.objects.count(), 1)

    def test_bodies_that_are_refused(self) -> None:
        own = str(self.assistant.pk)
        for body, param, kind in (
            ({}, "destination", "missing_field"),
            ({"destination": "0612345678", "assistant_id": own}, "destination", "invalid_value"),
            ({"destination": "+447700900001"}, "assistant_id", "missing_field"),
            ({"destination": "+447700900001", "assistant_id": own, "assistant": ONE_TIME}, "assistant_id", "invalid_value"),
            ({"destination": "+447700900001", "assistant_id": "front-desk"}, "assistant_id", "invalid_value"),
            ({"destination": "+447700900001", "assistant": ONE_TIME, "assistant_override": {}}, "assistant_override", "invalid_value"),
            ({"destination": "+447700900001", "assistant": {}}, "assistant.llm_config", "missing_field"),
            ({"destination": "+447700900001", "assistant": {"llm_config": ONE_TIME["llm_config"]}}, "assistant.stt_config", "missing_field"),
            ({"destination": "+447700900001", "assistant_id": own, "assistant_override": {"llm_config": {"provider": "nobody", "model": "x"}}}, "assistant_override.llm_config.provider", "unknown_provider"),
            ({"destination": "+447700900001", "assistant_id": own, "reference": ""}, "reference", "invalid_value"),
            ({"destination": "+447700900001", "assistant_id": own, "first_message": 7}, "first_message", "invalid_value"),
        ):  # fmt: skip
            answer = self.post(body)
            self.assertEqual((answer.status_code, answer.json()["param"], answer.json()["type"]), (400, param, kind), body)
            self.assertIsInstance(answer.json()["error"], str)

    def test_the_order_of_the_checks(self) -> None:
        stranger = factories.make_assistant(self.stranger)
        unknown = {"destination": "+447700900001", "assistant_id": str(stranger.pk)}
        self.assertEqual(self.post({**unknown, "destination": "x"}).status_code, 400)
        self.assertEqual(self.post(unknown).status_code, 404)
        theirs = factories.make_number(self.stranger)
        self.assertEqual(self.post({"destination": "+447700900001", "assistant_id": str(self.assistant.pk), "number_id": str(theirs.pk)}).status_code, 404)
        with scope_of(self.client_org):
            self.assistant.change(db.now(), is_active=False)
        with override_settings(BILL_SIMULATED_CALLS=True):
            self.assertEqual(self.post().status_code, 400)
            with scope_of(self.client_org):
                self.assistant.change(db.now(), is_active=True)
                self.number.change(db.now(), is_active=False)
            inactive = {"destination": "+447700900001", "assistant_id": str(self.assistant.pk), "number_id": str(self.number.pk)}
            self.assertEqual(self.post(inactive).json()["param"], "number_id")
            with scope_of(self.client_org):
                self.number.change(db.now(), is_active=True)
            poor = self.post()
        self.assertEqual((poor.status_code, poor.json()["balance"], poor.json()["type"]), (402, 0, "insufficient_credits"))
        self.assertEqual(self.post().status_code, 200)

    def test_one_time_assistants_and_their_older_names(self) -> None:
        for name in ("assistant", "agent", "agent_config"):
            answer = self.post({"destination": "+447700900001", name: {**ONE_TIME, "metadata": {"of": name}}, "first_message": "Hi."})
            self.assertEqual(answer.status_code, 200, answer.content)
            call = self.client_api.get(f"/calls/{answer.json()['call_id']}").json()
            self.assertEqual((call["assistant_id"], call["metadata"]), (None, {"of": name}))

    def test_references(self) -> None:
        body = {"destination": "+447700900001", "assistant_id": str(self.assistant.pk), "reference": "order-7"}
        first = self.post(body).json()
        self.assertEqual(self.client_api.get("/calls", {"reference": "order-7"}).json()["calls"][0]["id"], first["call_id"])
        second = self.post({**body, "destination": "+447700900002"})
        self.assertEqual((second.status_code, second.json()["type"], second.json()["call_id"]), (409, "duplicate_reference", first["call_id"]))

    def test_a_read_only_key_places_no_call(self) -> None:
        wanted = {"destination": "+447700900001", "assistant_id": str(self.assistant.pk)}
        self.assertEqual(self.api(self.client_org, read_only=True).post("/calls/outbound", wanted).status_code, 403)

    def test_without_an_engine(self) -> None:
        with scope_of(self.client_org):
            Connection.objects.update(is_active=False)
        answer = self.post()
        self.assertEqual((answer.status_code, answer.json()["type"]), (503, "backend_unavailable"))

    def test_an_engine_that_is_gone_answers_503_and_keeps_the_failed_call(self) -> None:
        with scope_of(self.client_org):
            Connection.objects.update(is_active=False)
        make_connection()
        self.assertEqual(self.post().status_code, 503)
        call = self.client_api.get("/calls").json()["calls"][0]
        self.assertEqual((call["status"], call["end_reason"]), ("failed", "error"))


class ControlTest(TenantCase):
    def setUp(self) -> None:
        self.client_api = self.api(self.client_org)
        self.sandbox = Sandbox.shared()
        self.connection = self.sandbox.connection()

    def call(self, **fields: Any) -> Call:
        values = {"status": "in-progress", "connection": self.connection, "ref": "eng-gone", "ended_at": None, "end_reason": None}
        return factories.make_call(self.client_org, **values | fields)

    def test_commands_are_judged_before_they_are_sent(self) -> None:
        call = self.call()
        for body, param in (
            ({}, "type"), ({"type": "dance"}, "type"), ({"type": "say"}, "content"), ({"type": "say", "content": "x" * 2001}, "content"),
            ({"type": "say", "content": "Hi", "end_after": "yes"}, "end_after"), ({"type": "transfer", "destination": "06123"}, "destination"),
        ):  # fmt: skip
            answer = self.client_api.post(f"/calls/{call.public_id}/control", body)
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, param), body)

    def test_only_a_call_in_progress_takes_commands(self) -> None:
        ended = factories.make_call(self.client_org)
        answer = self.client_api.post(f"/calls/{ended.public_id}/control", {"type": "end-call"})
        self.assertEqual((answer.status_code, answer.json()["type"]), (400, "call_not_active"))
        theirs = factories.make_call(self.stranger, status="in-progress")
        self.assertEqual(self.client_api.post(f"/calls/{theirs.public_id}/control", {"type": "end-call"}).status_code, 404)

    def test_what_the_engine_certainly_did_not_take(self) -> None:
        answer = self.client_api.post(f"/calls/{self.call().public_id}/control", {"type": "end-call"})
        self.assertEqual((answer.status_code, answer.json()["type"]), (503, "backend_unavailable"))
        with scope_of(self.client_org):
            self.assertEqual(CallCommand.objects.get().outcome, "refused")

    def test_ten_commands_a_minute_and_the_tighter_limit_shows(self) -> None:
        call = self.call()
        for number in range(10):
            answer = self.client_api.post(f"/calls/{call.public_id}/control", {"type": "dance"})
            self.assertEqual((answer.status_code, answer.headers["X-RateLimit-Remaining"]), (400, str(9 - number)))
        answer = self.client_api.post(f"/calls/{call.public_id}/control", {"type": "dance"})
        self.assertEqual(answer.status_code, 429)
        self.assertEqual(answer.headers["X-RateLimit-Limit"], "10")
        self.assertTrue(1 <= int(answer.headers["Retry-After"]) <= 60)


class ParallelTest(CommittedCase):
    """Needs real commits: the requests see each other's rows."""

    @pytest.fixture(autouse=True)
    def _engine(self) -> Any:
        self.sandbox = Sandbox.shared()
        yield
        self.sandbox.faults()

    def setUp(self) -> None:
        super().setUp()
        self.sandbox.connection()
        self.assistant = factories.make_assistant(self.agency)
        factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency))
        self.key = factories.make_key(self.agency)

    def all_at_once(self, bodies: list[dict[str, Any]]) -> list[Any]:
        answers: list[Any] = [None] * len(bodies)

        def send(index: int) -> None:
            answers[index] = self.api(self.agency, key=self.key).post("/calls/outbound", bodies[index])
            connections.close_all()

        threads = [threading.Thread(target=send, args=(index,)) for index in range(len(bodies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def test_parallel_repeats_are_one_call(self) -> None:
        body = {"destination": "+447700900001", "assistant_id": str(self.assistant.pk)}
        answers = self.all_at_once([body] * 6)
        self.assertEqual({answer.status_code for answer in answers}, {200})
        self.assertEqual(len({answer.json()["call_id"] for answer in answers}), 1)
        self.assertEqual(len(self.sandbox.rings(reference=answers[0].json()["call_id"])), 1)

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_credit_for_three_starts_three(self) -> None:
        factories.add_credits(self.agency, 3)
        bodies = [
            {"destination": "+447700900001", "assistant_id": str(self.assistant.pk), "reference": f"r{number}"} for number in range(8)
        ]
        codes = sorted(answer.status_code for answer in self.all_at_once(bodies))
        self.assertEqual(codes, [200] * 3 + [402] * 5)
