"""Sign-in, reset and sessions: accounts per brand."""

from __future__ import annotations

import re
from typing import Any

from django.core.cache import cache
from django.test import Client, override_settings

from apps.accounts.models import SecurityEvent, User
from apps.core.scope import Scope, acting
from apps.mail.models import Message
from tests import factories
from tests.cases import TenantCase
from tests.factories import PASSWORD

PORTAL = "northwind.localhost"


def mails() -> list[Message]:
    with acting(Scope(())):
        return list(Message.objects.order_by("created_at", "pk"))


def code_in(message: Message) -> str:
    found = re.search(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$", message.text, re.M)
    assert found, message.text
    return found[0]


class AccountCase(TenantCase):
    def setUp(self) -> None:
        cache.clear()
        self.brand = factories.make_brand("northwind", "Northwind Voice")

    def sign_in(
        self, browser: Client, email: str, password: str = PASSWORD, host: str = "testserver", **more: Any
    ) -> Any:
        data = {"login": email, "password": password}
        return browser.post("/accounts/login", data | more, headers={"host": host})

    def is_signed_in(self, browser: Client, host: str = "testserver") -> bool:
        return browser.get("/profile", headers={"host": host}).status_code == 200


class SignInTest(AccountCase):
    def test_the_form_asks_for_an_e_mail_address(self) -> None:
        page = self.client.get("/accounts/login")
        self.assertContains(page, 'type="email"')
        self.assertContains(page, "Sign in to Switchboard")

    def test_one_address_at_two_brands_is_two_accounts(self) -> None:
        other = factories.make_user("Ada Portal", brand=self.brand, email="ada@example.com")
        other.set_password("another secret 8")
        other.save()
        here, there = Client(), Client()
        self.assertEqual(self.sign_in(here, "Ada@Example.com").status_code, 302)
        self.assertTrue(self.is_signed_in(here))
        self.assertContains(self.sign_in(there, "ada@example.com", host=PORTAL), "not right")
        self.assertEqual(self.sign_in(there, "ada@example.com", "another secret 8", host=PORTAL).status_code, 302)
        self.assertTrue(self.is_signed_in(there, PORTAL))
        self.assertContains(there.get("/profile", headers={"host": PORTAL}), "Ada Portal")

    def test_an_account_does_not_sign_in_at_another_brand(self) -> None:
        self.assertContains(self.sign_in(self.client, "ada@example.com", host=PORTAL), "not right")
        self.assertFalse(self.is_signed_in(self.client, PORTAL))

    def test_a_session_carried_to_another_brand_is_nobodys(self) -> None:
        browser = self.as_(self.ada)
        self.assertTrue(self.is_signed_in(browser))
        self.assertFalse(self.is_signed_in(browser, PORTAL))

    def test_an_unknown_host_signs_nobody_in(self) -> None:
        self.assertEqual(self.sign_in(self.client, "ada@example.com", host="evil.example").status_code, 421)

    def test_wrong_password_and_unknown_address_look_alike(self) -> None:
        wrong = self.sign_in(Client(), "ada@example.com", "wrong")
        unknown = self.sign_in(Client(), "nobody@example.com", "wrong")
        text = "The e-mail address or the password is not right."
        self.assertContains(wrong, text)
        self.assertContains(unknown, text)

    def test_five_failures_shut_the_account_for_a_while_also_for_the_right_password(self) -> None:
        for number in range(5):
            self.sign_in(Client(REMOTE_ADDR=f"192.0.2.{number}"), "ada@example.com", "wrong")
        answer = self.sign_in(Client(REMOTE_ADDR="192.0.2.99"), "ada@example.com")
        self.assertContains(answer, "Too many attempts")
        self.assertEqual(self.sign_in(Client(REMOTE_ADDR="192.0.2.99"), "ben@example.com").status_code, 302)

    def test_five_failures_shut_an_address_for_a_while(self) -> None:
        for number in range(5):
            self.sign_in(Client(REMOTE_ADDR="192.0.2.7"), f"person{number}@example.com", "wrong")
        self.assertContains(self.sign_in(Client(REMOTE_ADDR="192.0.2.7"), "ben@example.com"), "Too many attempts")

    def test_where_it_leads(self) -> None:
        answer = self.sign_in(self.client, "ada@example.com", next="/profile")
        self.assertRedirects(answer, "/profile", fetch_redirect_response=False)
        evil = self.sign_in(Client(), "ben@example.com", next="https://evil.example/")
        self.assertRedirects(evil, "/", fetch_redirect_response=False)

    def test_a_switched_off_account(self) -> None:
        User.objects.filter(pk=self.ada.pk).update(is_active=False)
        self.sign_in(self.client, "ada@example.com")
        self.assertFalse(self.is_signed_in(self.client))

    def test_sign_in_failure_and_sign_out_are_noted_with_their_address(self) -> None:
        browser = Client(REMOTE_ADDR="192.0.2.8", headers={"user-agent": "Firefox/130"})
        self.sign_in(browser, "ada@example.com", "wrong")
        self.sign_in(browser, "ada@example.com")
        browser.post("/accounts/logout")
        self.assertFalse(self.is_signed_in(browser))
        rows = SecurityEvent.objects.filter(user=self.ada).order_by("created_at", "pk")
        self.assertEqual(
            [(row.kind, row.address, row.agent) for row in rows],
            [(kind, "192.0.2.8", "Firefox/130") for kind in ("sign_in_failed", "sign_in", "sign_out")],
        )

    @override_settings(ALLOW_AGENCY_SIGN_UP=False)
    def test_public_sign_up_is_closed(self) -> None:
        self.assertContains(self.client.get("/sign-up"), "by invitation")
        values = {"name": "X", "company": "X", "email": "x@example.com", "password": "long enough 9"}
        self.client.post("/sign-up", values)
        self.assertFalse(User.objects.filter(email="x@example.com").exists())


class ResetTest(AccountCase):
    def ask(self, browser: Client, email: str, host: str = "testserver", **headers: str) -> Any:
        return browser.post("/accounts/password/reset", {"email": email}, headers={"host": host} | headers)

    def test_a_code_in_the_same_browser_sets_a_new_password_and_ends_all_sessions(self) -> None:
        elsewhere = self.as_(self.ada)
        self.assertTrue(self.is_signed_in(elsewhere))
        answer = self.ask(self.client, "Ada@example.com")
        self.assertRedirects(answer, "/accounts/password/code")
        code = code_in(mails()[-1])
        self.assertContains(self.client.post("/accounts/password/code", {"code": "AAAA-BBBB"}), "not right")
        self.assertEqual(Client().post("/accounts/password/code", {"code": code}).status_code, 302)
        self.client.post("/accounts/password/code", {"code": code})
        self.assertContains(self.client.post("/accounts/password/new", {"password1": "12345678"}), "too common")
        self.client.post("/accounts/password/new", {"password1": "a quite new secret"})
        self.assertFalse(self.is_signed_in(elsewhere))
        self.assertEqual(self.sign_in(Client(), "ada@example.com", "a quite new secret").status_code, 302)
        self.assertIn("was reset", mails()[-1].subject)

    def test_unknown_people_get_the_same_answer(self) -> None:
        known, unknown = Client(), Client()
        first, second = self.ask(known, "ada@example.com"), self.ask(unknown, "nobody@example.com")
        self.assertEqual((first.status_code, first["Location"]), (second.status_code, second["Location"]))
        pages = [browser.get("/accounts/password/code").content.decode() for browser in (known, unknown)]
        shown = [
            re.sub(
                r"ada@example.com|nobody@example.com|value=\"[^\"]{64}\"|nonce=\"[^\"]*\"|[A-Za-z0-9+/_=-]{22,}",
                "",
                page,
            )
            for page in pages
        ]
        self.assertEqual(*shown)
        self.assertEqual([row.to for row in mails()], ["ada@example.com", "nobody@example.com"])
        self.assertIn("No account", mails()[-1].subject)

    def test_an_account_of_another_brand_is_unknown_here(self) -> None:
        self.ask(self.client, "ada@example.com", PORTAL)
        self.assertEqual(mails()[-1].subject, "No account at Northwind Voice with this address")

    def test_no_host_header_reaches_a_mail(self) -> None:
        for headers in (
            {"host": "evil.example"},
            {"x-forwarded-host": "evil.example"},
            {"forwarded": "host=evil.example"},
        ):
            self.ask(Client(), "ada@example.com", **headers)
        rows = mails()
        self.assertEqual(len(rows), 2)  # the unknown host got 421
        for row in rows:
            self.assertNotIn("evil.example", row.subject + row.text + row.html)
            self.assertIn("http://localhost:8000", row.text)

    def test_a_resellers_mail_leads_to_the_reseller_and_names_nobody_else(self) -> None:
        factories.make_user("Pia", brand=self.brand, email="pia@example.com")
        self.ask(self.client, "pia@example.com", PORTAL)
        row = mails()[-1]
        self.assertIn("http://northwind.localhost:8000/", row.text)
        self.assertNotIn("switchboard", (row.subject + row.text + row.html).lower())

    def test_wrong_codes_end_the_attempt(self) -> None:
        self.ask(self.client, "ada@example.com")
        for _number in range(3):
            self.client.post("/accounts/password/code", {"code": "AAAA-BBBB"})
        self.client.post("/accounts/password/code", {"code": code_in(mails()[-1])})
        self.assertEqual(self.client.get("/accounts/password/new").status_code, 302)
