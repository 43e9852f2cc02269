"""The editor: what is not changed stays to the byte, and who may change."""

from __future__ import annotations

from apps.assistants.forms.sheet import canonical
from apps.assistants.models import Assistant
from apps.assistants.schema import defaults
from apps.catalog import providers
from tests import factories
from tests.assistants.bodies import TOOLS
from tests.assistants.editor_case import MIXED, WITHOUT_MCP, EditorCase


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
