"""The page of API keys: made once, shown once, dated, limited to owners and admins (platform 2)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

from django.test import Client, override_settings
from django.urls import reverse

from apps.core import db
from apps.organizations.models import ApiKey, AuditEntry
from tests import factories
from tests.calls.support import scope_of
from tests.cases import TenantCase


class KeyPageTest(TenantCase):
    def setUp(self) -> None:
        self.cleos = self.as_(self.cleo)
        self.page = f"/o/{self.client_org.slug}/settings/api-keys"

    def create(self, browser: Client | None = None, **values: Any) -> Any:
        return (browser or self.cleos).post(self.page, {"name": "CRM sync"} | values)

    def keys(self) -> list[ApiKey]:
        with scope_of(self.client_org):
            return list(ApiKey.objects.for_organization(self.client_org).order_by("created_at"))

    def change(self, **values: Any) -> None:
        with scope_of(self.client_org):
            ApiKey.objects.for_organization(self.client_org).update(**values)

    def test_an_empty_page_says_where_the_api_is(self) -> None:
        answer = self.cleos.get(self.page)
        self.assertContains(answer, "No API keys yet")
        self.assertContains(answer, "/api/v1")

    @override_settings(BASE_URL="https://calls.example.com")
    def test_the_example_names_this_host_and_works(self) -> None:
        answer = self.cleos.post(self.page, {"name": "CRM"}, headers={"host": "calls.example.com"})
        shown = answer.content.decode()
        secret = answer.context["secret"]
        self.assertIn("curl https://calls.example.com/api/v1/assistants", shown)
        self.assertIn(f"Authorization: Bearer {secret}", re.sub("&quot;", '"', shown))
        self.assertEqual(Client(headers={"authorization": f"Bearer {secret}"}).get("/api/v1/assistants").status_code, 200)

    def test_a_resellers_host_is_named_on_the_resellers_pages(self) -> None:
        brand = factories.make_brand("northwind")
        agency = factories.make_organization("Own Brand", brand=brand, owns_brand=True)
        user = factories.make_user("Eve", brand=brand)
        factories.make_member(agency, user, "owner")
        answer = self.as_(user).post(f"/o/{agency.slug}/settings/api-keys", {"name": "x"}, headers={"host": "northwind.localhost"})
        self.assertContains(answer, "http://northwind.localhost:8000/api/v1/assistants")
        self.assertNotContains(answer, "Switchboard")

    def test_the_form_sent_twice_makes_one_key(self) -> None:
        key_id = str(self.cleos.get(self.page).context["form"]["key_id"].value())
        first = self.create(key_id=key_id)
        again = self.cleos.post(self.page, {"name": "CRM sync", "key_id": key_id}, headers={"referer": f"http://testserver{self.page}"}, follow=True)
        self.assertContains(again, "This key was created already")
        self.assertNotContains(again, first.context["secret"])
        self.assertEqual([str(key.pk) for key in self.keys()], [key_id])

    def test_a_date_ends_with_its_day(self) -> None:
        zone = ZoneInfo(self.client_org.timezone)
        today = db.now().astimezone(zone).date()
        self.assertEqual(self.create(expires="date", expires_on=today.isoformat()).status_code, 200)
        self.assertEqual(self.keys()[0].expires_at, dt.datetime.combine(today, dt.time(23, 59, 59), zone))
        for value in ("", "soon", (today - dt.timedelta(days=1)).isoformat()):
            answer = self.create(expires="date", expires_on=value, name=f"until {value}")
            self.assertEqual((answer.status_code, bool(answer.context["form"].errors["expires_on"])), (422, True))
            self.assertContains(answer, f"until {value}".strip(), status_code=422)
        self.assertEqual(len(self.keys()), 1)

    def test_expired_and_revoked_keys_stand_apart(self) -> None:
        for name in ("Works", "Old", "Gone"):
            self.create(name=name)
        with scope_of(self.client_org):
            past = db.now() - dt.timedelta(days=1)
            ApiKey.objects.filter(name="Old").update(expires_at=past)
            ApiKey.objects.filter(name="Gone").update(revoked_at=past)
        found = self.cleos.get(self.page).context
        self.assertEqual([key.name for key in found["keys"]], ["Works"])
        self.assertEqual({key.name for key in found["over"]}, {"Old", "Gone"})

    def test_what_stands_on_the_page(self) -> None:
        self.create(read_only="on")
        self.change(requests_per_minute=600, last_used_at=db.now())
        answer = self.cleos.get(self.page)
        for text in ("CRM sync", self.keys()[0].prefix, "Cleo", "Read only", "600 requests a minute", "just now"):
            self.assertContains(answer, text)

    def test_who_did_what_is_noted_without_the_secret(self) -> None:
        secret = self.create(read_only="on").context["secret"]
        key = self.keys()[0]
        self.cleos.post(f"{self.page}/{key.pk}/revoke")
        self.cleos.post(f"{self.page}/{key.pk}/revoke")
        with scope_of(self.client_org):
            entries = list(AuditEntry.objects.for_organization(self.client_org).order_by("created_at"))
        self.assertEqual([(entry.action, entry.user_id) for entry in entries], [("api_key.create", self.cleo.pk), ("api_key.revoke", self.cleo.pk)])
        self.assertEqual(entries[0].data, {"name": "CRM sync", "prefix": secret[:12], "read_only": True, "expires_at": None})
        self.assertNotIn(secret, str([entry.data for entry in entries]))

    def test_members_and_viewers_do_not_see_keys(self) -> None:
        for role in ("member", "viewer"):
            user = factories.make_user(role.capitalize())
            factories.make_member(self.client_org, user, role)
            browser = self.as_(user)
            self.assertEqual(browser.get(self.page).status_code, 403)
            self.create(browser)
        self.assertEqual(self.keys(), [])

    def test_without_the_second_factor_that_is_required_no_key_is_made(self) -> None:
        with scope_of(self.client_org):
            self.client_org.change(db.now(), requires_second_factor=True)
        for answer in (self.create(), self.cleos.get(self.page)):
            self.assertEqual(answer.status_code, 302)
            self.assertEqual(answer["Location"], reverse("mfa_activate_totp"))
        self.assertEqual(self.keys(), [])
