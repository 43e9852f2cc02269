"""Calls that no event told us of: the engine's list is compared every hour, and gaps are filled from it (webhooks 12)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from apps.calls.models import Call
from apps.calls.services.draft import Draft, locked
from apps.calls.services.inbound_call import open_inbound
from apps.calls.services.incoming import instant_of
from apps.calls.services.quiet import fill_from_rest
from apps.calls.sql import HookEntry, organization_of_hook
from apps.core import db
from apps.core.db import writes
from apps.core.scope import Scope, acting
from apps.organizations.scopes import overview
from apps.voice.client import Engine, EngineTrouble
from apps.voice.models import Connection
from apps.voice.services import known_capabilities

# Longer than the hour between two looks, so that one that fails is made up for by the next.
BACK = dt.timedelta(hours=3)
# Events of what has just happened are still under way.
UNDER_WAY = dt.timedelta(minutes=2)
MOST = 1000


def connections_to_compare() -> list[tuple[UUID | None, UUID]]:
    """Active connections that answer, as (organization or None, connection)."""
    with acting(overview("connections whose calls are compared")):
        rows = Connection.objects.filter(is_active=True, failing_since=None)
        return list(rows.values_list("organization_id", "pk"))


def compare_calls(*, organization_id: UUID | None, connection_id: object) -> int:
    """Read the engine's calls of the last hours and fill what is missing here. Returns how many calls were filled.

    Speaks HTTP. An engine that does not answer is compared an hour later.
    """
    with acting(Scope((organization_id,) if organization_id else ())):
        connection = Connection.objects.filter(pk=connection_id, organization_id=organization_id, is_active=True).first()
        if connection is None:
            return 0
        now = db.now()
        since = (now - BACK).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        try:
            listed = Engine(connection).list_calls(limit=MOST, start_date=since)
        except EngineTrouble:
            return 0
    return sum(_take(connection, each, now) for each in listed)


def _take(connection: Connection, listed: dict[str, Any], now: dt.datetime) -> bool:
    """Fill one call, if it is ours and something is missing."""
    ref, made = listed.get("id"), instant_of(listed.get("created_at"))
    ended = instant_of(listed.get("ended_at"))
    if not isinstance(ref, str) or made is None or now - max(made, ended or made) < UNDER_WAY:
        return False
    is_inbound = listed.get("direction") == "inbound"
    own = listed.get("assistant_phone")
    number = own if is_inbound and isinstance(own, str) else ""
    entry = organization_of_hook(connection.hook_id, ref=ref[:255], number=number)
    if entry is None or entry.organization_id is None:
        return False
    with acting(entry.scope):
        if not _has_gap(entry, ref, is_inbound):
            return False
        try:
            found = Engine(connection).get_call(ref) or listed
        except EngineTrouble:
            found = listed
        simulated = known_capabilities(connection).simulated
        return _fill(entry=entry, ref=ref, found=found, is_inbound=is_inbound, simulated=simulated, now=db.now())


def _has_gap(entry: HookEntry, ref: str, is_inbound: bool) -> bool:
    """Nothing is known of an inbound call, or its end or report never came."""
    call = _known(entry, ref)
    return is_inbound if call is None else call.settled_at is None


@writes
def _fill(
    *, entry: HookEntry, ref: str, found: dict[str, Any], is_inbound: bool, simulated: bool, now: dt.datetime
) -> bool:
    known = _known(entry, ref)
    if known is None and is_inbound:
        own, other = found.get("assistant_phone"), found.get("caller_phone")
        known = open_inbound(
            organization_id=entry.organization_id, connection_id=entry.connection_id, ref=ref,
            own=str(own or ""), other=str(other or ""), simulated=simulated, now=now,
        )  # fmt: skip
    call = locked(entry.organization_id, known.pk) if known else None
    if call is None or call.settled_at is not None:
        return False
    draft = Draft(call, now)
    draft.note("filled", "filled", now)
    fill_from_rest(draft, found)
    draft.save()
    return True


def _known(entry: HookEntry, ref: str) -> Call | None:
    calls = Call.objects.for_organization(entry.organization_id).filter(connection_id=entry.connection_id, ref=ref)
    return calls.first()
