"""Celery entries of calls: ids in, one service. The work lies in rows; a lost task is found again by a sweep."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from apps.calls import tasks_lists  # noqa: F401  (found with this module)
from apps.calls.models import Call
from apps.calls.services import balances, events, heartbeats, missed, quiet, web
from apps.calls.services import dial as dialling
from apps.calls.services import dial_many as many
from apps.calls.services import reconcile as reconciling
from apps.calls.services.apply import apply_events
from apps.calls.services.slots import Later
from apps.calls.tasks_analysis import wake_analysis
from apps.core.db import now as read_now
from apps.organizations.tasks import TenantTask

log = logging.getLogger(__name__)
SHORT_WAIT, LONGEST_COUNTDOWN = 0.3, 60
HELD_SECONDS = 3
# Who was woken for the calls of a moment, and for a call that goes its own way, is not woken again so soon.
DUE_SECONDS, APART_SECONDS = 10, 3
# A woken task that was lost stops others no longer than the sweep takes to find the events.
WAKING_SECONDS = 10
# A sweep runs often and wakes a row seldom: a long queue must not be made longer by what waits in it.
SWEPT_SECONDS, RECONCILED_SECONDS = 15, 4


def wake(task: Task, *arguments: Any, **options: Any) -> None:
    """Send a task now; without a broker the sweeps do the work."""
    try:
        task.apply_async(arguments, retry=False, **options)
    except OperationalError as error:
        log.warning("%s not woken: %s", task.name, error)


def wake_apply(organization_id: object, call_id: object) -> None:
    """Apply a call's events soon. Events come in bursts: one task takes all that are there when it starts."""
    if _first(_waking(call_id), WAKING_SECONDS):
        wake(apply, str(organization_id), str(call_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def dial(organization_id: str, call_id: str) -> None:
    """Send a call when its slot comes. What is too early comes back: no thread waits longer than a moment."""
    due = Call.objects.for_organization(organization_id).filter(pk=call_id).values_list("dial_at", flat=True).first()
    if due and (seconds := (due - read_now()).total_seconds()) > 0:
        if seconds > SHORT_WAIT:
            wake_dial(organization_id, call_id, seconds)
            return
        time.sleep(seconds)
    done = dialling.dial(organization_id=organization_id, call_id=call_id)
    if isinstance(done, Later):
        wake_dial(organization_id, call_id, done.seconds)


def wake_dial(organization_id: str, call_id: str, seconds: float) -> None:
    """Come back for a reserved call then; what lies further ahead the sweep finds."""
    if seconds <= LONGEST_COUNTDOWN:
        wake(dial, organization_id, call_id, countdown=seconds)


def wake_dials(organization_id: object, call_ids: Sequence[object]) -> None:
    """Send reserved calls of campaigns, in a moment, so that one message is enough for all whose turn comes in it."""
    if call_ids:
        _wake_due(organization_id, read_now() + many.TOGETHER)


@shared_task(base=TenantTask, ignore_result=True, time_limit=120)
def dial_due(organization_id: str) -> None:
    """Send the calls of campaigns whose time has come, and be there again when the next one is due."""
    batch = many.mark_due(organization_id=organization_id)
    _go_on(batch)
    many.send(batch)
    _go_on(batch)


def _go_on(batch: many.Batch) -> None:
    """Wake workers for what others have to do, and for what is due next."""
    apart = [call_id for call_id in batch.apart if _first(f"calls:apart:{call_id}", APART_SECONDS)]
    for call_id in apart:
        wake(dial, str(batch.organization_id), str(call_id))
    if batch.is_more and (apart or batch.sendings):
        wake(dial_due, str(batch.organization_id))
    if batch.next_at:
        _wake_due(batch.organization_id, batch.next_at)
    batch.apart, batch.is_more, batch.next_at = [], False, None


def _wake_due(organization_id: object, at: dt.datetime) -> None:
    """What is due at the same moment is woken once, whoever asks for it; what lies further ahead, a later look finds."""
    together = many.TOGETHER.total_seconds()
    moment = int(at.timestamp() / together)
    seconds = max(0.0, moment * together - read_now().timestamp())
    if seconds <= LONGEST_COUNTDOWN and _first(f"calls:due:{organization_id}:{moment}", DUE_SECONDS):
        wake(dial_due, str(organization_id), countdown=seconds)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def reconcile(organization_id: str, call_id: str) -> None:
    reconciling.reconcile(organization_id=organization_id, call_id=call_id)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def apply(organization_id: str, call_id: str) -> None:
    """Apply a call's events; one that breaks is set aside so that it cannot hold up the others."""
    try:
        cache.delete(_waking(call_id))  # before reading: what is stored from now on wakes its own task
    except RedisError as error:
        log.warning("wake-up not cleared: %s", error)
    try:
        waiting = apply_events(organization_id=organization_id, call_id=call_id, now=read_now())
    except Exception:
        log.exception("events of call %s", call_id)
        waiting = apply_events(organization_id=organization_id, call_id=call_id, now=read_now(), one_by_one=True)
    if waiting:
        wake(apply, organization_id, call_id, countdown=HELD_SECONDS)
    wake_analysis(organization_id, call_id)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def read_call(organization_id: str, call_id: str) -> None:
    quiet.read_call(organization_id=organization_id, call_id=call_id)
    wake_analysis(organization_id, call_id)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def close_room(organization_id: str, call_id: str) -> None:
    web.close_room(organization_id=organization_id, call_id=call_id)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def cut_call(organization_id: str, call_id: str) -> None:
    balances.cut_call(organization_id=organization_id, call_id=call_id)


@shared_task(ignore_result=True, time_limit=60)
def heartbeat(event_id: str) -> None:
    heartbeats.take_heartbeat(event_id, read_now())


@shared_task(ignore_result=True, time_limit=60)
def sweep_missed_calls() -> None:
    """Every hour: one task per connection."""
    for organization_id, connection_id in missed.connections_to_compare():
        wake(compare_calls, str(organization_id or ""), str(connection_id), expires=1800)


@shared_task(ignore_result=True, time_limit=280)
def compare_calls(organization_id: str, connection_id: str) -> None:
    """Calls that no event told us of. The installation's connection belongs to nobody."""
    owner = UUID(organization_id) if organization_id else None
    missed.compare_calls(organization_id=owner, connection_id=connection_id)


@shared_task(ignore_result=True, time_limit=60)
def sweep_dials() -> None:
    """Every half second: reserved calls whose task was lost, and dials whose lease ran out or whose fate is unknown."""
    lost, unsure = reconciling.open_dials(read_now())
    for organization_id, call_id in lost:
        if _first(f"calls:dial:{call_id}", SWEPT_SECONDS):
            wake(dial, str(organization_id), str(call_id), expires=SWEPT_SECONDS)
    for organization_id, call_id in unsure:
        if _first(f"calls:reconcile:{call_id}", RECONCILED_SECONDS):
            wake(reconcile, str(organization_id), str(call_id), expires=RECONCILED_SECONDS)


@shared_task(ignore_result=True, time_limit=60)
def sweep_events() -> None:
    """Every 5 s: events whose task was lost, or that waited long enough for earlier ones."""
    for organization_id, call_id in events.open_events(read_now()):
        wake_apply(organization_id, call_id)


@shared_task(ignore_result=True, time_limit=60)
def sweep_quiet_calls() -> None:
    """Every 15 s: calls without news, and ended ones without a report."""
    for organization_id, call_id in quiet.quiet_calls(read_now()):
        wake(read_call, str(organization_id), str(call_id), expires=30)


@shared_task(ignore_result=True, time_limit=60)
def sweep_rooms() -> None:
    """Every 15 s: web calls that nobody joined in time."""
    for organization_id, call_id in web.empty_rooms(read_now()):
        wake(close_room, str(organization_id), str(call_id), expires=15)


@shared_task(ignore_result=True, time_limit=60)
def check_balances() -> None:
    """Every 30 s: running calls whose payer has nothing left."""
    for organization_id, call_id in balances.calls_at_zero(read_now()):
        wake(cut_call, str(organization_id), str(call_id), expires=30)


def _waking(call_id: object) -> str:
    return f"calls:apply:{call_id}"


def _first(name: str, seconds: int) -> bool:
    """Whether nobody did this in the last `seconds`. Without a cache everybody is first."""
    try:
        return bool(cache.add(name, 1, seconds))
    except RedisError as error:
        log.warning("%s not noted: %s", name, error)
        return True
