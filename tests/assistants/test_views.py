"""The editor: what is not changed stays to the byte, what is wrong is shown where it is, and nothing typed is lost."""

from __future__ import annotations

import json
from typing import Any

from apps.assistants.forms.sheet import canonical
from apps.assistants.models import Assistant
from apps.assistants.schema import defaults
from apps.assistants.services import values_of
from apps.catalog import providers
from tests import factories
from tests.assistants.bodies import SCHEMA, TOOLS
from tests.assistants.pages import inputs_of
from tests.cases import TenantCase

MIXED = {
    "stt_config": {"provider": "deepgram", "model": "nova-3", "language": "nl-NL", "endpointing": 0.05, "region": "eu-west", "x": [1.0, 1, True, None]},
    "llm_config": {"provider": "openai", "model": "gpt-oss", "voice": "ara", "temperature": 1.0, "vertexai": True, "own": {"a": {}},
                   "messages": [{"role": "user", "content": " Hi\r\nthere ", "name": "x"}, {"role": "system", "content": "\n\nBe kind.\r\n"}, {"role": "system", "content": ""}],
                   "tools": [*TOOLS[:6], {"type": "mcp", "mcp_server_id": "0d5c1c6e-8f3b-4b44-9c7e-3a1f5f2b9a10", "allowed_tools": ["a"], "more": 1},
                             {"name": "odd", "description": "D", "parameters": {"type": "object", "properties": {"n": {"type": ["string", "null"]}}, "$defs": {}}, "headers": {"x": "y"}}]},
    "tts_config": {"provider": "11labs", "voice_id": "abc ", "instructions": "calm", "speed": 1, "stability": 0.30, "apply_text_normalization": "on", "pitch": 2},
    "speech_config": {"turn_taking": {"false_interruption_timeout": None, "endpointing_min_delay": 1.0, "new": 1}, "pronunciation": [{"from": "a", "to": "", "ipa": "x"}],
                      "silence": {}, "end_call_phrases": None, "background_audio": {"enabled": False}, "later": {"x": 1}},
    "analysis_plan": {"structured_data_plan": {"enabled": False, "template_id": "77aa1c6e-8f3b-4b44-9c7e-3a1f5f2b9a11", "schema": SCHEMA, "messages": []}, "min_messages_threshold": 2.0},
    "webhook_events": ["status-update", "unknown-event"], "webhook_url": "http://example.com/hook", "webhook_secret": " s ",
    "recording_consent": {"enabled": False, "message": ""}, "notification_emails": ["a@example.com", "b@example.com"],
    "voicemail_detection": None, "business_name": "", "first_message": "  Hello \r\n", "max_duration_seconds": 3600,
}  # fmt: skip
# No MCP server exists yet, so a changed config that names one is refused.
WITHOUT_MCP = MIXED["llm_config"] | {
    "tools": [tool for tool in MIXED["llm_config"]["tools"] if tool.get("type") != "mcp"]
}


class EditorCase(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)

    def url(self, assistant: Assistant, tail: str = "") -> str:
        return f"/o/bakker-dental/assistants/{assistant.pk}{tail}"

    def make(self, **fields: Any) -> Assistant:
        return factories.make_assistant(self.client_org, **fields)

    def open(self, assistant: Assistant) -> dict[str, Any]:
        answer = self.browser.get(self.url(assistant))
        self.assertEqual(answer.status_code, 200)
        return inputs_of(answer)

    def save(self, assistant: Assistant, **changes: Any) -> Any:
        return self.browser.post(self.url(assistant), self.open(assistant) | changes)

    def stored(self, assistant: Assistant) -> dict[str, Any]:
        with self.acting_for(self.client_org):
            return values_of(Assistant.objects.get(pk=assistant.pk))


