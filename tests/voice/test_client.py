"""The client against the real sandbox process, and against servers that misbehave."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from apps.core.errors import Invalid
from apps.core.http import OutsideInTransaction
from apps.voice.client import Engine, EngineTrouble
from apps.voice.models import Connection
from tests.cases import CommittedCase, TenantCase
from tests.engine import Sandbox, free_port
from tests.receivers import Receiver, Reply

ANSWERED = "+447700900001"
FEATURES = ["certainty", "idempotency", "reference", "control_url"]


def dialling(to: str = ANSWERED, **fields: Any) -> tuple[dict[str, Any], str]:
    """A dial's body and its reference."""
    reference = f"call-{uuid.uuid4().hex[:20]}"
    assistant = {
        "first_message": "Good morning.",
        "llm_config": {"provider": "openai", "model": "gpt-5.4", "messages": [{"role": "system", "content": "Be kind."}]},
        "stt_config": {"provider": "deepgram"}, "tts_config": {"provider": "elevenlabs", "voice_id": "x"},
        "metadata": {"switchboard_call_id": reference},
    }  # fmt: skip
    return {"destination": to, "reference": reference, "assistant": assistant} | fields, reference


def engine_at(url: str, *, key: str = "k", **announced: Any) -> Engine:
    """An engine of the installation, which needs no row to be spoken to."""
    return Engine(Connection(name="Engine", base_url=url, api_key=key, engine=announced))


class SandboxTest(TenantCase):
    def setUp(self) -> None:
        self.sandbox = Sandbox.shared()
        self.engine = Engine(self.sandbox.connection())

    def known(self) -> Engine:
        """The engine as it announces itself under the faults of the moment."""
        return Engine(
            Connection(name="x", base_url=self.sandbox.url, api_key=self.sandbox.key, engine=self.engine.announced())
        )

    def test_a_dial_is_accepted_rings_once_and_ends(self) -> None:
        body, reference = dialling()
        found = self.engine.dial(body, key=str(uuid.uuid4()))
        assert (found.outcome, found.status) == ("accepted", 200)
        assert found.control_url.startswith(self.sandbox.url)
        assert [ring["call_id"] for ring in self.sandbox.rings(reference=reference)] == [found.ref]
        assert (self.engine.find_by_reference(reference) or {}).get("id") == found.ref

    def test_the_same_key_is_answered_from_memory(self) -> None:
        body, reference = dialling()
        first, second = (self.engine.dial(body, key="same " + reference) for _count in range(2))
        assert (first.ref, second.outcome) == (second.ref, "accepted")
        assert len(self.sandbox.rings(reference=reference)) == 1

    def test_a_key_with_another_body_never_counts_as_not_rung(self) -> None:
        body, reference = dialling()
        self.engine.dial(body, key="other " + reference)
        assert self.engine.dial(body | {"ring_seconds": 20}, key="other " + reference).outcome == "accepted"
        assert len(self.sandbox.rings(reference=reference)) == 1

    def test_a_second_use_of_the_reference_names_the_call(self) -> None:
        body, _reference = dialling()
        first = self.engine.dial(body, key=str(uuid.uuid4()))
        second = self.engine.dial(body, key=str(uuid.uuid4()))
        assert (second.outcome, second.ref) == ("duplicate", first.ref)

    def test_too_late_is_certain(self) -> None:
        body, reference = dialling(not_after="2020-01-01T00:00:00.000Z")
        found = self.engine.dial(body, key=str(uuid.uuid4()))
        assert (found.outcome, found.error) == ("refused", "too_late")
        assert self.sandbox.rings(reference=reference) == []

    def test_a_lost_answer_is_unknown_and_the_same_key_finds_it(self) -> None:
        self.sandbox.faults(lose_answers=1)
        body, reference = dialling()
        key = str(uuid.uuid4())
        assert self.known().dial(body, key=key).outcome == "unknown"
        self.sandbox.faults()
        found = self.known().dial(body, key=key)
        assert found.outcome == "accepted"
        assert [ring["call_id"] for ring in self.sandbox.rings(reference=reference)] == [found.ref]

    def test_class_b_is_found_by_its_reference(self) -> None:
        self.sandbox.faults(class_="B", lose_answers=1)
        engine = self.known()
        body, reference = dialling()
        assert not engine.capabilities.has("idempotency")
        assert engine.dial(body, key=str(uuid.uuid4())).outcome == "unknown"
        assert engine.find_by_reference(reference)
        assert engine.find_by_reference("call-never-sent") is None

    def test_class_c_announces_neither(self) -> None:
        self.sandbox.faults(class_="C")
        assert not {"idempotency", "reference"} & self.known().capabilities.features

    def test_errors_before_and_after_the_effect(self) -> None:
        for fault, outcome, rings in (("errors", "refused", 0), ("errors_after", "unknown", 1)):
            self.sandbox.faults(**{fault: 1})
            body, reference = dialling()
            assert self.engine.dial(body, key=str(uuid.uuid4())).outcome == outcome
            assert len(self.sandbox.rings(reference=reference)) == rings

    def test_inbound_calls_and_voices(self) -> None:
        assert self.engine.simulate_inbound(to="+31850000001", from_=ANSWERED, outcome="answered").startswith("eng-")
        assert all("id" in voice or "voice_id" in voice for voice in self.engine.voices())
        with pytest.raises(Invalid):
            self.engine.simulate_inbound(to="+31850000001", from_=ANSWERED, outcome="nonsense")

    def test_unknown_calls_and_commands(self) -> None:
        assert self.engine.get_call("eng-nobody") is None
        assert self.engine.control("eng-nobody", "", {"type": "say", "text": "Hi"}, key="k1").outcome == "refused"
        with pytest.raises(Invalid):
            self.engine.control("eng-nobody", "", {"type": "sing"}, key="k2")

    def test_a_dead_engine_is_certain_and_says_so(self) -> None:
        engine = engine_at(f"http://127.0.0.1:{free_port()}")
        found = engine.dial(dialling()[0], key="k")
        assert (found.outcome, found.error, found.engine_is_down) == ("refused", "refused", True)
        with pytest.raises(EngineTrouble):
            engine.list_calls()


