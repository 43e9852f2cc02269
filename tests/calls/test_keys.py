"""Provider keys of calls: refused without, sent along where the engine takes them, told in the usage log (features 16)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db.models import BinaryField, TextField
from django.db.models.functions import Cast
from django.test import override_settings

from apps.calls.models import Call, EngineEvent
from apps.calls.services.dial import dial
from apps.catalog.models import ProviderKey
from apps.core.errors import Invalid
from apps.voice.models import Connection
from tests import factories
from tests.calls.support import FEATURES, apply, event, make_connection, post, reserve, scope_of, wanted
from tests.calls.test_hooks import HookCase
from tests.campaigns.support import calls_of, leads_of, running_campaign, tick
from tests.cases import TenantCase
from tests.engine import Sandbox
from tests.receivers import Received, Receiver, Reply

SLOTS = ("openai", "deepgram", "elevenlabs")
CANARY = "sk-canary-4242"


def engine(url: str = "http://127.0.0.1:9", **fields: Any) -> Connection:
    """A worker that needs keys and takes them with each call."""
    known = {"kind": "worker", "instance": "w1", "simulated": False, "clock": 1, "features": [*FEATURES, "credentials"]}
    return make_connection(None, base_url=url, engine=known | fields)


def accepts(got: Received) -> Reply:
    if got.path == "/engine/receiver":
        return Reply(200, {})
    return Reply(200, {"success": True, "call_id": "eng-1", "status": "dialing", "room_name": "eng-1"})


class OutboundTest(TenantCase):
    def setUp(self) -> None:
        factories.add_credits(self.agency, 100)
        self.assistant = factories.make_assistant(self.client_org)
        self.number = factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org))

    def reserved(self, connection: Connection, **fields: Any) -> Call:
        values = {"assistant": self.assistant, "number": self.number, "simulated": False} | fields
        with scope_of(self.client_org):
            return reserve(wanted(self.client_org, connection, **values))

    def dialled(self, connection: Connection) -> Call:
        call = self.reserved(connection)
        with scope_of(self.client_org):
            dial(organization_id=call.organization_id, call_id=call.pk)
            call.refresh_from_db()
        return call

    def give_keys(self, *slots: str, organization: Any = None) -> None:
        for slot in slots or SLOTS:
            factories.make_provider_key(organization or self.client_org, slot, f"{CANARY}-{slot}")

    def test_a_missing_key_is_400_naming_the_slot_and_reserves_nothing(self) -> None:
        connection = engine()
        self.give_keys("openai", "deepgram")
        with pytest.raises(Invalid) as refused:
            self.reserved(connection)
        self.assertEqual(refused.value.text, "No usable provider key in the slot elevenlabs.")
        with Receiver(accepts) as server:
            connection = self.repoint(connection, server.url)
            answer = self.api(self.client_org).post(
                "/calls/outbound", {"destination": "+447700900001", "assistant_id": str(self.assistant.pk)}
            )
            self.assertEqual((answer.status_code, answer.json()["param"], answer.json()["type"]), (400, "tts_config", "invalid_value"))
            self.assertIn("elevenlabs", answer.json()["message"])
            self.assertEqual([each.path for each in server.received if "calls" in each.path], [])
        with scope_of(self.client_org):
            self.assertEqual(Call.objects.count(), 0)

    def repoint(self, connection: Connection, url: str) -> Connection:
        with scope_of(self.client_org):
            connection.base_url = url
            connection.save(update_fields=["base_url"])
        return connection

    @override_settings(PLATFORM_KEYS={"elevenlabs": "platform-canary"})
    def test_keys_travel_with_the_call_and_are_kept_nowhere(self) -> None:
        self.give_keys("openai")
        self.give_keys("deepgram", "openai", organization=self.agency)
        with Receiver(accepts) as server:
            call = self.dialled(engine(server.url))
        sent = server.received[-1].json
        self.assertEqual(
            sent["credentials"],
            {"openai": {"api_key": f"{CANARY}-openai"}, "deepgram": {"api_key": f"{CANARY}-deepgram"},
             "elevenlabs": {"api_key": "platform-canary"}},
        )  # fmt: skip
        self.assertEqual(call.dial, Call.Dial.ACCEPTED)
        self.assertEqual(call.config["keys"], {"llm": "own", "stt": "parent", "tts": "platform"})
        self.assertNotIn("keys", sent["assistant"])
        self.assertNotIn("canary", json.dumps(call.config) + call.webhook)

    def test_a_key_that_went_between_reserving_and_dialling(self) -> None:
        self.give_keys()
        with Receiver(accepts) as server:
            call = self.reserved(engine(server.url))
            with scope_of(self.client_org):
                ProviderKey.objects.for_organization(self.client_org).filter(slot="openai").delete()
                dial(organization_id=call.organization_id, call_id=call.pk)
                call.refresh_from_db()
            self.assertEqual([each.path for each in server.received if "calls" in each.path], [])
        self.assertEqual((call.status, call.refusal, call.error), ("failed", "missing_key", "No usable provider key in the slot openai."))

    def test_only_the_installations_engine_over_tls_or_loopback_gets_keys(self) -> None:
        self.give_keys()
        plain = engine("http://engine.example.org")
        own = make_connection(self.client_org, base_url="http://127.0.0.1:9", engine=plain.engine)
        for connection in (own, plain):
            self.assertNotIn("keys", self.reserved(connection).config)
        self.assertIn("keys", self.reserved(self.repoint(plain, "https://engine.example.org")).config)

    def test_an_engine_without_the_feature_gets_none_and_still_needs_them(self) -> None:
        connection = engine(features=FEATURES)
        with pytest.raises(Invalid):
            self.reserved(connection)
        self.give_keys()
        self.assertNotIn("keys", self.reserved(connection).config)

    def test_the_sandbox_and_the_base_wire_are_never_refused(self) -> None:
        sandbox = Sandbox.shared().connection()
        self.assertFalse(sandbox.engine["needs_keys"])
        call = self.dialled(sandbox)
        self.assertEqual(call.dial, Call.Dial.ACCEPTED)
        with scope_of(self.client_org):
            sandbox.is_active = False
            sandbox.save(update_fields=["is_active"])
        self.reserved(make_connection(None, engine={}))

    def test_the_usage_log_tells_whose_key_served(self) -> None:
        self.give_keys("openai")
        self.give_keys("deepgram", "elevenlabs", organization=self.agency)
        with Receiver(accepts) as server:
            connection = engine(server.url)
            call = self.dialled(connection)
        usage = [{"part": "llm", "provider": "openai", "key": "platform", "unit": "input_tokens", "quantity": 5}]
        report = event("end-of-call-report", call, seq=1, status="ended", duration_seconds=84, usage=usage)
        self.assertEqual(post(connection, report).status_code, 200)
        with scope_of(self.client_org):
            apply(call)
        log = self.api(self.client_org).get("/usage").json()["logs"][0]
        self.assertEqual((log["byok_llm"], log["byok_stt"], log["byok_tts"]), (True, True, True))
        self.assertEqual(call.usage[0], usage[0] | {"key": "own"})

    @override_settings(PLATFORM_KEYS=dict.fromkeys(SLOTS, "platform"))
    def test_the_platforms_keys_are_no_byok(self) -> None:
        with Receiver(accepts) as server:
            connection = engine(server.url)
            call = self.dialled(connection)
        post(connection, event("end-of-call-report", call, seq=1, status="ended", duration_seconds=84))
        with scope_of(self.client_org):
            apply(call)
        log = self.api(self.client_org).get("/usage").json()["logs"][0]
        self.assertEqual((log["byok_llm"], log["byok_stt"], log["byok_tts"]), (False, False, False))

    def test_a_providers_401_marks_the_key(self) -> None:
        self.give_keys()
        with Receiver(accepts) as server:
            connection = engine(server.url)
            call = self.dialled(connection)
        for number, (slot, status) in enumerate((("deepgram", 500), ("openai", 401), (5, 401)), 1):
            data = {"slot": slot, "status": status}
            post(connection, event("call-progress", call, seq=number, kind="provider_error", data=data))
        with scope_of(self.client_org):
            apply(call)
            broken = ProviderKey.objects.exclude(broken_at=None).values_list("organization_id", "slot")
            self.assertEqual(list(broken), [(self.client_org.pk, "openai")])


class CampaignTest(TenantCase):
    def test_a_campaigns_calls_fail_and_name_the_slot(self) -> None:
        factories.add_credits(self.agency, 100)
        server = self.enterContext(Receiver(accepts))
        engine(server.url)
        factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org))
        campaign = running_campaign(self.client_org, leads=2, max_attempts=1)
        self.assertEqual(tick(campaign), 2)
        for call in calls_of(campaign):
            with scope_of(self.client_org):
                Call.objects.filter(pk=call.pk).update(wanted_until=None)  # the window of that day is long over
                dial(organization_id=call.organization_id, call_id=call.pk)
        self.assertEqual([each.path for each in server.received if "calls" in each.path], [])
        found = {(call.status, call.refusal, call.error, call.cost) for call in calls_of(campaign)}
        text = "No usable provider key in the slot openai, deepgram, elevenlabs."
        self.assertEqual(found, {("failed", "missing_key", text, 0)})
        tick(campaign)
        self.assertEqual({(lead.status, lead.attempts) for lead in leads_of(campaign)}, {("failed", 1)})


class InboundTest(HookCase):
    def setUp(self) -> None:
        super().setUp()
        factories.add_credits(self.agency, 100)
        with scope_of(self.client_org):
            self.connection.is_active = False
            self.connection.save(update_fields=["is_active"])
        self.connection = engine()

    def test_without_a_key_the_call_is_rejected_and_the_caller_hears_nothing_of_it(self) -> None:
        answer = self.incoming("eng-1", simulated=False)
        call = self.one_call()
        self.assertEqual((call.status, call.end_reason, call.cost), ("rejected", "missing_key", 0))
        self.assertEqual(call.error, "No usable provider key in the slot openai, deepgram, elevenlabs.")
        self.assertNotIn("assistant", answer)
        self.assertNotIn("openai", answer["error"])

    def test_the_answer_carries_the_keys_and_a_repeat_too_but_nothing_keeps_them(self) -> None:
        for slot in SLOTS:
            factories.make_provider_key(self.client_org, slot, CANARY)
        first = self.incoming("eng-1", simulated=False, webhook_id="11111111-1111-4111-8111-111111111111")
        self.assertEqual(first["credentials"], {slot: {"api_key": CANARY} for slot in SLOTS})
        again = self.incoming("eng-1", simulated=False, webhook_id="11111111-1111-4111-8111-111111111111")
        self.assertEqual(again, first)
        with scope_of(self.client_org):
            kept = EngineEvent.objects.get()
            self.assertNotIn(CANARY, kept.answer)
            raw = Call.objects.values_list(Cast("config", TextField()), Cast("webhook", BinaryField())).get()
        self.assertNotIn(CANARY, raw[0])
        self.assertEqual(self.one_call().config["keys"], {"llm": "own", "stt": "own", "tts": "own"})
