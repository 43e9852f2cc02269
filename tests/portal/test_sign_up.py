"""Signing up: at a reseller's host as a client, at the installation's as an agency."""

from __future__ import annotations

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings

from apps.accounts.models import SecurityEvent, User
from apps.assistants.models import Assistant
from apps.billing.models import CREDIT, LedgerEntry, Plan
from apps.billing.services import balance
from apps.branding.models import Brand
from apps.core import db
from apps.core.scope import Scope, acting
from apps.mail.models import Message
from apps.organizations.models import Limits, Membership, Notification, Organization
from apps.organizations.scopes import overview
from apps.organizations.services import Actor
from apps.portal.models import LibraryCopy, LibraryItem, Portal, SignUp
from apps.portal.services import sign_up_steps
from apps.portal.services.portals import open_portal
from apps.portal.services.sign_ups import forget_unconfirmed, register
from apps.portal.tasks_sign_ups import complete_sign_up, sweep_sign_ups
from tests import factories
from tests.accounts.test_sign_in import code_in
from tests.cases import CommittedCase, TenantCase

HOST = "northwind.localhost"
FORM = {"name": "Eva Smit", "company": "Smit Garage", "email": "Eva@Smit.example", "password": "a quite good one 7"}


class Base(TenantCase):
    def setUp(self) -> None:
        super().setUp()
        cache.clear()
        open_portal(agency=self.agency, slug="northwind", name="Northwind", by=Actor("Ada"), now=db.now())
        self.settings(allows_sign_up=True)

    def settings(self, **values: Any) -> None:  # type: ignore[override]
        with self.acting_for(self.agency):
            Portal.objects.update_or_create(organization=self.agency, defaults=values)

    def post(self, browser: Client, host: str = HOST, **values: Any) -> Any:
        return browser.post("/sign-up", FORM | values, headers={"host": host})

    def mails(self, to: str, *, organization: Organization | None = None) -> list[Message]:
        with acting(Scope((organization.pk,) if organization else ())):
            own = organization.pk if organization else None
            return list(Message.objects.filter(to=to, organization_id=own).order_by("created_at", "pk"))

    def confirm(self, browser: Client, host: str = HOST, email: str = "eva@smit.example") -> Any:
        code = code_in(self.mails(email)[-1])
        return browser.post("/accounts/confirm-email", {"code": code}, headers={"host": host})

    def home(self, browser: Client, host: str = HOST) -> Any:
        return browser.get("/", headers={"host": host})

    def user(self, email: str = "eva@smit.example") -> User:
        return User.objects.get(email=email)

    def made(self) -> list[Organization]:
        with acting(overview("what was made")):
            return list(Organization.objects.filter(name="Smit Garage"))


