"""Templates in the assistant's editor: what is added is a copy, of one's own templates only."""

from __future__ import annotations

import json
import re
from typing import Any

from apps.assistants.models import Assistant, ToolTemplate
from apps.assistants.schema import defaults
from apps.assistants.template_copies import tool_of, tool_values
from apps.assistants.template_starters import TOOL_STARTERS
from tests import factories
from tests.assistants.bodies import SCHEMA, TOOLS
from tests.assistants.pages import FormReader, inputs_of
from tests.cases import TenantCase

CONFIG = {"description": "Checks", "url": "https://example.com/slot", "parameters": SCHEMA, "headers": {"x": "1"}}


class CopyCase(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)
        self.assistant = factories.make_assistant(self.client_org)
        self.template = factories.make_tool_template(
            self.client_org, name="check_slot", tool_config=CONFIG, server_secret="s3cret-canary"
        )
        self.analysis = factories.make_analysis_template(
            self.client_org, name="Appointment", schema=SCHEMA, system_prompt="Read.", user_prompt="{transcript}"
        )
        self.theirs = factories.make_tool_template(
            self.stranger, name="theirs_canary", tool_config=CONFIG, server_secret="theirs-canary"
        )
        self.their_analysis = factories.make_analysis_template(
            self.stranger, schema={"type": "object", "title": "theirs"}
        )

    def url(self, tail: str = "") -> str:
        return f"/o/bakker-dental/assistants/{self.assistant.pk}{tail}"

    def inputs(self) -> dict[str, Any]:
        return inputs_of(self.browser.get(self.url()))

    def stored(self) -> Assistant:
        with self.acting_for(self.client_org):
            return Assistant.objects.get(pk=self.assistant.pk)

    def piece(self, answer: Any) -> dict[str, Any]:
        """The inputs of an answer that is a part of the form."""
        reader = FormReader("x")
        reader.feed(f'<form id="x">{answer.content.decode()}</form>')
        return dict(reader.values)

    def added(self, key: Any) -> Any:
        return self.browser.get(self.url("/part"), {"part": "tool", "kind": "template", "tool-template": key})


class ToolCopyTest(CopyCase):
    def test_the_editor_offers_ones_own_and_the_starters(self) -> None:
        answer = self.browser.get(self.url())
        self.assertContains(answer, f'<option value="{self.template.pk}">check_slot</option>')
        for key in TOOL_STARTERS:
            self.assertContains(answer, f'<option value="{key}">')
        self.assertNotContains(answer, "theirs")

    def test_a_copy_is_complete_and_stays(self) -> None:
        card = self.added(self.template.pk)
        self.assertNotContains(card, "s3cret-canary")
        answer = self.browser.post(self.url(), self.inputs() | self.piece(card))
        self.assertEqual(answer.status_code, 302, answer.content)
        wanted = tool_of(self.template)
        self.assertEqual(
            wanted, CONFIG | {"type": "function", "name": "check_slot", "server": {"secret": "s3cret-canary"}}
        )
        self.assertEqual(self.stored().llm_config["tools"], [wanted])
        with self.acting_for(self.client_org):
            self.template.delete()
        self.assertEqual(self.browser.post(self.url(), self.inputs()).status_code, 302)
        self.assertEqual(self.stored().llm_config["tools"], [wanted])

    def test_what_is_typed_into_the_copy_counts(self) -> None:
        piece = self.piece(self.added(self.template.pk))
        index = piece["tools"][0]
        piece |= {f"tools-{index}-name": "other", f"tools-{index}-secret-clear": "on"}
        self.browser.post(self.url(), self.inputs() | piece)
        self.assertEqual(self.stored().llm_config["tools"], [CONFIG | {"type": "function", "name": "other"}])

    def test_starters_come_along(self) -> None:
        sent = self.inputs()
        for key in ("availability", "end-call"):
            piece = self.piece(self.added(key))
            sent |= piece | {"tools": [*sent.get("tools", []), *piece["tools"]]}
        self.assertEqual(self.browser.post(self.url(), sent).status_code, 302)
        tools = [TOOL_STARTERS["availability"].tool(), {"type": "end_call"}]
        self.assertEqual(self.stored().llm_config["tools"], tools)

    def test_without_scripts(self) -> None:
        answer = self.browser.post(
            self.url(), self.inputs() | {"add": "template", "tool-template": str(self.template.pk)}
        )
        self.assertContains(answer, "check_slot")
        self.assertEqual(self.stored().llm_config["tools"], [])
        self.assertEqual(self.browser.post(self.url(), inputs_of(answer)).status_code, 302)
        self.assertEqual(self.stored().llm_config["tools"], [tool_of(self.template)])

    def test_anothers_template_gives_nothing(self) -> None:
        for key in (self.theirs.pk, "none", ""):
            answer = self.added(key)
            self.assertEqual(answer.status_code, 404)
            self.assertNotIn(b"canary", answer.content)
        piece = self.piece(self.added(self.template.pk))
        piece[f"tools-{piece['tools'][0]}-from"] = [str(self.theirs.pk)]
        answer = self.browser.post(self.url(), self.inputs() | piece)
        self.assertNotIn("theirs", json.dumps(self.stored().llm_config))
        self.assertNotIn(b"theirs", answer.content)


