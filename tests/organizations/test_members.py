"""Members and invitations: roles, the last owner, links that work once."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.core import db
from apps.core.scope import Scope, acting
from apps.mail.models import Message
from apps.organizations.invitations import digest_of
from apps.organizations.models import AuditEntry, Invitation, Membership, Organization
from tests import factories
from tests.cases import TenantCase
from tests.factories import PASSWORD


class MembersCase(TenantCase):
    def setUp(self) -> None:
        cache.clear()
        self.path = f"/o/{self.client_org.slug}/settings/members"

    def roles(self, organization: Organization) -> dict[str, str]:
        with acting(Scope((organization.pk,))):
            rows = Membership.objects.for_organization(organization).select_related("user")
            return {row.user.name: row.role for row in rows}

    def membership(self, organization: Organization, user: User) -> Membership:
        with acting(Scope((organization.pk,))):
            return Membership.objects.get(organization=organization, user=user)

    def actions(self, organization: Organization) -> list[tuple[str, str]]:
        with acting(Scope((organization.pk,))):
            return list(AuditEntry.objects.order_by("created_at", "pk").values_list("actor", "action"))

    def link(self, organization: Organization) -> str:
        """The path in the newest invitation mail."""
        with acting(Scope((organization.pk,))):
            text = Message.objects.filter(organization_id=organization.pk).latest("created_at", "pk").text
        found = re.search(r"http://[^/]+(/invitations/\S+)", text)
        assert found
        return found[1]

    def invite(self, email: str = "new@example.com", role: str = "member") -> str:
        answer = self.as_(self.cleo).post(self.path, {"email": email, "role": role})
        self.assertEqual(answer.status_code, 302)
        return self.link(self.client_org)


class RolesTest(MembersCase):
    def test_an_owner_changes_roles_and_removes(self) -> None:
        factories.make_member(self.client_org, self.dov, "viewer")
        row = self.membership(self.client_org, self.dov)
        cleo = self.as_(self.cleo)
        self.assertRedirects(cleo.post(f"{self.path}/{row.pk}/role", {"role": "admin"}), self.path)
        self.assertEqual(self.roles(self.client_org), {"Cleo": "owner", "Dov": "admin"})
        self.assertRedirects(cleo.post(f"{self.path}/{row.pk}/remove"), self.path)
        self.assertEqual(self.roles(self.client_org), {"Cleo": "owner"})
        self.assertEqual(self.actions(self.client_org), [("Cleo", "member.role"), ("Cleo", "member.remove")])

    def test_the_last_owner_stays(self) -> None:
        row = self.membership(self.client_org, self.cleo)
        for browser in (self.as_(self.cleo), self.as_(self.ada)):
            for path, data in (
                (f"{self.path}/{row.pk}/role", {"role": "viewer"}),
                (f"{self.path}/{row.pk}/remove", {}),
            ):
                self.assertEqual(browser.post(path, data).status_code, 409)
        self.assertEqual(self.as_(self.cleo).post(f"/o/{self.client_org.slug}/settings/leave").status_code, 409)
        self.assertEqual(self.roles(self.client_org), {"Cleo": "owner"})

    def test_with_a_second_owner_the_first_may_go(self) -> None:
        factories.make_member(self.client_org, self.dov, "owner")
        answer = self.as_(self.cleo).post(f"/o/{self.client_org.slug}/settings/leave")
        self.assertRedirects(answer, "/", fetch_redirect_response=False)
        self.assertEqual(self.roles(self.client_org), {"Dov": "owner"})
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/settings").status_code, 404)
        self.assertEqual(self.actions(self.client_org), [("Cleo", "member.leave")])

    def test_people_of_the_agency_are_shown_as_such_and_cannot_be_changed_here(self) -> None:
        page = self.as_(self.cleo).get(self.path)
        self.assertContains(page, "via Northwind Voice", count=2)
        self.assertNotContains(page, "ben@example.com")
        row = self.membership(self.agency, self.ben)
        self.assertEqual(self.as_(self.ada).post(f"{self.path}/{row.pk}/remove").status_code, 404)
        self.assertEqual(self.roles(self.agency), {"Ada": "owner", "Ben": "member"})

    def test_an_unknown_role_is_refused(self) -> None:
        factories.make_member(self.client_org, self.dov, "viewer")
        row = self.membership(self.client_org, self.dov)
        self.assertEqual(self.as_(self.cleo).post(f"{self.path}/{row.pk}/role", {"role": "king"}).status_code, 400)

    def test_one_and_three_members_cost_the_same_queries(self) -> None:
        cleo = self.as_(self.cleo)
        cleo.get(self.path)
        counts = []
        for number in range(2):
            with CaptureQueriesContext(connection) as found:
                cleo.get(self.path)
            counts.append(len(found))
            for each in range(2):
                factories.make_member(self.client_org, factories.make_user(f"P{number}{each}"), "viewer")
                self.invite(f"i{number}{each}@example.com")
        self.assertEqual(*counts)


class InvitationTest(MembersCase):
    def test_a_new_person_makes_an_account_and_is_in(self) -> None:
        path = self.invite("New@Example.com", "admin")
        browser = Client()
        self.assertContains(browser.get(path), "new@example.com")
        weak = browser.post(path, {"name": "Nia", "password": "password"})
        self.assertContains(weak, "too common", status_code=422)
        answer = browser.post(path, {"name": "Nia", "password": "a quite new secret"})
        self.assertRedirects(answer, f"/o/{self.client_org.slug}/", fetch_redirect_response=False)
        self.assertEqual(browser.get(f"/o/{self.client_org.slug}/settings").status_code, 200)
        self.assertEqual(self.roles(self.client_org), {"Cleo": "owner", "Nia": "admin"})
        nia = User.objects.get(email="new@example.com")
        self.assertTrue(nia.emailaddress_set.get().verified)
        self.assertEqual(self.actions(self.client_org), [("Cleo", "invitation.create"), ("Nia", "invitation.accept")])

    def test_it_works_once(self) -> None:
        path = self.invite()
        Client().post(path, {"name": "Nia", "password": "a quite new secret"})
        for browser in (Client(), self.as_(self.dov)):
            self.assertContains(browser.get(path), "not valid any more", status_code=410)
        self.assertEqual(Client().post(path, {"name": "Eve", "password": "a quite new secret"}).status_code, 410)
        self.assertEqual(set(self.roles(self.client_org)), {"Cleo", "Nia"})

    def test_after_seven_days_it_is_over(self) -> None:
        path = self.invite()
        with acting(Scope((self.client_org.pk,))):
            row = Invitation.objects.get()
            self.assertEqual(row.expires_at.date(), (db.now() + dt.timedelta(days=7)).date())
            Invitation.objects.update(expires_at=db.now() - dt.timedelta(hours=1))
        self.assertEqual(Client().get(path).status_code, 410)
        self.assertEqual(Client().post(path, {"name": "Eve", "password": "a quite new secret"}).status_code, 410)
        self.assertContains(self.as_(self.cleo).get(self.path), "Expired")

    def test_an_existing_account_signs_in_first_then_joins(self) -> None:
        path = self.invite("dov@example.com", "viewer")
        browser = Client()
        self.assertContains(browser.get(path), "has an account here")
        taken = browser.post(path, {"name": "Eve", "password": "a quite new secret"})
        self.assertContains(taken, "has an account here")
        browser.post("/accounts/login", {"login": "dov@example.com", "password": PASSWORD, "next": path})
        self.assertContains(browser.get(path), "Accept invitation")
        self.assertEqual(self.roles(self.client_org), {"Cleo": "owner"})  # looking is not accepting
        browser.post(path)
        self.assertEqual(self.roles(self.client_org), {"Cleo": "owner", "Dov": "viewer"})

    def test_another_account_cannot_take_it(self) -> None:
        path = self.invite("somebody@example.com")
        dov = self.as_(self.dov)
        self.assertContains(dov.get(path), "The invitation is for somebody@example.com")
        self.assertEqual(dov.post(path).status_code, 403)
        self.assertEqual(self.roles(self.client_org), {"Cleo": "owner"})

    def test_revoked_and_replaced_links_are_worthless(self) -> None:
        first = self.invite()
        with acting(Scope((self.client_org.pk,))):
            row = Invitation.objects.get()
        base = f"/o/{self.client_org.slug}/settings/invitations/{row.pk}"
        self.as_(self.cleo).post(f"{base}/resend")
        second = self.link(self.client_org)
        self.assertEqual([Client().get(path).status_code for path in (first, second)], [410, 200])
        self.as_(self.cleo).post(f"{base}/revoke")
        self.assertEqual(Client().get(second).status_code, 410)
        self.assertEqual(self.as_(self.cleo).post(f"{base}/resend").status_code, 409)

    def test_only_a_digest_is_kept(self) -> None:
        token = self.invite().rpartition("/")[2]
        with acting(Scope((self.client_org.pk,))):
            row = Invitation.objects.get()
        self.assertEqual(bytes(row.digest), digest_of(token))
        with self.subTest("a digest is no token"):
            self.assertEqual(Client().get(f"/invitations/{bytes(row.digest).hex()}").status_code, 410)

    def test_members_and_open_invitations_are_not_invited_again(self) -> None:
        self.invite()
        for email in ("new@example.com", "CLEO@example.com"):
            self.assertEqual(self.as_(self.cleo).post(self.path, {"email": email, "role": "member"}).status_code, 409)
        bad = self.as_(self.cleo).post(self.path, {"email": "nonsense", "role": "member"})
        self.assertContains(bad, "nonsense", status_code=422)

    def test_a_clients_link_leads_to_its_brand_and_works_at_no_other(self) -> None:
        brand, other = factories.make_brand("bakker", "Bakker Voice"), factories.make_brand("other", "Other")
        with acting(Scope((self.client_org.pk,))):
            self.client_org.brand = brand
            self.client_org.save()
        path = self.invite()
        with acting(Scope((self.client_org.pk,))):
            row = Message.objects.get()
            self.assertIn(f"http://bakker.localhost:8000{path}", row.text)
            self.assertNotIn("switchboard", (row.subject + row.text + row.html).lower())
        self.assertEqual(Client().get(path, headers={"host": f"{other.slug}.localhost"}).status_code, 410)
        answer = self.join(path, "bakker.localhost")
        self.assertEqual(answer.status_code, 302)
        self.assertEqual(User.objects.get(email="new@example.com").brand, brand)

    def join(self, path: str, host: str) -> Any:
        data = {"name": "Nia", "password": "a quite new secret"}
        return Client().post(path, data, headers={"host": host})


class RightsTest(MembersCase):
    def test_admins_look_and_only_owners_change(self) -> None:
        people = {
            role: factories.make_user(role.title(), email=f"{role}@example.com")
            for role in ("admin", "member", "viewer")
        }
        for role, user in people.items():
            factories.make_member(self.client_org, user, role)
        row = self.membership(self.client_org, people["viewer"])
        looks = {"admin": 200, "member": 403, "viewer": 403}
        for role, user in people.items():
            browser = self.as_(user)
            self.assertEqual(browser.get(self.path).status_code, looks[role], role)
            for path, data in (
                (self.path, {"email": "x@example.com", "role": "owner"}),
                (f"{self.path}/{row.pk}/role", {"role": "owner"}),
                (f"{self.path}/{row.pk}/remove", {}),
            ):
                self.assertEqual(browser.post(path, data).status_code, 403, (role, path))
        self.assertEqual(self.roles(self.client_org)["Viewer"], "viewer")

    def test_strangers_get_404_and_agency_staff_act_by_their_agency_role(self) -> None:
        self.assertEqual(self.as_(self.dov).get(self.path).status_code, 404)
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.agency.slug}/settings/members").status_code, 404)
        self.assertEqual(self.as_(self.ada).get(self.path).status_code, 200)
        self.assertEqual(self.as_(self.ben).get(self.path).status_code, 403)

    def test_a_row_of_another_organization_is_not_found(self) -> None:
        row = self.membership(self.stranger, self.dov)
        for verb in ("role", "remove"):
            self.assertEqual(
                self.as_(self.cleo).post(f"{self.path}/{row.pk}/{verb}", {"role": "viewer"}).status_code, 404
            )
        self.assertEqual(self.roles(self.stranger), {"Dov": "owner"})
