"""Whose turn it is, where, and whether there is anything to do: the dialler's raw queries, with parameters."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from apps.calls.models import Call
from apps.campaigns.models import Campaign

# The number of the next attempt; those that did not count have one too, for the key.
_DUE = """
    lead.id, lead.phone_number, lead.place, lead.variables, lead.consent, lead.consent_at, lead.variant,
    lead.voicemail_left_at, lead.next_attempt_at, lead.position,
    (SELECT coalesce(max(number), 0) + 1 FROM campaigns_attempt
     WHERE organization_id = %(organization)s AND lead_id = lead.id) AS number
"""
_OWN = "lead.organization_id = %(organization)s AND lead.campaign_id = %(campaign)s AND lead.status = 'pending'"
_HURRIED = f"""
    SELECT {_DUE} FROM campaigns_lead lead
    WHERE {_OWN} AND lead.hurried_at IS NOT NULL AND lead.place = ANY (%(places)s)
        AND (lead.next_attempt_at IS NULL OR lead.next_attempt_at <= %(until)s)
    ORDER BY lead.hurried_at, lead.position LIMIT %(most)s
"""  # noqa: S608  (pieces of this file)
# The order names the column that is null throughout: so the index gives the rows sorted.
_FRESH = f"""
    SELECT {_DUE} FROM campaigns_lead lead
    WHERE {_OWN} AND lead.next_attempt_at IS NULL AND lead.position > %(after)s AND lead.hurried_at IS NULL
        AND lead.place = {{place}} ORDER BY lead.next_attempt_at, lead.position LIMIT {{most}}
"""  # noqa: S608
_AGAIN = f"""
    SELECT {_DUE} FROM campaigns_lead lead
    WHERE {_OWN} AND lead.next_attempt_at <= %(until)s AND lead.hurried_at IS NULL
        AND lead.place = {{place}} ORDER BY lead.next_attempt_at, lead.position LIMIT {{most}}
"""  # noqa: S608
_TAKE = """
WITH hurried AS MATERIALIZED ({hurried}),
fresh AS MATERIALIZED ({fresh}),
again AS MATERIALIZED ({again})
SELECT 0 AS turn, * FROM hurried UNION ALL SELECT 1, * FROM fresh UNION ALL SELECT 2, * FROM again
"""
HURRIED, FRESH, AGAIN = range(3)
_LEFT = "greatest(0, %(most)s - (SELECT count(*) FROM hurried))"
_LAST = "greatest(0, %(most)s - (SELECT count(*) FROM hurried) - (SELECT count(*) FROM fresh))"
_EACH = """
    SELECT found.* FROM unnest(%(places)s::text[]) AS open (place)
    CROSS JOIN LATERAL ({one}) AS found ORDER BY found.next_attempt_at, found.position LIMIT {most}
"""
# A loose index scan: one look per place, however many leads are there.
_PLACES = """
WITH RECURSIVE found AS (
    (SELECT place FROM campaigns_lead WHERE campaign_id = %(campaign)s AND status = 'pending' ORDER BY place LIMIT 1)
    UNION ALL
    SELECT (SELECT place FROM campaigns_lead WHERE campaign_id = %(campaign)s AND status = 'pending' AND place > found.place
            ORDER BY place LIMIT 1)
    FROM found WHERE found.place IS NOT NULL
)
SELECT place FROM found WHERE place IS NOT NULL
"""
_TODO = """
SELECT EXISTS (
    SELECT 1 FROM campaigns_attempt tried LEFT JOIN calls_call call ON call.id = tried.call_id
    WHERE tried.campaign_id = %(campaign)s AND tried.settled_at IS NULL
        AND (call.id IS NULL OR call.status <> ALL (%(running)s))
), EXISTS (
    SELECT 1 FROM campaigns_attempt tried JOIN calls_call call ON call.id = tried.call_id
    WHERE tried.campaign_id = %(campaign)s AND tried.outcome = 'in_doubt' AND tried.settled_at >= %(since)s
        AND call.end_reason IS DISTINCT FROM 'in_doubt' AND call.status <> ALL (%(running)s)
), EXISTS (
    SELECT 1 FROM campaigns_lead WHERE campaign_id = %(campaign)s AND status IN ('pending', 'calling')
)
"""


class Due(NamedTuple):
    """A lead whose turn it is. `turn`: HURRIED, FRESH or AGAIN; `number`: the serial number of its next attempt."""

    turn: int
    id: UUID
    phone_number: str
    place: str
    variables: dict[str, str]
    consent: str
    consent_at: dt.datetime | None
    variant: str
    voicemail_left_at: dt.datetime | None
    next_attempt_at: dt.datetime | None
    position: int
    number: int


class Todo(NamedTuple):
    """What a tick has to do: attempts to settle, or to correct, and whether any lead is left."""

    has_ended: bool
    has_turned: bool
    is_unfinished: bool


def todo_of(campaign_id: UUID, since: dt.datetime) -> Todo:
    """`since`: what was settled in doubt before is history."""
    with connection.cursor() as cursor:
        cursor.execute(_TODO, {"campaign": campaign_id, "since": since, "running": [str(each) for each in Call.RUNNING]})
        return Todo(*cursor.fetchone())


def places_of(campaign_id: UUID) -> list[str]:
    """Where the campaign's pending leads are."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {"campaign": campaign_id})
        return [place for (place,) in cursor.fetchall()]


def due_in(
    campaign: Campaign, places: Sequence[str], *, after: int, most: int, until: dt.datetime, has_others: bool
) -> list[Due]:
    """Up to `most` leads of these places: hurried ones, then fresh ones by position, then retries due until `until`.

    Nothing is locked: whoever changes a lead holds the campaign's lock, and `begin` looks at the status again.

    Args:
        after: the position behind which fresh leads are looked for.
        has_others: there are pending leads elsewhere too; then each place is read by itself, so that what lies in closed
            places is not walked through.
    """
    values = {
        "organization": campaign.organization_id, "campaign": campaign.pk, "places": list(places), "after": after,
        "most": most, "until": until,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_EACH_PLACE if has_others else _ANY_PLACE, values)
        return [Due(row[0], row[1], row[2], row[3], json.loads(row[4]), *row[5:]) for row in cursor.fetchall()]


def _take(wrap: Any) -> str:
    fresh, again = wrap(_FRESH, _LEFT), wrap(_AGAIN, _LAST)
    return _TAKE.format(hurried=_HURRIED, fresh=fresh, again=again)


_ANY_PLACE = _take(lambda one, most: one.format(place="ANY (%(places)s)", most=most))
_EACH_PLACE = _take(lambda one, most: _EACH.format(one=one.format(place="open.place", most="%(most)s"), most=most))
