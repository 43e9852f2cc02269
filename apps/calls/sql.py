"""The doors of this app, called from Python: the only raw SQL here, always with parameters."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from apps.calls.models import Call
from apps.core.scope import Scope


@dataclass(frozen=True)
class HookEntry:
    """For whom an engine's event is. `owner_id` is the connection's organization, None for the installation's."""

    connection_id: UUID
    owner_id: UUID | None
    organization_id: UUID | None
    parent_id: UUID | None
    call_id: UUID | None

    @property
    def scope(self) -> Scope:
        """The event's organization and its parent; while none is known, only the connection's owner."""
        wanted = (self.organization_id, self.parent_id) if self.organization_id else (self.owner_id,)
        return Scope(tuple(each for each in wanted if each))


def organization_of_hook(hook: str, *, call: str = "", ref: str = "", number: str = "") -> HookEntry | None:
    """The connection of a receiver's address, and the organization that an event names by our call id, else by the
    engine's, else by its own number. None for an unknown address."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT connection_id, owner_id, organization_id, parent_id, call_id FROM organization_of_hook(%s, %s, %s, %s)",
            (hook, call, ref, number),
        )
        row = cursor.fetchone()
    return HookEntry(*row) if row else None


def search_calls(words: str, most: int) -> list[UUID]:
    """Ids of the scope's calls that hold all these words, the newest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT call_id FROM search_calls(%s, %s)", (words, most))
        return [row[0] for row in cursor.fetchall()]


def digests_on_list(owners: Sequence[UUID], digests: Sequence[bytes], now: dt.datetime) -> list[bytes]:
    """Which of the digests stand on the do-not-call lists of these organizations. Two arrays, so that thousands are asked
    for as quickly as one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT digest FROM calls_donotcall WHERE organization_id = ANY(%s) AND digest = ANY(%s)
                AND (expires_at IS NULL OR expires_at > %s)
            """,
            (list(owners), list(digests), now),
        )
        return [bytes(digest) for (digest,) in cursor.fetchall()]


def index_texts(call_ids: list[UUID]) -> None:
    """Make these calls findable by what was said, by summary, names and numbers. In the caller's transaction and scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE calls_call SET search = to_tsvector('simple', concat_ws(' ', assistant_name, business_name,
                own_number, other_number, summary,
                (SELECT string_agg(turn->>'content', ' ') FROM jsonb_array_elements(
                    CASE jsonb_typeof(messages) WHEN 'array' THEN messages ELSE '[]' END) turn)))
            WHERE id = ANY (%s)
            """,
            (call_ids,),
        )


class Own(NamedTuple):
    """What differs between the calls of a batch. `metadata` and `config` are JSON objects, laid over those of the first."""

    id: UUID
    public_id: str
    dial_key: str
    key: str
    other_number: str | None
    dial_at: dt.datetime | None
    wanted_until: dt.datetime | None
    metadata: str
    config: str


_OWN_TYPES = dict(zip(
    Own._fields, ("uuid", "text", "text", "text", "text", "timestamptz", "timestamptz", "jsonb", "jsonb"), strict=True
))  # fmt: skip
_LAID_OVER = ("metadata", "config")
_INSTANTS = ("created_at", "updated_at")


def insert_likewise(first: Call, rows: Sequence[Own], *, now: dt.datetime) -> None:
    """Insert calls that are like `first` (not stored itself) but for their own values: one statement, in which the
    assistant's configuration travels once. They were made at `now`."""
    if not rows:
        return
    values: dict[str, Any] = {
        str(field.column): field.get_db_prep_save(field.pre_save(first, True), connection)
        for field in _columns()
        if field.column in _LAID_OVER or field.column not in {*_OWN_TYPES, *_INSTANTS}
    }
    values |= {"created_at": now, "updated_at": now}
    values |= {f"own_{name}": column for name, column in zip(Own._fields, zip(*rows, strict=True), strict=True)}
    with connection.cursor() as cursor:
        cursor.execute(_likewise(), {name: list(each) if isinstance(each, tuple) else each for name, each in values.items()})


@functools.cache
def _columns() -> list[Any]:
    return [each for each in Call._meta.concrete_fields if not each.has_db_default() or each.column in _INSTANTS]


@functools.cache
def _likewise() -> str:
    columns = [str(field.column) for field in _columns()]
    shown = ", ".join(_shown(column) for column in columns)
    lists = ", ".join(f"%(own_{name})s::{kind}[]" for name, kind in _OWN_TYPES.items())
    return (
        f"INSERT INTO calls_call ({', '.join(columns)}) SELECT {shown} "  # noqa: S608  (names of our fields)
        f"FROM unnest({lists}) AS own ({', '.join(Own._fields)})"
    )


def _shown(column: str) -> str:
    if column in _LAID_OVER:
        return f"coalesce(%({column})s::jsonb, '{{}}'::jsonb) || own.{column}"
    return f"own.{column}" if column in _OWN_TYPES else f"%({column})s"


def lock_starts(names: Sequence[str]) -> None:
    """Wait until this transaction is the only one that books starts for these; goes with the transaction.

    Nobody takes another lock while holding one of these, and all take them in the same order.
    """
    with connection.cursor() as cursor:
        for name in dict.fromkeys(names):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"starts:{name}"])
