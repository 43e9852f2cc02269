"""Tools during a call: the engine asks us, we ask the customer's server, the engine gets one result per call (webhooks 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.calls.models import Call, EngineEvent
from apps.calls.services.draft import Draft, locked
from apps.calls.services.inbound import write_answer
from apps.calls.services.incoming import Message, tool_calls, whole
from apps.calls.services.payloads import envelope
from apps.calls.services.snapshot import Route, ToolRoute, private_of
from apps.calls.sql import HookEntry
from apps.core.db import step, writes
from apps.core.scope import acting
from apps.webhooks.services import Answer, Target, log_question, prepared, queue

EVENT = "tool-calls"
MOST_KEPT, LONGEST_KEPT = 200, 4000
TIMED_OUT = {"error": "Tool timed out"}
UNKNOWN_CALL = {"error": "This call is not known"}
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
class Run:
    """What one `tool-calls` event asks for: `results` that are known already, and `groups` that are to be asked."""

    call_id: object = None
    turn: int | None = None
    results: dict[str, Any] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    wanted: dict[str, dict[str, Any]] = field(default_factory=dict)


def begin_tools(entry: HookEntry, event: EngineEvent, message: Message, now: dt.datetime) -> Run:
    """Find where each call goes. Asynchronous ones are queued and answered at once."""
    if entry.organization_id is None or event.call_id is None:
        wanted = {call["id"]: call for call in tool_calls(message.raw)}
        return Run(wanted=wanted, results=_for_all(wanted, UNKNOWN_CALL))
    with acting(entry.scope):
        return _begin(entry=entry, event=event, message=message, now=now)


def end_tools(
    entry: HookEntry, event: EngineEvent, run: Run, answers: list[Answer | None], now: dt.datetime
) -> dict[str, Any]:
    """Put the results together, in the order of the calls, and keep the answer for a repeat."""
    results = dict(run.results)
    for group, said in zip(run.groups, answers, strict=True):
        results |= read_results(group, said)
    answer = {"results": [{"tool_call_id": each, "result": results.get(each, TIMED_OUT)} for each in run.wanted]}
    with acting(entry.scope):
        _end(event=event, run=run, answers=answers, answer=answer, now=now)
    return answer


def read_results(group: Group, said: Answer | None) -> dict[str, Any]:
    """The result of each call of a group, by the three forms of webhooks 7."""
    ids = [call["id"] for call in group.calls]
    if said is None:
        return _for_all(ids, TIMED_OUT)
    if not said.ok:
        return _for_all(ids, {"error": PROBLEMS.get(said.problem, "The tool's server cannot be reached")})
    data = said.data
    if isinstance(data, dict) and isinstance(data.get("results"), list):
        rows = [row for row in data["results"] if isinstance(row, dict)]
        named = {row.get("tool_call_id", row.get("toolCallId")): row.get("result") for row in rows}
        if len(ids) == 1 and ids[0] not in named and len(rows) == 1:
            return {ids[0]: rows[0].get("result")}
        return {each: named.get(each, {"error": "The tool's server gave no result for this call"}) for each in ids}
    result = data["result"] if isinstance(data, dict) and set(data) == {"result"} else data
    return _for_all(ids, result)


@writes
def _begin(*, entry: HookEntry, event: EngineEvent, message: Message, now: dt.datetime) -> Run:
    call = Call.objects.for_organization(entry.organization_id).select_related("organization__brand").get(pk=event.call_id)
    private, run = private_of(call), Run(call_id=call.pk, turn=whole(message.raw.get("turn")))
    asked: dict[tuple[str, str], tuple[Route, list[dict[str, Any]]]] = {}
    for wanted in tool_calls(message.raw):
        run.wanted[wanted["id"]] = wanted
        tool = None if wanted["is_mcp"] else private.tools.get(wanted["name"])
        route = _route_of(tool, private.route)
        if tool is None or route is None:
            run.results[wanted["id"]] = {"error": "This tool has no server"}
        elif tool.is_async:
            _queue_async(call, message, wanted, route, now)
            run.results[wanted["id"]] = tool.message or "ok"
        else:
            asked.setdefault((route.url, route.secret or ""), (route, []))[1].append(wanted)
    for route, calls in asked.values():
        body = _body(call, message, calls, now)
        target = prepared(organization=call.organization, target=route.target(call.organization), now=now)
        run.groups.append(Group(target, calls, body))
    return run


@writes
def _end(
    *, event: EngineEvent, run: Run, answers: list[Answer | None], answer: dict[str, Any], now: dt.datetime
) -> None:
    write_answer(event, answer, now)
    call = locked(event.organization_id, run.call_id) if run.call_id else None
    if call is None:
        return
    draft = Draft(call, now)
    for group, said in zip(run.groups, answers, strict=True):
        if said:
            log_question(
                organization=call.organization, target=group.target, event=EVENT, call_id=call.public_id, answer=said, now=now
            )
    if not call.is_private and not call.content_erased_at:
        draft.set(tool_calls=[*(call.tool_calls or []), *_kept(run, answer, now)][:MOST_KEPT])
    draft.save()


@step
def _queue_async(call: Call, message: Message, wanted: dict[str, Any], route: Route, now: dt.datetime) -> None:
    queue(
        organization=call.organization, event=EVENT, call_id=call.public_id,
        key=f"{call.public_id}:{EVENT}:{wanted['id']}"[:200], body=_body(call, message, [wanted], now),
        target=route.target(call.organization), now=now, wipes_body=call.is_private,
    )  # fmt: skip


def _route_of(tool: ToolRoute | None, route: Route | None) -> Route | None:
    """The tool's own URL, which no filter stops; else the call's, when it wants tool calls."""
    if tool and tool.route:
        return tool.route
    return route if route and route.wants(EVENT) else None


def _body(call: Call, message: Message, calls: list[dict[str, Any]], now: dt.datetime) -> dict[str, Any]:
    entries = [
        {"id": each["id"], "type": "function", "function": {"name": each["name"], "arguments": each["arguments"]}}
        for each in calls
    ]
    status = call.status if call.is_running else "in-progress"
    return envelope(
        call, private_of(call), type=EVENT, status=status, at=message.at or now, tool_call_list=entries
    )


def _kept(run: Run, answer: dict[str, Any], now: dt.datetime) -> list[dict[str, Any]]:
    """Name, arguments and result as the call's page shows them."""
    return [
        {
            "id": result["tool_call_id"],
            "name": run.wanted[result["tool_call_id"]]["name"],
            "at": now.isoformat(),
            "arguments": run.wanted[result["tool_call_id"]]["arguments"],
            "result": _short(result["result"]),
            **({"turn": run.turn} if run.turn is not None else {}),
        }
        for result in answer["results"]
    ]


def _for_all(ids: Iterable[str], result: Any) -> dict[str, Any]:
    return {each: result for each in ids}  # noqa: C420  (nobody changes a result)


def _short(result: Any) -> Any:
    return result if len(str(result)) <= LONGEST_KEPT else str(result)[:LONGEST_KEPT] + " …"
