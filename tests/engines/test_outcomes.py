"""Magic numbers: what each ends as, and that the ring log and the report agree."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.engines.stage import FINAL, Receiver, Sandbox, assistant, playing

TRANSFER = {"type": "transfer_call", "destinations": [{"type": "number", "number": "+31850000009", "description": "x"}]}
ENDS = [
    ("+447700900001", "ended", "user_hangup", "ended"),
    ("+447700900002", "failed", "busy", "ended"),
    ("+447700900003", "failed", "no_answer", "ended"),
    ("+447700900004", "ended", "voicemail", "ended"),
    ("+447700900005", "ended", "user_hangup", "ended"),
    ("+447700900006", "ended-with-error", "error", "ended-with-error"),
    ("+447700900007", "transferred", "transferred", "ended"),
    ("+447700900008", "ended", "user_hangup", "ended"),
]


@pytest.mark.parametrize(("number", "status", "reason", "wire"), ENDS)
def test_magic_number(sandbox: Sandbox, receiver: Receiver, number: str, status: str, reason: str, wire: str) -> None:
    wanted = assistant(tools=[TRANSFER], voicemail_detection=True, voicemail_message="Please call us back.")
    call_id = sandbox.called(number, assistant=wanted)
    final = receiver.ended(call_id)
    assert (final["call"]["status"], final["end_reason"]) == (wire, reason)
    assert ("error" in final) == (wire == "ended-with-error")
    call = sandbox.client.get(f"/calls/{call_id}").json()
    assert (call["status"], call["end_reason"], call["caller_phone"]) == (status, reason, number)
    if status == "failed":
        assert (call["started_at"], call["duration_seconds"], sandbox.ring(call_id)["seconds"]) == (None, 0, 0)
        assert receiver.of(call_id, FINAL) == []
        return
    report = receiver.wait(call_id, FINAL)
    assert report["duration_seconds"] == sandbox.ring(call_id)["seconds"] == call["duration_seconds"] > 0
    started, ended = (datetime.fromisoformat(report[name]) for name in ("started_at", "ended_at"))
    assert (ended - started).total_seconds() == report["duration_seconds"]
    assert report["summary"].startswith("Simulated call.")
    assert [event["seq"] for event in receiver.of(call_id)] == list(range(1, len(receiver.of(call_id)) + 1))
    kinds = [event["type"] for event in receiver.of(call_id) if event["type"] in ("status-update", FINAL)]
    assert kinds == ["status-update", "status-update", FINAL]
    assert report["assistant"]["metadata"] == {"crm_id": "77"}
    turns = report["messages"]
    assert all(turn["start_ms"] <= turn["end_ms"] <= report["duration_seconds"] * 1000 for turn in turns)


def test_voicemail_leaves_the_message(sandbox: Sandbox, receiver: Receiver) -> None:
    wanted = assistant("nl", voicemail_detection=True, voicemail_message="Belt u ons terug?")
    call_id = sandbox.called("+447700900004", assistant=wanted)
    report = receiver.wait(call_id, FINAL)
    assert [turn["role"] for turn in report["messages"]] == ["user", "assistant"]
    assert report["messages"][1]["content"] == "Belt u ons terug?"
    assert report["voicemail"] == {"detected": True, "message_left": True}
    assert "Belt u ons terug?" in report["summary"]
    answered = next(e for e in receiver.of(call_id, "call-progress") if e["kind"] == "answered_by")
    assert answered["data"] == {"value": "machine"}


def test_voicemail_without_detection_ends_otherwise(sandbox: Sandbox, receiver: Receiver) -> None:
    quiet = assistant(autonomous_silence_handling=True, silence_timeout_seconds=5)
    report = receiver.wait(sandbox.called("+447700900004", assistant=quiet), FINAL)
    assert report["end_reason"] == "silence_timeout"
    assert len(report["messages"]) == 5
    assert receiver.wait(sandbox.called("+447700900004"), FINAL)["end_reason"] == "user_hangup"


def test_early_hang_up_cuts_the_greeting(sandbox: Sandbox, receiver: Receiver) -> None:
    greeting = "Good morning, this is a rather long greeting that nobody will listen to until its very end."
    call_id = sandbox.called("+447700900005", assistant=assistant(first_message=greeting))
    (turn,) = receiver.wait(call_id, FINAL)["messages"]
    assert turn["content"].endswith(" …")
    assert greeting.startswith(turn["content"].removesuffix(" …"))


def test_opt_out_is_only_said(sandbox: Sandbox, receiver: Receiver) -> None:
    report = receiver.wait(sandbox.called("+447700900008", assistant=assistant("de")), FINAL)
    said = " ".join(turn["content"] for turn in report["messages"] if turn["role"] == "user")
    assert "nicht mehr" in said or "keine Anrufe" in said
    assert "opt_out" not in str(report)


def test_person_without_transfer_tool_ends(sandbox: Sandbox, receiver: Receiver) -> None:
    report = receiver.wait(sandbox.called("+447700900007"), FINAL)
    assert (report["end_reason"], report["transfer"]) == ("user_hangup", None)


def test_same_seed_and_history_same_call(tmp_path: Path) -> None:
    def story(folder: Path, seed: int) -> list[Any]:
        with playing(folder, seed=seed) as (sandbox, receiver):
            calls = [sandbox.called(f"+3161000{n % 12:04d}") for n in range(36)]
            ends = [receiver.ended(call_id)["end_reason"] for call_id in calls]
            return [ends, [(ring["outcome"], ring["seconds"]) for ring in sandbox.rings()]]

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    first = story(tmp_path / "a", 1)
    assert first == story(tmp_path / "b", 1)
    assert first != story(tmp_path / "c", 2)
    # A number that is called again lives through something else.
    outcomes = first[1]
    assert outcomes[:12] != outcomes[12:24]


def test_real_time_is_told_in_real_time(tmp_path: Path) -> None:
    with playing(tmp_path, clock=1) as (sandbox, receiver):
        call_id = sandbox.called(assistant=assistant(max_duration_seconds=2), ring_seconds=1)
        report = receiver.wait(call_id, FINAL)
        started, ended = receiver.of(call_id, "status-update")
        span = [datetime.fromisoformat(event["timestamp"]) for event in (started, ended)]
        assert report["duration_seconds"] == sandbox.ring(call_id)["seconds"] == 2
        assert 1.95 <= (span[1] - span[0]).total_seconds() < 2.5
        assert abs((datetime.fromisoformat(report["started_at"]) - span[0]).total_seconds()) < 0.5
