"""Whose provider key serves (features 16): own, agency's, platform's; what cannot be opened never falls back."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.test import override_settings

from apps.assistants.schema import defaults
from apps.catalog.models import ProviderKey
from apps.catalog.services.keys import mark_broken
from apps.catalog.services.lookup import keyring, keys_for, missing_slots, needs_of
from apps.core import db
from apps.core.crypto import encrypt
from apps.mail.models import Message
from apps.organizations.models import Organization
from tests import factories
from tests.cases import TenantCase

VERTEX_LIVE = {"llm_config": {"provider": "google_realtime", "model": "gemini-live-2.5-flash-native-audio"}}


class NeedsTest(TenantCase):
    def slots(self, **config: Any) -> dict[str, tuple[str, ...]]:
        return {need.part: need.slots for need in needs_of(config)}

    def test_a_text_model_needs_all_three_parts(self) -> None:
        self.assertEqual(self.slots(**defaults()), {"llm": ("openai",), "stt": ("deepgram",), "tts": ("elevenlabs",)})

    def test_a_realtime_model_needs_its_own_key_alone(self) -> None:
        values = defaults() | {"llm_config": {"provider": "openai_live", "model": "gpt-live-1"}}
        self.assertEqual(self.slots(**values), {"llm": ("openai",)})

    def test_the_model_or_a_setting_may_name_the_slot(self) -> None:
        self.assertEqual(self.slots(**VERTEX_LIVE), {"llm": ("google_vertex",)})
        live = {"provider": "google_realtime", "model": "unheard-of"}
        self.assertEqual(self.slots(llm_config=live), {"llm": ("google", "google_vertex")})
        self.assertEqual(self.slots(llm_config=live | {"vertexai": True}), {"llm": ("google_vertex",)})

    def test_local_and_free_providers_need_none(self) -> None:
        found = self.slots(stt_config={"provider": "whisper"}, tts_config={"provider": "voicedock", "model": "voicedock-1"})
        self.assertEqual(found, {})
        self.assertEqual(self.slots(llm_config=None, stt_config="text", tts_config={"provider": ["x"]}), {})


class OrderTest(TenantCase):
    def find(self, organization: Organization, *slots: str) -> dict[str, tuple[str, str]]:
        with self.acting_for(organization):
            return {slot: (key.source, key.text) for slot, key in keys_for(organization, slots).items()}

    @override_settings(PLATFORM_KEYS={"openai": "platform", "google_vertex": {"type": "service_account"}, "acme": "x"})
    def test_own_then_parent_then_platform(self) -> None:
        self.assertEqual(self.find(self.client_org, "openai", "xai", "acme"), {"openai": ("platform", "platform")})
        self.assertEqual(self.find(self.client_org, "google_vertex")["google_vertex"], ("platform", '{"type": "service_account"}'))
        factories.make_provider_key(self.agency, "openai", "agency")
        factories.make_provider_key(self.stranger, "openai", "stranger")
        self.assertEqual(self.find(self.client_org, "openai"), {"openai": ("parent", "agency")})
        own = factories.make_provider_key(self.client_org, "openai", "own")
        self.assertEqual(self.find(self.client_org, "openai"), {"openai": ("own", "own")})
        self.assertEqual(self.find(self.agency, "openai"), {"openai": ("own", "agency")})
        with self.acting_for(self.client_org):
            own.delete()
        self.assertEqual(self.find(self.client_org, "openai"), {"openai": ("parent", "agency")})

    @override_settings(PLATFORM_KEYS={"openai": "platform"})
    def test_a_key_that_cannot_be_opened_never_falls_back(self) -> None:
        factories.make_provider_key(self.agency, "openai", "agency")
        own = factories.make_provider_key(self.client_org, "openai", "own")
        self.spoil(own, self.stranger)
        with self.assertLogs("apps.catalog.services.lookup", "ERROR") as logs:
            self.assertEqual(self.find(self.client_org, "openai"), {})
        self.assertIn("openai", logs.output[0])
        with self.acting_for(self.client_org), self.assertLogs("apps.catalog.services.lookup", "ERROR"):
            self.assertEqual(missing_slots(self.client_org, {"llm_config": {"provider": "openai"}}), ["openai"])

    @override_settings(PLATFORM_KEYS={"openai": "platform"})
    def test_nor_does_an_agencys(self) -> None:
        self.spoil(factories.make_provider_key(self.agency, "openai", "agency"), self.stranger)
        with self.assertLogs("apps.catalog.services.lookup", "ERROR"):
            self.assertEqual(self.find(self.client_org, "openai"), {})

    def spoil(self, row: ProviderKey, owner: Organization) -> None:
        """As if the row had been copied from somebody else."""
        held = type(row.__dict__["secret"])
        row.__dict__["secret"] = held(sealed=encrypt("x", owner=owner.pk, field="catalog_providerkey.secret"))
        with self.acting_for(row.organization):
            row.save(update_fields=["secret"])

    @override_settings(PLATFORM_KEYS={"google": "platform"})
    def test_of_slots_that_do_alike_the_nearest_owner_wins(self) -> None:
        factories.make_provider_key(self.client_org, "google_vertex", '{"type": "service_account"}')
        with self.acting_for(self.client_org):
            ring = keyring(self.client_org, {"llm_config": {"provider": "google_realtime", "model": "unheard-of"}})
        self.assertEqual(ring.sources, {"llm": "own"})
        self.assertEqual(ring.credentials, {"google_vertex": {"api_key": '{"type": "service_account"}'}})

    def test_a_ring_names_what_is_missing_and_never_prints_a_key(self) -> None:
        factories.make_provider_key(self.client_org, "deepgram", "dg-canary")
        with self.acting_for(self.client_org), self.assertNumQueries(1):
            ring = keyring(self.client_org, defaults())
        self.assertEqual((ring.missing_slots, ring.sources), (["openai", "elevenlabs"], {"stt": "own"}))
        self.assertEqual(ring.problem, "No usable provider key in the slot openai, elevenlabs.")
        self.assertEqual(ring.credentials, {"deepgram": {"api_key": "dg-canary"}})
        self.assertNotIn("dg-canary", repr(ring))

    def test_the_location_of_vertex_goes_along(self) -> None:
        api = self.api(self.client_org)
        api.post("/byok", {"provider": "google_vertex", "api_key": "{}"})
        api.post("/byok/config", {"provider": "google_vertex", "config": {"location": "europe-west4"}})
        with self.acting_for(self.client_org), self.assertNumQueries(2):
            ring = keyring(self.client_org, VERTEX_LIVE)
        self.assertEqual(ring.credentials, {"google_vertex": {"api_key": "{}", "location": "europe-west4"}})


class BrokenTest(TenantCase):
    def mark(self, slot: str = "openai", **values: Any) -> ProviderKey | None:
        now = db.now()
        with self.acting_for(self.client_org), transaction.atomic():
            return mark_broken(
                organization=self.client_org, slot=slot, now=now, **({"used_at": now, "reason": "HTTP 401", "tell": True} | values)
            )

    def mails(self, organization: Organization) -> list[str]:
        with self.acting_for(organization):
            return list(Message.objects.of(organization.pk).values_list("to", flat=True))

    def test_the_owners_of_the_key_are_mailed_once(self) -> None:
        factories.make_provider_key(self.client_org, "openai")
        self.assertIsNotNone(self.mark())
        self.assertIsNone(self.mark())
        self.assertEqual((self.mails(self.client_org), self.mails(self.agency)), (["cleo@example.com"], []))

    def test_an_agencys_key_is_the_agencys_matter(self) -> None:
        factories.make_provider_key(self.agency, "openai")
        self.mark()
        self.assertEqual((self.mails(self.client_org), self.mails(self.agency)), ([], ["ada@example.com"]))
        with self.acting_for(self.agency):
            text = Message.objects.get().text
        self.assertNotIn(self.client_org.name, text)  # which client called is not told
        self.assertIn("OpenAI refused the key that Northwind Voice stored", text)

    def test_a_key_that_was_replaced_since_is_not_meant(self) -> None:
        factories.make_provider_key(self.client_org, "openai", set_at=db.now())
        self.assertIsNone(self.mark(used_at=factories.NOW.replace(year=2020)))
        self.assertEqual(self.mails(self.client_org), [])

    def test_the_platforms_key_is_only_logged(self) -> None:
        with self.assertLogs("apps.catalog.services.keys", "WARNING"):
            self.assertIsNone(self.mark())

    def test_a_new_key_is_whole_again(self) -> None:
        factories.make_provider_key(self.client_org, "openai")
        self.mark()
        self.api(self.client_org).post("/byok", {"provider": "openai", "api_key": "sk-new"})
        with self.acting_for(self.client_org):
            self.assertIsNone(ProviderKey.objects.get().broken_at)
