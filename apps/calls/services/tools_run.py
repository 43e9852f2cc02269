"""One `tool-calls` event on its way: what is asked of whom, and what the answers mean (webhooks 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.assistants.mcp_client import Called
from apps.assistants.mcp_client import Target as McpTarget
from apps.assistants.tool_answers import read_answer
from apps.core.foreign_json import storable
from apps.webhooks.services import Answer, Target

LONGEST_KEPT = 4000
TIMED_OUT = {"error": "Tool timed out"}
PROBLEMS = {
    "timeout": "Tool timed out",
    "off": "The tool's server does not answer at the moment",
    "status": "The tool's server reported an error",
    "unreadable": "The tool's server gave no readable answer",
    "too_long": "The tool's server gave too long an answer",
}


@dataclass(frozen=True)
class Group:
    """Tool calls of one request that go to the same URL."""

    target: Target
    calls: list[dict[str, Any]]
    body: dict[str, Any]


@dataclass(frozen=True)
class McpCall:
    """One tool call that runs on an MCP server, under the name the server knows."""

    target: McpTarget
    name: str
    call: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What one `tool-calls` event asks for: `results` that are known already, and what is to be asked.

    repeated: ids that an earlier event has asked for, with the result they got then.
    """

    call_id: object = None
    turn: int | None = None
    results: dict[str, Any] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    mcp: list[McpCall] = field(default_factory=list)
    wanted: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeated: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What came back, in the order of `Run.groups` and `Run.mcp`. None: there was no time left to ask."""

    answers: list[Answer | None]
    called: list[Called | None]


def results_of(run: Run, asked: Asked) -> dict[str, Any]:
    """The result of every call, by its id."""
    results = run.results | run.repeated
    for group, said in zip(run.groups, asked.answers, strict=True):
        results |= read_results(group, said)
    for each, called in zip(run.mcp, asked.called, strict=True):
        results[each.call["id"]] = _mcp_result(called)
    return results


def read_results(group: Group, said: Answer | None) -> dict[str, Any]:
    """The result of each call of a group, by the three forms of webhooks 7."""
    ids = [call["id"] for call in group.calls]
    if said is None:
        return for_all(ids, TIMED_OUT)
    if not said.ok:
        return for_all(ids, {"error": PROBLEMS.get(said.problem, "The tool's server cannot be reached")})
    return read_answer(said.data, ids)


def kept_of(run: Run, asked: Asked, answer: dict[str, Any], at: dt.datetime) -> list[dict[str, Any]]:
    """Name, arguments, result and how long it took, as the call's page shows them; what was repeated stands there already."""
    took = _latencies(run, asked)
    kept = []
    for result in answer["results"]:
        wanted = run.wanted[result["tool_call_id"]]
        if wanted["id"] in run.repeated:
            continue
        entry = {
            "id": wanted["id"], "name": wanted["name"], "at": at.isoformat(), "arguments": wanted["arguments"],
            "result": _short(result["result"]),
        }  # fmt: skip
        beside = {"turn": run.turn, "ms": took.get(wanted["id"])}
        kept.append(entry | {name: value for name, value in beside.items() if value is not None})
    return kept


def _latencies(run: Run, asked: Asked) -> dict[str, int]:
    """Milliseconds by call id; one that was not asked has none."""
    groups = zip(run.groups, asked.answers, strict=True)
    found = {call["id"]: said.seconds for group, said in groups if said for call in group.calls}
    found |= {each.call["id"]: called.seconds for each, called in zip(run.mcp, asked.called, strict=True) if called}
    return {ident: round(seconds * 1000) for ident, seconds in found.items()}


def _mcp_result(called: Called | None) -> Any:
    if called is None or called.timed_out:
        return TIMED_OUT
    return storable(called.result if called.ok else {"error": called.error})


def for_all(ids: Iterable[str], result: Any) -> dict[str, Any]:
    return {each: result for each in ids}  # noqa: C420  (nobody changes a result)


def _short(result: Any) -> Any:
    return result if len(str(result)) <= LONGEST_KEPT else str(result)[:LONGEST_KEPT] + " …"
