"""Pages of workflows: the list, the builder, on and off, deletion; and numbers that run one."""

from __future__ import annotations

import json
import re
from typing import Any

from apps.assistants.models import Workflow
from apps.assistants.workflows import as_text, line_at, lines_of
from apps.numbers.models import PhoneNumber
from apps.voice.models import Connection
from tests import factories
from tests.assistants.test_workflow_definition import FULL, talk, workflow
from tests.cases import TenantCase

HX = {"HX-Request": "true", "HX-Request-Type": "partial"}


class WorkflowPagesTest(TenantCase):
    def setUp(self) -> None:
        self.cleo_browser = self.as_(self.cleo)
        self.base = f"/o/{self.client_org.slug}/workflows"

    def send(self, definition: Any, path: str = "/new", **fields: Any) -> Any:
        text = definition if isinstance(definition, str) else json.dumps(definition, indent=2)
        return self.cleo_browser.post(f"{self.base}{path}", {"name": "Hours", "is_active": "on", "definition": text} | fields)

    def rows(self) -> list[Workflow]:
        with self.acting_for(self.client_org):
            return list(Workflow.objects.for_organization(self.client_org))

    def test_the_first_definition_is_valid_and_can_be_saved_as_it_stands(self) -> None:
        page = self.cleo_browser.get(f"{self.base}/new")
        self.assertContains(page, "The definition is valid.")
        answer = self.send(page.context["draft"].text)
        (made,) = self.rows()
        self.assertRedirects(answer, f"{self.base}/{made.pk}")
        self.assertEqual((made.name, made.is_active, made.definition["entry_node"]), ("Hours", True, "greet"))

    def test_an_invalid_one_comes_back_with_every_problem_at_its_line(self) -> None:
        answer = self.send(workflow(entry_node="start", version=2))
        self.assertEqual(answer.status_code, 422)
        self.assertContains(answer, "entry_node &quot;start&quot; is not a node of this workflow", status_code=422)
        self.assertEqual([f.line for f in answer.context["draft"].findings], [2, 3])
        self.assertContains(answer, "Hours", status_code=422)
        self.assertEqual(self.rows(), [])

    def test_text_that_is_no_json_comes_back_as_it_was_typed(self) -> None:
        for text, line in (('{"version": 1,\n oops}', 2), ("", 1), ("[1, 2]", 1), ('"x', 1)):
            answer = self.send(text)
            self.assertEqual(answer.status_code, 422)
            self.assertEqual(answer.context["draft"].findings[0].line, line)
            self.assertEqual(answer.context["form"]["definition"].value(), text)
        self.assertEqual(self.rows(), [])

    def test_a_wrong_name_is_told_beside_it(self) -> None:
        answer = self.send(workflow(), name="")
        self.assertEqual(answer.status_code, 422)
        self.assertIn("name", answer.context["form"].errors)

    def test_the_preview_draws_what_is_typed_and_stores_nothing(self) -> None:
        answer = self.send(workflow(talk(), {"id": "bye", "type": "end"}, talk("lost")), "/preview")
        self.assertContains(answer, "nothing leads to node &quot;lost&quot;")
        self.assertContains(answer, "<svg")
        self.assertContains(answer, "is-lost")
        self.assertNotIn("<html", answer.content.decode())
        self.assertEqual(self.rows(), [])

    def test_buttons_add_nodes_and_edges(self) -> None:
        draft = self.send(workflow(), "/preview?step=node:transfer").context["draft"]
        self.assertTrue(draft.is_changed)
        self.assertEqual(json.loads(draft.text)["nodes"][2], {"id": "transfer_1", "type": "transfer", "destination": ""})
        more = {"edge_from": "greet", "edge_to": "transfer_1", "edge_description": "Wants a person."}
        draft = self.send(draft.text, "/preview?step=edge", **more).context["draft"]
        self.assertEqual(
            json.loads(draft.text)["edges"][1], {"from": "greet", "to": "transfer_1", "description": "Wants a person."}
        )
        again = self.send(draft.text, "/preview?step=node:transfer").context["draft"]
        self.assertEqual(json.loads(again.text)["nodes"][3]["id"], "transfer_2")

    def test_buttons_work_without_scripts_and_save_nothing(self) -> None:
        answer = self.send(workflow(), step="node:end")
        self.assertEqual(answer.status_code, 200)
        self.assertIn("goodbye_1", answer.context["form"]["definition"].value())
        self.assertContains(answer, 'value="Hours"')
        self.assertEqual(self.rows(), [])
        answer = self.send("{oops", step="node:end")
        self.assertEqual(answer.context["form"]["definition"].value(), "{oops")

    def test_a_change_is_saved_and_read_back_in_order(self) -> None:
        row = factories.make_workflow(self.client_org)
        page = self.cleo_browser.get(f"{self.base}/{row.pk}")
        text = page.context["form"]["definition"].value()
        self.assertLess(text.index('"version"'), text.index('"entry_node"'))
        self.assertLess(text.index('"id"'), text.index('"type"'))
        answer = self.send(workflow(global_prompt="Be brief."), f"/{row.pk}", version=1)
        self.assertRedirects(answer, f"{self.base}/{row.pk}")
        (saved,) = self.rows()
        self.assertEqual((saved.version, saved.definition["global_prompt"]), (2, "Be brief."))

    def test_a_stale_form_shows_both_versions(self) -> None:
        row = factories.make_workflow(self.client_org, version=3)
        answer = self.send(workflow(), f"/{row.pk}", version=2, name="Mine")
        self.assertContains(answer, "Somebody else changed this", status_code=409)
        self.assertContains(answer, "Mine", status_code=409)
        self.assertNotEqual(self.rows()[0].name, "Mine")
        self.assertEqual(self.send(workflow(), f"/{row.pk}", version=3, name="Mine").status_code, 302)

    def test_the_list_shows_who_runs_what(self) -> None:
        row = factories.make_workflow(self.client_org, name="Hours")
        factories.make_number(self.client_org, workflow=row)
        factories.make_workflow(self.stranger, name="Foreign")
        page = self.cleo_browser.get(self.base)
        self.assertEqual([(each.name, each.number_count) for each in page.context["workflows"]], [("Hours", 1)])
        self.assertContains(page, "Workflows are not run at the moment")
        self.assertNotContains(page, "Foreign")

    def test_an_engine_that_announces_workflows_gets_no_note(self) -> None:
        with self.acting_for(self.client_org):
            Connection.objects.create(
                organization=self.client_org, name="Worker", base_url="https://engine.example.com/api/v1", api_key="k",
                engine={"kind": "worker", "features": ["workflows"]},
            )  # fmt: skip
        self.assertNotContains(self.cleo_browser.get(self.base), "Workflows are not run at the moment")

    def test_the_list_costs_the_same_for_one_and_three_rows(self) -> None:
        self.cleo_browser.get(self.base)  # the first page of a session costs more
        for count in (1, 2):
            for _each in range(count):
                factories.make_number(self.client_org, workflow=factories.make_workflow(self.client_org))
            with self.assertNumQueries(13):
                self.assertEqual(len(self.cleo_browser.get(self.base).context["workflows"]), 2 * count - 1)

    def test_a_switch_of_the_list(self) -> None:
        row = factories.make_workflow(self.client_org)
        answer = self.cleo_browser.post(f"{self.base}/{row.pk}/active", {"is_active": ""}, headers=HX)
        self.assertContains(answer, 'aria-checked="false"')
        self.assertFalse(self.rows()[0].is_active)
        answer = self.cleo_browser.post(f"{self.base}/{row.pk}/active", {"is_active": "on"})
        self.assertRedirects(answer, self.base)
        self.assertTrue(self.rows()[0].is_active)

    def test_deletion_names_the_numbers_that_run_it(self) -> None:
        row = factories.make_workflow(self.client_org)
        number = factories.make_number(self.client_org, workflow=row)
        path = f"{self.base}/{row.pk}/delete"
        self.assertContains(self.cleo_browser.get(path), "1 number still runs it")
        self.assertEqual(self.cleo_browser.post(path, headers=HX).status_code, 409)
        with self.acting_for(self.client_org):
            PhoneNumber.objects.for_organization(self.client_org).filter(pk=number.pk).update(workflow=None)
        self.assertRedirects(self.cleo_browser.post(path), self.base)
        self.assertEqual(self.rows(), [])

    def test_a_viewer_reads(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        row = factories.make_workflow(self.client_org)
        page = self.as_(viewer).get(f"{self.base}/{row.pk}")
        self.assertContains(page, "your role does not allow changes")
        self.assertNotContains(page, "Add a node")
        self.assertContains(page, "<svg")
        for path in ("/new", "/preview", f"/{row.pk}", f"/{row.pk}/active", f"/{row.pk}/delete"):
            self.assertEqual(self.as_(viewer).post(f"{self.base}{path}", {}, headers=HX).status_code, 403)

    def test_a_number_takes_a_workflow_on_its_page(self) -> None:
        row, theirs = factories.make_workflow(self.client_org), factories.make_workflow(self.stranger)
        number = factories.make_number(self.client_org)
        path = f"/o/{self.client_org.slug}/numbers/{number.pk}"
        self.assertEqual(self.cleo_browser.post(path, {"version": 1, "workflow": theirs.pk}).status_code, 422)
        self.assertEqual(self.cleo_browser.post(path, {"version": 1, "is_active": "on", "workflow": row.pk}).status_code, 302)
        with self.acting_for(self.client_org):
            found = PhoneNumber.objects.for_organization(self.client_org).get()
        self.assertEqual(found.workflow_id, row.pk)
        self.assertContains(self.cleo_browser.get(f"/o/{self.client_org.slug}/numbers"), row.name)

    def test_nothing_typed_breaks_out_of_the_drawing(self) -> None:
        wild = workflow(talk("</title><script>x</script>"), talk(instructions="</text><script>x</script>"))
        answer = self.send(wild, "/preview")
        self.assertNotIn("<script", answer.content.decode())


def test_each_part_has_its_line():
    text = as_text(FULL)
    lines = lines_of(text)
    rows = text.split("\n")
    assert '"entry_node"' in rows[line_at(lines, "entry_node") - 1]
    for index, node in enumerate(FULL["nodes"]):
        assert f'"{node["id"]}"' in rows[line_at(lines, f"nodes.{index}.id") - 1]
        assert re.fullmatch(r"\s*{", rows[line_at(lines, f"nodes.{index}.missing.deep") - 1])
    assert '"destination"' in rows[line_at(lines, "nodes.3.destination") - 1]
    assert line_at(lines_of("[1,\n 2]"), "1") == 2
    assert line_at(lines_of('{"a": "x:{,[\\"}", "b":\n{}, "c":\n [] }'), "c") == 2
    assert line_at({}, "a.b") == 1
