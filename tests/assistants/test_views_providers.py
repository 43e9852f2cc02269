"""The editor's parts that follow a choice: another provider, realtime, rows and tools, also without scripts."""

from __future__ import annotations

import json
from typing import Any

from apps.assistants.models import Assistant
from apps.assistants.schema import defaults
from tests.assistants.bodies import SCHEMA, TOOLS
from tests.assistants.editor_case import EditorCase
from tests.assistants.pages import inputs_of


class ProviderTest(EditorCase):
    def part(self, assistant: Assistant, part: str, **typed: str) -> Any:
        answer = self.browser.get(self.url(assistant, "/part"), {"part": part} | typed)
        self.assertEqual(answer.status_code, 200)
        self.assertNotContains(answer, "<html")
        return answer

    def test_the_part_of_another_provider(self) -> None:
        assistant = self.make(
            tts_config={"provider": "elevenlabs", "voice_id": "abc", "language": "nl", "stability": 0.3}
        )
        answer = self.part(
            assistant,
            "tts",
            provider="google",
            **{"tts_config.language": "de", "tts_config.shown": "elevenlabs", "tts_config.stability": "0.4"},
        )
        form = answer.context["form"]
        self.assertEqual(form["tts_config.voice_id"].value(), "Kore")
        self.assertEqual(form["tts_config.model"].value(), "gemini-3.1-flash-tts-preview")
        self.assertEqual(form["tts_config.language"].value(), "de")
        self.assertNotIn("tts_config.stability", form.fields)
        self.assertContains(answer, 'name="kept.tts_config.stability" value="0.4"')
        self.assertContains(answer, "“abc” does not exist at Google")

    def test_going_back_brings_back_what_was_typed(self) -> None:
        assistant = self.make(tts_config={"provider": "elevenlabs", "voice_id": "abc", "stability": 0.3})
        answer = self.part(
            assistant,
            "tts",
            provider="elevenlabs",
            **{"tts_config.shown": "google", "kept.tts_config.stability": "0.4"},
        )
        form = answer.context["form"]
        self.assertEqual((form["tts_config.voice_id"].value(), form["tts_config.stability"].value()), ("abc", "0.4"))

    def test_a_value_the_new_provider_refuses_is_emptied_and_said(self) -> None:
        assistant = self.make(
            stt_config={"provider": "deepgram", "model": "nova-3", "language": "nl", "endpointing": 300}
        )
        answer = self.part(assistant, "stt", provider="gladia")
        self.assertEqual(answer.context["form"]["stt_config.endpointing"].value(), "")
        self.assertContains(answer, "“300” does not fit Gladia")

    def test_switching_keeps_the_old_settings_as_foreign_ones(self) -> None:
        assistant = self.make(tts_config={"provider": "elevenlabs", "voice_id": "abc", "stability": 0.3, "own": 1})
        shown = self.part(assistant, "tts", provider="google")
        sent = {name: value for name, value in self.open(assistant).items() if not name.startswith("tts_config.")}
        sent |= {
            name: shown.context["form"][name].value()
            for name in shown.context["form"].fields
            if name.startswith("tts_config.")
        }
        answer = self.browser.post(
            self.url(assistant), sent | {"tts_config.shown": "google", "tts_config.language": "nl"}
        )
        self.assertEqual(answer.status_code, 302)
        self.assertEqual(self.stored(assistant)["tts_config"], {
            "provider": "google", "voice_id": "Kore", "model": "gemini-3.1-flash-tts-preview", "language": "nl", "stability": 0.3, "own": 1,
        })  # fmt: skip

    def test_without_scripts_a_new_provider_is_shown_before_it_is_saved(self) -> None:
        assistant = self.make()
        answer = self.save(assistant, **{"tts_config.provider": "google", "name": "Typed"})
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(self.stored(assistant)["tts_config"]["provider"], "elevenlabs")
        sent = inputs_of(answer)
        self.assertEqual(
            (sent["tts_config.voice_id"], sent["name"], sent["tts_config.shown"]), (["Kore"], ["Typed"], ["google"])
        )
        self.assertEqual(self.browser.post(self.url(assistant), sent).status_code, 302)
        self.assertEqual(self.stored(assistant)["tts_config"]["voice_id"], "Kore")

    def test_a_model_that_refuses_settings_loses_them(self) -> None:
        assistant = self.make()
        answer = self.part(
            assistant,
            "tts",
            provider="elevenlabs",
            **{"tts_config.model": "eleven_v3", "tts_config.shown": "elevenlabs"},
        )
        self.assertNotIn("tts_config.similarity_boost", answer.context["form"].fields)
        self.assertContains(answer, "saving removes them: Similarity")
        self.assertEqual(self.save(assistant, **{"tts_config.model": "eleven_v3"}).status_code, 302)
        self.assertEqual(self.stored(assistant)["tts_config"]["stability"], 0.5)
        self.assertNotIn("similarity_boost", self.stored(assistant)["tts_config"])

    def test_to_realtime_and_back(self) -> None:
        assistant = self.make()
        answer = self.save(assistant, **{"llm_config.provider": "xai_realtime"})
        sent = inputs_of(answer)
        self.assertEqual(self.browser.post(self.url(assistant), sent).status_code, 302)
        found = self.stored(assistant)
        self.assertEqual((found["llm_config"]["provider"], found["tts_config"]), ("xai_realtime", None))
        self.assertNotIn("voice", found["llm_config"])
        sent = inputs_of(self.save(assistant, **{"llm_config.provider": "openai"}))
        self.browser.post(self.url(assistant), sent)
        self.assertEqual(self.stored(assistant)["tts_config"], defaults()["tts_config"])

    def test_rows_and_json_stand_for_the_same_schema(self) -> None:
        assistant = self.make(llm_config=defaults()["llm_config"] | {"tools": [TOOLS[0]]})
        url = self.url(assistant, "/part") + "?part=schema&prefix=tools-0-params"
        sent = self.open(assistant)
        answer = self.browser.post(url, sent)
        self.assertContains(answer, 'name="tools-0-params-mode" value="json"')
        shown = answer.context["form"]["tools-0-params-json"].value()
        self.assertEqual(json.loads(shown), SCHEMA)
        back = self.browser.post(url, sent | {"tools-0-params-mode": "json", "tools-0-params-json": shown})
        self.assertContains(back, 'name="tools-0-params-mode" value="rows"')
        self.assertEqual(back.context["form"]["tools-0-params-0-name"].value(), "day")
        stays = self.browser.post(url, sent | {"tools-0-params-mode": "json", "tools-0-params-json": "{"})
        self.assertContains(stays, "This is not valid JSON")

    def test_a_new_tool_arrives_as_a_card(self) -> None:
        for kind in ("function", "transfer", "end_call"):
            answer = self.browser.get(self.url(self.make(), "/part"), {"part": "tool", "kind": kind})
            self.assertContains(answer, f'-kind" value="{kind}"')
        self.assertEqual(
            self.browser.get(self.url(self.make(), "/part"), {"part": "tool", "kind": "x"}).status_code, 404
        )
        self.assertEqual(self.browser.get(self.url(self.make(), "/part")).status_code, 404)


