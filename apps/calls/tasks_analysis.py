"""Celery entries of what happens after a call: reports that wait for their summary or analysis."""

from __future__ import annotations

import threading

from celery import shared_task

from apps.calls.services import analysis
from apps.core.db import now as read_now
from apps.core.queue import wake
from apps.organizations.tasks import TenantTask

# Slow models may hold this many threads of a worker and no more: dialling shares them.
ROOM = threading.BoundedSemaphore(3)


@shared_task(base=TenantTask, ignore_result=True, time_limit=150)
def analyse(organization_id: str, call_id: str) -> None:
    if not ROOM.acquire(blocking=False):
        return  # the sweep comes back to it
    try:
        analysis.analyse(organization_id=organization_id, call_id=call_id)
    finally:
        ROOM.release()


@shared_task(ignore_result=True, time_limit=60)
def sweep_reports() -> None:
    """Every 5 s: reports whose task was lost, whose model was busy, or that have waited long enough."""
    for organization_id, call_id in analysis.pending_reports(read_now()):
        analyse.apply_async((str(organization_id), str(call_id)), expires=10)


def wake_analysis(organization_id: str, call_id: str) -> None:
    """Begin at once where a report waits."""
    if analysis.is_pending(organization_id=organization_id, call_id=call_id):
        wake(analyse, organization_id, call_id)
