"""Tools during a call: the engine asks us, we ask the customer's server, the engine gets one result per call (webhooks 7).

An MCP tool runs on the customer's MCP server: engines with `tools` name it, we know its address and headers (engine 4).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

from apps.assistants.mcp_client import call_tool
from apps.assistants.tool_answers import is_error
from apps.calls.models import Call, EngineEvent
from apps.calls.services.draft import Draft, locked
from apps.calls.services.inbound import write_answer
from apps.calls.services.incoming import Message, tool_calls, whole
from apps.calls.services.own_tools import is_own, run_own_tool
from apps.calls.services.payloads import envelope
from apps.calls.services.snapshot import Route, ToolRoute, private_of
from apps.calls.services.tools_mcp import find_mcp_tool
from apps.calls.services.tools_run import TIMED_OUT, Asked, Group, McpCall, Run, for_all, kept_of, results_of
from apps.calls.sql import HookEntry
from apps.core.db import step, writes
from apps.core.scope import acting
from apps.webhooks.services import ask, log_question, prepared, queue

EVENT = "tool-calls"
MOST_KEPT = 200
UNKNOWN_CALL = {"error": "This call is not known"}
NO_SERVER = {"error": "This tool has no server"}


def begin_tools(entry: HookEntry, event: EngineEvent, message: Message, now: dt.datetime) -> Run:
    """Find where each call goes. Asynchronous ones are queued and answered at once."""
    if entry.organization_id is None or event.call_id is None:
        wanted = {call["id"]: call for call in tool_calls(message.raw)}
        return Run(wanted=wanted, results=for_all(wanted, UNKNOWN_CALL))
    with acting(entry.scope):
        return _begin(entry=entry, event=event, message=message, now=now)


async def ask_servers(run: Run, seconds: float) -> Asked:
    """Ask every server at once and wait at most `seconds`; each gets its own answer, slow ones hold up nobody."""
    if seconds <= 0:
        return Asked([None for _group in run.groups], [None for _call in run.mcp])
    asks = (ask(group.target, event=EVENT, body=group.body, seconds=seconds) for group in run.groups)
    calls = (call_tool(each.target, each.name, each.call["arguments"], seconds=seconds) for each in run.mcp)
    answers, called = await asyncio.gather(asyncio.gather(*asks), asyncio.gather(*calls))
    return Asked(list(answers), list(called))


def end_tools(entry: HookEntry, event: EngineEvent, run: Run, asked: Asked, now: dt.datetime) -> dict[str, Any]:
    """Put the results together, in the order of the calls, and keep the answer for a repeat."""
    results = results_of(run, asked)
    answer = {"results": [{"tool_call_id": each, "result": results.get(each, TIMED_OUT)} for each in run.wanted]}
    with acting(entry.scope):
        _end(event=event, run=run, asked=asked, answer=answer, now=now)
    return answer


def late_results(message: Message) -> dict[str, Any]:
    """What the engine gets for a repeat whose first one has no answer yet: it never came, or its process died."""
    return {"results": [{"tool_call_id": each["id"], "result": TIMED_OUT} for each in tool_calls(message.raw)]}


@writes
def _begin(*, entry: HookEntry, event: EngineEvent, message: Message, now: dt.datetime) -> Run:
    entries = tool_calls(message.raw)
    call = _call_of(entry, event, lock=any(is_own(each) for each in entries))
    draft = Draft(call, now)
    repeated = _answered_before(call, event, {each["id"] for each in entries})
    private, run = private_of(call), Run(call_id=call.pk, turn=whole(message.raw.get("turn")), repeated=repeated)
    asked: dict[tuple[str, str], tuple[Route, list[dict[str, Any]]]] = {}
    for wanted in entries:
        if wanted["id"] in run.wanted:
            continue
        run.wanted[wanted["id"]] = wanted
        if wanted["id"] in repeated:
            continue
        if wanted["is_mcp"]:
            _add_mcp(run, call, wanted)
            continue
        if is_own(wanted):
            run.results[wanted["id"]] = run_own_tool(draft, wanted)
            continue
        tool = private.tools.get(wanted["name"])
        route = _route_of(tool, private.route)
        if tool is None or route is None:
            run.results[wanted["id"]] = NO_SERVER
        elif tool.is_async:
            _queue_async(call, message, wanted, route, now)
            run.results[wanted["id"]] = tool.message or "ok"
        else:
            asked.setdefault((route.url, route.secret or ""), (route, []))[1].append(wanted)
    for route, calls in asked.values():
        body = _body(call, message, calls, now)
        target = prepared(organization=call.organization, target=route.target(call.organization), now=now)
        run.groups.append(Group(target, calls, body))
    draft.save()
    return run


def _call_of(entry: HookEntry, event: EngineEvent, *, lock: bool) -> Call:
    """Locked for tools that change the call itself; others wait for nobody."""
    calls = Call.objects.for_organization(entry.organization_id).select_related("organization__brand")
    if lock:
        calls = calls.select_for_update(of=("self",))
    call: Call = calls.get(pk=event.call_id)
    return call


def _add_mcp(run: Run, call: Call, wanted: dict[str, Any]) -> None:
    found = find_mcp_tool(call, wanted["server"], wanted["name"])
    if found is None:
        run.results[wanted["id"]] = NO_SERVER
    else:
        run.mcp.append(McpCall(found.target, found.name, wanted))


def _answered_before(call: Call, event: EngineEvent, ids: set[str]) -> dict[str, Any]:
    """Results of ids that came before, in another company: a repeated `tool_call_id` gets the stored one (engine 4)."""
    others = EngineEvent.objects.filter(call_id=call.pk, connection=event.connection_id, type=EVENT)
    others = others.exclude(pk=event.pk).exclude(answered_at=None)
    # A key names its ids unless they were too many; only answers that may hold one of ours are opened.
    keys = others.values_list("pk", "key")
    likely = [pk for pk, key in keys if ":tools:" not in key or ids & set(key.rpartition(":tools:")[2].split(","))]
    found: dict[str, Any] = {}
    for row in others.filter(pk__in=likely).order_by("created_at") if likely else ():
        rows = json.loads(row.answer or "{}").get("results") or []
        found |= {each["tool_call_id"]: each["result"] for each in rows if each["tool_call_id"] in ids - found.keys()}
    return found


@writes
def _end(*, event: EngineEvent, run: Run, asked: Asked, answer: dict[str, Any], now: dt.datetime) -> None:
    write_answer(event, answer, now)
    call = locked(event.organization_id, run.call_id) if run.call_id else None
    if call is None:
        return
    draft = Draft(call, now)
    for group, said in zip(run.groups, asked.answers, strict=True):
        if said:
            log_question(
                organization=call.organization, target=group.target, event=EVENT, call_id=call.public_id, answer=said, now=now
            )
    kept = kept_of(run, asked, answer, event.created_at)
    for each in kept:
        problem = "failed" if is_error(each["result"]) else None
        draft.note("tool", f"tool:{each['id']}", event.created_at, name=each["name"], latency_ms=each.get("ms"), value=problem)
    if not call.is_private and not call.content_erased_at:
        draft.set(tool_calls=[*(call.tool_calls or []), *kept][:MOST_KEPT])
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
