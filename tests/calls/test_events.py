"""Events become one state of a call, in whatever order and however often they come."""

from __future__ import annotations

import json
import math
import uuid
from typing import Any

import pytest
from django.db import transaction

from apps.billing.models import Hold, LedgerEntry
from apps.calls import tasks
from apps.calls.models import Call, CallEvent, EngineEvent
from apps.calls.services.incoming import read_message
from apps.core import db
from apps.mail.models import Message as Mail
from apps.webhooks.models import Delivery
from tests import factories
from tests.calls.support import apply, event, make_connection, post, running_call, scope_of, talk
from tests.cases import TenantCase

HOOK = "http://127.0.0.1:9/hook"
ROW = (
    "status", "end_reason", "error", "started_at", "ended_at", "duration_seconds", "summary", "messages", "turns", "cost",
    "analysis_result", "dial",
)  # fmt: skip


class EventCase(TenantCase):
    def setUp(self) -> None:
        self.connection = make_connection()
        factories.add_credits(self.agency, 10)
        self.assistant = factories.make_assistant(
            self.client_org, webhook_url=HOOK, webhook_secret="s3cret", notification_email="cleo@example.com"
        )
        self.number = factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org))

    def call(self, **fields: Any) -> Call:
        options = {"assistant": self.assistant, "number": self.number, "simulated": False} | fields
        with scope_of(self.client_org):
            return running_call(self.client_org, self.connection, **options)

    def deliveries(self, call: Call) -> list[tuple[str, str]]:
        with scope_of(self.client_org):
            return sorted(Delivery.objects.filter(call_id=call.public_id).values_list("event", "key"))

    def ledger(self, call: Call) -> list[tuple[int, int]]:
        with scope_of(self.client_org):
            return list(LedgerEntry.objects.filter(call_id=call.public_id).values_list("amount", "seconds"))


class OneCallTest(EventCase):
    def test_the_events_of_a_call(self) -> None:
        call = self.call()
        for message in talk(call):
            self.assertEqual(post(self.connection, message).json(), {})
        with scope_of(self.client_org):
            self.assertEqual(apply(call), 0)
        self.assertEqual((call.status, call.end_reason, call.duration_seconds), ("ended", "user_hangup", 84))
        self.assertEqual(call.summary, "Caller wants an appointment.")
        self.assertEqual(call.cost, 1_400_000)
        self.assertEqual(self.ledger(call), [(-1_400_000, 84)])
        self.assertEqual([name for name, _key in self.deliveries(call)], ["end-of-call-report", "status-update", "status-update"])
        with scope_of(self.client_org):
            self.assertFalse(Hold.objects.open().exists())
            self.assertEqual(Mail.objects.get().to, "cleo@example.com")
            self.assertEqual(set(CallEvent.objects.values_list("kind", flat=True)), {"accepted", "ringing", "answered", "answered_by", "ended", "report"})
            self.assertEqual(set(EngineEvent.objects.values_list("body", flat=True)), {b""})

    def test_a_call_nobody_answers_costs_nothing(self) -> None:
        call = self.call()
        post(self.connection, event("status-update", call, seq=1, status="ended", end_reason="no_answer"))
        with scope_of(self.client_org):
            apply(call)
            self.assertFalse(Hold.objects.open().exists())
        self.assertEqual((call.status, call.end_reason, call.cost), ("failed", "no_answer", 0))
        self.assertEqual([name for name, _key in self.deliveries(call)], ["status-update"])
        self.assertEqual(self.ledger(call), [])

    def test_gdpr_mode_passes_content_on_and_keeps_none(self) -> None:
        self.assistant.gdpr_mode = True
        with scope_of(self.client_org):
            self.assistant.save(update_fields=["gdpr_mode"])
        call = self.call()
        for message in talk(call):
            post(self.connection, message)
        with scope_of(self.client_org):
            apply(call)
            report = Delivery.objects.get(event="end-of-call-report")
            self.assertIn("Caller wants an appointment.", report.body)
            self.assertTrue(report.wipes_body)
            self.assertIn("Caller wants an appointment.", Mail.objects.get().text)
        self.assertEqual((call.summary, call.messages, call.turns, call.analysis_result), (None, None, None, None))
        self.assertEqual((call.duration_seconds, call.cost), (84, 1_400_000))

    def test_an_event_that_breaks_holds_up_nothing(self) -> None:
        call = self.call()
        with scope_of(self.client_org):
            call.change(db.now(), webhook="no JSON")  # so that telling the customer breaks
        post(self.connection, event("status-update", call, seq=1))
        post(self.connection, event("call-progress", call, seq=2, kind="ringing", data={}))
        tasks.apply(str(call.organization_id), str(call.pk))
        with scope_of(self.client_org):
            call.refresh_from_db()
            broken, fine = EngineEvent.objects.order_by("seq")
        self.assertEqual(call.status, "ringing")
        self.assertIn("Expecting value", broken.problem)
        self.assertEqual((fine.problem, fine.applied_at is None), ("", False))

    def test_numbers_and_times_beyond_reason_are_left_out(self) -> None:
        call = self.call()
        messages = talk(call)
        messages[-1]["analysis"] = {"score": 5, "wild": [1]}
        messages[0]["timestamp"] = "0001-01-01T00:00:00+14:00"
        for message in messages[:-1]:
            post(self.connection, message)
        body = json.dumps({"message": messages[-1]}).replace("[1]", "[1e400]").encode()
        self.assertEqual(post(self.connection, body).status_code, 200)
        with scope_of(self.client_org):
            apply(call)
        self.assertEqual(call.analysis_result, {"score": 5, "wild": [None]})

    def test_what_postgresql_cannot_store_is_taken_out(self) -> None:
        call = self.call()
        messages = talk(call)
        messages[-1]["summary"] = "zero \x00 and half a pair \ud83d"
        for message in messages:
            self.assertEqual(post(self.connection, message).status_code, 200)
        with scope_of(self.client_org):
            apply(call)
        self.assertEqual(call.summary, "zero  and half a pair ?")


