"""The statements behind the results: each reads a campaign once, whatever its size."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from apps.campaigns.models import Campaign

MOST_VALUES = 10

# A talk with a person: a voicemail has a start as well.
_ANSWERED = "(c.started_at IS NOT NULL AND c.end_reason IS DISTINCT FROM 'voicemail')"
_TRIES = "FROM campaigns_attempt a JOIN calls_call c ON c.id = a.call_id AND c.organization_id = a.organization_id"
_DIALLED = """
WHERE a.organization_id = %(organization)s AND a.campaign_id = %(campaign)s
    AND c.status NOT IN ('connecting', 'ringing', 'in-progress')
    AND NOT (c.dial = 'refused' AND NOT a.is_counted AND a.settled_at IS NOT NULL)
"""
_CALLS = _TRIES + _DIALLED
_LEADS = """
SELECT status, reason, result, variant, count(*) FROM campaigns_lead
WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s GROUP BY 1, 2, 3, 4
"""
_TALK = f"""
SELECT coalesce(a.variant, ''), grouping(a.variant), count(*), count(*) FILTER (WHERE {_ANSWERED}),
    coalesce(sum(c.duration_seconds) FILTER (WHERE {_ANSWERED}), 0),
    avg(c.duration_seconds) FILTER (WHERE {_ANSWERED}),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY c.duration_seconds) FILTER (WHERE {_ANSWERED}),
    stddev_samp(c.duration_seconds) FILTER (WHERE {_ANSWERED}),
    coalesce(sum(c.cost) FILTER (WHERE c.is_charged), 0), coalesce(sum(c.cost) FILTER (WHERE NOT c.is_charged), 0),
    count(*) FILTER (WHERE {_ANSWERED} AND c.duration_seconds < 10),
    count(*) FILTER (WHERE {_ANSWERED} AND c.duration_seconds >= 10 AND c.duration_seconds < 30),
    count(*) FILTER (WHERE {_ANSWERED} AND c.duration_seconds >= 30 AND c.duration_seconds < 60),
    count(*) FILTER (WHERE {_ANSWERED} AND c.duration_seconds >= 60 AND c.duration_seconds < 120),
    count(*) FILTER (WHERE {_ANSWERED} AND c.duration_seconds >= 120 AND c.duration_seconds < 300),
    count(*) FILTER (WHERE {_ANSWERED} AND c.duration_seconds >= 300)
{_CALLS} GROUP BY GROUPING SETS ((), (a.variant))
"""
_TIMES = f"""
SELECT extract(isodow FROM moment)::int, extract(hour FROM moment)::int, count(*), count(*) FILTER (WHERE answered)
FROM (
    SELECT coalesce(c.sent_at, c.started_at, c.created_at) AT TIME ZONE %(zone)s AS moment, {_ANSWERED} AS answered {_CALLS}
) AS dialled GROUP BY 1, 2
"""  # noqa: S608
# `lax $[*]` takes a list apart and leaves anything else as it is.
_ANSWERS = f"""
WITH said AS MATERIALIZED (
    SELECT field.key, word FROM (
        SELECT c.analysis_result AS found {_CALLS} AND jsonb_typeof(c.analysis_result) = 'object'
    ) AS calls, jsonb_each(calls.found) AS field, jsonb_path_query(field.value, 'lax $[*]') AS word
    WHERE jsonb_typeof(word) IN ('boolean', 'string', 'number')
), counted AS (
    SELECT key, jsonb_typeof(word) AS kind, left(word #>> '{{}}', 120) AS text, count(*) AS count FROM said GROUP BY 1, 2, 3
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY key ORDER BY count DESC, text) AS place,
        sum(count) OVER (PARTITION BY key) AS total, count(*) OVER (PARTITION BY key) AS different FROM counted
), numbers AS (
    SELECT key, min(value) AS low, avg(value) AS mean, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS middle,
        max(value) AS high
    FROM (SELECT key, (word #>> '{{}}')::float8 AS value FROM said WHERE jsonb_typeof(word) = 'number') AS each GROUP BY 1
)
SELECT key, kind, text, count, total, different, low, mean, middle, high
FROM ranked LEFT JOIN numbers USING (key) WHERE place <= %(most)s ORDER BY key, place
"""  # noqa: S608
_SUCCESSES = f"""
SELECT l.variant, count(DISTINCT l.id) FILTER (WHERE c.analysis_result -> %(field)s = 'true'::jsonb)
{_TRIES} JOIN campaigns_lead l ON l.id = a.lead_id {_DIALLED} AND l.status IN ('completed', 'failed') GROUP BY 1
"""
_KEYS = f"SELECT DISTINCT jsonb_object_keys(c.analysis_result) {_CALLS} AND jsonb_typeof(c.analysis_result) = 'object' ORDER BY 1"
_COPY = """
WITH copied AS (
    INSERT INTO campaigns_lead (
        id, organization_id, campaign_id, position, phone_number, variables, timezone, region, place, consent, consent_at,
        consent_proof, voicemail_left_at, variant, status, reason, attempts, last_call_id, result, created_at, updated_at
    )
    SELECT gen_random_uuid(), organization_id, %(child)s, row_number() OVER (ORDER BY position, id), phone_number, variables,
        timezone, region, place, consent, consent_at, consent_proof, voicemail_left_at, '', 'pending', '', 0, '', '',
        %(now)s, %(now)s
    FROM campaigns_lead WHERE organization_id = %(organization)s AND id = ANY(%(leads)s)
    RETURNING 1
)
SELECT count(*) FROM copied
"""

Rows = list[tuple[Any, ...]]


def leads_by_fate(campaign: Campaign) -> Rows:
    """Status, reason, result, variant, count."""
    return _rows(_LEADS, campaign)


def talk_figures(campaign: Campaign) -> Rows:
    """Over the calls that were dialled: variant, 1 for the row over all, calls, answered, seconds, mean, median, deviation,
    micro-credits charged and only calculated, and answered calls by length (limits: 10, 30, 60, 120, 300 seconds)."""
    return _rows(_TALK, campaign)


def calls_by_hour(campaign: Campaign) -> Rows:
    """Weekday (Monday 1), hour, calls, answered, by the clock of the campaign's zone."""
    return _rows(_TIMES, campaign, zone=campaign.timezone)


def answers(campaign: Campaign) -> Rows:
    """The commonest answers of each analysis field: key, type, text, count, total, different, and of numbers least, mean,
    median and most."""
    return _rows(_ANSWERS, campaign, most=MOST_VALUES)


def answer_keys(campaign: Campaign) -> list[str]:
    return [key for (key,) in _rows(_KEYS, campaign)]


def successes(campaign: Campaign, field: str) -> dict[str, int]:
    """Finished leads by variant for which an analysis said yes to `field`."""
    return dict(_rows(_SUCCESSES, campaign, field=field))  # type: ignore[arg-type]


def copy_leads(campaign: Campaign, leads: Sequence[UUID], *, now: dt.datetime) -> int:
    """Copy leads of another campaign of the organization, in their order, as if nobody had called them. Returns how many."""
    ((count,),) = _rows(_COPY, campaign, child=campaign.pk, leads=list(leads), now=now)
    return int(count)


def _rows(statement: str, campaign: Campaign, **values: Any) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"organization": campaign.organization_id, "campaign": campaign.pk} | values)
        return cursor.fetchall()
