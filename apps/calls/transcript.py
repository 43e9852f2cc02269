"""A call's talk as the page shows it: turns, tool calls and remarks in the order of the conversation."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from apps.calls.models import Call


@dataclass(frozen=True)
class Entry:
    """One line. `kind` is `turn`, `tool` or `note`; `at` is in seconds from the answer, None when not known."""

    kind: str
    at: float | None
    turn: int | None = None
    role: str = ""
    text: str = ""
    interrupted: bool = False
    is_partial: bool = False
    name: str = ""
    ms: int | None = None
    ok: bool = True
    arguments: Any = None
    result: Any = None


def transcript(call: Call, interrupted: frozenset[int] = frozenset()) -> list[Entry]:
    """The talk of a call: live turns while it runs, the report's messages afterwards, with its tool calls in place.

    Args:
        interrupted: numbers of turns that the other side spoke into.
    """
    entries = [_entry(each, interrupted) for each in call.turns or call.messages or [] if isinstance(each, dict)]
    for tool in call.tool_calls or []:
        if isinstance(tool, dict):
            _place(entries, _tool(tool, call))
    return entries


def _entry(said: dict[str, Any], interrupted: frozenset[int]) -> Entry:
    start, turn = said.get("start_ms"), said.get("turn")
    at = start / 1000 if isinstance(start, int | float) else None
    if said.get("role") == "tool" and isinstance(said.get("tool"), dict):
        tool = said["tool"]
        return Entry("tool", at, **_shown(tool), ms=_whole(tool.get("latency_ms")))
    role, text = str(said.get("role", "")), str(said.get("content") or "")
    if role not in ("assistant", "user"):
        return Entry("note", at, turn, text=text)
    return Entry("turn", at, turn, role, text, turn in interrupted, said.get("final") is False)


def _tool(tool: dict[str, Any], call: Call) -> Entry:
    turn = tool.get("turn")
    ms = _whole(tool.get("ms", tool.get("latency_ms")))
    return Entry("tool", _offset(tool.get("at"), call), turn if isinstance(turn, int) else None, **_shown(tool), ms=ms)


def _shown(tool: dict[str, Any]) -> dict[str, Any]:
    result = tool.get("result")
    ok = not (isinstance(result, dict) and set(result) == {"error"})
    return {"name": str(tool.get("name") or ""), "arguments": tool.get("arguments"), "result": result, "ok": ok}


def _place(entries: list[Entry], tool: Entry) -> None:
    """Before the first line that comes after it: by turn where the engine names it, else by time, else at the end."""
    for position, entry in enumerate(entries):
        if tool.turn is not None:
            is_later = entry.turn is not None and entry.kind == "turn" and entry.turn >= tool.turn
        else:
            is_later = tool.at is not None and entry.at is not None and entry.at > tool.at
        if is_later:
            entries.insert(position, tool)
            return
    entries.append(tool)


def _offset(at: Any, call: Call) -> float | None:
    """Seconds from the answer; None when the engine's clock ran faster than ours."""
    try:
        moment = dt.datetime.fromisoformat(at)
    except (TypeError, ValueError):
        return None
    if call.started_at is None or moment.tzinfo is None:
        return None
    seconds = (moment - call.started_at).total_seconds()
    longest = call.duration_seconds if call.duration_seconds is not None else seconds
    return seconds if 0 <= seconds <= longest else None


def _whole(value: Any) -> int | None:
    return round(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
