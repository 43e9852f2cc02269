"""A typed talk: what a person writes goes to the engine, what comes back is kept like any other transcript."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.calls.models import Call
from apps.calls.services.apply import LONGEST_TURN, answered
from apps.calls.services.draft import Draft, locked
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Conflict
from apps.core.foreign_json import storable
from apps.voice.client import Engine

SHOWN_OF_TOOL = ("id", "name", "arguments", "result", "turn")
MOST_AT_ONCE = 100


@dataclass(frozen=True)
class Heard:
    """What was said since the last time, the person's own words included; `tool_calls` as a call keeps them."""

    turns: list[dict[str, Any]]
    tool_calls: list[dict[str, Any]]
    ended: bool


def type_text(*, call: Call, text: str) -> Heard:
    """Say something in a typed talk; empty: come in and be greeted.

    Raises Conflict (`call_not_active`) when the talk is over, Unavailable without an answer of the engine: then nobody
    knows whether it heard.
    """
    if not call.is_typed or call.is_final or not call.ref or call.connection is None:
        raise Conflict(_("The talk is over."), type="call_not_active")
    answer = Engine(call.connection).text(call.ref, text)
    return _record(organization_id=call.organization_id, call_id=call.pk, answer=answer, now=db.now())


@writes
def _record(*, organization_id: object, call_id: object, answer: dict[str, Any], now: dt.datetime) -> Heard:
    """Keep the turns unless the call keeps no content; the report replaces them later."""
    call = locked(organization_id, call_id)
    if call is None:
        raise Conflict(_("The talk is over."), type="call_not_active")
    turns = _turns(answer, first=max((each["turn"] for each in call.turns or []), default=0) + 1)
    heard = Heard(turns, _tools(answer), answer.get("ended") is True)
    draft = Draft(call, now)
    if call.is_running:
        answered(draft, call.started_at or now)
    if not (call.is_private or call.report_at or call.content_erased_at):
        known = {each["turn"]: each for each in [*(call.turns or []), *turns]}
        draft.set(turns=[known[turn] for turn in sorted(known)])
        ids = {each.get("id") for each in call.tool_calls or []}
        draft.set(tool_calls=[*(call.tool_calls or []), *(each for each in heard.tool_calls if each["id"] not in ids)] or None)
    draft.save()
    return heard


def _turns(answer: dict[str, Any], *, first: int) -> list[dict[str, Any]]:
    """The messages of an answer as turns; an engine that does not number them is taken in order."""
    turns = []
    for number, each in enumerate(_dicts(answer.get("messages")), first):
        role, text, turn = each.get("role"), each.get("content"), each.get("turn")
        if role in ("user", "assistant") and isinstance(text, str):
            own = turn if isinstance(turn, int) and 0 < turn < 2**31 else number
            times = {name: each[name] for name in ("start_ms", "end_ms") if isinstance(each.get(name), int)}
            turns.append({"turn": own, "role": role, "content": storable(text[:LONGEST_TURN]), "final": True, **times})
    return turns


def _tools(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found = [each for each in _dicts(answer.get("tool_calls")) if isinstance(each.get("id"), str)]
    return [storable({name: each[name] for name in SHOWN_OF_TOOL if name in each}) for each in found]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)][:MOST_AT_ONCE] if isinstance(value, list) else []
