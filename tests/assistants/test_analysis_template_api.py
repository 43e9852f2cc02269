"""Analysis templates on the wire (api 8.10) and their copies in analysis plans (api 9.5)."""

from __future__ import annotations

import uuid
from typing import Any

from apps.assistants.schema.analysis_template import DEFAULT_PROMPTS
from tests import factories
from tests.cases import TenantCase

SCHEMA = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}


class AnalysisCase(TenantCase):
    def setUp(self) -> None:
        self.api_ = self.api(self.client_org)
        self.theirs = factories.make_analysis_template(
            self.stranger, name="theirs", schema={"type": "object", "title": "theirs"}
        )

    def made(self, **body: Any) -> dict[str, Any]:
        answer = self.api_.post("/analysis-templates", body)
        self.assertEqual(answer.status_code, 201, answer.content)
        return answer.json()["analysis_template"]

    def refused(self, param: str, code: str = "invalid_value", /, **body: Any) -> None:
        answer = self.api_.post("/analysis-templates", body)
        self.assertEqual((answer.status_code, answer.json().get("param"), answer.json()["type"]), (400, param, code))


class AnalysisTemplateApiTest(AnalysisCase):
    def test_prompts_come_back(self) -> None:
        sent = {
            "name": "Appointment", "description": "Which day", "system_prompt": "Read.", "schema": SCHEMA,
            "user_prompt": "{transcript} {summary} {duration} {caller_number}", "min_messages_threshold": 4,
        }  # fmt: skip
        body = self.made(**sent)
        frame = {key: body.pop(key) for key in ("id", "created_at", "updated_at")}
        self.assertEqual(body, sent | {"org_id": str(self.client_org.pk)})
        self.assertRegex(frame["updated_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(
            self.api_.get(f"/analysis-templates/{frame['id']}").json(), {"analysis_template": body | frame}
        )

    def test_absent_prompts_are_the_default_texts(self) -> None:
        body = self.made(name="Appointment", schema=SCHEMA)
        self.assertEqual({key: body[key] for key in DEFAULT_PROMPTS}, DEFAULT_PROMPTS)
        self.assertIn("{transcript}", body["user_prompt"])
        self.assertEqual((body["description"], body["min_messages_threshold"]), (None, None))

    def test_messages_are_the_other_form(self) -> None:
        messages = [
            {"role": "user", "content": "First {transcript}"},
            {"role": "system", "content": "One"},
            {"role": "system", "content": "Two"},
            {"role": "user", "content": "Second"},
        ]
        body = self.made(name="A", schema=SCHEMA, messages=messages, min_messages_threshold=3)
        self.assertEqual((body["system_prompt"], body["user_prompt"]), ("One", "First {transcript}"))
        self.assertEqual(body["min_messages_threshold"], 3)
        half = self.made(name="A", schema=SCHEMA, messages=[{"role": "system", "content": "One"}])
        self.assertEqual((half["system_prompt"], half["user_prompt"]), ("One", DEFAULT_PROMPTS["user_prompt"]))
        both = self.made(name="A", schema=SCHEMA, messages=messages, system_prompt="Sent too")
        self.assertEqual((both["system_prompt"], both["user_prompt"]), ("Sent too", "First {transcript}"))

    def test_a_problem_names_its_field(self) -> None:
        self.refused("name", "missing_field", schema=SCHEMA)
        self.refused("schema", "missing_field", name="A")
        self.refused("schema", name="A", schema=[])
        self.refused("schema.type", name="A", schema={"type": "array"})
        self.refused("schema", name="A", schema={"type": "object", "properties": 5})
        self.refused("schema", name="A", schema={"properties": {"a": {"$ref": "https://example.com/x.json"}}})
        self.refused("schema", name="A", schema={"type": "object", "description": "x" * 65_536})
        self.refused("name", name="x" * 201, schema=SCHEMA)
        self.refused("name", name=" ", schema=SCHEMA)
        self.refused("system_prompt", name="A", schema=SCHEMA, system_prompt=None)
        self.refused("user_prompt", name="A", schema=SCHEMA, user_prompt="x" * 100_001)
        self.refused("messages", name="A", schema=SCHEMA, messages="x")
        self.refused("messages.0.role", name="A", schema=SCHEMA, messages=[{"role": "tool", "content": "x"}])
        self.refused("messages.0.content", "missing_field", name="A", schema=SCHEMA, messages=[{"role": "user"}])
        self.refused("min_messages_threshold", name="A", schema=SCHEMA, min_messages_threshold=-1)
        self.refused("min_messages_threshold", name="A", schema=SCHEMA, min_messages_threshold=True)

    def test_patch_changes_only_what_was_sent(self) -> None:
        made = self.made(name="A", description="d", schema=SCHEMA, min_messages_threshold=3)
        path = f"/analysis-templates/{made['id']}"
        self.assertEqual(self.api_.patch(path, {}).json(), {"analysis_template": made})
        sent = {"description": None, "min_messages_threshold": None, "user_prompt": "Now {transcript}"}
        now = self.api_.patch(path, sent).json()["analysis_template"]
        self.assertEqual(now | {"updated_at": made["updated_at"]}, made | sent)
        now = self.api_.patch(path, {"messages": [{"role": "system", "content": "New"}]}).json()["analysis_template"]
        self.assertEqual((now["system_prompt"], now["user_prompt"]), ("New", "Now {transcript}"))
        for key in ("name", "schema", "system_prompt", "user_prompt", "messages"):
            answer = self.api_.patch(path, {key: None})
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, key))
        self.assertEqual(self.api_.get(path).json(), {"analysis_template": now})

    def test_the_list_is_complete_without_a_limit(self) -> None:
        rows = [self.made(name=f"Template {number}", schema=SCHEMA) for number in range(3)][::-1]
        listed = self.api_.get("/analysis-templates").json()
        self.assertEqual(listed, {"analysis_templates": rows, "data": rows, "total": 3, "limit": 3, "offset": 0})
        part = self.api_.get("/analysis-templates", {"limit": 2, "offset": 1}).json()
        self.assertEqual(part, {"analysis_templates": rows[1:], "data": rows[1:], "total": 3, "limit": 2, "offset": 1})
        rest = self.api_.get("/analysis-templates", {"offset": 2}).json()
        self.assertEqual((rest["data"], rest["total"], rest["offset"]), (rows[2:], 3, 2))
        self.assertEqual(self.api_.get("/analysis-templates", {"limit": 1000}).json()["limit"], 100)
        self.assertEqual(self.api_.get("/analysis-templates", {"limit": 0}).json()["limit"], 1)
        self.assertEqual(self.api_.get("/analysis-templates", {"limit": "many"}).json()["param"], "limit")
        empty = self.api(self.agency).get("/analysis-templates").json()
        self.assertEqual(empty, {"analysis_templates": [], "data": [], "total": 0, "limit": 1, "offset": 0})

    def test_delete_is_done_once(self) -> None:
        path = f"/analysis-templates/{self.made(name='A', schema=SCHEMA)['id']}"
        self.assertEqual(self.api_.delete(path).json(), {"success": True})
        self.assertEqual(self.api_.delete(path).status_code, 404)

    def test_anothers_template_is_not_there(self) -> None:
        path = f"/analysis-templates/{self.theirs.pk}"
        for answer in (self.api_.get(path), self.api_.patch(path, {"name": "mine"}), self.api_.delete(path)):
            self.assertEqual(answer.status_code, 404)
            self.assertNotIn("theirs", answer.content.decode())
        with self.acting_for(self.stranger):
            self.theirs.refresh_from_db()
            self.assertEqual(self.theirs.name, "theirs")


