"""Workflows on the wire (api 8.15), and the numbers that run them (api 8.3)."""

from __future__ import annotations

import threading
from typing import Any

from django.db import connections

from apps.assistants.errors import InUse
from apps.assistants.models import Workflow
from apps.assistants.workflow_services import delete_workflow
from apps.organizations.services import SYSTEM
from tests import factories
from tests.assistants.test_workflow_definition import FULL, TOOL, edge, talk, workflow
from tests.cases import CommittedCase, TenantCase

STAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
MISSING_ID = "0190f3c2-7b1e-7c4d-9a55-3f0e8c6d1b27"


def without_mcp_free_tools() -> dict[str, Any]:
    """A definition with everything in it that needs no name server."""
    nodes = [{key: value for key, value in node.items() if key not in ("tools", "url")} for node in FULL["nodes"]]
    return {**FULL, "nodes": nodes}


class WorkflowApiTest(TenantCase):
    def setUp(self) -> None:
        self.cleo_api = self.api(self.client_org)

    def made(self, **fields: Any) -> dict[str, Any]:
        answer = self.cleo_api.post("/workflows", {"name": "Hours", "definition": workflow()} | fields)
        self.assertEqual(answer.status_code, 201, answer.content)
        return answer.json()["workflow"]

    def test_what_was_sent_comes_back(self) -> None:
        sent = without_mcp_free_tools()
        made = self.made(definition=sent)
        self.assertEqual(set(made), {"id", "name", "is_active", "definition", "created_at", "updated_at"})
        self.assertEqual((made["name"], made["is_active"], made["definition"]), ("Hours", True, sent))
        self.assertRegex(made["created_at"], STAMP)
        answer = self.cleo_api.get(f"/workflows/{made['id']}")
        self.assertEqual((answer.status_code, answer.json()), (200, {"workflow": made}))

    def test_the_list_holds_summaries_newest_first(self) -> None:
        first, second = self.made(), self.made(name="Later", definition={**workflow(), "edges": []}, is_active=False)
        rows = self.cleo_api.get("/workflows").json()["workflows"]
        self.assertEqual([row["id"] for row in rows], [second["id"], first["id"]])
        wanted = {"id", "name", "is_active", "entry_node", "node_count", "edge_count", "created_at", "updated_at"}
        self.assertEqual(set(rows[0]), wanted)
        self.assertEqual(
            [(row["is_active"], row["entry_node"], row["node_count"], row["edge_count"]) for row in rows],
            [(False, "greet", 2, 0), (True, "greet", 2, 1)],
        )

    def test_every_break_has_its_entry(self) -> None:
        answer = self.cleo_api.post("/workflows", {"name": "Hours", "definition": workflow(entry_node="start")})
        self.assertEqual(answer.status_code, 400)
        text = 'entry_node "start" is not a node of this workflow'
        self.assertEqual(
            answer.json(),
            {"error": "Invalid workflow definition", "message": text, "details": [text], "type": "invalid_value",
             "param": "definition.entry_node"},
        )  # fmt: skip
        wrong = workflow(talk(llm_config={"provider": "xai_realtime"}), {"id": "bye", "type": "end"}, version=2)
        answer = self.cleo_api.post("/workflows", {"definition": wrong}).json()
        self.assertEqual(answer["error"], "Invalid workflow definition")
        self.assertEqual(
            answer["details"],
            ["name: this field is required", "version must be 1",
             "nodes.0.llm_config.provider: realtime_provider_not_allowed_per_node"],
        )  # fmt: skip

    def test_the_rest_of_a_body_fails_as_everywhere(self) -> None:
        answer = self.cleo_api.post("/workflows", {})
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(
            (answer.json()["error"], answer.json()["type"], answer.json()["details"]),
            (
                "Validation failed",
                "missing_field",
                ["name: this field is required", "definition: this field is required"],
            ),
        )
        for field, value in (("name", ""), ("name", "x" * 201), ("name", 3), ("is_active", "yes"), ("is_active", None)):
            body = {"name": "Hours", "definition": workflow(), field: value}
            answer = self.cleo_api.post("/workflows", body)
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, field), value)

    def test_addresses_of_tools_must_be_public(self) -> None:
        with self.settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            tool = {**TOOL, "url": "https://127.0.0.1/x"}
            sent = workflow(talk(), {"id": "bye", "type": "end"}, tool, edges=[edge(end="look"), edge("look")])
            answer = self.cleo_api.post("/workflows", {"name": "Hours", "definition": sent})
        self.assertEqual((answer.status_code, answer.json()["param"]), (400, "definition.nodes.2.url"))

    def test_unreachable_nodes_are_stored_with_a_warning(self) -> None:
        sent = workflow(talk(), {"id": "bye", "type": "end"}, talk("lost"))
        answer = self.cleo_api.post("/workflows", {"name": "Hours", "definition": sent})
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(answer.json()["warnings"], ['nodes.2: nothing leads to node "lost"'])

    def test_a_patch_changes_only_what_was_sent(self) -> None:
        made = self.made(definition=without_mcp_free_tools())
        path = f"/workflows/{made['id']}"
        self.assertEqual(self.cleo_api.patch(path, {}).json(), {"workflow": made})
        found = self.cleo_api.patch(path, {"is_active": False}).json()["workflow"]
        self.assertEqual((found["is_active"], found["name"], found["definition"]), (False, "Hours", made["definition"]))
        found = self.cleo_api.patch(path, {"definition": workflow()}).json()["workflow"]
        self.assertEqual((found["definition"], found["is_active"]), (workflow(), False))
        for body, param in (({"name": None}, "name"), ({"definition": None}, "definition"), ({"definition": {}}, "definition.version")):  # fmt: skip
            answer = self.cleo_api.patch(path, body)
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, param))

    def test_a_workflow_in_use_stays(self) -> None:
        row = factories.make_workflow(self.client_org)
        numbers = [factories.make_number(self.client_org, workflow=row) for _each in range(2)]
        answer = self.cleo_api.delete(f"/workflows/{row.pk}")
        text = "2 phone numbers still run this workflow. Detach them first: PATCH /numbers/{id} with workflow_id: null."
        self.assertEqual(answer.status_code, 409)
        self.assertEqual((answer.json()["error"], answer.json()["type"]), (text, "in_use"))
        for number in numbers:
            answer = self.cleo_api.patch(f"/numbers/{number.pk}", {"workflow_id": None})
            self.assertEqual((answer.status_code, answer.json()["number"]["workflow_id"]), (200, None))
        self.assertEqual(self.cleo_api.delete(f"/workflows/{row.pk}").json(), {"success": True})
        self.assertEqual(self.cleo_api.delete(f"/workflows/{row.pk}").status_code, 404)

    def test_others_workflows_do_not_exist(self) -> None:
        theirs = factories.make_workflow(self.stranger, name="Secret")
        self.assertEqual(self.cleo_api.get("/workflows").json(), {"workflows": []})
        for ident in (theirs.pk, MISSING_ID, "nonsense"):
            for method in ("get", "patch", "delete"):
                answer = getattr(self.cleo_api, method)(f"/workflows/{ident}")
                self.assertEqual((answer.status_code, answer.json()["type"]), (404, "not_found"))

    def test_a_number_shows_and_takes_its_workflow(self) -> None:
        row = factories.make_workflow(self.client_org, name="Hours")
        body = {"phone_number": "+31850000011", "workflow_id": str(row.pk)}
        number = self.cleo_api.post("/numbers", body).json()["number"]
        self.assertEqual((number["workflow_id"], number["workflow_name"]), (str(row.pk), "Hours"))
        rows = self.cleo_api.get("/numbers").json()["numbers"]
        self.assertEqual(rows[0], self.cleo_api.get(f"/numbers/{number['id']}").json()["number"])
        self.assertEqual(self.cleo_api.patch(f"/numbers/{number['id']}", {}).json()["number"], rows[0])
        gone = self.cleo_api.patch(f"/numbers/{number['id']}", {"workflow_id": None}).json()["number"]
        self.assertEqual((gone["workflow_id"], gone["workflow_name"]), (None, None))

    def test_a_number_takes_no_other_workflow(self) -> None:
        theirs = factories.make_workflow(self.stranger)
        number = factories.make_number(self.client_org)
        for value in (str(theirs.pk), MISSING_ID, "nonsense", 3):
            answer = self.cleo_api.patch(f"/numbers/{number.pk}", {"workflow_id": value})
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, "workflow_id"), value)
            answer = self.cleo_api.post("/numbers", {"phone_number": "+31850000012", "workflow_id": value})
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, "workflow_id"), value)


class RaceTest(CommittedCase):
    def test_a_number_that_takes_the_workflow_meanwhile_wins(self) -> None:
        row = factories.make_workflow(self.client_org)
        factories.make_number(self.client_org, workflow=row)

        def delete() -> None:
            try:
                with self.acting_for(self.client_org):
                    # As Django saw it before the number was there.
                    found = Workflow.objects.for_organization(self.client_org).select_related("organization").get()
                    found._meta.model.delete = lambda self: Workflow.objects.filter(pk=self.pk)._raw_delete("default")  # type: ignore[method-assign]
                    delete_workflow(workflow=found, by=SYSTEM)
            except InUse as error:
                said.append(error.text)
            finally:
                del Workflow.delete
                connections.close_all()

        said: list[str] = []
        thread = threading.Thread(target=delete)
        thread.start()
        thread.join()
        self.assertTrue(said and said[0].startswith("1 phone number still runs this workflow."))
        with self.acting_for(self.client_org):
            self.assertEqual(Workflow.objects.for_organization(self.client_org).count(), 1)