class ClientSignUpTest(Base):
    def test_the_whole_way(self) -> None:
        plan = factories._make(Plan, self.agency, name="Start", limits={"assistants": 5})
        template = factories.make_assistant(self.agency, name="Receptionist")
        factories._make(LibraryItem, self.agency, kind="assistant", object_id=template.pk, for_sign_ups=True)
        self.settings(free_credits=25, plan_id=plan.pk)
        browser = Client()
        self.assertContains(browser.get("/sign-up", headers={"host": HOST}), "Sign up at Northwind")
        self.assertRedirects(self.post(browser), "/accounts/confirm-email", fetch_redirect_response=False)
        self.assertEqual(self.made(), [])
        self.assertRedirects(self.confirm(browser), "/", fetch_redirect_response=False)
        answer = self.home(browser)
        (client,) = self.made()
        self.assertRedirects(answer, f"/o/{client.slug}/", fetch_redirect_response=False)
        self.assertEqual(browser.get(f"/o/{client.slug}/", headers={"host": HOST}).status_code, 200)
        self.assertEqual((client.parent_id, client.brand_id, client.has_wallet), (self.agency.pk, self.agency.brand_id, True))
        with self.acting_for(client):
            self.assertEqual(balance(client.pk), 25 * CREDIT)
            self.assertEqual(Membership.objects.get(organization=client).role, "owner")
            self.assertEqual(Limits.objects.get(organization=client).assistants, 5)
            copy = Assistant.objects.get(organization=client)
            self.assertEqual((copy.name, copy.is_active), ("Receptionist", True))
            self.assertTrue(Notification.objects.filter(organization=self.agency, kind="sign_up").exists())
        (mail,) = self.mails("ada@example.com", organization=self.agency)
        self.assertEqual(mail.subject, "Smit Garage signed up")
        self.assertEqual(SignUp.objects.get().status, "done")
        kinds = SecurityEvent.objects.filter(user=self.user()).values_list("kind", flat=True)
        self.assertEqual(sorted(kinds), ["account_made", "sign_in"])

    def test_it_is_closed_unless_the_agency_opens_it(self) -> None:
        self.settings(allows_sign_up=False)
        self.assertContains(Client().get("/sign-up", headers={"host": HOST}), "no open sign-up")
        self.post(Client())
        self.assertFalse(SignUp.objects.exists())
        self.settings(allows_sign_up=True)
        Brand.objects.filter(slug="northwind").update(is_open=False)
        self.post(Client())
        self.assertFalse(SignUp.objects.exists())

    def test_terms_must_be_accepted_where_there_are_any(self) -> None:
        Brand.objects.filter(slug="northwind").update(terms_url="https://northwind.example/terms")
        page = self.post(Client())
        self.assertContains(page, "Accept the terms", status_code=422)
        self.assertContains(page, "https://northwind.example/terms", status_code=422)
        self.assertEqual(self.post(Client(), terms="on").status_code, 302)
        row = SignUp.objects.get()
        self.assertEqual(row.terms_url, "https://northwind.example/terms")
        self.assertIsNotNone(row.terms_accepted_at)

    def test_bad_passwords_are_refused(self) -> None:
        self.assertContains(self.post(Client(), password="12345678"), "too common", status_code=422)
        self.assertContains(self.post(Client(), password="eva@smit.example"), "too similar", status_code=422)

    def test_a_known_address_gets_the_same_answer_and_a_mail(self) -> None:
        held = factories.make_user("Known", brand=self.agency.brand, email="known@smit.example")
        known, unknown = Client(), Client()
        answers = [self.post(known, email="Known@smit.example"), self.post(unknown, email="fresh@smit.example")]
        self.assertEqual(len({(each.status_code, each["Location"]) for each in answers}), 1)
        pages = [
            re.sub(r"(known|fresh)@smit\.example|[A-Za-z0-9+/=_-]{22,}", "", page.content.decode())
            for page in (each.get("/accounts/confirm-email", headers={"host": HOST}) for each in (known, unknown))
        ]
        self.assertEqual(pages[0], pages[1])
        (mail,) = self.mails("known@smit.example")
        self.assertIn("have an account at Northwind already", mail.subject)
        self.assertIn(f"http://{HOST}", mail.text)
        wrong = known.post("/accounts/confirm-email", {"code": "AAAA-BBBB"}, headers={"host": HOST})
        self.assertContains(wrong, "not right")
        held.refresh_from_db()
        self.assertTrue(held.check_password(factories.PASSWORD))
        self.assertFalse(SignUp.objects.filter(user=held).exists())

    def test_an_account_at_another_brand_is_in_nobodys_way(self) -> None:
        factories.make_user("Eva elsewhere", email="eva@smit.example")
        browser = Client()
        self.post(browser)
        self.confirm(browser)
        self.home(browser)
        self.assertEqual(len(self.made()), 1)

    def test_who_never_confirmed_begins_anew_with_another_password(self) -> None:
        self.post(Client())
        first = self.user()
        cache.clear()
        browser = Client()
        self.post(browser, password="another fine one 8")
        self.assertNotEqual(self.user().pk, first.pk)
        self.confirm(browser)
        self.assertTrue(self.user().check_password("another fine one 8"))
        self.home(browser)
        self.assertEqual(len(self.made()), 1)

    def test_ten_an_hour_from_one_address(self) -> None:
        answers = [self.post(Client(), email=f"p{number}@smit.example").status_code for number in range(11)]
        self.assertEqual(answers, [302] * 10 + [429])

    def test_the_sweep_finishes_for_who_does_not_come_back(self) -> None:
        browser = Client()
        self.post(browser)
        self.confirm(browser)
        self.assertEqual(self.made(), [])
        with mock.patch("apps.portal.tasks_sign_ups.wake", lambda task, *args: task(*args)):
            sweep_sign_ups()
            sweep_sign_ups()
        self.assertEqual(len(self.made()), 1)

    def test_unconfirmed_accounts_are_forgotten_after_a_week(self) -> None:
        self.post(Client())
        self.assertEqual(forget_unconfirmed(now=db.now()), 0)
        self.assertEqual(forget_unconfirmed(now=db.now() + dt.timedelta(days=8)), 1)
        self.assertFalse(User.objects.filter(email="eva@smit.example").exists())

    def test_the_agencys_name_is_nowhere_but_the_brands(self) -> None:
        browser = Client()
        self.post(browser)
        for page in (Client().get("/sign-up", headers={"host": HOST}), browser.get("/accounts/confirm-email", headers={"host": HOST})):
            self.assertNotContains(page, "Switchboard")
        for mail in self.mails("eva@smit.example"):
            self.assertNotIn("Switchboard", mail.text + mail.html)