class MisbehavingTest(TenantCase):
    def test_a_silent_engine_costs_four_seconds_at_most(self) -> None:
        with Receiver(Reply(wait=2)) as server:
            started = time.monotonic()
            found = engine_at(server.url).dial({"destination": ANSWERED}, key="k", seconds=0.4)
            assert (found.outcome, found.error) == ("unknown", "timeout")
            assert time.monotonic() - started < 1.5

    def test_what_is_sent(self) -> None:
        with Receiver(Reply(body={"call_id": "eng-1"})) as server:
            engine_at(server.url + "/api/v1/").dial({"destination": ANSWERED, "name": "Zoë"}, key="key-1")
        sent = server.received[0]
        assert (sent.method, sent.path) == ("POST", "/api/v1/calls/outbound")
        assert (sent.headers["idempotency-key"], sent.headers["authorization"]) == ("key-1", "Bearer k")
        assert sent.json == {"destination": ANSWERED, "name": "Zoë"}

    def test_commands_go_to_the_process_that_holds_the_call(self) -> None:
        with Receiver() as base, Receiver() as holder:
            engine = engine_at(base.url, control=["say"], features=FEATURES)
            assert (
                engine.control("eng-1", holder.url + "/calls/eng-1/control", {"type": "say"}, key="k").outcome
                == "accepted"
            )
            assert engine.control("eng/1", "", {"type": "say"}, key="k").outcome == "accepted"
        assert [each.path for each in holder.received] == ["/calls/eng-1/control"]
        assert [each.path for each in base.received] == ["/calls/eng%2F1/control"]

    def test_call_elsewhere_is_followed_once(self) -> None:
        with Receiver() as wrong:
            elsewhere = {"type": "call_elsewhere", "rang": False, "control_url": wrong.url + "/there"}
            wrong.reply = Reply(409, elsewhere)
            found = engine_at(wrong.url, control=["say"], features=FEATURES).control("e", "", {"type": "say"}, key="k")
            assert (found.outcome, len(wrong.received)) == ("refused", 2)

    def test_a_control_url_on_another_host_must_be_public(self) -> None:
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]), Receiver() as server:
            engine = engine_at("http://localhost:9", control=["say"])
            for url in (
                server.url,
                "http://169.254.169.254/latest",
                "file:///etc/passwd",
                "http://[::1]:8000/x",
                "http://",
            ):
                found = engine.control("e", url, {"type": "say"}, key="k")
                assert (found.outcome, found.error) == ("refused", "blocked"), url
            assert server.received == []

    def test_unreadable_lists_are_trouble(self) -> None:
        for body in (b"[", b"7", b'{"calls":7}', b"[" * 5000):
            with Receiver(Reply(body=body)) as server, pytest.raises(EngineTrouble):
                engine_at(server.url).list_calls(limit=5)


class TransactionTest(CommittedCase):
    def test_nothing_is_sent_inside_a_transaction(self) -> None:
        with Receiver() as server, self.acting_for(self.agency), transaction.atomic():
            with pytest.raises(OutsideInTransaction):
                engine_at(server.url).dial({"destination": ANSWERED}, key="k")
            assert server.received == []
