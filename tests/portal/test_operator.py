"""The operator's console: its first page, agencies with balances, rates, defaults of features; nobody else gets in."""

from __future__ import annotations

from decimal import Decimal

from apps.billing.models import CREDIT, Account
from apps.core.scope import acting
from apps.organizations.features import ALL, features_of
from apps.organizations.models import AuditEntry, FeatureDefault, Limits, Organization
from apps.organizations.scopes import operator, overview
from apps.organizations.services import SYSTEM
from apps.portal.services.clients import create_client
from tests import factories
from tests.cases import TenantCase

AGENCIES = "/admin/organizations/organization/"


class OperatorTest(TenantCase):
    def setUp(self) -> None:
        self.root = factories.make_user("Root", is_superuser=True, is_staff=True)
        self.browser = self.as_(self.root)

    def test_the_first_page_says_how_it_fares(self) -> None:
        factories.make_call(self.client_org, status="failed", end_reason="in_doubt")
        page = self.browser.get("/admin/")
        self.assertEqual([(label, value) for label, value, _url in page.context["figures"]][:2], [("Agencies", 2), ("Clients", 1)])
        self.assertEqual([(label, ok) for label, ok, _words in page.context["checks"]][:3], [("Database", True), ("Cache", True), ("Queue", True)])
        counts = {label: count for label, count, _url in page.context["attention"]}
        self.assertEqual((counts["Calls in doubt, 24 hours"], counts["Domains that fail"]), (1, 0))
        self.assertContains(page, "css/operator.css")

    def test_every_list_opens(self) -> None:
        factories.add_credits(self.agency, 5)
        lists = [
            "organizations/organization", "organizations/limits", "organizations/featuredefault", "billing/account", "billing/ratecard",
            "billing/plan", "billing/purchase", "billing/invoice", "branding/brand", "branding/domain", "portal/signup", "voice/connection",
        ]  # fmt: skip
        self.assertEqual({each: self.browser.get(f"/admin/{each}/").status_code for each in lists}, dict.fromkeys(lists, 200))
        self.assertContains(self.browser.get(AGENCIES, {"level": "agency"}), "5.00")

    def test_suspending_an_agency_is_noted_in_its_log(self) -> None:
        chosen = {"action": "suspend", "_selected_action": [str(self.agency.pk)]}
        self.assertEqual(self.browser.post(AGENCIES, chosen).status_code, 302)
        with acting(overview("test")):
            self.assertTrue(Organization.objects.get(pk=self.agency.pk).suspended_at)
            self.assertEqual(AuditEntry.objects.for_organization(self.agency).get().actor, "Root")
        self.browser.post(AGENCIES, chosen | {"action": "release"})
        with acting(overview("test")):
            self.assertIsNone(Organization.objects.get(pk=self.agency.pk).suspended_at)

    def test_a_wholesale_rate(self) -> None:
        answer = self.browser.post("/admin/billing/account/add/", {"organization": str(self.agency.pk), "credits": "0.85"})
        self.assertEqual(answer.status_code, 302)
        with acting(overview("test")):
            self.assertEqual(Account.objects.for_organization(self.agency).get().micro_per_minute, int(Decimal("0.85") * CREDIT))
        refused = self.browser.post("/admin/billing/account/add/", {"organization": str(self.client_org.pk), "credits": "1"})
        self.assertEqual(refused.status_code, 422)

    def test_new_clients_begin_with_the_default(self) -> None:
        self.assertEqual(self.browser.post("/admin/organizations/featuredefault/add/", {"level": "client", "features": ["assistants", "campaigns", "place_calls", "trunks"]}).status_code, 302)
        self.assertEqual(FeatureDefault.objects.get().features, ["assistants", "campaigns", "place_calls"])
        made, _key = create_client(agency=self.agency, name="Cedar", by=SYSTEM)
        with self.acting_for(made):
            self.assertEqual(features_of(made), {"assistants", "campaigns", "place_calls"})
        with self.acting_for(self.client_org):
            self.assertEqual(features_of(self.client_org), ALL)

    def test_limits_of_an_agency(self) -> None:
        data = {"organization": str(self.agency.pk), "guaranteed_calls": 0, "inbound_lines": 0, "starts_seconds": 1, "assistants": 3, "features": sorted(ALL - {"trunks"})}
        self.assertEqual(self.browser.post("/admin/organizations/limits/add/", data).status_code, 302)
        with operator("test"):
            row = Limits.objects.get()
        self.assertEqual((row.assistants, set(row.features)), (3, ALL - {"trunks"}))

    def test_nobody_else_gets_in(self) -> None:
        for person in (self.ada, self.cleo, self.dov):
            self.assertEqual(self.as_(person).get(AGENCIES, follow=True).status_code, 404)
