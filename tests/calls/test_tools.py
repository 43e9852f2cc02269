"""Tool calls beyond one webhook: MCP servers, several at once, repeats in other company, and what the page keeps of them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.cache import cache

from apps.calls.models import Call, CallEvent, EngineEvent
from apps.core import db
from apps.core.scope import Scope, acting
from apps.webhooks.models import Attempt, Delivery
from tests import factories
from tests.calls.support import event, make_connection, post, running_call, scope_of
from tests.cases import TenantCase
from tests.mcp_server import KEY, Server, serving, trusting
from tests.receivers import Received, Receiver, Reply


@contextmanager
def mcp() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, trusting(server):
        yield server


class ToolsCase(TenantCase):
    def setUp(self) -> None:
        factories.add_credits(self.agency, 100)
        self.connection = make_connection()

    def call(self, *tools: dict[str, Any], **values: Any) -> Call:
        assistant = factories.make_assistant(self.client_org, **values)
        with scope_of(self.client_org):
            assistant.change(db.now(), llm_config={**assistant.llm_config, "tools": list(tools)})
            return running_call(self.client_org, self.connection, assistant=assistant)

    def ask(self, call: Call, *entries: dict[str, Any], **fields: Any) -> list[Any]:
        message = event("tool-calls", call, seq=5, tool_call_list=list(entries), **{"deadline_ms": 11000, **fields})
        answer = post(self.connection, message).json()["results"]
        self.assertEqual([row["tool_call_id"] for row in answer], [entry["id"] for entry in entries])
        return [row["result"] for row in answer]

    def fresh(self, call: Call) -> Call:
        with scope_of(self.client_org):
            call.refresh_from_db()
        return call


def webhook(name: str, url: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "description": "d", "parameters": {"type": "object"}, "url": url} | fields


def wanted(ident: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}


def of_server(ident: str, server: Any, name: str, **arguments: Any) -> dict[str, Any]:
    return {"id": ident, "type": "mcp", "mcp_server_id": str(server.pk), "name": name, "arguments": arguments}


class McpTest(ToolsCase):
    def offered(self, url: str, *, organization: Any = None, headers: str = "", allowed: tuple[str, ...] = ("find_slot",)) -> tuple[Any, dict[str, Any]]:
        server = factories.make_mcp_server(organization or self.client_org, url=url, sealed_headers=headers, timeout_seconds=5)
        return server, {"type": "mcp", "mcp_server_id": str(server.pk), "allowed_tools": list(allowed)}

    def test_a_tool_runs_on_the_customers_server_with_its_headers(self) -> None:
        with mcp() as running:
            server, tool = self.offered(running.url("/secret"), headers=f'{{"X-Api-Key": "{KEY}"}}')
            call = self.call(tool)
            self.assertEqual(self.ask(call, of_server("m1", server, "find_slot", day="monday"), turn=4), [{"result": "monday at ten"}])
        (kept,) = self.fresh(call).tool_calls or []
        self.assertEqual((kept["id"], kept["name"], kept["arguments"], kept["result"], kept["turn"]), ("m1", "find_slot", {"day": "monday"}, {"result": "monday at ten"}, 4))
        self.assertGreater(kept["ms"], 0)
        with scope_of(self.client_org):
            (line,) = CallEvent.objects.filter(kind="tool")
            self.assertNotIn(KEY, str(call.config))
        self.assertEqual(line.data, {"name": "find_slot", "latency_ms": kept["ms"]})

    def test_a_clashing_name_is_known_by_its_end(self) -> None:
        with mcp() as running:
            server, tool = self.offered(running.url())
            self.assertEqual(self.ask(self.call(tool), of_server("m1", server, "booking_find_slot", day="friday")), [{"result": "friday at ten"}])

    def test_only_the_assistants_own_tools_on_its_own_servers(self) -> None:
        none = [{"error": "This tool has no server"}]
        with mcp() as running:
            server, tool = self.offered(running.url())
            strangers, _tool = self.offered(running.url(), organization=self.stranger)
            other, _tool = self.offered(running.url())
            stolen = {**tool, "mcp_server_id": str(strangers.pk)}
            call = self.call(tool, stolen)
            for ident, entry in enumerate([
                of_server("", server, "book", day="monday"), of_server("", strangers, "find_slot", day="monday"),
                of_server("", other, "find_slot", day="monday"), {"type": "mcp", "name": "find_slot", "arguments": {}},
                {"type": "mcp", "mcp_server_id": "no uuid", "name": "find_slot", "arguments": {}},
            ]):  # fmt: skip
                self.assertEqual(self.ask(call, entry | {"id": f"m{ident}"}), none)
            self.assertEqual(running.seen, [])

    def test_what_the_tool_reports_and_what_the_server_refuses(self) -> None:
        with mcp() as running:
            server, tool = self.offered(running.url(), allowed=("find_slot", "unknown"))
            locked, shut = self.offered(running.url("/secret"))
            call = self.call(tool, shut)
            (missing,) = self.ask(call, of_server("m1", server, "find_slot"))
            (unknown,) = self.ask(call, of_server("m2", server, "unknown"))
            (refused,) = self.ask(call, of_server("m3", locked, "find_slot", day="monday"))
        self.assertIn("day", missing["error"])
        self.assertIn("unknown", unknown["error"].lower())
        self.assertIn("refused the sign-in (HTTP 401)", refused["error"])
        with scope_of(self.client_org):
            self.assertEqual({row.data["value"] for row in CallEvent.objects.filter(kind="tool")}, {"failed"})

    def test_a_silent_server_and_a_quick_webhook_in_one_request(self) -> None:
        with mcp() as running, Receiver(Reply(body={"result": "quick"})) as quick, Receiver(Reply(wait=6, body={})) as slow:
            server, tool = self.offered(running.url("/silent"))
            call = self.call(tool, webhook("look_up", quick.url), webhook("wait", slow.url))
            started = time.monotonic()
            found = self.ask(call, of_server("m1", server, "find_slot", day="x"), wanted("t1", "look_up"), wanted("t2", "wait"), deadline_ms=2000)
        self.assertEqual(found, [{"error": "Tool timed out"}, "quick", {"error": "Tool timed out"}])
        self.assertLess(time.monotonic() - started, 5.7)  # 1.5 s in truth; the machine may be busy

    def test_a_private_address_is_refused_when_it_is_used(self) -> None:
        with mcp() as running, self.settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            server, tool = self.offered(running.url())
            (found,) = self.ask(self.call(tool), of_server("m1", server, "find_slot", day="monday"))
            self.assertEqual(running.seen, [])
        self.assertIn("private network", found["error"])

    def test_gdpr_mode_keeps_names_and_times_only(self) -> None:
        with mcp() as running:
            server, tool = self.offered(running.url())
            call = self.call(tool, gdpr_mode=True)
            self.ask(call, of_server("m1", server, "find_slot", day="secret monday"))
        self.assertIsNone(self.fresh(call).tool_calls)
        with scope_of(self.client_org):
            (line,) = CallEvent.objects.filter(kind="tool")
        self.assertEqual(set(line.data), {"name", "latency_ms"})


class SeveralTest(ToolsCase):
    def test_calls_for_one_url_travel_together_and_each_gets_its_own(self) -> None:
        def answer(got: Received) -> Reply:
            rows = got.json["message"]["tool_call_list"]
            return Reply(body={"results": [{"tool_call_id": row["id"], "result": row["function"]["arguments"]} for row in reversed(rows)]})

        with Receiver(answer) as server:
            call = self.call(webhook("a", server.url), webhook("b", server.url))
            found = self.ask(call, wanted("t1", "a", n=1), wanted("t2", "b", n=2), wanted("t3", "a", n=3))
        self.assertEqual((found, len(server.received)), ([{"n": 1}, {"n": 2}, {"n": 3}], 1))

    def test_one_that_is_left_out_gets_an_error(self) -> None:
        with Receiver(Reply(body={"results": [{"tool_call_id": "t2", "result": "two"}]})) as server:
            call = self.call(webhook("a", server.url))
            found = self.ask(call, wanted("t1", "a"), wanted("t2", "a"))
        self.assertEqual(found, [{"error": "The tool's server gave no result for this call"}, "two"])

    def test_a_repeated_id_in_other_company_is_not_run_again(self) -> None:
        def answer(got: Received) -> Reply:
            rows = got.json["message"]["tool_call_list"]
            return Reply(body={"results": [{"tool_call_id": row["id"], "result": row["id"]} for row in rows]})

        with Receiver(answer) as server:
            call = self.call(webhook("a", server.url))
            first = self.ask(call, wanted("t1", "a"), wanted("t2", "a"))
            second = self.ask(call, wanted("t2", "a"), wanted("t3", "a"))
        asked = [[row["id"] for row in each.json["message"]["tool_call_list"]] for each in server.received]
        self.assertEqual((first, second, asked), (["t1", "t2"], ["t2", "t3"], [["t1", "t2"], ["t3"]]))
        self.assertEqual([row["id"] for row in self.fresh(call).tool_calls or []], ["t1", "t2", "t3"])

    def test_many_long_ids_are_not_taken_for_one_another(self) -> None:
        with Receiver(Reply(body={"result": "x"})) as server:
            call = self.call(webhook("a", server.url))
            long = "t" * 190
            for last in ("1", "2"):
                self.ask(call, wanted(f"{long}a", "a"), wanted(f"{long}b{last}", "a"))
        with scope_of(self.client_org):
            self.assertEqual(EngineEvent.objects.filter(type="tool-calls").count(), 2)

    def test_async_tools_are_queued_once_and_answered_at_once(self) -> None:
        slow = "http://127.0.0.1:9/"
        call = self.call(webhook("note", slow, **{"async": True}), webhook("mail", slow, **{"async": True, "message": "On its way."}))
        self.assertEqual(self.ask(call, wanted("t1", "note"), wanted("t2", "mail")), ["ok", "On its way."])
        self.assertEqual(self.ask(call, wanted("t1", "note")), ["ok"])
        with scope_of(self.client_org):
            self.assertEqual(Delivery.objects.filter(event="tool-calls", retries=True).count(), 2)

    def test_latency_and_outcome_are_told(self) -> None:
        with Receiver(lambda got: Reply(500, wait=0.2)) as server:
            call = self.call(webhook("a", server.url))
            self.ask(call, wanted("t1", "a"))
        with scope_of(self.client_org):
            (line,) = CallEvent.objects.filter(kind="tool")
            attempt = Attempt.objects.get(delivery__event="tool-calls")
        self.assertEqual((line.data["name"], line.data["value"], attempt.status_code), ("a", "failed", 500))
        self.assertGreaterEqual(line.data["latency_ms"], 200)
        page = self.as_(self.cleo).get(f"/o/bakker-dental/calls/{call.public_id}")
        self.assertContains(page, f"failed · a · {line.data['latency_ms']} ms")


class RequiredTest(ToolsCase):
    """A required MCP server that cannot be reached: the call is refused before it rings (features 7)."""

    def setUp(self) -> None:
        super().setUp()
        cache.clear()

    def start(self, url: str, **fields: Any) -> tuple[int, Any, Call]:
        """An outbound call by the API at an engine that would answer; its answer and the call."""
        server = factories.make_mcp_server(self.client_org, url=url, timeout_seconds=5)
        assistant = factories.make_assistant(self.client_org)
        factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org), assistant=assistant)
        with scope_of(self.client_org):
            tools = [{"type": "mcp", "mcp_server_id": str(server.pk), "allowed_tools": ["find_slot"]} | fields]
            assistant.change(db.now(), llm_config={**assistant.llm_config, "tools": tools})
        answer = self.api(self.client_org).post("/calls/outbound", {"destination": "+447700900001", "assistant_id": str(assistant.pk)})
        with scope_of(self.client_org):
            return answer.status_code, answer.json(), Call.objects.for_organization(self.client_org).latest("created_at")

    def engine(self, **fields: Any) -> Receiver:
        answer = {"success": True, "call_id": "eng-1", "status": "dialing", "room_name": "eng-1"}
        server = Receiver(Reply(body=answer))
        with acting(Scope((), operator=True)):
            self.connection.change(db.now(), base_url=server.url, **fields)
        return server

    def dialled(self, engine: Receiver) -> int:
        return sum(each.path.endswith("/calls/outbound") for each in engine.received)

    def test_one_that_is_there_is_looked_at_first(self) -> None:
        with mcp() as running, self.engine() as engine:
            self.assertEqual(self.start(running.url())[0], 200)
            self.assertNotEqual(running.seen, [])
            self.assertEqual(self.dialled(engine), 1)

    def test_one_that_is_not_there_refuses_the_call(self) -> None:
        with mcp() as running, self.engine() as engine:
            status, body, call = self.start(running.url("/missing"))
        self.assertEqual((status, self.dialled(engine)), (400, 0))
        self.assertIn("is required and cannot be used", body["message"])
        self.assertEqual((call.status, call.end_reason, call.cost), ("failed", "mcp_unavailable", 0))

    def test_one_that_is_not_required_does_not(self) -> None:
        with mcp() as running, self.engine() as engine:
            status, _body, _call = self.start(running.url("/missing"), required=False)
        self.assertEqual((status, self.dialled(engine), running.seen), (200, 1, []))

    def test_an_engine_that_speaks_to_it_itself_judges_itself(self) -> None:
        """Without `tools` the server stays at the engine."""
        known = {**self.connection.engine, "features": [each for each in self.connection.engine["features"] if each != "tools"]}
        with mcp() as running, self.engine(engine=known) as engine:
            self.start(running.url("/missing"))
        self.assertEqual((self.dialled(engine), running.seen), (1, []))

    def incoming(self, url: str, **fields: Any) -> tuple[dict[str, Any], Call]:
        """What the engine is told when somebody calls the number of an assistant with that server."""
        server = factories.make_mcp_server(self.client_org, url=url, timeout_seconds=5)
        assistant = factories.make_assistant(self.client_org, **fields)
        number = factories.make_number(self.client_org, assistant=assistant)
        with scope_of(self.client_org):
            tools = [{"type": "mcp", "mcp_server_id": str(server.pk), "allowed_tools": ["find_slot"]}]
            assistant.change(db.now(), llm_config={**assistant.llm_config, "tools": tools})
        message = event("assistant-request", seq=1, deadline_ms=6000)
        message |= {
            "call": {"id": "eng-in", "engine_id": "eng-in", "type": "inbound_phone_call", "status": "ringing"},
            "phone_number": {"id": None, "number": number.phone_number, "name": None}, "customer": {"number": "+31600000001"},
        }  # fmt: skip
        answer = post(self.connection, message).json()
        with scope_of(self.client_org):
            return answer, Call.objects.for_organization(self.client_org).get()

    def test_an_incoming_call_is_refused_too(self) -> None:
        with mcp() as running:
            answer, call = self.incoming(running.url("/missing"))
        self.assertNotIn("assistant", answer)
        self.assertEqual((call.status, call.end_reason), ("rejected", "mcp_unavailable"))
        self.assertIn("is required and cannot be used", call.error or "")

    def test_an_incoming_call_with_its_server_there_is_answered(self) -> None:
        with mcp() as running, Receiver(Reply(body={"max_duration_seconds": 300})) as customer:
            answer, call = self.incoming(running.url(), webhook_url=customer.url)
        self.assertEqual((answer["assistant"]["max_duration_seconds"], call.status, len(customer.received)), (300, "ringing", 1))

    def test_an_incoming_call_without_a_webhook_is_answered(self) -> None:
        with mcp() as running:
            answer, _call = self.incoming(running.url())
        self.assertIn("assistant", answer)
