"""The receiver: who may speak, who answers a call, how tools are run, and within which time."""

from __future__ import annotations

import time
import uuid
from typing import Any

from apps.billing.models import Hold
from apps.calls.models import Call, EngineEvent
from apps.calls.services.events import open_events
from apps.calls.sql import organization_of_hook
from apps.core import db
from apps.webhooks.models import Delivery
from tests import factories
from tests.calls.support import SECRET, apply, event, make_connection, post, running_call, scope_of, talk
from tests.cases import TenantCase
from tests.receivers import Receiver, Reply

OTHER = "+31600000001"
TOOL = {"type": "function", "name": "look_up", "description": "Finds.", "parameters": {"type": "object", "properties": {}}}


class HookCase(TenantCase):
    def setUp(self) -> None:
        self.connection = make_connection()
        self.assistant = factories.make_assistant(self.client_org, name="Front desk", first_message="Good morning.")
        self.number = factories.make_number(self.client_org, assistant=self.assistant, transfer_trunk=factories.make_trunk(self.client_org))

    def change(self, row: Any, **values: Any) -> None:
        with scope_of(self.client_org):
            row.change(db.now(), **values)

    def incoming(self, ref: str = "", *, to: str = "", **options: Any) -> Any:
        """Somebody calls our number; returns the engine's answer from us."""
        message = {
            "type": "assistant-request", "timestamp": "2026-01-05T09:30:00.000Z", "seq": 1,
            "engine": {"instance": "i", "simulated": options.pop("simulated", True)},
            "call": {"id": ref or f"eng-{uuid.uuid4().hex[:8]}", "type": "inbound_phone_call", "status": "ringing", "pipeline": "standard"},
            "phone_number": {"id": None, "number": to or str(self.number), "name": None}, "customer": {"number": OTHER},
            "deadline_ms": options.pop("deadline_ms", 6000), "forwarded_from": None,
        }  # fmt: skip
        answer = post(options.pop("connection", self.connection), message, **options)
        return answer.json() if answer.status_code == 200 else answer.status_code

    def one_call(self) -> Call:
        with scope_of(self.client_org):
            return Call.objects.select_related("organization").get()


class SignatureTest(HookCase):
    def test_no_wrong_or_old_signature_is_401_and_nothing_is_read(self) -> None:
        message = event("status-update", seq=1)
        other = make_connection(self.stranger, hook_secret="whsec_other")
        for options in ({"signed": False}, {"secret": "guess"}, {"age": 301}, {"age": -305}, {"secret": "whsec_other"}):
            self.assertEqual(post(self.connection, message, **options).status_code, 401, options)
        self.assertEqual(post(self.connection, b"{broken", secret="guess").status_code, 401)
        self.assertEqual(post(other, message, secret=SECRET).status_code, 401)
        with scope_of(self.stranger):
            self.assertFalse(EngineEvent.objects.exists())

    def test_both_secrets_count_while_one_is_replaced(self) -> None:
        self.change(self.connection, hook_secret="new", hook_secret_before=SECRET)
        for secret in ("new", SECRET):
            self.assertEqual(post(self.connection, event("status-update"), secret=secret).status_code, 200)

    def test_what_is_no_event(self) -> None:
        self.assertEqual(post(self.connection, b"{broken").status_code, 400)
        self.assertEqual(post(self.connection, b"[]").status_code, 400)
        self.assertEqual(post(self.connection, {"type": "weather-report"}).json(), {})
        self.assertEqual(post(self.connection, event("status-update"), hook="unknown").status_code, 404)
        self.assertEqual(post(self.connection, b"x" * (4 * 2**20 + 1)).status_code, 413)


