"""The talk follows the assistant's configuration, word for word."""

import hashlib
import time
from typing import Any

import jsonschema
import pytest

from tests.engines.stage import FINAL, Receiver, Sandbox, assistant

SLOTS = {
    "name": "find_slot",
    "description": "Finds a slot",
    "parameters": {
        "type": "object",
        "required": ["day"],
        "properties": {"day": {"type": "string", "enum": ["monday"]}, "count": {"type": "integer", "minimum": 3}},
    },
}


def talk(sandbox: Sandbox, receiver: Receiver, destination: str = "+447700900001", **body: Any) -> dict[str, Any]:
    return receiver.wait(sandbox.called(destination, **body), FINAL, seconds=14)


def lines(report: dict[str, Any], role: str) -> list[str]:
    return [turn["content"] for turn in report["messages"] if turn["role"] == role]


def test_tool_is_asked_and_its_result_spoken(sandbox: Sandbox, receiver: Receiver) -> None:
    asked: list[dict[str, Any]] = []

    def answer(message: dict[str, Any]) -> tuple[int, Any]:
        asked.append(message)
        identity = message["tool_call_list"][0]["id"]
        return 200, {"results": [{"tool_call_id": identity, "result": {"slot": "Monday 10:00"}}]}

    receiver.answers["tool-calls"] = answer
    report = talk(sandbox, receiver, assistant=assistant(tools=[SLOTS, {"type": "end_call"}]))
    (question,) = asked
    entry = question["tool_call_list"][0]
    assert (question["deadline_ms"], entry["type"], entry["function"]["name"]) == (11000, "function", "find_slot")
    jsonschema.validate(entry["function"]["arguments"], SLOTS["parameters"])
    assert isinstance(question["turn"], int)
    assert any("slot: Monday 10:00" in line for line in lines(report, "assistant"))
    assert "find_slot" in report["summary"]
    assert report["end_reason"] == "assistant_hangup"
    order = [event["type"] for event in receiver.of(report["call"]["id"]) if event["type"] != "call-progress"]
    assert order.index("tool-calls") > order.index("status-update")


@pytest.mark.parametrize("answer", [(500, {}), (200, {"results": []}), (200, {"error": "No access"})])
def test_failed_tool_does_not_end_the_talk(sandbox: Sandbox, receiver: Receiver, answer: tuple[int, Any]) -> None:
    receiver.answers["tool-calls"] = lambda message: answer
    report = talk(sandbox, receiver, assistant=assistant(tools=[SLOTS]))
    assert any("gave no answer" in line for line in lines(report, "assistant"))
    assert report["end_reason"] == "user_hangup"


