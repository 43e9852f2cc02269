"""The editor: what is wrong is shown where it is, and nothing typed is lost."""

from __future__ import annotations

from typing import Any

from apps.assistants.forms.sheet import canonical
from apps.assistants.models import Assistant
from apps.assistants.schema import defaults
from tests.assistants.bodies import TOOLS
from tests.assistants.editor_case import EditorCase
from tests.assistants.pages import inputs_of


class ProblemTest(EditorCase):
    def refused(self, assistant: Assistant, **changes: Any) -> Any:
        answer = self.save(assistant, **changes)
        self.assertEqual(answer.status_code, 422)
        self.assertEqual(canonical(self.stored(assistant)), canonical(self.before))
        return answer

    def setUp(self) -> None:
        super().setUp()
        self.assistant = self.make(llm_config=defaults()["llm_config"] | {"tools": [TOOLS[0], TOOLS[5]]})
        self.before = self.stored(self.assistant)

    def test_each_problem_is_at_its_field_in_its_tab(self) -> None:
        changes = {
            "name": ("", "conversation"), "llm_config.temperature": ("9", "model"), "tts_config.stability": ("abc", "voice"),
            "speech_config.turn_taking.endpointing_min_delay": ("99", "speech"), "tools-0-name": ("no spaces!", "tools"),
            "tools-1-to-0-number": ("nonsense", "tools"), "silence_timeout_seconds": ("0", "calls"), "notification_emails": ("a@example.com\r\nnot one", "notifications"),
            "webhook_url": ("ftp://x", "webhooks"), "analysis_plan.min_messages_threshold": ("-1", "analysis"),
        }  # fmt: skip
        answer = self.refused(self.assistant, **{name: text for name, (text, _tab) in changes.items()})
        form, tabs = answer.context["form"], {tab.id: tab.errors for tab in answer.context["tabs"]}
        self.assertEqual(set(form.errors), set(changes))
        for name, (text, tab) in changes.items():
            self.assertEqual(form[name].value(), text)
            self.assertGreater(tabs[tab], 0, tab)
        self.assertEqual(sum(tabs.values()), len(changes))

    def test_invalid_json_stays_as_it_was_typed(self) -> None:
        text = '{"type": "object",\n  oops'
        answer = self.refused(
            self.assistant, **{"tools-0-params-mode": "json", "tools-0-params-json": text, "name": "Renamed"}
        )
        self.assertEqual(list(answer.context["form"].errors), ["tools-0-params-json"])
        sent = inputs_of(answer)
        self.assertEqual(sent["tools-0-params-json"], [text.replace("\n", "\r\n")])
        self.assertEqual(sent["name"], ["Renamed"])

    def test_a_schema_that_is_none_is_refused_where_it_is_written(self) -> None:
        answer = self.refused(
            self.assistant, **{"tools-0-params-mode": "json", "tools-0-params-json": '{"type": "array"}'}
        )
        self.assertIn("tools-0-params-json", answer.context["form"].errors)

    def test_two_tools_of_one_name(self) -> None:
        self.refused(self.assistant, tools=["0", "1", "x"], **{"tools-x-kind": "function", "tools-x-name": "flat"})

    def test_a_broken_text_never_breaks_the_page(self) -> None:
        odd = {"version": ["x"], "tools": ["../", "0", "zz"], "tools-zz-kind": ["nope"], "analysis-schema-base": ["["], "messages": ["é", "__index__"],
               "tts_config.provider": ["nobody"], "tts_config.shown": ["nobody"], "max_duration_seconds": ["9" * 5000], "webhook_events.mode": ["?"]}  # fmt: skip
        answer = self.save(self.assistant, **odd)
        self.assertEqual(answer.status_code, 422)
        self.assertEqual(canonical(self.stored(self.assistant)), canonical(self.before))


class StaleTest(EditorCase):
    def test_both_versions_are_shown_and_either_can_win(self) -> None:
        assistant = self.make(name="Before")
        mine = self.open(assistant) | {"name": "Mine", "prompt": "My prompt", "webhook_secret": "mine-secret"}
        self.assertEqual(self.save(assistant, name="Theirs", first_message="Hi.").status_code, 302)
        answer = self.browser.post(self.url(assistant), mine)
        self.assertEqual(answer.status_code, 409)
        rows = {(row["theirs"], row["yours"]) for row in answer.context["conflict"]["fields"]}
        self.assertIn(("Theirs", "Mine"), rows)
        self.assertIn(("Hi.", "Good morning."), rows)
        self.assertIn(("", "••••••"), rows)
        self.assertContains(answer, "Cleo", status_code=409)
        self.assertEqual(self.stored(assistant)["name"], "Theirs")
        self.assertEqual(self.browser.post(self.url(assistant), inputs_of(answer)).status_code, 302)
        self.assertEqual(self.stored(assistant)["name"], "Mine")
        self.assertEqual(self.stored(assistant)["llm_config"]["messages"], [{"role": "system", "content": "My prompt"}])

    def test_errors_do_not_forget_which_version_was_opened(self) -> None:
        assistant = self.make(name="Before")
        mine = self.open(assistant) | {"name": ""}
        self.save(assistant, name="Theirs")
        answer = self.browser.post(self.url(assistant), mine)
        self.assertEqual((answer.status_code, inputs_of(answer)["version"]), (422, ["1"]))
