"""Pages of tool and analysis templates."""

from __future__ import annotations

import json
from typing import Any

from apps.assistants.models import AnalysisTemplate, ToolTemplate
from apps.assistants.template_copies import analysis_values, tool_values
from apps.assistants.template_starters import TOOL_STARTERS
from tests import factories
from tests.assistants.pages import inputs_of
from tests.cases import TenantCase

SCHEMA = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}, "required": ["day"]}
CONFIG = {"description": "Checks", "url": "https://example.com/slot", "parameters": SCHEMA, "headers": {"x": "1"}}
DESTINATION = {"type": "number", "number": "+31201234567", "description": "Sales"}


class PageCase(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)
        self.theirs = factories.make_tool_template(self.stranger, name="theirs_canary")
        factories.make_analysis_template(self.stranger, name="theirs-canary")

    def url(self, tail: str) -> str:
        return f"/o/bakker-dental/{tail}"

    def inputs(self, tail: str) -> dict[str, Any]:
        answer = self.browser.get(self.url(tail))
        self.assertEqual(answer.status_code, 200)
        return inputs_of(answer, "template-form")

    def send(self, tail: str, **changes: Any) -> Any:
        return self.browser.post(self.url(tail), self.inputs(tail) | changes)

    def tools(self) -> list[dict[str, Any]]:
        with self.acting_for(self.client_org):
            found = ToolTemplate.objects.for_organization(self.client_org).order_by("created_at")
            return [tool_values(each) for each in found]

    def analyses(self) -> list[dict[str, Any]]:
        with self.acting_for(self.client_org):
            found = AnalysisTemplate.objects.for_organization(self.client_org).order_by("created_at")
            return [analysis_values(each) for each in found]


