"""Calls without news: the engine is asked, gaps are filled from its answer, lost calls are ended (webhooks 12)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q

from apps.calls.models import Call
from apps.calls.services.apply import answered
from apps.calls.services.draft import Draft, locked
from apps.calls.services.incoming import Message, instant_of
from apps.calls.services.report import apply_report
from apps.calls.services.settle import finish, settle
from apps.core import db
from apps.core.db import step, writes
from apps.core.scope import acting
from apps.organizations.scopes import overview
from apps.voice.capabilities import COUNTED_KINDS
from apps.voice.client import Engine, EngineTrouble
from apps.voice.services import known_capabilities

QUIET = dt.timedelta(seconds=30)
TWICE = dt.timedelta(seconds=15)
SILENT_ENGINE = dt.timedelta(seconds=45)
GRACE = dt.timedelta(seconds=60)
NO_LIMIT = dt.timedelta(hours=4)
REPORT_LOST = dt.timedelta(minutes=10)
LONGEST_PAUSE = 600
MOST = 500
LOST = "lost by the engine"


def quiet_calls(now: dt.datetime) -> list[tuple[object, object]]:
    """What the sweep finds, as (organization, call): running calls without news, and ended ones without a report."""
    due = Q(next_check_at=None) | Q(next_check_at__lte=now)
    engine_has_it = Q(dial__in=[Call.Dial.ACCEPTED, Call.Dial.NONE], connection__isnull=False, settled_at=None)
    running = Q(status__in=Call.RUNNING) & (Q(last_news_at__lt=now - QUIET) | Q(missing_since__lt=now - TWICE))
    unreported = ~Q(status__in=Call.RUNNING) & Q(started_at__isnull=False, report_at=None, ended_at__lt=now - QUIET)
    with acting(overview("calls without news")):
        rows = Call.objects.filter(engine_has_it & due & (running | unreported)).order_by("last_news_at")
        return list(rows.values_list("organization_id", "pk")[:MOST])


def read_call(*, organization_id: object, call_id: object) -> None:
    """Ask the engine for one call and write what it says."""
    call = _claim(organization_id=organization_id, call_id=call_id, now=db.now())
    if call is None or call.connection is None:
        return
    trouble, found = False, None
    try:
        engine = Engine(call.connection)
        if call.ref:
            found = engine.get_call(call.ref)
        if found is None and engine.capabilities.has("reference"):
            found = engine.find_by_reference(call.public_id)
    except EngineTrouble:
        trouble = True
    record_read(organization_id=organization_id, call_id=call_id, found=found, trouble=trouble, now=db.now())


@writes
def _claim(*, organization_id: object, call_id: object, now: dt.datetime) -> Call | None:
    """Put the next look off, with doubling pauses, so that one worker looks."""
    call = locked(organization_id, call_id, skip=True, settled_at=None)
    if call is None or (call.next_check_at and call.next_check_at > now):
        return None
    pause = min(15 * 2 ** min(call.checks, 6), LONGEST_PAUSE)
    draft = Draft(call, now)
    draft.set(checks=min(call.checks + 1, 30000), next_check_at=now + dt.timedelta(seconds=pause))
    draft.save()
    return call


@writes
def record_read(
    *, organization_id: object, call_id: object, found: dict[str, Any] | None, trouble: bool, now: dt.datetime
) -> None:
    """Write what the engine's REST answer says; `found` None: it does not know the call, or (`trouble`) did not answer."""
    call = locked(organization_id, call_id, settled_at=None)
    if call is None:
        return
    draft = Draft(call, now)
    if found is not None:
        fill_from_rest(draft, found)
        _look_again_soon(draft)
    elif call.is_final:
        _without_report(draft)
    elif trouble:
        _unreachable(draft)
    elif call.missing_since and now - call.missing_since >= TWICE:
        lose(draft)
    else:
        draft.set(missing_since=call.missing_since or now, next_check_at=now + TWICE)
    draft.save()


@step
def _look_again_soon(draft: Draft) -> None:
    """A running call holds a line, and the event of its end may get lost: where looks are not counted, it is looked at
    until that is known. Pauses that double are for engines that do not answer, or count each request."""
    call = draft.call
    assert call.connection is not None
    if call.is_running and call.next_check_at and known_capabilities(call.connection).kind not in COUNTED_KINDS:
        draft.set(next_check_at=min(call.next_check_at, draft.now + QUIET))


@step
def fill_from_rest(draft: Draft, found: dict[str, Any]) -> None:
    """Take over what events did not bring: the answer, or the end with its report."""
    call, status = draft.call, found.get("status")
    draft.set(missing_since=None)
    started = instant_of(found.get("started_at"))
    if status in Call.RUNNING:
        if status == Call.Status.IN_PROGRESS and started:
            answered(draft, call.started_at or started)
        if _overdue(call, draft.now):
            lose(draft)
        return
    if isinstance(status, str) and (started or call.started_at):
        apply_report(draft, _as_report(found, status), "rest")
    elif isinstance(status, str):
        reason, error = found.get("end_reason"), found.get("error")
        at = instant_of(found.get("ended_at")) or draft.now
        finish(draft, wire=status, reason=reason if isinstance(reason, str) else None,
               error=error if isinstance(error, str) else None, at=at)  # fmt: skip


@step
def lose(draft: Draft) -> None:
    """The engine had the call and does not know it any more. Booked is the talk that we know of."""
    call = draft.call
    draft.note("lost", "lost")
    finish(draft, wire="ended-with-error", reason="error", error=LOST, at=draft.now)
    if call.started_at and call.settled_at is None:
        seconds = max(0, int(((call.last_news_at or draft.now) - call.started_at).total_seconds()))
        draft.set(duration_seconds=seconds)
        settle(draft, seconds)


def _without_report(draft: Draft) -> None:
    """No report and nobody who knows: our own times count."""
    call = draft.call
    assert call.ended_at is not None
    assert call.started_at is not None
    if draft.now - call.ended_at >= REPORT_LOST:
        seconds = max(0, int((call.ended_at - call.started_at).total_seconds()))
        draft.set(duration_seconds=seconds)
        settle(draft, seconds)


def _unreachable(draft: Draft) -> None:
    """A silent engine with heartbeats has lost its calls; any other one when the call would be over by now."""
    call = draft.call
    connection = call.connection
    assert connection is not None
    beats = known_capabilities(connection).has("heartbeat")
    silent = beats and (connection.heartbeat_at is None or draft.now - connection.heartbeat_at >= SILENT_ENGINE)
    news = call.last_news_at or call.created_at
    if (silent and draft.now - news >= SILENT_ENGINE) or _overdue(call, draft.now):
        lose(draft)


def _overdue(call: Call, now: dt.datetime) -> bool:
    if call.direction == Call.Direction.WEB and call.started_at is None:
        return False  # a room waits for its visitor as long as the token is valid (services/web.py)
    limit = call.config.get("max_duration_seconds")
    longest = dt.timedelta(seconds=limit) + GRACE if limit else NO_LIMIT
    return now - (call.started_at or call.created_at) > longest and now - (call.last_news_at or call.created_at) > QUIET


def _as_report(found: dict[str, Any], status: str) -> Message:
    """A REST answer has the fields of a report, with `analysis_result` for `analysis`."""
    return Message(
        type="end-of-call-report", raw=found, at=instant_of(found.get("ended_at")), seq=None, instance="", ref="",
        call_id="", call_type="", status=status, control_url="", own="", other="",
    )  # fmt: skip
