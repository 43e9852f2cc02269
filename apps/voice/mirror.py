"""Which of our things an engine must keep a copy of, and how each copy stands (platform 12).

An engine with `one_time_full` gets the whole assistant with every call and keeps nothing. Every other one has copies:
saving marks a row here in the same transaction, `apps.voice.pushing` brings what is marked to the engine.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from apps.core.db import step, writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.voice.models import Connection, Mirror
from apps.voice.services import find_connection, hook_url, known_capabilities

Kind = Mirror.Kind
# Longer than any request to an engine: meanwhile nobody else pushes the row.
LEASE = dt.timedelta(seconds=60)
# An engine that gives no answer is asked again soon; what it refuses waits for a change, and is tried now and then.
SOON, LATER = dt.timedelta(seconds=2), dt.timedelta(minutes=5)
LONGEST = {SOON: dt.timedelta(minutes=2), LATER: dt.timedelta(hours=12)}
MARK = "sb"


# The digest of a copy that holds a secret nobody here knows: it is left as it is until the thing changes here.
KEPT = "kept"


@dataclass(frozen=True)
class Account:
    """An organization at an engine that keeps copies."""

    organization: Organization
    connection: Connection

    @property
    def rows(self) -> QuerySet[Mirror]:
        return Mirror.objects.for_organization(self.organization).filter(connection=self.connection)

    @property
    def tag(self) -> str:
        """The same for everything of this organization there, and nobody else's."""
        text = f"{self.connection.hook_id}:{self.organization.pk}"
        return f"{MARK}-{hashlib.sha256(text.encode()).hexdigest()[:8]}-"

    def marker(self, object_id: UUID) -> str:
        """What a copy carries, so that one whose answer was lost is found again by listing."""
        return f"{self.tag}{object_id.hex[-12:]}"

    @property
    def hook(self) -> str:
        return hook_url(self.connection)


@dataclass(frozen=True)
class Taken:
    """What is being taken over from the engine: it stands there already, under the id that it gets here."""

    kind: str
    is_kept: bool


_taken: ContextVar[Taken | None] = ContextVar("taken", default=None)


@contextmanager
def taking_over(kind: str, *, is_kept: bool = False) -> Iterator[None]:
    """What is made inside stands at the engine under the same id; `is_kept`: with a secret that the engine does not show."""
    token = _taken.set(Taken(kind, is_kept))
    try:
        yield
    finally:
        _taken.reset(token)


def mirrors(connection: Connection | None) -> bool:
    """Whether the engine keeps copies. One that was never reached has not said so yet."""
    known = connection is not None and connection.is_active and connection.engine_read_at is not None
    return known and connection is not None and not known_capabilities(connection).has("one_time_full")


def account_of(organization: Organization) -> Account | None:
    """The organization's account at its engine; None when the engine needs no copies."""
    connection = find_connection(organization)
    return Account(organization, connection) if connection and mirrors(connection) else None


@step
def mark(*, organization: Organization, kinds: Iterable[str], ids: Iterable[UUID]) -> None:
    """Note that things were made, changed or deleted: their copies are brought up to date within seconds."""
    account, wanted = account_of(organization), list(ids)
    for kind in kinds if account and wanted else ():
        mark_in(account, kind, wanted)  # type: ignore[arg-type]


@step
def mark_everything(*, organization: Organization) -> None:
    """The organization's things go: what stands at any engine is taken away."""
    rows = Mirror.objects.for_organization(organization).exclude(kind=Kind.ACCOUNT)
    rows.update(is_dirty=True, marks=F("marks") + 1, attempts=0, next_try_at=None)


@step
def mark_in(account: Account, kind: str, ids: Iterable[UUID]) -> None:
    wanted, taken = list(ids), _taken.get()
    known = account.rows.filter(kind=kind, object_id__in=wanted)
    known.filter(digest=KEPT).update(digest="")
    known.update(is_dirty=True, marks=F("marks") + 1, attempts=0, error="", next_try_at=None)
    rows = [Mirror(organization=account.organization, connection=account.connection, kind=kind, object_id=each) for each in wanted]  # fmt: skip
    for row in rows if taken and taken.kind == kind else ():
        row.ref, row.digest = str(row.object_id), KEPT if taken and taken.is_kept else ""
    Mirror.objects.bulk_create(rows, ignore_conflicts=True)


@writes
def sync_now(*, organization: Organization) -> bool:
    """Compare everything of an organization with its engine, soon. False when its engine keeps no copies."""
    account = account_of(organization)
    if account is None:
        return False
    mark_in(account, Kind.ACCOUNT, [organization.pk])
    account.rows.exclude(error="").update(is_dirty=True, next_try_at=None, attempts=0)
    return True


@writes
def let_keys_stand(*, organization: Organization, allowed: bool, by: Actor) -> bool:
    """Note that the organization's provider keys may stand at its engine, or that they may not any more.

    Returns whether they may. Only in an account of its own: one that many share would serve all with these keys.
    """
    account = account_of(organization)
    if account is None or account.connection.organization_id != organization.pk:
        return False
    consents = account.rows.filter(kind=Kind.CONSENT)
    if allowed and not consents.exists():
        Mirror.objects.create(
            organization=organization, connection=account.connection, kind=Kind.CONSENT, object_id=organization.pk,
            ref=by.label[:255], is_dirty=False,
        )  # fmt: skip
    elif not allowed:
        consents.delete()
        mark_in(account, Kind.KEY, account.rows.filter(kind=Kind.KEY).values_list("object_id", flat=True))
    mark_in(account, Kind.ACCOUNT, [organization.pk])
    record_audit(organization=organization, by=by, action="connection.settings", data={"provider_keys": allowed})
    return allowed


