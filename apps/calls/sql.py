"""The doors of this app, called from Python: the only raw SQL here, always with parameters."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

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


class CallTo(NamedTuple):
    """An outbound call to a number that rang, rings or may ring."""

    number: str
    status: str
    sent_at: dt.datetime | None
    dial_at: dt.datetime | None
    created_at: dt.datetime
    ended_at: dt.datetime | None


class CallsTo(NamedTuple):
    """`rules`: minutes between two calls, calls, in days, as the organization chose them; None: it chose none."""

    rules: tuple[int, int, int] | None
    calls: list[CallTo]


def calls_to(organization_id: UUID, numbers: Sequence[str], *, since: dt.datetime, minute: float) -> CallsTo:
    """An organization's rules for single numbers, and its calls to these since then, or as far back as its rules look before
    that. `minute`: how many seconds a minute between two calls lasts."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT rules.min_gap_minutes, rules.number_attempts, rules.number_days,
                call.other_number, call.status, call.sent_at, call.dial_at, call.created_at, call.ended_at
            FROM (SELECT 1) AS one
            LEFT JOIN calls_callingrules rules ON rules.organization_id = %(organization)s
            LEFT JOIN calls_call call ON call.organization_id = %(organization)s AND call.direction = 'outbound'
                AND call.other_number = ANY (%(numbers)s) AND call.dial <> 'refused'
                AND call.created_at >= %(since)s - make_interval(
                    days => coalesce(rules.number_days, 0)::int, secs => coalesce(rules.min_gap_minutes, 0) * %(minute)s)
            """,
            {"organization": organization_id, "numbers": list(numbers), "since": since, "minute": minute},
        )
        rows = cursor.fetchall()
    rules = tuple(rows[0][:3]) if rows[0][0] is not None else None
    return CallsTo(rules, [CallTo(*row[3:]) for row in rows if row[3] is not None])


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
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('starts:' || name, 0)) FROM unnest(%s::text[]) AS name",
            [list(dict.fromkeys(names))],
        )


MARK = """
    UPDATE calls_call SET dial = 'sending', sent_at = own.sent_at, lease_until = own.sent_at + %(lease)s,
        not_after = own.not_after, fence = own.fence, checks = 0, next_check_at = NULL, updated_at = %(now)s
    FROM unnest(%(ids)s::uuid[], %(sent_at)s::timestamptz[], %(not_after)s::timestamptz[], %(fences)s::int[])
        AS own (id, sent_at, not_after, fence)
    WHERE calls_call.id = own.id AND organization_id = %(organization)s
"""
PUT_BACK = """
    UPDATE calls_call SET dial = 'reserved', dial_at = own.dial_at, sent_at = NULL, lease_until = NULL, not_after = NULL,
        updated_at = %(now)s
    FROM unnest(%(ids)s::uuid[], %(dial_at)s::timestamptz[]) AS own (id, dial_at)
    WHERE calls_call.id = own.id AND organization_id = %(organization)s
"""
# The same as services/fate.py, `accept`, for each: bound, told in the timeline, and events that came before it find it.
ACCEPT = """
    WITH accepted AS (
        UPDATE calls_call SET dial = 'accepted', ref = coalesce(nullif(calls_call.ref, ''), own.ref),
            control_url = coalesce(nullif(calls_call.control_url, ''), own.control_url), lease_until = NULL,
            next_check_at = NULL, last_news_at = coalesce(last_news_at, %(now)s), updated_at = %(now)s
        FROM unnest(%(ids)s::uuid[], %(fences)s::int[], %(refs)s::text[], %(urls)s::text[], %(event_ids)s::uuid[])
            AS own (id, fence, ref, control_url, event_id)
        WHERE calls_call.id = own.id AND organization_id = %(organization)s AND calls_call.fence = own.fence
            AND dial IN ('sending', 'unknown')
        RETURNING calls_call.id, organization_id, connection_id, calls_call.ref, own.ref AS answered, own.event_id
    ), told AS (
        INSERT INTO calls_callevent (id, organization_id, call_id, kind, at, data, key)
        SELECT event_id, organization_id, id, 'accepted', %(now)s, jsonb_build_object('ref', answered), 'dial:accepted'
        FROM accepted
        ON CONFLICT DO NOTHING
    ), adopted AS (
        UPDATE calls_engineevent SET call_id = accepted.id, organization_id = accepted.organization_id
        FROM accepted
        WHERE calls_engineevent.connection_id = accepted.connection_id AND call_ref = accepted.ref
            AND calls_engineevent.call_id IS NULL
    )
    SELECT id FROM accepted
"""


class Mark(NamedTuple):
    """A call that is to be sent at `sent_at`, under its new `fence`."""

    id: UUID
    sent_at: dt.datetime
    not_after: dt.datetime
    fence: int


class Accepted(NamedTuple):
    """What the engine answered to the dial with this `fence`."""

    id: UUID
    fence: int
    ref: str
    control_url: str


def mark_many(organization_id: object, marks: Sequence[Mark], *, lease: dt.timedelta, now: dt.datetime) -> None:
    """Write that these calls, locked by the caller, are being sent."""
    ids, sent_at, not_after, fences = _by_column(marks)
    _run(MARK, organization_id, now, ids=ids, sent_at=sent_at, not_after=not_after, fences=fences, lease=lease)


def put_back_many(organization_id: object, rows: Sequence[tuple[UUID, dt.datetime]], *, now: dt.datetime) -> None:
    """These calls, locked by the caller, were not sent: they wait as reserved rows until the given instants."""
    ids, dial_at = _by_column(rows)
    _run(PUT_BACK, organization_id, now, ids=ids, dial_at=dial_at)


def accept_many(organization_id: object, answers: Sequence[Accepted], *, now: dt.datetime) -> set[UUID]:
    """Bind the calls whose dial is still the sender's own. Returns which; the others need a look at what became of them."""
    ids, fences, refs, urls = _by_column(answers)
    event_ids = [uuid7() for _each in answers]
    return {
        row[0]
        for row in _run(ACCEPT, organization_id, now, ids=ids, fences=fences, refs=refs, urls=urls, event_ids=event_ids)
    }


def _by_column(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _run(sql: str, organization_id: object, now: dt.datetime, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values | {"organization": organization_id, "now": now})
        return cursor.fetchall() if cursor.description else []
