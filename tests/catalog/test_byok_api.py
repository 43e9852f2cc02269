"""Provider keys on the wire (api 8.8): put in, never seen again."""

from __future__ import annotations

import logging

from apps.catalog.models import ProviderKey
from apps.organizations.models import AuditEntry
from tests import factories
from tests.cases import TenantCase

CANARY = "sk-canary-4242"
FIELDS = {
    f"{slot}_secret_id"
    for slot in ("deepgram", "openai", "elevenlabs", "inworld", "resend", "xai", "gladia", "mistral", "google", "google_vertex")
}


class ByokApiTest(TenantCase):
    def setUp(self) -> None:
        self.cleo_api = self.api(self.client_org)

    def keys(self) -> dict[str, str | None]:
        return self.cleo_api.get("/byok").json()["byok_keys"]

    def test_every_slot_is_always_there(self) -> None:
        self.assertEqual(self.cleo_api.get("/byok").json(), {"byok_keys": dict.fromkeys(FIELDS)})
        answer = self.cleo_api.post("/byok", {"provider": "openai", "api_key": CANARY})
        self.assertEqual((answer.status_code, answer.json()["success"]), (200, True))
        stored = answer.json()["byok_keys"]
        self.assertEqual(set(stored), FIELDS)
        self.assertEqual([field for field, value in stored.items() if value], ["openai_secret_id"])
        self.assertEqual(self.keys(), stored)

    def test_posting_again_replaces_the_key_and_its_id(self) -> None:
        first = self.cleo_api.post("/byok", {"provider": "openai", "api_key": "sk-1"}).json()["byok_keys"]
        second = self.cleo_api.post("/byok", {"provider": "openai", "api_key": "sk-2"}).json()["byok_keys"]
        self.assertNotEqual(first["openai_secret_id"], second["openai_secret_id"])
        with self.acting_for(self.client_org):
            self.assertEqual([row.secret for row in ProviderKey.objects.all()], ["sk-2"])

    def test_the_key_is_sealed_at_rest_and_shown_nowhere(self) -> None:
        with self.assertLogs(level=logging.DEBUG) as logs:
            logging.getLogger("test").info("at least one line")
            answer = self.cleo_api.post("/byok", {"provider": "openai", "api_key": CANARY})
        self.assertNotIn(CANARY, " ".join(logs.output))
        shown = answer.content + self.cleo_api.get("/byok").content + self.cleo_api.get("/byok/config").content
        self.assertNotIn(CANARY.encode(), shown)
        with self.acting_for(self.client_org):
            row = ProviderKey.objects.get()
            self.assertNotIn(CANARY.encode(), bytes(row.__dict__["secret"].sealed))
            self.assertEqual(row.secret, CANARY)
            entries = list(AuditEntry.objects.filter(action__startswith="provider_key").values_list("action", "target", "data"))
        self.assertEqual(entries, [("provider_key.add", "openai", {"slot": "openai"})])

    def test_a_missing_unknown_or_empty_value_is_400(self) -> None:
        for body, param, kind in (
            ({}, "provider", "missing_field"),
            ({"provider": "openai"}, "api_key", "missing_field"),
            ({"provider": "openai", "api_key": ""}, "api_key", "missing_field"),
            ({"provider": "openai", "api_key": "   "}, "api_key", "invalid_value"),
            ({"provider": "openai", "api_key": 5}, "api_key", "invalid_value"),
            ({"provider": "openai", "api_key": "a\nb"}, "api_key", "invalid_value"),
            ({"provider": "acme", "api_key": CANARY}, "provider", "unknown_provider"),
            ({"provider": ["openai"], "api_key": CANARY}, "provider", "unknown_provider"),
            ({"provider": "openai_secret_id", "api_key": CANARY}, "provider", "unknown_provider"),
        ):
            answer = self.cleo_api.post("/byok", body)
            found = answer.json()
            self.assertEqual((answer.status_code, found["param"], found["type"]), (400, param, kind), body)
            self.assertNotIn(CANARY, answer.content.decode())
        self.assertEqual(self.keys(), dict.fromkeys(FIELDS))

    def test_vertex_takes_a_json_object_as_text(self) -> None:
        for text in ("no json", "[1]", '"text"', "5", "{"):
            answer = self.cleo_api.post("/byok", {"provider": "google_vertex", "api_key": text})
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, "api_key"), text)
        answer = self.cleo_api.post("/byok", {"provider": "google_vertex", "api_key": '{"type":\n "service_account"}'})
        self.assertIsNotNone(answer.json()["byok_keys"]["google_vertex_secret_id"])

    def test_deleting_reads_the_body_or_the_query_and_an_empty_slot_is_fine(self) -> None:
        for slot in ("openai", "xai"):
            self.cleo_api.post("/byok", {"provider": slot, "api_key": CANARY})
        first = self.cleo_api.delete("/byok", {"provider": "openai"})
        self.assertEqual((first.status_code, first.json()["success"]), (200, True))
        self.assertEqual([field for field, value in first.json()["byok_keys"].items() if value], ["xai_secret_id"])
        self.assertEqual(self.cleo_api.delete("/byok?provider=xai").json()["byok_keys"], dict.fromkeys(FIELDS))
        again = self.cleo_api.delete("/byok", {"provider": "openai"})
        self.assertEqual((again.status_code, again.json()), (200, {"success": True, "byok_keys": dict.fromkeys(FIELDS)}))
        self.assertEqual(self.cleo_api.delete("/byok", {}).json()["type"], "missing_field")
        self.assertEqual(self.cleo_api.delete("/byok", {"provider": "acme"}).status_code, 400)
        with self.acting_for(self.client_org):
            self.assertEqual(AuditEntry.objects.filter(action="provider_key.remove").count(), 2)

    def test_keys_of_others_show_nowhere(self) -> None:
        for organization in (self.agency, self.stranger):
            factories.make_provider_key(organization, "openai")
        self.assertEqual(self.keys(), dict.fromkeys(FIELDS))
        self.assertEqual(self.cleo_api.get("/byok/config").json()["byok_config"], {})
        self.cleo_api.delete("/byok", {"provider": "openai"})
        with self.acting_for(self.stranger):
            self.assertEqual(ProviderKey.objects.for_organization(self.stranger).count(), 1)

    def test_a_member_of_the_organization_may_read_and_not_change(self) -> None:
        browser, path = self.as_(self.ben), f"/o/{self.agency.slug}/api/v1/byok"
        self.assertEqual(browser.get(path).status_code, 200)
        body = {"provider": "openai", "api_key": CANARY}
        self.assertEqual(browser.post(path, body, content_type="application/json").status_code, 403)
        self.assertEqual(self.as_(self.ada).post(path, body, content_type="application/json").status_code, 200)


