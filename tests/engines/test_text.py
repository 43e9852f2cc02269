"""Text talks: typed questions, the same quotes and tools."""

from typing import Any

from tests.engines.stage import FINAL, Receiver, Sandbox, assistant


def opened(sandbox: Sandbox, **fields: Any) -> dict[str, Any]:
    answer = sandbox.client.post("/web-calls", json={"channel": "text", "assistant": assistant(**fields)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def typed(sandbox: Sandbox, call_id: str, text: str) -> dict[str, Any]:
    answer = sandbox.client.post(f"/calls/{call_id}/text", json={"text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_talk_from_greeting_to_goodbye(sandbox: Sandbox, receiver: Receiver) -> None:
    call = opened(sandbox)
    call_id = call["call_id"]
    assert {"token", "server_url", "room_name", "expires_at", "control_url"} <= set(call)
    assert sandbox.client.get(f"/calls/{call_id}").json()["status"] == "connecting"
    came = typed(sandbox, call_id, "")
    assert [(row["role"], row["content"], row["turn"]) for row in came["messages"]] == [
        ("assistant", "Good morning, Bakker Dental speaking.", 1)
    ]
    assert receiver.wait(call_id, "status-update")["call"]["type"] == "web_call"
    reply = typed(sandbox, call_id, "What does a check-up in euros cost?")
    assert "A check-up costs 45 euros." in reply["messages"][1]["content"]
    assert (reply["tool_calls"], reply["ended"]) == ([], False)
    last = typed(sandbox, call_id, "Thanks, goodbye!")
    assert last["ended"] is True
    report = receiver.wait(call_id, FINAL)
    assert report["customer"]["number"] is None
    assert len(report["messages"]) == 5
    assert sandbox.client.post(f"/calls/{call_id}/text", json={"text": "Hello?"}).status_code == 400
    assert all(ring["call_id"] != call_id for ring in sandbox.rings())


def test_the_first_question_may_come_with_the_visitor(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = opened(sandbox)["call_id"]
    reply = typed(sandbox, call_id, "What does a check-up in euros cost?")
    assert [row["role"] for row in reply["messages"]] == ["assistant", "user", "assistant"]
    assert sandbox.client.post(f"/calls/{call_id}/text", json={"text": " "}).status_code == 400


def test_tool_runs_when_it_is_meant(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers["tool-calls"] = lambda message: (200, {"result": "Tuesday"})
    tool = {"name": "find_appointment", "description": "Finds an appointment", "parameters": {}}
    call_id = opened(sandbox, tools=[tool])["call_id"]
    reply = typed(sandbox, call_id, "Can you find me an appointment?")
    assert [(row["name"], row["result"]) for row in reply["tool_calls"]] == [("find_appointment", "Tuesday")]
    assert "Tuesday" in reply["messages"][-1]["content"]


def test_control_reaches_a_text_talk(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = opened(sandbox)["call_id"]
    early = sandbox.client.post(f"/calls/{call_id}/control", json={"type": "say", "content": "Anybody?"})
    assert (early.status_code, early.json()["type"]) == (400, "call_not_active")
    typed(sandbox, call_id, "")
    sandbox.control(call_id, "say", content="A note from the desk.")
    sandbox.control(call_id, "end-call", message="We close now.")
    report = receiver.wait(call_id, FINAL)
    said = [turn["content"] for turn in report["messages"]]
    assert said[1:] == ["A note from the desk.", "We close now."]
    assert report["end_reason"] == "api_hangup"


def test_sound_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox.client.post("/web-calls", json={"assistant": assistant()})
    assert (answer.status_code, answer.json()["rang"]) == (400, False)
