"""The whole way over HTTP: our server, the real sandbox, its events, a customer's server. Tasks run here by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
from django.db.models import Q
from django.test import LiveServerTestCase, override_settings

from apps.billing.models import Hold, LedgerEntry
from apps.calls.models import Call, CallEvent, EngineEvent
from apps.calls.services.apply import HOLD_BACK, apply_events
from apps.calls.services.balances import calls_at_zero, cut_call
from apps.calls.services.control import send_command
from apps.calls.services.dial import start_call
from apps.calls.services.fetching import due_recordings, fetch_recording
from apps.calls.services.quiet import quiet_calls, read_call
from apps.calls.services.simulate import simulate_inbound
from apps.core import db
from apps.core.errors import Invalid
from apps.voice.services import ensure_receiver
from apps.webhooks.models import Delivery
from tests import factories
from tests.calls.support import scope_of, wanted
from tests.cases import Cast, Emptied
from tests.engine import Sandbox
from tests.recordings import OwnFiles

TOOL = {"type": "function", "name": "look_up", "description": "Finds a slot.", "parameters": {"type": "object", "properties": {"day": {"type": "string"}}}}


class LiveCase(Cast, Emptied, LiveServerTestCase):
    clock = 0.0

    def setUp(self) -> None:
        self.make_cast(self)
        self.enterContext(override_settings(BASE_URL=self.live_server_url))
        self.sandbox = Sandbox.shared() if self.clock == 0 else Sandbox(clock=self.clock)
        if self.clock:
            self.sandbox.start()
            self.addCleanup(self.sandbox.close)
        self.addCleanup(self.sandbox.faults)
        self.connection = self.sandbox.connection()
        self.enterContext(scope_of(self.client_org))
        ensure_receiver(self.connection)
        self.assistant = factories.make_assistant(self.client_org, webhook_url="http://127.0.0.1:9/hook")
        self.number = factories.make_number(self.client_org, assistant=self.assistant, transfer_trunk=factories.make_trunk(self.client_org))

    def start(self, to: str = "+447700900001", **fields: Any) -> Call:
        request = wanted(self.client_org, self.connection, to=to, assistant=self.assistant, number=self.number, **fields)
        return start_call(request=request, now=db.now())

    def wait(self, call: Call, until: Callable[[Call], Any], seconds: float = 10) -> Call:
        """Apply what comes in until the call is as wanted."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            apply_events(organization_id=call.organization_id, call_id=call.pk, now=db.now())
            call.refresh_from_db()
            if until(call):
                return call
            time.sleep(0.03)
        events = list(EngineEvent.objects.values_list("type", "seq", "applied_at"))
        raise AssertionError(f"{call.status} {call.end_reason} {call.error} {events}")

    def rung_seconds(self, call: Call) -> int:
        return self.sandbox.rings(reference=call.public_id)[0]["seconds"]


class OutboundTest(LiveCase):
    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_from_the_dial_to_the_booking(self) -> None:
        factories.add_credits(self.agency, 100)
        call = self.wait(self.start(), lambda call: call.report_at)
        self.assertEqual((call.status, call.dial, call.is_simulated), ("ended", "accepted", True))
        self.assertIn(call.end_reason, ("user_hangup", "assistant_hangup"))
        self.assertGreater(len(call.messages), 2)
        self.assertTrue(call.summary)
        entry = LedgerEntry.objects.get(call_id=call.public_id)
        self.assertEqual((entry.seconds, entry.organization_id), (self.rung_seconds(call), self.agency.pk))
        self.assertFalse(Hold.objects.open().exists())
        told = list(Delivery.objects.order_by("id").values_list("event", flat=True))
        self.assertEqual(told, ["status-update", "status-update", "end-of-call-report"])

    def test_a_recording_is_fetched_through_a_signed_link(self) -> None:
        self.enterContext(OwnFiles())
        self.client_org.change(db.now(), records_calls=True)
        call = self.wait(self.start(), lambda call: call.report_at)
        for organization_id, recording_id in due_recordings(db.now()):
            fetch_recording(organization_id=organization_id, recording_id=recording_id)
        link = self.api(self.client_org).get(f"/calls/{call.public_id}").json()["recording_url"]
        self.assertNotIn(self.sandbox.url, link)
        whole = httpx.get(link, trust_env=False)
        self.assertEqual((whole.status_code, whole.headers["Content-Type"], whole.content[:4]), (200, "audio/wav", b"RIFF"))
        part = httpx.get(link, headers={"Range": "bytes=0-3"}, trust_env=False)
        self.assertEqual((part.status_code, part.content), (206, b"RIFF"))
        self.assertEqual(httpx.get(link + "x", trust_env=False).status_code, 404)
        report = Delivery.objects.get(event="end-of-call-report")
        self.assertIn(f"{self.live_server_url}/recordings/", report.body)

    def test_the_magic_numbers(self) -> None:
        wanted = {
            "+447700900002": ("failed", "busy"), "+447700900003": ("failed", "no_answer"), "+447700900005": ("ended", "user_hangup"),
            "+447700900006": ("ended-with-error", "error"), "+447700900008": ("ended", None),
        }  # fmt: skip
        for to, (status, reason) in wanted.items():
            call = self.wait(self.start(to), lambda call: call.settled_at)
            self.assertEqual(call.status, status, to)
            if reason:
                self.assertEqual(call.end_reason, reason, to)
            self.assertEqual(call.duration_seconds or 0, self.rung_seconds(call) or 0, to)

    def test_a_transfer(self) -> None:
        transfer = {"type": "transfer_call", "destinations": [{"type": "number", "number": "+31201234567", "description": "Desk"}]}
        self.assistant.change(db.now(), llm_config={**self.assistant.llm_config, "tools": [transfer]})
        call = self.wait(self.start("+447700900007"), lambda call: call.settled_at)
        self.assertEqual((call.status, call.end_reason), ("transferred", "transferred"))

    def test_voicemail(self) -> None:
        self.assistant.change(db.now(), voicemail_detection=True, voicemail_message="Please call us back.")
        call = self.wait(self.start("+447700900004"), lambda call: call.settled_at)
        self.assertEqual((call.status, call.end_reason), ("ended", "voicemail"))

    def test_disturbed_events_give_the_same_call(self) -> None:
        self.sandbox.faults(duplicate_events=0.5, reorder_events=0.5, seed=3)
        calls = [self.start(f"+4477009001{number:02d}") for number in range(6)]
        for call in calls:
            call = self.wait(call, lambda call: call.settled_at)
            self.assertEqual(call.duration_seconds or 0, self.rung_seconds(call) or 0)
            self.assertEqual(call.started_at is None, call.status == "failed")

    def test_lost_events_are_filled_from_the_engines_own_list(self) -> None:
        self.sandbox.faults(lose_events=1)
        call = self.start()
        time.sleep(0.3)
        self.assertEqual((call.status, EngineEvent.objects.filter(Q(call_id=call.pk) | Q(call_ref=call.ref)).count()), ("connecting", 0))
        past = db.now() - 2 * HOLD_BACK - (quiet_age := HOLD_BACK * 10)
        Call.objects.filter(pk=call.pk).update(last_news_at=past)
        self.assertGreater(quiet_age.total_seconds(), 29)
        self.assertEqual(quiet_calls(db.now()), [(call.organization_id, call.pk)])
        read_call(organization_id=call.organization_id, call_id=call.pk)
        call.refresh_from_db()
        self.assertEqual((call.status, call.duration_seconds), ("ended", self.rung_seconds(call)))
        self.assertTrue(call.messages)
        self.assertEqual(quiet_calls(db.now()), [])