class AtOnceTest(CommittedCase):
    def test_four_processes_make_one_workspace(self) -> None:
        cache.clear()
        open_portal(agency=self.agency, slug="northwind", name="Northwind", by=Actor("Ada"), now=db.now())
        thing = factories.make_assistant(self.agency, name="One")
        factories._make(LibraryItem, self.agency, kind="assistant", object_id=thing.pk, for_sign_ups=True)
        with self.acting_for(self.agency):
            Portal.objects.filter(organization=self.agency).update(allows_sign_up=True, free_credits=10)
        user = register(
            brand=self.agency.brand, name="Eva", company="Smit Garage", email="eva@smit.example", password="x" * 12, language="en",
            accepts_terms=False, now=db.now(),
        )  # fmt: skip
        assert user is not None
        user.emailaddress_set.update(verified=True)
        pk = str(SignUp.objects.get(user=user).pk)

        def run(_number: int) -> None:
            complete_sign_up(pk)
            connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(run, range(4)))
        complete_sign_up(pk)
        with acting(overview("what was made")):
            client = Organization.objects.get(name="Smit Garage")
            self.assertEqual(Assistant.objects.filter(organization=client).count(), 1)
            self.assertEqual(LedgerEntry.objects.filter(organization=client).count(), 1)
            self.assertEqual(LibraryCopy.objects.filter(organization=client).count(), 1)
        self.assertEqual(SignUp.objects.get(pk=pk).status, "done")


