"""The doors of this app, called from Python: the only raw SQL here, always with parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
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


# What differs between the calls of a batch; everything else is written as it is in the first.
_OWN = {"id": "uuid", "public_id": "text", "dial_key": "text", "key": "text", "other_number": "text", "dial_at": "timestamptz"}
_OWN_CONFIG = ("variables", "voicemail_message")


def insert_likewise(calls: Sequence[Call]) -> None:
    """Insert calls that differ in their ids, key, destination, slot, metadata, variables and voicemail message only: one
    statement, in which the assistant's configuration travels once."""
    first, values = calls[0], dict[str, Any]()
    columns, shown = [], []
    for field in Call._meta.concrete_fields:
        if field.has_db_default():
            continue
        column = str(field.column)
        columns.append(column)
        if column in _OWN:
            shown.append(f"own.{column}")
            values[column] = [getattr(call, field.attname) for call in calls]
        elif column == "metadata":
            shown.append("own.metadata")
        else:
            shown.append(f"%({column})s")
            values[column] = field.get_db_prep_save(field.pre_save(first, True), connection)
    shown[columns.index("config")] += " || own.config"
    values |= {
        "metadatas": [json.dumps(call.metadata) for call in calls],
        "configs": [json.dumps({name: call.config.get(name) for name in _OWN_CONFIG}) for call in calls],
    }
    lists = ", ".join([f"%({name})s::{kind}[]" for name, kind in _OWN.items()] + ["%(metadatas)s::jsonb[]", "%(configs)s::jsonb[]"])
    sql = (
        f"INSERT INTO calls_call ({', '.join(columns)}) SELECT {', '.join(shown)} "  # noqa: S608  (names of our fields)
        f"FROM unnest({lists}) AS own ({', '.join(_OWN)}, metadata, config)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def lock_starts(names: Sequence[str]) -> None:
    """Wait until this transaction is the only one that books starts for these; goes with the transaction.

    Nobody takes another lock while holding one of these, and all take them in the same order.
    """
    with connection.cursor() as cursor:
        for name in dict.fromkeys(names):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"starts:{name}"])


def lock_starts(names: Sequence[str]) -> None:
    """Wait until this transaction is the only one that books starts for these; goes with the transaction.

    Nobody takes another lock while holding one of these, and all take them in the same order.
    """
    with connection.cursor() as cursor:
        for name in dict.fromkeys(names):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"starts:{name}"])
