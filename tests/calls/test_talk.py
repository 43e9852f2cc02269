"""The page "Talk to this assistant" over real HTTP against the sandbox, and this server as an engine."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import Client

from apps.accounts.models import User
from apps.calls.models import Call
from apps.core import db
from apps.voice.client import Engine
from apps.voice.models import Connection
from apps.voice.services import refresh
from tests import factories
from tests.calls.support import make_connection, scope_of
from tests.cases import TenantCase
from tests.engine import Sandbox
from tests.receivers import Receiver, Reply

PROMPT = "A check-up costs 45 euros. We are open on weekdays from nine to five."
MARKUP = "<img src=x onerror=alert(1)>"
QUERIES = 12
HTMX = {"HX-Request": "true"}


class TalkCase(TenantCase):
    def setUp(self) -> None:
        self.sandbox = Sandbox.shared()
        self.addCleanup(self.sandbox.faults)
        self.connection = self.sandbox.connection()
        self.org = f"/o/{self.client_org.slug}"
        self.assistant = self.make_assistant()
        self.browser = self.as_(self.cleo)

    def make_assistant(self, **fields: Any) -> Any:
        llm = {"provider": "openai", "model": "gpt-5.4", "messages": [{"role": "system", "content": PROMPT}], "tools": [{"type": "end_call"}]}
        values = {"name": "Front desk", "first_message": f"Good morning {MARKUP}", "llm_config": llm} | fields
        return factories.make_assistant(self.client_org, **values)

    def begin(self, browser: Client | None = None, *, key: str = "", assistant: Any = None) -> Any:
        path = f"{self.org}/assistants/{(assistant or self.assistant).pk}/talk"
        return (browser or self.browser).post(path, {"key": key or str(uuid.uuid4())})

    def begun(self, **options: Any) -> Call:
        answer = self.begin(**options)
        self.assertEqual(answer.status_code, 302, answer.content)
        with scope_of(self.client_org):
            return Call.objects.select_related("connection").get(public_id=answer["Location"].split("/")[-2])

    def say(self, call: Call, text: str, **headers: str) -> Any:
        return self.browser.post(f"{self.org}/calls/{call.public_id}/talk/say", {"text": text}, headers=headers)

    def page(self, call: Call, browser: Client | None = None) -> str:
        return (browser or self.browser).get(f"{self.org}/calls/{call.public_id}/talk").content.decode()

    def again(self, call: Call) -> Call:
        with scope_of(self.client_org):
            return Call.objects.select_related("connection").get(pk=call.pk)

    def viewer(self) -> User:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        return viewer


class StartTest(TalkCase):
    def test_says_what_one_talks_to(self) -> None:
        page = self.browser.get(f"{self.org}/assistants/{self.assistant.pk}/talk").content.decode()
        for words in ("Talk to Front desk", "Changes in the editor that are not saved yet do not count", "Simulated", "Start talking"):
            self.assertIn(words, page)

    def test_begins_a_real_call_with_the_greeting(self) -> None:
        call = self.begun()
        self.assertEqual((call.direction, call.status, call.origin, call.is_simulated, call.own_number), ("web", "in-progress", "page", True, None))
        page = self.page(call)
        self.assertIn("Good morning &lt;img src=x onerror=alert(1)&gt;", page)
        self.assertNotIn(MARKUP, page)
        for secret in (self.sandbox.url, self.sandbox.key, str(call.ref)):
            self.assertNotIn(secret, page)

    def test_a_second_click_is_the_same_talk(self) -> None:
        key = str(uuid.uuid4())
        self.assertEqual(self.begun(key=key).pk, self.begun(key=key).pk)
        with scope_of(self.client_org):
            self.assertEqual(Call.objects.count(), 1)
            self.assertEqual(len(Call.objects.get().turns or []), 1)

    def test_why_it_cannot_be_used(self) -> None:
        idle = factories.make_assistant(self.client_org, is_active=False)
        for change, assistant, words in (
            ({}, idle, "The assistant is not active"),
            ({"engine": {"kind": "worker", "features": ["reference"]}, "engine_read_at": db.now()}, self.assistant, "Assistants can be called here, not written to."),
            ({"failing_since": db.now()}, self.assistant, "Calls are not possible at the moment."),
            ({"is_active": False}, self.assistant, "Calls are not possible at the moment."),
        ):
            with scope_of(self.client_org):
                Connection.objects.filter(pk=self.connection.pk).update(**change)
            page = self.browser.get(f"{self.org}/assistants/{assistant.pk}/talk").content.decode()
            self.assertIn(words, page)
            self.assertRegex(page, r'<button type="submit" disabled[^>]* form="talk-start"')
            answer = self.begin(assistant=assistant)
            self.assertEqual(answer.status_code, 422)
            self.assertContains(answer, words, status_code=422)
        with scope_of(self.client_org):
            self.assertEqual(Call.objects.count(), 0)

    def test_an_engine_that_was_never_asked_is_asked_by_the_button(self) -> None:
        with scope_of(self.client_org):
            Connection.objects.filter(pk=self.connection.pk).update(engine={}, engine_read_at=None)
        self.assertNotIn("not written to", self.browser.get(f"{self.org}/assistants/{self.assistant.pk}/talk").content.decode())
        self.assertEqual(self.begun().status, "in-progress")
        with Receiver(Reply(404, {})) as base, scope_of(self.client_org):
            Connection.objects.filter(pk=self.connection.pk).update(base_url=base.url, engine={}, engine_read_at=None)
            answer = self.begin()
        self.assertContains(answer, "Assistants can be called here, not written to.", status_code=422)

    def test_an_engine_that_refuses_says_so_on_the_page(self) -> None:
        self.sandbox.faults(errors=1)
        answer = self.begin()
        self.assertContains(answer, "Ordered error", status_code=422)

    def test_who_may(self) -> None:
        viewer = self.as_(self.viewer())
        self.assertEqual(self.begin(viewer).status_code, 403)
        self.assertEqual(self.begin(self.as_(self.ada)).status_code, 302)
        self.assertEqual(self.begin(self.as_(self.dov)).status_code, 404)
        theirs = factories.make_assistant(self.stranger, name="Secret-canary")
        answer = self.browser.get(f"{self.org}/assistants/{theirs.pk}/talk")
        self.assertEqual(answer.status_code, 404)
        self.assertNotIn(b"canary", answer.content)


class TalkTest(TalkCase):
    def test_question_and_answer(self) -> None:
        call = self.begun()
        answer = self.say(call, "What does a check-up in euros cost?", **HTMX)
        self.assertEqual(answer.status_code, 200)
        said = answer.content.decode()
        self.assertIn("What does a check-up in euros cost?", said)
        self.assertIn("A check-up costs 45 euros.", said)
        self.assertNotIn("Good morning", said)
        self.assertNotIn("talk-foot", said)
        page = self.page(call)
        self.assertLess(page.index("Good morning"), page.index("in euros cost?"))
        self.assertLess(page.index("in euros cost?"), page.index("A check-up costs"))
        self.assertEqual([each["role"] for each in self.again(call).turns], ["assistant", "user", "assistant"])

    def test_without_javascript(self) -> None:
        call = self.begun()
        answer = self.say(call, f"Hello {MARKUP}")
        self.assertRedirects(answer, f"{self.org}/calls/{call.public_id}/talk")
        self.assertIn("Hello &lt;img", self.page(call))
        self.assertEqual(self.say(call, "  ").status_code, 302)
        self.assertIn("This field is required", self.page(call))
        ended = self.browser.post(f"{self.org}/calls/{call.public_id}/talk/end")
        self.assertRedirects(ended, f"{self.org}/calls/{call.public_id}")

    def test_a_goodbye_ends_it(self) -> None:
        call = self.begun()
        answer = self.say(call, "Thank you, goodbye!", **HTMX)
        self.assertIn('hx-swap-oob="true"', answer.content.decode())
        self.assertIn("The talk is over.", answer.content.decode())
        late = self.say(call, "Are you there?", **HTMX)
        self.assertEqual((late.status_code, "The talk is over." in late.content.decode()), (200, True))

    def test_the_end_button(self) -> None:
        call = self.begun()
        answer = self.browser.post(f"{self.org}/calls/{call.public_id}/talk/end", headers=HTMX)
        self.assertIn("The talk is over.", answer.content.decode())
        found = Engine(call.connection).get_call(str(call.ref))
        self.assertEqual((found["status"], found["end_reason"]), ("ended", "api_hangup"))
        again = self.browser.post(f"{self.org}/calls/{call.public_id}/talk/end", headers=HTMX)
        self.assertEqual(again.status_code, 200)

    def test_what_stands_below_afterwards(self) -> None:
        call = self.begun()
        self.say(call, "Goodbye!", **HTMX)
        foot = f"{self.org}/calls/{call.public_id}/talk/foot"
        self.assertIn('hx-trigger="every 1s"', self.browser.get(foot).content.decode())
        with scope_of(self.client_org):
            now = db.now()
            call.change(now, status="ended", end_reason="assistant_hangup", ended_at=now, duration_seconds=64, cost=120000, is_charged=False, settled_at=now)
        shown = self.browser.get(foot).content.decode()
        self.assertNotIn("hx-trigger", shown)
        for words in ("Open the call", "Talk again"):
            self.assertIn(words, shown)
        # The agency's own price, as long as the client has no wallet.
        self.assertNotIn("would have cost", shown)
        self.assertIn("would have cost", self.as_(self.ada).get(foot).content.decode())
        page = self.page(call)
        self.assertIn("The talk is over.", page)
        self.assertNotIn("<textarea", page)

    def test_a_message_that_does_not_arrive(self) -> None:
        call = self.begun()
        self.sandbox.faults(errors=1)
        answer = self.say(call, "Hello?", **HTMX)
        self.assertEqual((answer.status_code, answer.headers["HX-Reswap"]), (422, "none"))
        self.assertIn("not possible at the moment", answer.headers["HX-Trigger"])
        self.sandbox.faults()
        self.assertEqual(self.say(call, "Hello?", **HTMX).status_code, 200)
        self.assertEqual(self.say(call, "x" * 2001, **HTMX).status_code, 422)

    def test_tool_calls_are_shown_once_and_in_place(self) -> None:
        llm = {"provider": "openai", "model": "gpt-5.4", "messages": [{"role": "system", "content": PROMPT}], "tools": [
            {"type": "function", "function": {"name": "find_appointment", "description": "Finds an appointment", "parameters": {"type": "object", "properties": {}}}},
        ]}  # fmt: skip
        call = self.begun(assistant=self.make_assistant(llm_config=llm))
        said = self.say(call, "Can you find an appointment?", **HTMX).content.decode()
        self.assertEqual(said.count("find_appointment</span>"), 1)
        self.assertLess(said.index("Can you find"), said.index("find_appointment</span>"))
        page = self.page(call)
        self.assertEqual(page.count("find_appointment</span>"), 1)
        self.assertEqual([each["name"] for each in self.again(call).tool_calls], ["find_appointment"])

    def test_under_gdpr_mode_nothing_is_kept(self) -> None:
        call = self.begun(assistant=self.make_assistant(gdpr_mode=True))
        said = self.say(call, "My secret is zebrafinch.", **HTMX).content.decode()
        self.assertIn("zebrafinch", said)
        self.assertIsNone(self.again(call).turns)
        page = self.page(call)
        self.assertNotIn("zebrafinch", page)
        self.assertIn("GDPR mode", page)
        self.assertIn("okapi", self.say(call, "Also okapi.").content.decode())

    def test_viewers_read_along(self) -> None:
        call, viewer = self.begun(), self.as_(self.viewer())
        page = self.page(call, viewer)
        self.assertIn("Good morning", page)
        self.assertNotIn("<textarea", page)
        for what in ("say", "end"):
            self.assertEqual(viewer.post(f"{self.org}/calls/{call.public_id}/talk/{what}", {"text": "Hi"}).status_code, 403)

    def test_other_calls_open_as_what_they_are(self) -> None:
        call = factories.make_call(self.client_org, status="in-progress", ref="eng-1", connection=self.connection, ended_at=None)
        self.assertRedirects(self.browser.get(f"{self.org}/calls/{call.public_id}/talk"), f"{self.org}/calls/{call.public_id}")
        self.assertIn("The talk is over.", self.say(call, "Hi.", **HTMX).content.decode())
        typed = self.begun()
        dov = self.as_(self.dov)
        for what in ("", "/foot"):
            self.assertEqual(dov.get(f"/o/{self.stranger.slug}/calls/{typed.public_id}/talk{what}").status_code, 404)
        for what in ("/say", "/end"):
            self.assertEqual(dov.post(f"/o/{self.stranger.slug}/calls/{typed.public_id}/talk{what}", {"text": "Hi"}).status_code, 404)

    def test_the_list_says_web(self) -> None:
        call = self.begun()
        page = self.browser.get(f"{self.org}/calls?direction=web").content.decode()
        self.assertIn(call.public_id, page)
        self.assertIn("Web visitor", page)
        self.assertNotIn(call.public_id, self.browser.get(f"{self.org}/calls?direction=outbound").content.decode())

    def test_short_and_long_talks_cost_the_same_queries(self) -> None:
        call = self.begun()
        path = f"{self.org}/calls/{call.public_id}/talk"
        self.browser.get(path)
        with self.assertNumQueries(QUERIES):
            self.browser.get(path)
        self.say(call, "What does it cost?")
        self.say(call, "And when are you open?")
        with self.assertNumQueries(QUERIES):
            self.browser.get(path)


class AnswerTest(TalkCase):
    """Answers of an engine that is not ours."""

    def test_strange_answers_are_read_with_care(self) -> None:
        strange = [
            {"role": "assistant", "content": "One\x00."}, {"role": "system", "content": "no"}, {"role": "user", "content": 7}, "x",
            {"role": "assistant", "content": "Two.", "turn": 10**12}, {"role": "assistant", "content": "x" * 5000},
        ]  # fmt: skip
        tools = [{"id": "t1", "name": "look_up", "arguments": {}, "result": {"error": "no"}}, {"name": "no id"}, 3]
        call = self.begun()
        with Receiver(Reply(200, {"messages": strange, "tool_calls": tools, "ended": "yes"})) as engine:
            self.point(engine.url)
            answer = self.say(call, "Hello", **HTMX)
        self.assertEqual(answer.status_code, 200)
        turns = self.again(call).turns
        self.assertEqual([(each["turn"], each["content"][:9]) for each in turns[1:]], [(2, "One."), (5, "Two."), (6, "x" * 9)])
        self.assertEqual(len(turns[-1]["content"]), 4000)
        self.assertEqual([each["id"] for each in self.again(call).tool_calls], ["t1"])

    def test_answers_that_are_none(self) -> None:
        call = self.begun()
        for reply in (Reply(500, {}), Reply(200, {}), Reply(200, b"<html>"), Reply(403, {"error": "no"}), Reply(cut=True)):
            with Receiver(reply) as engine:
                self.point(engine.url)
                self.assertEqual(self.say(call, "Hello", **HTMX).status_code, 422)
        self.assertEqual(len(self.again(call).turns), 1)

    def point(self, url: str) -> None:
        with scope_of(self.client_org):
            Connection.objects.filter(pk=self.connection.pk).update(base_url=url)


class EngineTest(TenantCase):
    def body(self) -> dict[str, Any]:
        answer = self.api(self.client_org).get("/engine")
        self.assertEqual(answer.status_code, 200)
        return answer.json()

    def test_this_server_as_an_engine(self) -> None:
        body = self.body()
        self.assertEqual((body["kind"], body["simulated"], body["features"]), ("switchboard", False, ["idempotency", "reference", "event_id"]))
        self.assertEqual(body["answer_seconds"], {"assistant-request": 5, "tool-calls": 10})
        self.assertEqual(body["control"], ["inject-context", "say", "end-call", "transfer"])
        self.assertEqual((body["instance"], body["providers"], body["sip"]), (None, None, None))
        self.assertEqual(body["limits"], {"concurrent": None, "starts_per_second": None})

    def test_simulated_is_that_of_its_own_engine(self) -> None:
        make_connection(engine={"kind": "sandbox", "simulated": True, "clock": 0, "needs_keys": False, "sip": {"target": "sip.example.org", "transports": ["tls"]}})
        body = self.body()
        self.assertEqual((body["simulated"], body["clock"], body["needs_keys"]), (True, 0, False))
        self.assertEqual(body["sip"], {"target": "sip.example.org", "transports": ["tls"]})
        self.assertEqual((body["kind"], len(body["features"])), ("switchboard", 3))

    def test_another_switchboard_reads_it(self) -> None:
        """Over real HTTP, with the client that reads every engine."""
        with Receiver(Reply(200, self.body())) as server:
            connection = make_connection(base_url=f"{server.url}/api/v1", engine={}, engine_read_at=None)
            with scope_of(self.client_org):
                known = refresh(connection, db.now())
            self.assertEqual(server.received[0].path, "/api/v1/engine")
        self.assertEqual((known.kind, known.instance, known.simulated), ("switchboard", None, False))
        self.assertTrue(all(known.has(name) for name in ("idempotency", "reference", "event_id")))
        self.assertEqual((known.customer_seconds("assistant-request"), known.customer_seconds("tool-calls")), (4, 9))

    def test_needs_a_key(self) -> None:
        self.assertEqual(Client().get("/api/v1/engine").status_code, 401)