class ByokConfigApiTest(TenantCase):
    def setUp(self) -> None:
        self.cleo_api = self.api(self.client_org)

    def test_the_catalogue_is_listed(self) -> None:
        found = self.cleo_api.get("/byok/config").json()
        self.assertEqual(found["byok_config"], {})
        for each in found["providers"]:
            self.assertEqual(set(each), {"id", "name", "category", "docsUrl", "models"})
            self.assertTrue(each["docsUrl"].startswith("https://"))
            for model in each["models"]:
                self.assertEqual(set(model), {"id", "name", "default"})
        ids = [(each["id"], each["category"]) for each in found["providers"]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertIn(("openai", "llm"), ids)
        self.assertIn(("elevenlabs", "stt"), ids)
        self.assertIn(("elevenlabs", "tts"), ids)
        openai = next(each for each in found["providers"] if each["id"] == "openai")
        self.assertEqual([model["id"] for model in openai["models"] if model["default"]], ["gpt-5.4"])

    def test_settings_are_merged_and_every_providers_come_back(self) -> None:
        for slot, key in (("openai", "sk"), ("google_vertex", "{}")):
            self.cleo_api.post("/byok", {"provider": slot, "api_key": key})
        self.cleo_api.post("/byok/config", {"provider": "openai", "config": {"model": "gpt-5.4", "tier": "flex"}})
        answer = self.cleo_api.post("/byok/config", {"provider": "openai", "config": {"tier": "auto"}})
        self.assertEqual((answer.status_code, answer.json()), (200, {"byok_config": {"openai": {"model": "gpt-5.4", "tier": "auto"}}}))
        wanted = {"google_vertex": {"location": "europe-west4"}, "openai": {"model": "gpt-5.4", "tier": "auto"}}
        body = {"provider": "google_vertex", "config": {"location": "europe-west4"}}
        self.assertEqual(self.cleo_api.post("/byok/config", body).json(), {"byok_config": wanted})
        self.assertEqual(self.cleo_api.get("/byok/config").json()["byok_config"], wanted)

    def test_without_a_key_or_with_a_bad_body_it_is_400(self) -> None:
        factories.make_provider_key(self.agency, "openai")
        factories.make_provider_key(self.client_org, "xai")
        for body, param in (
            ({"provider": "openai", "config": {}}, "provider"),
            ({"provider": "acme", "config": {}}, "provider"),
            ({"provider": "voicedock", "config": {}}, "provider"),
            ({"config": {}}, "provider"),
            ({"provider": "xai"}, "config"),
            ({"provider": "xai", "config": []}, "config"),
            ({"provider": "xai", "config": {"a": "x" * 20_000}}, "config"),
        ):
            answer = self.cleo_api.post("/byok/config", body)
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, param), body)
        self.assertEqual(self.cleo_api.get("/byok/config").json()["byok_config"], {})

    def test_a_provider_is_served_by_its_slots(self) -> None:
        factories.make_provider_key(self.client_org, "google_vertex", "{}")
        answer = self.cleo_api.post("/byok/config", {"provider": "google_realtime", "config": {"location": "eu"}})
        self.assertEqual(answer.json(), {"byok_config": {"google_realtime": {"location": "eu"}}})
