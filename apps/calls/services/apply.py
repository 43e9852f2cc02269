"""Events become the state of a call: one transaction per call, forward only, whatever order they come in."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.calls.models import Call, EngineEvent
from apps.calls.services.draft import Draft, locked
from apps.calls.services.incoming import Message, part, read_message
from apps.calls.services.notify import tell_status
from apps.calls.services.opting_out import hear, press
from apps.calls.services.report import apply_report, consent_key
from apps.calls.services.settle import finish
from apps.catalog.services.keys import mark_broken
from apps.core.db import step, writes

log = logging.getLogger(__name__)

Status = Call.Status
FINAL = ("ended", "ended-with-error")
# How long the end of a call waits for events that were sent before it and are still under way.
HOLD_BACK = dt.timedelta(seconds=3)
LONGEST_TURN = 4000


@writes
def apply_events(*, organization_id: object, call_id: object, now: dt.datetime, one_by_one: bool = False) -> int:
    """Apply what has arrived for a call, in the engine's order. Returns how many events still wait for earlier ones.

    Args:
        one_by_one: after a crash: an event that cannot be applied is set aside with its problem.
    """
    call = locked(organization_id, call_id)
    if call is None:
        return 0
    arrived = EngineEvent.objects.filter(call_id=call.pk).filter(Q(applied_at=None) | Q(seq__gt=call.last_seq))
    events = sorted(arrived, key=lambda each: (each.seq or 0, each.happened_at or each.created_at, each.created_at))
    draft, done, waiting = Draft(call, now), [], 0
    reached = _reached(call.last_seq, (event.seq for event in events))
    for event in events:
        message = None if event.applied_at else read_message(event.body.encode())
        if message and _must_wait(event, message, reached, now):
            waiting += 1
        elif event.applied_at is None:
            done.append(event.pk)
            if message and one_by_one:
                _apply_alone(draft, message, event)
            elif message:
                apply_message(draft, message, event.key)
    draft.set(last_seq=reached)
    draft.save()
    applied = EngineEvent.objects.filter(pk__in=done)
    applied.update(applied_at=now, updated_at=now, body=b"", organization_id=call.organization_id)
    return waiting


@step
def apply_message(draft: Draft, message: Message, key: str) -> None:
    """Apply one event to a locked call."""
    _bind(draft, message)
    if message.type == "status-update":
        _status(draft, message, key)
    elif message.type == "call-progress":
        _progress(draft, message, key)
    elif message.type == "transcript":
        _transcript(draft, message)
    elif message.type == "end-of-call-report":
        apply_report(draft, message, key)


@step
def answered(draft: Draft, at: dt.datetime) -> None:
    """The talk has begun: metering starts, the customer is told once."""
    call = draft.call
    if call.may_become(Status.IN_PROGRESS):
        draft.set(status=Status.IN_PROGRESS, end_reason=None, ended_at=None, error=None, settled_at=None)
    draft.fill(started_at=at)
    tell_status(call, at=at, now=draft.now, answered=True)


def _reached(last: int, seqs: Iterable[int | None]) -> int:
    """The highest number up to which no event is missing."""
    found = set(seqs)
    while last + 1 in found:
        last += 1
    return last


def _must_wait(event: EngineEvent, message: Message, reached: int, now: dt.datetime) -> bool:
    """The end of a call waits a moment for what was sent before it: whether it was answered decides its status."""
    if event.seq is None or event.seq <= reached or now - event.created_at >= HOLD_BACK:
        return False
    return message.type == "end-of-call-report" or (message.type == "status-update" and message.status in FINAL)


def _apply_alone(draft: Draft, message: Message, event: EngineEvent) -> None:
    """Apply one event in a savepoint of its own; one that breaks is marked and never tried again."""
    try:
        with transaction.atomic():
            apply_message(draft, message, event.key)
            draft.save()
    except Exception as problem:
        log.exception("event %s of call %s cannot be applied", event.key, draft.call.public_id)
        EngineEvent.objects.filter(pk=event.pk).update(problem=str(problem)[:300])
        draft.forget()


def _bind(draft: Draft, message: Message) -> None:
    """Any event says that the engine has the call: that ends every search (engine 6)."""
    call = draft.call
    if call.dial not in (Call.Dial.ACCEPTED, Call.Dial.NONE):
        draft.set(dial=Call.Dial.ACCEPTED, refusal="", next_check_at=None, lease_until=None)
    draft.fill(ref=message.ref, control_url=message.control_url, engine_instance=message.instance)
    draft.set(last_news_at=draft.now, missing_since=None)


def _status(draft: Draft, message: Message, key: str) -> None:
    at, raw = message.at or draft.now, message.raw
    if message.status in FINAL:
        reason, error = raw.get("end_reason"), raw.get("error")
        draft.note("ended", key, at, status=message.status, reason=reason if isinstance(reason, str) else None)
        finish(
            draft, wire=message.status, reason=reason if isinstance(reason, str) else None,
            error=error if isinstance(error, str) else None, at=at,
        )  # fmt: skip
    elif message.status == Status.IN_PROGRESS:
        draft.note("answered", key, at)
        answered(draft, at)
    elif message.status == Status.RINGING:
        draft.note("ringing", key, at)
        _rings(draft)


def _progress(draft: Draft, message: Message, key: str) -> None:
    kind, data = message.raw.get("kind"), part(message.raw, "data")
    if not isinstance(kind, str):
        return
    # A pressed digit is content: it may be a code.
    kept = {name: value for name, value in data.items() if name != "digit" and isinstance(value, str | int | bool)}
    draft.note(kind, consent_key(kept.get("value")) if kind == "consent" else key, message.at, **kept)
    if kind == "ringing":
        _rings(draft)
    elif kind == "dtmf":
        press(draft, data.get("digit"), message.at)
    elif kind == "provider_error":
        _note_refused_key(draft, data)


def _note_refused_key(draft: Draft, data: dict[str, Any]) -> None:
    """A provider's 401 marks the key that served (features 16)."""
    call, slot = draft.call, data.get("slot")
    if isinstance(slot, str) and data.get("status") == 401:
        mark_broken(
            organization=call.organization, slot=slot[:20], used_at=call.created_at, reason="HTTP 401", tell=True,
            now=draft.now,
        )  # fmt: skip


def _rings(draft: Draft) -> None:
    if draft.call.may_become(Status.RINGING):
        draft.set(status=Status.RINGING, end_reason=None, ended_at=None, error=None, settled_at=None)


def _transcript(draft: Draft, message: Message) -> None:
    """Live turns, until the report brings the whole talk; never kept under GDPR mode. Who opts out is heard at once."""
    call, raw = draft.call, message.raw
    turn, role, text = raw.get("turn"), raw.get("role"), raw.get("text")
    if role == "user" and raw.get("final") is True and isinstance(text, str):
        hear(draft, [text[:LONGEST_TURN]], message.at)
    if call.is_private or call.report_at or call.content_erased_at:
        return
    if not isinstance(turn, int) or role not in ("user", "assistant") or not isinstance(text, str):
        return
    turns: dict[int, dict[str, Any]] = {each["turn"]: each for each in call.turns or []}
    if turns.get(turn, {}).get("final"):
        return
    turns[turn] = {"turn": turn, "role": role, "content": text[:LONGEST_TURN], "final": raw.get("final") is True}
    for name in ("start_ms", "end_ms", "latency_ms"):
        if isinstance(raw.get(name), int | dict):
            turns[turn][name] = raw[name]
    draft.set(turns=[turns[each] for each in sorted(turns)])

