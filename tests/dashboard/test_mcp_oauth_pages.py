"""The pages where people see the programs that are connected, and end it."""

from __future__ import annotations

from django.test import Client

from apps.dashboard.mcp.connections import connections_of
from apps.organizations.models import AuditEntry
from tests import factories
from tests.dashboard.oauth import Flow, OAuthCase


class PagesTest(OAuthCase):
    def test_a_person_sees_and_ends_what_she_connected(self) -> None:
        tokens = self.flow.connect(self.client_org)
        Flow(self.as_(self.ada)).connect(self.agency)
        page = self.flow.browser.get("/profile/apps")
        self.assertContains(page, "Bakker Dental")
        self.assertNotContains(page, "Northwind Voice")
        [connection] = connections_of(self.cleo)
        answer = self.flow.browser.post("/profile/apps", {"connection": str(connection.id)})
        self.assertRedirects(answer, "/profile/apps")
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)
        self.assertEqual(self.flow.refresh(tokens["refresh_token"]).status_code, 400)
        with self.acting_for(self.client_org):
            entry = AuditEntry.objects.get(action="app.disconnect")
        self.assertEqual((entry.actor, entry.data), ("Cleo", {"app": "Desk helper", "person": "Cleo"}))
        self.assertEqual(len(connections_of(self.ada)), 1)

    def test_somebody_elses_connection_is_404(self) -> None:
        self.flow.connect(self.client_org)
        [connection] = connections_of(self.cleo)
        self.assertEqual(self.as_(self.dov).post("/profile/apps", {"connection": str(connection.id)}).status_code, 404)
        path = f"/o/{self.stranger.slug}/settings/apps/{connection.id}/disconnect"
        self.assertEqual(self.as_(self.dov).post(path).status_code, 404)
        self.assertEqual(len(connections_of(self.cleo)), 1)
        self.assertEqual(Client().get("/profile/apps").status_code, 302)

    def test_an_admin_sees_and_ends_everybodys(self) -> None:
        user = self.member("member")
        tokens = Flow(self.as_(user)).connect(self.client_org)
        page = self.flow.browser.get(f"/o/{self.client_org.slug}/settings/apps")
        self.assertContains(page, "Member")
        self.assertEqual(self.as_(user).get(f"/o/{self.client_org.slug}/settings/apps").status_code, 403)
        [connection] = connections_of(user)
        path = f"/o/{self.client_org.slug}/settings/apps/{connection.id}/disconnect"
        self.assertEqual(self.as_(user).post(path).status_code, 403)
        self.assertEqual(self.flow.browser.post(path).status_code, 302)
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)

    def test_one_and_three_connections_cost_the_same(self) -> None:
        self.flow.browser.get(f"/o/{self.client_org.slug}/settings/apps")
        for count in (1, 2):
            for _n in range(count):
                factories.make_connection(self.client_org, self.cleo)
            with self.assertNumQueries(12):
                self.flow.browser.get(f"/o/{self.client_org.slug}/settings/apps")

    def test_the_audit_log_has_words_for_it(self) -> None:
        self.flow.connect(self.client_org)
        page = self.flow.browser.get(f"/o/{self.client_org.slug}/settings/audit")
        self.assertContains(page, "Connected app: connected")
