"""What happens after a call: a real report comes in, a stand-in model is asked over HTTP, the customer is told once."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from unittest import mock

from django.db import connection
from django.test import SimpleTestCase, override_settings

from apps.calls.models import Call, CallEvent, PendingReport
from apps.calls.services import analysis
from apps.calls.services.analysis_text import judge
from apps.calls.services.erase import erase_content
from apps.calls.services.quiet import record_read
from apps.catalog.models import PostCallModel
from apps.core import db
from apps.core.db import writes
from apps.mail.models import Message as Mail
from apps.webhooks.models import Delivery
from tests import factories
from tests.calls.support import apply, make_connection, post, running_call, scope_of, talk
from tests.cases import TenantCase
from tests.receivers import Received, Receiver, Reply

SCHEMA = {
    "type": "object", "required": ["day"],
    "properties": {"day": {"enum": ["monday", "friday"], "type": "string"}, "people": {"type": "integer"}},
}  # fmt: skip
SAID = [
    {"role": "assistant", "content": "Good morning, Bakker Dental."},
    {"role": "user", "content": "Hello, I would like a check-up on Friday, please."},
    {"role": "assistant", "content": "Friday it is."},
]


class Model(Receiver):
    """An OpenAI-compatible server that answers what it is told to, one answer after the other; the last one repeats."""

    def __init__(self, *answers: str | Reply) -> None:
        super().__init__(self._next)
        self.answers = list(answers)

    def _next(self, got: Received) -> Reply:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Reply):
            return answer
        usage = {"prompt_tokens": 100, "completion_tokens": 20}
        return Reply(body={"choices": [{"message": {"content": answer}}], "usage": usage})

    @property
    def asked(self) -> list[list[dict[str, str]]]:
        return [each.json["messages"] for each in self.received]

    def setup(self) -> Any:
        return override_settings(POSTCALL_LLM_BASE_URL=self.url, POSTCALL_LLM_MODEL="llama", POSTCALL_LLM_KEY="k")


def plan(**more: Any) -> dict[str, Any]:
    return {"structured_data_plan": {"enabled": True, "schema": SCHEMA, **more}}


class AnalysisCase(TenantCase):
    def setUp(self) -> None:
        factories.add_credits(self.agency, 100)
        self.connection = make_connection()

    def ended(self, *, report: dict[str, Any] | None = None, **fields: Any) -> Call:
        """A call whose engine has reported no summary and no analysis."""
        values = {"webhook_url": "http://127.0.0.1:9/", "notification_email": "cleo@example.com", "analysis_plan": None}
        assistant = factories.make_assistant(self.client_org, **values | fields)
        with scope_of(self.client_org):
            call = running_call(self.client_org, self.connection, assistant=assistant)
        messages = talk(call)
        messages[-1] |= {"summary": "", "messages": SAID, "analysis_done": False} | (report or {})
        messages[-1].pop("analysis")
        for message in messages:
            post(self.connection, message)
        with scope_of(self.client_org):
            apply(call)
        return call

    def run_analysis(self, call: Call) -> Call:
        with scope_of(self.client_org):
            analysis.analyse(organization_id=call.organization_id, call_id=call.pk)
            call.refresh_from_db()
        return call

    def reports(self) -> list[dict[str, Any]]:
        with scope_of(self.client_org):
            rows = Delivery.objects.for_organization(self.client_org).filter(event="end-of-call-report")
            return [json.loads(row.body)["message"] for row in rows]

    def later(self, seconds: int) -> Any:
        return mock.patch("apps.core.db.now", lambda now=db.now: now() + dt.timedelta(seconds=seconds))


class AnalysisTest(AnalysisCase):
    def test_summary_and_analysis_then_the_report(self) -> None:
        with Model("Sam wants a check-up on Friday.", '{"day": "friday", "people": 1}') as model, model.setup():
            call = self.ended(analysis_plan=plan())
            self.assertEqual((self.reports(), call.summary, call.status), ([], "", "ended"))
            self.run_analysis(call)
            self.run_analysis(call)  # a second worker, or a task that was sent twice
        self.assertEqual(len(model.received), 2)
        self.assertEqual((call.summary, call.analysis_result, call.analysis_problem), ("Sam wants a check-up on Friday.", {"day": "friday", "people": 1}, ""))
        (report,) = self.reports()
        self.assertEqual((report["summary"], report["analysis"], report["timestamp"]), (call.summary, call.analysis_result, "2026-01-05T09:31:30.000Z"))
        with scope_of(self.client_org):
            mail = Mail.objects.get()
            self.assertFalse(PendingReport.objects.exists())
            self.assertEqual(list(Delivery.objects.order_by("pk").values_list("event", flat=True)), ["status-update", "status-update", "end-of-call-report"])
        self.assertIn("Sam wants a check-up on Friday.", mail.text)
        counted = [(row["part"], row["provider"], row["model"], row["key"], row["unit"], row["quantity"]) for row in call.usage or []]
        self.assertEqual(counted, [("postcall_llm", "operator", "llama", "platform", "input_tokens", 100), ("postcall_llm", "operator", "llama", "platform", "output_tokens", 20)] * 2)

    def test_what_the_model_is_told(self) -> None:
        wanted = [
            {"role": "system", "content": "Read {{transcript}} by {{ schema }}; it ended by {{ended_reason}}."},
            {"role": "user", "content": "{duration} s from {caller_number}: {summary} {unknown} {{other}}"},
        ]
        with Model("They said {transcript}.", '{"day": "friday"}') as model, model.setup():
            self.run_analysis(self.ended(analysis_plan=plan(messages=wanted)))
        said = "Assistant: Good morning, Bakker Dental.\nCaller: Hello, I would like a check-up on Friday, please.\nAssistant: Friday it is."
        self.assertEqual(model.asked[0][1]["content"], f"Transcript of the call:\n\n{said}")
        self.assertEqual(model.asked[1], [
            {"role": "system", "content": f"Read {said} by {json.dumps(SCHEMA)}; it ended by user_hangup."},
            {"role": "user", "content": "84 s from +447700900001: They said {transcript}. {unknown} {{other}}"},
        ])  # fmt: skip

    def test_a_plan_without_placeholders_still_gets_schema_and_transcript(self) -> None:
        with Model("Sum.", '{"day": "friday"}') as model, model.setup():
            self.run_analysis(self.ended(analysis_plan=plan(messages=[{"role": "user", "content": "Which day?"}])))
        first, second, third = model.asked[1]
        self.assertIn(json.dumps(SCHEMA), first["content"])
        self.assertEqual(second["content"], "Which day?")
        self.assertIn("Caller: Hello, I would like a check-up", third["content"])

    def test_one_repair_with_the_validators_words(self) -> None:
        with Model("Sum.", '```json\n{"day": "sunday"}\n```', 'Sorry: {"day": "friday"}') as model, model.setup():
            call = self.run_analysis(self.ended(analysis_plan=plan()))
        self.assertEqual((call.analysis_result, call.analysis_problem), ({"day": "friday"}, ""))
        again = model.asked[2]
        self.assertEqual([each["role"] for each in again[-2:]], ["assistant", "user"])
        self.assertIn("day: 'sunday' is not one of ['monday', 'friday']", again[-1]["content"])

    def test_twice_wrong_is_an_honest_failure(self) -> None:
        with Model("Sum.", '{"day": "sunday", "people": "Sam Smith"}') as model, model.setup():
            call = self.run_analysis(self.ended(analysis_plan=plan()))
        self.assertEqual(len(model.received), 3)
        self.assertEqual((call.status, call.analysis_result), ("ended", None))
        self.assertEqual(call.analysis_problem, "The analysis was left out: twice the model's answer did not fit the schema (day, people).")
        (report,) = self.reports()
        self.assertEqual(("analysis" in report, report["summary"]), (False, "Sum."))
        self.assertContains(self.as_(self.cleo).get(f"/o/bakker-dental/calls/{call.public_id}"), "did not fit the schema (day, people)")

    def test_no_json_and_numbers_beyond_reason_are_no_analysis(self) -> None:
        for answer in ("I cannot.", '{"day": "friday", "people": 1e999}', '["friday"]', '{"day": "friday", "people": NaN}'):
            with self.subTest(answer), Model("Sum.", answer) as model, model.setup():
                self.assertIsNone(self.run_analysis(self.ended(analysis_plan=plan())).analysis_result)

    def test_a_schema_that_cannot_be_used(self) -> None:
        broken = {"type": "object", "properties": {"day": {"$ref": "#/nowhere"}}}
        with Model("Sum.", '{"day": "friday"}') as model, model.setup():
            call = self.run_analysis(self.ended(analysis_plan=plan(schema=broken)))
        self.assertEqual(call.analysis_problem, "The analysis was left out: its schema cannot be used.")
        self.assertEqual(len(self.reports()), 1)

    def test_the_threshold_counts_what_was_said(self) -> None:
        cases = [({"min_messages_threshold": 4}, None), ({"min_messages_threshold": 3}, {"day": "friday"}), ({}, {"day": "friday"})]
        for more, wanted in cases:
            with self.subTest(more), Model("Sum.", '{"day": "friday"}') as model, model.setup():
                call = self.ended(analysis_plan=plan() | more, report={"messages": [{"role": "system", "content": "x"}, *SAID]})
                self.assertEqual(self.run_analysis(call).analysis_result, wanted)

    def test_what_the_engine_did_is_kept(self) -> None:
        with Model("never") as model, model.setup():
            call = self.ended(analysis_plan=plan(), report={"summary": "By the engine.", "analysis_done": True})
            self.run_analysis(call)
        self.assertEqual((model.received, call.summary, len(self.reports())), ([], "By the engine.", 1))

    def test_a_switched_off_plan_is_not_run(self) -> None:
        with Model("Sum.") as model, model.setup():
            self.run_analysis(self.ended(analysis_plan=plan(enabled=False)))
        self.assertEqual(len(model.received), 1)

    def test_nothing_said_needs_no_model(self) -> None:
        with Model("never") as model, model.setup():
            self.ended(analysis_plan=plan(), report={"messages": [{"role": "system", "content": "You are."}]})
        self.assertEqual((model.received, [each["summary"] for each in self.reports()]), ([], [""]))

    def test_a_voicemail_is_told_and_quoted_without_a_model(self) -> None:
        left = [{"role": "user", "content": "Leave a message after the beep."}, {"role": "assistant", "content": "Please call Bakker Dental back."}]
        with Model("never") as model, model.setup():
            call = self.ended(report={"messages": left, "voicemail": {"detected": True, "message_left": True}})
        self.assertEqual((model.received, call.summary), ([], "An answering machine picked up. Message left: “Please call Bakker Dental back.”"))

    def test_without_a_model_an_excerpt_says_what_it_is(self) -> None:
        call = self.ended(analysis_plan=plan())
        quoted = "Automatic excerpt, not a summary. The caller said: “Hello, I would like a check-up on Friday, please.”"
        self.assertEqual((call.summary, call.analysis_result), (quoted, None))
        self.assertEqual(call.analysis_problem, "Nothing was analysed: no language model is set up for after the call.")
        (report,) = self.reports()
        self.assertEqual((report["summary"], "analysis" in report), (quoted, False))

    def test_an_organization_may_want_no_model(self) -> None:
        with Model("never") as model, model.setup():
            with scope_of(self.client_org):
                PostCallModel.objects.create(organization=self.client_org)
            call = self.ended()
        self.assertEqual((model.received, call.summary[:17]), ([], "Automatic excerpt"))

    def test_a_busy_model_is_asked_again_and_nothing_is_made_twice(self) -> None:
        with Model("Sum.", Reply(503), '{"day": "friday"}') as model, model.setup():
            call = self.ended(analysis_plan=plan())
            self.run_analysis(call)
            self.assertEqual(self.reports(), [])
            self.run_analysis(call)  # too early
            self.assertEqual(len(model.received), 2)
            with self.later(6):
                self.assertEqual(analysis.pending_reports(db.now()), [(call.organization_id, call.pk)])
                self.run_analysis(call)
        self.assertEqual((len(model.received), call.summary, call.analysis_result), (3, "Sum.", {"day": "friday"}))
        self.assertEqual(len(self.reports()), 1)

    def test_a_dead_model_holds_the_report_back_no_longer_than_90_seconds(self) -> None:
        with Model("Sum.", Reply(503)) as model, model.setup():
            call = self.ended(analysis_plan=plan())
            for seconds in (0, 6, 30):
                with self.later(seconds):
                    self.run_analysis(call)
            self.assertEqual(self.reports(), [])
            with self.later(91):
                self.run_analysis(call)
        (report,) = self.reports()
        self.assertEqual((report["summary"], "analysis" in report), ("Sum.", False))
        self.assertEqual(call.analysis_problem, "The language model did not answer in time.")

    def test_a_worker_that_dies_is_followed_by_one_that_goes_on(self) -> None:
        with Model("Sum.", '{"day": "friday"}') as model, model.setup():
            call = self.ended(analysis_plan=plan())
            with mock.patch.object(analysis, "_analyse", side_effect=SystemExit), self.assertRaises(SystemExit):
                self.run_analysis(call)
            with self.later(20):
                self.run_analysis(call)  # its claim still stands
                self.assertEqual((analysis.pending_reports(db.now()), self.reports()), ([], []))
            with self.later(80):
                self.run_analysis(call)
        self.assertEqual((len(model.received), call.summary, call.analysis_result), (2, "Sum.", {"day": "friday"}))
        self.assertEqual((len(self.reports()), len(call.usage or [])), (1, 4))

    def test_a_worker_that_was_overtaken_writes_nothing(self) -> None:
        with Model("Late.", "First.") as model, model.setup():
            call = self.ended()
            real = analysis._ask

            def overtaken(*args: Any) -> str:
                found = real(*args)
                with mock.patch.object(analysis, "_ask", real), self.later(80):
                    self.run_analysis(call)
                return found

            with mock.patch.object(analysis, "_ask", overtaken):
                self.run_analysis(call)
        self.assertEqual((call.summary, len(self.reports()), len(call.usage or [])), ("First.", 1, 2))

    def test_a_refused_request_is_a_problem_at_once(self) -> None:
        with Model(Reply(404, {"error": {"code": "model_not_found"}})) as model, model.setup():
            call = self.run_analysis(self.ended(analysis_plan=plan()))
        self.assertEqual(call.summary[:17], "Automatic excerpt")
        self.assertEqual(call.analysis_problem, "The language model does not take the request (HTTP 404 model_not_found).")
        self.assertEqual(len(self.reports()), 1)

    def test_gdpr_mode_passes_on_what_was_made_and_keeps_none_of_it(self) -> None:
        with Model("Sam wants Friday.", '{"day": "friday"}') as model, model.setup():
            call = self.ended(gdpr_mode=True, analysis_plan=plan())
            with scope_of(self.client_org):
                row = PendingReport.objects.get()
                self.assertIn("check-up", row.content)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT content FROM calls_pendingreport")
                    self.assertNotIn(b"check-up", bytes(cursor.fetchone()[0]))
            self.run_analysis(call)
        (report,) = self.reports()
        self.assertEqual((report["summary"], report["analysis"]), ("Sam wants Friday.", {"day": "friday"}))
        self.assertEqual((call.summary, call.analysis_result, call.messages), (None, None, None))
        with scope_of(self.client_org):
            self.assertFalse(PendingReport.objects.exists())
            kept = json.dumps(list(CallEvent.objects.values_list("data", flat=True)))
        self.assertNotIn("Friday", kept)

    def test_what_is_erased_meanwhile_is_not_told(self) -> None:
        with Model("Sum.") as model, model.setup():
            call = self.ended()
            with scope_of(self.client_org):
                writes(erase_content)(calls=Call.objects.for_organization(self.client_org), now=db.now())
            self.run_analysis(call)
        self.assertEqual((model.received, self.reports(), call.summary), ([], [], None))

    def test_the_page_says_that_a_model_reads(self) -> None:
        with Model("Sum.") as model, model.setup():
            call = self.ended()
            page = f"/o/bakker-dental/calls/{call.public_id}"
            self.assertContains(self.as_(self.cleo).get(page), "A model is reading the call")
            self.run_analysis(call)
        self.assertNotContains(self.as_(self.cleo).get(page), "A model is reading the call")

    def test_a_strangers_worker_finds_nothing(self) -> None:
        with Model("never") as model, model.setup():
            call = self.ended()
            with scope_of(self.stranger):
                analysis.analyse(organization_id=self.stranger.pk, call_id=call.pk)
        self.assertEqual(model.received, [])


    def test_a_gap_filled_from_the_engines_answer_is_analysed_too(self) -> None:
        """The base wire says nothing of `analysis_done`: what is not there is made here."""
        assistant = factories.make_assistant(self.client_org, webhook_url="http://127.0.0.1:9/", analysis_plan=plan())
        found = {
            "status": "ended", "started_at": "2026-01-05T09:30:05.000Z", "ended_at": "2026-01-05T09:31:29.000Z",
            "summary": "By the engine.", "analysis_result": None, "messages": SAID, "duration_seconds": 84,
        }  # fmt: skip
        with Model('{"day": "friday"}') as model, model.setup():
            with scope_of(self.client_org):
                call = running_call(self.client_org, self.connection, assistant=assistant)
                record_read(organization_id=call.organization_id, call_id=call.pk, found=found, trouble=False, now=db.now())
            self.run_analysis(call)
        (report,) = self.reports()
        self.assertEqual((report["summary"], report["analysis"], len(model.received)), ("By the engine.", {"day": "friday"}, 1))


class JudgeTest(SimpleTestCase):
    def test_nothing_is_fetched_for_a_schema(self) -> None:
        with Receiver(Reply(200, {"type": "object"})) as server:
            for name in ("$ref", "$dynamicRef"):
                with self.assertRaises(ValueError):
                    judge("{}", {"type": "object", name: f"{server.url}/schema"})
            self.assertEqual(server.received, [])

    def test_a_hostile_pattern_costs_nothing(self) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}, "pattern": {"type": "integer"}}}
        self.assertEqual(judge(json.dumps({"a": "a" * 40 + "!", "pattern": 1}), schema).errors, [])
        self.assertEqual(judge(json.dumps({"a": 1, "pattern": "x"}), schema).errors,
                         ["a: 1 is not of type 'string'", "pattern: 'x' is not of type 'integer'"])  # fmt: skip

    def test_names_by_pattern_forbid_no_other_name(self) -> None:
        schema = {"type": "object", "patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}
        self.assertEqual(judge('{"aaa": 1}', schema).errors, [])


class MailTest(AnalysisCase):
    """The end-of-call mail: summary, analysis, transcript, link; in the organization's language and from its domain."""

    ANSWER = '{"day": "friday", "people": 0}'

    def mail(self, **fields: Any) -> Mail:
        with Model("Sam wants <Friday>.", self.ANSWER) as model, model.setup():
            self.call = self.run_analysis(self.ended(analysis_plan=plan(), **fields))
        with scope_of(self.client_org):
            return Mail.objects.filter(to="cleo@example.com").latest("created_at")

    def test_summary_analysis_transcript_and_link(self) -> None:
        mail = self.mail(notification_emails=["cleo@example.com", "front@example.com"])
        with scope_of(self.client_org):
            self.assertEqual(sorted(Mail.objects.values_list("to", flat=True)), ["cleo@example.com", "front@example.com"])
        for text in ("Sam wants <Friday>.", "- day: friday", "- people: 0", "Caller: Hello, I would like", "Duration: 1 min 24 s", f"/o/bakker-dental/calls/{self.call.public_id}"):
            self.assertIn(text, mail.text)
        self.assertIn("Sam wants &lt;Friday&gt;.", mail.html)
        self.assertIn(self.client_org.brand.primary_color, mail.html)
        self.assertNotIn("style=", mail.html)

    def test_in_the_language_of_the_organization(self) -> None:
        wanted = {"nl": ("Samenvatting", "Transcript", "Analyse"), "de": ("Zusammenfassung", "Transkript", "Auswertung"), "en": ("Summary", "Transcript", "Analysis")}
        for language, words in wanted.items():
            with scope_of(self.client_org):
                self.client_org.change(db.now(), language=language)
            html = self.mail().html
            self.assertIn(f'<html lang="{language}">', html)
            for word in words:
                self.assertIn(f"<h2>{word}</h2>", html)

    def test_under_gdpr_mode_it_says_that_it_is_the_only_copy(self) -> None:
        mail = self.mail(gdpr_mode=True)
        self.assertIn("Hello, I would like a check-up", mail.text)
        self.assertIn("It is kept nowhere else.", mail.text)

    def test_from_the_verified_domain(self) -> None:
        factories.make_provider_key(self.client_org, "resend", "re_1")
        factories.make_sender_domain(self.client_org, status="verified")
        self.assertEqual(self.mail().transport, "resend")

    def test_a_failed_analysis_is_said(self) -> None:
        self.ANSWER = "nonsense"
        self.assertIn("did not fit the schema", self.mail().text)
