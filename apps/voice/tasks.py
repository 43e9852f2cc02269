"""Celery entries of voice: are the engines there, and do they know where their events go."""

from __future__ import annotations

import datetime as dt
import logging

from celery import shared_task
from django.db.models import Q

from apps.core.db import now as read_now
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.scopes import overview
from apps.organizations.tasks import TenantTask
from apps.voice.alerts import is_due, tell_outage
from apps.voice.capabilities import COUNTED_KINDS, known_capabilities
from apps.voice.client import EngineBusy, EngineTrouble
from apps.voice.connecting import forget_closed
from apps.voice.models import Connection
from apps.voice.services import is_down, look_after

log = logging.getLogger(__name__)
RARELY = dt.timedelta(seconds=30)


@shared_task(ignore_result=True, time_limit=60)
def check_connections() -> None:
    """Every 10 s: one task per active connection, and one per closed organization that still has a key."""
    now = read_now()
    with acting(overview("active connections")):
        rows = Connection.objects.filter(is_active=True).filter(Q(via=None) | Q(via__is_active=True))
        found = [(each.organization_id, each.pk) for each in rows if _is_worth_asking(each, now)]
        closed = Connection.objects.exclude(base_url="").filter(organization__closed_at__isnull=False)
        gone = set(closed.values_list("organization_id", flat=True))
    for closed_id in gone:
        forget_connections.apply_async((str(closed_id),), expires=10)
    for organization_id, connection_id in found:
        if organization_id is None:
            check_installation.apply_async((str(connection_id),), expires=10)
        else:
            check_connection.apply_async((str(organization_id), str(connection_id)), expires=10)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def check_connection(organization_id: str, connection_id: str) -> None:
    _check(Connection.objects.filter(organization_id=organization_id, pk=connection_id).first())


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def forget_connections(organization_id: str) -> None:
    forget_closed(organization=Organization.objects.get(pk=organization_id), now=read_now())


@shared_task(ignore_result=True, time_limit=60)
def check_installation(connection_id: str) -> None:
    """The installation's own connection belongs to nobody."""
    with acting(Scope(())):
        _check(Connection.objects.filter(organization=None, pk=connection_id).first())


def _is_worth_asking(connection: Connection, now: dt.datetime) -> bool:
    """Always; but an account with a limit per key that answered half a minute ago has better things to do."""
    is_counted = known_capabilities(connection).kind in COUNTED_KINDS
    asked = connection.engine_read_at
    return not is_counted or is_down(connection) or asked is None or now - asked >= RARELY


def _check(connection: Connection | None) -> None:
    if connection is None or not connection.is_active:
        return
    now = read_now()
    try:
        look_after(connection, now)
    except EngineBusy:
        return
    except EngineTrouble as error:
        log.warning("The voice engine %s does not answer: %s", connection.name, error.reason)
    if is_due(connection, now):
        tell_outage(connection=connection, now=now)
