"""Where limits are set: a trunk's by its members, a client's by its agency, a connection's by its admins."""

from __future__ import annotations

from typing import Any

from apps.core.scope import Scope, acting
from apps.organizations.models import AuditEntry, Limits
from tests import factories
from tests.calls.support import make_connection
from tests.cases import TenantCase


class TrunkLimitsTest(TenantCase):
    def setUp(self) -> None:
        self.trunk = factories.make_trunk(self.client_org)
        self.url = f"/o/{self.client_org.slug}/trunks/{self.trunk.pk}/limits"

    def test_saved_and_shown_and_emptied(self) -> None:
        browser = self.as_(self.cleo)
        answer = browser.post(self.url, {"concurrent_calls": "20", "starts": "150", "starts_seconds": "5"})
        self.assertRedirects(answer, f"/o/{self.client_org.slug}/trunks")
        self.assertEqual(self.now(), (20, 150, 5))
        self.assertContains(browser.get(self.url), 'value="150"')
        browser.post(self.url, {"concurrent_calls": "", "starts": "", "starts_seconds": ""})
        self.assertEqual(self.now(), (None, None, 1))

    def test_what_is_wrong_stays_typed(self) -> None:
        answer = self.as_(self.cleo).post(self.url, {"starts": "0", "starts_seconds": "61"})
        self.assertContains(answer, 'value="61"', status_code=422)
        self.assertEqual(self.now(), (None, None, 1))

    def test_a_viewer_and_a_stranger_do_not(self) -> None:
        eve = factories.make_user("Eve")
        factories.make_member(self.client_org, eve, "viewer")
        self.assertEqual(self.as_(eve).post(self.url, {"starts": "1"}).status_code, 403)
        self.assertEqual(self.as_(self.dov).post(self.url, {"starts": "1"}).status_code, 404)
        self.assertEqual(self.now(), (None, None, 1))

    def test_a_new_trunk_and_the_api_have_them_too(self) -> None:
        self.as_(self.cleo).post(f"/o/{self.client_org.slug}/trunks/new", {"name": "New", "transport": "udp", "starts": "3", "starts_seconds": "2"})
        api = self.api(self.client_org)
        made = api.post("/sip-trunks", {"name": "By API", "concurrent_calls": 4, "starts": 1})
        self.assertEqual(made.status_code, 201)
        listed = {each["name"]: (each["concurrent_calls"], each["starts"], each["starts_seconds"]) for each in api.get("/sip-trunks").json()["trunks"]}
        self.assertEqual((listed["New"], listed["By API"]), ((None, 3, 2), (4, 1, 1)))

    def now(self) -> tuple[Any, ...]:
        with self.acting_for(self.client_org):
            self.trunk.refresh_from_db()
        return self.trunk.concurrent_calls, self.trunk.starts, self.trunk.starts_seconds


class ClientLimitsTest(TenantCase):
    def post(self, user: Any, **values: str) -> Any:
        typed = {"client": self.client_org.slug, "guaranteed_calls": "0", "inbound_lines": "0"} | values
        return self.as_(user).post(f"/o/{self.agency.slug}/clients/limits", typed)

    def row(self) -> Limits | None:
        with acting(Scope((self.client_org.pk,))):
            return Limits.objects.for_organization(self.client_org).first()

    def test_an_agency_sets_them_and_the_client_s_log_says_so(self) -> None:
        answer = self.post(
            self.ada, concurrent_calls="10", guaranteed_calls="3", inbound_lines="2", starts="30", starts_seconds="1",
            countries="nl, be", spend_per_hour="12.5",
        )  # fmt: skip
        self.assertRedirects(answer, f"/o/{self.agency.slug}/clients")
        row = self.row()
        assert row
        self.assertEqual((row.concurrent_calls, row.guaranteed_calls, row.inbound_lines, row.starts), (10, 3, 2, 30))
        self.assertEqual((row.countries, row.spend_per_hour), (["BE", "NL"], 12_500_000))
        with acting(Scope((self.client_org.pk,))):
            self.assertEqual(AuditEntry.objects.filter(action="organization.limits").count(), 1)
        page = self.as_(self.ada).get(f"/o/{self.agency.slug}/clients/limits", {"client": self.client_org.slug})
        self.assertContains(page, 'value="BE, NL"')
        self.assertContains(page, 'value="12.5')

    def test_more_kept_than_there_is_and_unknown_countries(self) -> None:
        for values in ({"concurrent_calls": "4", "guaranteed_calls": "3", "inbound_lines": "2"}, {"countries": "NL, Atlantis"}):
            self.assertEqual(self.post(self.ada, **values).status_code, 422)
        self.assertIsNone(self.row())

    def test_members_clients_and_strangers_do_not(self) -> None:
        self.assertEqual(self.post(self.ben, starts="1").status_code, 403)
        self.assertEqual(self.post(self.dov, starts="1").status_code, 404)
        own = self.as_(self.cleo).post(f"/o/{self.client_org.slug}/clients/limits", {"client": self.client_org.slug, "starts": "1"})
        self.assertEqual(own.status_code, 404)
        other = self.as_(self.dov).post(f"/o/{self.stranger.slug}/clients/limits", {"client": self.client_org.slug, "starts": "1"})
        self.assertEqual(other.status_code, 404)
        self.assertIsNone(self.row())


class EngineLimitsTest(TenantCase):
    def test_an_own_engine_has_limits_of_ours(self) -> None:
        connection = make_connection(self.client_org)
        url = f"/o/{self.client_org.slug}/settings/engine/limits"
        browser = self.as_(self.cleo)
        self.assertEqual(browser.post(url, {"starts": "0", "inbound_lines": "1"}).status_code, 422)
        browser.post(url, {"concurrent_calls": "9", "inbound_lines": "2", "starts": "3", "starts_seconds": "2"})
        with acting(Scope((self.client_org.pk,))):
            connection.refresh_from_db()
        self.assertEqual((connection.concurrent_calls, connection.inbound_lines, connection.starts, connection.starts_seconds), (9, 2, 3, 2))
        self.assertContains(browser.get(f"/o/{self.client_org.slug}/settings/engine"), "Limits of your engine")

    def test_the_installation_s_is_not_theirs(self) -> None:
        connection = make_connection(None)
        self.as_(self.cleo).post(f"/o/{self.client_org.slug}/settings/engine/limits", {"starts": "3", "inbound_lines": "0"})
        with acting(Scope(())):
            connection.refresh_from_db()
        self.assertIsNone(connection.starts)
        self.assertNotContains(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/settings/engine"), "Limits of your engine")