class WithoutScriptsTest(EditorCase):
    """Buttons that add, remove and switch rows send the form; it comes back with everything typed, nothing saved."""

    def step(self, assistant: Assistant, **changes: Any) -> dict[str, Any]:
        answer = self.save(assistant, name="Typed", **changes)
        self.assertEqual(answer.status_code, 200)
        self.assertContains(answer, "data-dirty")
        sent = inputs_of(answer)
        self.assertEqual(sent["name"], ["Typed"])
        self.assertNotEqual(self.stored(assistant)["name"], "Typed")
        return sent

    def test_rows(self) -> None:
        assistant = self.make(speech_config={"pronunciation": [{"from": "a", "to": "b"}]})
        self.assertEqual(len(self.step(assistant, add="pronunciation")["pronunciation"]), 2)
        self.assertNotIn("pronunciation", self.step(assistant, remove="pronunciation-0"))
        self.assertEqual(len(self.step(assistant, add="messages")["messages"]), 1)
        self.assertEqual(len(self.step(assistant, add="analysis-schema")["analysis-schema"]), 1)

    def test_tools(self) -> None:
        assistant = self.make(llm_config=defaults()["llm_config"] | {"tools": [TOOLS[0], TOOLS[5]]})
        self.assertEqual(len(self.step(assistant, add="tool:end_call")["tools"]), 3)
        self.assertEqual(self.step(assistant, remove="tools-0")["tools"], ["1"])
        self.assertEqual(len(self.step(assistant, add="tools-1-to")["tools-1-to"]), 2)
        switched = self.step(assistant, switch="tools-0-params")
        self.assertEqual(json.loads(switched["tools-0-params-json"][0]), SCHEMA)
        added = self.step(assistant, add="tools-0-params")
        self.assertEqual(len(added["tools-0-params"]), 2)
        # A row that was never filled in changes nothing.
        self.assertEqual(self.browser.post(self.url(assistant), added).status_code, 302)
        self.assertEqual(self.stored(assistant)["llm_config"]["tools"], [TOOLS[0], TOOLS[5]])
