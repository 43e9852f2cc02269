"""Heartbeats, calls without news, retention."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.models import Call, CallEvent, EngineEvent
from apps.calls.services.erase import erase_expired
from apps.calls.services.heartbeats import take_heartbeat
from apps.calls.services.quiet import quiet_calls, record_read
from apps.core import db
from tests import factories
from tests.calls.support import INSTANCE, apply, event, make_connection, post, running_call, scope_of
from tests.cases import TenantCase


class QuietCase(TenantCase):
    def setUp(self) -> None:
        self.connection = make_connection()
        with scope_of(self.client_org):
            self.call = running_call(self.client_org, self.connection)

    def age(self, **ages: float) -> None:
        with scope_of(self.client_org):
            past = {name: db.now() - dt.timedelta(seconds=seconds) for name, seconds in ages.items()}
            Call.objects.filter(pk=self.call.pk).update(**past)
            self.call.refresh_from_db()

    def read(self, found: dict[str, Any] | None = None, *, trouble: bool = False) -> Call:
        with scope_of(self.client_org):
            record_read(organization_id=self.client_org.pk, call_id=self.call.pk, found=found, trouble=trouble, now=db.now())
            self.call.refresh_from_db()
        return self.call

    def answer(self) -> None:
        post(self.connection, event("status-update", self.call, seq=1))
        with scope_of(self.client_org):
            apply(self.call)


class HeartbeatTest(QuietCase):
    def beat(self, *refs: str, instance: str = INSTANCE) -> None:
        at = (db.now() + dt.timedelta(seconds=1)).isoformat()
        message = {
            "type": "engine-heartbeat", "timestamp": at, "engine": {"instance": instance, "simulated": True},
            "started_at": at, "calls": [{"id": ref, "status": "in-progress"} for ref in refs],
        }  # fmt: skip
        self.assertEqual(post(self.connection, message).json(), {})
        with scope_of(self.client_org):
            waiting = EngineEvent.objects.get(type="engine-heartbeat")
        take_heartbeat(str(waiting.pk), db.now())
        with scope_of(self.client_org):
            self.assertFalse(EngineEvent.objects.filter(type="engine-heartbeat").exists())
            self.call.refresh_from_db()
            self.connection.refresh_from_db()

    def test_a_named_call_is_alive(self) -> None:
        self.age(last_news_at=40, missing_since=20)
        self.beat(self.call.ref)
        self.assertIsNone(self.call.missing_since)
        self.assertEqual(quiet_calls(db.now()), [])
        self.assertIsNotNone(self.connection.heartbeat_at)

    def test_a_missing_call_is_looked_up_after_the_second_one(self) -> None:
        self.beat()
        self.assertIsNotNone(self.call.missing_since)
        self.assertEqual(quiet_calls(db.now()), [])
        self.age(missing_since=16)
        self.assertEqual(quiet_calls(db.now()), [(self.client_org.pk, self.call.pk)])

    def test_another_process_says_nothing_about_it(self) -> None:
        self.answer()
        self.beat(instance="another")
        self.assertIsNone(self.call.missing_since)

    def test_a_call_that_was_sent_later_is_not_judged(self) -> None:
        self.age(sent_at=-60)
        self.beat()
        self.assertIsNone(self.call.missing_since)


class ReadTest(QuietCase):
    def test_unknown_twice_is_lost(self) -> None:
        self.answer()
        self.age(started_at=100, last_news_at=40)
        self.assertTrue(self.read().is_running)
        self.assertTrue(self.read().is_running)  # once more within 15 s says nothing new
        self.age(missing_since=16)
        call = self.read()
        self.assertEqual((call.status, call.end_reason, call.error), ("ended-with-error", "error", "lost by the engine"))
        self.assertEqual(call.duration_seconds, 60)  # the talk that we know of
        self.assertIsNotNone(call.settled_at)

    def test_never_answered_and_lost_is_failed(self) -> None:
        self.age(missing_since=16)
        self.assertEqual(self.read().status, "failed")

    def test_an_engine_that_does_not_answer_is_waited_for_until_it_is_silent(self) -> None:
        self.age(last_news_at=40)
        self.assertTrue(self.read(trouble=True).is_running)
        self.age(last_news_at=50)
        self.assertEqual(self.read(trouble=True).error, "lost by the engine")

    def test_a_late_report_fills_what_is_empty_and_the_status_stays(self) -> None:
        self.answer()
        self.age(missing_since=16)
        self.read()
        post(self.connection, event("end-of-call-report", self.call, seq=2, status="ended", duration_seconds=30, summary="Late.", messages=[], end_reason="user_hangup"))
        with scope_of(self.client_org):
            apply(self.call)
        self.assertEqual((self.call.status, self.call.summary, self.call.duration_seconds), ("ended-with-error", "Late.", 30))

    def test_the_end_is_taken_from_the_engines_list(self) -> None:
        found = {"status": "failed", "end_reason": "busy", "started_at": None}
        self.assertEqual((self.read(found).status, self.call.end_reason), ("failed", "busy"))

    def test_a_report_that_never_comes_is_not_waited_for_for_ever(self) -> None:
        self.answer()
        self.age(started_at=700)
        post(self.connection, event("status-update", self.call, seq=2, status="ended", end_reason="user_hangup"))
        with scope_of(self.client_org):
            apply(self.call)
        self.age(ended_at=40)
        self.assertEqual(quiet_calls(db.now()), [(self.client_org.pk, self.call.pk)])
        self.assertIsNone(self.read(trouble=True).settled_at)
        self.age(ended_at=640)
        self.assertEqual((self.read(trouble=True).duration_seconds, self.call.settled_at is None), (60, False))
        self.assertEqual(quiet_calls(db.now()), [])


class RetentionTest(QuietCase):
    def test_content_goes_first_and_metadata_later(self) -> None:
        old = db.now() - dt.timedelta(days=100)
        call = factories.make_call(self.client_org, ended_at=old, metadata={"a": 1}, reference="r", turns=[{}], tool_calls=[{}])
        young = factories.make_call(self.client_org, ended_at=db.now())
        with scope_of(self.client_org):
            CallEvent.objects.create(organization=self.client_org, call=call, kind="ended", at=old, key="x")
            erase_expired(organization=self.client_org, now=db.now())
            call.refresh_from_db()
            young.refresh_from_db()
        self.assertEqual((call.summary, call.messages, call.turns, call.tool_calls), (None, None, None, None))
        self.assertEqual((call.metadata, call.reference), ({"a": 1}, "r"))
        self.assertTrue(young.summary)
        with scope_of(self.client_org):
            erase_expired(organization=self.client_org, now=db.now() + dt.timedelta(days=300))
            call.refresh_from_db()
            self.assertFalse(CallEvent.objects.filter(call=call).exists())
        self.assertEqual((call.other_number, call.metadata, call.reference), (None, None, None))
        self.assertEqual(call.duration_seconds, 84)
