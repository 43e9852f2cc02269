"""MCP servers on the wire (api 8.16), and the tools of assistants that name them (api 9.6)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.db import connection

from apps.assistants.models import McpServer
from apps.assistants.schema import for_engine
from tests import factories
from tests.cases import TenantCase
from tests.mcp_server import KEY, Server, serving, trusting

URL = "https://mcp.example.invalid/mcp"
MISSING_ID = "0190f3c2-7b1e-7c4d-9a55-3f0e8c6d1b27"
FIELDS = {"id", "name", "url", "transport", "header_names", "timeout_seconds", "created_at", "updated_at"}
LONG = {f"X-{number}": "v" for number in range(11)}


class McpCase(TenantCase):
    def setUp(self) -> None:
        self.cleo_api = self.api(self.client_org)

    def made(self, **fields: Any) -> dict[str, Any]:
        answer = self.cleo_api.post("/mcp-servers", {"name": "Booking", "url": URL} | fields)
        self.assertEqual(answer.status_code, 201, answer.content)
        return answer.json()["mcp_server"]

    def stored(self, ident: str) -> McpServer:
        with self.acting_for(self.client_org):
            row = McpServer.objects.for_organization(self.client_org).get(pk=ident)
            self.assertIsInstance(row.headers, dict)
        return row


class McpServerApiTest(McpCase):
    def test_a_server_is_kept_with_its_defaults(self) -> None:
        made = self.made()
        self.assertEqual(set(made), FIELDS)
        self.assertEqual(
            (made["name"], made["url"], made["transport"], made["header_names"], made["timeout_seconds"]),
            ("Booking", URL, "streamable_http", [], 20),
        )
        answer = self.cleo_api.get(f"/mcp-servers/{made['id']}")
        self.assertEqual((answer.status_code, answer.json()), (200, {"mcp_server": made}))
        self.assertEqual(self.cleo_api.get("/mcp-servers").json(), {"mcp_servers": [made]})

    def test_header_values_are_written_and_never_read(self) -> None:
        made = self.made(headers={"Authorization": "Bearer s3cret-canary", "X-Team": "desk"})
        self.assertEqual(made["header_names"], ["Authorization", "X-Team"])
        path = f"/mcp-servers/{made['id']}"
        for answer in (self.cleo_api.get(path), self.cleo_api.get("/mcp-servers"), self.cleo_api.patch(path, {})):
            self.assertNotIn("s3cret-canary", answer.content.decode())
        self.assertEqual(self.stored(made["id"]).headers["Authorization"], "Bearer s3cret-canary")
        with self.acting_for(self.client_org), connection.cursor() as cursor:
            cursor.execute("SELECT sealed_headers FROM assistants_mcpserver")
            self.assertNotIn(b"canary", bytes(cursor.fetchone()[0]))

    def test_a_patch_of_headers_replaces_all(self) -> None:
        path = f"/mcp-servers/{self.made(headers={'A': '1', 'B': '2'})['id']}"
        self.assertEqual(
            self.cleo_api.patch(path, {"timeout_seconds": 30}).json()["mcp_server"]["header_names"], ["A", "B"]
        )
        self.assertEqual(self.cleo_api.patch(path, {"headers": {"C": "3"}}).json()["mcp_server"]["header_names"], ["C"])
        self.assertEqual(self.cleo_api.patch(path, {"headers": {}}).json()["mcp_server"]["header_names"], [])

    def test_the_address_is_stored_normalised(self) -> None:
        for number, (sent, kept) in enumerate(
            [
                ("HTTPS://MCP.Example.INVALID:443/Mcp?a=1#part", "https://mcp.example.invalid/Mcp?a=1"),
                ("https://mcp.example.invalid:8443/a/../b", "https://mcp.example.invalid:8443/b"),
            ]
        ):
            self.assertEqual(self.made(name=f"n{number}", url=sent)["url"], kept)

    def test_wrong_values_are_400(self) -> None:
        with self.settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            for field, value in (
                ("name", ""), ("name", "x" * 201), ("name", None), ("name", 3), ("url", "http://mcp.example.invalid/"),
                ("url", "ftp://x"), ("url", ""), ("url", "https://127.0.0.1/"), ("url", "https://localhost/"),
                ("url", "https://10.1.2.3/"), ("url", "https://169.254.169.254/"), ("url", "https://[::1]/"),
                ("url", "https://u:p@mcp.example.invalid/"), ("url", "https://x.example.invalid/" + "a" * 2048), ("url", 5),
                ("transport", "stdio"), ("transport", None), ("timeout_seconds", 4), ("timeout_seconds", 61),
                ("timeout_seconds", 5.5), ("timeout_seconds", "20"), ("timeout_seconds", None), ("headers", []),
                ("headers", None), ("headers", LONG),
            ):  # fmt: skip
                answer = self.cleo_api.post("/mcp-servers", {"name": "Booking", "url": URL, field: value})
                self.assertEqual((answer.status_code, answer.json()["param"]), (400, field), value)
            for headers in (
                {"a b": "v"}, {"": "v"}, {"Host": "v"}, {"content-length": "3"}, {"Mcp-Session-Id": "v"}, {"A": 3},
                {"A": "x\r\nB: y"}, {"A": "é"}, {"A": " v"}, {"A": "x" * 4097}, {"A": "1", "a": "2"},
            ):  # fmt: skip
                answer = self.cleo_api.post("/mcp-servers", {"name": "Booking", "url": URL, "headers": headers})
                self.assertEqual((answer.status_code, answer.json()["param"].split(".")[0]), (400, "headers"), headers)
        self.assertEqual(self.cleo_api.get("/mcp-servers").json(), {"mcp_servers": []})

    def test_what_is_missing_is_named(self) -> None:
        answer = self.cleo_api.post("/mcp-servers", {})
        self.assertEqual((answer.status_code, answer.json()["type"]), (400, "missing_field"))
        self.assertEqual(answer.json()["details"], ["name: this field is required", "url: this field is required"])

    def test_a_name_is_taken_once_per_organization(self) -> None:
        made, other = self.made(), self.made(name="Other")
        answer = self.cleo_api.post("/mcp-servers", {"name": "Booking", "url": URL})
        self.assertEqual(
            (answer.status_code, answer.json()["type"], answer.json()["param"]), (409, "already_exists", "name")
        )
        answer = self.cleo_api.patch(f"/mcp-servers/{other['id']}", {"name": "Booking"})
        self.assertEqual((answer.status_code, answer.json()["type"]), (409, "already_exists"))
        self.assertEqual(self.cleo_api.patch(f"/mcp-servers/{made['id']}", {"name": "Booking"}).status_code, 200)
        self.assertEqual(self.api(self.stranger).post("/mcp-servers", {"name": "Booking", "url": URL}).status_code, 201)

    def test_another_host_needs_its_headers_in_the_same_call(self) -> None:
        path = f"/mcp-servers/{self.made(headers={'Authorization': 'Bearer x'})['id']}"
        elsewhere = "https://other.example.invalid/mcp"
        answer = self.cleo_api.patch(path, {"url": elsewhere})
        self.assertEqual((answer.status_code, answer.json()["param"]), (400, "headers"))
        same = self.cleo_api.patch(path, {"url": "https://MCP.example.invalid/v2"})
        self.assertEqual((same.status_code, same.json()["mcp_server"]["header_names"]), (200, ["Authorization"]))
        moved = self.cleo_api.patch(path, {"url": elsewhere, "headers": {}}).json()["mcp_server"]
        self.assertEqual((moved["url"], moved["header_names"]), (elsewhere, []))

    def test_a_server_in_use_stays(self) -> None:
        made = self.made()
        body = assistant_with(made["id"].upper())
        assistant = self.cleo_api.post("/assistants", body).json()["assistant"]
        answer = self.cleo_api.delete(f"/mcp-servers/{made['id']}")
        self.assertEqual((answer.status_code, answer.json()["type"]), (409, "in_use"))
        self.assertIn("1 assistant still uses", answer.json()["error"])
        self.assertEqual(self.cleo_api.delete(f"/assistants/{assistant['id']}").status_code, 200)
        self.assertEqual(self.cleo_api.delete(f"/mcp-servers/{made['id']}").json(), {"success": True})
        self.assertEqual(self.cleo_api.delete(f"/mcp-servers/{made['id']}").status_code, 404)

    def test_others_servers_do_not_exist(self) -> None:
        theirs = factories.make_mcp_server(self.stranger, name="Secret")
        self.assertEqual(self.cleo_api.get("/mcp-servers").json(), {"mcp_servers": []})
        for ident in (theirs.pk, MISSING_ID, "nonsense"):
            for method in ("get", "patch", "delete"):
                answer = getattr(self.cleo_api, method)(f"/mcp-servers/{ident}")
                self.assertEqual((answer.status_code, answer.json()["type"]), (404, "not_found"))
            self.assertEqual(self.cleo_api.post(f"/mcp-servers/{ident}/test").status_code, 404)


class TestOperationTest(McpCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.server = cls.enterClassContext(serving(Path(folder)))
        cls.enterClassContext(trusting(cls.server))

    def test_the_tools_of_both_transports_come_back(self) -> None:
        for name, path in (("streamable_http", "/mcp"), ("sse", "/sse")):
            made = self.made(name=name, url=self.server.url(path), transport=name)
            answer = self.cleo_api.post(f"/mcp-servers/{made['id']}/test")
            self.assertEqual(answer.status_code, 200)
            body = answer.json()
            self.assertEqual((set(body), body["ok"]), ({"ok", "duration_ms", "tools"}, True))
            self.assertIsInstance(body["duration_ms"], int)
            self.assertEqual([tool["name"] for tool in body["tools"]], ["find_slot", "book"])
            self.assertEqual(set(body["tools"][0]), {"name", "description", "input_schema"})

    def test_headers_of_a_test_are_merged_and_not_kept(self) -> None:
        made = self.made(url=self.server.url("/secret"), headers={"X-Team": "desk", "X-Api-Key": "wrong"})
        path = f"/mcp-servers/{made['id']}/test"
        answer = self.cleo_api.post(path)
        self.assertEqual((answer.status_code, set(answer.json())), (200, {"ok", "duration_ms", "error"}))
        self.assertFalse(answer.json()["ok"])
        self.server.seen.clear()
        self.assertTrue(self.cleo_api.post(path, {"headers": {"x-api-key": KEY}}).json()["ok"])
        sent = self.server.seen[0][2]
        self.assertEqual((sent["x-team"], sent["x-api-key"]), ("desk", KEY))
        self.assertEqual(self.stored(made["id"]).headers["X-Api-Key"], "wrong")

    def test_headers_of_a_test_follow_the_rules(self) -> None:
        path = f"/mcp-servers/{self.made()['id']}/test"
        for headers in ([], {"A": 3}, {"Host": "x"}):
            answer = self.cleo_api.post(path, {"headers": headers})
            self.assertEqual((answer.status_code, answer.json()["param"].split(".")[0]), (400, "headers"))

    def test_an_address_that_turned_private_is_told_as_an_outcome(self) -> None:
        made = self.made(url=self.server.url())
        self.server.seen.clear()
        with self.settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            answer = self.cleo_api.post(f"/mcp-servers/{made['id']}/test")
        self.assertEqual((answer.status_code, answer.json()["ok"]), (200, False))
        self.assertIn("private network", answer.json()["error"])
        self.assertEqual(self.server.seen, [])


def assistant_with(ident: str, **fields: Any) -> dict[str, Any]:
    tool = {"type": "mcp", "mcp_server_id": ident, "allowed_tools": ["find_slot"]} | fields
    return {"name": "Desk", "llm_config": {"provider": "openai", "model": "gpt-5.4", "tools": [tool]}}


class McpToolTest(McpCase):
    def test_an_assistant_takes_tools_of_its_own_servers(self) -> None:
        made = self.made()
        body = assistant_with(made["id"], required=False)
        answer = self.cleo_api.post("/assistants", body)
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(answer.json()["assistant"]["llm_config"], body["llm_config"])
        path = f"/assistants/{answer.json()['assistant']['id']}"
        self.assertEqual(self.cleo_api.patch(path, {"llm_config": body["llm_config"]}).status_code, 200)

    def test_no_other_server_and_no_odd_list(self) -> None:
        made, theirs = self.made(), factories.make_mcp_server(self.stranger)
        for body, param in (
            (assistant_with(str(theirs.pk)), "mcp_server_id"), (assistant_with(MISSING_ID), "mcp_server_id"),
            (assistant_with("nonsense"), "mcp_server_id"), (assistant_with(made["id"], allowed_tools=[]), "allowed_tools"),
            (assistant_with(made["id"], allowed_tools=["t"] * 26), "allowed_tools"),
            (assistant_with(made["id"], allowed_tools=None), "allowed_tools"),
            (assistant_with(made["id"], required="yes"), "required"),
        ):  # fmt: skip
            answer = self.cleo_api.post("/assistants", body)
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, f"llm_config.tools.0.{param}"))

    def test_the_engine_gets_the_tool_without_headers(self) -> None:
        tool = {"type": "mcp", "mcp_server_id": MISSING_ID, "allowed_tools": ["a"], "required": True}
        values = {"llm_config": {"provider": "openai", "model": "gpt-5.4", "tools": [{**tool, "headers": {"A": "s"}}]}}
        self.assertEqual(for_engine(values, direction="inbound", variables={})["llm_config"]["tools"], [tool])
