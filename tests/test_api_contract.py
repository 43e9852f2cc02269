"""The whole contract over plain HTTP: every operation of api 7, every field of api 8, every error that it names."""

from __future__ import annotations

import re
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.calls.models import Call
from apps.calls.services.reconcile import open_dials, reconcile
from apps.core import db
from apps.organizations.models import ApiKey
from apps.voice.models import Connection
from tests import factories
from tests.calls.support import scope_of
from tests.cases import CommittedCase
from tests.contract import bodies, fields
from tests.contract.kinds import NULL, TEXT, VALUE, WORD, Fields, Kind, expected, new_record
from tests.contract.operations import Operation, operations, resolve
from tests.contract.refusals import Refusal, refusals
from tests.contract.world import World, sandbox_connection, stand_in
from tests.engine import Sandbox
from tests.mcp_server import serving
from tests.organizations.test_rate import early_in_a_minute
from tests.resend import Resend
from tests.routes import routes
from tests.web import Reply, Web

pytestmark = pytest.mark.timeout(600)
ROWS = {str(number) for number in range(1, 76)} | {"W1", "E1", "C1", "C2", "C3"}
NO_BODY = ("/domains/verify", "/domains/refresh", "/campaigns/{}/leads/{}/skip")
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
LIMITS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
ERROR = fields.ERROR_KEYS
# An engine that loses parts of a one-time assistant, and a tool without words: in the tests of calls and of MCP servers.
ELSEWHERE = {("Outbound.warnings", VALUE), ("WebCall.warnings", VALUE), ("McpTool.description", NULL)}
PARAM = re.compile(r"<\w+:\w+>")


class ContractCase(CommittedCase):
    web: Web

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.resend = cls.enterClassContext(Resend())
        cls.engine = cls.enterClassContext(stand_in())
        cls.mcp = cls.enterClassContext(serving(Path(cls.enterClassContext(tempfile.TemporaryDirectory()))))
        cls.web = cls.enterClassContext(
            Web(interface="wsgi", RESEND_API_URL=cls.resend.url, SSL_CERT_FILE=str(cls.mcp.ca), BILL_SIMULATED_CALLS="1")
        )

    def setUp(self) -> None:
        super().setUp()
        self.sandbox = sandbox_connection()
        self.addCleanup(self.sandbox.faults)
        factories.add_credits(self.agency, 100_000)
        self.ours, self.client_world, self.poor = (self.world(each) for each in (self.agency, self.client_org, self.stranger))
        self.ours.others = (self.client_world, self.poor)

    def world(self, organization: Any) -> World:
        return World(organization, web=self.web, engine=self.engine, resend=self.resend, mcp_url=self.mcp.url())

    def check_headers(self, answer: Reply, operation: Operation | None = None) -> list[str]:
        wrong = [f"header {name}" for name in LIMITS if not answer.headers.get(name, "").isdigit()]
        if answer.status != 204 and answer.headers.get("content-type") != "application/json":
            wrong.append(f"content type {answer.headers.get('content-type')}")
        if operation and (answer.headers.get("deprecation") == "true") != operation.deprecated:
            wrong.append("header Deprecation")
        return wrong

    def check_error(self, answer: Reply, status: int, type: str = "") -> list[str]:
        """The one flat body of api 3."""
        if answer.status != status:
            return [f"{answer.status} instead of {status}: {answer.body[:300]!r}"]
        body = answer.json()
        extra = {key: TEXT for key in ("call_id",) if key in body} | {key: fields.NUMBER for key in ("retry_after", "balance") if key in body}
        kind = Fields("Error", **ERROR, **extra)
        wrong = [*kind.problems(body, "", new_record()), *self.check_headers(answer)]
        if type and body.get("type") != type:
            wrong.append(f"type {body.get('type')} instead of {type}")
        return wrong