class OrderTest(EventCase):
    def outcome(self, call: Call) -> tuple[Any, ...]:
        call.refresh_from_db()
        row = tuple(str(getattr(call, name)) for name in ROW)
        deliveries = tuple((name, key.removeprefix(call.public_id)) for name, key in self.deliveries(call))
        timeline = tuple(sorted(CallEvent.objects.filter(call=call).values_list("kind", flat=True)))
        return row, tuple(self.ledger(call)), deliveries, timeline

    def put(self, call: Call, message: dict[str, Any], key: str) -> None:
        """Store an event as the receiver does, without its HTTP."""
        body = json.dumps({"message": message})
        read = read_message(body.encode())
        assert read is not None
        EngineEvent.objects.create(
            organization_id=call.organization_id, connection=self.connection, key=key, type=read.type, call_ref=read.ref,
            call_id=call.pk, seq=read.seq, happened_at=read.at, body=body,
        )  # fmt: skip

    def every_order(self, call: Call, messages: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
        """The outcomes of all orders. They are walked as a tree: a beginning that orders share is played once."""
        outcomes, played = set(), []

        def walk(call: Call, left: tuple[int, ...]) -> None:
            if not left:
                outcomes.add(self.outcome(call))
                played.append(1)
            for index in left:
                start = transaction.savepoint()
                self.put(call, messages[index], f"{index}")
                apply(call)
                walk(call, tuple(each for each in left if each != index))
                transaction.savepoint_rollback(start)
                call = Call.objects.get(pk=call.pk)

        with scope_of(self.client_org):
            walk(call, tuple(range(len(messages))))
        self.assertEqual(len(played), math.factorial(len(messages)))
        return outcomes

    def test_every_order_of_a_calls_events_gives_the_same(self) -> None:
        call = self.call()
        told = [each for each in talk(call, numbered=False) if each.get("kind") != "answered_by"]
        self.assertEqual(len(self.every_order(call, told)), 1)

    @pytest.mark.proof
    @pytest.mark.timeout(600)
    def test_all_720_orders_of_six_events_give_the_same(self) -> None:
        call = self.call()
        self.assertEqual(len(self.every_order(call, talk(call, numbered=False))), 1)

    def test_numbered_events_too(self) -> None:
        call = self.call()
        told = [each for each in talk(call) if each["type"] != "call-progress"]
        numbered = [{**each, "seq": number} for number, each in enumerate(told, 1)]
        self.assertEqual(len(self.every_order(call, numbered)), 1)

    def test_an_error_after_the_answer_is_told_apart_whatever_comes_first(self) -> None:
        call = self.call()
        messages = [
            event("status-update", call, seq=1),
            event("status-update", call, seq=2, status="ended-with-error", error="Line lost", at="2026-01-05T09:30:09.000Z"),
        ]
        with scope_of(self.client_org):
            self.put(call, messages[1], "b")
            self.assertEqual(apply(call), 1)
            self.assertEqual(call.status, "connecting")
            self.put(call, messages[0], "a")
            self.assertEqual(apply(call), 0)
        self.assertEqual((call.status, call.error), ("ended-with-error", "Line lost"))

    def test_a_repeat_has_no_effect(self) -> None:
        call = self.call()
        for message in talk(call):
            identity = str(uuid.uuid4())
            for _time in range(3):
                self.assertEqual(post(self.connection, message, webhook_id=identity).status_code, 200)
                with scope_of(self.client_org):
                    apply(call)
        self.assertEqual(self.ledger(call), [(-1_400_000, 84)])
        self.assertEqual(len(self.deliveries(call)), 3)
        # The same report under another id: a second report of the engine changes nothing either.
        post(self.connection, talk(call)[-1])
        with scope_of(self.client_org):
            apply(call)
            self.assertEqual(Mail.objects.count(), 1)
        self.assertEqual(self.ledger(call), [(-1_400_000, 84)])
