"""A client gets an account of its own at its agency's engine."""

from __future__ import annotations

from unittest import mock

from django.test import override_settings

from apps.core import db
from apps.core.scope import Scope, acting
from apps.numbers import tasks
from apps.numbers.sync import enrol_organization, synchronise
from apps.voice.models import Connection, Mirror
from apps.voice.services import find_connection
from tests import factories
from tests.calls.support import make_connection, scope_of
from tests.cases import TenantCase
from tests.receivers import Reply
from tests.upstream import Upstream


@override_settings(UPSTREAM_REQUESTS_PER_MINUTE=0)
class AccountTest(TenantCase):
    def setUp(self) -> None:
        self.upstream = self.enterContext(Upstream())
        self.browser = self.as_(self.ada)
        self.url = f"/o/{self.agency.slug}/clients"

    def give(self, slug: str | None = None) -> int:
        answer = self.browser.post(f"{self.url}/account", {"client": slug or self.client_org.slug})
        return int(answer.status_code)

    def sync(self) -> None:
        with scope_of(self.client_org):
            enrol_organization(organization=self.client_org)
            synchronise(self.client_org, db.now())

    def test_it_gets_a_key_of_its_own_and_its_copies_move(self) -> None:
        parent = make_connection(self.agency, features=[], base_url=self.upstream.url)
        factories.make_number(self.client_org, assistant=factories.make_assistant(self.client_org))
        self.sync()
        self.assertContains(self.browser.get(self.url), "give it its own")
        self.assertEqual(self.give(), 302)
        self.assertEqual(self.upstream.accounts, [{"name": "Bakker Dental", "parent_org_id": "acc-1"}])
        with scope_of(self.client_org):
            own = find_connection(self.client_org)
            assert own
            self.assertEqual((own.organization_id, own.via_id, own.api_key, own.account_id), (self.client_org.pk, parent.pk, "fl_live_2", "acc-2"))
            self.assertEqual(own.base_url, parent.base_url)
            self.assertNotEqual(own.hook_id, parent.hook_id)
            self.assertFalse(Mirror.objects.for_organization(self.client_org).filter(connection=parent).exclude(kind="account").exists())
        self.assertEqual((self.upstream.all("/numbers"), self.upstream.all("/assistants")), ([], []))
        self.sync()
        sent = [each.headers["authorization"] for each in self.upstream.received if each.method == "POST" and each.path == "/numbers"]
        self.assertEqual(sent, ["Bearer key", "Bearer fl_live_2"])
        self.assertContains(self.browser.get(self.url), "Its own")
        self.assertEqual(self.give(), 409)
        self.assertEqual(len(self.upstream.accounts), 1)

    def test_copies_that_could_not_be_taken_away_at_once_leave_later(self) -> None:
        parent = make_connection(self.agency, features=[], base_url=self.upstream.url)
        factories.make_number(self.client_org, assistant=factories.make_assistant(self.client_org))
        self.sync()
        self.upstream.fault = lambda got: Reply(503) if got.method == "DELETE" else None
        self.assertEqual(self.give(), 302)
        self.assertEqual(len(self.upstream.all("/numbers")), 1)
        self.upstream.fault = None
        with mock.patch.object(tasks, "wake") as woken:
            tasks.leave_shared_accounts()
        woken.assert_called_once_with(tasks.leave_shared_account, str(self.client_org.pk), str(parent.pk))
        tasks.leave_shared_account(str(self.client_org.pk), str(parent.pk))
        self.assertEqual((self.upstream.all("/numbers"), self.upstream.all("/assistants")), ([], []))
        with mock.patch.object(tasks, "wake") as woken:
            tasks.leave_shared_accounts()
        woken.assert_not_called()

    def test_only_at_an_engine_of_ones_own_that_keeps_things(self) -> None:
        make_connection(features=[], base_url=self.upstream.url)
        self.assertNotContains(self.browser.get(self.url), "give it its own")
        self.assertEqual((self.give(), self.upstream.accounts), (409, []))

    def test_only_for_ones_own_clients(self) -> None:
        make_connection(self.agency, features=[], base_url=self.upstream.url)
        self.assertEqual((self.give(self.stranger.slug), self.upstream.accounts), (404, []))
        self.browser = self.as_(self.ben)
        self.assertEqual((self.give(), self.upstream.accounts), (403, []))

    def test_a_refusal_of_the_engine_is_said_and_changes_nothing(self) -> None:
        make_connection(self.agency, features=[], base_url=self.upstream.url)
        self.upstream.fault = lambda got: Reply(400, {"error": "No more", "details": ["no more accounts"]}) if got.method == "POST" else None
        self.assertEqual(self.give(), 400)
        with acting(Scope((self.client_org.pk,))):
            self.assertFalse(Connection.objects.filter(organization=self.client_org).exists())
