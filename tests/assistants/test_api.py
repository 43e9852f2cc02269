"""Assistants and their older name on the wire."""

from __future__ import annotations

from apps.core import db
from apps.core.scope import Scope, acting
from apps.webhooks.models import Endpoint
from apps.webhooks.targets import url_digest
from tests import factories
from tests.cases import TenantCase

NULLS = (
    "business_name", "notification_email", "notification_emails", "recording_consent", "max_duration_seconds",
    "voicemail_message", "webhook_url", "webhook_secret", "webhook_events", "analysis_plan", "speech_config",
)  # fmt: skip


class AssistantApiTest(TenantCase):
    def setUp(self) -> None:
        self.cleo_api = self.api(self.client_org)
        self.theirs = factories.make_assistant(self.stranger, name="Theirs")

    def test_only_a_name_is_needed(self) -> None:
        answer = self.cleo_api.post("/assistants", {"name": "Front desk"})
        self.assertEqual(answer.status_code, 201)
        body = answer.json()["assistant"]
        self.assertEqual({name: body[name] for name in NULLS}, dict.fromkeys(NULLS))
        self.assertEqual(body["llm_config"]["model"], "gpt-5.4")
        self.assertEqual(body["org_id"], str(self.client_org.pk))
        self.assertRegex(body["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_a_missing_name_is_named(self) -> None:
        answer = self.cleo_api.post("/assistants", {})
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(
            answer.json(),
            {
                "error": "Validation failed", "message": "name: this field is required",
                "details": ["name: this field is required"], "type": "missing_field", "param": "name",
            },
        )  # fmt: skip

    def test_settings_of_all_providers_are_echoed(self) -> None:
        made = self.cleo_api.post("/assistants", {"name": "Mixed"}).json()["assistant"]
        sent = {
            "stt_config": {"provider": "deepgram", "model": "nova-3", "language": "nl", "endpointing": 0.05},
            "llm_config": {"provider": "openai", "model": "gpt-5.4", "voice": "ara", "messages": [], "tools": []},
            "tts_config": {"provider": "elevenlabs", "voice_id": "x", "instructions": "calm"},
            "webhook_url": "http://example.com/hook", "webhook_events": ["unknown-event"],
        }  # fmt: skip
        answer = self.cleo_api.patch(f"/assistants/{made['id']}", sent)
        self.assertEqual(answer.status_code, 200)
        self.assertEqual({key: answer.json()["assistant"][key] for key in sent}, sent)

    def test_patch_changes_only_what_was_sent(self) -> None:
        made = self.cleo_api.post("/assistants", {"name": "A", "first_message": "Hello"}).json()["assistant"]
        changed = self.cleo_api.patch(f"/assistants/{made['id']}", {"first_message": None}).json()["assistant"]
        self.assertEqual(changed | {"updated_at": made["updated_at"]}, made | {"first_message": None})

    def test_saving_switches_a_url_on_again_that_answered_410(self) -> None:
        assistant = factories.make_assistant(self.client_org, webhook_url="https://example.com/hook")
        with acting(Scope((self.client_org.pk,))):
            off = Endpoint.objects.create(
                organization=self.client_org, level="assistant", owner_id=str(assistant.pk),
                url_digest=url_digest(assistant.webhook_url), off_at=db.now(),
            )  # fmt: skip
        self.assertEqual(self.cleo_api.patch(f"/assistants/{assistant.pk}", {"name": "Again"}).status_code, 200)
        with acting(Scope((self.client_org.pk,))):
            off.refresh_from_db()
        self.assertIsNone(off.off_at)

    def test_deleting_clears_numbers_and_a_second_time_is_404(self) -> None:
        assistant = factories.make_assistant(self.client_org)
        number = factories.make_number(self.client_org, assistant=assistant)
        self.assertEqual(self.cleo_api.delete(f"/assistants/{assistant.pk}").json(), {"success": True})
        self.assertIsNone(self.cleo_api.get(f"/numbers/{number.pk}").json()["number"]["assistant_id"])
        self.assertEqual(self.cleo_api.delete(f"/assistants/{assistant.pk}").status_code, 404)
        self.assertEqual(self.cleo_api.get("/assistants").json(), {"assistants": []})

    def test_agents_are_the_same_under_both_names(self) -> None:
        made = self.cleo_api.post("/agents", {"name": "Front desk"})
        self.assertEqual(made.json()["agent"], made.json()["assistant"])
        self.assertEqual(made["Deprecation"], "true")
        listed = self.cleo_api.get("/agents").json()
        self.assertEqual(listed, {"agents": [made.json()["agent"]], "assistants": [made.json()["agent"]]})

    def test_somebody_elses_assistant_is_404_for_every_method(self) -> None:
        for method in (self.cleo_api.get, self.cleo_api.patch, self.cleo_api.delete):
            answer = method(f"/assistants/{self.theirs.pk}")
            self.assertEqual((answer.status_code, answer.json()["type"]), (404, "not_found"))