class CrashTest(Base):
    """A process that dies anywhere in the middle leaves a sign-up that goes on and makes one workspace."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("One", "Two"):
            thing = factories.make_assistant(self.agency, name=name)
            factories._make(LibraryItem, self.agency, kind="assistant", object_id=thing.pk, for_sign_ups=True)
        self.settings(free_credits=10)
        user = register(
            brand=self.agency.brand, name="Eva", company="Smit Garage", email="eva@smit.example", password="x" * 12, language="en",
            accepts_terms=False, now=db.now(),
        )  # fmt: skip
        assert user is not None
        user.emailaddress_set.update(verified=True)
        self.row = SignUp.objects.get(user=user)

    def dies_in(self, name: str, *, after: int = 0) -> None:
        calls = iter(range(100))
        real = _named(name)

        def run(*args: Any, **kwargs: Any) -> Any:
            if next(calls) >= after:
                raise RuntimeError("the process died")
            return real(*args, **kwargs)

        with mock.patch(name, run), self.assertRaises(RuntimeError):
            complete_sign_up(str(self.row.pk))

    def test_anywhere(self) -> None:
        self.dies_in("apps.portal.services.sign_up_steps._make")
        self.dies_in("apps.portal.services.sign_up_steps.book")
        self.dies_in("apps.portal.services.sign_up_steps.copy_to_new_client")
        self.dies_in("apps.portal.services.library.place_copy", after=1)
        self.dies_in("apps.portal.services.library_copying._remember")
        self.dies_in("apps.portal.services.sign_up_steps._finish")
        for _twice in range(2):
            complete_sign_up(str(self.row.pk))
        (client,) = self.made()
        self.assertEqual(client.pk, sign_up_steps.client_id(self.row.user))
        with self.acting_for(client):
            names = Assistant.objects.filter(organization=client).order_by("name").values_list("name", flat=True)
            self.assertEqual(list(names), ["One", "Two"])
            self.assertEqual(LibraryCopy.objects.filter(organization=client).count(), 2)
            self.assertEqual(LedgerEntry.objects.filter(organization=client).count(), 1)
            self.assertEqual(balance(client.pk), 10 * CREDIT)
            self.assertEqual(Membership.objects.filter(organization=client).count(), 1)
        self.assertEqual(len(self.mails("ada@example.com", organization=self.agency)), 1)

    def test_a_template_that_does_not_fit_stops_nothing(self) -> None:
        with self.acting_for(self.agency):
            Assistant.objects.filter(name="One").update(stt_config={"provider": "nobody"})
        complete_sign_up(str(self.row.pk))
        self.row.refresh_from_db()
        self.assertEqual(self.row.status, "done")
        self.assertIn("One", self.row.error)
        (client,) = self.made()
        with self.acting_for(client):
            self.assertEqual(Assistant.objects.get(organization=client).name, "Two")


class ApprovalTest(Base):
    def setUp(self) -> None:
        super().setUp()
        self.settings(approves_sign_ups=True, notify_email="sales@northwind.example")
        self.browser = Client()
        self.post(self.browser)
        self.confirm(self.browser)

    def decide(self, what: str, person: User | None = None, **values: str) -> Any:
        row = SignUp.objects.get()
        return self.as_(person or self.ada).post(f"/o/{self.agency.slug}/sign-ups/{row.pk}/{what}", values)

    def test_the_person_waits_and_the_agency_is_told(self) -> None:
        for _twice in range(2):
            self.assertContains(self.home(self.browser), "We are looking at your sign-up")
        self.assertEqual(self.made(), [])
        (mail,) = self.mails("sales@northwind.example", organization=self.agency)
        self.assertEqual(mail.subject, "Smit Garage waits for your approval")
        page = self.as_(self.ada).get(f"/o/{self.agency.slug}/sign-ups")
        self.assertContains(page, "Smit Garage")
        self.assertContains(page, "Approve")

    def test_approved_once(self) -> None:
        self.home(self.browser)
        self.decide("approve")
        self.decide("approve")
        self.assertEqual(len(self.made()), 1)
        self.assertEqual(self.home(self.browser).status_code, 302)
        (mail,) = self.mails("eva@smit.example", organization=self.agency)
        self.assertIn("ready", mail.subject)

    def test_refused_with_a_note(self) -> None:
        self.home(self.browser)
        self.decide("refuse", note="We only serve dentists.")
        self.decide("approve")
        self.assertEqual(self.made(), [])
        self.assertContains(self.home(self.browser), "We only serve dentists.")
        (mail,) = self.mails("eva@smit.example", organization=self.agency)
        self.assertIn("We only serve dentists.", mail.text)

    def test_who_may_not_decide(self) -> None:
        self.home(self.browser)
        row = SignUp.objects.get()
        path = f"sign-ups/{row.pk}/approve"
        self.assertEqual(self.as_(self.ben).post(f"/o/{self.agency.slug}/{path}").status_code, 403)
        self.assertEqual(self.as_(self.dov).post(f"/o/{self.stranger.slug}/{path}").status_code, 404)
        self.assertEqual(self.as_(self.ada).post(f"/o/{self.client_org.slug}/{path}").status_code, 404)
        self.assertEqual(self.made(), [])


class SettingsTest(Base):
    def test_the_agency_chooses_how_clients_come_in(self) -> None:
        browser, path = self.as_(self.ada), f"/o/{self.agency.slug}/portal/sign-up"
        self.assertContains(browser.get(path), f"http://{HOST}")
        answer = browser.post(path, {"allows_sign_up": "on", "gives_wallets": "on", "free_credits": "5", "plan_id": "", "notify_email": ""})
        self.assertRedirects(answer, path, fetch_redirect_response=False)
        with self.acting_for(self.agency):
            self.assertEqual(Portal.objects.get(organization=self.agency).free_credits, 5)
        refused = browser.post(path, {"free_credits": "5"})
        self.assertContains(refused, "need a wallet", status_code=422)

    def test_a_client_has_no_such_page(self) -> None:
        for page in ("portal/sign-up", "sign-ups", "library"):
            self.assertEqual(self.as_(self.ada).get(f"/o/{self.client_org.slug}/{page}").status_code, 404)

    def test_the_same_queries_for_one_and_three(self) -> None:
        browser, path = self.as_(self.ada), f"/o/{self.agency.slug}/sign-ups"
        for count in (1, 3):
            while SignUp.objects.count() < count:
                number = SignUp.objects.count()
                register(
                    brand=self.agency.brand, name="P", company=f"C {number}", email=f"p{number}@x.example", password="x" * 12,
                    language="", accepts_terms=False, now=db.now(),
                )  # fmt: skip
            browser.get(path)
            with self.assertNumQueries(QUERIES):
                self.assertContains(browser.get(path), "C ", count=count)


class AgencySignUpTest(TenantCase):
    def setUp(self) -> None:
        super().setUp()
        cache.clear()

    @override_settings(ALLOW_AGENCY_SIGN_UP=True)
    def test_an_agency_comes_in_by_itself(self) -> None:
        browser = Client()
        self.assertEqual(browser.post("/sign-up", FORM).status_code, 302)
        with acting(Scope(())):
            code = code_in(Message.objects.get(to="eva@smit.example"))
        browser.post("/accounts/confirm-email", {"code": code})
        answer = browser.get("/")
        with acting(overview("what was made")):
            made = Organization.objects.get(name="Smit Garage")
            self.assertEqual((made.parent_id, made.has_wallet, made.owns_brand), (None, False, False))
            self.assertEqual(Membership.objects.get(organization=made).role, "owner")
        self.assertRedirects(answer, f"/o/{made.slug}/", fetch_redirect_response=False)
        self.assertContains(browser.get(f"/o/{made.slug}/"), "Open your portal")

    @override_settings(ALLOW_AGENCY_SIGN_UP=False)
    def test_it_can_be_closed(self) -> None:
        self.assertContains(Client().get("/sign-up"), "no open sign-up")
        Client().post("/sign-up", FORM)
        self.assertFalse(SignUp.objects.exists())


QUERIES = 16


def _named(name: str) -> Any:
    module, _dot, attribute = name.rpartition(".")
    found: Any = __import__(module, fromlist=[attribute])
    return getattr(found, attribute)