class ToolPagesTest(PageCase):
    def test_the_empty_list_offers_the_starters_and_stores_none(self) -> None:
        answer = self.browser.get(self.url("tool-templates"))
        for key, starter in TOOL_STARTERS.items():
            self.assertContains(answer, f"tool-templates/new?start={key}")
            self.assertContains(answer, str(starter.label))
        self.assertNotContains(answer, "theirs_canary")
        self.assertEqual(self.tools(), [])

    def test_a_starter_is_stored_as_it_was_shown(self) -> None:
        for key, starter in TOOL_STARTERS.items():
            changes = {"tool-to-0-number": "020 123 4567"} if key == "transfer" else {}
            answer = self.send(f"tool-templates/new?start={key}", **changes)
            self.assertEqual(answer.status_code, 302, (key, answer.content))
            stored = self.tools()[-1]
            wanted = starter.values()
            if key == "transfer":
                wanted["tool_config"]["destinations"][0]["number"] = stored["tool_config"]["destinations"][0]["number"]
                self.assertRegex(wanted["tool_config"]["destinations"][0]["number"], r"^\+\d{6,}$")
            self.assertEqual(stored, wanted)

    def test_a_new_function_needs_a_name_the_model_can_say(self) -> None:
        tail = "tool-templates/new?start=function"
        answer = self.send(tail, name="Free slots")
        self.assertContains(answer, "Must start with a letter", status_code=422)
        self.assertContains(answer, 'value="Free slots"', status_code=422)
        self.assertEqual(answer.context["form"].errors.keys(), {"tool-name"})
        answer = self.send(tail, name="Free slots", **{"tool-name": "free_slots", "tool-url": "http://10.0.0.1/"})
        self.assertEqual((answer.status_code, answer.context["form"].errors.keys()), (422, {"tool-url"}))
        answer = self.send(tail, name="", **{"tool-name": "free_slots"})
        self.assertEqual((answer.status_code, answer.context["form"].errors.keys()), (422, {"name"}))
        self.assertEqual(self.tools(), [])
        self.send(tail, name="Free slots", **{"tool-name": "free_slots", "tool-secret": "s3cret"})
        self.assertEqual(
            self.tools(),
            [{"name": "Free slots", "description": None, "tool_type": "function", "tool_config": {"name": "free_slots"},
              "server_secret": "s3cret"}],
        )  # fmt: skip

    def test_opening_and_saving_changes_nothing(self) -> None:
        for values in (
            {"name": "check_slot", "tool_config": CONFIG, "server_secret": "s"},
            {"name": "Free slots", "tool_config": CONFIG | {"name": "slots", "server": {"secret": "x", "url": None}}},
            {
                "name": "To sales",
                "tool_type": "transfer_call",
                "tool_config": {"destinations": [DESTINATION | {"x": 1}]},
            },
            {"name": "Bye", "tool_type": "end_call", "tool_config": {"x": 1}, "description": "d"},
        ):
            template = factories.make_tool_template(self.client_org, **values)
            before = self.tools()[-1]
            answer = self.send(f"tool-templates/{template.pk}")
            self.assertEqual(answer.status_code, 302)
            self.assertEqual(self.tools()[-1], before)
            with self.acting_for(self.client_org):
                template.refresh_from_db()
                self.assertEqual(template.version, 1)

    def test_one_change_changes_one_key(self) -> None:
        template = factories.make_tool_template(self.client_org, name="check_slot", tool_config=CONFIG)
        self.send(f"tool-templates/{template.pk}", **{"tool-description": "Looks up", "tool-secret": "new"})
        self.assertEqual(
            self.tools()[0],
            {"name": "check_slot", "description": None, "tool_type": "function", "server_secret": "new",
             "tool_config": CONFIG | {"description": "Looks up"}},
        )  # fmt: skip
        self.send(f"tool-templates/{template.pk}", **{"tool-secret-clear": "on"})
        self.assertEqual(self.tools()[0]["server_secret"], None)

    def test_the_secret_is_not_on_the_page(self) -> None:
        template = factories.make_tool_template(self.client_org, server_secret="s3cret-canary")
        self.assertNotContains(self.browser.get(self.url(f"tool-templates/{template.pk}")), "s3cret-canary")

    def test_who_comes_too_late_sees_both_versions(self) -> None:
        template = factories.make_tool_template(self.client_org, name="check_slot", server_secret="s3cret-canary")
        tail = f"tool-templates/{template.pk}"
        late = self.inputs(tail)
        self.send(tail, name="theirs_now")
        answer = self.browser.post(self.url(tail), late | {"name": "mine_now", "tool-secret": "other-canary"})
        self.assertContains(answer, "theirs_now", status_code=409)
        self.assertContains(answer, "Cleo", status_code=409)
        self.assertNotContains(answer, "s3cret-canary", status_code=409)
        self.assertEqual(self.tools()[0]["name"], "theirs_now")
        again = inputs_of(answer, "template-form")
        self.assertEqual(self.browser.post(self.url(tail), again).status_code, 302)
        self.assertEqual(self.tools()[0]["name"], "mine_now")

    def test_rows_and_json_change_places(self) -> None:
        sent = {"tool-kind": "function", "tool-params-mode": "json", "tool-params-json": json.dumps(SCHEMA)}
        answer = self.browser.post(self.url("templates/schema?prefix=tool-params"), sent)
        self.assertContains(answer, 'value="day"')
        self.assertContains(answer, "/o/bakker-dental/templates/schema?prefix=tool-params")
        sent = {"schema-mode": "json", "schema-json": json.dumps(SCHEMA)}
        self.assertContains(self.browser.post(self.url("templates/schema?prefix=schema"), sent), 'value="day"')
        self.assertEqual(self.browser.post(self.url("templates/schema?prefix=x"), sent).status_code, 404)

    def test_a_copy_keeps_what_the_model_calls_it(self) -> None:
        template = factories.make_tool_template(
            self.client_org, name="check_slot", tool_config=CONFIG, server_secret="s"
        )
        self.browser.post(self.url(f"tool-templates/{template.pk}/duplicate"))
        first, copied = self.tools()
        self.assertEqual(copied, first | {"name": "Copy of check_slot", "tool_config": CONFIG | {"name": "check_slot"}})

    def test_deleting_asks_first(self) -> None:
        template = factories.make_tool_template(self.client_org, name="check_slot")
        self.assertContains(self.browser.get(self.url(f"tool-templates/{template.pk}/delete")), "check_slot")
        self.assertEqual(len(self.tools()), 1)
        self.assertEqual(self.browser.post(self.url(f"tool-templates/{template.pk}/delete")).status_code, 302)
        self.assertEqual(self.tools(), [])

    def test_a_viewer_only_looks(self) -> None:
        template = factories.make_tool_template(self.client_org, name="check_slot")
        vera = factories.make_user("Vera")
        factories.make_member(self.client_org, vera, "viewer")
        viewer = self.as_(vera)
        answer = viewer.get(self.url(f"tool-templates/{template.pk}"))
        self.assertContains(answer, "your role does not allow changes")
        self.assertNotContains(answer, "Save changes")
        self.assertEqual(viewer.get(self.url("tool-templates")).status_code, 200)
        for tail in ("", "/duplicate", "/delete"):
            self.assertEqual(viewer.post(self.url(f"tool-templates/{template.pk}{tail}")).status_code, 403)
        self.assertEqual(viewer.get(self.url("tool-templates/new")).status_code, 403)

    def test_the_list_costs_the_same_for_one_and_three(self) -> None:
        self.browser.get(self.url("tool-templates"))  # The first page notes the session.
        costs = []
        for more in (1, 2):
            for _number in range(more):
                factories.make_tool_template(self.client_org)
                factories.make_analysis_template(self.client_org)
            for tail in ("tool-templates", "analysis-templates"):
                with self.assertNumQueries(12):
                    costs.append(self.browser.get(self.url(tail)).status_code)
        self.assertEqual(costs, [200] * 4)


