"""Dialling against the real sandbox: the certainty table, and a crash at any instant. Its ring log is the judge."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import override_settings

from apps.billing.models import Hold
from apps.calls.models import Call
from apps.calls.services.bodies import dial_body, lost_parts
from apps.calls.services.dial import dial, mark_sending, record_answer, start_call
from apps.calls.services.do_not_call import refuse_number
from apps.calls.services.reconcile import open_dials, reconcile
from apps.calls.services.reserve import cancel_reserved
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Conflict, Forbidden, InsufficientCredits, Invalid, Unavailable
from apps.organizations.services import SYSTEM
from apps.voice.client import Engine
from apps.voice.models import Connection
from apps.voice.outcomes import Dialled
from apps.voice.services import known_capabilities
from tests import factories
from tests.calls.support import apply, event, make_connection, mirrored, post, reserve, scope_of, wanted
from tests.cases import TenantCase
from tests.engine import Sandbox

Dial = Call.Dial


def rewind(call: Call, seconds: float) -> None:
    """Let time pass for the dial of a call."""
    call.refresh_from_db()
    past = dt.timedelta(seconds=seconds)
    names = ["sent_at", "lease_until", "next_check_at", "not_after", "created_at"]
    for name in names:
        if (value := getattr(call, name)) is not None:
            setattr(call, name, value - past)
    call.save(update_fields=names)


class DialCase(TenantCase):
    def setUp(self) -> None:
        self.sandbox = Sandbox.shared()
        self.addCleanup(self.sandbox.faults)
        self.assistant = factories.make_assistant(self.agency)
        self.number = factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency, auth_username="u", auth_password="p"))
        self.enterContext(scope_of(self.agency))

    def connect(self, class_: str = "A", **faults: Any) -> Connection:
        self.sandbox.faults(class_=class_, **faults)
        return self.sandbox.connection()

    def reserved(self, connection: Connection, **fields: Any) -> Call:
        return reserve(wanted(self.agency, connection, **({"assistant": self.assistant, "number": self.number} | fields)))

    def dial(self, call: Call) -> Call:
        dial(organization_id=call.organization_id, call_id=call.pk)
        call.refresh_from_db()
        return call

    def reconcile(self, call: Call) -> Call:
        reconcile(organization_id=call.organization_id, call_id=call.pk)
        call.refresh_from_db()
        return call

    def rings(self, call: Call) -> int:
        return len(self.sandbox.rings(reference=call.public_id))


class OutcomeTest(DialCase):
    def test_accepted(self) -> None:
        call = self.dial(self.reserved(self.connect()))
        self.assertEqual((call.dial, call.status, self.rings(call)), (Dial.ACCEPTED, "connecting", 1))
        self.assertTrue(call.ref.startswith("eng-"))
        self.assertIn(call.ref, call.control_url)
        self.dial(call)
        self.assertEqual(self.rings(call), 1)

    def test_a_refusal_before_any_effect_is_certain(self) -> None:
        connection = self.connect(errors=1)
        with pytest.raises(Unavailable):
            start_call(request=wanted(self.agency, connection, assistant=self.assistant, number=self.number), now=db.now())
        call = Call.objects.get()
        self.assertEqual((call.dial, call.refusal, call.status, call.end_reason), (Dial.REFUSED, "unavailable", "failed", "error"))
        self.assertEqual(self.rings(call), 0)

    def test_an_engine_that_is_not_there(self) -> None:
        call = self.dial(self.reserved(make_connection()))
        self.assertEqual((call.dial, call.refusal, call.status), (Dial.REFUSED, "unavailable", "failed"))

    def test_class_a_a_lost_answer_is_asked_for_again_under_the_same_key(self) -> None:
        call = self.dial(self.reserved(self.connect("A", lose_answers=1)))
        self.assertEqual((call.dial, call.status, self.rings(call)), (Dial.UNKNOWN, "connecting", 1))
        self.sandbox.faults(class_="A")
        rewind(call, -30)
        self.assertEqual(self.reconcile(call).dial, Dial.UNKNOWN)  # not due yet
        rewind(call, 31)
        self.assertEqual(self.reconcile(call).dial, Dial.ACCEPTED)
        self.assertEqual(self.rings(call), 1)

    def test_class_a_an_error_after_the_effect(self) -> None:
        call = self.dial(self.reserved(self.connect("A", errors_after=1)))
        self.assertEqual((call.dial, self.rings(call)), (Dial.UNKNOWN, 1))
        rewind(call, 1)
        self.sandbox.faults(class_="A")
        self.assertEqual((self.reconcile(call).dial, self.rings(call)), (Dial.ACCEPTED, 1))

    def test_class_b_a_lost_answer_is_looked_up(self) -> None:
        call = self.dial(self.reserved(self.connect("B", lose_answers=1)))
        self.assertEqual((call.dial, self.rings(call)), (Dial.UNKNOWN, 1))
        self.sandbox.faults(class_="B")
        rewind(call, 1)
        self.assertEqual((self.reconcile(call).dial, self.rings(call)), (Dial.ACCEPTED, 1))

    def test_class_c_stays_in_doubt_and_an_event_turns_it(self) -> None:
        connection = self.connect("C", lose_answers=1)
        call = self.dial(self.reserved(connection))
        rewind(call, 2)
        self.assertEqual(self.reconcile(call).dial, Dial.UNKNOWN)
        rewind(call, 61)
        call = self.reconcile(call)
        self.assertEqual((call.dial, call.status, call.end_reason), (Dial.IN_DOUBT, "failed", "in_doubt"))
        late = event("status-update", call, status="in-progress")
        late["call"] |= {"id": "eng-late", "engine_id": "eng-late"}
        self.assertEqual(post(connection, late, secret=connection.hook_secret).status_code, 200)
        apply(call)
        self.assertEqual((call.dial, call.status, call.end_reason, call.ref), (Dial.ACCEPTED, "in-progress", None, "eng-late"))

    def test_a_destination_the_engine_refuses(self) -> None:
        call = self.reserved(self.connect())
        call.other_number = "+0"
        call.save(update_fields=["other_number"])
        call = self.dial(call)
        self.assertEqual((call.refusal, call.end_reason, call.status), ("invalid", "invalid_number", "failed"))


class CrashTest(DialCase):
    def killed_before_sending(self, class_: str) -> Call:
        call = self.reserved(self.connect(class_))
        mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now())
        return call

    def test_a_worker_dies_before_the_request_class_a(self) -> None:
        call = self.killed_before_sending("A")
        self.assertEqual((self.reconcile(call).dial, self.rings(call)), (Dial.SENDING, 0))
        rewind(call, 31)
        self.assertEqual(open_dials(db.now())[1], [(self.agency.pk, call.pk)])
        self.assertEqual((self.reconcile(call).dial, self.rings(call)), (Dial.ACCEPTED, 1))

    def test_a_worker_dies_before_the_request_class_b(self) -> None:
        call = self.killed_before_sending("B")
        Call.objects.filter(pk=call.pk).update(not_after=db.now() + dt.timedelta(seconds=60))
        rewind(call, 31)
        call = self.reconcile(call)
        self.assertEqual((call.dial, self.rings(call)), (Dial.UNKNOWN, 0))  # a late copy might still be on its way
        rewind(call, 31)
        self.assertEqual(self.reconcile(call).dial, Dial.RESERVED)
        self.assertEqual((self.dial(call).dial, self.rings(call)), (Dial.ACCEPTED, 1))

    def test_a_worker_dies_after_the_request(self) -> None:
        for class_ in "AB":
            call = self.killed_before_sending(class_)
            sending = Call.objects.get(pk=call.pk)
            answer = Engine(sending.connection).dial(dial_body(sending, known_capabilities(sending.connection)), key=sending.dial_key)
            self.assertEqual(answer.outcome, "accepted")
            rewind(call, 31)
            self.assertEqual((self.reconcile(call).dial, self.rings(call)), (Dial.ACCEPTED, 1))
            Connection.objects.update(is_active=False)

    def test_a_worker_that_was_overtaken_writes_nothing(self) -> None:
        call = self.reserved(self.connect())
        sending = mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now())
        assert sending
        rewind(call, 31)
        self.reconcile(call)
        ref = Call.objects.get(pk=call.pk).ref
        late = Dialled("refused", error="capacity", status=429)
        self.assertFalse(record_answer(organization_id=self.agency.pk, call_id=call.pk, fence=sending.fence, answer=late, now=db.now()))
        call.refresh_from_db()
        self.assertEqual((call.dial, call.ref), (Dial.ACCEPTED, ref))

    def test_an_event_beats_the_answer(self) -> None:
        connection = self.connect()
        call = self.reserved(connection)
        sending = mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now())
        assert sending
        told = event("status-update", call)
        told["call"] |= {"id": "eng-1", "engine_id": "eng-1"}
        post(connection, told, secret=connection.hook_secret)
        apply(call)
        self.assertEqual((call.dial, call.ref, call.status), (Dial.ACCEPTED, "eng-1", "in-progress"))
        late = Dialled("refused", error="too_late", status=400)
        record_answer(organization_id=self.agency.pk, call_id=call.pk, fence=sending.fence, answer=late, now=db.now())
        call.refresh_from_db()
        self.assertEqual((call.dial, call.status), (Dial.ACCEPTED, "in-progress"))

    def test_a_lost_task_is_found_by_the_sweep(self) -> None:
        call = self.reserved(self.connect())
        self.assertEqual(open_dials(db.now())[0], [])
        rewind(call, 11)
        self.assertEqual(open_dials(db.now())[0], [(self.agency.pk, call.pk)])

    def test_what_was_taken_back_meanwhile_is_looked_up_and_not_sent_again(self) -> None:
        call = self.killed_before_sending("A")
        Call.objects.filter(pk=call.pk).update(wanted_until=db.now() - dt.timedelta(seconds=1))
        rewind(call, 31)
        self.assertEqual(self.reconcile(call).dial, Dial.UNKNOWN)  # not listed, and its deadline has not passed
        rewind(call, 35)
        call = self.reconcile(call)
        self.assertEqual((call.dial, call.refusal, self.rings(call)), (Dial.REFUSED, "too_late", 0))

    def test_a_request_that_comes_too_late_is_refused_for_certain(self) -> None:
        call = self.killed_before_sending("A")
        rewind(call, 100)
        call = self.reconcile(call)
        self.assertEqual((call.dial, call.refusal, self.rings(call)), (Dial.REFUSED, "too_late", 0))


class RefusalTest(DialCase):
    def setUp(self) -> None:
        super().setUp()
        self.connection = make_connection()

    def test_what_is_no_longer_wanted_is_not_sent(self) -> None:
        call = self.reserved(self.connection, wanted_until=db.now() - dt.timedelta(seconds=1))
        self.assertIsNone(mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now()))
        call.refresh_from_db()
        self.assertEqual(call.refusal, "too_late")

    def test_an_opt_out_between_reservation_and_sending(self) -> None:
        call = self.reserved(self.connection)
        refuse_number(organization=self.agency, number=call.other_number, reason="", by=SYSTEM, now=db.now())
        self.assertIsNone(mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now()))
        call.refresh_from_db()
        self.assertEqual((call.refusal, call.status), ("do_not_call", "failed"))
        with pytest.raises(Invalid):
            self.reserved(self.connection)

    def test_a_suspended_organization_calls_nobody(self) -> None:
        call = self.reserved(self.connection)
        self.agency.change(db.now(), suspended_at=db.now())
        self.assertIsNone(mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now()))
        with pytest.raises(Forbidden):
            self.reserved(self.connection)

    def test_the_same_key_is_the_same_call(self) -> None:
        first = self.reserved(self.connection, key="lead:1:1")
        self.assertEqual(self.reserved(self.connection, key="lead:1:1").pk, first.pk)

    def test_a_reference_is_used_once_per_key(self) -> None:
        first = self.reserved(self.connection, reference="order-7", by_key_id=self.number.pk)
        with pytest.raises(Conflict) as refused:
            self.reserved(self.connection, reference="order-7", by_key_id=self.number.pk)
        self.assertEqual((refused.value.type, refused.value.extra["call_id"]), ("duplicate_reference", first.public_id))
        self.reserved(self.connection, reference="order-7", by_key_id=self.assistant.pk)

    def test_a_charged_call_needs_a_credit(self) -> None:
        with pytest.raises(InsufficientCredits):
            self.reserved(self.connection, simulated=False)
        self.assertEqual(Call.objects.count(), 0)
        factories.add_credits(self.agency, 1)
        self.reserved(self.connection, simulated=False)
        with pytest.raises(InsufficientCredits):
            self.reserved(self.connection, simulated=False)
        with override_settings(BILL_SIMULATED_CALLS=True), pytest.raises(InsufficientCredits):
            self.reserved(self.connection)
        self.assertFalse(self.reserved(self.connection).is_charged)

    def test_taking_back_what_was_not_sent(self) -> None:
        factories.add_credits(self.agency, 3)
        sent = self.reserved(self.connection, origin="campaign:1", simulated=False)
        mark_sending(organization_id=self.agency.pk, call_id=sent.pk, now=db.now())
        waiting = self.reserved(self.connection, origin="campaign:1", simulated=False)
        other = self.reserved(self.connection, origin="campaign:2", simulated=False)
        taken = writes(cancel_reserved)(organization=self.agency, origin="campaign:1", now=db.now())
        self.assertEqual([call.pk for call in taken], [waiting.pk])
        self.assertIsNone(self.dial(waiting).sent_at)
        self.assertEqual((waiting.dial, waiting.refusal), (Dial.REFUSED, "cancelled"))
        self.assertEqual(set(Hold.objects.open().values_list("key", flat=True)), {sent.money_key, other.money_key})

    def test_a_later_edit_does_not_change_a_call(self) -> None:
        self.assistant.first_message = "Old."
        self.assistant.save(update_fields=["first_message"])
        call = self.reserved(self.connection)
        self.assistant.change(db.now(), first_message="New.", webhook_url="http://127.0.0.1:9/new")
        call.refresh_from_db()
        sending = mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now())
        assert sending
        self.assertEqual(sending.body["assistant"]["first_message"], "Old.")


class BodyTest(DialCase):
    def body(self, **fields: Any) -> dict[str, Any]:
        features = fields.pop("features", None)
        call = self.reserved(make_connection(features=features), **fields)
        sending = mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now())
        assert sending
        return sending.body | {"id": call.public_id}

    def test_the_whole_assistant_travels_with_the_call(self) -> None:
        self.assistant.change(
            db.now(), webhook_url="https://example.com/hook", webhook_secret="s3cret",
            llm_config={**self.assistant.llm_config, "messages": [{"role": "system", "content": "You call {{name}}."}],
                        "tools": [{"name": "look_up", "description": "x", "url": "https://example.com/tool", "server": {"secret": "t0p"}}]},
            speech_config={"first_message_outbound": "Hello {{name}}."}, max_duration_seconds=300,
        )  # fmt: skip
        override = {"metadata": {"crm_id": "77", "switchboard_x": 1, "variables": {"name": "Sam"}}}
        body = self.body(override=override)
        self.assertEqual(body["reference"], body["id"])
        self.assertEqual(body["from"], {"number": str(self.number), "trunk": {"address": "sip.example.com", "transport": "udp", "username": "u", "password": "p"}})
        sent = body["assistant"]
        self.assertEqual(sent["first_message"], "Hello Sam.")
        self.assertEqual(sent["llm_config"]["messages"], [{"role": "system", "content": "You call Sam."}])
        self.assertEqual(sent["llm_config"]["tools"], [{"name": "look_up", "description": "x"}])
        self.assertEqual(sent["metadata"], {"crm_id": "77", "variables": {"name": "Sam"}, "switchboard_call_id": body["id"]})
        self.assertNotIn("s3cret", str(body))
        self.assertEqual(sent["max_duration_seconds"], 300)
        self.assertIn("not_after", body)

    def test_the_greeting_of_the_request_beats_all(self) -> None:
        self.assertEqual(self.body(greeting="Hi there.")["assistant"]["first_message"], "Hi there.")

    def test_the_base_wire_gets_copies_and_the_contracts_keys(self) -> None:
        self.assistant.change(db.now(), gdpr_mode=True, speech_config={"end_call_phrases": ["bye bye"]})
        connection = make_connection(features=[])
        mirrored(connection, self.assistant, self.number)
        call = self.reserved(connection)
        sending = mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now())
        assert sending
        override = sending.body.pop("assistant_override")
        self.assertEqual(
            sending.body,
            {"destination": call.other_number, "assistant_id": f"up-{self.assistant.pk}", "number_id": f"up-{self.number.pk}"},
        )
        self.assertEqual(
            set(override),
            {"first_message", "stt_config", "llm_config", "tts_config", "max_duration_seconds", "autonomous_silence_handling",
             "silence_timeout_seconds", "voicemail_detection", "voicemail_message", "metadata"},
        )  # fmt: skip
        self.assertEqual(override["metadata"], {"switchboard_call_id": call.public_id})
        self.assertEqual(lost_parts(call, known_capabilities(connection)), [])

    def test_a_one_time_assistant_brings_the_receiver_and_names_what_is_lost(self) -> None:
        connection = make_connection(features=[])
        mirrored(connection, self.number)
        values = {"llm_config": {**self.assistant.llm_config}, "speech_config": {"end_call_phrases": ["bye bye"]}, "gdpr_mode": True}
        call = self.reserved(connection, assistant=None, one_time=values)
        sending = mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now())
        assert sending
        self.assertEqual(set(sending.body), {"destination", "assistant", "number_id"})
        self.assertNotIn("gdpr_mode", sending.body["assistant"])
        self.assertTrue(sending.body["assistant"]["webhook_url"].endswith(connection.hook_id))
        self.assertEqual(
            lost_parts(call, known_capabilities(connection)), ["speech_config: the voice engine does not take it with a call"]
        )

    def test_what_has_no_copy_there_is_not_dialled(self) -> None:
        connection = make_connection(features=[])
        mirrored(connection, self.number)
        call = self.reserved(connection)
        self.assertIsNone(mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now()))
        call.refresh_from_db()
        self.assertEqual((call.dial, call.refusal), ("refused", "unavailable"))

    def test_the_same_row_gives_the_same_body(self) -> None:
        call = self.reserved(make_connection())
        sending = mark_sending(organization_id=self.agency.pk, call_id=call.pk, now=db.now())
        again = Call.objects.get(pk=call.pk)
        assert sending
        self.assertEqual(dial_body(again, known_capabilities(again.connection)), sending.body)