def keys_may_stand(account: Account) -> bool:
    """Whether somebody of the organization agreed, for this very account."""
    is_own = account.connection.organization_id == account.organization.pk
    return is_own and account.rows.filter(kind=Kind.CONSENT).exists()


@writes
def retry(*, organization: Organization, row_id: UUID) -> bool:
    """Push one row now, whatever it waits for. False when there is no such row."""
    rows = Mirror.objects.for_organization(organization).filter(pk=row_id)
    return bool(rows.update(is_dirty=True, marks=F("marks") + 1, attempts=0, next_try_at=None))


def refs(account: Account, kind: str, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The engine's ids of those things that stand there."""
    rows = account.rows.filter(kind=kind, object_id__in=list(ids)).exclude(ref="")
    return dict(rows.values_list("object_id", "ref"))


def states(organization: Organization, kind: str, ids: Iterable[UUID]) -> dict[UUID, Mirror]:
    """The rows behind the badges of a page; empty when the organization's engine keeps no copies."""
    account = account_of(organization)
    if account is None:
        return {}
    return {row.object_id: row for row in account.rows.filter(kind=kind, object_id__in=list(ids))}


def due(rows: QuerySet[Mirror], now: dt.datetime) -> QuerySet[Mirror]:
    return rows.filter(is_dirty=True).exclude(next_try_at__gt=now)


@writes
def claim(account: Account, row_id: UUID, now: dt.datetime, *, replaces: bool = False) -> Mirror | None:
    """Take a row that is due, for one minute. The row as it was before; None when somebody else has it.

    Args:
        replaces: also what stands there already is changed by making another.
    """
    row = due(account.rows, now).filter(pk=row_id).select_for_update(skip_locked=True).first()
    if row is None:
        return None
    unsure = row.is_unsure or replaces or not row.ref
    account.rows.filter(pk=row.pk).update(next_try_at=now + LEASE, is_unsure=unsure, updated_at=now)
    return row


@writes
def record(
    account: Account, row: Mirror, now: dt.datetime, *, moved: Iterable[tuple[str, UUID]] = (), **values: Any
) -> None:
    """The copy stands as it was sent. What was marked meanwhile stays to be pushed.

    Args:
        moved: what points at the copy, which has another id now.
    """
    fields = {"synced_at": now, "error": "", "attempts": 0, "next_try_at": None, "is_unsure": False, "updated_at": now}
    account.rows.filter(pk=row.pk).update(**fields | values)
    account.rows.filter(pk=row.pk, marks=row.marks).update(is_dirty=False)
    for kind, object_id in moved:
        mark_in(account, kind, [object_id])


@writes
def intend(account: Account, row: Mirror, now: dt.datetime, *, ref: str) -> None:
    """What is about to be written there, so that it can be taken away even when no answer comes."""
    account.rows.filter(pk=row.pk).update(ref=ref, updated_at=now)


@writes
def record_missing(account: Account, row: Mirror, now: dt.datetime) -> None:
    """The engine does not know the copy any more: another one is about to be made."""
    account.rows.filter(pk=row.pk).update(ref="", digest="", is_unsure=True, updated_at=now)


@writes
def record_trouble(
    account: Account, row: Mirror, now: dt.datetime, *, error: str, pause: dt.timedelta, refused: bool = False
) -> None:
    """It could not be brought there: when it is tried again, and why.

    Args:
        refused: the engine said no, so nothing was made.
    """
    wait = min(pause * 2 ** min(row.attempts, 12), LONGEST[pause])
    values: dict[str, Any] = {"is_unsure": row.is_unsure} if refused else {}
    rows = account.rows.filter(pk=row.pk, marks=row.marks)
    rows.update(
        error=error[:500], attempts=min(row.attempts + 1, 30000), next_try_at=now + wait, updated_at=now, **values
    )
    account.rows.filter(pk=row.pk).exclude(marks=row.marks).update(next_try_at=None)


@writes
def postpone(account: Account, row: Mirror, now: dt.datetime, *, seconds: float) -> None:
    """Nothing was sent: the engine's limit per key is reached for the moment."""
    pause = dt.timedelta(seconds=seconds)
    account.rows.filter(pk=row.pk).update(next_try_at=now + pause, is_unsure=row.is_unsure, updated_at=now)


@writes
def forget(account: Account, row: Mirror) -> None:
    """The thing and its copy are gone."""
    account.rows.filter(pk=row.pk, marks=row.marks).delete()


@writes
def set_aside(organization: Organization, account: Account | None, now: dt.datetime) -> None:
    """Rows of an engine that no longer carries the organization's calls wait for nothing. Back there, all is compared."""
    rows = Mirror.objects.for_organization(organization)
    if account is not None:
        rows = rows.exclude(connection=account.connection)
    rows.filter(kind=Kind.ACCOUNT).delete()
    rows.filter(is_dirty=True).update(is_dirty=False, next_try_at=None, digest="", updated_at=now)


@writes
def release(account: Account, row: Mirror) -> None:
    """Give a claimed row back as it was."""
    account.rows.filter(pk=row.pk).update(next_try_at=row.next_try_at, is_unsure=row.is_unsure)


@writes
def record_removed(account: Account, row: Mirror) -> None:
    """What was replaced is gone."""
    account.rows.filter(pk=row.pk, old_ref=row.old_ref).update(old_ref="")
