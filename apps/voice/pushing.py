"""Bring copies of our things to an engine that keeps them: one row, one object, one request at a time (platform 12).

Nothing is made twice: a copy carries a marker, and where a create may have been sent without its answer being written
down, the engine's list is read before anything is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from apps.core import db
from apps.core.errors import Invalid
from apps.voice import mirror
from apps.voice.client import Engine
from apps.voice.mirror import LATER, SOON, Account
from apps.voice.models import Mirror
from apps.voice.wire import EngineBusy, EngineTrouble

MOST = 500


class NotYet(Exception):
    """Something this thing needs does not stand at the engine; `kind` says what."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class Side:
    """How one kind of thing is mirrored.

    path, name: the collection, and what its list is called in an answer.
    ids: the organization's things that must stand there.
    body: a thing as it is to stand there; None when it is gone. Raises NotYet.
    is_ours: whether a listed object is this thing's copy, by its body and marker.
    users: rows that must be pushed again when this one got another id.
    unseen: keys of the body that no engine shows.
    put, take, called: for what is no list of objects with ids: write one under an Idempotency-Key; take it away; how
        it is called there.
    """

    kind: str
    path: str
    name: str
    ids: Callable[[Account], set[UUID]]
    body: Callable[[Account, UUID], dict[str, Any] | None]
    is_ours: Callable[[dict[str, Any], dict[str, Any], str], bool] = field(
        default=lambda listed, body, marker: marker in marks_of(listed)
    )
    users: Callable[[Account, UUID], list[tuple[str, UUID]]] = field(default=lambda account, pk: [])
    can_change: bool = True
    unseen: frozenset[str] = frozenset()
    put: Callable[[Engine, dict[str, Any], str], None] | None = None
    take: Callable[[Engine, str], None] | None = None
    called: Callable[[dict[str, Any]], str] = field(default=lambda body: "")


@dataclass(frozen=True)
class Pushed:
    """What one row came to. `is_down`: the engine gives no answer, so the others need not be tried now."""

    done: bool
    is_down: bool = False


def push_account(account: Account, sides: Sequence[Side], most: int = MOST) -> int:
    """Push what is due: things in the order of `sides`, so that what they need comes first; what is gone in the other.

    Returns how many rows were pushed.
    """
    done = 0
    for side, removes in [*((side, False) for side in sides), *((side, True) for side in reversed(sides))]:
        rows = mirror.due(account.rows, db.now()).filter(kind=side.kind).order_by("created_at", "id")
        for row_id in list(rows.values_list("pk", flat=True)[: max(0, most - done)]):
            pushed = push(account, side, row_id, removes=removes)
            if pushed.is_down:
                return done
            done += pushed.done
    return done + _remove_replaced(account, sides)


def push(account: Account, side: Side, row_id: UUID, *, removes: bool = True) -> Pushed:
    """Bring one row's thing to the engine, or take it away there. A failure is written to the row, with the next try.

    Args:
        removes: False leaves what is gone for later, when nothing there points at it any more.
    """
    row = mirror.claim(account, row_id, db.now(), replaces=not side.can_change)
    if row is None:
        return Pushed(False)
    try:
        body = side.body(account, row.object_id)
        if body is None and not removes:
            mirror.release(account, row)
            return Pushed(False)
        if body is None:
            _remove(account, side, row)
        else:
            _put(account, side, row, body)
    except NotYet as wanted:
        text = _("Waits for: %(kind)s") % {"kind": Mirror.Kind(wanted.kind).label}
        mirror.record_trouble(account, row, db.now(), error=text if row.attempts > 1 else "", pause=SOON, refused=True)
        return Pushed(False)
    except Invalid as problem:
        text = _words(account, problem)
        mirror.record_trouble(account, row, db.now(), error=text, pause=LATER, refused=problem.type != "in_progress")
        return Pushed(False)
    except EngineBusy as busy:
        mirror.postpone(account, row, db.now(), seconds=busy.retry_after)
        return Pushed(False, is_down=True)
    except EngineTrouble as trouble:
        text = _("The voice engine does not answer: %(reason)s") % {"reason": trouble.reason}
        mirror.record_trouble(account, row, db.now(), error=text, pause=SOON)
        return Pushed(False, is_down=True)
    return Pushed(True)


def _words(account: Account, problem: Invalid) -> str:
    """Why the engine refused: on a reseller's brand in its own words only where it is the organization's own engine,
    because they may name it."""
    organization = account.organization
    if organization.brand.is_installation or account.connection.organization_id == organization.pk:
        return "; ".join(problem.details or [problem.text])
    return _("The voice engine refused it. Field: %(field)s") % {"field": problem.param or "–"}


def digest_of(body: dict[str, Any]) -> str:
    """What tells two versions apart. Keyed: a body may hold a password."""
    text = json.dumps(body, sort_keys=True, default=str)
    return salted_hmac("apps.voice.pushing", text, algorithm="sha256").hexdigest()