def test_async_tool_says_its_message(sandbox: Sandbox, receiver: Receiver) -> None:
    def slow(message: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(0.5)
        return 200, {"result": "never said"}

    receiver.answers["tool-calls"] = slow
    tool = {**SLOTS, "async": True, "message": "I have passed it on."}
    report = talk(sandbox, receiver, assistant=assistant(tools=[tool]))
    assert "I have passed it on." in lines(report, "assistant")
    assert "never said" not in str(report)
    receiver.wait(report["call"]["id"], "tool-calls")


def test_mcp_tool_is_asked_too(sandbox: Sandbox, receiver: Receiver) -> None:
    tool = {"type": "mcp", "mcp_server_id": "11111111-1111-4111-8111-111111111111", "allowed_tools": ["find_slot"]}
    report = talk(sandbox, receiver, assistant=assistant(tools=[tool]))
    entry = receiver.wait(report["call"]["id"], "tool-calls")["tool_call_list"][0]
    assert (entry["type"], entry["name"], entry["arguments"]) == ("mcp", "find_slot", {})


def test_maximum_duration_cuts_the_talk(sandbox: Sandbox, receiver: Receiver) -> None:
    report = talk(sandbox, receiver, assistant=assistant(max_duration_seconds=7))
    assert (report["duration_seconds"], report["end_reason"]) == (7, "max_duration")
    assert sandbox.ring(report["call"]["id"])["seconds"] == 7


def test_greetings(sandbox: Sandbox, receiver: Receiver) -> None:
    both = assistant(speech_config={"first_message_outbound": "Hello, Bakker calling."})
    assert lines(talk(sandbox, receiver, assistant=both), "assistant")[0] == "Hello, Bakker calling."
    report = talk(sandbox, receiver, assistant=both, first_message="Hi [cheerfully] there.")
    assert lines(report, "assistant")[0] == "Hi there."
    silent = talk(sandbox, receiver, assistant=assistant(first_message=None))
    assert silent["messages"][0]["role"] == "user"


def test_quotes_the_prompt_and_invents_nothing(sandbox: Sandbox, receiver: Receiver) -> None:
    report = talk(sandbox, receiver)
    quoted = [line.split("“")[1].split("”")[0] for line in lines(report, "assistant") if "“" in line]
    prompt = assistant()["llm_config"]["messages"][0]["content"]
    assert len(quoted) >= 2
    assert all(quote in prompt for quote in quoted)


@pytest.mark.parametrize(("language", "marker"), [("nl", "Gesimuleerd"), ("de", "Simulierter"), ("en", "Simulated")])
def test_speaks_the_assistants_language(sandbox: Sandbox, receiver: Receiver, language: str, marker: str) -> None:
    report = talk(sandbox, receiver, assistant=assistant(language))
    assert report["summary"].startswith(marker)
    words = {
        "nl": "instructies|zin|meegekregen|voorlezen",
        "de": "Anweisungen|Satz|gesagt|vorlesen",
        "en": "instructions|sentence|told|quote",
    }
    assert any(word in " ".join(lines(report, "assistant")) for word in words[language].split("|"))


def test_silence_is_checked(sandbox: Sandbox, receiver: Receiver) -> None:
    silence = {"messages": ["Still there?"], "final_message": "Goodbye then.", "first_check_seconds": 4}
    wanted = assistant(autonomous_silence_handling=True, speech_config={"silence": {**silence, "max_attempts": 2}})
    report = talk(sandbox, receiver, "+447700900004", assistant=wanted)
    assert lines(report, "assistant")[-2:] == ["Still there?", "Goodbye then."]
    assert report["end_reason"] == "silence_timeout"
    check, last = (turn for turn in report["messages"] if turn["content"] in ("Still there?", "Goodbye then."))
    assert 12 <= (last["start_ms"] - check["end_ms"]) / 1000 < 14


def test_end_call_phrase_hangs_up(sandbox: Sandbox, receiver: Receiver) -> None:
    wanted = assistant(speech_config={"end_call_phrases": ["have a lovely day"]})
    report = talk(sandbox, receiver, assistant=wanted)
    assert report["end_reason"] == "end_call_phrase"
    assert lines(report, "assistant")[-1].endswith("have a lovely day")


def test_end_call_message_is_spoken(sandbox: Sandbox, receiver: Receiver) -> None:
    wanted = assistant(tools=[{"type": "endCall"}], speech_config={"end_call_message": "Thanks for calling Bakker."})
    report = talk(sandbox, receiver, assistant=wanted)
    assert (lines(report, "assistant")[-1], report["end_reason"]) == ("Thanks for calling Bakker.", "assistant_hangup")


def test_analysis_fits_the_schema(sandbox: Sandbox, receiver: Receiver) -> None:
    schema = {
        "type": "object",
        "required": ["sentiment", "resolved", "topic"],
        "properties": {
            "sentiment": {"type": "integer", "minimum": 1, "maximum": 10},
            "resolved": {"type": "boolean"},
            "topic": {"type": "string"},
        },
    }
    plan = {"structured_data_plan": {"enabled": True, "schema": schema}}
    report = talk(sandbox, receiver, assistant=assistant(analysis_plan=plan))
    jsonschema.validate(report["analysis"], schema)
    assert report["analysis_done"] is True
    assert report["analysis"]["topic"] == "Simulated call."
    few = {"structured_data_plan": {"enabled": True, "schema": schema, "min_messages_threshold": 50}}
    assert "analysis" not in talk(sandbox, receiver, assistant=assistant(analysis_plan=few))
    assert "analysis" not in talk(sandbox, receiver)


def test_summary_and_analysis_may_be_left_to_others(sandbox: Sandbox, receiver: Receiver) -> None:
    plan = {"structured_data_plan": {"enabled": True, "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    sandbox.faults(no_analysis=True)
    try:
        report = talk(sandbox, receiver, assistant=assistant(analysis_plan=plan))
    finally:
        sandbox.faults()
    assert (report["summary"], report["analysis_done"], "analysis" in report) == ("", False, False)
    assert len(report["messages"]) > 2


def test_usage_names_parts_and_keys(sandbox: Sandbox, receiver: Receiver) -> None:
    report = talk(sandbox, receiver, credentials={"openai": {"api_key": "sk-very-secret"}})
    keys = {(row["part"], row["unit"]): row["key"] for row in report["usage"]}
    assert keys == {
        ("llm", "input_tokens"): "own",
        ("llm", "output_tokens"): "own",
        ("stt", "seconds"): "platform",
        ("tts", "characters"): "platform",
    }
    assert all(row["quantity"] > 0 for row in report["usage"])
    stored = b"".join(path.read_bytes() for path in sandbox.data.rglob("*") if path.is_file())
    assert b"sk-very-secret" not in stored


def test_recording_and_its_erasure(sandbox: Sandbox, receiver: Receiver) -> None:
    report = talk(sandbox, receiver, record={"enabled": True, "channels": 2})
    recording, call_id = report["recording"], report["call"]["id"]
    data = sandbox.client.get(recording["url"].removeprefix(sandbox.base))
    assert (data.status_code, data.headers["content-type"], len(data.content)) == (200, "audio/wav", recording["bytes"])
    assert hashlib.sha256(data.content).hexdigest() == recording["sha256"]
    assert recording["bytes"] == 44 + report["duration_seconds"] * 8000 * 2 * 2
    part = sandbox.client.get(f"/calls/{call_id}/recording", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")
    for _ in range(2):
        assert sandbox.client.delete(f"/calls/{call_id}/content").json() == {"success": True}
    assert sandbox.client.get(f"/calls/{call_id}/recording").status_code == 404
    call = sandbox.client.get(f"/calls/{call_id}").json()
    assert (call["messages"], call["summary"], call["recording_url"]) == (None, None, None)
    assert sandbox.client.delete("/calls/eng-unknown/content").status_code == 404


def test_gdpr_mode_keeps_no_content(sandbox: Sandbox, receiver: Receiver) -> None:
    report = talk(sandbox, receiver, assistant=assistant(gdpr_mode=True), record={"enabled": True})
    assert report["messages"]
    assert report["recording"] is None
    call = sandbox.client.get(f"/calls/{report['call']['id']}").json()
    assert (call["messages"], call["summary"], call["analysis_result"]) == (None, None, None)


def test_ring_seconds_limit_the_ringing(sandbox: Sandbox, receiver: Receiver) -> None:
    assert receiver.ended(sandbox.called("+447700900003", ring_seconds=5))["end_reason"] == "no_answer"