class RoundTripTest(EditorCase):
    def assert_untouched(self, assistant: Assistant) -> None:
        before = self.stored(assistant)
        answer = self.save(assistant)
        self.assertEqual(answer.status_code, 302, answer.content[:300])
        self.assertEqual(canonical(self.stored(assistant)), canonical(before))
        with self.acting_for(self.client_org):
            self.assertEqual(Assistant.objects.get(pk=assistant.pk).version, 1)

    def test_a_fresh_assistant_gets_no_added_defaults(self) -> None:
        self.assert_untouched(self.make())

    def test_foreign_keys_of_all_providers_survive(self) -> None:
        self.assert_untouched(self.make(**MIXED))

    def test_a_realtime_assistant_keeps_having_no_voice(self) -> None:
        for entry in providers.providers("llm"):
            if entry.mode == "realtime":
                llm = {"provider": entry.id, "model": entry.default_model, "voice": entry.default_voice, "delegation": {"x": 1}, "transcription": {},
                       "provider_tools": [{"type": "x_search", "allowed_x_handles": []}, {"type": "x_search", "n": 2}]}  # fmt: skip
                self.assert_untouched(self.make(llm_config=llm, tts_config=None))

    def test_every_provider_with_its_limits(self) -> None:
        for part, root in (("stt", "stt_config"), ("tts", "tts_config")):
            for entry in providers.providers(part):
                config = {"provider": entry.id, "model": entry.default_model, "language": "nl", "voice_id": "Katrien"}
                for setting in entry.settings.values():
                    value = {"boolean": True, "array": ["a", "b"], "string": "nl"}.get(setting.type, setting.maximum)
                    config[setting.name] = setting.choices[-1] if setting.choices else value
                self.assert_untouched(self.make(**{root: config}))

    def test_older_spellings_of_tools_are_edited_where_they_stand(self) -> None:
        assistant = self.make(llm_config=defaults()["llm_config"] | {"tools": TOOLS[:6]})
        sent = self.open(assistant)
        sent["tools-2-message"], sent["tools-3-url"], sent["tools-3-name"] = "Wait.", "https://d.example.org", "renamed"
        self.assertEqual(self.browser.post(self.url(assistant), sent).status_code, 302)
        tools = self.stored(assistant)["llm_config"]["tools"]
        self.assertEqual(tools[2], TOOLS[2] | {"async_response": "Wait."})
        self.assertEqual(tools[3]["function"], TOOLS[3]["function"] | {"name": "renamed"})
        self.assertEqual(tools[3]["server"], {"url": "https://d.example.org", "secret": "geheim"})
        self.assertEqual([tools[i] for i in (0, 1, 4, 5)], [TOOLS[i] for i in (0, 1, 4, 5)])


class ChangeTest(EditorCase):
    def test_one_change_changes_one_key(self) -> None:
        assistant = self.make(**MIXED)
        answer = self.save(
            assistant, **{"tts_config.stability": "0,8", "speech_config.turn_taking.endpointing_min_delay": "2.0"}
        )
        self.assertEqual(answer.status_code, 302)
        found = self.stored(assistant)
        self.assertEqual(found["tts_config"], MIXED["tts_config"] | {"stability": 0.8})
        self.assertEqual(canonical(found["speech_config"]["turn_taking"]["endpointing_min_delay"]), "2")
        self.assertEqual(canonical(found["llm_config"]), canonical(MIXED["llm_config"]))

    def test_an_emptied_input_takes_its_key_away(self) -> None:
        assistant = self.make(speech_config={"silence": {"messages": ["Hello?"]}}, max_duration_seconds=60)
        self.save(
            assistant,
            **{"speech_config.silence.messages": "", "max_duration_seconds": "", "llm_config.temperature": ""},
        )
        found = self.stored(assistant)
        self.assertIsNone(found["speech_config"])
        self.assertIsNone(found["max_duration_seconds"])
        self.assertNotIn("temperature", found["llm_config"])

    def test_prompt_and_messages(self) -> None:
        assistant = self.make(llm_config=WITHOUT_MCP)
        self.save(assistant, prompt="Be brief.\r\nAlways.")
        messages = self.stored(assistant)["llm_config"]["messages"]
        self.assertEqual(
            messages,
            [
                MIXED["llm_config"]["messages"][0],
                {"role": "system", "content": "Be brief.\nAlways."},
                MIXED["llm_config"]["messages"][2],
            ],
        )
        sent = self.open(assistant)
        sent |= {"messages": ["1", "7"], "messages-7-role": "assistant", "messages-7-content": "Yes?"}
        self.browser.post(self.url(assistant), sent)
        messages = self.stored(assistant)["llm_config"]["messages"]
        self.assertEqual([message["content"] for message in messages], ["", "Be brief.\nAlways.", "Yes?"])

    def test_tools_are_added_and_removed(self) -> None:
        assistant = self.make(llm_config=WITHOUT_MCP)
        sent = self.open(assistant)
        sent["tools"] = [*[index for index in sent["tools"] if index != "0"], "ab12"]
        sent |= {
            "tools-ab12-kind": "transfer",
            "tools-ab12-to-shown": "1",
            "tools-ab12-to": ["0"],
            "tools-ab12-to-0-number": "020 123 4567",
            "tools-ab12-to-0-description": "Desk",
        }
        # Two transfers share their name.
        sent["tools"].remove("5")
        self.assertEqual(self.browser.post(self.url(assistant), sent).status_code, 302)
        tools = self.stored(assistant)["llm_config"]["tools"]
        self.assertEqual(tools[:-1], [tool for i, tool in enumerate(WITHOUT_MCP["tools"]) if i not in (0, 5)])
        self.assertEqual(
            tools[-1],
            {
                "type": "transfer_call",
                "destinations": [{"type": "number", "number": "+31201234567", "description": "Desk"}],
            },
        )

    def test_parameters_as_rows_keep_their_further_rules(self) -> None:
        schema = {
            "type": "object",
            "title": "T",
            "properties": {"day": {"type": "string", "enum": ["a"], "description": "D"}, "count": {"type": "integer"}},
            "required": ["day"],
        }
        assistant = self.make(
            llm_config=defaults()["llm_config"] | {"tools": [{"name": "t", "description": "d", "parameters": schema}]}
        )
        sent = self.open(assistant)
        sent |= {
            "tools-0-params-0-name": "date",
            "tools-0-params": ["0", "9"],
            "tools-0-params-9-name": "who",
            "tools-0-params-9-type": "string",
            "tools-0-params-9-required": "on",
        }
        self.assertEqual(self.browser.post(self.url(assistant), sent).status_code, 302)
        found = self.stored(assistant)["llm_config"]["tools"][0]["parameters"]
        self.assertEqual(
            found["properties"],
            {"date": {"type": "string", "enum": ["a"], "description": "D"}, "who": {"type": "string"}},
        )
        self.assertEqual((found["required"], found["title"]), (["date", "who"], "T"))

    def test_secret_is_write_only(self) -> None:
        assistant = self.make(webhook_secret="tops3cret", llm_config=defaults()["llm_config"] | {"tools": [TOOLS[3]]})
        page = self.browser.get(self.url(assistant)).content.decode()
        self.assertNotIn("tops3cret", page)
        self.assertNotIn("geheim", page)
        self.save(assistant, **{"webhook_secret": "new-one", "tools-0-secret": "neu"})
        found = self.stored(assistant)
        self.assertEqual(
            (found["webhook_secret"], found["llm_config"]["tools"][0]["server"]["secret"]), ("new-one", "neu")
        )
        self.save(assistant, **{"webhook_secret.clear": "on"})
        self.assertIsNone(self.stored(assistant)["webhook_secret"])

    def test_events_consent_and_analysis(self) -> None:
        assistant = self.make()
        self.save(assistant, **{
            "webhook_events.mode": "some", "webhook_events.tool-calls": "", "webhook_events.assistant-request": "", "recording_consent.enabled": "on",
            "recording_consent.message": "Press 1.", "analysis_plan.structured_data_plan.enabled": "on", "analysis-schema": ["0"],
            "analysis-schema-0-name": "ok", "analysis-schema-0-type": "boolean", "speech_config.turn_taking.false_interruption_timeout.off": "on",
        })  # fmt: skip
        found = self.stored(assistant)
        self.assertEqual(found["webhook_events"], ["status-update", "end-of-call-report"])
        self.assertEqual(found["recording_consent"], {"enabled": True, "message": "Press 1."})
        self.assertEqual(
            found["analysis_plan"]["structured_data_plan"],
            {"enabled": True, "schema": {"type": "object", "properties": {"ok": {"type": "boolean"}}}},
        )
        self.assertEqual(found["speech_config"], {"turn_taking": {"false_interruption_timeout": None}})


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