def marks_of(listed: dict[str, Any]) -> str:
    """Where copies carry their marker: the receiver's address, else the name."""
    return f"{listed.get('webhook_url') or ''} {listed.get('name') or ''}"


def marker_in(account: Account, listed: dict[str, Any]) -> str | None:
    """The marker of a listed object of this organization, whatever thing it was."""
    found = re.search(re.escape(account.tag) + r"[0-9a-f]{12}", marks_of(listed))
    return found.group() if found else None


def named(account: Account, name: str, object_id: UUID) -> str:
    """A name of at most 200 characters that carries the marker, for what has no other place for it."""
    tail = f" ({account.marker(object_id)})"
    return name[: 200 - len(tail)] + tail


def ref_of(listed: dict[str, Any]) -> str:
    """The engine's id of an object. Raises EngineTrouble when it has none."""
    ref = listed.get("id")
    if not isinstance(ref, str) or not 0 < len(ref) <= 255:
        raise EngineTrouble("unreadable")
    return ref


def _put(account: Account, side: Side, row: Mirror, body: dict[str, Any]) -> None:
    digest = digest_of(body)
    if row.ref and row.digest in (digest, mirror.KEPT):
        mirror.record(account, row, db.now())
        return
    if side.put:
        key = f"mirror:{row.pk}:{row.marks}:{digest[:12]}"
        mirror.intend(account, row, db.now(), ref=side.called(body))
        side.put(Engine(account.connection), body, key)
        mirror.record(account, row, db.now(), digest=digest)
        return
    if row.ref and side.can_change:
        if Engine(account.connection).change(f"{side.path}/{row.ref}", body) is not None:
            mirror.record(account, row, db.now(), digest=digest)
            return
        mirror.record_missing(account, row, db.now())
    ref = _make(account, side, row, body, digest)
    moved = side.users(account, row.object_id) if row.ref != ref else []
    old_ref = row.ref if row.ref and not side.can_change else row.old_ref
    mirror.record(account, row, db.now(), moved=moved, ref=ref, old_ref=old_ref, digest=digest)


def _make(account: Account, side: Side, row: Mirror, body: dict[str, Any], digest: str) -> str:
    """Create the copy, or find the one whose answer was lost. Returns the engine's id."""
    engine = Engine(account.connection)
    if row.is_unsure and (found := _find(engine, account, side, row, body)):
        return found
    # What was there and is gone is a new intent: an engine that keeps answers would repeat the old one.
    key = f"mirror:{row.pk}:{row.marks}:{digest[:12]}" + (f":after:{row.ref[-40:]}" if row.ref else "")
    try:
        return ref_of(engine.create(side.path, body, key=key))
    except Invalid as problem:
        if problem.type == "already_exists" and (found := _find(engine, account, side, row, body)):
            return found
        raise


def _find(engine: Engine, account: Account, side: Side, row: Mirror, body: dict[str, Any]) -> str | None:
    marker = account.marker(row.object_id)
    for listed in engine.objects(side.path, side.name):
        if side.is_ours(listed, body, marker) and listed.get("id") not in (row.ref, row.old_ref):
            ref = ref_of(listed)
            if side.can_change:
                engine.change(f"{side.path}/{ref}", body)
            return ref
    return None


def _remove(account: Account, side: Side, row: Mirror) -> None:
    engine, ref = Engine(account.connection), row.ref
    if not ref and row.is_unsure and side.put is None:
        ref = _find_marked(engine, account, side, row)
    for each in (ref, row.old_ref):
        if each:
            take_away(engine, side, each)
    mirror.forget(account, row)


def take_away(engine: Engine, side: Side, ref: str) -> None:
    """Remove a copy; one that is not there is no matter."""
    if side.take:
        side.take(engine, ref)
    else:
        engine.remove(f"{side.path}/{ref}")


def _find_marked(engine: Engine, account: Account, side: Side, row: Mirror) -> str:
    marker = account.marker(row.object_id)
    found = (listed for listed in engine.objects(side.path, side.name) if marker in marks_of(listed))
    return next((ref_of(listed) for listed in found), "")


def _remove_replaced(account: Account, sides: Sequence[Side]) -> int:
    """Take away what was replaced, once nothing waits to be moved off it."""
    paths = {side.kind: side for side in sides}
    users = {kind for side in sides for kind in ([] if side.can_change else [Mirror.Kind.NUMBER])}
    if not users or account.rows.filter(kind__in=users, is_dirty=True).exists():
        return 0
    done = 0
    for row in account.rows.exclude(old_ref="").filter(kind__in=paths):
        try:
            Engine(account.connection).remove(f"{paths[row.kind].path}/{row.old_ref}")
        except (EngineTrouble, Invalid):
            return done
        mirror.record_removed(account, row)
        done += 1
    return done
