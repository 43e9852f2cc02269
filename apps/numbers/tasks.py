"""Celery entries of the mirror. They stand here because numbers see all that engines keep copies of."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any
from uuid import UUID

from celery import shared_task
from django.core.cache import cache
from django.db.models import Exists, F, OuterRef, Q
from redis.exceptions import RedisError

from apps.core.db import now as read_now
from apps.core.errors import Invalid
from apps.core.queue import wake
from apps.core.scope import acting
from apps.numbers.sync import enrol_organization, synchronise, withdraw
from apps.organizations.models import Organization
from apps.organizations.scopes import overview
from apps.organizations.tasks import TenantTask
from apps.voice.mirror import Account, Kind, mirrors
from apps.voice.models import Connection, Mirror
from apps.voice.wire import EngineTrouble

log = logging.getLogger(__name__)
# One task at a time pushes for an organization; a lost one stops the others no longer than this.
PUSHING_SECONDS = 120
MOST = 200
NIGHTLY = dt.timedelta(hours=24)


@shared_task(base=TenantTask, ignore_result=True, time_limit=280)
def push(organization_id: str) -> None:
    """Bring one organization's engine up to date."""
    try:
        synchronise(Organization.objects.get(pk=organization_id), read_now())
    finally:
        _forget(organization_id)


@shared_task(ignore_result=True, time_limit=60)
def sweep_mirror() -> None:
    """Every 2 s: organizations with something to push."""
    now = read_now()
    with acting(overview("things to push to engines that keep copies")):
        rows = Mirror.objects.filter(is_dirty=True, connection__is_active=True)
        rows = rows.filter(Q(next_try_at=None) | Q(next_try_at__lte=now))
        ids = list(rows.values_list("organization_id", flat=True).distinct()[:MOST])
    for organization_id in ids:
        if _first(organization_id):
            wake(push, str(organization_id))


@shared_task(ignore_result=True, time_limit=60)
def enrol() -> None:
    """Every 10 s: organizations whose engine keeps copies and was never compared, not for a day, or lost something."""
    now = read_now()
    with acting(overview("organizations whose engines keep copies")):
        chosen = _chosen()
        rows = Mirror.objects.filter(kind=Kind.ACCOUNT).values_list("organization_id", "connection_id", "synced_at", "is_dirty")
        known: dict[tuple[UUID, UUID], Any] = {(one, two): (at, dirty) for one, two, at, dirty in rows}
    for organization_id, connection in chosen.items():
        synced_at, dirty = known.get((organization_id, connection.pk), (None, False))
        if not dirty and _is_stale(synced_at, connection, now):
            wake(enrol_one, str(organization_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def enrol_one(organization_id: str) -> None:
    enrol_organization(organization=Organization.objects.get(pk=organization_id))


@shared_task(ignore_result=True, time_limit=60)
def leave_shared_accounts() -> None:
    """Every 5 minutes: copies that clients with an account of their own left behind in their agency's."""
    with acting(overview("copies left in shared accounts")):
        rows = Mirror.objects.exclude(kind=Kind.ACCOUNT).exclude(connection__organization=F("organization"))
        own = Connection.objects.filter(is_active=True, organization=OuterRef("organization"), via=OuterRef("connection"))
        left = rows.filter(Exists(own)).values_list("organization_id", "connection_id").distinct()
        found = list(left[:MOST])
    for organization_id, connection_id in found:
        wake(leave_shared_account, str(organization_id), str(connection_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=280)
def leave_shared_account(organization_id: str, connection_id: str) -> None:
    account = Account(Organization.objects.get(pk=organization_id), Connection.objects.get(pk=connection_id))
    try:
        withdraw(account)
    except (EngineTrouble, Invalid) as trouble:
        log.info("copies of %s stay until the next try: %s", organization_id, trouble)


def _chosen() -> dict[UUID, Connection]:
    """The mirroring connection of each organization that uses one; the nearest wins (platform 12)."""
    rows = Connection.objects.filter(is_active=True).filter(Q(via=None) | Q(via__is_active=True))
    active = {each.organization_id: each for each in rows}
    if not any(mirrors(each) for each in active.values()):
        return {}
    found = {}
    for pk, parent_id in Organization.objects.live().values_list("pk", "parent_id"):
        connection = active.get(pk) or (active.get(parent_id) if parent_id else None) or active.get(None)
        if connection and mirrors(connection):
            found[pk] = connection
    return found


def _is_stale(synced_at: dt.datetime | None, connection: Connection, now: dt.datetime) -> bool:
    if synced_at is None or now - synced_at >= NIGHTLY:
        return True
    return connection.resync_wanted_at is not None and connection.resync_wanted_at > synced_at


def _first(organization_id: object) -> bool:
    """Whether nobody pushes for this organization now. Without a cache everybody is first: claims keep them apart."""
    try:
        return bool(cache.add(f"mirror:{organization_id}", 1, PUSHING_SECONDS))
    except RedisError as error:
        log.warning("push of %s not noted: %s", organization_id, error)
        return True


def _forget(organization_id: object) -> None:
    try:
        cache.delete(f"mirror:{organization_id}")
    except RedisError as error:
        log.warning("push of %s not cleared: %s", organization_id, error)
