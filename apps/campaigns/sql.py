"""The only raw SQL of campaigns, with parameters."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

# A policy refuses COPY into the table itself; a temporary one lasts as long as the transaction.
_STAGE = """
CREATE TEMPORARY TABLE campaigns_stage (
    position integer, id uuid, phone_number varchar(16), variables jsonb
) ON COMMIT DROP
"""
_FILL = "COPY campaigns_stage (position, id, phone_number, variables) FROM STDIN"
_STORE = """
WITH stored AS (
    INSERT INTO campaigns_lead (
        id, organization_id, campaign_id, upload_id, position, phone_number, variables, status, reason, attempts,
        last_call_id, result
    )
    SELECT id, %(organization)s, %(campaign)s, %(upload)s, position, phone_number, variables, 'pending', '', 0, '', ''
    FROM campaigns_stage ORDER BY position
    ON CONFLICT (organization_id, campaign_id, phone_number) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM stored
"""
_CALLING = """
UPDATE campaigns_lead SET status = 'calling', reason = '', next_attempt_at = NULL, last_attempt_at = %(now)s,
    last_call_id = started.call, updated_at = %(now)s
FROM unnest(%(leads)s::uuid[], %(calls)s::text[]) AS started (lead, call)
WHERE id = started.lead AND organization_id = %(organization)s
"""


def store_leads(
    *, organization_id: UUID, campaign_id: UUID, upload_id: UUID | None, first: int,
    leads: Iterable[tuple[str, Mapping[str, str]]],
) -> int:  # fmt: skip
    """Write many leads by COPY, inside a transaction; a number that the campaign holds already is left out.

    Args:
        first: the position of the first one; the others follow.
        leads: E.164 number and variables.

    Returns how many were new.
    """
    values = {"organization": organization_id, "campaign": campaign_id, "upload": upload_id}
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_FILL) as copy:  # type: ignore[attr-defined]
            for position, (number, variables) in enumerate(leads, first):
                copy.write_row((position, uuid7(), number, json.dumps(variables)))
        cursor.execute(_STORE, values)
        (count,) = cursor.fetchone()
        cursor.execute("DROP TABLE campaigns_stage")
    return int(count)


def mark_calling(*, organization_id: UUID, leads: list[UUID], calls: list[str], now: dt.datetime) -> None:
    """Each lead is being called now, by the call (public id) in the same place of the other list."""
    with connection.cursor() as cursor:
        cursor.execute(_CALLING, {"organization": organization_id, "leads": leads, "calls": calls, "now": now})


def variable_names(campaign_id: UUID) -> list[str]:
    """Every name that some lead of the campaign has a value for, sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT jsonb_object_keys(variables) FROM campaigns_lead WHERE campaign_id = %s ORDER BY 1",
            [campaign_id],
        )
        return [name for (name,) in cursor.fetchall()]


def lock_engine(connection_id: UUID) -> None:
    """Wait until this transaction is the only one that hands out an engine's lines; goes with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"engine:{connection_id}"])
