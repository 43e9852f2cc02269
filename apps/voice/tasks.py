"""Celery entries of voice: are the engines there, and do they know where their events go."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.core.db import now as read_now
from apps.core.scope import Scope, acting
from apps.organizations.scopes import overview
from apps.organizations.tasks import TenantTask
from apps.voice.client import EngineTrouble
from apps.voice.models import Connection
from apps.voice.services import ensure_receiver, note_failure, refresh

log = logging.getLogger(__name__)


@shared_task(ignore_result=True, time_limit=60)
def check_connections() -> None:
    """Every 10 s: one task per active connection."""
    with acting(overview("active connections")):
        found = list(Connection.objects.filter(is_active=True).values_list("organization_id", "pk"))
    for organization_id, connection_id in found:
        if organization_id is None:
            check_installation.apply_async((str(connection_id),), expires=10)
        else:
            check_connection.apply_async((str(organization_id), str(connection_id)), expires=10)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def check_connection(organization_id: str, connection_id: str) -> None:
    _check(Connection.objects.filter(organization_id=organization_id, pk=connection_id).first())


@shared_task(ignore_result=True, time_limit=60)
def check_installation(connection_id: str) -> None:
    """The installation's own connection belongs to nobody."""
    with acting(Scope(())):
        _check(Connection.objects.filter(organization=None, pk=connection_id).first())


def _check(connection: Connection | None) -> None:
    if connection is None or not connection.is_active:
        return
    now = read_now()
    try:
        refresh(connection, now)
        ensure_receiver(connection)
    except EngineTrouble as error:
        note_failure(connection, error.reason, now)
        log.warning("The voice engine %s does not answer: %s", connection.name, error.reason)
