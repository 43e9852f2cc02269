"""The page of the e-mail domain, step by step, against Resend's API played on loopback."""

from __future__ import annotations

from typing import Any

from django.test import override_settings
from django.urls import reverse

from apps.catalog.models import ProviderKey, SenderDomain
from apps.core import db
from tests import factories
from tests.cases import TenantCase
from tests.resend import KEY, Resend


class DomainPageTest(TenantCase):
    def setUp(self) -> None:
        self.resend = self.enterContext(Resend())
        self.enterContext(override_settings(RESEND_API_URL=self.resend.url))
        self.cleo_web = self.as_(self.cleo)

    def url(self, name: str = "email_domain") -> str:
        return reverse(name, args=[self.client_org.slug])

    def page(self) -> str:
        return self.cleo_web.get(self.url()).content.decode()

    def press(self, name: str, **values: Any) -> str:
        answer = self.cleo_web.post(self.url(name), values, headers={"referer": f"http://testserver{self.url()}"}, follow=True)
        return answer.content.decode()

    def test_from_the_key_to_the_verified_sender(self) -> None:
        self.assertIn("First, your Resend key", self.page())
        stored = self.cleo_web.post(reverse("provider_key_set", args=[self.client_org.slug]), {"provider": "resend", "api_key": KEY, "back": "email"})
        self.assertRedirects(stored, self.url())
        self.assertIn("Add a domain", self.page())
        shown = self.press("email_domain_add", domain_name="Mail.Example.org")
        self.assertIn("mail.example.org is added", shown)
        for part in ("resend._domainkey", "v=spf1 include:amazonses.com ~all", 'data-copy="send"', "Check DNS records"):
            self.assertIn(part, shown)
        self.assertIn("Resend is looking", self.press("email_domain_verify"))
        next(iter(self.resend.account().domains.values()))["status"] = "failed"
        self.assertIn("Resend did not find the records", self.press("email_domain_refresh"))
        next(iter(self.resend.account().domains.values()))["status"] = "verified"
        shown = self.press("email_domain_refresh")
        self.assertIn("Sender: no-reply@mail.example.org", shown)
        self.assertNotIn("Check DNS records", shown)
        self.assertIn("Add a domain", self.press("email_domain_delete"))
        self.assertEqual(self.resend.account().domains, {})

    def test_what_resend_says_stands_beside_what_was_typed(self) -> None:
        factories.make_provider_key(self.client_org, "resend", KEY)
        self.resend.add("mail.example.org", key="re_other")
        for name, words in (("mail.example.org", "registered already"), ("not a domain", "Write a full domain name"), ("", "required")):
            answer = self.cleo_web.post(self.url("email_domain_add"), {"domain_name": name})
            self.assertEqual(answer.status_code, 422, name)
            self.assertIn(words, answer.content.decode())
            self.assertIn(f'value="{name}"' if name else "domain_name", answer.content.decode())

    def test_one_of_the_account_is_picked(self) -> None:
        factories.make_provider_key(self.client_org, "resend", KEY)
        self.assertIn("No domains in your account", self.cleo_web.get(self.url("email_domain_pick")).content.decode())
        ident = self.resend.add("shop.example.org", "verified")
        self.assertIn("shop.example.org", self.cleo_web.get(self.url("email_domain_pick")).content.decode())
        self.assertIn("E-mail now uses shop.example.org", self.press("email_domain_pick", resend_id=ident))
        self.assertIn("In use", self.cleo_web.get(self.url("email_domain_pick")).content.decode())
        self.assertIn("stays in your Resend account", self.page())
        self.press("email_domain_delete")
        self.assertEqual(list(self.resend.account().domains), [ident])

    def test_an_account_that_cannot_be_read_says_why(self) -> None:
        shown = self.cleo_web.get(self.url("email_domain_pick"))
        self.assertEqual((shown.status_code, "Store your Resend key" in shown.content.decode()), (200, True))
        factories.make_provider_key(self.client_org, "resend", "re_wrong")
        self.assertIn("refuses the key", self.cleo_web.get(self.url("email_domain_pick")).content.decode())
        self.assertIn("Resend refuses your key", self.page())

    def test_trouble_at_resend_comes_back_as_a_message(self) -> None:
        factories.make_provider_key(self.client_org, "resend", KEY)
        self.press("email_domain_add", domain_name="mail.example.org")
        self.resend.refuse(500)
        shown = self.press("email_domain_refresh")
        self.assertIn("Resend does not answer as it should", shown)
        self.assertIn("mail.example.org", shown)

    def test_without_a_working_key_it_can_be_given_up_here(self) -> None:
        factories.make_sender_domain(self.client_org, resend_domain_id="d-1", status="verified")
        self.assertIn("The Resend key is missing", self.page())
        self.press("email_domain_delete")
        factories.make_provider_key(self.client_org, "resend", "re_wrong", broken_at=db.now())
        factories.make_sender_domain(self.client_org, resend_domain_id="d-1", status="verified")
        self.assertNotIn("Reports come from your domain", self.page())
        self.press("email_domain_delete")
        with self.acting_for(self.client_org):
            self.assertEqual((SenderDomain.objects.count(), ProviderKey.objects.count()), (0, 1))
        self.assertEqual(self.resend.received, [])

    def test_a_stranger_sees_and_changes_nothing(self) -> None:
        factories.make_provider_key(self.client_org, "resend", KEY)
        factories.make_sender_domain(self.client_org, domain_name="secret-canary.example")
        dov = self.as_(self.dov)
        for name in ("email_domain", "email_domain_pick"):
            self.assertEqual(dov.get(self.url(name)).status_code, 404)
        for name in ("email_domain_add", "email_domain_verify", "email_domain_refresh", "email_domain_delete"):
            self.assertEqual(dov.post(self.url(name)).status_code, 404)
        self.assertNotIn("secret-canary", dov.get(reverse("email_domain", args=[self.stranger.slug])).content.decode())