class InboundTest(LiveCase):
    def test_from_the_ring_to_the_report(self) -> None:
        ref = simulate_inbound(organization=self.client_org, number=self.number, from_="+447700900001", now=db.now())
        end = time.monotonic() + 5
        while not (call := Call.objects.filter(ref=ref).first()) and time.monotonic() < end:
            time.sleep(0.03)
        assert call
        call = self.wait(call, lambda call: call.report_at)
        self.assertEqual((call.status, call.direction, call.other_number), ("ended", "inbound", "+447700900001"))
        self.assertTrue(CallEvent.objects.filter(call=call, kind="incoming").exists())
        self.assertEqual(self.sandbox.rings(reference=call.public_id)[0]["seconds"], call.duration_seconds)

    def test_consent_that_is_given(self) -> None:
        self.assistant.change(db.now(), recording_consent={"enabled": True, "message": "May we record this call?"})
        ref = simulate_inbound(organization=self.client_org, number=self.number, from_="+447700900001", outcome="answered", now=db.now())
        end = time.monotonic() + 5
        while not (call := Call.objects.filter(ref=ref).first()) and time.monotonic() < end:
            time.sleep(0.03)
        assert call
        call = self.wait(call, lambda call: call.report_at)
        kinds = set(CallEvent.objects.filter(call=call, kind="consent").values_list("data__value", flat=True))
        self.assertEqual(kinds, {"asked", "given"})


class RealTimeTest(LiveCase):
    """A call that lasts long enough to be spoken to."""

    clock = 0.3

    def running(self) -> Call:
        return self.wait(self.start(), lambda call: call.status == "in-progress" and call.turns, seconds=25)

    def test_commands_and_zero_balance(self) -> None:
        with override_settings(BILL_SIMULATED_CALLS=True):
            factories.add_credits(self.agency, 1)
            call = self.running()
            self.assertEqual(calls_at_zero(db.now()), [])
            say = {"type": "say", "content": "One moment please.", "end_after": False}
            first = send_command(call=call, body=say, by="Ada", now=db.now())
            again = send_command(call=call, body=say, by="Ada", now=db.now())
            self.assertEqual((first.command.outcome, again.is_repeat, again.command.pk), ("accepted", True, first.command.pk))
            factories.add_credits(self.agency, -1)
            self.assertEqual(calls_at_zero(db.now()), [(call.organization_id, call.pk)])
            cut_call(organization_id=call.organization_id, call_id=call.pk)
            call = self.wait(call, lambda call: call.report_at, seconds=25)
        self.assertEqual((call.status, call.end_reason), ("insufficient-credits", "insufficient_credits"))
        self.assertIn("We have to end this call now. Goodbye.", [each["content"] for each in call.messages])
        with self.assertRaises(Invalid):
            send_command(call=call, body={"type": "end-call"}, by="Ada", now=db.now())

    def test_an_engine_that_was_killed_loses_its_calls(self) -> None:
        call = self.running()
        self.sandbox.kill()
        self.sandbox.start()
        past = db.now() - HOLD_BACK * 11
        Call.objects.filter(pk=call.pk).update(last_news_at=past)
        read_call(organization_id=call.organization_id, call_id=call.pk)
        call.refresh_from_db()
        if call.is_running:
            self.assertIsNotNone(call.missing_since)
            Call.objects.filter(pk=call.pk).update(missing_since=db.now() - HOLD_BACK * 6, next_check_at=None)
            read_call(organization_id=call.organization_id, call_id=call.pk)
            call.refresh_from_db()
        self.assertEqual((call.status, call.end_reason), ("ended-with-error", "error"))
        self.assertIsNotNone(call.settled_at)