class DoorTest(HookCase):
    def test_a_connection_speaks_only_for_its_own_organizations(self) -> None:
        theirs = make_connection(self.stranger)
        agencys = make_connection(self.agency)
        with scope_of(self.client_org):
            call = running_call(self.client_org, self.connection, assistant=self.assistant, number=self.number)
        for connection, allowed in ((self.connection, True), (agencys, True), (theirs, False)):
            found = organization_of_hook(connection.hook_id, number=str(self.number))
            assert found
            self.assertEqual(found.organization_id, self.client_org.pk if allowed else None)
        for connection, allowed in ((self.connection, True), (agencys, False), (theirs, False)):
            for wanted in ({"call": call.public_id}, {"ref": call.ref}):
                found = organization_of_hook(connection.hook_id, **wanted)
                assert found
                self.assertEqual(found.call_id, call.pk if allowed else None)

    def test_a_strangers_engine_cannot_touch_a_call(self) -> None:
        theirs = make_connection(self.stranger)
        with scope_of(self.client_org):
            call = running_call(self.client_org, self.connection, assistant=self.assistant, number=self.number)
        for message in talk(call):
            self.assertEqual(post(theirs, message).status_code, 200)
        with scope_of(self.client_org):
            apply(call)
        self.assertEqual(call.status, "connecting")
        self.assertEqual(open_events(db.now()), [])

    def test_events_of_an_unknown_call_are_bound_when_it_appears(self) -> None:
        early = event("status-update", seq=1)
        early["call"] = {"id": "eng-early", "type": "outbound_phone_call", "status": "in-progress"}
        self.assertEqual(post(self.connection, early).json(), {})
        with scope_of(self.client_org):
            self.assertIsNone(EngineEvent.objects.get().organization_id)
            call = running_call(self.client_org, self.connection, ref="eng-early", assistant=self.assistant, number=self.number)
            apply(call)
        self.assertEqual(call.status, "in-progress")

    def test_an_inbound_call_we_were_never_asked_about(self) -> None:
        message = event("status-update", seq=2)
        message |= {
            "call": {"id": "eng-in", "type": "inbound_phone_call", "status": "in-progress"},
            "phone_number": {"number": str(self.number)}, "customer": {"number": OTHER},
        }  # fmt: skip
        post(self.connection, message)
        call = self.one_call()
        with scope_of(self.client_org):
            apply(call)
        self.assertEqual((call.direction, call.status, call.assistant_name, call.other_number), ("inbound", "in-progress", "Front desk", OTHER))


class InboundTest(HookCase):
    def test_the_saved_assistant_answers(self) -> None:
        self.change(self.assistant, recording_consent={"enabled": True, "message": "May we record?"}, gdpr_mode=True)
        answer = self.incoming("eng-1")
        call = self.one_call()
        self.assertEqual((call.status, call.direction, call.ref, call.is_simulated), ("ringing", "inbound", "eng-1", True))
        self.assertEqual(answer["reference"], call.public_id)
        self.assertEqual(answer["assistant"]["first_message"], "Good morning.")
        self.assertEqual(answer["assistant"]["recording_consent"]["message"], "May we record?")
        self.assertTrue(answer["assistant"]["gdpr_mode"])
        self.assertEqual(answer["assistant"]["metadata"], {"switchboard_call_id": call.public_id})
        self.assertEqual(answer["transfer_trunk"]["address"], "sip.example.com")

    def test_a_repeat_gets_the_stored_answer(self) -> None:
        identity = str(uuid.uuid4())
        first = self.incoming("eng-1", webhook_id=identity)
        self.assertEqual(self.incoming("eng-1", webhook_id=identity), first)
        self.one_call()

    def refused(self, reason: str) -> None:
        answer = self.incoming(f"eng-{reason}")
        with scope_of(self.client_org):
            call = Call.objects.get(ref=f"eng-{reason}")
        self.assertEqual((call.status, call.end_reason, call.started_at, call.cost), ("rejected", reason, None, 0))
        self.assertEqual((answer["reference"], bool(answer["error"])), (call.public_id, True))
        self.assertNotIn("assistant", answer)

    def test_calls_that_are_refused(self) -> None:
        self.change(self.assistant, is_active=False)
        self.refused("assistant_inactive")
        self.change(self.number, assistant=None)
        self.refused("no_assistant")
        self.change(self.number, is_active=False)
        self.refused("number_inactive")
        self.change(self.client_org, suspended_at=db.now())
        self.refused("suspended")

    def test_no_credit_no_answer(self) -> None:
        self.assertIn("error", self.incoming("eng-1", simulated=False))
        self.assertEqual(self.one_call().end_reason, "insufficient_credits")
        factories.add_credits(self.agency, 1)
        self.assertIn("assistant", self.incoming("eng-2", simulated=False))
        with scope_of(self.client_org):
            self.assertEqual(Hold.objects.open().count(), 1)

    def test_a_number_nobody_registered(self) -> None:
        self.assertEqual(self.incoming(to="+31859999999"), {"reject": {"sip": 480}})

    def test_the_engine_of_a_stranger_gets_no_assistant(self) -> None:
        theirs = make_connection(self.stranger)
        self.assertEqual(self.incoming(connection=theirs), {"reject": {"sip": 480}})

    def test_an_answer_that_ends_as_refused_stays_refused(self) -> None:
        self.change(self.assistant, is_active=False)
        self.incoming("eng-1")
        call = self.one_call()
        post(self.connection, event("status-update", call, status="ended", end_reason="rejected_by_webhook"))
        with scope_of(self.client_org):
            apply(call)
        self.assertEqual((call.status, call.end_reason), ("rejected", "assistant_inactive"))


