"""Dialling: keys, references, deadlines, refusals, listing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engines.stage import KEY, Receiver, Sandbox, assistant, playing


def test_announces_what_it_does(sandbox: Sandbox) -> None:
    engine = sandbox.client.get("/engine").json()
    assert (engine["kind"], engine["simulated"], engine["needs_keys"], engine["clock"]) == ("sandbox", True, False, 0)
    assert engine["answer_seconds"] == {"assistant-request": 6, "tool-calls": 11}
    assert engine["limits"] == {"concurrent": 200, "starts_per_second": 50}
    assert len(engine["features"]) == 19
    assert len(sandbox.client.get("/voices").json()["voices"]) >= 1


def test_every_path_but_health_needs_the_key(sandbox: Sandbox) -> None:
    for path in ("/engine", "/calls", "/simulate/rings", "/voices", "/nothing"):
        answer = httpx.get(sandbox.base + path, headers={"Authorization": f"Bearer {KEY}x"})
        assert (answer.status_code, answer.json()["type"]) == (401, "unauthorized")
    assert httpx.get(sandbox.base + "/health").json()["status"] == "ok"
    assert sandbox.client.get("/nothing").json()["type"] == "not_found"
    assert sandbox.client.delete("/engine").status_code == 405


def test_accepted_call_is_listed_and_written(sandbox: Sandbox, receiver: Receiver) -> None:
    body = sandbox.dial(reference="listed-1", key="key-listed").json()
    call_id = body["call_id"]
    assert body == {
        "success": True,
        "call_id": call_id,
        "status": "dialing",
        "room_name": call_id,
        "reference": "listed-1",
        "control_url": f"{sandbox.base}/calls/{call_id}/control",
    }
    assert [row["id"] for row in sandbox.client.get("/calls", params={"reference": "listed-1"}).json()["calls"]] == [
        call_id
    ]
    ring = sandbox.ring(call_id)
    assert (ring["reference"], ring["key"], ring["from"], ring["to"]) == (
        "listed-1",
        "key-listed",
        "+31850000001",
        "+447700900001",
    )
    assert receiver.ended(call_id)["call"]["reference"] == "listed-1"
    since = sandbox.rings()[-1]["at"]
    assert [row["call_id"] for row in sandbox.rings(since=since)][-1] == call_id


def test_same_key_is_replayed_once(sandbox: Sandbox) -> None:
    rings = len(sandbox.rings())
    first = sandbox.dial(key="key-1", reference="replay-1")
    again = sandbox.dial(key="key-1", reference="replay-1")
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = sandbox.dial("+447700900002", key="key-1", reference="replay-1")
    assert (other.status_code, other.json()["call_id"]) == (409, first.json()["call_id"])
    assert len(sandbox.rings()) == rings + 1


def test_reference_is_used_once(sandbox: Sandbox) -> None:
    first = sandbox.dial(key="key-2", reference="once").json()
    again = sandbox.dial(key="key-3", reference="once")
    assert again.status_code == 409
    assert (again.json()["type"], again.json()["call_id"]) == ("duplicate_reference", first["call_id"])


def test_ring_log_shows_the_metadata_id_without_reference(sandbox: Sandbox) -> None:
    call_id = sandbox.called(assistant=assistant(metadata={"switchboard_call_id": "call-7h2k"}))
    assert sandbox.ring(call_id)["reference"] == "call-7h2k"


def test_too_late_never_rings(sandbox: Sandbox) -> None:
    rings = len(sandbox.rings())
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    late = sandbox.dial(not_after=past, key="late")
    assert (late.status_code, late.json()["type"], late.json()["rang"]) == (400, "too_late", False)
    assert len(sandbox.rings()) == rings
    future = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    # A refused request keeps no key: the same one may succeed later.
    assert sandbox.dial(not_after=future, key="late").status_code == 200


def test_a_replay_comes_before_the_deadline(sandbox: Sandbox) -> None:
    soon = (datetime.now(UTC) + timedelta(milliseconds=300)).isoformat()
    first = sandbox.dial(not_after=soon, key="soon")
    assert first.status_code == 200
    while datetime.now(UTC) < datetime.fromisoformat(soon):
        pass
    assert sandbox.dial(not_after=soon, key="soon").json() == first.json()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"destination": ""}, "missing_field"),
        ({"destination": "0612345678"}, "invalid_value"),
        ({"assistant": None}, "missing_field"),
        ({"assistant": {"first_message": "Hi"}}, "missing_field"),
        ({"assistant": None, "assistant_id": "0d5c"}, "not_found"),
        ({"ring_seconds": 0}, "invalid_value"),
        ({"reference": "x" * 65}, "invalid_value"),
        ({"not_after": "tomorrow"}, "invalid_value"),
    ],
)
def test_refusals_say_that_nothing_rang(sandbox: Sandbox, body: dict[str, Any], kind: str) -> None:
    rings = len(sandbox.rings())
    wanted = {"destination": "+447700900001", "assistant": assistant(), **body}
    answer = sandbox.client.post("/calls/outbound", json=wanted)
    assert answer.status_code in (400, 404)
    assert (answer.json()["type"], answer.json()["rang"]) == (kind, False)
    assert isinstance(answer.json()["error"], str)
    assert len(sandbox.rings()) == rings


def test_bad_json_is_refused(sandbox: Sandbox) -> None:
    for raw in (b"{", b"[]"):
        answer = sandbox.client.post("/calls/outbound", content=raw)
        assert (answer.status_code, answer.json()["rang"]) == (400, False)


def test_no_free_line(tmp_path: Path) -> None:
    with playing(tmp_path, clock=1, concurrent=2) as (sandbox, _):
        assert [sandbox.dial().status_code for _ in range(2)] == [200, 200]
        full = sandbox.dial()
        assert (full.status_code, full.json()["type"], full.json()["rang"]) == (429, "capacity", False)
        assert int(full.headers["retry-after"]) >= 1
        assert len(sandbox.rings()) == 2


def test_list_is_paged_and_filtered(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = sandbox.called("+447700900002")
    receiver.ended(call_id)
    page = sandbox.client.get("/calls", params={"limit": 2}).json()
    assert len(page["calls"]) == 2
    assert page["pagination"]["limit"] == 2
    assert page["calls"][0]["id"] == call_id
    failed = sandbox.client.get("/calls", params={"status": "failed"}).json()["calls"]
    assert call_id in [row["id"] for row in failed]
    assert {row["status"] for row in failed} <= {"failed", "ended-with-error"}
    assert sandbox.client.get("/calls", params={"limit": "x"}).status_code == 400
    assert sandbox.client.get("/calls/eng-unknown").status_code == 404
