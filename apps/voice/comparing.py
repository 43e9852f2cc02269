"""The nightly compare: what an engine keeps against what it should keep. Local is the truth (platform 12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from apps.core import db
from apps.core.db import writes
from apps.core.errors import Invalid
from apps.voice import mirror
from apps.voice.client import Engine
from apps.voice.mirror import SOON, Account
from apps.voice.models import Mirror
from apps.voice.pushing import NotYet, Side, marker_in
from apps.voice.wire import EngineBusy, EngineTrouble

Listed = dict[str, dict[str, dict[str, Any]]]


def compare(account: Account, sides: Sequence[Side]) -> bool:
    """When it is due: mark what differs, is missing or is gone, and take away copies of ours that nobody knows.

    What somebody else made there is left alone. Returns whether the comparison was made.
    """
    now = db.now()
    rows = mirror.due(account.rows, now).filter(kind=Mirror.Kind.ACCOUNT)
    found = rows.filter(object_id=account.organization.pk).first()
    row = mirror.claim(account, found.pk, now) if found else None
    if row is None:
        return False
    try:
        wanted = {side.kind: side.ids(account) for side in sides}
        known = account.rows.exclude(kind=Mirror.Kind.ACCOUNT).exists()
        listed = _listed(account, sides) if known or any(wanted.values()) else {}
    except EngineBusy as busy:
        mirror.postpone(account, row, db.now(), seconds=busy.retry_after)
        return False
    except EngineTrouble as trouble:
        mirror.record_trouble(account, row, db.now(), error=trouble.reason, pause=SOON)
        return False
    drifted = {side.kind: _drifted(account, side, listed.get(side.path, {})) for side in sides} if listed else {}
    _record(account=account, sides=sides, wanted=wanted, listed=listed, drifted=drifted, now=db.now())
    _remove_strays(account, sides, listed)
    mirror.record(account, row, db.now(), ref=str(account.organization.pk))
    return True


def _listed(account: Account, sides: Sequence[Side]) -> Listed:
    """What the engine keeps, by collection and id."""
    engine, names = Engine(account.connection), {side.path: side.name for side in sides if side.put is None}
    found: Listed = {}
    for path, name in names.items():
        found[path] = {each["id"]: each for each in engine.objects(path, name) if isinstance(each.get("id"), str)}
    return found


def _drifted(account: Account, side: Side, listed: dict[str, dict[str, Any]]) -> list[UUID]:
    """Things whose copies differ from what they should be."""
    found: list[UUID] = []
    if side.put:
        return found
    rows = account.rows.filter(kind=side.kind).exclude(ref="").exclude(digest=mirror.KEPT)
    for object_id, ref in rows.values_list("object_id", "ref"):
        there = listed.get(ref)
        if there is None:
            continue
        try:
            body = side.body(account, object_id)
        except NotYet:
            continue
        if body is not None and not _holds(there, {name: body[name] for name in body.keys() - side.unseen}):
            found.append(object_id)
    return found


@writes
def _record(
    *, account: Account, sides: Sequence[Side], wanted: dict[str, set[UUID]], listed: Listed,
    drifted: dict[str, list[UUID]], now: dt.datetime,
) -> None:  # fmt: skip
    for side in sides:
        rows = account.rows.filter(kind=side.kind)
        known = dict(rows.values_list("object_id", "ref"))
        is_listed = side.put is None
        missing = [pk for pk, ref in known.items() if is_listed and ref and ref not in listed.get(side.path, {})]
        rows.filter(object_id__in=missing).update(ref="", digest="", is_unsure=False, updated_at=now)
        rows.filter(object_id__in=drifted.get(side.kind, [])).update(digest="", updated_at=now)
        unpushed = [pk for pk, ref in known.items() if not ref]
        rows.filter(object_id__in=unpushed).update(is_unsure=True)
        changed = {*missing, *unpushed, *drifted.get(side.kind, []), *(wanted[side.kind] ^ known.keys())}
        mirror.mark_in(account, side.kind, changed)
        moved = [user for pk in missing for user in side.users(account, pk)]
        for kind, object_id in moved:
            mirror.mark_in(account, kind, [object_id])


def _remove_strays(account: Account, sides: Sequence[Side], listed: Listed) -> None:
    """Copies that carry our marker and belong to no row: made twice, or of a thing that is long gone."""
    rows = list(account.rows.exclude(kind=Mirror.Kind.ACCOUNT))
    refs = {each for row in rows for each in (row.ref, row.old_ref)}
    awaited = {account.marker(row.object_id) for row in rows if row.is_dirty or not row.ref}
    engine = Engine(account.connection)
    for path in {side.path for side in reversed(sides)}:
        for ref, each in listed.get(path, {}).items():
            marker = marker_in(account, each)
            if marker and ref not in refs and marker not in awaited:
                try:
                    engine.remove(f"{path}/{ref}")
                except (EngineTrouble, Invalid):
                    return


def _holds(there: Any, wanted: Any) -> bool:
    """Whether what is listed has everything we sent; defaults that the engine added do not count."""
    if isinstance(wanted, dict) and isinstance(there, dict):
        return all(_holds(there.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(there, list):
        return len(there) == len(wanted) and all(map(_holds, there, wanted))
    return bool(there == wanted)
