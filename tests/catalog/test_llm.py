"""Completions over real HTTP, one stand-in per wire format: what is sent, how answers and refusals are read, whose key serves."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.db import transaction
from django.test import override_settings

from apps.catalog import google_token, llm
from apps.catalog.llm import OPERATOR, KeyRefused, ModelBusy, ModelRefused, NoModel, Usage, complete
from apps.catalog.models import PostCallModel, ProviderKey, ProviderSettings
from apps.catalog.services.postcall import Choice, choice_for
from apps.core.http import OutsideInTransaction
from apps.mail.models import Message as Mail
from tests import factories
from tests.cases import TenantCase
from tests.receivers import Received, Receiver, Reply

ASKED = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Yes?"}]
SCHEMA = {"type": "object", "properties": {"day": {"type": "string"}}}
CHAT = {"choices": [{"message": {"content": "Hello."}}], "usage": {"prompt_tokens": 12, "completion_tokens": 3}}
GEMINI = {
    "candidates": [{"content": {"parts": [{"text": "thinking", "thought": True}, {"text": "Hello."}]}}],
    "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 3, "thoughtsTokenCount": 4},
}  # fmt: skip


class CompletionTest(TenantCase):
    def ask(self, organization: Any = None, /, provider: str = "openai", model: str | None = None, **options: Any) -> Any:
        organization = organization or self.client_org
        with self.acting_for(organization):
            return complete(
                organization=organization, provider=provider, model=model, messages=ASKED,
                **{"seconds": 5.0, "now": factories.NOW, **options},
            )  # fmt: skip

    def test_openai_takes_a_chat_completion(self) -> None:
        factories.make_provider_key(self.client_org, "openai", "sk-own")
        with Receiver(Reply(body=CHAT)) as server, override_settings(LLM_BASE_URLS={"openai": f"{server.url}/v1/"}):
            found = self.ask(json_schema=SCHEMA)
        self.assertEqual((found.text, found.usage, found.key_level), ("Hello.", Usage(12, 3), "own"))
        self.assertEqual((found.provider, found.model), ("openai", "gpt-5.4-mini"))
        (got,) = server.received
        self.assertEqual((got.method, got.path, got.headers["authorization"]), ("POST", "/v1/chat/completions", "Bearer sk-own"))
        self.assertEqual(got.json, {
            "model": "gpt-5.4-mini", "messages": ASKED, "max_completion_tokens": 4000, "reasoning_effort": "none",
            "response_format": {"type": "json_schema", "json_schema": {"name": "result", "schema": SCHEMA, "strict": False}},
        })  # fmt: skip

    def test_xai_and_mistral_take_the_same_at_their_own_addresses(self) -> None:
        for provider, model, extra in (("xai", "grok-4.3", {"reasoning_effort": "none"}), ("mistral", "mistral-medium-latest", {})):
            factories.make_provider_key(self.client_org, provider, f"key-{provider}")
            with Receiver(Reply(body=CHAT)) as server, override_settings(LLM_BASE_URLS={provider: server.url}):
                self.assertEqual(self.ask(provider=provider).model, model)
            (got,) = server.received
            self.assertEqual((got.path, got.headers["authorization"]), ("/chat/completions", f"Bearer key-{provider}"))
            self.assertEqual(got.json, {"model": model, "messages": ASKED, "max_tokens": 4000} | extra)

    def test_mistral_may_answer_in_parts(self) -> None:
        factories.make_provider_key(self.client_org, "mistral")
        body = {"choices": [{"message": {"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]}}]}
        with Receiver(Reply(body=body)) as server, override_settings(LLM_BASE_URLS={"mistral": server.url}):
            found = self.ask(provider="mistral")
        self.assertEqual((found.text, found.usage), ("Hello.", Usage()))

    def test_gemini_with_a_google_key(self) -> None:
        factories.make_provider_key(self.client_org, "google", "AIza-own")
        with Receiver(Reply(body=GEMINI)) as server, override_settings(LLM_BASE_URLS={"google": server.url}):
            found = self.ask(provider="google_realtime", json_schema=SCHEMA)
        self.assertEqual((found.text, found.usage, found.model), ("Hello.", Usage(12, 7), "gemini-3.5-flash-lite"))
        (got,) = server.received
        self.assertEqual(got.path, "/models/gemini-3.5-flash-lite:generateContent")
        self.assertEqual((got.headers["x-goog-api-key"], "authorization" in got.headers), ("AIza-own", False))
        self.assertEqual(got.json, {
            "systemInstruction": {"parts": [{"text": "Be short."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hi."}]}, {"role": "model", "parts": [{"text": "Yes?"}]}],
            "generationConfig": {"maxOutputTokens": 4000, "responseMimeType": "application/json"},
        })  # fmt: skip

    def test_vertex_signs_in_with_the_service_account(self) -> None:
        google_token._kept.clear()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        def answer(got: Received) -> Reply:
            return Reply(body={"access_token": "ya29.token", "expires_in": 3600} if got.path == "/token" else GEMINI)

        with Receiver(answer) as server, override_settings(LLM_BASE_URLS={"google_vertex": server.url}):
            account = _account(key, f"{server.url}/token")
            factories.make_provider_key(self.client_org, "google_vertex", json.dumps(account))
            self.assertEqual(self.ask(provider="google").model, "gemini-2.5-flash-lite")
            self.ask(provider="google", model="gemini-3.5-flash")
        sign_in, first, second = server.received
        self.assertEqual([sign_in.path, first.path, second.path], [
            "/token",
            "/projects/dental-1/locations/europe-west4/publishers/google/models/gemini-2.5-flash-lite:generateContent",
            "/projects/dental-1/locations/eu/publishers/google/models/gemini-3.5-flash:generateContent",
        ])  # fmt: skip
        self.assertEqual({each.headers["authorization"] for each in (first, second)}, {"Bearer ya29.token"})
        head, claims, signature = re.search(rb"assertion=([^&]+)", sign_in.body)[1].decode().split(".")  # type: ignore[index]
        self.assertEqual(_decoded(claims)["aud"], f"{server.url}/token")
        self.assertEqual(_decoded(claims)["iss"], "reader@dental-1.iam.gserviceaccount.com")
        key.public_key().verify(_bytes(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())

    def test_a_location_is_no_host(self) -> None:
        factories.make_provider_key(self.client_org, "google_vertex", json.dumps({"project_id": "p", "client_email": "a@b", "private_key": "k"}))
        with self.acting_for(self.client_org):
            ProviderSettings.objects.create(organization=self.client_org, provider="google_vertex", settings={"location": "10.0.0.5:8443/x?"})
        with mock.patch.object(llm, "access_token", return_value="t"), self.assertRaisesMessage(NoModel, "is no location of Vertex AI"):
            self.ask(provider="google")

    def test_the_operators_own_model_needs_no_key(self) -> None:
        with Receiver(Reply(body=CHAT)) as server, override_settings(POSTCALL_LLM_BASE_URL=f"{server.url}/", POSTCALL_LLM_MODEL="llama", POSTCALL_LLM_KEY=""):
            found = self.ask(provider=OPERATOR)
        self.assertEqual((found.model, found.key_level), ("llama", "platform"))
        self.assertNotIn("authorization", server.received[0].headers)

    def test_a_server_without_schemas_is_asked_again_without_one(self) -> None:
        def answer(got: Received) -> Reply:
            if "response_format" in got.json:
                return Reply(400, {"error": {"message": "Unknown field response_format", "code": "unsupported"}})
            return Reply(body=CHAT)

        with Receiver(answer) as server, override_settings(POSTCALL_LLM_BASE_URL=server.url, POSTCALL_LLM_MODEL="old"):
            self.assertEqual(self.ask(provider=OPERATOR, json_schema=SCHEMA).text, "Hello.")
        self.assertEqual(len(server.received), 2)

    def test_own_key_then_agencys_then_platforms(self) -> None:
        with Receiver(Reply(body=CHAT)) as server, override_settings(LLM_BASE_URLS={"openai": server.url}, PLATFORM_KEYS={"openai": "sk-platform"}):
            factories.make_provider_key(self.stranger, "openai", "sk-stranger")
            levels = [self.ask().key_level]
            factories.make_provider_key(self.agency, "openai", "sk-agency")
            levels.append(self.ask().key_level)
            factories.make_provider_key(self.client_org, "openai", "sk-own")
            levels.append(self.ask().key_level)
        self.assertEqual(levels, ["platform", "parent", "own"])
        self.assertEqual([each.headers["authorization"] for each in server.received], ["Bearer sk-platform", "Bearer sk-agency", "Bearer sk-own"])

    def test_an_address_stored_beside_a_key_gets_that_key_only(self) -> None:
        """A client that names an address must not draw its agency's key there, nor the platform's."""
        with Receiver(Reply(body=CHAT)) as usual, Receiver(Reply(body=CHAT)) as mine:
            self.store_address(self.client_org, mine.url)
            with override_settings(LLM_BASE_URLS={"openai": usual.url}, PLATFORM_KEYS={"openai": "sk-platform"}):
                self.ask()
                factories.make_provider_key(self.client_org, "openai", "sk-own")
                self.ask()
        self.assertEqual([each.headers["authorization"] for each in usual.received], ["Bearer sk-platform"])
        self.assertEqual([each.headers["authorization"] for each in mine.received], ["Bearer sk-own"])

    def test_a_private_address_of_a_customer_is_refused(self) -> None:
        factories.make_provider_key(self.client_org, "openai")
        with Receiver(Reply(body=CHAT)) as server, override_settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            self.store_address(self.client_org, server.url)
            with self.assertRaises(ModelRefused):
                self.ask()
        self.assertEqual(server.received, [])

    def test_a_refused_key_is_marked_and_its_owners_are_told(self) -> None:
        factories.make_provider_key(self.agency, "openai", "sk-agency")
        refusal = Reply(401, {"error": {"message": "Incorrect API key provided: sk-agency", "code": "invalid_api_key"}})
        keys = {"openai": "sk-platform"}
        with Receiver(refusal) as server, override_settings(LLM_BASE_URLS={"openai": server.url}, PLATFORM_KEYS=keys), self.assertRaises(KeyRefused):
            self.ask(now=factories.NOW.replace(year=2027))
        self.assertEqual(len(server.received), 1)
        with self.acting_for(self.agency):
            row = ProviderKey.objects.get()
            self.assertEqual((row.broken_at is not None, row.broken_reason), (True, "HTTP 401"))
            self.assertEqual(Mail.objects.get().to, "ada@example.com")

    def test_gemini_says_400_for_a_wrong_key(self) -> None:
        factories.make_provider_key(self.client_org, "google")
        refusal = Reply(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}})
        with Receiver(refusal) as server, override_settings(LLM_BASE_URLS={"google": server.url}), self.assertRaises(KeyRefused):
            self.ask(provider="google_realtime")
        with self.acting_for(self.client_org):
            self.assertIsNotNone(ProviderKey.objects.get().broken_at)

    def test_what_may_be_tried_again_and_what_not(self) -> None:
        factories.make_provider_key(self.client_org, "openai")
        cases: list[tuple[Reply, type[Exception]]] = [
            (Reply(429, {"error": {"code": "rate_limit"}}), ModelBusy),
            (Reply(503, {}), ModelBusy),
            (Reply(cut=True), ModelBusy),
            (Reply(200, b"no JSON"), ModelRefused),
            (Reply(200, {"choices": [{"message": {"content": "  "}}]}), ModelRefused),
            (Reply(404, {"error": {"code": "model_not_found", "message": "secret words"}}), ModelRefused),
            (Reply(200, b'"' + b"x" * 2_000_000 + b'"'), ModelRefused),
            (Reply(307, {}, {"Location": "http://127.0.0.1:1/"}), ModelRefused),
        ]  # fmt: skip
        for reply, wanted in cases:
            with self.subTest(reply.status), Receiver(reply) as server, override_settings(LLM_BASE_URLS={"openai": server.url}):
                with self.assertRaises(wanted) as raised:
                    self.ask()
                self.assertNotIn("secret words", str(raised.exception))
        with self.acting_for(self.client_org):
            self.assertIsNone(ProviderKey.objects.get().broken_at)

    def test_a_slow_model_is_given_up_in_time(self) -> None:
        factories.make_provider_key(self.client_org, "openai")
        slow = Receiver(Reply(wait=3, body=CHAT))
        with slow as server, override_settings(LLM_BASE_URLS={"openai": server.url}), self.assertRaises(ModelBusy):
            self.ask(seconds=0.3)

    def test_without_a_key_nothing_is_sent(self) -> None:
        factories.make_provider_key(self.stranger, "openai", "sk-stranger")
        for provider in ("openai", "whisper", OPERATOR):
            with self.assertRaises(NoModel):
                self.ask(provider=provider)

    def test_never_inside_a_transaction(self) -> None:
        factories.make_provider_key(self.client_org, "openai")
        with self.acting_for(self.client_org), transaction.atomic(), self.assertRaises(OutsideInTransaction):
            complete(organization=self.client_org, provider="openai", model=None, messages=ASKED, seconds=1, now=factories.NOW)

    def store_address(self, organization: Any, url: str) -> None:
        with self.acting_for(organization):
            ProviderSettings.objects.create(organization=organization, provider="openai", settings={"base_url": url})


class AddressTest(TenantCase):
    url = "/o/bakker-dental/settings/provider-keys/set"

    def send(self, address: str) -> Any:
        return self.as_(self.cleo).post(self.url, {"provider": "openai", "api_key": "sk-own", "base_url": address})

    def test_an_address_of_ones_own_is_stored_beside_the_key(self) -> None:
        with Receiver(Reply(body=CHAT)) as server:
            self.assertEqual(self.send(f"{server.url}/v1").status_code, 302)
            with self.acting_for(self.client_org):
                complete(organization=self.client_org, provider="openai", model="any", messages=ASKED, seconds=5, now=factories.NOW)
        self.assertEqual([(each.path, each.json["model"]) for each in server.received], [("/v1/chat/completions", "any")])
        self.assertContains(self.as_(self.cleo).get(f"{self.url}?provider=openai"), f"{server.url}/v1")
        self.send("")
        self.assertNotContains(self.as_(self.cleo).get(f"{self.url}?provider=openai"), server.url)

    @override_settings(WEBHOOK_ALLOWED_NETWORKS=[])
    def test_a_private_one_is_refused_and_nothing_is_stored(self) -> None:
        page = self.send("http://10.0.0.1:8080/v1")
        self.assertEqual(page.status_code, 422)
        self.assertNotContains(page, "sk-own", status_code=422)
        with self.acting_for(self.client_org):
            self.assertFalse(ProviderKey.objects.exists())

    def test_other_slots_have_no_such_field(self) -> None:
        self.assertNotContains(self.as_(self.cleo).get(f"{self.url}?provider=xai"), "base_url")


class ChoiceTest(TenantCase):
    def choice(self, provider: str = "openai") -> Choice | None:
        with self.acting_for(self.client_org):
            return choice_for(self.client_org, {"provider": provider, "model": "gpt-5.4"})

    def test_nothing_is_set_up(self) -> None:
        factories.make_provider_key(self.stranger, "openai")
        self.assertIsNone(self.choice())

    @override_settings(PLATFORM_KEYS={"openai": "sk-platform"})
    def test_the_assistants_provider_then_the_operators_model(self) -> None:
        self.assertEqual(self.choice(), Choice("openai"))
        self.assertIsNone(self.choice("mistral"))
        with override_settings(POSTCALL_LLM_BASE_URL="http://127.0.0.1:9", POSTCALL_LLM_MODEL="llama"):
            self.assertEqual(self.choice(), Choice(OPERATOR))
            factories.make_provider_key(self.agency, "openai")
            self.assertEqual(self.choice(), Choice("openai"))

    def test_the_organizations_choice_wins(self) -> None:
        factories.make_provider_key(self.client_org, "openai")
        with self.acting_for(self.client_org):
            row = PostCallModel.objects.create(organization=self.client_org, provider="mistral", model="mistral-small-latest")
        self.assertEqual(self.choice(), Choice("mistral", "mistral-small-latest"))
        with self.acting_for(self.client_org):
            row.change(factories.NOW, provider="", model="")
        self.assertIsNone(self.choice())


class SettingsPageTest(TenantCase):
    url = "/o/bakker-dental/settings/after-calls"

    def test_an_admin_chooses_a_model_none_and_automatic(self) -> None:
        cleo = self.as_(self.cleo)
        self.assertContains(cleo.get(self.url), "gpt-5.4-mini")
        for choice, wanted in (("mistral/mistral-small-latest", ("mistral", "mistral-small-latest")), ("none", ("", "")), ("automatic", None)):
            self.assertRedirects(cleo.post(self.url, {"choice": choice}), self.url)
            with self.acting_for(self.client_org):
                row = PostCallModel.objects.for_organization(self.client_org).first()
            self.assertEqual(row and (row.provider, row.model), wanted)
            self.assertContains(cleo.get(self.url), f'<option value="{choice}" selected')

    def test_what_is_not_offered_is_refused(self) -> None:
        self.assertEqual(self.as_(self.cleo).post(self.url, {"choice": "openai/gpt-77"}).status_code, 422)

    def test_members_and_strangers_do_not_get_in(self) -> None:
        self.assertEqual(self.as_(self.dov).get(self.url).status_code, 404)
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        self.assertEqual(self.as_(viewer).post(self.url, {"choice": "none"}).status_code, 403)


def _account(key: rsa.RSAPrivateKey, token_uri: str) -> dict[str, str]:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "type": "service_account", "project_id": "dental-1", "private_key_id": "k1", "private_key": pem.decode(),
        "client_email": "reader@dental-1.iam.gserviceaccount.com", "token_uri": token_uri,
    }  # fmt: skip


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _decoded(text: str) -> Any:
    return json.loads(_bytes(text))