class KeepTest(CopyCase):
    def keep(self, tool: dict[str, Any]) -> Any:
        with self.acting_for(self.client_org):
            ToolTemplate.objects.for_organization(self.client_org).delete()
            self.assistant.llm_config = defaults()["llm_config"] | {"tools": [{"type": "end_call"}, tool]}
            self.assistant.save()
        sent = {key: value for key, value in self.inputs().items() if key.startswith("tools")}
        answer = self.browser.post(self.url("/keep-tool?tool=1"), sent)
        self.assertEqual(answer.status_code, 200)
        return json.loads(answer.headers["HX-Trigger"])["toast"]["level"]

    def kept(self) -> list[dict[str, Any]]:
        with self.acting_for(self.client_org):
            return [tool_values(each) for each in ToolTemplate.objects.for_organization(self.client_org)]

    def test_each_shape_becomes_a_template(self) -> None:
        function = {"description": None, "tool_type": "function"}
        for tool, wanted in (
            (TOOLS[0], {**function, "name": "flat", "server_secret": None, "tool_config": TOOLS[0]}),
            (TOOLS[2], {**function, "name": "spelled", "server_secret": None,
                        "tool_config": {"name": "spelled", "description": "Older.", "async": True, "message": "One moment."}}),
            (TOOLS[3], {**function, "name": "nested", "server_secret": "geheim",
                        "tool_config": {"name": "nested", "description": "Nested.", "parameters": SCHEMA,
                                        "url": "https://c.example.org", "async": True}}),
            (TOOLS[5], {"name": "Transfer", "description": None, "tool_type": "transfer_call", "server_secret": None,
                        "tool_config": {"destinations": TOOLS[5]["destinations"]}}),
        ):  # fmt: skip
            self.assertEqual(self.keep(tool), "success")
            self.assertEqual(self.kept(), [wanted])

    def test_a_tool_of_a_server_is_not_kept(self) -> None:
        self.assertEqual(self.keep(TOOLS[6]), "error")
        self.assertEqual(self.keep({"name": "a", "url": "http://10.0.0.1/"}), "error")
        self.assertEqual(self.kept(), [])

    def test_a_viewer_keeps_nothing(self) -> None:
        vera = factories.make_user("Vera")
        factories.make_member(self.client_org, vera, "viewer")
        self.assertEqual(self.as_(vera).post(self.url("/keep-tool"), {"tools": "0"}).status_code, 403)


class AnalysisCopyTest(CopyCase):
    def used(self, key: Any) -> Any:
        typed = {key: value for key, value in self.inputs().items() if key.startswith("analysis")}
        return self.browser.post(self.url("/part?part=analysis"), typed | {"analysis-template": str(key)})

    def test_it_fills_the_inputs_and_stores_on_saving(self) -> None:
        answer = self.used(self.analysis.pk)
        self.assertEqual(self.stored().analysis_plan, None)
        self.assertEqual(self.browser.post(self.url(), self.inputs() | self.piece(answer)).status_code, 302)
        self.assertEqual(
            self.stored().analysis_plan,
            {"structured_data_plan": {
                "enabled": True, "schema": SCHEMA,
                "messages": [{"role": "system", "content": "Read."}, {"role": "user", "content": "{transcript}"}],
            }},
        )  # fmt: skip

    def test_without_scripts(self) -> None:
        sent = self.inputs() | {"switch": "analysis-template", "analysis-template": str(self.analysis.pk)}
        answer = self.browser.post(self.url(), sent)
        self.assertEqual((answer.status_code, self.stored().analysis_plan), (200, None))
        self.browser.post(self.url(), inputs_of(answer))
        self.assertEqual(self.stored().analysis_plan["structured_data_plan"]["schema"], SCHEMA)

    def test_what_rows_cannot_show_stays_json(self) -> None:
        schema = SCHEMA | {"properties": {"n": {"type": ["string", "null"]}}, "required": []}
        template = factories.make_analysis_template(self.client_org, schema=schema)
        answer = self.used(template.pk)
        self.assertNotContains(answer, "more than rows can show")
        self.browser.post(self.url(), self.inputs() | self.piece(answer))
        self.assertEqual(self.stored().analysis_plan["structured_data_plan"]["schema"], schema)

    def test_anothers_template_gives_nothing(self) -> None:
        page = self.browser.get(self.url()).content.decode()
        offered = re.search(r'<select[^>]*id="analysis-template".*?</select>', page, re.DOTALL)
        assert offered
        self.assertIn("Appointment", offered[0])
        self.assertNotIn(str(self.their_analysis.pk), offered[0])
        for key in (self.their_analysis.pk, "none", ""):
            answer = self.used(key)
            self.assertEqual(answer.status_code, 404)
            self.assertNotIn(b"theirs", answer.content)
