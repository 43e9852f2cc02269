"""An account is taken over from its engine: shown first, made once, ids kept."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.test import override_settings

from apps.assistants.models import AnalysisTemplate, Assistant, McpServer, ToolTemplate, Workflow
from apps.calls.models import Call
from apps.core import db
from apps.core.api import instant
from apps.dashboard.account_import import import_account, last_import, look_into, start_import
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.numbers.sync import enrol_organization, synchronise
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM
from apps.voice import mirror
from apps.voice.models import Mirror
from tests import factories
from tests.calls.support import make_connection, scope_of
from tests.cases import TenantCase
from tests.receivers import Reply
from tests.upstream import Upstream

MODELS = (SipTrunk, ToolTemplate, AnalysisTemplate, McpServer, Workflow, Assistant, PhoneNumber)


@override_settings(UPSTREAM_REQUESTS_PER_MINUTE=0)
class ImportTest(TenantCase):
    def setUp(self) -> None:
        self.upstream = self.enterContext(Upstream())
        self.organization = self.client_org
        self.connection = make_connection(self.client_org, features=[], base_url=self.upstream.url)
        self.enterContext(scope_of(self.client_org))

    def put(self, path: str, **values: Any) -> dict[str, Any]:
        """Something that stands at the engine."""
        made = {"id": str(uuid.uuid4())} | values
        self.upstream.objects[path][made["id"]] = made
        return made

    def fill(self) -> dict[str, dict[str, Any]]:
        nodes = [{"id": "greet", "type": "conversation", "instructions": "Greet."}]
        definition = {"version": 1, "entry_node": "greet", "nodes": nodes, "edges": []}
        server = self.put("/mcp-servers", name="Booking", url="https://mcp.example.org/mcp", header_names=["X-Key"], transport="streamable_http", timeout_seconds=20)
        tool = {"type": "mcp", "mcp_server_id": server["id"], "allowed_tools": ["book"]}
        llm = {"provider": "openai", "model": "gpt-5.4", "messages": [], "tools": [tool]}
        assistant = self.put(
            "/assistants", name="Front desk", llm_config=llm, webhook_url="https://example.com/hook", webhook_secret="s", org_id="x",
            is_active=True, created_at="2026-01-01T00:00:00.000Z",
        )  # fmt: skip
        trunk = self.put("/sip-trunks", name="Line", provider="Acme", address="sip.example.com", transport="tls", is_active=True)
        return {
            "trunk": trunk, "server": server, "assistant": assistant,
            "tool": self.put("/tool-templates", name="check_slot", tool_type="function", tool_config={"description": "x", "url": "https://example.com/t"}),
            "analysis": self.put("/analysis-templates", name="Day", system_prompt="s", user_prompt="{transcript}", schema={"type": "object"}),
            "workflow": self.put("/workflows", name="Flow", is_active=True, definition=definition),
            "number": self.put("/numbers", phone_number="+31850000001", name="Main", assistant_id=assistant["id"], transfer_trunk_id=trunk["id"]),
        }  # fmt: skip

    def counts(self) -> list[int]:
        return [model.objects.for_organization(self.client_org).count() for model in MODELS]

    def run_import(self, *, with_calls: bool = False) -> Any:
        job = start_import(organization=self.client_org, with_calls=with_calls, by=SYSTEM, now=db.now())
        import_account(organization=self.client_org, job_id=job.pk, by=SYSTEM)
        return last_import(self.client_org)

    def verdicts(self) -> dict[str, tuple[str, str]]:
        return {item.name: (item.verdict, item.reason) for item in look_into(self.client_org, self.connection)}

    def test_the_dry_run_tells_and_changes_nothing(self) -> None:
        self.fill()
        self.put("/assistants", name="Broken", llm_config={"provider": "nobody", "model": "x"})
        self.put("/assistants", id="not-a-uuid", name="Odd")
        found = self.verdicts()
        self.assertEqual({name for name, (verdict, _) in found.items() if verdict == "new"}, {"Line", "check_slot", "Day", "Booking", "Flow", "Front desk", "Main"})
        self.assertEqual(found["Odd"], ("refused", "Its id is not a UUID and cannot be kept."))
        self.assertIn("llm_config", found["Broken"][1])
        self.assertEqual(self.counts(), [0] * 7)
        self.assertEqual(self.upstream.writes, [])

    def test_ids_are_kept_and_nothing_comes_twice(self) -> None:
        there = self.fill()
        job = self.run_import()
        self.assertEqual((job.status, job.done, job.total), ("done", 7, 7))
        self.assertEqual(self.counts(), [1] * 7)
        for name, model in zip(("trunk", "tool", "analysis", "server", "workflow", "assistant", "number"), MODELS, strict=True):
            self.assertEqual(str(model.objects.for_organization(self.client_org).get().pk), there[name]["id"])
        number = PhoneNumber.objects.for_organization(self.client_org).get()
        self.assertEqual((str(number.assistant_id), str(number.transfer_trunk_id), number.source), (there["assistant"]["id"], there["trunk"]["id"], "upstream"))
        assistant = Assistant.objects.for_organization(self.client_org).get()
        self.assertEqual((assistant.webhook_url, assistant.webhook_secret), ("https://example.com/hook", "s"))
        again = self.run_import()
        self.assertEqual(self.counts(), [1] * 7)
        self.assertEqual({name: each["here"] for name, each in again.data["counts"].items()}, dict.fromkeys(again.data["counts"], 1))

    def test_afterwards_the_engine_is_kept_in_step_and_secrets_stay(self) -> None:
        there = self.fill()
        self.run_import()
        synchronise(self.client_org, db.now())
        enrol_organization(organization=self.client_org)
        synchronise(self.client_org, db.now())
        account = mirror.Account(self.client_org, self.connection)
        (copy,) = self.upstream.all("/assistants")
        self.assertEqual((copy["id"], copy["webhook_url"].partition("?")[0]), (there["assistant"]["id"], account.hook))
        self.assertEqual([len(self.upstream.all(path)) for path in ("/sip-trunks", "/mcp-servers", "/numbers", "/workflows")], [1, 1, 1, 1])
        # Nobody here knows the password and the headers: what stands there is left alone.
        self.assertNotIn(("POST", "/sip-trunks"), self.upstream.writes)
        self.assertNotIn(("PATCH", "/mcp-servers"), self.upstream.writes)
        self.assertFalse(Mirror.objects.for_organization(self.client_org).exclude(error="").exists())
        self.assertEqual(self.verdicts()["Front desk"][0], "here")

    def test_a_number_of_somebody_elses_is_refused_with_the_reason(self) -> None:
        self.fill()
        factories.make_number(self.stranger, phone_number="+31850000001")
        job = self.run_import()
        self.assertEqual(job.data["refused"], [["numbers", "Main", "The number +31850000001 is already registered."]])
        self.assertEqual(self.counts(), [1, 1, 1, 1, 1, 1, 0])

    def test_calls_of_the_last_thirty_days_come_as_history(self) -> None:
        there = self.fill()
        end = db.now() - dt.timedelta(days=3)
        self.upstream.calls = [
            {"id": "call-a", "direction": "inbound", "status": "ended", "end_reason": "user_hangup", "assistant_phone": "+31850000001",
             "caller_phone": "+31600000001", "assistant_id": there["assistant"]["id"], "created_at": instant(end), "started_at": instant(end),
             "ended_at": instant(end + dt.timedelta(seconds=60)), "duration_seconds": 60, "summary": "A talk.",
             "messages": [{"role": "user", "content": "Hello pineapple."}]},
            {"id": "call-b", "direction": "inbound", "status": "in-progress", "created_at": instant(end)},
        ]  # fmt: skip
        self.assertEqual(self.run_import(with_calls=True).data["imported_calls"], 1)
        self.assertEqual(self.run_import(with_calls=True).data["imported_calls"], 0)
        call = Call.objects.for_organization(self.client_org).get()
        self.assertEqual(
            (call.ref, call.duration_seconds, call.cost, call.is_charged, call.summary, str(call.assistant_id), call.created_at.date()),
            ("call-a", 60, 0, False, "A talk.", there["assistant"]["id"], end.date()),
        )

    def test_copies_of_others_on_the_same_account_are_not_taken(self) -> None:
        parents = make_connection(self.agency, features=[], base_url=self.upstream.url)
        factories.make_number(self.client_org, phone_number="+31850000007")
        account = mirror.Account(self.client_org, parents)
        self.put("/assistants", name="Client's", llm_config={"provider": "openai", "model": "gpt-5.4"}, webhook_url=f"{account.hook}?copy={account.tag}0123456789ab")
        self.put("/sip-trunks", name=f"Client's line ({account.tag}0123456789ab)", address="sip.example.com")
        self.put("/numbers", phone_number="+31850000007", name="Client's number")
        with scope_of(self.agency):
            found = {item.name.partition(" (")[0]: item.verdict for item in look_into(self.agency, parents)}
        self.assertEqual(found, {"Client's": "here", "Client's line": "here", "Client's number": "here"})

    def test_an_engine_that_does_not_answer_ends_the_import_with_a_reason(self) -> None:
        self.fill()
        self.upstream.fault = lambda got: Reply(500, {})
        job = self.run_import()
        self.assertEqual((job.status, self.counts()), ("failed", [0] * 7))
        self.assertTrue(job.error)

    def page(self, path: str = "", data: dict[str, str] | None = None, *, organization: Organization | None = None) -> Any:
        browser = self.as_(self.cleo if organization is None else self.dov)
        url = f"/o/{(organization or self.client_org).slug}/settings/engine/import{path}"
        return browser.get(url) if data is None else browser.post(url, data)

    def test_the_pages(self) -> None:
        self.fill()
        self.assertContains(self.page(), "See what is there")
        shown = self.page("/look", {})
        self.assertContains(shown, "Front desk")
        self.assertContains(shown, "The engine does not show passwords")
        self.assertRedirects(self.page("/start", {"calls": "on"}), f"/o/{self.client_org.slug}/settings/engine/import", fetch_redirect_response=False)
        self.assertContains(self.page(), "The import is under way")
        job = last_import(self.client_org)
        assert job
        import_account(organization=self.client_org, job_id=job.pk, by=SYSTEM)
        self.assertContains(self.page(), "The account is taken over")
        self.upstream.fault = lambda got: Reply(500, {})
        self.assertContains(self.page("/look", {}), "http_500", status_code=422)

    def test_only_an_account_of_ones_own_can_be_imported(self) -> None:
        make_connection(features=[], base_url=self.upstream.url)
        self.fill()
        self.assertContains(self.page(organization=self.stranger), "No account of your own is connected")
        self.assertNotContains(self.page("/look", {}, organization=self.stranger), "Front desk")
        self.assertEqual(self.page("/start", {}, organization=self.stranger).status_code, 409)
