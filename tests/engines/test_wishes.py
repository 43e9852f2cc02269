"""Opting out and call-backs in the sandbox: what is said, pressed and asked of the control plane."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines.stage import FINAL, Receiver, Sandbox, assistant


def tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"reason": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": "x", "parameters": parameters}}


def asked(receiver: Receiver, call_id: str) -> list[tuple[str, Any]]:
    found = [each for event in receiver.of(call_id, "tool-calls") for each in event["tool_call_list"]]
    return [(each["function"]["name"], each["function"]["arguments"]) for each in found]


def pressed(receiver: Receiver, call_id: str) -> list[Any]:
    return [event["data"] for event in receiver.of(call_id, "call-progress") if event["kind"] == "dtmf"]


def test_who_opts_out_says_so_and_the_assistant_uses_its_tool(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = sandbox.called("+447700900008", assistant=assistant(tools=[tool("book"), tool("opt_out")]))
    report = receiver.wait(call_id, FINAL)
    assert [name for name, _arguments in asked(receiver, call_id)] == ["opt_out"]
    assert pressed(receiver, call_id) == []
    assert "user" in [turn["role"] for turn in report["messages"]]


@pytest.mark.parametrize(
    ("language", "greeting", "key"),
    [
        ("en", "Hello. Press 9 if you want no more calls.", "9"), ("nl", "Goedemiddag. Druk op de 8 als u niet meer gebeld wilt worden.", "8"),
        ("de", "Guten Tag. Drücken Sie die Taste # für keine weiteren Anrufe.", "#"),
    ],
)  # fmt: skip
def test_where_the_greeting_names_a_key_it_is_pressed(
    sandbox: Sandbox, receiver: Receiver, language: str, greeting: str, key: str
) -> None:
    wanted = assistant(language, tools=[tool("opt_out")], first_message=greeting)
    call_id = sandbox.called("+447700900008", assistant=wanted)
    report = receiver.wait(call_id, FINAL)
    assert (pressed(receiver, call_id), asked(receiver, call_id)) == ([{"digit": key}], [])
    assert [turn["role"] for turn in report["messages"]] == ["assistant", "assistant"]


def test_who_asks_to_be_called_back(sandbox: Sandbox, receiver: Receiver) -> None:
    call_id = sandbox.called("+447700900009", assistant=assistant(tools=[tool("request_callback")]))
    receiver.wait(call_id, FINAL)
    assert asked(receiver, call_id) == [("request_callback", {"minutes": 120})]


def test_these_tools_are_used_for_nothing_else(sandbox: Sandbox, receiver: Receiver) -> None:
    wanted = assistant(tools=[tool("opt_out"), tool("do_not_call"), tool("request_callback")])
    call_id = sandbox.called("+447700900001", assistant=wanted)
    receiver.wait(call_id, FINAL)
    assert asked(receiver, call_id) == []
