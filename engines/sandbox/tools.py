"""Tools: the sandbox asks the control plane, which knows where they go."""

import asyncio
import json
import uuid
from typing import Any

from .assistant import Tool
from .events import NoAnswer
from .examples import Examples
from .talk import Talk

ANSWER_SECONDS = 11
LONGEST_RESULT = 240


async def run_tool(talk: Talk, tool: Tool, arguments: dict[str, Any] | None = None) -> None:
    """Ask `tool-calls` and speak the result briefly. Any failure is spoken, the talk goes on.

    Args:
        arguments: None: examples of what the tool asks for.
    """
    call, script = talk.call, talk.script
    if arguments is None:
        filled = Examples(talk.dice, "example", call.other).fill(tool.parameters)
        arguments = filled if isinstance(filled, dict) else {}
    entry = _entry(tool, arguments)
    fields = {"turn": len(call.messages) + 1, "tool_call_list": [entry]}
    record = {"id": entry["id"], "name": tool.name, "arguments": arguments, "result": None, "turn": fields["turn"]}
    call.tool_calls.append(record)
    if tool.runs_async:
        talk.engine.events.tell(call, "tool-calls", deadline_ms=ANSWER_SECONDS * 1000, **fields)
        record["result"] = tool.message or "ok"
        await talk.say(tool.message or script.tool_result.format(tool=tool.name, result="ok"))
        return
    asked = asyncio.create_task(_ask(talk, fields, entry["id"]))
    try:
        await talk.say(tool.message or talk.pick(script.before_tool))
        real = talk.call.pace.factor >= 1
        result = await asked
        if real:
            # In real time the wait for the answer was part of the talk.
            talk.call.pace.catch_up()
    finally:
        asked.cancel()
    await talk.wait(talk.dice.uniform(0.3, 1.0))
    record["result"] = result
    failed = isinstance(result, dict) and set(result) == {"error"}
    line = script.tool_error if failed else script.tool_result
    await talk.say(line.format(tool=tool.name, result=spoken(result["error"] if failed else result)))


def spoken(result: Any) -> str:
    """A result in one short line."""
    if isinstance(result, dict):
        text = ", ".join(f"{key}: {spoken(value)}" for key, value in result.items())
    elif isinstance(result, list):
        text = "; ".join(spoken(item) for item in result[:5])
    elif isinstance(result, str):
        text = result
    else:
        text = json.dumps(result)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_RESULT else text[:LONGEST_RESULT].rsplit(" ", 1)[0] + " …"


def _entry(tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
    identity = "tool_" + uuid.uuid4().hex[:12]
    if tool.server is not None:
        return {
            "id": identity,
            "type": "mcp",
            "mcp_server_id": tool.server,
            "name": tool.name,
            "arguments": arguments,
        }
    return {"id": identity, "type": "function", "function": {"name": tool.name, "arguments": arguments}}


async def _ask(talk: Talk, fields: dict[str, Any], identity: str) -> Any:
    try:
        answer = await talk.engine.events.ask(talk.call, "tool-calls", ANSWER_SECONDS, **fields)
    except NoAnswer as problem:
        return {"error": str(problem)}
    return _read(answer, identity)


def _read(answer: Any, identity: str) -> Any:
    """The forms of webhooks.md 7."""
    if not isinstance(answer, dict):
        return answer
    results = answer.get("results")
    if isinstance(results, list):
        rows = [row for row in results if isinstance(row, dict)]
        for row in rows:
            if identity in (row.get("tool_call_id"), row.get("toolCallId")):
                return row.get("result")
        return {"error": "the answer names another tool call"}
    return answer["result"] if set(answer) == {"result"} else answer