class CompleteTest(ContractCase):
    def test_every_row_of_the_contract_is_in_the_table(self) -> None:
        self.assertEqual({each.row for each in operations()}, ROWS)

    def test_every_route_and_method_is_in_the_table(self) -> None:
        served = set()
        for route in routes():
            if route.is_api:
                path = "/" + PARAM.sub("{}", route.pattern.removeprefix("api/v1/"))
                view = route.view.cls
                served |= {(path, name) for name in METHODS if hasattr(view, name.lower()) and name.lower() in view.http_method_names}
        self.assertEqual({(each.route, each.method) for each in operations()}, served)


class OperationsTest(ContractCase):
    def drive(self, operation: Operation, round: int, *, key: str | None = None) -> Reply:
        world = self.ours
        world.full, world.kept = bool(round % 2), {}
        if operation.before:
            operation.before(world)
        path = world.fill(operation.path)
        body = resolve(operation.sends[round % len(operation.sends)], world)
        headers = {"User-Agent": operation.agent or "hmsovereign-node/2.0.1"}
        return world.send(operation.method, path, body, key="" if operation.is_public else key, headers=headers)

    def test_every_operation_answers_to_the_letter(self) -> None:
        seen, wanted, driven = new_record(), set(), 0
        self.prepare_lists()
        for operation in operations():
            wanted |= expected(operation.answer) if operation.answer else set()
            for round in range(max(2, len(operation.sends))):
                with self.subTest(f"{operation} ({round})"):
                    answer = self.drive(operation, round)
                    self.assertEqual(answer.status, operation.status, answer.body[:500])
                    wrong = self.check_headers(answer, operation)
                    wrong += operation.answer.problems(answer.json(), "", seen) if operation.answer else [answer.body] * bool(answer.body)
                    self.assertEqual(wrong, [])
                    driven += 1
        for kind, body in self.rare_looks():
            self.assertEqual(list(kind.problems(body, "", seen)), [])
        met = {(name, what) for name, found in seen.items() for what in found}
        self.assertEqual(sorted(wanted - met - ELSEWHERE), [])
        print(f"\ncontract: {len(ROWS)} operations, {driven} requests, {len(wanted)} fields met with and without a value")

    def prepare_lists(self) -> None:
        """One bare and one full object of every kind, so that lists hold both."""
        for full in (False, True):
            self.ours.full, self.ours.kept = full, {}
            for kind in ("assistant", "tool_template", "number", "trunk", "analysis_template", "campaign", "lead", "chat", "workflow", "mcp_server", "call"):
                self.ours.make(kind)
        factories.make_call(self.agency, direction="web", own_number=None, other_number=None, started_at=factories.NOW)
        factories.make_call(self.agency, direction="inbound", metadata={})

    def rare_looks(self) -> Iterator[tuple[Kind, Any]]:
        """What no request of the table brings about: a client's view, a lead that is being called, a row that waits, a fault."""
        yield fields.ORGANIZATION, self.client_world.ask("GET", "/organizations")
        lead = self.ours.make("calling_lead")
        found = self.ours.ask("GET", f"/campaigns/{self.ours.kept['campaign']}/leads")["leads"]
        self.assertEqual([(each["id"], each["status"], each["last_attempt_at"]) for each in found], [(lead, "calling", "2026-11-18T10:00:00.000Z")])
        yield fields.LEAD, found[0]
        factories.make_sender_domain(self.client_org)
        yield fields.MAYBE_DOMAIN, self.client_world.ask("GET", "/domains")
        with scope_of(self.agency):
            Connection.objects.update(is_active=False)
        health = self.ours.ask("GET", "/health", key="")
        self.assertEqual((health["status"], health["checks"]["backend"]["status"]), ("degraded", "error"))
        yield fields.HEALTH, health

    def test_what_is_deleted_is_gone(self) -> None:
        gone = [each for each in operations() if each.method == "DELETE" and "{" in each.path]
        self.assertEqual(len(gone), 11)
        for operation in gone:
            with self.subTest(str(operation)):
                self.ours.full, self.ours.kept = False, {}
                path = self.ours.fill(operation.path)
                self.assertEqual(self.ours.send("DELETE", path).status, operation.status)
                self.assertEqual(self.check_error(self.ours.send("DELETE", path), 404, "not_found"), [])
                if operation.path not in ("/chats/{chat}", "/campaigns/{campaign}/leads/{lead}"):
                    self.assertEqual(self.check_error(self.ours.send("GET", path), 404, "not_found"), [])


