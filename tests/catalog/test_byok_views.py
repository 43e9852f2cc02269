"""The page of provider keys: what is set by whom, never what it is."""

from __future__ import annotations

from typing import Any

from django.test import override_settings
from django.urls import reverse

from apps.catalog.models import ProviderKey
from apps.core import db
from tests import factories
from tests.cases import TenantCase

CANARY = "sk-canary-4242"


class KeysPageTest(TenantCase):
    def setUp(self) -> None:
        self.cleo_web = self.as_(self.cleo)

    def url(self, name: str, organization: Any = None) -> str:
        return reverse(name, args=[(organization or self.client_org).slug])

    def page(self) -> str:
        return self.cleo_web.get(self.url("provider_keys")).content.decode()

    def store(self, **values: Any) -> Any:
        return self.cleo_web.post(self.url("provider_key_set"), {"provider": "openai", "api_key": CANARY} | values)

    def test_every_slot_has_a_row(self) -> None:
        page = self.page()
        for name in ("Deepgram", "OpenAI", "ElevenLabs", "Inworld", "Resend", "xAI", "Gladia", "Mistral", "Google Gemini", "Google Vertex AI"):
            self.assertIn(name, page)
        self.assertEqual(page.count("Not set"), 10)

    def test_a_key_is_stored_replaced_and_removed_and_never_shown(self) -> None:
        answer = self.store()
        self.assertRedirects(answer, self.url("provider_keys"))
        page = self.page()
        self.assertIn("Your key", page)
        self.assertIn("cleo@example.com", page.lower() + str(self.cleo).lower())
        form = self.cleo_web.get(self.url("provider_key_set"), {"provider": "openai"}).content.decode()
        self.assertIn("Replace key", form)
        self.assertNotIn(CANARY, page + form)
        self.store(api_key="sk-second")
        with self.acting_for(self.client_org):
            self.assertEqual(ProviderKey.objects.get().secret, "sk-second")
        for words in ("The key for OpenAI is removed.", "There was no key for OpenAI."):
            self.cleo_web.post(self.url("provider_key_remove"), {"provider": "openai"})
            self.assertIn(words, self.page())

    def test_an_error_is_422_and_does_not_send_the_key_back(self) -> None:
        for values in ({"api_key": ""}, {"api_key": "a\u00e9" + CANARY}, {"provider": "google_vertex", "api_key": "{" + CANARY}):
            answer = self.store(**values)
            self.assertEqual(answer.status_code, 422)
            self.assertNotIn(CANARY, answer.content.decode())
        with self.acting_for(self.client_org):
            self.assertEqual(ProviderKey.objects.count(), 0)

    def test_an_unknown_provider_leads_back_to_the_list(self) -> None:
        self.assertRedirects(self.store(provider="acme"), self.url("provider_keys"))
        self.assertRedirects(self.cleo_web.get(self.url("provider_key_set")), self.url("provider_keys"))

    @override_settings(PLATFORM_KEYS={"gladia": "platform", "openai": "platform", "resend": "platform"})
    def test_whose_key_serves_is_said_and_nothing_else_of_the_agencys(self) -> None:
        factories.make_provider_key(self.agency, "openai", set_by="Secret-canary")
        factories.make_provider_key(self.agency, "resend")
        page = self.page()
        self.assertEqual((page.count("Agency's key"), page.count("Platform's key"), page.count("Not set")), (1, 1, 8))
        self.assertNotIn("Secret-canary", page)

    def test_a_refused_key_is_seen(self) -> None:
        factories.make_provider_key(self.client_org, "openai", broken_at=db.now(), broken_reason="HTTP 401")
        self.assertIn("The provider refused it", self.page())

    def test_admins_only(self) -> None:
        ben = self.as_(self.ben)
        for name in ("provider_keys", "provider_key_set", "email_domain", "email_domain_pick"):
            self.assertEqual(ben.get(self.url(name, self.agency)).status_code, 403, name)
        answer = ben.post(self.url("provider_key_set", self.agency), {"provider": "openai", "api_key": CANARY})
        self.assertEqual(answer.status_code, 403)
        self.assertEqual(self.as_(self.dov).get(self.url("provider_keys")).status_code, 404)

    def test_the_list_costs_the_same_for_one_and_three_keys(self) -> None:
        self.page()
        for slots in (["openai"], ["xai", "gladia"]):
            for slot in slots:
                factories.make_provider_key(self.client_org, slot)
            with self.assertNumQueries(12):  # the frame of every page, and one query for the keys
                self.page()