class AnalysisPagesTest(PageCase):
    def rows(self, **more: Any) -> dict[str, Any]:
        row = {"schema": ["0"], "schema-0-name": "day", "schema-0-type": "string", "schema-0-required": "on"}
        return row | more

    def test_a_name_and_a_field_are_enough(self) -> None:
        blank = self.inputs("analysis-templates/new")
        answer = self.send("analysis-templates/new", name="Appointment", **self.rows())
        self.assertEqual(answer.status_code, 302)
        self.assertEqual(
            self.analyses(),
            [{"name": "Appointment", "description": None, "system_prompt": blank["system_prompt"][0],
              "user_prompt": blank["user_prompt"][0].replace("\r\n", "\n"), "min_messages_threshold": None,
              "schema": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}}],
        )  # fmt: skip
        self.assertIn("{transcript}", self.analyses()[0]["user_prompt"])

    def test_without_a_field_it_says_so(self) -> None:
        answer = self.send("analysis-templates/new", name="Appointment")
        self.assertContains(answer, "Add at least one field", status_code=422)
        self.assertContains(answer, 'value="Appointment"', status_code=422)
        answer = self.send("analysis-templates/new", name="", min_messages_threshold="many", **self.rows())
        self.assertEqual(answer.context["form"].errors.keys(), {"name", "min_messages_threshold"})
        self.assertEqual(self.analyses(), [])

    def test_opening_and_saving_changes_nothing(self) -> None:
        template = factories.make_analysis_template(
            self.client_org,
            schema=SCHEMA | {"$defs": {}},
            user_prompt=" Read\r\n{transcript} ",
            min_messages_threshold=3,
        )
        before = self.analyses()
        self.assertEqual(self.send(f"analysis-templates/{template.pk}").status_code, 302)
        self.assertEqual(self.analyses(), before)
        self.send(f"analysis-templates/{template.pk}", min_messages_threshold="")
        self.assertEqual(self.analyses(), [before[0] | {"min_messages_threshold": None}])

    def test_who_comes_too_late_sees_both_versions(self) -> None:
        template = factories.make_analysis_template(self.client_org, schema=SCHEMA)
        tail = f"analysis-templates/{template.pk}"
        late = self.inputs(tail)
        self.send(tail, name="Theirs now")
        answer = self.browser.post(self.url(tail), late | {"name": "Mine now"})
        self.assertContains(answer, "Theirs now", status_code=409)
        self.assertEqual(self.analyses()[0]["name"], "Theirs now")

    def test_copy_and_delete(self) -> None:
        template = factories.make_analysis_template(self.client_org, name="Appointment")
        self.assertNotContains(self.browser.get(self.url("analysis-templates")), "theirs-canary")
        self.browser.post(self.url(f"analysis-templates/{template.pk}/duplicate"))
        first, copied = self.analyses()
        self.assertEqual(copied, first | {"name": "Copy of Appointment"})
        self.browser.post(self.url(f"analysis-templates/{template.pk}/delete"))
        self.assertEqual(self.analyses(), [copied])