class RefusalsTest(ContractCase):
    def refuse(self, refusal: Refusal) -> Reply:
        world = self.poor if refusal.who == "poor" else self.client_world if refusal.who == "client" else self.ours
        world.full, world.kept, world.others = False, {}, (self.client_world, self.poor)
        if refusal.before:
            refusal.before(world)
        path, body = world.fill(refusal.path), resolve(refusal.body, world)
        self.sandbox.faults(**dict(refusal.faults))
        try:
            return world.send(refusal.method, path, body, headers={"User-Agent": refusal.agent} if refusal.agent else None)
        finally:
            self.sandbox.faults()

    def test_every_error_that_the_contract_names(self) -> None:
        table = refusals()
        for refusal in table:
            with self.subTest(str(refusal)):
                answer = self.refuse(refusal)
                wrong = self.check_error(answer, refusal.status, refusal.type)
                body = answer.json()
                param = body.get("param") or ""
                if refusal.param and param != refusal.param and not param.startswith(f"{refusal.param}."):
                    wrong.append(f"param {param}")
                if refusal.param and refusal.status == 400 and not body.get("details"):
                    wrong.append("no details")
                self.assertEqual(wrong, [], body)
        print(f"\ncontract: {len(table)} errors that single operations name")

    def test_the_examples_of_the_contract(self) -> None:
        answer = self.ours.send("POST", "/assistants", {})
        wanted = {"error": "Validation failed", "message": "name: this field is required", "details": ["name: this field is required"],
                  "type": "missing_field", "param": "name"}  # fmt: skip
        self.assertEqual(answer.json(), wanted)
        answer = self.ours.send("GET", "/assistants", key="")
        self.assertEqual(answer.json(), {"error": "Invalid API key", "message": "Invalid or missing API key", "type": "unauthorized"})
        body = {"destination": "+447700900001", "assistant": bodies.ONE_TIME, "number_id": self.poor.dialling_number()}
        answer = self.poor.send("POST", "/calls/outbound", body)
        self.assertEqual((answer.status, answer.json()["error"], answer.json()["balance"]), (402, "Insufficient credits", 0))
        workflow = self.ours.make("workflow")
        for _ in range(2):
            self.ours.ask("POST", "/numbers", {"phone_number": bodies.fresh_phone(), "workflow_id": workflow})
        answer = self.ours.send("DELETE", f"/workflows/{workflow}")
        text = "2 phone numbers still run this workflow. Detach them first: PATCH /numbers/{id} with workflow_id: null."
        self.assertEqual((answer.status, answer.json()["error"], answer.json()["type"]), (409, text, "in_use"))
        bad = {"name": "w", "definition": bodies.SMALL_DEFINITION | {"entry_node": "start"}}
        answer = self.ours.send("POST", "/workflows", bad).json()
        self.assertEqual((answer["error"], answer["details"]), ("Invalid workflow definition", ['entry_node "start" is not a node of this workflow']))
        campaign = self.ours.make("campaign")
        lead = {"phone_number": "+31600000007"}
        self.ours.ask("POST", f"/campaigns/{campaign}/leads", lead)
        self.ours.ask("PATCH", f"/campaigns/{campaign}", {"system_message_template": "{{company}}", "number_id": self.ours.dialling_number()})
        answer = self.ours.send("PATCH", f"/campaigns/{campaign}", {"status": "scheduled"})
        self.assertEqual((answer.status, answer.json()["error"], answer.json()["param"]), (400, "Validation failed", "leads"), answer.body)
        self.assertEqual(answer.json()["details"], ['lead 1 (+31600000007): variable "company" has no value'])

    def test_what_every_operation_can_answer(self) -> None:
        """401 without a key and with a wrong one, 403 for one that may only read, 429, 404 for ids that name nothing of ours, 413, 415."""
        reader, spent = factories.make_key(self.agency, read_only=True), factories.make_key(self.agency)
        with scope_of(self.agency):
            ApiKey.objects.filter(prefix=spent[:12]).update(requests_per_minute=1)
        too_long, count = b" " * (1024 * 1024 + 1), 0
        early_in_a_minute(40)
        self.web.send("GET", "/api/v1/voices", key=spent)
        for operation in {(each.method, each.route): each for each in operations()}.values():
            if operation.is_public:
                continue
            self.ours.full, self.ours.kept = False, {}
            path = self.ours.fill(operation.path)
            asked: list[tuple[int, str, dict[str, Any]]] = [
                (401, "unauthorized", {"key": ""}), (401, "unauthorized", {"key": "fl_live_" + "a" * 40}), (429, "rate_limit_exceeded", {"key": spent}),
            ]  # fmt: skip
            if operation.method != "GET":
                asked += [(403, "forbidden", {"key": reader}), (413, "payload_too_large", {"body": too_long})]
            takes_body = operation.method in ("POST", "PATCH") and operation.route not in NO_BODY
            if takes_body or (operation.method, operation.route) == ("DELETE", "/byok"):
                asked += [
                    (400, "invalid_request", {"body": b"[]"}),
                    (400, "invalid_request", {"body": b"{"}), (415, "unsupported_media_type", {"body": b"a=b", "headers": {"Content-Type": "text/plain"}}),
                ]  # fmt: skip
            for status, type, options in asked:
                with self.subTest(f"{operation} {status}"):
                    answer = self.ours.send(operation.method, path, **options)
                    self.assertEqual(self.check_error(answer, status, type), [])
                    self.assertEqual("retry-after" in answer.headers, status == 429)
                    count += 1
            count += self.unknown_ids(operation)
        print(f"\ncontract: {count} refusals that every operation knows")

    def unknown_ids(self, operation: Operation) -> int:
        """A stranger's object, one that never was, and what is no id: all the same 404."""
        names = re.findall(r"\{(\w+)\}", operation.path.partition("?")[0])
        if not names:
            return 0
        self.client_world.full, self.client_world.kept = False, {}
        theirs, body = self.client_world.fill(operation.path.replace("{running}", "{call}")), resolve(operation.sends[-1], self.ours)
        unknown = [operation.path.replace(f"{{{name}}}", odd) for name in names for odd in (str(uuid.uuid4()), "x", "%00", "a" * 300, "1", "%2e%2e")]
        for path in (theirs, *map(self.ours.fill, unknown)):
            with self.subTest(f"{operation} {path}"):
                answer = self.ours.send(operation.method, path, body)
                self.assertEqual(self.check_error(answer, 404, "not_found"), [])
        return len(unknown) + 1

    def test_methods_that_a_path_does_not_know(self) -> None:
        known: dict[str, set[str]] = {}
        for each in operations():
            known.setdefault(each.path.partition("?")[0], set()).add(each.method)
        for path, methods in known.items():
            self.ours.full, self.ours.kept = False, {}
            filled = self.ours.fill(path)
            for method in sorted(set(METHODS) - methods):
                # /calls/{id} is a call's page too, /chats/context is no message's.
                with self.subTest(f"{method} {path}"):
                    self.assertEqual(self.check_error(self.ours.send(method, filled, {}), 405, "method_not_allowed"), [])


