"""Live control, in a sandbox whose seconds are short but not instant."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines.stage import FINAL, Receiver, Sandbox, assistant, playing


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Receiver]]:
    with playing(tmp_path_factory.mktemp("control"), clock=0.03) as parts:
        yield parts


def running(sandbox: Sandbox, receiver: Receiver, **body: Any) -> str:
    call_id = sandbox.called(**body)
    assert receiver.wait(call_id, "status-update")["call"]["status"] == "in-progress"
    return call_id


def spoken(report: dict[str, Any]) -> list[str]:
    return [turn["content"] for turn in report["messages"] if turn["role"] == "assistant"]


def test_say_and_inject(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = running(sandbox, receiver)
    answer = sandbox.control(call_id, "say", content="One more thing.")
    assert answer.json() == {"success": True, "message": "Command sent successfully"}
    sandbox.control(call_id, "inject-context", content="The caller is a patient.", trigger_response=True)
    sandbox.control(call_id, "dtmf", digits="12#")
    report = receiver.wait(call_id, FINAL)
    assert "One more thing." in spoken(report)
    assert any("The caller is a patient." in line for line in spoken(report))
    notes = [turn["content"] for turn in report["messages"] if turn["role"] == "system"]
    assert notes == ["The caller is a patient.", "[dtmf 12#]"]


def test_say_with_end_after(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = running(sandbox, receiver)
    sandbox.control(call_id, "say", content="We must stop here.", end_after=True)
    report = receiver.wait(call_id, FINAL)
    assert (spoken(report)[-1], report["end_reason"]) == ("We must stop here.", "api_hangup")


def test_end_call_speaks_its_message(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = running(sandbox, receiver)
    sandbox.control(call_id, "end-call", message="The office closes now.")
    report = receiver.wait(call_id, FINAL)
    assert (spoken(report)[-1], report["end_reason"]) == ("The office closes now.", "api_hangup")
    assert report["duration_seconds"] == sandbox.ring(call_id)["seconds"]
    late = sandbox.control(call_id, "say", content="Hello?")
    assert (late.status_code, late.json()["type"], late.json()["rang"]) == (400, "call_not_active", False)


def test_transfer_done_and_failed(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = running(sandbox, receiver)
    sandbox.control(call_id, "transfer", destination="+31850000009", message="Hold the line.")
    report = receiver.wait(call_id, FINAL)
    assert (report["end_reason"], report["transfer"]) == ("transferred", {"to": "+31850000009", "result": "done"})
    assert sandbox.client.get(f"/calls/{call_id}").json()["status"] == "transferred"
    assert spoken(report)[-1] == "Hold the line."
    steps = [e["data"]["value"] for e in receiver.of(call_id, "call-progress") if e["kind"] == "transfer"]
    assert steps == ["ringing", "done"]
    call_id = running(sandbox, receiver)
    sandbox.control(call_id, "transfer", destination="+447700900002")
    report = receiver.wait(call_id, FINAL)
    assert (report["end_reason"], report["transfer"]["result"]) == ("user_hangup", "failed")


def test_mute_hold_and_listen(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = running(sandbox, receiver)
    assert sandbox.control(call_id, "mute", on=True).status_code == 200
    assert sandbox.control(call_id, "hold", on=True).status_code == 200
    listen = sandbox.control(call_id, "listen").json()
    assert sandbox.client.get(listen["listen_url"].removeprefix(sandbox.base)).content[:4] == b"RIFF"
    assert sandbox.client.get(f"/calls/{call_id}/listen?token=wrong").status_code == 401
    assert sandbox.control(call_id, "hold", on=False).status_code == 200
    report = receiver.wait(call_id, FINAL)
    assert len(spoken(report)) <= 2


def test_bad_commands(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = running(sandbox, receiver)
    for kind, fields in (
        ("dance", {}),
        ("say", {}),
        ("transfer", {"destination": "x"}),
        ("mute", {}),
        ("dtmf", {"digits": "x"}),
    ):
        answer = sandbox.control(call_id, kind, **fields)
        assert (answer.status_code, answer.json()["rang"]) == (400, False)
    assert sandbox.control("eng-unknown", "say", content="x").status_code == 404


def test_command_with_a_key_runs_once(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = running(sandbox, receiver)
    command, headers = {"type": "say", "content": "Only once."}, {"Idempotency-Key": "say-1"}
    answers = [sandbox.client.post(f"/calls/{call_id}/control", json=command, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert spoken(receiver.wait(call_id, FINAL)).count("Only once.") == 1


def test_transcripts_follow_the_talk(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = running(sandbox, receiver, assistant=assistant())
    report = receiver.wait(call_id, FINAL)
    events = receiver.of(call_id, "transcript")
    finals = {event["turn"]: event["text"] for event in events if event["final"]}
    turns = {turn["turn"]: turn["content"] for turn in report["messages"]}
    assert len(finals) >= len(turns) - 2
    assert all(turns[turn] == text for turn, text in finals.items())
    assert {event["role"] for event in events} == {"assistant", "user"}
