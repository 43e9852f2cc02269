"""An agency's person in a client's workspace: asked why, shown, recorded under both names, seen by the client."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.test import Client

from apps.accounts.models import User
from apps.calls.models import DoNotCall
from apps.core import db
from apps.organizations.audit import audit_page
from apps.organizations.models import AuditEntry, Visit
from apps.organizations.visits import LASTS
from tests import factories
from tests.cases import TenantCase

FORM = {"country": "GB", "phone_number": "+442079460199", "reason": "asked us to"}


class VisitCase(TenantCase):
    def setUp(self) -> None:
        self.home = f"/o/{self.client_org.slug}/"

    def fresh(self, user: User) -> Client:
        """Signed in, and no visit runs."""
        browser = Client()
        browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return browser

    def visits(self) -> list[Visit]:
        with self.acting_for(self.client_org):
            return list(Visit.objects.for_organization(self.client_org).order_by("created_at"))

    def enter(self, browser: Client, **more: Any) -> Any:
        return browser.post(f"{self.home}visit", {"visit_reason": "Ticket 12", "visit_next": f"{self.home}calls"} | more)


class EnterTest(VisitCase):
    def test_she_is_asked_once_and_gets_where_she_wanted_to_go(self) -> None:
        ada = self.fresh(self.ada)
        answer = ada.get(f"{self.home}calls?status=running")
        self.assertRedirects(answer, f"{self.home}visit?next=%2Fo%2Fbakker-dental%2Fcalls%3Fstatus%3Drunning", fetch_redirect_response=False)
        page = ada.get(answer["Location"])
        self.assertContains(page, "You are about to work for Bakker Dental")
        self.assertContains(page, 'value="/o/bakker-dental/calls?status=running"')
        self.assertRedirects(self.enter(ada), f"{self.home}calls", fetch_redirect_response=False)
        shown = ada.get(f"{self.home}calls")
        for words in ("You are working for Bakker Dental", "Ticket 12", "7\xa0hours", "Leave"):
            self.assertContains(shown, words)
        (visit,) = self.visits()
        self.assertEqual((visit.person, visit.agency_name, visit.reason), ("Ada", "Northwind Voice", "Ticket 12"))
        self.assertAlmostEqual(visit.until - visit.created_at, LASTS, delta=dt.timedelta(seconds=1))

    def test_without_a_reason_she_does_not_get_in(self) -> None:
        ada = self.fresh(self.ada)
        self.assertEqual(self.enter(ada, visit_reason=" ").status_code, 422)
        self.assertEqual(ada.get(self.home).status_code, 302)
        self.assertEqual(self.visits(), [])

    def test_it_leads_to_no_other_place(self) -> None:
        for other in ("https://evil.example/", "//evil.example/", f"/o/{self.stranger.slug}/", "/admin/"):
            browser = self.fresh(self.ada)
            with self.acting_for(self.client_org):
                Visit.objects.for_organization(self.client_org).update(ended_at=db.now())
            self.assertRedirects(self.enter(browser, visit_next=other), self.home, fetch_redirect_response=False)

    def test_after_eight_hours_and_after_leaving_she_is_asked_again(self) -> None:
        ada = self.fresh(self.ada)
        self.enter(ada)
        with self.acting_for(self.client_org):
            Visit.objects.for_organization(self.client_org).update(until=db.now())
        self.assertEqual(ada.get(self.home).status_code, 302)
        self.enter(ada)
        self.assertRedirects(ada.post(f"{self.home}visit/leave"), f"/o/{self.agency.slug}/", fetch_redirect_response=False)
        self.assertIn("/visit?", ada.get(self.home)["Location"])
        self.assertIsNotNone(self.visits()[-1].ended_at)

    def test_her_visit_is_nobody_elses(self) -> None:
        self.enter(self.fresh(self.ada))
        self.assertEqual(self.fresh(self.ben).get(self.home).status_code, 302)

    def test_the_clients_own_people_are_not_asked(self) -> None:
        cleo = self.fresh(self.cleo)
        self.assertEqual(cleo.get(self.home).status_code, 200)
        self.assertEqual(cleo.get(f"{self.home}visit").status_code, 302)
        self.assertEqual(cleo.post(f"{self.home}visit/leave").status_code, 404)

    def test_an_agency_may_do_without_reasons_and_the_client_sees_it_all_the_same(self) -> None:
        with self.acting_for(self.agency):
            self.agency.change(db.now(), asks_visit_reason=False)
        self.assertContains(self.fresh(self.ada).get(self.home), "You are working for Bakker Dental")
        self.assertEqual([each.reason for each in self.visits()], [""])

    def test_owners_of_an_agency_set_that_and_a_client_has_no_such_setting(self) -> None:
        path = f"/o/{self.agency.slug}/settings/privacy"
        page = self.as_(self.ada).get(path)
        self.assertContains(page, "Ask for a reason before entering a client")
        self.assertNotContains(self.as_(self.cleo).get(f"{self.home}settings/privacy"), "asks_visit_reason")


class SentTest(VisitCase):
    """What was sent without a running visit."""

    def test_a_form_goes_on_after_the_reason(self) -> None:
        ada = self.fresh(self.ada)
        asked = ada.post(f"{self.home}do-not-call", FORM)
        self.assertContains(asked, 'name="phone_number" value="+442079460199"')
        self.assertContains(asked, "What you just sent is not lost")
        answer = self.enter(ada, visit_next=f"{self.home}do-not-call", visit_sends="1", **FORM)
        self.assertEqual((answer.status_code, answer["Location"]), (307, f"{self.home}do-not-call"))
        ada.post(answer["Location"], FORM | {"visit_reason": "Ticket 12"})
        with self.acting_for(self.client_org):
            self.assertEqual([each.reason for each in DoNotCall.objects.for_organization(self.client_org)], ["asked us to"])

    def test_one_without_our_token_is_not_given_ours(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.ada, backend="allauth.account.auth_backends.AuthenticationBackend")
        answer = strict.post(f"{self.home}do-not-call", FORM)
        self.assertEqual(answer.status_code, 302)
        self.assertNotIn(b"+442079460199", answer.content)

    def test_htmx_and_programs_are_told(self) -> None:
        ada = self.fresh(self.ada)
        here = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{self.home}calls"}
        answer = ada.post(f"{self.home}do-not-call", FORM, headers=here)
        self.assertEqual(answer["HX-Redirect"], f"{self.home}visit?next=%2Fo%2Fbakker-dental%2Fcalls")
        answer = ada.get(f"{self.home}api/v1/assistants", headers={"accept": "application/json"})
        self.assertEqual((answer.status_code, answer.json()["type"]), (403, "visit_required"))


class RecordTest(VisitCase):
    def test_what_she_does_carries_both_names(self) -> None:
        ada = self.fresh(self.ada)
        self.enter(ada)
        assistant = factories.make_assistant(self.client_org, is_active=False)
        ada.post(f"{self.home}assistants/{assistant.pk}/active", {"is_active": "on"})
        self.as_(self.cleo).post(f"{self.home}assistants/{assistant.pk}/active", {})
        visit = self.visits()[0]
        with self.acting_for(self.client_org):
            rows = list(AuditEntry.objects.for_organization(self.client_org).filter(action="assistant.update").order_by("created_at"))
            lines, _after = audit_page(self.client_org, visit=str(visit.pk))
            every, _after = audit_page(self.client_org, visit="all")
        found = [(each.actor, each.agency_name, each.visit_id) for each in rows]
        self.assertEqual(found, [("Ada", "Northwind Voice", visit.pk), ("Cleo", "", None)])
        self.assertEqual([each.action for each in lines], ["assistant.update", "visit.start"])
        self.assertEqual(len(every), 2)

    def test_the_client_sees_who_when_why_and_what(self) -> None:
        ada = self.fresh(self.ada)
        self.enter(ada)
        assistant = factories.make_assistant(self.client_org, name="Reception", is_active=False)
        ada.post(f"{self.home}assistants/{assistant.pk}/active", {"is_active": "on"})
        page = self.as_(self.cleo).get(f"{self.home}settings/visits")
        for words in ("Ada", "Northwind Voice", "Ticket 12", "1 change", "Assistant: changed: Reception", "Here now"):
            self.assertContains(page, words)
        log = self.as_(self.cleo).get(f"{self.home}settings/audit?visit=all")
        self.assertContains(log, "for Northwind Voice")

    def test_one_visit_or_three_the_same_queries(self) -> None:
        cleo = self.as_(self.cleo)
        cleo.get(self.home)
        for count in (1, 3):
            while len(self.visits()) < count:
                factories.make_visits(self.ada)
            with self.assertNumQueries(14):
                cleo.get(f"{self.home}settings/visits")

    def test_a_member_and_an_agency_have_no_such_page(self) -> None:
        factories.make_member(self.client_org, self.dov, "member")
        self.assertEqual(self.as_(self.dov).get(f"{self.home}settings/visits").status_code, 403)
        self.assertEqual(self.as_(self.ada).get(f"/o/{self.agency.slug}/settings/visits").status_code, 404)
