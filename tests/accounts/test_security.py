"""Password, e-mail address, second factor, sessions, language, profile: the account area."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client, override_settings

from apps.accounts.models import SecurityEvent, User, username_of
from tests import factories
from tests.accounts.test_sign_in import AccountCase, code_in, mails
from tests.factories import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def totp(secret: str = SECRET, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def kinds(user: User) -> list[str]:
    return list(SecurityEvent.objects.filter(user=user).order_by("created_at", "pk").values_list("kind", flat=True))


class AreaCase(AccountCase):
    def signed_in(self, email: str = "ada@example.com") -> Client:
        browser = Client()
        self.assertEqual(self.sign_in(browser, email).status_code, 302)
        return browser

    def with_second_factor(self, user: User) -> None:
        TOTP.activate(user, SECRET)
        RecoveryCodes.activate(user)


class PasswordTest(AreaCase):
    def test_changing_it_ends_the_other_sessions_and_tells_by_mail(self) -> None:
        here, elsewhere = self.signed_in(), self.signed_in()
        answer = here.post("/profile/password", {"oldpassword": "wrong", "password1": "a quite new secret"})
        self.assertContains(answer, "not your current password")
        here.post("/profile/password", {"oldpassword": PASSWORD, "password1": "a quite new secret"})
        self.assertTrue(self.is_signed_in(here))
        self.assertFalse(self.is_signed_in(elsewhere))
        self.assertEqual(UserSession.objects.filter(user=self.ada).count(), 1)
        self.assertEqual(mails()[-1].subject, "Your password was changed")
        self.assertIn("password_changed", kinds(self.ada))


class EmailTest(AreaCase):
    def ask(self, browser: Client, email: str) -> Any:
        browser.post("/accounts/reauthenticate", {"password": PASSWORD})
        return browser.post("/profile/email", {"action_add": "1", "email": email})

    def test_it_needs_the_password_again(self) -> None:
        answer = self.signed_in().post("/profile/email", {"action_add": "1", "email": "new@example.com"})
        self.assertIn("/accounts/reauthenticate", answer["Location"])
        self.assertEqual(mails(), [])

    def test_the_new_address_counts_once_its_code_is_entered(self) -> None:
        browser = self.signed_in()
        self.assertRedirects(self.ask(browser, "New@Example.com"), "/accounts/confirm-email")
        self.ada.refresh_from_db()
        self.assertEqual(self.ada.email, "ada@example.com")
        self.assertEqual(mails()[-1].to, "new@example.com")
        browser.post("/accounts/confirm-email", {"code": code_in(mails()[-1])})
        self.ada.refresh_from_db()
        self.assertEqual(self.ada.email, "new@example.com")
        self.assertEqual(self.ada.username, username_of(self.ada.brand_id, "new@example.com"))
        self.assertEqual(
            list(EmailAddress.objects.filter(user=self.ada).values_list("email", "verified")),
            [("new@example.com", True)],
        )
        self.assertEqual(mails()[-1].to, "ada@example.com")
        self.assertIn("new@example.com", mails()[-1].text)
        self.assertEqual(self.sign_in(Client(), "new@example.com").status_code, 302)
        self.assertContains(self.sign_in(Client(), "ada@example.com"), "not right")

    def test_somebody_elses_address_is_refused_only_to_who_reads_its_mail(self) -> None:
        browser = self.signed_in()
        taken, free = (
            self.ask(browser, "ben@example.com"),
            self.ask(self.signed_in("cleo@example.com"), "free@example.com"),
        )
        self.assertEqual((taken.status_code, taken["Location"]), (free.status_code, free["Location"]))
        code = next(code_in(row) for row in mails() if row.to == "ben@example.com")
        self.assertContains(browser.post("/accounts/confirm-email", {"code": code}), "already an account")
        self.ada.refresh_from_db()
        self.assertEqual(self.ada.email, "ada@example.com")

    def test_the_same_address_at_another_brand_is_no_obstacle(self) -> None:
        factories.make_user("Pia", brand=self.brand, email="pia@example.com")
        browser = self.signed_in()
        self.ask(browser, "pia@example.com")
        browser.post("/accounts/confirm-email", {"code": code_in(mails()[-1])})
        self.ada.refresh_from_db()
        self.assertEqual(self.ada.email, "pia@example.com")


class SecondFactorTest(AreaCase):
    def turn_on(self, browser: Client) -> Any:
        browser.post("/accounts/reauthenticate", {"password": PASSWORD})
        browser.get("/profile/two-factor/on")
        secret = browser.session["mfa.totp.secret"]
        with self.captureOnCommitCallbacks(execute=True):
            return secret, browser.post("/profile/two-factor/on", {"code": totp(secret)})

    def test_turning_it_on_shows_ten_codes_and_ends_sessions_of_the_password_alone(self) -> None:
        browser, elsewhere = self.signed_in(), self.signed_in()
        self.assertIn("/accounts/reauthenticate", browser.get("/profile/two-factor/on")["Location"])
        secret, answer = self.turn_on(browser)
        self.assertRedirects(answer, "/profile/recovery-codes", fetch_redirect_response=False)
        page = browser.get("/profile/recovery-codes")
        self.assertEqual(len(page.context["unused_codes"]), 10)
        self.assertFalse(self.is_signed_in(elsewhere))
        self.assertEqual(mails()[-1].subject, "Two-factor sign-in was turned on")
        self.assertIn("second_factor_on", kinds(self.ada))
        stored = Authenticator.objects.get(user=self.ada, type="totp").data["secret"]
        self.assertNotIn(secret, stored)

    def test_password_alone_opens_no_page(self) -> None:
        self.with_second_factor(self.ada)
        browser = Client()
        self.assertRedirects(self.sign_in(browser, "ada@example.com"), "/accounts/two-factor")
        self.assertFalse(self.is_signed_in(browser))
        self.assertContains(browser.post("/accounts/two-factor", {"code": "000000"}), "not right")
        self.assertIn("second_factor_failed", kinds(self.ada))
        browser.post("/accounts/two-factor", {"code": totp()})
        self.assertTrue(self.is_signed_in(browser))

    def test_a_code_works_once_even_within_its_tolerance(self) -> None:
        self.with_second_factor(self.ada)
        first, second = Client(), Client()
        code = totp()
        for browser in (first, second):
            self.sign_in(browser, "ada@example.com")
            browser.post("/accounts/two-factor", {"code": code})
        self.assertTrue(self.is_signed_in(first))
        # allauth forgets a used code after half a minute; ours outlives the tolerance of both sides.
        cache.delete(f"allauth.mfa.totp.used?user={self.ada.pk}&code={code}")
        self.assertContains(second.post("/accounts/two-factor", {"code": code}), "not right")
        self.assertFalse(self.is_signed_in(second))

    def test_a_recovery_code_works_once(self) -> None:
        self.with_second_factor(self.ada)
        code = Authenticator.objects.get(user=self.ada, type="recovery_codes").wrap().get_unused_codes()[0]
        first, second = Client(), Client()
        for browser in (first, second):
            self.sign_in(browser, "ada@example.com")
            browser.post("/accounts/two-factor", {"code": code})
        self.assertEqual([self.is_signed_in(first), self.is_signed_in(second)], [True, False])

    def test_guessing_codes_is_slowed_down(self) -> None:
        self.with_second_factor(self.ada)
        browser = Client()
        self.sign_in(browser, "ada@example.com")
        for _number in range(5):
            browser.post("/accounts/two-factor", {"code": "000000"})
        self.assertContains(browser.post("/accounts/two-factor", {"code": totp()}), "Too many attempts")

    def test_turning_it_off_needs_password_and_code(self) -> None:
        browser = self.signed_in()
        self.turn_on(browser)
        codes = Authenticator.objects.get(user=self.ada, type="recovery_codes").wrap().get_unused_codes()
        path = "/profile/two-factor/off"
        self.assertEqual(browser.get(path).status_code, 200)
        for wrong in (
            {"password": "wrong", "code": codes[0]},
            {"password": PASSWORD, "code": "000000"},
            {"password": PASSWORD},
        ):
            self.assertEqual(browser.post(path, wrong).status_code, 422)
        self.assertTrue(Authenticator.objects.filter(user=self.ada).exists())
        # The wrong password did not use up the code.
        self.assertEqual(browser.post(path, {"password": PASSWORD, "code": codes[0]}).status_code, 302)
        self.assertFalse(Authenticator.objects.filter(user=self.ada).exists())
        self.assertIn("second_factor_off", kinds(self.ada))

    def test_an_organization_that_requires_it_sends_members_to_set_it_up(self) -> None:
        with self.acting_for(self.agency):
            self.agency.requires_second_factor = True
            self.agency.save()
        browser = self.as_(self.ada)
        path = f"/o/{self.agency.slug}/settings"
        self.assertRedirects(browser.get(path), "/profile/two-factor/on", fetch_redirect_response=False)
        self.assertEqual(browser.post(path).status_code, 302)
        self.assertEqual(browser.get(path, headers={"hx-request": "true"})["HX-Redirect"], "/profile/two-factor/on")
        self.with_second_factor(self.ada)
        self.assertEqual(browser.get(path).status_code, 200)


class SessionsTest(AreaCase):
    def test_one_or_all_others_can_be_ended(self) -> None:
        here, one, two = self.signed_in(), self.signed_in(), self.signed_in()
        page = here.get("/profile/sessions")
        self.assertEqual(len(page.context["sessions"]), 3)
        other = UserSession.objects.get(session_key=one.session.session_key)
        here.post("/profile/sessions", {"session": other.pk})
        self.assertEqual([self.is_signed_in(each) for each in (here, one, two)], [True, False, True])
        here.post("/profile/sessions")
        self.assertEqual([self.is_signed_in(each) for each in (here, one, two)], [True, False, False])
        self.assertIn("sessions_ended", kinds(self.ada))

    def test_nobody_ends_the_session_of_somebody_else(self) -> None:
        ada, ben = self.signed_in(), self.signed_in("ben@example.com")
        row = UserSession.objects.get(session_key=ben.session.session_key)
        ada.post("/profile/sessions", {"session": row.pk})
        self.assertTrue(self.is_signed_in(ben))

    def test_one_and_three_sessions_cost_the_same_queries(self) -> None:
        here = self.signed_in()
        here.get("/profile/sessions")
        counts = []
        for _number in range(2):
            with self.assertNumQueries(AnyNumber()) as found:
                here.get("/profile/sessions")
            counts.append(len(found))
            self.signed_in()
            self.signed_in()
        self.assertEqual(*counts)

    def test_use_is_noted_every_ten_minutes_not_on_every_page(self) -> None:
        here = self.signed_in()
        here.get("/profile")
        before = UserSession.objects.get(user=self.ada).last_seen_at
        here.get("/profile")
        self.assertEqual(UserSession.objects.get(user=self.ada).last_seen_at, before)
        session = here.session
        session["seen_at"] -= 601
        session.save()
        here.get("/profile")
        self.assertGreater(UserSession.objects.get(user=self.ada).last_seen_at, before)


class AnyNumber(int):
    """Equal to every number: the context manager of assertNumQueries also just counts."""

    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        return True


class ProfileTest(AreaCase):
    def test_name_language_zone_and_tables(self) -> None:
        browser = self.as_(self.ada)
        values = {"name": "Ada L.", "language": "nl", "timezone": "Europe/Amsterdam", "compact_tables": "on"}
        answer = browser.post("/profile", values)
        self.assertRedirects(answer, "/profile", fetch_redirect_response=False)
        self.assertEqual(answer.cookies["language"].value, "nl")
        self.ada.refresh_from_db()
        self.assertEqual(
            (self.ada.name, self.ada.language, self.ada.timezone, self.ada.compact_tables),
            ("Ada L.", "nl", "Europe/Amsterdam", True),
        )
        self.assertContains(browser.get("/profile"), 'lang="nl"')

    def test_what_does_not_fit_is_said_at_its_field_and_nothing_is_lost(self) -> None:
        answer = self.as_(self.ada).post("/profile", {"name": "", "language": "xx", "timezone": "Mars/Olympus"})
        self.assertEqual(answer.status_code, 422)
        self.assertEqual(set(answer.context["form"].errors), {"name", "language", "timezone"})
        self.assertContains(answer, "Mars/Olympus", status_code=422)

    def test_the_language_picker_works_before_sign_in_and_leads_back(self) -> None:
        answer = self.client.post("/accounts/language", {"language": "de", "next": "/accounts/login"})
        self.assertRedirects(answer, "/accounts/login", fetch_redirect_response=False)
        self.assertContains(self.client.get("/accounts/login"), 'lang="de"')
        evil = self.client.post("/accounts/language", {"language": "xx", "next": "//evil.example/"})
        self.assertRedirects(evil, "/", fetch_redirect_response=False)
        self.assertNotIn("language", evil.cookies)

    def test_without_signing_in_there_is_no_account_area(self) -> None:
        for path in ("/profile", "/profile/email", "/profile/password", "/profile/sessions", "/profile/two-factor"):
            answer = self.client.get(path)
            self.assertEqual((answer.status_code, answer["Location"]), (302, f"/accounts/login?next={path}"))


class AdminTest(AreaCase):
    def setUp(self) -> None:
        super().setUp()
        self.operator = factories.make_user("Olga", email="olga@example.com", is_superuser=True, is_staff=True)

    def test_only_superusers_of_the_installation_and_only_on_its_host(self) -> None:
        self.assertEqual(self.as_(self.operator).get("/admin/").status_code, 200)
        for path in (
            "/admin/accounts/user/",
            "/admin/accounts/securityevent/",
            "/admin/mail/message/",
            "/admin/organizations/organization/",
        ):
            self.assertEqual(self.as_(self.operator).get(path).status_code, 200, path)
        ada = self.as_(self.ada)
        self.assertEqual(ada.get("/admin/", follow=True).status_code, 404)
        self.assertEqual(ada.get("/admin/", headers={"host": "northwind.localhost"}, follow=True).status_code, 404)
        anonymous = self.client.get("/admin/", follow=True)
        self.assertEqual(anonymous.redirect_chain[-1][0], "/accounts/login?next=/admin/")

    @override_settings(DEVELOPMENT=False, BASE_URL="http://testserver")
    def test_in_production_it_needs_the_second_factor(self) -> None:
        browser = self.as_(self.operator)
        self.assertEqual(browser.get("/admin/").status_code, 302)
        self.with_second_factor(self.operator)
        self.assertEqual(browser.get("/admin/").status_code, 200)
