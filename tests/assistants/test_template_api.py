"""Tool templates on the wire (api 8.2)."""

from __future__ import annotations

from typing import Any

from django.db import connection

from apps.assistants.models import ToolTemplate
from tests import factories
from tests.cases import TenantCase

PARAMETERS = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
DESTINATION = {"type": "number", "number": "+31201234567", "description": "Sales"}
CONFIG = {"description": "Checks a free slot", "url": "https://n8n.example.org/slot", "parameters": PARAMETERS}


class ToolTemplateApiTest(TenantCase):
    def setUp(self) -> None:
        self.api_ = self.api(self.client_org)
        self.theirs = factories.make_tool_template(self.stranger, name="theirs", server_secret="theirs-secret")

    def made(self, **body: Any) -> dict[str, Any]:
        answer = self.api_.post("/tool-templates", body)
        self.assertEqual(answer.status_code, 201, answer.content)
        return answer.json()["tool_template"]

    def refused(self, param: str, code: str = "invalid_value", /, **body: Any) -> None:
        answer = self.api_.post("/tool-templates", body)
        self.assertEqual((answer.status_code, answer.json().get("param"), answer.json()["type"]), (400, param, code))

    def changed(self, made: dict[str, Any], **body: Any) -> dict[str, Any]:
        answer = self.api_.patch(f"/tool-templates/{made['id']}", body)
        self.assertEqual(answer.status_code, 200, answer.content)
        return answer.json()["tool_template"]

    def not_changed(self, made: dict[str, Any], param: str, code: str = "invalid_value", /, **body: Any) -> None:
        answer = self.api_.patch(f"/tool-templates/{made['id']}", body)
        self.assertEqual((answer.status_code, answer.json().get("param"), answer.json()["type"]), (400, param, code))
        self.assertEqual(self.api_.get(f"/tool-templates/{made['id']}").json()["tool_template"], made)

    def test_the_contracts_example_comes_back_as_the_union(self) -> None:
        body = self.made(name="check_slot", tool_type="function", tool_config=CONFIG)
        frame = {key: body.pop(key) for key in ("id", "created_at", "updated_at")}
        self.assertRegex(frame["id"], r"^[0-9a-f-]{36}$")
        self.assertRegex(frame["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(
            body,
            {
                "org_id": str(self.client_org.pk), "name": "check_slot", "description": None, "tool_type": "function",
                "tool_config": CONFIG, "server_url": CONFIG["url"], "async": False, "server_secret": None,
                "function_definition": {
                    "name": "check_slot", "description": "Checks a free slot", "parameters": PARAMETERS
                },
            },
        )  # fmt: skip

    def test_the_older_body_is_a_function(self) -> None:
        definition = {"name": "check_slot", "description": "Checks", "parameters": PARAMETERS}
        sent = {
            "name": "Free slots", "description": "For dentists", "function_definition": definition,
            "server_url": "https://example.com/slot", "server_secret": "s3cret", "async": True,
        }  # fmt: skip
        body = self.made(**sent)
        self.assertEqual({key: body[key] for key in sent}, sent)
        self.assertEqual(body["tool_type"], "function")
        self.assertEqual(body["tool_config"], definition | {"url": "https://example.com/slot", "async": True})

    def test_the_flat_body(self) -> None:
        sent = {"name": "check_slot", "description": "Checks", "url": "https://example.com/slot", "async": True}
        body = self.made(**sent, type="function", parameters=PARAMETERS, async_response="One moment.")
        self.assertEqual(
            body["tool_config"],
            {"url": sent["url"], "async": True, "parameters": PARAMETERS, "message": "One moment."},
        )
        self.assertEqual((body["description"], body["server_url"], body["async"]), ("Checks", sent["url"], True))
        self.assertEqual(
            body["function_definition"], {"name": "check_slot", "description": "Checks", "parameters": PARAMETERS}
        )
        self.assertEqual(self.made(name="Bye", type="endCall")["tool_config"], {})
        transfer = self.made(name="To sales", type="transferCall", destinations=[DESTINATION])
        self.assertEqual(
            (transfer["tool_type"], transfer["tool_config"]), ("transfer_call", {"destinations": [DESTINATION]})
        )

    def test_camel_types_come_back_in_snake(self) -> None:
        for sent, emitted, config in (
            ("endCall", "end_call", {}),
            ("transferCall", "transfer_call", {"destinations": [DESTINATION]}),
        ):
            body = self.made(name="Any words", tool_type=sent, tool_config=config)
            self.assertEqual((body["tool_type"], body["tool_config"]), (emitted, config))
            self.assertNotIn("function_definition", body)
            self.assertEqual((body["server_url"], body["async"]), (None, False))

    def test_unknown_keys_of_the_config_are_echoed(self) -> None:
        config = CONFIG | {"headers": {"x": "1"}, "function": {"name": "other"}}
        self.assertEqual(self.made(name="a", tool_type="function", tool_config=config)["tool_config"], config)

    def test_what_a_read_gives_can_be_sent_back(self) -> None:
        made = self.made(name="check_slot", tool_type="function", tool_config=CONFIG, server_secret="s3cret")
        self.assertEqual(self.changed(made, **made), made)
        self.assertEqual(
            {key: value for key, value in self.made(**made).items() if key not in ("id", "created_at", "updated_at")},
            {key: value for key, value in made.items() if key not in ("id", "created_at", "updated_at")},
        )

    def test_a_problem_is_told_by_the_name_that_was_sent(self) -> None:
        function = {"name": "a", "tool_type": "function"}
        self.refused("name", "missing_field", tool_type="end_call", tool_config={})
        self.refused("tool_type", "missing_field", name="a")
        self.refused("tool_config", "missing_field", **function)
        self.refused("tool_type", name="a", tool_type="mcp", tool_config={})
        self.refused("type", name="a", type="query")
        self.refused("tool_config", name="a", tool_type="function", tool_config=[])
        self.refused("tool_config", name="a", tool_type="function", tool_config=None)
        self.refused("name", **function | {"name": "Free slots"}, tool_config={})
        self.refused("tool_config.name", **function, tool_config={"name": "free slots"})
        self.refused("tool_config.url", **function, tool_config={"url": "http://10.0.0.1/x"})
        self.refused("tool_config.parameters.type", **function, tool_config={"parameters": {"type": "array"}})
        self.refused("tool_config.async", **function, tool_config={"async": "yes"})
        self.refused("tool_config.server.secret", **function, tool_config={"server": {"secret": 5}})
        self.refused("tool_config.server", **function, tool_config={"server": "x"}, server_secret="s")
        self.refused("function_definition.name", "missing_field", name="a", function_definition={})
        self.refused("function_definition.name", name="a", function_definition={"name": "1a"})
        self.refused("function_definition", name="a", function_definition="x")
        self.refused("server_url", name="a", function_definition={"name": "a"}, server_url="ftp://example.com")
        self.refused("url", name="a", type="function", url="http://10.0.0.1/")
        self.refused("async_response", name="a", type="function", async_response=True)
        self.refused("server_secret", **function, tool_config={}, server_secret="x" * 256)
        self.refused("description", **function, tool_config={}, description=5)

    def test_a_transfer_needs_somewhere_to_go(self) -> None:
        transfer = {"name": "To sales", "tool_type": "transfer_call"}
        self.refused("tool_config.destinations", "missing_field", **transfer, tool_config={})
        self.refused("tool_config.destinations", **transfer, tool_config={"destinations": []})
        self.refused("destinations.0.number", "missing_field", name="a", type="transfer_call", destinations=[{}])
        wrong = {"destinations": [DESTINATION, {"number": "112", "description": "x"}]}
        self.refused("tool_config.destinations.1.number", **transfer, tool_config=wrong)
        wrong = {"destinations": [DESTINATION | {"type": "assistant"}]}
        self.refused("tool_config.destinations.0.type", **transfer, tool_config=wrong)

    def test_patch_changes_only_what_was_sent(self) -> None:
        made = self.made(
            name="check_slot", description="d", tool_type="function", tool_config=CONFIG, server_secret="s"
        )
        self.assertEqual(self.changed(made), made)
        now = self.changed(made, description=None, server_secret=None)
        same = {"updated_at": made["updated_at"]}
        self.assertEqual(now | same, made | {"description": None, "server_secret": None})
        now = self.changed(made, tool_config={"name": "other"})
        self.assertEqual((now["tool_config"], now["server_url"]), ({"name": "other"}, None))
        self.assertEqual(self.changed(made, name="Any words")["function_definition"]["name"], "other")

    def test_patch_takes_the_older_keys(self) -> None:
        made = self.made(name="check_slot", tool_type="function", tool_config=CONFIG)
        now = self.changed(made, server_url="https://example.com/new", **{"async": True})
        self.assertEqual(now["tool_config"], CONFIG | {"url": "https://example.com/new", "async": True})
        now = self.changed(made, function_definition={"name": "book", "description": "Books"})
        self.assertEqual(
            now["tool_config"],
            {"url": "https://example.com/new", "async": True, "name": "book", "description": "Books"},
        )

    def test_patch_refuses_null_and_what_does_not_fit(self) -> None:
        made = self.made(name="check_slot", tool_type="function", tool_config=CONFIG)
        for key in ("name", "tool_type", "tool_config", "server_url", "async"):
            self.not_changed(made, key, **{key: None})
        self.not_changed(made, "function_definition", function_definition=None)
        self.not_changed(made, "name", name="Any words")
        self.not_changed(made, "tool_config.destinations", "missing_field", tool_type="transfer_call")
        self.not_changed(made, "server_url", server_url="http://192.168.1.1/")

    def test_an_address_that_was_never_judged_is_judged_when_the_type_changes(self) -> None:
        made = self.made(name="bye", tool_type="end_call", tool_config={"url": "http://10.0.0.1/"})
        self.not_changed(made, "tool_config.url", tool_type="function")

    def test_the_list_is_newest_first_and_only_ones_own(self) -> None:
        self.assertEqual(self.api_.get("/tool-templates").json(), {"tool_templates": []})
        made = [self.made(name=f"tool_{number}", tool_type="end_call", tool_config={}) for number in range(3)]
        self.assertEqual(self.api_.get("/tool-templates").json(), {"tool_templates": made[::-1]})

    def test_delete_is_done_once(self) -> None:
        made = self.made(name="bye", tool_type="end_call", tool_config={})
        answer = self.api_.delete(f"/tool-templates/{made['id']}")
        self.assertEqual((answer.status_code, answer.json()), (200, {"success": True}))
        self.assertEqual(self.api_.delete(f"/tool-templates/{made['id']}").status_code, 404)
        self.assertEqual(self.api_.get(f"/tool-templates/{made['id']}").status_code, 404)

    def test_anothers_template_is_not_there(self) -> None:
        path = f"/tool-templates/{self.theirs.pk}"
        for answer in (self.api_.get(path), self.api_.patch(path, {"name": "mine"}), self.api_.delete(path)):
            self.assertEqual(answer.status_code, 404)
            self.assertNotIn("theirs", answer.content.decode())
        with self.acting_for(self.stranger):
            self.theirs.refresh_from_db()
            self.assertEqual(self.theirs.name, "theirs")

    def test_the_secret_lies_sealed(self) -> None:
        made = self.made(name="a", tool_type="function", tool_config={}, server_secret="s3cret-canary")
        self.assertEqual(made["server_secret"], "s3cret-canary")
        with self.acting_for(self.client_org), connection.cursor() as cursor:
            cursor.execute("SELECT server_secret, t::text FROM assistants_tooltemplate t WHERE id = %s", [made["id"]])
            sealed, row = cursor.fetchone()
            self.assertNotIn(b"s3cret-canary", bytes(sealed))
            self.assertNotIn("s3cret-canary", row)
            self.assertEqual(ToolTemplate.objects.get(pk=made["id"]).server_secret, "s3cret-canary")

    def test_a_read_only_key_writes_nothing(self) -> None:
        made = self.made(name="bye", tool_type="end_call", tool_config={})
        reader = self.api(self.client_org, read_only=True)
        self.assertEqual(reader.get(f"/tool-templates/{made['id']}").json(), {"tool_template": made})
        self.assertEqual(reader.post("/tool-templates", made).status_code, 403)
        self.assertEqual(reader.delete(f"/tool-templates/{made['id']}").status_code, 403)
