"""Simulated incoming calls: our answer decides, consent comes before the talk."""

import time
from typing import Any

import pytest

from tests.engines.stage import FINAL, Receiver, Sandbox, assistant


def ring_in(sandbox: Sandbox, **body: Any) -> str:
    wanted = {"to": "+31850000001", "from": "+31600000001", "outcome": "answered", **body}
    answer = sandbox.client.post("/simulate/inbound", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()["call_id"]


def answering(receiver: Receiver, **answer: Any) -> None:
    receiver.answers["assistant-request"] = lambda message: (200, answer)


def test_answered_call(sandbox: Sandbox, receiver: Receiver) -> None:
    answering(receiver, reference="call-9d1m", assistant=assistant("nl", metadata={"switchboard_call_id": "call-9d1m"}))
    call_id = ring_in(sandbox)
    report = receiver.wait(call_id, FINAL)
    question, started = receiver.of(call_id)[:2]
    assert (question["type"], question["seq"], question["deadline_ms"]) == ("assistant-request", 1, 6000)
    assert (question["call"]["engine_id"], question["call"]["status"]) == (call_id, "ringing")
    assert question["call"]["pipeline"] == "standard"
    assert question["phone_number"]["number"] == "+31850000001"
    assert question["customer"]["number"] == "+31600000001"
    assert "assistant" not in question
    assert (started["type"], started["call"]["status"]) == ("status-update", "in-progress")
    assert report["call"]["reference"] == "call-9d1m"
    assert report["assistant"]["metadata"] == {"switchboard_call_id": "call-9d1m"}
    assert report["messages"][0]["content"] == "Good morning, Bakker Dental speaking."
    assert report["summary"].startswith("Gesimuleerd gesprek.")
    ring = sandbox.ring(call_id)
    assert (ring["direction"], ring["from"], ring["to"]) == ("inbound", "+31600000001", "+31850000001")
    assert (ring["reference"], ring["seconds"]) == ("call-9d1m", report["duration_seconds"])


@pytest.mark.parametrize("answer", [{"reject": {"sip": 486}}, {"error": "We are closed today."}])
def test_refused_call(sandbox: Sandbox, receiver: Receiver, answer: dict[str, Any]) -> None:
    answering(receiver, **answer)
    call_id = ring_in(sandbox)
    final = receiver.ended(call_id)
    assert (final["call"]["status"], final["end_reason"]) == ("ended", "rejected_by_webhook")
    call = sandbox.client.get(f"/calls/{call_id}").json()
    assert (call["status"], call["started_at"], sandbox.ring(call_id)["seconds"]) == ("rejected", None, 0)
    assert receiver.of(call_id, FINAL) == []


@pytest.mark.parametrize("answer", [(500, {}), (200, {}), (200, []), (200, {"assistant_id": "0d5c"})])
def test_no_usable_answer(sandbox: Sandbox, receiver: Receiver, answer: tuple[int, Any]) -> None:
    receiver.answers["assistant-request"] = lambda message: answer
    assert receiver.ended(ring_in(sandbox))["end_reason"] == "no_assistant"


def test_late_answer(sandbox: Sandbox, receiver: Receiver) -> None:
    def late(message: dict) -> tuple[int, Any]:
        time.sleep(6.3)
        return 200, {"assistant": assistant()}

    receiver.answers["assistant-request"] = late
    assert receiver.ended(ring_in(sandbox), seconds=9)["end_reason"] == "no_assistant"


def consent(receiver: Receiver, call_id: str) -> list[str]:
    return [event["data"]["value"] for event in receiver.of(call_id, "call-progress") if event["kind"] == "consent"]


def test_consent_given_comes_before_the_talk(sandbox: Sandbox, receiver: Receiver) -> None:
    answering(receiver, assistant=assistant(recording_consent={"enabled": True, "message": "Press 1 to agree."}))
    call_id = ring_in(sandbox)
    report = receiver.wait(call_id, FINAL)
    assert consent(receiver, call_id) == ["asked", "given"]
    asked, given = receiver.of(call_id, "call-progress")[:2]
    assert asked["call"]["status"] == given["call"]["status"] == "ringing"
    assert given["seq"] < receiver.of(call_id, "status-update")[0]["seq"]
    assert report["consent"]["asked_at"] < report["consent"]["given_at"]
    assert "Press 1 to agree." not in str(report["messages"])
    assert report["recording"]["seconds"] == report["duration_seconds"]


def test_consent_declined_and_timed_out_leave_nothing(sandbox: Sandbox, receiver: Receiver) -> None:
    answering(receiver, assistant=assistant(recording_consent={"enabled": True, "message": "Press 1 to agree."}))
    seen: dict[str, str] = {}
    for seed in range(80):
        call_id = ring_in(sandbox, outcome=None, seed=seed, **{"from": f"+316000{seed:05d}"})
        seen.setdefault(receiver.ended(call_id)["end_reason"], call_id)
        if {"consent_declined", "consent_timeout"} <= set(seen):
            break
    for reason, value in (("consent_declined", "declined"), ("consent_timeout", "timeout")):
        call_id = seen[reason]
        assert consent(receiver, call_id) == ["asked", value]
        assert [event["call"]["status"] for event in receiver.of(call_id, "status-update")] == ["ended"]
        assert receiver.of(call_id, FINAL) == []
        assert sandbox.ring(call_id)["seconds"] == 0


def test_hang_up_before_consent(sandbox: Sandbox, receiver: Receiver) -> None:
    answering(receiver, assistant=assistant(recording_consent={"enabled": True, "message": "Press 1 to agree."}))
    call_id = ring_in(sandbox, outcome="hangs_up_early")
    assert receiver.ended(call_id)["end_reason"] == "user_hangup"
    assert len(receiver.of(call_id, "status-update")) == 1


def test_wrong_fields(sandbox: Sandbox) -> None:
    for body in ({"to": "+31850000001"}, {"to": "x", "from": "+31600000001"}):
        assert sandbox.client.post("/simulate/inbound", json=body).status_code == 400
    body = {"to": "+31850000001", "from": "+31600000001", "outcome": "dances"}
    assert sandbox.client.post("/simulate/inbound", json=body).status_code == 400
