"""Copies of our things at an engine that keeps them: pushed once, in order, healed, and never made twice."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.test import override_settings

from apps.assistants.services import create_assistant, remove_assistant, update_assistant
from apps.core import db
from apps.core.db import writes
from apps.numbers.models import PhoneNumber
from apps.numbers.services import delete_number, delete_trunk, replace_trunk, update_number
from apps.numbers.sync import enrol_organization, synchronise
from apps.numbers.tasks import enrol, sweep_mirror
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM
from apps.voice import mirror
from apps.voice.models import Mirror
from config.celery import app
from tests import factories
from tests.calls.support import make_connection, scope_of
from tests.cases import TenantCase
from tests.receivers import Reply
from tests.upstream import Upstream

TOOL = {"name": "look_up", "description": "x", "url": "https://example.com/tool", "server": {"secret": "t0p"}}
NESTED = {"type": "function", "function": {"name": "book", "description": "y"}, "server": {"url": "https://example.com/t", "secret": "s3"}}


@override_settings(UPSTREAM_REQUESTS_PER_MINUTE=0)
class SyncCase(TenantCase):
    organization: Organization

    def setUp(self) -> None:
        self.upstream = self.enterContext(Upstream())
        self.organization = self.agency
        self.enterContext(scope_of(self.agency))
        self.connection = make_connection(features=[], base_url=self.upstream.url)

    def sync(self, later: float = 0) -> int:
        """What the task does; `later` seconds from now."""
        if later:
            past = dt.timedelta(seconds=later)
            for row in Mirror.objects.for_organization(self.organization).exclude(next_try_at=None):
                row.change(db.now(), next_try_at=row.next_try_at - past)
        return synchronise(self.organization, db.now())

    def compare(self) -> int:
        enrol_organization(organization=self.organization)
        return self.sync()

    def row(self, thing: Any, kind: str = "") -> Mirror:
        kind = kind or {"Assistant": "assistant", "PhoneNumber": "number", "SipTrunk": "trunk"}[type(thing).__name__]
        return Mirror.objects.for_organization(self.organization).get(kind=kind, object_id=thing.pk)

    def assistant(self, **fields: Any) -> Any:
        values = {"name": "Front desk", "first_message": "Good morning."} | fields
        values.setdefault("llm_config", {"provider": "openai", "model": "gpt-5.4", "messages": [], "tools": []})
        return create_assistant(organization=self.organization, values=values, by=SYSTEM)


@writes
def remove(assistant: Any) -> None:
    remove_assistant(assistant=assistant, by=SYSTEM, now=db.now())


class PushTest(SyncCase):
    def test_an_assistant_goes_there_with_our_receiver_and_without_the_customers(self) -> None:
        made = self.assistant(
            webhook_url="https://customer.example/hook", webhook_secret="theirs", webhook_events=[],
            notification_email="a@example.com", gdpr_mode=True, speech_config={"end_call_phrases": ["bye bye"]},
            recording_consent={"enabled": True, "message": "Recorded."},
            analysis_plan={"structured_data_plan": {"enabled": True, "schema": {}, "messages": [], "template_id": "t"}},
            llm_config={"provider": "openai", "model": "gpt-5.4", "messages": [], "tools": [TOOL, NESTED, {"type": "end_call"}]},
        )  # fmt: skip
        self.assertEqual(self.sync(), 1)
        there = self.upstream.one("/assistants")
        account = mirror.Account(self.agency, self.connection)
        self.assertEqual(there["webhook_url"], f"{account.hook}?copy={account.marker(made.pk)}")
        self.assertEqual(there["webhook_secret"], self.connection.hook_secret)
        self.assertEqual(there["webhook_events"], ["assistant-request", "tool-calls", "status-update", "end-of-call-report"])
        self.assertEqual(there["llm_config"]["tools"], [{"name": "look_up", "description": "x"}, {"name": "book", "description": "y"}, {"type": "end_call"}])
        self.assertEqual(there["recording_consent"], {"enabled": True, "message": "Recorded."})
        self.assertEqual((there["gdpr_mode"], there["speech_config"]), (True, {"end_call_phrases": ["bye bye"]}))
        self.assertEqual(there["analysis_plan"], {"structured_data_plan": {"enabled": True, "schema": {}, "messages": []}})
        self.assertNotIn("notification_email", there)
        for secret in ("customer.example", "theirs", "t0p", "s3", "example.com"):
            self.assertNotIn(secret, str(there))
        row = self.row(made)
        self.assertEqual((row.ref, row.is_dirty, row.error, row.state), (there["id"], False, "", "synced"))

    def test_a_change_is_one_patch_and_no_change_is_nothing(self) -> None:
        made = self.assistant()
        self.sync()
        update_assistant(assistant=made, values={"name": "Night desk"}, by=SYSTEM, now=db.now())
        self.assertEqual(self.row(made).state, "waiting")
        self.sync()
        update_assistant(assistant=made, values={"name": "Night desk"}, by=SYSTEM, now=db.now())
        self.assertEqual(self.sync(), 0)
        self.assertEqual(self.upstream.writes, [("POST", "/assistants"), ("PATCH", "/assistants")])
        self.assertEqual(self.upstream.one("/assistants")["name"], "Night desk")

    def test_what_is_deleted_here_goes_there(self) -> None:
        made, number = self.assistant(), factories.make_number(self.agency)
        update_number(number=number, values={"assistant": made}, by=SYSTEM, now=db.now())
        self.sync()
        self.assertEqual(len(self.upstream.all("/assistants")), 1)
        delete_number(number=PhoneNumber.objects.get(pk=number.pk), by=SYSTEM)
        remove(made)
        self.sync()
        self.assertEqual((self.upstream.all("/assistants"), self.upstream.all("/numbers")), ([], []))
        self.assertFalse(Mirror.objects.for_organization(self.agency).exists())

    def test_what_a_number_needs_stands_there_before_it(self) -> None:
        trunk = factories.make_trunk(self.agency, auth_username="u", auth_password="p")
        made, workflow = self.assistant(), factories.make_workflow(self.agency)
        number = factories.make_number(self.agency, assistant=made, transfer_trunk=trunk, workflow=workflow)
        server = factories.make_mcp_server(self.agency, sealed_headers='{"X-Key": "k"}')
        tool = {"type": "mcp", "mcp_server_id": str(server.pk), "allowed_tools": ["a"]}
        update_assistant(assistant=made, values={"llm_config": {**made.llm_config, "tools": [tool]}}, by=SYSTEM, now=db.now())
        self.compare()
        there = self.upstream.one("/numbers")
        self.assertEqual(
            {name: there[name] for name in ("phone_number", "assistant_id", "workflow_id", "transfer_trunk_id", "is_active")},
            {"phone_number": str(number), "assistant_id": self.upstream.one("/assistants")["id"], "is_active": True,
             "workflow_id": self.upstream.one("/workflows")["id"], "transfer_trunk_id": self.upstream.one("/sip-trunks")["id"]},
        )  # fmt: skip
        self.assertEqual(self.upstream.one("/sip-trunks")["auth_password"], "p")
        self.assertEqual(self.upstream.one("/mcp-servers")["headers"], {"X-Key": "k"})
        tools = self.upstream.one("/assistants")["llm_config"]["tools"]
        self.assertEqual(tools, [{**tool, "mcp_server_id": self.upstream.one("/mcp-servers")["id"]}])
        order = [path for method, path in self.upstream.writes]
        self.assertEqual(order, ["/sip-trunks", "/mcp-servers", "/workflows", "/assistants", "/numbers"])

    def test_a_number_without_assistant_has_a_placeholder_until_it_has_one(self) -> None:
        number = factories.make_number(self.agency)
        self.compare()
        placeholder = self.upstream.one("/assistants")
        self.assertEqual(self.upstream.one("/numbers")["assistant_id"], placeholder["id"])
        self.assertEqual(placeholder["first_message"], "This number is not in service at the moment.")
        made = self.assistant()
        update_number(number=number, values={"assistant": made}, by=SYSTEM, now=db.now())
        self.sync()
        self.assertEqual(self.upstream.one("/assistants")["name"], "Front desk")
        self.assertEqual(self.upstream.one("/numbers")["assistant_id"], self.row(made).ref)
        # The placeholder goes last: the number is never left alone.
        self.assertEqual(self.upstream.writes[-3:], [("POST", "/assistants"), ("PATCH", "/numbers"), ("DELETE", "/assistants")])

    def test_a_trunk_is_replaced_and_its_numbers_are_moved_before_the_old_one_goes(self) -> None:
        old = factories.make_trunk(self.agency, name="Old")
        factories.make_number(self.agency, assistant=self.assistant(), transfer_trunk=old)
        self.compare()
        before = len(self.upstream.writes)
        _new, moved = replace_trunk(
            organization=self.agency, old=old, values={"name": "New", "address": "sip2.example.com"}, by=SYSTEM, now=db.now()
        )
        delete_trunk(trunk=old, by=SYSTEM, now=db.now())
        self.sync()
        self.assertEqual(moved, 1)
        trunk = self.upstream.one("/sip-trunks")
        self.assertEqual((trunk["address"], self.upstream.one("/numbers")["transfer_trunk_id"]), ("sip2.example.com", trunk["id"]))
        self.assertEqual(self.upstream.writes[before:], [("POST", "/sip-trunks"), ("PATCH", "/numbers"), ("DELETE", "/sip-trunks")])

    def test_a_changed_trunk_is_made_anew_there(self) -> None:
        trunk = factories.make_trunk(self.agency)
        factories.make_number(self.agency, assistant=self.assistant(), transfer_trunk=trunk)
        self.compare()
        before = len(self.upstream.writes)
        trunk.change(db.now(), address="sip3.example.com")
        with_marks(self.agency, "trunk", trunk)
        self.sync()
        self.assertEqual(self.upstream.one("/sip-trunks")["address"], "sip3.example.com")
        self.assertEqual(self.upstream.one("/numbers")["transfer_trunk_id"], self.row(trunk).ref)
        self.assertEqual(self.upstream.writes[before:], [("POST", "/sip-trunks"), ("PATCH", "/numbers"), ("DELETE", "/sip-trunks")])

    def test_an_engine_that_takes_the_whole_assistant_gets_no_copies(self) -> None:
        self.connection.change(db.now(), engine={"features": ["one_time_full"], "kind": "sandbox"})
        self.assistant()
        self.assertFalse(Mirror.objects.for_organization(self.agency).exists())
        self.assertEqual((self.sync(), self.upstream.received), (0, []))


@writes
def with_marks(organization: Organization, kind: str, thing: Any) -> None:
    mirror.mark(organization=organization, kinds=[kind], ids=[thing.pk])


class TroubleTest(SyncCase):
    def test_a_lost_answer_leaves_one_copy(self) -> None:
        made, trunk = self.assistant(), factories.make_trunk(self.agency)
        with_marks(self.agency, "trunk", trunk)
        number = factories.make_number(self.agency, assistant=made)
        with_marks(self.agency, "number", number)
        self.upstream.fault = lambda got: "lost" if got.method == "POST" else None
        for _ in range(4):
            self.sync(later=3700)
        self.upstream.fault = None
        self.sync(later=3700)
        self.assertEqual([len(self.upstream.all(path)) for path in ("/assistants", "/sip-trunks", "/numbers")], [1, 1, 1])
        self.assertEqual({self.row(each).state for each in (made, trunk, number)}, {"synced"})
        self.assertEqual(self.upstream.one("/numbers")["assistant_id"], self.row(made).ref)

    def test_a_worker_that_dies_before_it_wrote_the_answer_leaves_one_copy(self) -> None:
        made = self.assistant()
        account = mirror.Account(self.agency, self.connection)
        row = mirror.claim(account, self.row(made).pk, db.now())
        assert row
        self.upstream.objects["/assistants"]["up-9"] = {"id": "up-9", "webhook_url": f"https://x/?copy={account.marker(made.pk)}"}
        self.assertEqual(self.sync(), 0)  # the lease still runs
        self.sync(later=61)
        self.assertEqual((self.upstream.one("/assistants")["name"], self.row(made).ref), ("Front desk", "up-9"))

    def test_what_the_engine_refuses_is_said_and_waits_for_a_change(self) -> None:
        made = self.assistant(name="Bad")
        self.sync()
        row = self.row(made)
        self.assertEqual((row.error, row.state, row.attempts, row.is_unsure), ("name: not this one", "error", 1, False))
        self.assertEqual(self.sync(), 0)
        self.assertEqual(len(self.upstream.writes), 1)
        update_assistant(assistant=made, values={"name": "Good"}, by=SYSTEM, now=db.now())
        self.sync()
        self.assertEqual(self.row(made).state, "synced")

    def test_an_engine_that_is_down_is_asked_once_and_again_later(self) -> None:
        rows = [self.row(self.assistant(name=f"A{number}")) for number in range(3)]
        self.upstream.fault = lambda got: Reply(503, {"error": "down"})
        self.assertEqual(self.sync(), 0)
        self.assertEqual(len(self.upstream.received), 1)
        tried = [Mirror.objects.for_organization(self.agency).get(pk=row.pk) for row in rows]
        self.assertEqual([row.attempts for row in tried], [1, 0, 0])
        self.upstream.fault = None
        self.sync(later=5)
        self.assertEqual(len(self.upstream.all("/assistants")), 3)

    def test_a_change_during_the_push_is_pushed_too(self) -> None:
        made = self.assistant()
        account = mirror.Account(self.agency, self.connection)
        claimed = mirror.claim(account, self.row(made).pk, db.now())
        assert claimed
        with_marks(self.agency, "assistant", made)
        mirror.record(account, claimed, db.now(), ref="up-1")
        self.assertEqual((self.row(made).ref, self.row(made).is_dirty), ("up-1", True))

    def test_a_copy_that_is_gone_there_is_made_again(self) -> None:
        made = self.assistant()
        number = factories.make_number(self.agency, assistant=made)
        self.compare()
        self.upstream.objects["/assistants"].clear()
        update_assistant(assistant=made, values={"name": "Again"}, by=SYSTEM, now=db.now())
        self.sync()
        self.sync()
        self.assertEqual(self.upstream.one("/assistants")["name"], "Again")
        self.assertEqual(self.upstream.one("/numbers")["assistant_id"], self.row(made).ref)
        self.assertEqual(self.row(number).state, "synced")

    def test_a_number_of_another_account_is_said(self) -> None:
        number = factories.make_number(self.agency, assistant=self.assistant())
        taken = {"error": "The number is registered already.", "type": "already_exists"}
        self.upstream.fault = lambda got: Reply(409, taken) if (got.method, got.path) == ("POST", "/numbers") else None
        self.compare()
        self.assertEqual(self.row(number).error, "The number is registered already.")


class CompareTest(SyncCase):
    def test_drift_is_overwritten_and_what_is_not_ours_is_left_alone(self) -> None:
        made = self.assistant()
        number = factories.make_number(self.agency, assistant=made, transfer_trunk=factories.make_trunk(self.agency))
        self.compare()
        account = mirror.Account(self.agency, self.connection)
        stray = {"id": "up-70", "name": "Copy", "webhook_url": f"{account.hook}?copy={account.tag}0123456789ab"}
        others = mirror.Account(self.stranger, self.connection).tag
        foreign = {"id": "up-71", "name": "Theirs", "webhook_url": f"{account.hook}?copy={others}0123456789ab"}
        self.upstream.objects["/assistants"] |= {"up-70": stray, "up-71": foreign, "up-72": {"id": "up-72", "name": "By hand"}}
        self.upstream.objects["/assistants"][self.row(made).ref]["first_message"] = "Changed there."
        self.upstream.objects["/numbers"][self.row(number).ref]["is_active"] = False
        self.upstream.objects["/sip-trunks"].clear()
        self.compare()
        self.assertEqual(self.upstream.objects["/assistants"][self.row(made).ref]["first_message"], "Good morning.")
        self.assertEqual({*self.upstream.objects["/assistants"]}, {self.row(made).ref, "up-71", "up-72"})
        there = self.upstream.one("/numbers")
        self.assertEqual((there["is_active"], there["transfer_trunk_id"]), (True, self.upstream.one("/sip-trunks")["id"]))

    def test_a_second_comparison_changes_nothing(self) -> None:
        factories.make_number(self.agency, assistant=self.assistant(), transfer_trunk=factories.make_trunk(self.agency))
        factories.make_workflow(self.agency)
        self.compare()
        before = len(self.upstream.writes)
        self.compare()
        self.assertEqual(self.upstream.writes[before:], [])

    def test_who_is_to_be_compared(self) -> None:
        app.conf.task_always_eager, before = True, app.conf.task_always_eager
        self.addCleanup(setattr, app.conf, "task_always_eager", before)
        made = factories.make_assistant(self.agency)
        enrol()
        sweep_mirror()
        enrolled = Mirror.objects.for_organization(self.agency).filter(kind="account").count()
        self.assertEqual((self.row(made).state, enrolled), ("synced", 1))
        self.assertEqual(self.upstream.one("/assistants")["name"], made.name)
        asked = len(self.upstream.received)
        enrol()
        sweep_mirror()
        self.assertEqual(len(self.upstream.received), asked)

    def test_another_engine_sets_the_rows_aside(self) -> None:
        made = self.assistant()
        self.sync()
        self.assistant(name="Bad")
        self.sync()
        make_connection(self.agency)
        self.assertEqual(self.sync(later=60000), 0)
        rows = Mirror.objects.for_organization(self.agency)
        self.assertEqual((rows.filter(is_dirty=True).count(), rows.get(object_id=made.pk).ref), (0, "up-1"))
