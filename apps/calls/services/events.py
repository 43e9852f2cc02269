"""Events at the door: stored under their unique key before anything else, bound to a call as soon as there is one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError

from apps.calls.models import Call, EngineEvent
from apps.calls.services.apply import HOLD_BACK
from apps.calls.services.inbound_call import open_inbound
from apps.calls.services.incoming import HEARTBEAT, TOLD, Message
from apps.calls.sql import HookEntry, organization_of_hook
from apps.core.db import writes
from apps.core.scope import acting
from apps.organizations.scopes import overview

MOST = 500


@dataclass(frozen=True)
class Stored:
    """An event in the database. `is_new` is false for a repeat."""

    event: EngineEvent
    is_new: bool
    entry: HookEntry


def take_event(*, hook: str, message: Message, webhook_id: str | None, body: bytes, now: dt.datetime) -> Stored | None:
    """Find for whom an event is and store it once. None when it has no effect: the hook is gone,
    or the same event was told for another tenant."""
    number = message.own if message.is_inbound else ""
    entry = organization_of_hook(hook, call=message.call_id, ref=message.ref, number=number)
    if entry is None:
        return None
    key = message.key(webhook_id)
    with acting(entry.scope):
        try:
            return Stored(_store(entry=entry, message=message, key=key, body=body, now=now), True, entry)
        except IntegrityError:
            found = EngineEvent.objects.filter(connection_id=entry.connection_id, key=key).first()
            if found is None:  # the repeat speaks for another tenant than the first: it has no effect here
                return None
            return Stored(found, False, entry)


def open_events(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """What the sweep finds, as (organization, call): events whose task was lost or that waited long enough."""
    with acting(overview("events nobody applied")):
        rows = EngineEvent.objects.filter(applied_at=None, created_at__lt=now - HOLD_BACK, type__in=TOLD)
        rows = rows.exclude(call_id=None).exclude(organization_id=None)
        ids = rows.order_by("organization_id", "call_id").values_list("organization_id", "call_id").distinct()
        return [(organization_id, call_id) for organization_id, call_id in ids[:MOST] if organization_id and call_id]


@writes
def _store(  # a repeat breaks the unique key and takes the whole transaction back
    *, entry: HookEntry, message: Message, key: str, body: bytes, now: dt.datetime
) -> EngineEvent:
    call_id = entry.call_id
    if call_id is None and entry.organization_id and message.is_inbound and message.type in TOLD:
        call_id = _inbound(entry, message, now).pk
    event = EngineEvent(
        organization_id=entry.organization_id, connection_id=entry.connection_id, key=key, type=message.type,
        call_ref=message.ref, call_id=call_id, seq=message.seq, happened_at=message.at, body=body.decode(),
        applied_at=None if message.type in (*TOLD, HEARTBEAT) else now,
    )  # fmt: skip
    event.save(force_insert=True)
    return event


def _inbound(entry: HookEntry, message: Message, now: dt.datetime) -> Call:
    """An inbound call that we were never asked about: the called number says whose it is."""
    return open_inbound(
        organization_id=entry.organization_id, connection_id=entry.connection_id, ref=message.ref, own=message.own,
        other=message.other, simulated=message.is_simulated, now=now,
    )  # fmt: skip
