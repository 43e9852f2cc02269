"""The doors of this app, called from Python: the only raw SQL here, always with parameters."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

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