class CopyTest(AnalysisCase):
    def plan(self, **fields: Any) -> dict[str, Any]:
        return {"structured_data_plan": {"enabled": True, **fields}}

    def test_the_template_is_copied_when_the_plan_is_written(self) -> None:
        template = self.made(name="A", schema=SCHEMA, system_prompt="Read.", user_prompt="{transcript}")
        sent = self.plan(template_id=template["id"])
        made = self.api_.post("/assistants", {"name": "Robin", "analysis_plan": sent}).json()["assistant"]
        copied = {
            "schema": SCHEMA,
            "messages": [{"role": "system", "content": "Read."}, {"role": "user", "content": "{transcript}"}],
        }
        self.assertEqual(made["analysis_plan"], self.plan(template_id=template["id"], **copied))

        self.api_.patch(f"/analysis-templates/{template['id']}", {"system_prompt": "Later", "schema": {"title": "x"}})
        self.assertEqual(self.api_.get(f"/assistants/{made['id']}").json()["assistant"], made)
        self.api_.delete(f"/analysis-templates/{template['id']}")
        self.assertEqual(self.api_.get(f"/assistants/{made['id']}").json()["assistant"], made)
        again = self.api_.patch(f"/assistants/{made['id']}", {"analysis_plan": made["analysis_plan"]})
        self.assertEqual((again.status_code, again.json()["assistant"]), (200, made))

    def test_what_is_sent_beside_the_id_stays(self) -> None:
        template = self.made(name="A", schema=SCHEMA, system_prompt="Read.", user_prompt="{transcript}")
        own = {"schema": {"type": "object", "title": "own"}, "template_id": template["id"]}
        made = self.api_.post("/assistants", {"name": "Robin", "analysis_plan": self.plan(**own)}).json()["assistant"]
        self.assertEqual(made["analysis_plan"]["structured_data_plan"]["schema"], own["schema"])

    def test_an_unknown_template_is_refused_with_the_field(self) -> None:
        field = "analysis_plan.structured_data_plan.template_id"
        mine = self.api_.post("/assistants", {"name": "Robin"}).json()["assistant"]
        for ident in (str(uuid.uuid4()), str(self.theirs.pk), "none"):
            sent = {"name": "Robin", "analysis_plan": self.plan(template_id=ident)}
            for answer in (self.api_.post("/assistants", sent), self.api_.patch(f"/assistants/{mine['id']}", sent)):
                self.assertEqual((answer.status_code, answer.json()["param"]), (400, field))
                self.assertNotIn("theirs", answer.content.decode())
        self.assertEqual(self.api_.get(f"/assistants/{mine['id']}").json()["assistant"]["analysis_plan"], None)
