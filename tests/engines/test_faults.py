"""Faults to order: what a client sees, and what the ring log says about it."""

import threading
import time

import httpx
import pytest

from tests.engines.stage import FINAL, Receiver, Sandbox


def test_settings_are_echoed_and_switched_off(sandbox: Sandbox) -> None:
    off = sandbox.faults()
    assert sandbox.faults(lose_answers=0.05, seed=7, **{"class": "B"}) == {
        **off,
        "lose_answers": 0.05,
        "seed": 7,
        "class": "B",
    }
    assert sandbox.faults() == off == sandbox.client.get("/simulate/faults").json()
    for wrong in ({"class": "D"}, {"errors": 2}, {"delay_ms": [5, 1]}, {"nothing": 1}):
        assert sandbox.client.put("/simulate/faults", json=wrong).status_code == 400


def test_lost_answer_cuts_the_connection_after_the_ring(sandbox: Sandbox) -> None:
    sandbox.faults(lose_answers=1)
    with pytest.raises(httpx.TransportError):
        sandbox.dial(key="lost", reference="lost-1")
    sandbox.faults()
    rang = [ring for ring in sandbox.rings() if ring["reference"] == "lost-1"]
    assert len(rang) == 1
    replayed = sandbox.dial(key="lost", reference="lost-1")
    assert replayed.json()["call_id"] == rang[0]["call_id"]
    assert len([ring for ring in sandbox.rings() if ring["reference"] == "lost-1"]) == 1


def test_errors_before_and_after_the_effect(sandbox: Sandbox) -> None:
    rings = len(sandbox.rings())
    sandbox.faults(errors=1)
    before = sandbox.dial(key="before")
    assert (before.status_code, before.json()["rang"], len(sandbox.rings())) == (503, False, rings)
    sandbox.faults(errors_after=1)
    after = sandbox.dial(key="after")
    assert (after.status_code, after.json()["rang"], len(sandbox.rings())) == (503, "unknown", rings + 1)


def test_share_of_errors_is_drawn_from_the_seed(sandbox: Sandbox) -> None:
    def codes() -> list[int]:
        sandbox.faults(errors=0.5, seed=3)
        return [sandbox.dial("+447700900002").status_code for _ in range(12)]

    first = codes()
    assert first == codes()
    assert set(first) == {200, 503}


def test_class_b_ignores_keys(sandbox: Sandbox) -> None:
    sandbox.faults(**{"class": "B"})
    features = sandbox.client.get("/engine").json()["features"]
    assert "idempotency" not in features
    assert "reference" in features
    first = sandbox.dial(key="b", reference="b-1").json()
    again = sandbox.dial(key="b", reference="b-1")
    assert (again.status_code, again.json()["call_id"]) == (409, first["call_id"])
    other = sandbox.dial(key="b", reference="b-2")
    assert other.json()["call_id"] != first["call_id"]


def test_class_c_ignores_references_too(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.faults(**{"class": "C"})
    features = sandbox.client.get("/engine").json()["features"]
    assert not {"idempotency", "reference"} & set(features)
    first, again = (sandbox.dial(key="c", reference="c-1").json() for _ in range(2))
    assert first["call_id"] != again["call_id"]
    assert "reference" not in first
    assert "reference" not in receiver.ended(first["call_id"])["call"]


def test_repeat_during_the_first_run(sandbox: Sandbox) -> None:
    sandbox.faults(delay_ms=[400, 400])
    first = threading.Thread(target=sandbox.dial, kwargs={"key": "busy-key", "reference": "busy-1"})
    first.start()
    time.sleep(0.15)
    again = httpx.post(
        sandbox.base + "/calls/outbound",
        headers={**sandbox.client.headers, "Idempotency-Key": "busy-key"},
        json={},
    )
    first.join()
    assert (again.status_code, again.json()["type"], again.json()["rang"]) == (409, "in_progress", "unknown")
    assert len([ring for ring in sandbox.rings() if ring["reference"] == "busy-1"]) == 1


def test_events_twice_swapped_and_lost(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.faults(duplicate_events=1)
    call_id = sandbox.called("+447700900002")
    receiver.wait_for(lambda: len(receiver.of(call_id, "status-update")) == 2, "the second copy")
    first, second = (
        headers["x-webhook-id"]
        for headers, event in zip(receiver.headers[-2:], receiver.of(call_id, "status-update"), strict=True)
    )
    assert first == second
    sandbox.faults(reorder_events=1)
    call_id = sandbox.called("+447700900002")
    receiver.wait_for(lambda: len(receiver.of(call_id)) == 2, "both events")
    assert [event["seq"] for event in receiver.of(call_id)] == [2, 1]
    sandbox.faults(lose_events=1)
    call_id = sandbox.called("+447700900002")
    receiver.wait_for(lambda: sandbox.ring(call_id)["seconds"] == 0, "the end")
    time.sleep(0.2)
    assert receiver.of(call_id) == []


def test_failed_final_events_are_repeated(sandbox: Sandbox, receiver: Receiver) -> None:
    refused: list[str] = []

    def refuse_twice(message: dict) -> tuple[int, dict]:
        refused.append(message["type"])
        return (503, {}) if refused.count(message["type"]) <= 1 else (200, {})

    receiver.answers[FINAL] = refuse_twice
    call_id = sandbox.called()
    receiver.wait(call_id, FINAL)
    attempts = [
        (headers["x-webhook-id"], headers["x-webhook-attempt"])
        for headers in receiver.headers
        if headers["x-webhook-event"] == FINAL
    ][-2:]
    assert attempts[0][0] == attempts[1][0]
    assert [attempt for _, attempt in attempts] == ["1", "2"]


def test_heartbeat_names_the_instance(sandbox: Sandbox, receiver: Receiver) -> None:
    def beats() -> list[dict]:
        return [event for event in receiver.events if event["type"] == "engine-heartbeat"]

    instance = sandbox.client.get("/engine").json()["instance"]
    beat = receiver.wait_for(beats, "a heartbeat")[-1]
    assert beat["engine"]["instance"] == instance
    assert "seq" not in beat
    assert isinstance(beat["calls"], list)
    sandbox.faults(stop_heartbeat=True)
    count = len(beats())
    sandbox.client.put("/engine/receiver", json={"url": receiver.url, "secret": receiver.secret})
    time.sleep(0.2)
    assert len(beats()) == count