class AcceptanceTest(ContractCase):
    """The seven checks of api 11."""

    def test_1_eleven_reads_of_both_lines(self) -> None:
        for line in ("hmsovereign-node/1.4.0", "hmsovereign-node/2.1.0"):
            agent = {"User-Agent": line}
            for path, key in (
                ("/assistants", "assistants"), ("/numbers", "numbers"), ("/campaigns", "campaigns"), ("/sip-trunks", "trunks"),
                ("/tool-templates", "tool_templates"), ("/analysis-templates", "analysis_templates"),
            ):  # fmt: skip
                self.assertIsInstance(self.ours.ask("GET", path, headers=agent)[key], list)
            calls, usage = (self.ours.ask("GET", f"/{name}?limit=5", headers=agent) for name in ("calls", "usage"))
            self.assertIs(type(calls["pagination"]["total"]), int)
            self.assertEqual((type(usage["logs"]), type(usage["summary"]["total_calls"])), (list, int))
            self.assertGreater(len(self.ours.ask("GET", "/voices", headers=agent)["voices"]), 0)
            self.assertEqual(len(self.ours.ask("GET", "/byok", headers=agent)["byok_keys"]), 10)
            self.assertEqual(list(WORD.problems(self.ours.ask("GET", "/organizations", headers=agent)["id"], "", new_record())), [])

    def test_2_settings_of_all_providers_in_one_config(self) -> None:
        path = f"/assistants/{self.ours.make('assistant')}"
        for answer in (self.ours.ask("PATCH", path, bodies.MIXED), self.ours.ask("GET", path)):
            self.assertEqual({name: answer["assistant"][name] for name in bodies.MIXED}, bodies.MIXED)

    def test_3_stepping_over_250_calls(self) -> None:
        for _ in range(250):
            factories.make_call(self.agency)
        found = [call["id"] for offset in (0, 100, 200, 300) for call in self.ours.ask("GET", f"/calls?limit=100&offset={offset}")["calls"]]
        self.assertEqual((len(found), len(set(found))), (250, 250))

    def test_4_detaching_a_workflow(self) -> None:
        self.ours.full = True
        path = f"/numbers/{self.ours.make('number')}"
        before = self.ours.ask("GET", path)["number"]
        self.assertEqual(self.ours.ask("PATCH", path, {})["number"], before)
        after = self.ours.ask("PATCH", path, {"workflow_id": None})["number"]
        self.assertIsNotNone(before["workflow_id"])
        self.assertEqual(after, before | {"workflow_id": None, "workflow_name": None, "updated_at": after["updated_at"]})

    def test_5_a_call_id_with_a_plus(self) -> None:
        call = factories.make_call(self.agency, ref="eng+1_a-b")
        for spelling in ("eng+1_a-b", "eng%2B1_a-b"):
            self.assertEqual(self.ours.ask("GET", f"/calls/{spelling}")["id"], call.public_id)

    def call_body(self) -> dict[str, Any]:
        assistant = self.ours.make("assistant")
        return {"destination": bodies.fresh_phone(), "assistant_id": assistant, "number_id": self.ours.dialling_number()}

    def test_6_a_repeated_outbound_post_starts_one_call(self) -> None:
        body = self.call_body()
        first, again = (self.ours.send("POST", "/calls/outbound", body) for _ in range(2))
        self.assertEqual((first.status, again.body, again.headers.get("idempotent-replayed")), (200, first.body, "true"))
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assertEqual(len(self.sandbox.rings(reference=first.json()["call_id"])), 1)

    def test_7_a_lost_answer_rings_once(self) -> None:
        """The engine places the call and its answer is lost: 200, no second ring for a repeat, nor for the reconciler."""
        body = self.call_body()
        self.sandbox.faults(lose_answers=1)
        first = self.ours.send("POST", "/calls/outbound", body)
        self.assertEqual((first.status, first.json()["status"]), (200, "dialing"))
        self.sandbox.faults()
        self.assertEqual(self.ours.send("POST", "/calls/outbound", body).body, first.body)
        self.reconcile()
        self.assertEqual(len(self.sandbox.rings(reference=first.json()["call_id"])), 1)
        self.assertEqual(self.ours.send("POST", "/calls/outbound", body).body, first.body)
        self.assertEqual(len(Sandbox.shared().rings(to=body["destination"])), 1)

    def reconcile(self) -> None:
        """The reconciler looks now, when it is due, and once more."""
        for _ in range(3):
            with scope_of(self.agency):
                Call.objects.filter(dial=Call.Dial.UNKNOWN).update(next_check_at=db.now())
                for organization, call in open_dials(db.now())[1]:
                    reconcile(organization_id=organization, call_id=call)
        with scope_of(self.agency):
            self.assertEqual(Call.objects.filter(dial=Call.Dial.ACCEPTED).count(), 1)
