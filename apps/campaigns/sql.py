"""The only raw SQL of campaigns, with parameters."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from itertools import islice
from json.encoder import encode_basestring_ascii
from uuid import UUID

from django.db import connection
from uuid_utils import uuid7

from apps.campaigns.intake import NewLead
from apps.campaigns.rules.places import place_of

# A policy refuses COPY into the table itself; a temporary one lasts as long as the transaction.
_STAGE = """
CREATE TEMPORARY TABLE campaigns_stage (
    position integer, id uuid, phone_number text, variables jsonb, timezone text, region text, place text, consent text,
    consent_at timestamptz, consent_proof text
) ON COMMIT DROP
"""
_FILL = """
COPY campaigns_stage (
    position, id, phone_number, variables, timezone, region, place, consent, consent_at, consent_proof
) FROM STDIN
"""
# What has a meaning of its own in a row of COPY.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_TOGETHER = 500
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


def store_leads(
    *, organization_id: UUID, campaign_id: UUID, upload_id: UUID | None, first: int, leads: Iterable[NewLead]
) -> int:
    """Write many leads by COPY, inside a transaction; a number that the campaign holds already is left out.

    Args:
        first: the position of the first one; the others follow.

    Returns how many were new.
    """
    values = {"organization": organization_id, "campaign": campaign_id, "upload": upload_id}
    lines = (_line(position, lead) for position, lead in enumerate(leads, first))
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_FILL) as copy:  # type: ignore[attr-defined]
            while together := "".join(islice(lines, _TOGETHER)):
                copy.write(together.encode())
        cursor.execute(_STORE, values)
        (count,) = cursor.fetchone()
        cursor.execute("DROP TABLE campaigns_stage")
    return int(count)


def _line(position: int, lead: NewLead) -> str:
    """A row of COPY; written by hand, for a file has 100,000 of them."""
    place = place_of(phone_number=lead.phone_number, timezone=lead.timezone, region=lead.region)
    values = _object(lead.variables).replace("\\", "\\\\")
    at = lead.consent_at.isoformat() if lead.consent_at else "\\N"
    proof = lead.consent_proof.translate(_ESCAPES) if lead.consent_proof else ""
    return (
        f"{position}\t{lead.id or uuid7()}\t{lead.phone_number}\t{values}\t{lead.timezone}\t{lead.region}\t{place}\t"
        f"{lead.consent}\t{at}\t{proof}\n"
    )


def _object(texts: Mapping[str, str]) -> str:
    """As json.dumps, which takes as long to begin as this to end."""
    return "{" + ", ".join([f"{_key(name)}: {encode_basestring_ascii(text)}" for name, text in texts.items()]) + "}"


_key = functools.lru_cache(maxsize=1000)(encode_basestring_ascii)


def variable_names(campaign_id: UUID) -> list[str]:
    """Every name that some lead of the campaign has a value for, sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT jsonb_object_keys(variables) FROM campaigns_lead WHERE campaign_id = %s ORDER BY 1",
            [campaign_id],
        )
        return [name for (name,) in cursor.fetchall()]