class RightsTest(EditorCase):
    def test_strangers_see_nothing(self) -> None:
        own, other = self.make(), factories.make_assistant(self.stranger)
        tails = ("", "/part", "/delete", "/duplicate", "/active")
        for tail in tails:
            self.assertEqual(self.as_(self.dov).get(self.url(own, tail)).status_code, 404, tail)
            for method in ("get", "post"):
                answer = getattr(self.browser, method)(self.url(other, tail), {"name": "x"})
                expected = (404, 405) if method == "get" else (404,)
                self.assertIn(answer.status_code, expected, (method, tail))
        with self.acting_for(self.stranger):
            self.assertEqual(Assistant.objects.get(pk=other.pk).version, 1)

    def test_the_agency_and_its_member_edit_the_client(self) -> None:
        assistant = self.make()
        for person in (self.ada, self.ben):
            self.browser = self.as_(person)
            self.assertEqual(self.save(assistant, business_name=person.name).status_code, 302)
            self.assertEqual(self.stored(assistant)["business_name"], person.name)

    def test_a_viewer_reads(self) -> None:
        vera = factories.make_user("Vera")
        factories.make_member(self.client_org, vera, "viewer")
        assistant, browser = self.make(), self.as_(vera)
        page = browser.get(self.url(assistant))
        self.assertContains(page, "your role does not allow changes")
        self.assertNotContains(page, "data-save-bar")
        self.assertTrue(all(field.disabled for field in page.context["form"].fields.values()))
        sent = self.open(assistant) | {"name": "Changed"}
        for tail in ("", "/duplicate", "/active", "/delete"):
            self.assertEqual(browser.post(self.url(assistant, tail), sent).status_code, 403)
        self.assertEqual(browser.get("/o/bakker-dental/assistants/new").status_code, 403)
        self.assertNotContains(browser.get("/o/bakker-dental/assistants"), "New assistant")
        self.assertNotEqual(self.stored(assistant)["name"], "Changed")
