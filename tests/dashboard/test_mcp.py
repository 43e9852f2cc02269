"""The MCP server as a programmer's HTTP client sees it: both eras, every refusal, one tool per operation."""

from __future__ import annotations

import json
from typing import Any

import mcp_types
from django.test import Client, override_settings
from jsonschema import Draft202012Validator
from mcp_types import methods
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from apps.assistants.models import Assistant
from apps.core.openapi_document import base_document
from apps.dashboard.mcp import protocol
from apps.dashboard.mcp.schemas import flat_object
from apps.dashboard.mcp.tools import snake, tools
from apps.organizations.models import AuditEntry, StoredAnswer
from tests import factories
from tests.cases import TenantCase

MODERN = MODERN_PROTOCOL_VERSIONS[-1]
META = {mcp_types.PROTOCOL_VERSION_META_KEY: MODERN, mcp_types.CLIENT_CAPABILITIES_META_KEY: {}}


class Mcp:
    """A client of the server: `call("tools/list")` gives the HTTP answer, `tool(...)` a tool's result."""

    def __init__(self, secret: str, **headers: str) -> None:
        self.client = Client(headers={"authorization": f"Bearer {secret}", **headers})

    def post(self, body: Any, **headers: str) -> Any:
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post("/mcp", data, content_type="application/json", headers=headers)

    def call(self, method: str, params: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.post({"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}, **headers)

    def modern(self, method: str, params: dict[str, Any] | None = None, **changed: str) -> Any:
        headers = {"mcp-protocol-version": MODERN, "mcp-method": method}
        headers |= {"mcp-name": params["name"]} if params and "name" in params else {}
        return self.call(method, (params or {}) | {"_meta": META}, **(headers | changed))

    def tool(self, name: str, /, **arguments: Any) -> Any:
        return self.call("tools/call", {"name": name, "arguments": arguments}).json()["result"]

    def names(self) -> list[str]:
        return [each["name"] for each in self.call("tools/list").json()["result"]["tools"]]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in base_document()["paths"].items()
        for method, operation in item.items()
        if not operation.get("deprecated") and path != "/api/v1/health"
    ]


class ServerTest(TenantCase):
    def setUp(self) -> None:
        self.mcp = Mcp(factories.make_key(self.client_org))

    def test_the_versions_are_those_of_the_official_package(self) -> None:
        self.assertEqual(protocol.HANDSHAKE_VERSIONS, HANDSHAKE_PROTOCOL_VERSIONS)
        self.assertEqual(protocol.MODERN_VERSIONS, MODERN_PROTOCOL_VERSIONS)
        self.assertEqual(
            (protocol.HEADER_MISMATCH, protocol.UNSUPPORTED_VERSION),
            (mcp_types.HEADER_MISMATCH, mcp_types.UNSUPPORTED_PROTOCOL_VERSION),
        )

    def test_initialize_agrees_on_a_version(self) -> None:
        for wanted in HANDSHAKE_PROTOCOL_VERSIONS:
            answer = self.mcp.call("initialize", {"protocolVersion": wanted, "capabilities": {}, "clientInfo": {}})
            result = answer.json()["result"]
            self.assertEqual(result["protocolVersion"], wanted)
            methods.validate_server_result("initialize", wanted, result)
            self.assertIn("Bakker Dental", result["instructions"])
            self.assertEqual(result["serverInfo"]["name"], "Switchboard")
        answer = self.mcp.call("initialize", {"protocolVersion": "1999-01-01"})
        self.assertEqual(answer.json()["result"]["protocolVersion"], HANDSHAKE_PROTOCOL_VERSIONS[-1])

    def test_answers_have_the_shape_of_their_version(self) -> None:
        assistant = factories.make_assistant(self.client_org)
        asked = {"name": "get_assistant", "arguments": {"id": str(assistant.pk)}}
        for version in HANDSHAKE_PROTOCOL_VERSIONS:
            for method, params in (("tools/list", {}), ("tools/call", asked), ("ping", {})):
                answer = self.mcp.call(method, params, **{"mcp-protocol-version": version})
                self.assertEqual(answer.status_code, 200)
                methods.validate_server_result(method, version, answer.json()["result"])
        for method, params in (("tools/list", {}), ("tools/call", asked), ("server/discover", {})):
            answer = self.mcp.modern(method, params)
            self.assertEqual(answer.status_code, 200, answer.content)
            methods.validate_server_result(method, MODERN, answer.json()["result"])

    def test_a_modern_request_must_agree_with_itself(self) -> None:
        self.assert_error(self.mcp.modern("tools/list", **{"mcp-method": "ping"}), 400, protocol.HEADER_MISMATCH)
        asked = {"name": "list_calls", "arguments": {}}
        self.assert_error(self.mcp.modern("tools/call", asked, **{"mcp-name": "x"}), 400, protocol.HEADER_MISMATCH)
        encoded = self.mcp.modern("tools/call", asked, **{"mcp-name": "=?base64?bGlzdF9jYWxscw==?="})
        self.assertEqual(encoded.status_code, 200)
        bare = self.mcp.call("tools/list", {}, **{"mcp-protocol-version": MODERN})
        self.assert_error(bare, 400, protocol.INVALID_PARAMS)
        unknown = self.mcp.call("tools/list", {}, **{"mcp-protocol-version": "2031-01-01"})
        self.assert_error(unknown, 400, protocol.UNSUPPORTED_VERSION)
        self.assertIn(MODERN, unknown.json()["error"]["data"]["supported"])
        self.assert_error(self.mcp.modern("initialize"), 404, protocol.METHOD_NOT_FOUND)
        self.assert_error(self.mcp.modern("resources/list"), 404, protocol.METHOD_NOT_FOUND)

    def test_what_is_no_request(self) -> None:
        for body, code in (
            ("{", protocol.PARSE_ERROR),
            ("[" * 100_000, protocol.PARSE_ERROR),
            (b"\xff", protocol.PARSE_ERROR),
            ([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], protocol.INVALID_REQUEST),
            ({"id": 1, "method": "ping"}, protocol.INVALID_REQUEST),
            ({"jsonrpc": "2.0", "id": None, "method": "ping"}, protocol.INVALID_REQUEST),
            ({"jsonrpc": "2.0", "id": True, "method": "ping"}, protocol.INVALID_REQUEST),
            ({"jsonrpc": "2.0", "id": 1, "result": {}}, protocol.INVALID_REQUEST),
            ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, protocol.INVALID_REQUEST),
        ):
            answer = self.mcp.post(body)
            self.assert_error(answer, 400, code)
            self.assertIsNone(answer.json()["id"])

    def test_a_notification_is_taken_and_not_answered(self) -> None:
        answer = self.mcp.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.assertEqual((answer.status_code, answer.content), (202, b""))

    def test_wrong_parameters(self) -> None:
        for method, params, code in (
            ("nothing/here", {}, protocol.METHOD_NOT_FOUND),
            ("initialize", {}, protocol.INVALID_PARAMS),
            ("tools/list", {"cursor": "x"}, protocol.INVALID_PARAMS),
            ("tools/call", {}, protocol.INVALID_PARAMS),
            ("tools/call", {"name": "no_such_tool"}, protocol.INVALID_PARAMS),
            ("tools/call", {"name": "list_calls", "arguments": []}, protocol.INVALID_PARAMS),
        ):
            answer = self.mcp.call(method, params)
            self.assert_error(answer, 200, code)
            self.assertEqual(answer.json()["id"], 7)

    def test_only_post_and_only_our_own_pages(self) -> None:
        for method in ("get", "put", "patch", "delete", "options"):
            answer = getattr(self.mcp.client, method)("/mcp")
            self.assertEqual((answer.status_code, answer["Allow"]), (405, "POST"))
            self.assertEqual(answer["Content-Type"], "application/json")
        self.assert_error(self.mcp.call("ping", origin="https://evil.example"), 403, protocol.INVALID_REQUEST)
        self.assert_error(self.mcp.call("ping", origin="null"), 403, protocol.INVALID_REQUEST)
        self.assertEqual(self.mcp.call("ping", origin="http://testserver").status_code, 200)

    def test_without_a_valid_secret(self) -> None:
        for header in (
            {},
            {"authorization": "Bearer fl_live_wrong"},
            {"authorization": "Bearer abc"},
            {"authorization": "Basic x"},
        ):
            answer = Client(headers=header).post("/mcp", "{}", content_type="application/json")
            self.assert_error(answer, 401, protocol.INVALID_REQUEST)
            where = 'Bearer resource_metadata="http://testserver/.well-known/oauth-protected-resource/mcp"'
            self.assertTrue(answer["WWW-Authenticate"].startswith(where))
            self.assertEqual('error="invalid_token"' in answer["WWW-Authenticate"], "Bearer" in str(header))
            self.assertIn("X-RateLimit-Limit", answer)

    def test_a_suspended_organization(self) -> None:
        with self.acting_for(self.client_org):
            self.client_org.suspended_at = factories.NOW
            self.client_org.save()
        self.assert_error(self.mcp.call("ping"), 403, protocol.INVALID_REQUEST)

    def test_a_body_over_a_mebibyte(self) -> None:
        self.assert_error(self.mcp.post(b" " * (1024 * 1024 + 1)), 413, protocol.INVALID_REQUEST)

    def test_an_unknown_host(self) -> None:
        answer = Client(headers={"host": "nobody.example"}).post("/mcp", "{}", content_type="application/json")
        self.assertEqual((answer.status_code, answer["Content-Type"]), (421, "application/json"))

    def test_the_limit_is_the_keys_own_and_counts_a_tool_once(self) -> None:
        with override_settings(API_REQUESTS_PER_MINUTE=4):
            secret = factories.make_key(self.client_org)
            mcp = Mcp(secret)
            answers = [mcp.call("tools/call", {"name": "list_calls"}) for _n in range(2)]
            answers.append(Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/calls"))
            answers += [mcp.call("ping"), mcp.call("ping")]
            left = [each["X-RateLimit-Remaining"] for each in answers]
        self.assertEqual(left, ["3", "2", "1", "0", "0"])
        self.assert_error(answers[-1], 429, protocol.INVALID_REQUEST)
        self.assertGreaterEqual(int(answers[-1]["Retry-After"]), 1)
        self.assertEqual(answers[-1].json()["error"]["data"]["type"], "rate_limit_exceeded")

    def test_an_accident_is_json_and_tells_nothing(self) -> None:
        with override_settings(WEBHOOK_USER_AGENT=object()):
            answer = self.mcp.call("tools/list")
        self.assert_error(answer, 500, protocol.INTERNAL_ERROR)
        self.assertNotIn("object", answer.content.decode())

    def assert_error(self, answer: Any, status: int, code: int) -> None:
        self.assertEqual((answer.status_code, answer["Content-Type"]), (status, "application/json"), answer.content)
        error = mcp_types.JSONRPCError.model_validate(answer.json())
        self.assertEqual(error.error.code, code)


class ToolsTest(TenantCase):
    def setUp(self) -> None:
        self.mcp = Mcp(factories.make_key(self.client_org))

    def test_one_tool_per_operation(self) -> None:
        wanted = {snake(operation["operationId"]): method for method, _path, operation in operations()}
        shown = {each["name"]: each for each in self.mcp.call("tools/list").json()["result"]["tools"]}
        self.assertEqual(set(shown), set(wanted))
        self.assertEqual(len(shown), len(operations()))
        for name, method in wanted.items():
            notes = shown[name]["annotations"]
            self.assertEqual(notes["readOnlyHint"], method == "get")
            self.assertEqual(notes["destructiveHint"], method == "delete")
            self.assertTrue(shown[name]["title"])
            self.assertTrue(shown[name]["description"])

    def test_schemas_are_whole(self) -> None:
        for each in self.mcp.call("tools/list").json()["result"]["tools"]:
            schema = each["inputSchema"]
            Draft202012Validator.check_schema(schema)
            self.assertEqual(schema["type"], "object")
            self.assertFalse({"oneOf", "anyOf", "allOf", "$ref"} & set(schema), each["name"])
            self.assertNotIn("#/components/", json.dumps(schema))
            for reference in _references(schema):
                self.assertIn(reference.removeprefix("#/$defs/"), schema["$defs"])

    def test_every_argument_has_a_place(self) -> None:
        for tool in tools(brand="Acme", server="http://localhost", user_agent="Acme/1.0").values():
            self.assertEqual(set(tool.places), set(tool.schema["properties"]), tool.name)
            named = {name for place, name in tool.places.values() if place == "path"}
            self.assertEqual(named, {part[1:-1] for part in tool.path.split("/") if part.startswith("{")})
            self.assertLessEqual(named, {tool.places[name][1] for name in tool.schema.get("required", [])})

    def test_no_text_names_another_brand(self) -> None:
        found = tools(brand="Acme", server="http://localhost", user_agent="Acme/1.0")
        text = json.dumps([tool.as_json() for tool in found.values()])
        for word in ("Switchboard", "%BRAND%", "%USER-AGENT%"):
            self.assertNotIn(word, text)

    def test_a_row_is_made_changed_read_and_deleted(self) -> None:
        made = self.mcp.tool("create_assistant", name="Robin", first_message="Hi.")
        self.assertFalse(made["isError"])
        self.assertEqual(json.loads(made["content"][0]["text"]), made["structuredContent"])
        pk = made["structuredContent"]["assistant"]["id"]
        changed = self.mcp.tool("update_assistant", id=pk, name="Robyn")
        self.assertEqual(changed["structuredContent"]["assistant"]["name"], "Robyn")
        read = self.mcp.tool("get_assistant", id=pk)
        self.assertEqual(read["structuredContent"]["assistant"]["name"], "Robyn")
        self.assertFalse(self.mcp.tool("delete_assistant", id=pk)["isError"])
        self.assertTrue(self.mcp.tool("get_assistant", id=pk)["isError"])
        with self.acting_for(self.client_org):
            actors = AuditEntry.objects.filter(action="assistant.delete").values_list("actor", flat=True)
            self.assertTrue(actors[0].startswith("API key"))

    def test_queries_pass(self) -> None:
        for _n in range(3):
            factories.make_call(self.client_org)
        page = self.mcp.tool("list_calls", limit=2, offset=0)["structuredContent"]
        self.assertEqual((len(page["calls"]), page["pagination"]["limit"]), (2, 2))
        own = self.mcp.tool("get_organization", include_children=True)
        self.assertFalse(own["isError"])

    def test_refusals_are_results_with_the_flat_body(self) -> None:
        row = str(factories.make_assistant(self.stranger).pk)
        for name, arguments, kind in (
            ("create_assistant", {}, "missing_field"),
            ("create_assistant", {"name": 5}, "invalid_value"),
            ("get_assistant", {"id": row}, "not_found"),
            ("get_assistant", {"id": "no id"}, "not_found"),
            ("get_assistant", {"id": "../assistants"}, "not_found"),
            ("get_assistant", {"id": 5}, "not_found"),
            ("get_assistant", {}, "missing_field"),
            ("list_calls", {"limit": "many"}, "invalid_value"),
            ("list_calls", {"colour": "red"}, "invalid_value"),
        ):
            result = self.mcp.tool(name, **arguments)
            self.assertTrue(result["isError"], name)
            self.assertEqual(result["structuredContent"]["type"], kind, (name, arguments))
            self.assertIn("error", json.loads(result["content"][0]["text"]))

    def test_a_repeat_with_the_same_key_has_one_effect(self) -> None:
        first = self.mcp.tool("create_assistant", name="Once", idempotency_key="abc")
        again = self.mcp.tool("create_assistant", name="Once", idempotency_key="abc")
        self.assertEqual(first["structuredContent"], again["structuredContent"])
        other = self.mcp.tool("create_assistant", name="Twice", idempotency_key="abc")
        self.assertTrue(other["isError"])
        with self.acting_for(self.client_org):
            self.assertEqual(Assistant.objects.filter(name="Once").count(), 1)
            self.assertEqual(StoredAnswer.objects.count(), 1)

    def test_a_read_only_key_sees_and_runs_what_reads(self) -> None:
        mcp = Mcp(factories.make_key(self.client_org, read_only=True))
        self.assertEqual(len(mcp.names()), sum(method == "get" for method, _path, _operation in operations()))
        self.assertFalse(mcp.tool("list_assistants")["isError"])
        answer = mcp.call("tools/call", {"name": "create_assistant", "arguments": {"name": "Robin"}})
        self.assertEqual(answer.json()["error"]["code"], protocol.INVALID_PARAMS)
        with self.acting_for(self.client_org):
            self.assertEqual(Assistant.objects.count(), 0)

    def test_a_strangers_rows_are_nowhere(self) -> None:
        factories.make_assistant(self.stranger, name="Secret-canary")
        for name in self.mcp.names():
            if name.startswith("list_"):
                self.assertNotIn("ecret-canary", json.dumps(self.mcp.tool(name, id=str(self.stranger.pk))))


class SchemaTest(TenantCase):
    def test_a_choice_becomes_one_object(self) -> None:
        parts = {
            "A": {"type": "object", "properties": {"type": {"type": "string", "enum": ["a"]}, "x": {"type": "string"}},
                  "required": ["type", "x"]},
            "B": {"type": "object", "properties": {"type": {"type": "string", "enum": ["b"]}, "x": {"type": "integer"}},
                  "required": ["type"]},
        }  # fmt: skip
        refs = [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]
        properties, required = flat_object({"oneOf": refs}, parts)
        self.assertEqual(required, ["type"])
        self.assertEqual(properties["type"], {"type": "string", "enum": ["a", "b"]})
        self.assertEqual(properties["x"], {"anyOf": [{"type": "string"}, {"type": "integer"}]})

    def test_operation_ids_become_names(self) -> None:
        self.assertEqual(
            [snake(each) for each in ("listSipTrunks", "getBYOKKeys", "tool_templates_create", "Idempotency-Key")],
            ["list_sip_trunks", "get_byok_keys", "tool_templates_create", "idempotency_key"],
        )


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for item in value for each in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [each for item in value.values() for each in _references(item)]
