"""Calls at an engine of the base wire: who answers, what became of a lost answer, and what no event told us of."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.test import override_settings

from apps.calls.models import Call
from apps.calls.services.dial import dial
from apps.calls.services.missed import compare_calls, connections_to_compare
from apps.calls.services.reconcile import reconcile
from apps.core import db
from apps.core.api import instant
from apps.voice.models import Mirror
from tests import factories
from tests.calls.support import event, make_connection, mirrored, post, reserve, scope_of, wanted
from tests.cases import TenantCase
from tests.receivers import Reply
from tests.upstream import Upstream

Dial = Call.Dial
OTHER = "+31600000001"


@override_settings(UPSTREAM_REQUESTS_PER_MINUTE=0)
class BaseCase(TenantCase):
    def setUp(self) -> None:
        self.upstream = self.enterContext(Upstream())
        self.connection = make_connection(features=[], base_url=self.upstream.url, engine={})
        self.assistant = factories.make_assistant(self.agency, recording_consent={"enabled": True, "message": "Recorded."})
        self.trunk = factories.make_trunk(self.agency)
        self.number = factories.make_number(self.agency, assistant=self.assistant, transfer_trunk=self.trunk)
        self.enterContext(scope_of(self.agency))

    def later(self, call: Call, seconds: float) -> None:
        call.refresh_from_db()
        for name in ("sent_at", "lease_until", "next_check_at", "not_after", "created_at"):
            if (value := getattr(call, name)) is not None:
                setattr(call, name, value - dt.timedelta(seconds=seconds))
        call.save()

    def listed(self, call: Call | None = None, **fields: Any) -> dict[str, Any]:
        """A call as the engine lists it."""
        made = call.sent_at if call and call.sent_at else db.now()
        values = {
            "id": f"call-{len(self.upstream.calls) + 70}", "direction": "outbound", "status": "in-progress",
            "assistant_phone": str(self.number), "caller_phone": call.other_number if call else OTHER, "created_at": instant(made),
        } | fields  # fmt: skip
        self.upstream.calls.append(values)
        return values


class InboundTest(BaseCase):
    def ask(self, number: Any = None) -> dict[str, Any]:
        own = {"id": None, "number": str(number or self.number), "name": None}
        call = {"id": "up-call-1", "type": "inbound_phone_call", "status": "ringing"}
        message = event("assistant-request", call=call, phone_number=own, customer={"number": OTHER})
        answer = post(self.connection, message)
        self.assertEqual(answer.status_code, 200)
        found: dict[str, Any] = json.loads(answer.content)
        return found

    def test_the_copy_answers_under_an_override_of_the_contracts_keys(self) -> None:
        mirrored(self.connection, self.assistant, self.number)
        answer = self.ask()
        self.assertEqual(set(answer), {"assistant_id", "assistant_override"})
        self.assertEqual(answer["assistant_id"], f"up-{self.assistant.pk}")
        for name in ("recording_consent", "speech_config", "gdpr_mode", "webhook_url", "webhook_secret", "voicemail_detection"):
            self.assertNotIn(name, answer["assistant_override"])
        call = Call.objects.for_organization(self.agency).get()
        self.assertEqual(answer["assistant_override"]["metadata"], {"switchboard_call_id": call.public_id})

    def test_a_number_without_assistant_answers_with_its_placeholder(self) -> None:
        number = factories.make_number(self.agency)
        mirrored(self.connection, number)
        Mirror.objects.create(
            organization=self.agency, connection=self.connection, kind="placeholder", object_id=number.pk, ref="up-empty",
            is_dirty=False,
        )  # fmt: skip
        self.agency.change(db.now(), webhook_url="http://127.0.0.1:9/")
        self.agency.webhook_events = None
        answer = self.ask(number)
        self.assertEqual(set(answer), {"error"})  # its server is dead and nobody else answers
        config = {"llm_config": {"provider": "openai", "model": "gpt-5.4"}}
        config |= {"stt_config": self.assistant.stt_config, "tts_config": self.assistant.tts_config}
        with Upstream() as server:
            server.fault = lambda got: Reply(200, {"assistant": config})
            self.agency.change(db.now(), webhook_url=f"{server.url}/hook")
            answer = self.second(number)
        self.assertEqual((set(answer), answer["assistant_id"]), ({"assistant_id", "assistant_override"}, "up-empty"))

    def second(self, number: Any) -> dict[str, Any]:
        own = {"id": None, "number": str(number), "name": None}
        call = {"id": "up-call-2", "type": "inbound_phone_call", "status": "ringing"}
        message = event("assistant-request", call=call, phone_number=own, customer={"number": OTHER})
        found: dict[str, Any] = json.loads(post(self.connection, message).content)
        return found

    def test_a_chosen_assistant_that_is_not_there_yet_answers_through_the_numbers_copy(self) -> None:
        mirrored(self.connection, self.assistant, self.number)
        other = factories.make_assistant(self.agency, first_message="I am the other one.")
        with Upstream() as server:
            server.fault = lambda got: Reply(200, {"assistant_id": str(other.pk)})
            self.agency.change(db.now(), webhook_url=f"{server.url}/hook")
            answer = self.ask()
        self.assertEqual(answer["assistant_id"], f"up-{self.assistant.pk}")
        self.assertEqual(answer["assistant_override"]["first_message"], "I am the other one.")

    def test_a_number_that_is_nobodys_is_answered_with_a_sentence(self) -> None:
        self.assertEqual(self.ask("+31850099999"), {"error": "This number is not in service at the moment."})


class OutboundTest(BaseCase):
    def dialled(self) -> Call:
        call = reserve(wanted(self.agency, self.connection, assistant=self.assistant, number=self.number))
        dial(organization_id=self.agency.pk, call_id=call.pk)
        call.refresh_from_db()
        return call

    def test_what_is_not_there_yet_is_brought_there_before_it_rings(self) -> None:
        call = self.dialled()
        self.assertEqual(call.dial, Dial.ACCEPTED)
        (sent,) = self.upstream.dials
        numbers, assistants = self.upstream.objects["/numbers"], self.upstream.objects["/assistants"]
        self.assertEqual(([sent["number_id"]], [sent["assistant_id"]]), (list(numbers), list(assistants)))
        self.assertEqual(sent["assistant_override"]["metadata"], {"switchboard_call_id": call.public_id})
        self.assertEqual([path for _, path in self.upstream.writes], ["/sip-trunks", "/assistants", "/numbers", "/calls"])
        self.dialled()
        self.assertEqual(self.upstream.writes[4:], [("POST", "/calls")])

    def test_an_assistant_that_the_engine_refuses_is_not_dialled(self) -> None:
        self.assistant.change(db.now(), name="Bad")
        call = self.dialled()
        self.assertEqual((call.dial, call.refusal, self.upstream.dials), (Dial.REFUSED, "unavailable", []))
        self.assertIn("name: not this one", call.error or "")

    def lost(self) -> Call:
        """A dial whose answer never came."""
        mirrored(self.connection, self.assistant, self.number)
        Mirror.objects.create(
            organization=self.agency, connection=self.connection, kind="trunk", object_id=self.trunk.pk, ref="up-t", is_dirty=False
        )
        self.upstream.fault = lambda got: Reply(cut=True) if got.path == "/calls/outbound" else None
        call = self.dialled()
        self.assertEqual(call.dial, Dial.UNKNOWN)
        return call

    def look(self, call: Call, after: float) -> Call:
        self.later(call, after)
        reconcile(organization_id=self.agency.pk, call_id=call.pk)
        call.refresh_from_db()
        return call

    def test_exactly_one_match_binds(self) -> None:
        call = self.lost()
        self.listed(call, caller_phone="+31600000009")
        self.listed(call, direction="inbound")
        self.listed(call, created_at=instant(call.sent_at - dt.timedelta(seconds=5)))
        ours = self.listed(call)
        found = self.look(call, 2)
        self.assertEqual((found.dial, found.ref), (Dial.ACCEPTED, ours["id"]))

    def test_a_call_that_is_another_of_ours_is_no_match(self) -> None:
        call = self.lost()
        factories.make_call(self.agency, connection=self.connection, ref=self.listed(call)["id"])
        self.assertEqual(self.look(call, 2).dial, Dial.UNKNOWN)

    def test_none_after_the_settle_time_may_be_dialled_again(self) -> None:
        call = self.lost()
        self.assertEqual(self.look(call, 5).dial, Dial.UNKNOWN)
        self.assertEqual(self.look(call, 40).dial, Dial.RESERVED)

    def test_more_than_one_is_in_doubt(self) -> None:
        call = self.lost()
        self.listed(call)
        self.listed(call)
        self.assertEqual(self.look(call, 5).dial, Dial.UNKNOWN)
        for each in self.upstream.calls:
            each["created_at"] = instant(call.sent_at - dt.timedelta(seconds=60))
        self.assertEqual(self.look(call, 60).dial, Dial.IN_DOUBT)

    def test_an_engine_that_does_not_know_the_copy_gets_it_again(self) -> None:
        mirrored(self.connection, self.assistant, self.number)
        Mirror.objects.create(
            organization=self.agency, connection=self.connection, kind="trunk", object_id=self.trunk.pk, ref="up-t", is_dirty=False
        )
        self.upstream.fault = lambda got: Reply(404, {"error": "Not found"}) if got.path == "/calls/outbound" else None
        self.assertEqual(self.dialled().dial, Dial.REFUSED)
        rows = Mirror.objects.for_organization(self.agency).filter(is_dirty=True)
        self.assertEqual(sorted(rows.values_list("kind", flat=True)), ["assistant", "number"])


class MissedTest(BaseCase):
    def compare(self) -> int:
        return compare_calls(organization_id=None, connection_id=self.connection.pk)

    def ended(self, **fields: Any) -> dict[str, Any]:
        end = db.now() - dt.timedelta(minutes=30)
        values = {
            "direction": "inbound", "status": "ended", "end_reason": "user_hangup", "created_at": instant(end - dt.timedelta(seconds=90)),
            "started_at": instant(end - dt.timedelta(seconds=84)), "ended_at": instant(end), "duration_seconds": 84,
            "summary": "Wants an appointment.", "messages": [{"role": "user", "content": "Hello."}],
        }  # fmt: skip
        return self.listed(**values | fields)

    def test_a_call_that_no_event_told_of_is_filled_in_once(self) -> None:
        listed = self.ended()
        self.ended(assistant_phone="+31850099999")
        self.ended(direction="outbound")
        self.assertEqual(connections_to_compare(), [(None, self.connection.pk)])
        self.assertEqual((self.compare(), self.compare()), (1, 0))
        call = Call.objects.for_organization(self.agency).get()
        self.assertEqual(
            (call.ref, call.status, call.duration_seconds, call.summary, call.assistant_id, call.other_number),
            (listed["id"], "ended", 84, "Wants an appointment.", self.assistant.pk, OTHER),
        )
        self.assertIsNotNone(call.settled_at)

    def test_what_has_just_happened_is_left_to_its_events(self) -> None:
        now = instant(db.now())
        self.ended(created_at=now, started_at=now, ended_at=now)
        self.assertEqual((self.compare(), Call.objects.for_organization(self.agency).count()), (0, 0))

    def test_an_engine_that_does_not_answer_changes_nothing(self) -> None:
        self.ended()
        self.upstream.fault = lambda got: Reply(503, {})
        self.assertEqual(self.compare(), 0)
