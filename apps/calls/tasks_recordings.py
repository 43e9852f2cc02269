"""Celery entries of recordings and of what engines still hold. Here and not in `tasks`, so that services can wake them."""

from __future__ import annotations

import threading

from celery import shared_task

from apps.calls.services import engine_content, fetching
from apps.core.db import now as read_now
from apps.core.queue import wake
from apps.organizations.models import Organization
from apps.organizations.tasks import TenantTask

# Longer than a fetch may take (services/fetching.py).
LIMIT = 480
# Slow servers may hold this many threads of a worker and no more: dialling shares them.
ROOM = threading.BoundedSemaphore(2)
# The sweep wakes again what waited in a long queue; so that does not make it longer.
EXPIRES = 60


@shared_task(base=TenantTask, ignore_result=True, time_limit=LIMIT, expires=EXPIRES)
def fetch(organization_id: str, recording_id: str) -> None:
    if not ROOM.acquire(blocking=False):
        return  # the sweep comes back to it
    try:
        fetching.fetch_recording(organization_id=organization_id, recording_id=recording_id)
    finally:
        ROOM.release()


@shared_task(base=TenantTask, ignore_result=True, time_limit=120, expires=EXPIRES)
def remove_files(organization_id: str) -> None:
    fetching.remove_erased(organization=Organization.objects.get(pk=organization_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=600)
def remove_orphans(organization_id: str) -> None:
    fetching.remove_orphans(organization=Organization.objects.get(pk=organization_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=60, expires=EXPIRES)
def erase_at_engine(organization_id: str, erasure_id: str) -> None:
    engine_content.erase_at_engine(organization_id=organization_id, erasure_id=erasure_id)


@shared_task(ignore_result=True, time_limit=60)
def sweep() -> None:
    """Every 15 s: what is to be fetched or erased and whose task was lost, or whose pause is over."""
    now = read_now()
    for organization_id, row_id in fetching.due_recordings(now):
        wake(fetch, str(organization_id), str(row_id))
    for organization_id, row_id in engine_content.due_erasures(now):
        wake(erase_at_engine, str(organization_id), str(row_id))
    for each in fetching.organizations_with_remains():
        wake(remove_files, str(each))