class CustomersAnswerTest(HookCase):
    def ask(self, reply: Any, **options: Any) -> tuple[dict[str, Any], list[Any]]:
        """The engine's answer, and what the customer's server was asked."""
        with Receiver(reply if isinstance(reply, Reply) else Reply(body=reply)) as server:
            if options.pop("account", False):
                self.change(self.client_org, webhook_url=server.url, webhook_secret="account")
            else:
                self.change(self.assistant, webhook_url=server.url, webhook_secret="s3cret")
            return self.incoming(**options), server.received

    def test_what_is_asked(self) -> None:
        _answer, asked = self.ask({})
        message, headers = asked[0].json["message"], asked[0].headers
        self.assertEqual((message["type"], message["call"]["status"], message["call"]["pipeline"]), ("assistant-request", "ringing", "standard"))
        self.assertEqual(message["phone_number"], {"id": str(self.number.pk), "number": str(self.number), "name": "Main line"})
        self.assertEqual(message["customer"], {"number": OTHER})
        self.assertNotIn("assistant", message)
        self.assertTrue(headers["x-webhook-signature"].startswith("sha256="))

    def test_nothing_said_means_the_saved_one(self) -> None:
        answer, _asked = self.ask({})
        self.assertEqual(answer["assistant"]["first_message"], "Good morning.")

    def test_keys_replace_the_saved_blocks(self) -> None:
        answer, _asked = self.ask({"assistant": {"firstMessage": "Hello Sam.", "metadata": {"crm_id": "77"}}, "max_duration_seconds": 60})
        self.assertEqual((answer["assistant"]["first_message"], answer["assistant"]["max_duration_seconds"]), ("Hello Sam.", 60))
        call = self.one_call()
        self.assertEqual(call.metadata, {"crm_id": "77"})
        with scope_of(self.client_org):
            apply(call)
        post(self.connection, event("status-update", call))
        with scope_of(self.client_org):
            apply(call)
            told = Delivery.objects.get(event="status-update")
        self.assertIn('"crm_id":"77"', told.body)
        self.assertNotIn("switchboard_call_id", told.body)

    def test_another_saved_assistant(self) -> None:
        other = factories.make_assistant(self.client_org, name="Night", first_message="Good night.")
        answer, _asked = self.ask({"assistantId": str(other.pk), "assistantOverride": {"voicemail_detection": True}})
        self.assertEqual(answer["assistant"]["first_message"], "Good night.")
        self.assertEqual(self.one_call().assistant_name, "Night")

    def test_what_cannot_be_used_changes_nothing(self) -> None:
        foreign = factories.make_assistant(self.stranger, first_message="Stranger.")
        for number, reply in enumerate((
            {"assistant_id": str(foreign.pk)}, {"assistant": {"llm_config": {"provider": "nobody", "model": "x"}}}, [1],
            Reply(status=500), Reply(body=b"<html>"), Reply(cut=True),
        )):  # fmt: skip
            answer, _asked = self.ask(reply, ref=f"eng-{number}")
            self.assertEqual(answer["assistant"]["first_message"], "Good morning.", reply)

    def test_closed(self) -> None:
        answer, _asked = self.ask({"error": "We are closed."})
        self.assertEqual(answer["error"], "We are closed.")
        call = self.one_call()
        self.assertEqual((call.status, call.end_reason, call.error), ("rejected", "rejected_by_webhook", "We are closed."))

    def test_a_late_customer_means_the_saved_assistant_and_our_answer_is_in_time(self) -> None:
        started = time.monotonic()
        answer, _asked = self.ask(Reply(wait=4), deadline_ms=1500)
        self.assertLess(time.monotonic() - started, 2.5)  # 1 s in truth; the machine may be busy
        self.assertEqual(answer["assistant"]["first_message"], "Good morning.")

    def test_the_filter_decides_whether_it_is_asked(self) -> None:
        self.change(self.assistant, webhook_events=["status-update"])
        _answer, asked = self.ask({"assistant": {"first_message": "No."}})
        self.assertEqual(asked, [])

    def test_a_number_without_assistant_asks_the_account(self) -> None:
        self.change(self.number, assistant=None)
        self.assertIn("error", self.ask({}, account=True, ref="eng-1")[0])
        whole = {
            "first_message": "One time.", "llm_config": {"provider": "openai", "model": "gpt-5.4"},
            "stt_config": {"provider": "deepgram", "model": "nova-3-general", "language": "nl"},
            "tts_config": {"provider": "elevenlabs", "voice_id": "v"},
        }  # fmt: skip
        answer, _asked = self.ask({"assistant": whole}, account=True, ref="eng-2")
        self.assertEqual(answer["assistant"]["first_message"], "One time.")
        incomplete = {"assistant": {"first_message": "Half."}}
        self.assertIn("error", self.ask(incomplete, account=True, ref="eng-3")[0])

    def test_a_client_does_not_fall_back_to_its_agencys_webhook(self) -> None:
        with scope_of(self.agency), Receiver() as server:
            self.agency.change(db.now(), webhook_url=server.url)
        self.change(self.number, assistant=None)
        self.assertIn("error", self.incoming())


