"""A heartbeat names every call of its engine process: what is missing twice is looked up (engine 7)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db.models import Q

from apps.calls.models import Call, EngineEvent
from apps.calls.services.incoming import Message, read_message
from apps.core.db import writes
from apps.core.scope import Scope, acting
from apps.organizations.scopes import overview
from apps.voice.models import Connection
from apps.voice.services import known_capabilities


def take_heartbeat(event_id: str, now: dt.datetime) -> None:
    """Judge every running call of the engine by one heartbeat, tenant by tenant, and forget the heartbeat."""
    with acting(overview("whose calls an engine carries")):
        event = EngineEvent.objects.select_related("connection").filter(pk=event_id).first()
        if event is None:
            return
        running = Call.objects.running().filter(connection_id=event.connection_id, ref__isnull=False)
        organizations = list(running.order_by().values_list("organization_id", flat=True).distinct())
    message = read_message(event.body.encode())
    owner = event.connection.organization_id
    if message and message.at:
        for organization_id in organizations:
            with acting(Scope((organization_id,))):
                judge_calls(organization_id=organization_id, connection=event.connection, message=message, now=now)
    with acting(Scope((owner,) if owner else ())):
        _close(event=event, at=message.at if message else None)


@writes
def judge_calls(*, organization_id: UUID, connection: Connection, message: Message, now: dt.datetime) -> None:
    """Calls it names are alive; others of its process, sent before it, are missing since the first such heartbeat."""
    listed = message.raw.get("calls")
    named = [each.get("id") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    refs = [each for each in named if isinstance(each, str)]
    calls = Call.objects.for_organization(organization_id).running().filter(connection=connection, ref__isnull=False)
    calls.filter(ref__in=refs).update(last_news_at=now, missing_since=None, checks=0, next_check_at=None)
    own = Q(engine_instance__in=["", message.instance])
    known = known_capabilities(connection)
    if not known.has("control_url") or known.instance == message.instance:
        own |= ~Q(engine_instance="")  # a new instance has taken the place of the one that began the call
    judged = calls.filter(own).exclude(ref__in=refs).filter(Q(sent_at=None) | Q(sent_at__lt=message.at))
    judged = judged.filter(created_at__lt=message.at)
    judged.filter(missing_since=None).update(missing_since=now, next_check_at=None)


@writes
def _close(*, event: EngineEvent, at: dt.datetime | None) -> None:
    if at:
        Connection.objects.filter(pk=event.connection_id).update(heartbeat_at=at)
    EngineEvent.objects.filter(pk=event.pk).delete()
