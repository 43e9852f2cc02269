"""The only raw SQL of campaigns, with parameters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from apps.calls.models import Call
from apps.campaigns.intake import NewLead
from apps.campaigns.models import Attempt, Campaign
from apps.campaigns.rules.places import place_of

# A policy refuses COPY into the table itself; a temporary one lasts as long as the transaction.
_STAGE = """
CREATE TEMPORARY TABLE campaigns_stage (
    position integer, id uuid, phone_number text, variables jsonb, timezone text, region text, place text, consent text,
    consent_at timestamptz, consent_proof text
) ON COMMIT DROP
"""
_TYPES = ("int4", "uuid", "text", "jsonb", "text", "text", "text", "text", "timestamptz", "text")
_FILL = """
COPY campaigns_stage (
    position, id, phone_number, variables, timezone, region, place, consent, consent_at, consent_proof
) FROM STDIN (FORMAT binary)
"""
_STORE = """
WITH stored AS (
    INSERT INTO campaigns_lead (
        position, id, phone_number, variables, timezone, region, place, consent, consent_at, consent_proof,
        organization_id, campaign_id, upload_id, status, reason, attempts, last_call_id, result
    )
    SELECT position, id, phone_number, variables, timezone, region, place, consent, consent_at, consent_proof,
        %(organization)s, %(campaign)s, %(upload)s, 'pending', '', 0, '', ''
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
_ATTEMPTS = """
INSERT INTO campaigns_attempt (id, organization_id, campaign_id, lead_id, number, call_id, outcome, is_counted)
SELECT started.id, %(organization)s, %(campaign)s, started.lead, started.number, started.call, '', true
FROM unnest(%(ids)s::uuid[], %(leads)s::uuid[], %(numbers)s::int[], %(calls)s::uuid[])
    AS started (id, lead, number, call)
"""
_SETTLED_ATTEMPTS = """
UPDATE campaigns_attempt SET settled_at = %(now)s, updated_at = %(now)s, outcome = ended.outcome,
    is_counted = ended.is_counted
FROM unnest(%(ids)s::uuid[], %(outcomes)s::text[], %(counted)s::boolean[]) AS ended (attempt, outcome, is_counted)
WHERE id = ended.attempt AND organization_id = %(organization)s
"""
_SETTLED_LEADS = """
UPDATE campaigns_lead SET status = ended.status, reason = ended.reason, result = ended.result,
    attempts = ended.attempts, next_attempt_at = ended.next_attempt_at, voicemail_left_at = ended.voicemail_left_at,
    updated_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(statuses)s::text[], %(reasons)s::text[], %(results)s::text[], %(attempts)s::int[],
    %(nexts)s::timestamptz[], %(voicemails)s::timestamptz[])
    AS ended (lead, status, reason, result, attempts, next_attempt_at, voicemail_left_at)
WHERE id = ended.lead AND organization_id = %(organization)s
"""


def store_leads(
    *, organization_id: UUID, campaign_id: UUID, upload_id: UUID | None, first: int, leads: Iterable[NewLead]
) -> int:
    """Write many leads by COPY, inside a transaction; a number that the campaign holds already is left out.

    Args:
        first: the position of the first one; the others follow.

    Returns how many were new.
    """
    values = {"organization": organization_id, "campaign": campaign_id, "upload": upload_id}
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_FILL) as copy:  # type: ignore[attr-defined]
            copy.set_types(_TYPES)
            for position, lead in enumerate(leads, first):
                place = place_of(phone_number=lead.phone_number, timezone=lead.timezone, region=lead.region)
                copy.write_row((
                    position, lead.id, lead.phone_number, Jsonb(lead.variables), lead.timezone, lead.region, place,
                    lead.consent, lead.consent_at, lead.consent_proof,
                ))  # fmt: skip
        cursor.execute(_STORE, values)
        (count,) = cursor.fetchone()
        cursor.execute("DROP TABLE campaigns_stage")
    return int(count)


def begin_attempts(campaign: Campaign, tries: Sequence[tuple[UUID, int, Call]], *, now: dt.datetime) -> None:
    """One attempt (lead, its number, its call) each, and the leads are being called now: two statements."""
    values: dict[str, Any] = {
        "organization": campaign.organization_id, "campaign": campaign.pk, "now": now,
        "ids": [uuid7() for _each in tries],
        "leads": [lead for lead, _number, _call in tries],
        "numbers": [number for _lead, number, _call in tries],
        "calls": [call.pk for _lead, _number, call in tries],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS, values)
        cursor.execute(_CALLING, values | {"calls": [call.public_id for _lead, _number, call in tries]})


def store_settled(organization_id: UUID, attempts: Sequence[Attempt], *, now: dt.datetime) -> None:
    """Write what was settled in memory, attempts and their leads: two statements."""
    leads = [attempt.lead for attempt in attempts]
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED_ATTEMPTS, {
            "organization": organization_id, "now": now, "ids": [attempt.pk for attempt in attempts],
            "outcomes": [attempt.outcome for attempt in attempts],
            "counted": [attempt.is_counted for attempt in attempts],
        })  # fmt: skip
        cursor.execute(_SETTLED_LEADS, {
            "organization": organization_id, "now": now, "ids": [lead.pk for lead in leads],
            "statuses": [str(lead.status) for lead in leads], "reasons": [str(lead.reason) for lead in leads],
            "results": [lead.result for lead in leads], "attempts": [lead.attempts for lead in leads],
            "nexts": [lead.next_attempt_at for lead in leads],
            "voicemails": [lead.voicemail_left_at for lead in leads],
        })  # fmt: skip


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
