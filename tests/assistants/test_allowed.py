"""What of an assistant a client may see and change: prompts, models, tools, as its plan says."""

from __future__ import annotations

import re
from typing import Any

from apps.assistants.models import Assistant
from apps.assistants.schema import defaults
from apps.catalog import providers
from apps.core import db
from apps.organizations.features import ALL, closed
from apps.organizations.services import SYSTEM
from apps.portal.services.plans import set_exceptions
from tests import factories
from tests.cases import TenantCase

PROMPT = "Never say the magic word."
PROVIDERS = sorted({name for part in ("stt", "llm", "tts") for each in providers.providers(part) for name in (each.id, each.label)})


class AllowedCase(TenantCase):
    def setUp(self) -> None:
        self.assistant = factories.make_assistant(
            self.client_org, name="Reception", first_message="Hello", webhook_url="https://example.com/hook",
            llm_config=defaults()["llm_config"] | {"messages": [{"role": "system", "content": PROMPT}]},
        )  # fmt: skip
        self.path = f"/o/{self.client_org.slug}/assistants/{self.assistant.pk}"

    def off(self, *names: str) -> None:
        set_exceptions(client=self.client_org, limits={}, features=closed(ALL - set(names)), by=SYSTEM, now=db.now())

    def prompt(self) -> Any:
        return self.stored().llm_config["messages"][0]["content"]

    def stored(self) -> Assistant:
        with self.acting_for(self.client_org):
            return Assistant.objects.get(pk=self.assistant.pk)


class PageTest(AllowedCase):
    def test_without_models_no_provider_is_named(self) -> None:
        self.off("choose_models", "voice_engine")
        cleo = self.as_(self.cleo)
        for path in (self.path, f"/o/{self.client_org.slug}/assistants", f"/o/{self.client_org.slug}/"):
            page = cleo.get(path).content.decode()
            self.assertEqual([name for name in PROVIDERS if re.search(rf"\b{re.escape(name)}\b", page, re.I)], [], path)
        self.assertEqual(cleo.get(f"{self.path}/part?part=tts&provider=elevenlabs").status_code, 404)
        self.assertContains(self.as_(self.ada).get(self.path), "ElevenLabs")

    def test_without_prompts_the_opening_line_is_hers_to_change(self) -> None:
        self.off("edit_prompts", "choose_models", "templates", "webhooks")
        cleo = self.as_(self.cleo)
        page = cleo.get(self.path)
        self.assertNotContains(page, "magic word")
        self.assertContains(page, "Hello")
        before = self.stored()
        sent = {"version": before.version, "name": "Reception", "first_message": "Good day", "is_active": "on", "silence_timeout_seconds": "8"}
        answer = cleo.post(self.path, sent)
        self.assertEqual(answer.status_code, 302, answer.content[:300])
        after = self.stored()
        self.assertEqual((after.first_message, after.webhook_url), ("Good day", before.webhook_url))
        for name in ("llm_config", "stt_config", "tts_config", "analysis_plan", "webhook_events"):
            self.assertEqual(getattr(after, name), getattr(before, name), name)

    def test_what_is_sent_all_the_same_changes_nothing(self) -> None:
        self.off("edit_prompts")
        sent = {"version": self.stored().version, "name": "Reception", "prompt": "Mine", "is_active": "on", "silence_timeout_seconds": "8"}
        self.as_(self.cleo).post(self.path, sent)
        self.assertEqual(self.prompt(), PROMPT)

    def test_who_may_only_look_sees_no_save_button(self) -> None:
        self.off("edit_assistants")
        page = self.as_(self.cleo).get(self.path)
        self.assertContains(page, "changes are made by your provider")
        self.assertNotContains(page, "assistants/new")


class ApiTest(AllowedCase):
    def patch(self, **body: Any) -> Any:
        return self.api(self.client_org).patch(f"/assistants/{self.assistant.pk}", body)

    def test_changes_are_refused_with_the_name_of_what_is_missing(self) -> None:
        self.off("edit_prompts", "choose_models", "templates", "webhooks")
        models = defaults()
        refused = {
            "edit_prompts": {"llm_config": self.assistant.llm_config | {"messages": [{"role": "system", "content": "Mine"}]}},
            "choose_models": {"tts_config": models["tts_config"] | {"voice_id": "another"}},
            "templates": {"analysis_plan": {"structured_data_plan": {"enabled": False}}},
            "webhooks": {"webhook_url": "https://example.com/mine"},
        }
        for feature, body in refused.items():
            answer = self.patch(**body)
            self.assertEqual((answer.status_code, answer.json().get("feature")), (403, feature), answer.json())
        self.assertEqual(self.patch(first_message="Good day").status_code, 200)

    def test_a_new_one_has_what_the_product_gives_it(self) -> None:
        self.off("edit_prompts", "choose_models")
        key = self.api(self.client_org)
        self.assertEqual(key.post("/assistants", {"name": "Plain"}).status_code, 201)
        own = {"name": "Own", "llm_config": defaults()["llm_config"] | {"messages": [{"role": "system", "content": "Mine"}]}}
        self.assertEqual(key.post("/assistants", own).json()["feature"], "edit_prompts")

    def test_prompts_are_not_read(self) -> None:
        self.off("edit_prompts")
        body = self.api(self.client_org).get(f"/assistants/{self.assistant.pk}").json()["assistant"]
        self.assertNotIn("messages", body["llm_config"])
        self.assertEqual(body["first_message"], "Hello")
