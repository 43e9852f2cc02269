"""The end-of-call report: what was said, how long it was, and what it cost."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

from django.contrib.postgres.search import SearchVector
from django.db.models import Value

from apps.calls.models import Call
from apps.calls.services.analysis_hold import hold_report
from apps.calls.services.draft import Draft
from apps.calls.services.incoming import Message, instant_of, part, whole
from apps.calls.services.notify import tell_report, tell_status
from apps.calls.services.opting_out import hear_report
from apps.calls.services.recordings import expect_recording, is_wanted
from apps.calls.services.settle import finish, forget_answers, settle
from apps.core.addresses import url_problem
from apps.core.db import step

ROLES = ("system", "user", "assistant")
TIMES = ("turn", "start_ms", "end_ms")
MOST_MESSAGES, LONGEST_MESSAGE, LONGEST_SUMMARY = 5000, 20_000, 5000
MOST_SEARCHED = 300_000


@step
def apply_report(draft: Draft, message: Message, key: str) -> None:
    """Write the report's content under the privacy rules, book the call, tell the customer, at once or when what is lacking
    has been made (`analysis`). Later ones change nothing."""
    call, raw = draft.call, message.raw
    if call.report_at is not None:
        return
    at = message.at or draft.now
    started = instant_of(raw.get("answered_at")) or instant_of(raw.get("started_at")) or call.started_at
    ended = instant_of(raw.get("ended_at")) or call.ended_at or at
    seconds = whole(raw.get("duration_seconds"))
    started = started or ended - dt.timedelta(seconds=seconds or 0)
    if seconds is None:
        seconds = max(0, whole((ended - started).total_seconds()) or 0)
    if call.started_at is None:
        tell_status(call, at=started, now=draft.now, answered=True)
    draft.set(started_at=started)
    _finish(draft, message, ended)
    draft.set(ended_at=ended, duration_seconds=seconds, report_at=at, turns=None, usage=_usage(call, raw))
    draft.note("report", key, at, seconds=seconds)
    _note_consent(draft, raw)
    settle(draft, seconds)
    content = read_content(call, raw)
    hear_report(draft, content["messages"], at)
    waits = hold_report(draft, content, raw, at=at)
    store_content(draft, content)
    if call.recording_url:
        expect_recording(call=call, report=raw, now=draft.now)
    if not waits:
        tell_report(call, content, at=at, now=draft.now)


def read_content(call: Call, raw: dict[str, Any]) -> dict[str, Any]:
    """Summary, messages, analysis and recording of a report or of a REST answer, as far as they can be used."""
    summary, analysis = raw.get("summary"), raw.get("analysis", raw.get("analysis_result"))
    url = part(raw, "recording").get("url") or raw.get("recording_url")
    return {
        "summary": summary[:LONGEST_SUMMARY] if isinstance(summary, str) else "",
        "messages": _messages(raw.get("messages")),
        "analysis": analysis if isinstance(analysis, dict) else None,
        "recording_url": url if isinstance(url, str) and _may_link(call, url) and _may_tell(call) else None,
    }


@step
def store_content(draft: Draft, content: dict[str, Any]) -> None:
    """Keep the content, unless GDPR mode or an erasure forbids it; what may be kept can be searched."""
    call = draft.call
    if call.is_private or call.content_erased_at:
        draft.set(tool_calls=None)
        forget_answers(call, draft.now)
    else:
        draft.set(
            summary=content["summary"], messages=content["messages"], analysis_result=content["analysis"],
            recording_url=content["recording_url"] or "",
        )  # fmt: skip
    draft.replace(search=SearchVector(Value(_searched(call)), config="simple"))


@step
def store_analysis(draft: Draft, content: dict[str, Any]) -> None:
    """Keep what was made after the report, under the same rules."""
    call = draft.call
    if not call.is_private and not call.content_erased_at:
        draft.set(summary=content["summary"], analysis_result=content["analysis"])
        draft.replace(search=SearchVector(Value(_searched(call)), config="simple"))


def _finish(draft: Draft, message: Message, ended: dt.datetime) -> None:
    raw = message.raw
    reason, error = raw.get("end_reason"), raw.get("error")
    finish(
        draft, wire=message.status or "ended", reason=reason if isinstance(reason, str) else None,
        error=error if isinstance(error, str) else None, at=ended,
    )  # fmt: skip


def _messages(found: Any) -> list[dict[str, Any]]:
    kept = []
    for each in found[:MOST_MESSAGES] if isinstance(found, list) else []:
        if not isinstance(each, dict) or each.get("role") not in ROLES or not isinstance(each.get("content"), str):
            continue
        entry: dict[str, Any] = {"role": each["role"], "content": each["content"][:LONGEST_MESSAGE]}
        entry |= {name: each[name] for name in TIMES if isinstance(each.get(name), int)}
        if isinstance(each.get("latency_ms"), dict):
            entry["latency_ms"] = each["latency_ms"]
        kept.append(entry)
    return kept


def _usage(call: Call, raw: dict[str, Any]) -> list[dict[str, Any]] | None:
    """What the engine counted. Whose key served is what we sent along; the engine cannot tell an own from an agency's."""
    found, keys = raw.get("usage"), call.config.get("keys") or {}
    names = ("part", "provider", "model", "key", "unit", "quantity")
    rows = [each for each in found[:50] if isinstance(each, dict)] if isinstance(found, list) else []
    kept = [{name: row[name] for name in names if isinstance(row.get(name), str | int | float)} for row in rows]
    kept = [{**row, "key": keys.get(row.get("part"), row.get("key", "platform"))} for row in kept]
    silent = sorted(keys.keys() - {row.get("part") for row in kept})
    return kept + [{"part": part, "key": keys[part]} for part in silent] or None


def consent_key(value: object) -> str:
    """One line of the timeline for each thing that happened to consent, whichever event tells of it first."""
    return f"consent:{value}"


def _note_consent(draft: Draft, raw: dict[str, Any]) -> None:
    """The proof of consent, should the events that told of it be lost."""
    told = part(raw, "consent")
    for value in ("asked", "given"):
        if at := instant_of(told.get(f"{value}_at")):
            draft.note("consent", consent_key(value), at, value=value)


def _may_tell(call: Call) -> bool:
    """Under GDPR mode a link that the engine supplies is passed on once; else what nobody wanted recorded is ignored."""
    return call.is_private or is_wanted(call)


def _may_link(call: Call, url: str) -> bool:
    """A recording lies on the engine's own host or at a public address (engine 4)."""
    if len(url) > 2048 or urlsplit(url).scheme not in ("http", "https"):
        return False
    base = call.connection.base_url if call.connection else ""
    return urlsplit(url).hostname == urlsplit(base).hostname or url_problem(url) is None


def _searched(call: Call) -> str:
    said = [each["content"] for each in call.messages or [] if each["role"] != "system"]
    names = [call.public_id, call.own_number, call.other_number, call.assistant_name, call.business_name, call.summary]
    return " ".join([*(name for name in names if name), *said])[:MOST_SEARCHED]
