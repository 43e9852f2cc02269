"""Opting out of calls: by words, by tool, by key, in calls out and in; and asking to be called back."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.calls.models import Call, CallEvent, CallingRules, DoNotCall, EngineEvent
from apps.calls.opt_out import wants_no_calls
from apps.calls.opt_out_phrases import PHRASES
from apps.calls.refusals import refused_among
from apps.calls.services.dial import mark_sending
from apps.core import db
from apps.core.errors import Invalid
from apps.organizations.models import AuditEntry
from engines.sandbox.script import SCRIPTS
from tests import factories
from tests.calls.support import apply, event, make_connection, post, reserve, running_call, scope_of, wanted
from tests.cases import TenantCase

ALL = [phrase for phrases in PHRASES.values() for phrase in phrases]
SAM = "+31612345678"


@pytest.mark.parametrize(
    "text",
    [
        "Stop calling me!", "please STOP  calling; I mean it", "I don’t want any more calls.", "Take me off your list, will you?",
        "Certainly not. Stop calling me.", "Not now, and never call me again.", "Bel me niet meer!", "Wilt u mij niet meer bellen?",
        "Ik wil niet meer gebeld worden", "Bitte rufen Sie mich NICHT mehr an.", "Hoeren? Hören Sie auf, mich anzurufen.",
        "Ne m’appelez plus, s’il vous plaît.", "Arretez de m'appeler",
        *[text for script in SCRIPTS.values() for text in script.opts_out],
    ],
)  # fmt: skip
def test_what_is_an_opt_out(text: str) -> None:
    assert wants_no_calls(text, ALL)


@pytest.mark.parametrize(
    "text",
    [
        "", "Hello?", "Don't stop calling.", "Please do not stop calling me", "Nicht auflegen", "Please call me again.",
        "I'm calling about the bus stop. Calling hours are fine.", "It did stop. Calling again was fine.", "Bel me morgen niet",
        "Rufen Sie mich bitte morgen an.", "Rappelez-moi plus tard", "unsubscribe meals", "I never said: call me again",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert not wants_no_calls(text, ALL)


def test_an_empty_phrase_is_never_said() -> None:
    assert not wants_no_calls("Hello there.", ["", " ", "…"])


class OptOutCase(TenantCase):
    def setUp(self) -> None:
        self.enterContext(scope_of(self.client_org))
        self.connection = make_connection()
        self.assistant = factories.make_assistant(self.client_org)
        self.number = factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org))
        factories.make_refusal(self.stranger, "+31600000009", reason="Another's")

    def call(self, **fields: Any) -> Call:
        values = {"assistant": self.assistant, "number": self.number, "to": SAM} | fields
        return running_call(self.client_org, self.connection, **values)

    def told(self, call: Call, type: str, **fields: Any) -> Call:
        self.assertEqual(post(self.connection, event(type, call, **fields)).status_code, 200)
        apply(call)
        return call

    def says(self, call: Call, text: str, *, role: str = "user", final: bool = True, turn: int = 2) -> Call:
        return self.told(call, "transcript", seq=turn, turn=turn, role=role, text=text, final=final)

    def listed(self) -> list[tuple[Any, ...]]:
        rows = DoNotCall.objects.for_organization(self.client_org).order_by("id")
        return list(rows.values_list("phone_number", "source", "call_id", "reason"))


class PhraseTest(OptOutCase):
    def test_said_live_it_holds_from_the_next_instant(self) -> None:
        call, waiting = self.call(), reserve(wanted(self.client_org, self.connection, to=SAM, assistant=self.assistant, number=self.number))
        self.says(call, "No thanks. Please stop calling me.")
        self.assertEqual(self.listed(), [(SAM, "phrase", call.public_id, "")])
        self.assertIsNotNone(call.opted_out_at)
        self.assertIsNone(mark_sending(organization_id=self.client_org.pk, call_id=waiting.pk, now=db.now()))
        waiting.refresh_from_db()
        self.assertEqual(waiting.refusal, "do_not_call")
        noted = CallEvent.objects.get(call=call, kind="opted_out")
        self.assertEqual(noted.data, {"value": "phrase"})
        audit = AuditEntry.objects.get(action="do_not_call.add")
        self.assertEqual((audit.data, audit.target), ({"source": "phrase"}, ""))

    def test_the_assistants_words_and_unfinished_ones_do_not_count(self) -> None:
        call = self.call()
        self.says(call, "If you want us to stop calling, say so.", role="assistant", turn=1)
        self.says(call, "I want you to stop calling", final=False)
        self.assertEqual((self.listed(), call.opted_out_at), ([], None))

    def test_in_the_end_report_when_nothing_was_told_live(self) -> None:
        call = self.call()
        self.told(call, "end-of-call-report", status="ended", duration_seconds=9, end_reason="user_hangup", messages=[
            {"role": "assistant", "content": "Shall I stop calling?"}, {"role": "user", "content": "Yes, take me off your list."},
        ])  # fmt: skip
        self.assertEqual(self.listed(), [(SAM, "phrase", call.public_id, "")])

    def test_twice_in_a_call_is_once(self) -> None:
        call = self.call()
        self.says(call, "Stop calling me.")
        first = call.opted_out_at
        self.says(call, "Stop calling me!", turn=4)
        self.assertEqual((len(self.listed()), call.opted_out_at, CallEvent.objects.filter(kind="opted_out").count()), (1, first, 1))

    def test_under_gdpr_mode_it_is_heard_and_nothing_is_kept(self) -> None:
        call = self.call(assistant=factories.make_assistant(self.client_org, gdpr_mode=True))
        self.says(call, "Stop calling me, I am at work.")
        self.assertEqual((self.listed(), call.turns, call.messages), ([(SAM, "phrase", call.public_id, "")], None, None))
        self.assertEqual([each.body or "" for each in EngineEvent.objects.filter(call_id=call.pk, applied_at__isnull=False)], [""])

    def test_of_somebody_who_calls_us(self) -> None:
        message = event("transcript", turn=2, role="user", text="Bel me niet meer.", final=True)
        message |= {
            "call": {"id": "eng-in", "engine_id": "eng-in", "type": "inbound_phone_call", "status": "in-progress"},
            "phone_number": {"number": self.number.phone_number}, "customer": {"number": "+31687654321"},
        }  # fmt: skip
        message["assistant"] = {}
        self.assertEqual(post(self.connection, message).status_code, 200)
        call = Call.objects.get(direction="inbound")
        apply(call)
        self.assertEqual(self.listed(), [("+31687654321", "phrase", call.public_id, "")])

    def test_a_hidden_number_is_noted_and_not_listed(self) -> None:
        call = self.call()
        call.change(db.now(), other_number="anonymous")
        self.says(call, "Stop calling me.")
        self.assertEqual((self.listed(), call.opted_out_at is None), ([], False))

    def test_the_organizations_own_words(self) -> None:
        CallingRules.objects.create(organization=self.client_org, opt_out_phrases={"en": ["pineapple please"], "nl": []})
        self.says(self.call(), "Stop calling me! Bel me niet meer!")
        self.assertEqual(self.listed(), [])
        self.says(self.call(to="+31612345679"), "Pineapple, please.")
        self.says(self.call(to="+31612345670"), "Ne m'appelez plus.")
        self.assertEqual([row[0] for row in self.listed()], ["+31612345679", "+31612345670"])

    def test_an_entry_whose_time_is_over_begins_anew_and_a_valid_one_stays(self) -> None:
        now = db.now()
        factories.make_refusal(self.client_org, SAM, reason="Asked in May", source="import", expires_at=now - dt.timedelta(days=1))
        factories.make_refusal(self.client_org, "+31612345679", reason="Asked in June", source="import")
        call = self.says(self.call(), "Stop calling me.")
        with pytest.raises(Invalid):
            self.call(to="+31612345679")
        self.assertEqual(self.listed(), [(SAM, "phrase", call.public_id, ""), ("+31612345679", "import", "", "Asked in June")])
        self.assertEqual(refused_among(self.client_org, [SAM], db.now()), {SAM})


class KeyTest(OptOutCase):
    def presses(self, call: Call, digit: Any) -> Call:
        return self.told(call, "call-progress", seq=2, kind="dtmf", data={"digit": digit})

    def test_the_organizations_key(self) -> None:
        CallingRules.objects.create(organization=self.client_org, opt_out_key="9")
        call = self.presses(self.call(), "9")
        self.assertEqual(self.listed(), [(SAM, "key", call.public_id, "")])
        self.assertEqual(CallEvent.objects.get(call=call, kind="dtmf").data, {})

    def test_another_key_or_none_at_all(self) -> None:
        for digit in ("8", "", None, 9):
            self.presses(self.call(), digit)
        CallingRules.objects.create(organization=self.client_org, opt_out_key="9")
        for digit in ("8", "", None, 9):
            self.presses(self.call(), digit)
        self.assertEqual(self.listed(), [])


class ToolTest(OptOutCase):
    def tool(self, call: Call, name: str, ident: str = "tool_1", /, **arguments: Any) -> Any:
        entry = {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}
        answer = post(self.connection, event("tool-calls", call, tool_call_list=[entry]))
        self.assertEqual(answer.status_code, 200, answer.content)
        call.refresh_from_db()
        (result,) = answer.json()["results"]
        self.assertEqual(result["tool_call_id"], ident)
        return json.loads(result["result"]) if isinstance(result["result"], str) else result["result"]

    def test_the_assistant_puts_the_number_on_the_list(self) -> None:
        for name, number in (("opt_out", SAM), ("do_not_call", "+31612345679")):
            call = self.call(to=number)
            self.assertEqual(self.tool(call, name), {"ok": True, "message": "This number will not be called again."})
            self.assertIsNotNone(call.opted_out_at)
            self.assertEqual(self.listed()[-1], (number, "tool", call.public_id, ""))
            self.assertEqual([each["name"] for each in call.tool_calls], [name])

    def test_it_is_never_relayed_whatever_server_it_names(self) -> None:
        tool = {"type": "function", "function": {"name": "opt_out"}, "server": {"url": "http://127.0.0.1:9/none"}}
        call = self.call(assistant=factories.make_assistant(self.client_org, tools=[tool]))
        self.assertEqual(self.tool(call, "opt_out")["ok"], True)

    def test_the_same_request_again_gets_the_same_answer_and_lists_once(self) -> None:
        call = self.call()
        self.assertEqual(self.tool(call, "opt_out"), self.tool(call, "opt_out"))
        self.assertEqual(len(self.listed()), 1)

    def test_a_call_back_in_minutes_and_at_a_time_of_the_person(self) -> None:
        call, now = self.call(), db.now()
        self.assertEqual(self.tool(call, "request_callback", "a", minutes=90)["ok"], True)
        self.assertAlmostEqual((call.callback_at - now).total_seconds(), 90 * 60, delta=30)
        day = (now + dt.timedelta(days=40)).date()
        self.tool(call, "request_callback", "b", at=f"{day}T15:30:00+00:00")
        self.assertEqual(call.callback_at, dt.datetime.combine(day, dt.time(15, 30), dt.UTC))
        self.tool(call, "request_callback", "c", text=f"{day}T15:30")
        self.assertEqual(call.callback_at.astimezone(ZoneInfo("Europe/Amsterdam")).strftime("%H:%M"), "15:30")
        self.assertEqual(CallEvent.objects.filter(call=call, kind="callback").count(), 3)

    def test_a_call_back_that_cannot_be(self) -> None:
        call, now = self.call(), db.now()
        wrong = [
            {}, {"minutes": 0}, {"minutes": -5}, {"minutes": True}, {"minutes": "soon"}, {"minutes": 91 * 24 * 60},
            {"minutes": 1e300}, {"at": (now - dt.timedelta(minutes=1)).isoformat()}, {"at": "tomorrow"}, {"text": "next week"},
            {"at": (now + dt.timedelta(days=91)).isoformat()}, {"at": 17}, {"at": "0001-01-01T00:00:00"},
        ]  # fmt: skip
        for number, arguments in enumerate(wrong):
            result = self.tool(call, "request_callback", f"w{number}", **arguments)
            self.assertEqual(sorted(result), ["error", "now"], arguments)
        self.assertIsNone(call.callback_at)

