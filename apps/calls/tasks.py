"""Celery entries of calls: ids in, one service. The work lies in rows; a lost task is found again by a sweep."""

from __future__ import annotations

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
from apps.calls.services import reconcile as reconciling
from apps.calls.services.apply import apply_events
from apps.calls.services.slots import Later
from apps.calls.tasks_analysis import wake_analysis
from apps.core.db import now as read_now
from apps.organizations.tasks import TenantTask

log = logging.getLogger(__name__)
SHORT_WAIT, LONGEST_COUNTDOWN = 0.3, 60
HELD_SECONDS = 3
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
    """Send many reserved calls: one message, whoever takes it wakes one worker per call."""
    wake(dial_many, str(organization_id), [str(each) for each in call_ids])


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def dial_many(organization_id: str, call_ids: list[str]) -> None:
    """One task per call, each held back by the worker's own clock until its slot: no thread waits for it."""
    reserved = Call.objects.for_organization(organization_id).filter(pk__in=call_ids, dial=Call.Dial.RESERVED)
    now = read_now()
    for call_id, dial_at in reserved.order_by("dial_at", "pk").values_list("pk", "dial_at"):
        wait = (dial_at - now).total_seconds() if dial_at else 0
        wake(dial, organization_id, str(call_id), **({"countdown": wait} if wait > 0 else {}))


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
