"""Content that lies at the engine too: `DELETE /calls/{id}/content` (feature `recordings`), asked until it is done."""

from __future__ import annotations

import datetime as dt
import logging
from uuid import UUID

from apps.calls.models import CallQuerySet, EngineErasure
from apps.core import db
from apps.core.db import step, writes
from apps.core.errors import Invalid
from apps.core.scope import acting
from apps.organizations.scopes import overview
from apps.voice.client import Engine, EngineTrouble
from apps.voice.models import Connection
from apps.voice.services import known_capabilities

log = logging.getLogger(__name__)

FEATURE = "recordings"
FIRST, LONGEST = 30, 6 * 3600
# An engine that is gone for so long has let its own retention pass.
GIVEN_UP = dt.timedelta(days=400)
MOST = 200


@step
def ask_engine_to_erase(*, calls: CallQuerySet, now: dt.datetime) -> int:
    """Note for each of these calls that its engine has to erase content, where the engine can. Returns how many."""
    rows = calls.exclude(ref=None).exclude(connection=None).select_related("connection")
    wanted = [
        EngineErasure(
            organization_id=call.organization_id, connection_id=call.connection_id, ref=call.ref, call_id=call.public_id,
            next_attempt_at=now,
        )
        for call in rows.only("pk", "organization_id", "connection", "ref", "public_id")
        if known_capabilities(call.connection).has(FEATURE)
    ]  # fmt: skip
    EngineErasure.objects.bulk_create(wanted, ignore_conflicts=True)
    return len(wanted)


def due_erasures(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(organization, erasure) of what engines are to be asked now."""
    with acting(overview("content to erase at engines")):
        rows = EngineErasure.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at")
        return list(rows.values_list("organization_id", "pk")[:MOST])


def erase_at_engine(*, organization_id: object, erasure_id: object) -> bool | None:
    """Ask once. Returns whether the engine has erased it, or never had it; None when there was nothing to ask."""
    row = _claim(organization_id=organization_id, erasure_id=erasure_id, now=db.now())
    if row is None:
        return None
    if _is_unknown(row.connection):
        _failed(row=row, problem="unknown", now=db.now())
        return False
    engine = Engine(row.connection)
    if not engine.capabilities.has(FEATURE):
        _done(row=row)
        return None
    try:
        engine.erase_content(row.ref)
    except (EngineTrouble, Invalid) as trouble:
        _failed(row=row, problem=getattr(trouble, "reason", "refused"), now=db.now())
        return False
    _done(row=row)
    return True


def _is_unknown(connection: Connection) -> bool:
    """Nothing is known of the engine now, which is not the same as knowing that it keeps no content."""
    return not connection.base_url or (not connection.engine and connection.engine_read_at is None)


@writes
def _claim(*, organization_id: object, erasure_id: object, now: dt.datetime) -> EngineErasure | None:
    """Put the next try off, with doubling pauses, so that one worker asks."""
    rows = EngineErasure.objects.for_organization(organization_id).select_for_update(skip_locked=True, of=("self",))
    row: EngineErasure | None = rows.select_related("connection").filter(pk=erasure_id, next_attempt_at__lte=now).first()  # type: ignore[assignment]
    if row is None:
        return None
    pause = dt.timedelta(seconds=min(FIRST * 2 ** min(row.attempts, 10), LONGEST))
    row.change(now, attempts=min(row.attempts + 1, 30000), next_attempt_at=now + pause)
    return row


@writes
def _failed(*, row: EngineErasure, problem: str, now: dt.datetime) -> None:
    if now - row.created_at > GIVEN_UP:
        log.warning("engine of connection %s never erased call %s: %s", row.connection_id, row.call_id, problem)
        row.delete()
    else:
        row.change(now, problem=problem[:60])


@writes
def _done(*, row: EngineErasure) -> None:
    row.delete()