class ToolTest(HookCase):
    def call(self, *tools: dict[str, Any], **values: Any) -> Call:
        self.change(self.assistant, llm_config={**self.assistant.llm_config, "tools": list(tools)}, **values)
        with scope_of(self.client_org):
            return running_call(self.client_org, self.connection, assistant=self.assistant, number=self.number)

    def run_tools(self, call: Call, *names: str, deadline_ms: int = 11000, ids: str = "t") -> list[Any]:
        wanted = [
            {"id": f"{ids}{number}", "type": "function", "function": {"name": name, "arguments": {"query": "Sam"}}}
            for number, name in enumerate(names)
        ]
        message = event("tool-calls", call, seq=5, tool_call_list=wanted, deadline_ms=deadline_ms)
        return [row["result"] for row in post(self.connection, message).json()["results"]]

    def result_of(self, reply: Any) -> Any:
        with Receiver(reply if isinstance(reply, Reply) else Reply(body=reply)) as server:
            return self.run_tools(self.call({**TOOL, "url": server.url}), "look_up")[0]

    def test_the_three_forms_of_an_answer(self) -> None:
        self.assertEqual(self.result_of({"results": [{"tool_call_id": "t0", "result": {"free": True}}]}), {"free": True})
        self.assertEqual(self.result_of({"results": [{"toolCallId": "t0", "result": 7}]}), 7)
        self.assertEqual(self.result_of({"result": [1, 2]}), [1, 2])
        self.assertEqual(self.result_of({"free": True}), {"free": True})
        self.assertEqual(self.result_of(Reply(body=b"Tuesday at nine")), "Tuesday at nine")
        self.assertEqual(self.result_of({"error": "No such contact"}), {"error": "No such contact"})

    def test_failures_give_the_model_an_error(self) -> None:
        self.assertEqual(self.result_of(Reply(status=500)), {"error": "The tool's server reported an error"})
        self.assertEqual(self.result_of(Reply(cut=True)), {"error": "The tool's server cannot be reached"})

    def test_a_slow_tool_is_answered_in_time(self) -> None:
        with Receiver(Reply(wait=4)) as server:
            call = self.call({**TOOL, "url": server.url})
            started = time.monotonic()
            self.assertEqual(self.run_tools(call, "look_up", deadline_ms=1500), [{"error": "Tool timed out"}])
            self.assertLess(time.monotonic() - started, 2.5)  # 1 s in truth; the machine may be busy

    def test_tool_then_assistant_then_account(self) -> None:
        with Receiver(Reply(body={"result": "tool"})) as own, Receiver(Reply(body={"results": [{"tool_call_id": "t1", "result": "assistant"}]})) as shared:
            call = self.call({**TOOL, "url": own.url, "server": {"secret": "t0p"}}, {**TOOL, "name": "book"}, webhook_url=shared.url)
            self.assertEqual(self.run_tools(call, "look_up", "book", "nobody"), ["tool", "assistant", {"error": "This tool has no server"}])
        message = own.received[0].json["message"]
        self.assertEqual(message["tool_call_list"], [{"id": "t0", "type": "function", "function": {"name": "look_up", "arguments": {"query": "Sam"}}}])
        self.assertEqual(message["call"]["id"], call.public_id)
        self.assertNotIn("t0p", own.received[0].body.decode())
        self.assertIn("x-webhook-signature", own.received[0].headers)
        self.assertNotIn("x-webhook-signature", shared.received[0].headers)

    def test_the_filter_stops_the_assistants_url_and_not_a_tools_own(self) -> None:
        with Receiver(Reply(body={"result": 1})) as server:
            call = self.call({**TOOL, "url": server.url}, {**TOOL, "name": "book"}, webhook_url=server.url, webhook_events=[])
            self.assertEqual(self.run_tools(call, "look_up", "book"), [1, {"error": "This tool has no server"}])

    def test_asynchronous_tools_are_queued(self) -> None:
        call = self.call({**TOOL, "url": "http://127.0.0.1:9/", "async": True, "message": "I will look."})
        self.assertEqual(self.run_tools(call, "look_up"), ["I will look."])
        with scope_of(self.client_org):
            self.assertEqual(Delivery.objects.get().event, "tool-calls")

    def test_a_repeated_call_gets_the_stored_answer(self) -> None:
        with Receiver(Reply(body={"result": "once"})) as server:
            call = self.call({**TOOL, "url": server.url})
            self.assertEqual(self.run_tools(call, "look_up"), self.run_tools(call, "look_up"))
        self.assertEqual(len(server.received), 1)
        with scope_of(self.client_org):
            call.refresh_from_db()
        self.assertEqual([(row["name"], row["result"]) for row in call.tool_calls], [("look_up", "once")])

    def test_gdpr_mode_logs_no_arguments(self) -> None:
        with Receiver(Reply(body={"result": "once"})) as server:
            call = self.call({**TOOL, "url": server.url}, gdpr_mode=True)
            self.run_tools(call, "look_up")
        with scope_of(self.client_org):
            call.refresh_from_db()
        self.assertIsNone(call.tool_calls)

    def test_a_call_nobody_knows(self) -> None:
        message = event("tool-calls", tool_call_list=[{"id": "x", "function": {"name": "look_up", "arguments": {}}}])
        message["call"] = {"id": "eng-x", "type": "outbound_phone_call"}
        self.assertEqual(post(self.connection, message).json(), {"results": [{"tool_call_id": "x", "result": {"error": "This call is not known"}}]})
