"""Celery entries of webhooks: wake up, send what is due."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from celery import shared_task

from apps.core.db import now as read_now
from apps.core.queue import wake
from apps.core.scope import acting
from apps.organizations.scopes import overview
from apps.organizations.tasks import TenantTask
from apps.webhooks import deliveries
from apps.webhooks.models import Delivery

BATCH = 20
# Customers' dead servers may hold this many threads of a worker and no more: dialling shares them.
ROOM = threading.BoundedSemaphore(4)
# Of these, so many for URLs that failed the last time: the others are never all waiting for dead servers.
DOUBTFUL = threading.BoundedSemaphore(2)
SWEPT = 500


@shared_task(base=TenantTask, ignore_result=True, time_limit=240)
def deliver(organization_id: str, delivery_id: str) -> None:
    """One delivery, then what else waits for the same URL, as long as its server takes it."""
    rooms = (DOUBTFUL, ROOM) if deliveries.is_doubtful(delivery_id) else (ROOM,)
    with ExitStack() as held:
        for room in rooms:
            if not room.acquire(blocking=False):
                return  # the sweep comes back to it
            held.callback(room.release)
        following = _drain(delivery_id)
    if following:
        wake(deliver, organization_id, str(following))


@shared_task(ignore_result=True, time_limit=60)
def sweep() -> None:
    """Every 2 s: one task per URL that something is due for, so that one customer's backlog is one task."""
    with acting(overview("deliveries that are due")):
        now = read_now()
        due = (
            Delivery.objects.due(now).unclaimed(now).order_by("organization_id", "url_digest", "next_attempt_at", "id")
        )
        first = due.distinct("organization_id", "url_digest").values_list("organization_id", "pk")
        found = list(first[:SWEPT])
    for organization_id, delivery_id in found:
        deliver.apply_async((str(organization_id), str(delivery_id)), expires=10)


def _drain(delivery_id: str) -> object:
    """Returns what waits after a full batch: others' work comes in between."""
    following: object = delivery_id
    for _count in range(BATCH):
        if not deliveries.deliver(delivery_id=str(following), now=read_now()):
            return None
        following = deliveries.next_due(after=str(following), now=read_now())
        if following is None:
            return None
    return following
