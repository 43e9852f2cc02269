"""Settings pages: what is saved, who may, and that nobody overwrites what they have not seen."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import ApiKey, AuditEntry, Organization
from apps.organizations.services import SYSTEM, record_audit
from tests import factories
from tests.cases import Api, TenantCase

GENERAL = {"name": "Bakker Dental", "country": "NL", "timezone": "Europe/Amsterdam", "language": "nl"}
PRIVACY = {"content_retention_days": 30, "metadata_retention_days": 180}


class SettingsCase(TenantCase):
    def setUp(self) -> None:
        self.base = f"/o/{self.client_org.slug}/settings"

    def page(self, name: str) -> str:
        return f"{self.base}/{name}" if name else self.base

    def fresh(self) -> Organization:
        with acting(Scope((self.client_org.pk,))):
            return Organization.objects.get(pk=self.client_org.pk)

    def save(self, browser: Client, name: str, values: dict[str, Any]) -> Any:
        version = browser.get(self.page(name)).context["version"]
        return browser.post(self.page(name), values | {"version": version})

    def last_audit(self) -> AuditEntry:
        with acting(Scope((self.client_org.pk,))):
            return AuditEntry.objects.for_organization(self.client_org).latest("created_at", "pk")


class GeneralTest(SettingsCase):
    def test_saving_is_audited_with_what_changed(self) -> None:
        self.assertRedirects(self.save(self.as_(self.cleo), "", GENERAL | {"name": "Bakker & Sons"}), self.base)
        row = self.fresh()
        self.assertEqual((row.name, row.language), ("Bakker & Sons", "nl"))
        entry = self.last_audit()
        self.assertEqual(
            (entry.action, entry.actor, entry.data["fields"]), ("organization.update", "Cleo", ["language", "name"])
        )

    def test_bad_values_are_said_at_their_field(self) -> None:
        answer = self.save(self.as_(self.cleo), "", GENERAL | {"name": "", "timezone": "Mars/Olympus", "country": "XX"})
        self.assertEqual(answer.status_code, 422)
        self.assertEqual(set(answer.context["form"].errors), {"name", "timezone", "country"})
        self.assertContains(answer, "Mars/Olympus", status_code=422)

    def test_a_stale_form_is_refused_and_shows_both_versions(self) -> None:
        cleo, ada = self.as_(self.cleo), self.as_(self.ada)
        version = cleo.get(self.base).context["version"]
        self.save(ada, "", GENERAL | {"name": "Ada's name"})
        refused = cleo.post(self.base, GENERAL | {"name": "Cleo's name", "version": version})
        self.assertEqual(refused.status_code, 409)
        self.assertEqual(
            refused.context["conflict"], [{"label": "Name", "theirs": "Ada's name", "yours": "Cleo's name"}]
        )
        self.assertEqual(self.fresh().name, "Ada's name")
        again = cleo.post(self.base, GENERAL | {"name": "Cleo's name", "version": refused.context["version"]})
        self.assertEqual(again.status_code, 302)
        self.assertEqual(self.fresh().name, "Cleo's name")

    def test_a_form_with_errors_keeps_the_version_it_was_opened_with(self) -> None:
        cleo = self.as_(self.cleo)
        version = cleo.get(self.base).context["version"]
        self.save(self.as_(self.ada), "", GENERAL | {"name": "Ada's name"})
        answer = cleo.post(self.base, GENERAL | {"name": "", "version": version})
        self.assertEqual(answer.context["version"], version)

    def test_a_form_without_a_version_is_stale(self) -> None:
        self.assertEqual(self.as_(self.cleo).post(self.base, GENERAL | {"name": "x"}).status_code, 409)


class WebhookTest(SettingsCase):
    def test_url_secret_and_events(self) -> None:
        cleo = self.as_(self.cleo)
        values = {
            "webhook_url": "https://198.41.0.4/hook",
            "webhook_secret": "whsec_own",
            "webhook_events": ["tool-calls"],
        }
        self.assertEqual(self.save(cleo, "webhook", values).status_code, 302)
        row = self.fresh()
        self.assertEqual(
            (row.webhook_url, row.webhook_secret, row.webhook_events),
            ("https://198.41.0.4/hook", "whsec_own", ["tool-calls"]),
        )
        self.assertNotContains(cleo.get(self.page("webhook")), "whsec_own")
        self.assertNotIn("whsec_own", str(self.last_audit().data))
        self.save(cleo, "webhook", {"webhook_url": "https://198.41.0.4/hook", "all_events": "on"})
        row = self.fresh()
        self.assertEqual((row.webhook_secret, row.webhook_events), ("whsec_own", None))
        self.save(cleo, "webhook", {"webhook_url": "", "clear_secret": "on", "all_events": "on"})
        self.assertFalse(self.fresh().webhook_secret)

    def test_a_generated_secret_is_shown_once_and_never_kept_by_a_browser(self) -> None:
        cleo = self.as_(self.cleo)
        answer = self.save(cleo, "webhook", {"webhook_url": "", "all_events": "on", "generate": "1"})
        secret = self.fresh().webhook_secret
        self.assertTrue(secret.startswith("whsec_"))
        self.assertContains(answer, secret)
        self.assertIn("no-store", answer["Cache-Control"])
        self.assertNotContains(cleo.get(self.page("webhook")), secret)

    def test_addresses_inside_the_house_are_refused(self) -> None:
        for url in (
            "http://10.0.0.1/",
            "http://169.254.169.254/latest",
            "ftp://example.com/",
            "https://user@example.com/",
            "nonsense",
        ):
            answer = self.save(self.as_(self.cleo), "webhook", {"webhook_url": url, "all_events": "on"})
            self.assertEqual(answer.status_code, 422, url)
        self.assertEqual(self.fresh().webhook_url, "")


class PrivacyTest(SettingsCase):
    def test_periods_recording_and_second_factor(self) -> None:
        values = PRIVACY | {"records_calls": "on"}
        self.save(self.as_(self.cleo), "privacy", values)
        row = self.fresh()
        self.assertEqual((row.content_retention_days, row.metadata_retention_days, row.records_calls), (30, 180, True))

    def test_content_is_never_kept_longer_than_metadata(self) -> None:
        values = {"content_retention_days": 365, "metadata_retention_days": 90}
        answer = self.save(self.as_(self.cleo), "privacy", values)
        self.assertContains(answer, "never kept longer", status_code=422)

    def test_only_an_owner_requires_two_factor_sign_in(self) -> None:
        admin = factories.make_user("Adam")
        factories.make_member(self.client_org, admin, "admin")
        self.save(self.as_(admin), "privacy", PRIVACY | {"requires_second_factor": "on"})
        self.assertFalse(self.fresh().requires_second_factor)
        self.save(self.as_(self.cleo), "privacy", PRIVACY | {"requires_second_factor": "on"})
        self.assertTrue(self.fresh().requires_second_factor)


class KeysTest(SettingsCase):
    def create(self, browser: Client, **values: str) -> Any:
        return browser.post(self.page("api-keys"), {"name": "CRM sync"} | values)

    def test_a_key_is_shown_once_works_and_is_revoked(self) -> None:
        cleo = self.as_(self.cleo)
        answer = self.create(cleo, expires="30")
        secret = answer.context["secret"]
        self.assertContains(answer, secret)
        self.assertIn("no-store", answer["Cache-Control"])
        self.assertNotContains(cleo.get(self.page("api-keys")), secret)
        self.assertNotIn(secret, str(dict(cleo.session)))
        with acting(Scope((self.client_org.pk,))):
            key = ApiKey.objects.for_organization(self.client_org).get()
        self.assertEqual((key.name, key.created_by, key.prefix), ("CRM sync", self.cleo, secret[:12]))
        self.assertAlmostEqual(key.expires_at, db.now() + dt.timedelta(days=30), delta=dt.timedelta(minutes=1))
        self.assertNotIn(secret.encode(), bytes(key.digest))
        self.assertNotEqual(Api(self.client_org, key=secret).get("/nothing").status_code, 401)
        self.assertRedirects(cleo.post(f"{self.page('api-keys')}/{key.pk}/revoke"), self.page("api-keys"))
        self.assertEqual(Api(self.client_org, key=secret).get("/nothing").status_code, 401)
        self.assertEqual(self.last_audit().action, "api_key.revoke")

    def test_read_only(self) -> None:
        secret = self.create(self.as_(self.cleo), read_only="on").context["secret"]
        api = Api(self.client_org, key=secret)
        self.assertEqual(api.post("/assistants", {}).status_code, 403)

    def test_a_name_is_needed(self) -> None:
        answer = self.create(self.as_(self.cleo), name="")
        self.assertEqual(answer.status_code, 422)
        self.assertEqual(answer.context["secret"], "")

    def test_one_and_three_keys_cost_the_same_queries(self) -> None:
        cleo = self.as_(self.cleo)
        self.create(cleo)
        counts = []
        for _number in range(2):
            with CaptureQueriesContext(connection) as found:
                cleo.get(self.page("api-keys"))
            counts.append(len(found))
            self.create(cleo)
            self.create(cleo)
        self.assertEqual(*counts)


class AuditTest(SettingsCase):
    def note(self, count: int, action: str = "assistant.update") -> None:
        with acting(Scope((self.client_org.pk,))):
            for _number in range(count):
                with transaction.atomic():
                    record_audit(organization=self.client_org, by=SYSTEM, action=action)

    def test_entries_and_the_members_security_events_newest_first(self) -> None:
        cleo = Client()
        cleo.post("/accounts/login", {"login": "cleo@example.com", "password": factories.PASSWORD})
        self.note(1)
        lines = cleo.get(self.page("audit")).context["lines"]
        self.assertEqual(
            [(line.who, line.what) for line in lines], [("system", "Assistant: changed"), ("Cleo", "Signed in")]
        )

    def test_strangers_events_are_not_shown(self) -> None:
        Client().post("/accounts/login", {"login": "dov@example.com", "password": factories.PASSWORD})
        with acting(Scope((self.stranger.pk,))), transaction.atomic():
            record_audit(organization=self.stranger, by=SYSTEM, action="assistant.update")
        self.assertEqual(self.as_(self.cleo).get(self.page("audit")).context["lines"], [])

    def test_pages_follow_each_other_without_gap_or_repeat(self) -> None:
        self.note(120)
        cleo, seen, query = self.as_(self.cleo), [], ""
        for _page in range(3):
            page = cleo.get(self.page("audit") + query)
            seen += [line.pk for line in page.context["lines"]]
            query = f"?before={page.context['after']}".replace("+", "%2B")
        self.assertIsNone(page.context["after"])
        self.assertEqual((len(seen), len(set(seen))), (120, 120))

    def test_filters_and_nonsense_in_the_address(self) -> None:
        self.note(2)
        self.note(3, "campaign.pause")
        cleo = self.as_(self.cleo)
        self.assertEqual(len(cleo.get(self.page("audit"), {"area": "campaign"}).context["lines"]), 3)
        self.assertEqual(len(cleo.get(self.page("audit"), {"person": str(self.cleo.pk)}).context["lines"]), 0)
        for nonsense in ({"before": "x"}, {"before": "1111111111~x"}, {"person": "1"}, {"area": "%"}):
            self.assertEqual(len(cleo.get(self.page("audit"), nonsense).context["lines"]), 5)

    def test_one_and_three_lines_cost_the_same_queries(self) -> None:
        cleo = self.as_(self.cleo)
        cleo.get(self.page("audit"))
        counts = []
        for _number in range(2):
            with CaptureQueriesContext(connection) as found:
                cleo.get(self.page("audit"))
            counts.append(len(found))
            self.note(2)
        self.assertEqual(*counts)


class RightsTest(SettingsCase):
    def test_each_page_by_role(self) -> None:
        people = {"owner": self.cleo, "agency owner": self.ada, "agency member": self.ben}
        for role in ("admin", "member", "viewer"):
            people[role] = factories.make_user(role.title(), email=f"{role}@example.com")
            factories.make_member(self.client_org, people[role], role)
        full = {"owner", "agency owner", "admin"}
        for role, user in people.items():
            browser = self.as_(user)
            self.assertEqual(browser.get(self.base).status_code, 200, role)
            for name in ("webhook", "privacy", "api-keys", "audit"):
                wanted = 200 if role in full else 403
                self.assertEqual(browser.get(self.page(name)).status_code, wanted, (role, name))
            if role not in full:
                for name, values in (("", GENERAL), ("webhook", {}), ("privacy", PRIVACY), ("api-keys", {"name": "x"})):
                    self.assertEqual(browser.post(self.page(name), values).status_code, 403, (role, name))
        with acting(Scope((self.client_org.pk,))):
            self.assertEqual(ApiKey.objects.for_organization(self.client_org).count(), 0)

    def test_strangers_get_404_and_a_client_never_sees_its_agency(self) -> None:
        for name in ("", "webhook", "privacy", "api-keys", "audit", "members"):
            self.assertEqual(self.as_(self.dov).get(self.page(name)).status_code, 404)
            self.assertEqual(self.as_(self.dov).post(self.page(name)).status_code, 404)
            path = self.page(name).replace(self.client_org.slug, self.agency.slug)
            self.assertEqual(self.as_(self.cleo).get(path).status_code, 404)
            anonymous = Client().get(self.page(name))
            self.assertEqual(
                (anonymous.status_code, anonymous["Location"]), (302, f"/accounts/login?next={self.page(name)}")
            )

    def test_a_key_of_another_organization_is_not_found(self) -> None:
        factories.make_key(self.stranger)
        with acting(Scope((self.stranger.pk,))):
            key = ApiKey.objects.for_organization(self.stranger).get()
        self.assertEqual(self.as_(self.cleo).post(f"{self.page('api-keys')}/{key.pk}/revoke").status_code, 404)
        with acting(Scope((self.stranger.pk,))):
            self.assertIsNone(ApiKey.objects.get(pk=key.pk).revoked_at)

    def test_a_portal_opens_only_organizations_that_wear_its_brand(self) -> None:
        brand = factories.make_brand("bakker", "Bakker Voice")
        person = factories.make_user("Pia", brand=brand)
        factories.make_member(self.client_org, person, "owner")
        browser = self.as_(person)
        host = {"host": "bakker.localhost"}
        self.assertEqual(browser.get(self.base, headers=host).status_code, 404)
        with acting(Scope((self.client_org.pk,))):
            Organization.objects.filter(pk=self.client_org.pk).update(brand=brand)
        self.assertEqual(browser.get(self.base, headers=host).status_code, 200)


class HomeTest(SettingsCase):
    def test_it_leads_to_the_last_organization(self) -> None:
        ada = self.as_(self.ada)
        self.assertRedirects(ada.get("/"), f"/o/{self.agency.slug}/", fetch_redirect_response=False)
        ada.get(self.base)
        self.assertRedirects(ada.get("/"), f"/o/{self.client_org.slug}/", fetch_redirect_response=False)

    def test_without_any_it_says_so(self) -> None:
        self.assertContains(self.as_(factories.make_user("Zoe")).get("/"), "No organization yet")

    def test_nobody_signs_in_first(self) -> None:
        self.assertRedirects(self.client.get("/"), "/accounts/login?next=/", fetch_redirect_response=False)


class AuditFileTest(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)
        days = (dt.datetime(2026, 11, day, 23, 30, tzinfo=dt.UTC) for day in (1, 2, 3))
        for place, at in enumerate(days):
            factories._make(AuditEntry, self.client_org, actor="=Cleo", action="campaign.start", target=f"Call list {place}", created_at=at)
        factories._make(AuditEntry, self.stranger, actor="Dov", action="campaign.start", target="Secret-canary")

    def rows(self, **query: str) -> list[str]:
        lines = self.browser.get("/o/bakker-dental/settings/audit/file", query).content.decode().splitlines()
        return [line.split(",")[4] for line in lines[1:]]

    def test_the_file_holds_what_the_filters_say(self) -> None:
        self.assertEqual(self.rows(area="campaign"), ["Call list 2", "Call list 1", "Call list 0"])
        self.assertEqual(self.rows(area="campaign", since="2026-11-02", until="2026-11-02"), ["Call list 1"])
        self.assertEqual(self.rows(area="campaign", until="2026-11-01"), ["Call list 0"])
        self.assertEqual(self.rows(area="assistant"), [])
        self.assertEqual(self.rows(since="nonsense", area="campaign"), ["Call list 2", "Call list 1", "Call list 0"])

    def test_no_cell_is_a_formula(self) -> None:
        self.assertIn(",'=Cleo,", self.browser.get("/o/bakker-dental/settings/audit/file").content.decode())

    def test_only_admins_read_it(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        self.assertEqual(self.as_(viewer).get("/o/bakker-dental/settings/audit/file").status_code, 403)
        self.assertEqual(self.as_(self.dov).get("/o/bakker-dental/settings/audit/file").status_code, 404)
