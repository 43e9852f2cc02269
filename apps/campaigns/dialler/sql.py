"""The dialler's raw SQL, with parameters: whose turn it is, what is started, stopped and settled, and locks."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

from apps.assistants.models import Assistant
from apps.calls.models import Call
from apps.campaigns.models import Attempt, Campaign
from apps.core.postgres.rows import Rows
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import Organization

_LOCKED = Rows(
    """
    SELECT {campaign}, {organization}, {parent}, {assistant}, {number}, {trunk} FROM campaigns_campaign campaign
    JOIN organizations_organization organization ON organization.id = campaign.organization_id
    LEFT JOIN organizations_organization parent ON parent.id = organization.parent_id
    JOIN assistants_assistant assistant ON assistant.id = campaign.assistant_id
    LEFT JOIN numbers_phonenumber number ON number.id = campaign.number_id
    LEFT JOIN numbers_siptrunk trunk ON trunk.id = number.transfer_trunk_id
    WHERE campaign.organization_id = %(organization)s AND campaign.id = %(campaign)s AND campaign.deleted_at IS NULL
    FOR UPDATE OF campaign SKIP LOCKED
    """,
    campaign=Campaign, organization=Organization, parent=Organization, assistant=Assistant, number=PhoneNumber, trunk=SipTrunk,
)  # fmt: skip

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
_WORK = """
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
_BEGIN = """
WITH started AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(leads)s::uuid[], %(numbers)s::int[], %(calls)s::uuid[], %(public)s::text[],
        %(variants)s::text[]) AS started (id, lead, number, call, public_id, variant)
), calling AS (
    UPDATE campaigns_lead SET status = 'calling', reason = '', next_attempt_at = NULL, hurried_at = NULL,
        variant = started.variant, last_attempt_at = %(now)s, last_call_id = started.public_id, updated_at = %(now)s
    FROM started
    WHERE campaigns_lead.id = started.lead AND campaigns_lead.id = ANY (%(leads)s::uuid[]) AND status = 'pending'
    RETURNING campaigns_lead.id
), tried AS (
    INSERT INTO campaigns_attempt
        (id, organization_id, campaign_id, lead_id, number, call_id, outcome, is_counted, variant)
    SELECT id, %(organization)s, %(campaign)s, lead, number, call, '', true, variant FROM started
)
SELECT count(*) FROM calling
"""
_STOPPED = """
UPDATE campaigns_lead SET status = stopped.status, reason = stopped.reason,
    result = coalesce(nullif(stopped.result, ''), campaigns_lead.result), next_attempt_at = stopped.next_attempt_at, updated_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(statuses)s::text[], %(reasons)s::text[], %(results)s::text[], %(nexts)s::timestamptz[])
    AS stopped (lead, status, reason, result, next_attempt_at)
WHERE id = stopped.lead AND id = ANY (%(ids)s::uuid[]) AND campaigns_lead.status = 'pending'
"""
_NEVER = """
UPDATE campaigns_lead SET status = 'skipped', reason = 'never_open', result = 'never_open', next_attempt_at = NULL,
    updated_at = %(now)s
WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s AND status = 'pending' AND place = ANY (%(places)s)
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
# One after the other, in the order of the array.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS names (name)"
# Its condition is that of the index of open calls.
_HELD = """
WITH running AS MATERIALIZED (
    SELECT organization_id, origin, connection_id, trunk_id, direction = 'inbound' AS is_inbound,
        count(*) AS lines, count(*) FILTER (WHERE dial = 'reserved') AS reserved
    FROM calls_call WHERE settled_at IS NULL AND connection_id IS NOT NULL AND status = ANY (%(running)s)
    GROUP BY 1, 2, 3, 4, 5
)
SELECT owner.id, coalesce(owner.parent_id, owner.id), origin, connection_id, trunk_id, is_inbound, lines, reserved
FROM running JOIN organizations_organization owner ON owner.id = running.organization_id
"""
# Ids are ordered by time, so those of recent calls lie together; OFFSET 0 keeps the other conditions out of that look.
_LINE = """
SELECT (
    SELECT count(*) FROM campaigns_attempt
    WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s AND settled_at IS NULL
), (
    SELECT count(DISTINCT date_trunc('second', ended_at)) FROM (
        SELECT refusal, ended_at, connection_id, trunk_id FROM calls_call WHERE id >= %(first)s OFFSET 0
    ) AS recent
    WHERE refusal = 'capacity' AND ended_at >= %(since)s AND connection_id = %(connection)s
        AND trunk_id IS NOT DISTINCT FROM %(trunk)s::uuid
), (
    SELECT max(next_check_at) FROM calls_call
    WHERE connection_id = %(connection)s AND refusal = 'capacity' AND next_check_at > %(now)s
        AND trunk_id IS NOT DISTINCT FROM %(trunk)s::uuid
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


@dataclass(frozen=True)
class Held:
    """Running calls of one kind: `count` lines, of which `reserved` have not been sent."""

    organization_id: UUID
    head_id: UUID
    origin: str
    connection_id: UUID
    trunk_id: UUID | None
    is_inbound: bool
    count: int
    reserved: int


class LineState(NamedTuple):
    """What was seen of a campaign and its way out: its attempts that are not settled, in how many of the last seconds the
    engine had no free line, and until when it asked for patience."""

    open_attempts: int
    full_seconds: int
    closed_until: dt.datetime | None


class Work(NamedTuple):
    """What a tick has to do: attempts to settle, or to correct, and whether any lead is left."""

    has_ended: bool
    has_turned: bool
    is_unfinished: bool


def lock_campaign(organization_id: UUID, campaign_id: UUID) -> Campaign | None:
    """The campaign with its organization and that one's parent, its assistant, number and trunk.

    None when there is none, and while somebody else holds it: the next tick comes in a second.
    """
    rows = _LOCKED.read({"organization": organization_id, "campaign": campaign_id})
    if not rows:
        return None
    campaign, organization, parent, assistant, number, trunk = rows[0]
    organization.parent = parent
    if number:
        number.transfer_trunk = trunk
    campaign.organization, campaign.assistant, campaign.number = organization, assistant, number
    return cast(Campaign, campaign)


def work_of(campaign_id: UUID, since: dt.datetime) -> Work:
    """`since`: what was settled in doubt before is history."""
    with connection.cursor() as cursor:
        cursor.execute(_WORK, {"campaign": campaign_id, "since": since, "running": [str(each) for each in Call.RUNNING]})
        return Work(*cursor.fetchone())


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
    values: dict[str, Any] = {
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


class Stop(NamedTuple):
    """Why a lead is not called now: skipped for good, or pending until an instant."""

    status: str
    reason: str
    result: str = ""
    next_attempt_at: dt.datetime | None = None


def begin(campaign: Campaign, tries: Sequence[tuple[Due, UUID, str]], *, now: dt.datetime) -> None:
    """One attempt (lead, its call's id and public id) each, and the leads are being called now: one statement.

    Raises RuntimeError when a lead is not pending any more; then nothing of the claim stands.
    """
    values: dict[str, Any] = {
        "organization": campaign.organization_id, "campaign": campaign.pk, "now": now,
        "ids": [uuid7() for _each in tries],
        "leads": [lead.id for lead, _call, _public in tries], "numbers": [lead.number for lead, _call, _public in tries],
        "calls": [call for _lead, call, _public in tries], "public": [public for _lead, _call, public in tries],
        "variants": [lead.variant for lead, _call, _public in tries],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, values)
        (count,) = cursor.fetchone()
    if count != len(tries):
        raise RuntimeError(f"{len(tries) - count} leads of campaign {campaign.pk} changed without its lock")


def stop(campaign: Campaign, stops: Mapping[UUID, Stop], *, now: dt.datetime) -> None:
    """Write why these pending leads are not called now: one statement."""
    found = stops.values()
    with connection.cursor() as cursor:
        cursor.execute(_STOPPED, {
            "now": now, "ids": list(stops),
            "statuses": [str(each.status) for each in found], "reasons": [str(each.reason) for each in found],
            "results": [each.result for each in found], "nexts": [each.next_attempt_at for each in found],
        })  # fmt: skip


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


def skip_places(campaign: Campaign, places: Sequence[str], *, now: dt.datetime) -> None:
    """Give up the pending leads of places where calling is never allowed."""
    values: dict[str, Any] = {"organization": campaign.organization_id, "campaign": campaign.pk, "places": list(places), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_NEVER, values)


def lock_agency_and_engine(agency_id: object, connection_id: UUID) -> None:
    """Wait until this transaction is the only one that starts calls for an agency and its clients, then until it is the only
    one that hands out an engine's lines. Taken after the campaign's row; goes with the transaction.

    So a number that is a lead of two campaigns is reserved by one of them first, and the other sees it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [[f"agency:{agency_id}", f"engine:{connection_id}"]])


def read_held() -> list[Held]:
    """Who holds how many lines, over all engines."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"running": [str(each) for each in Call.RUNNING]})
        return [Held(*row) for row in cursor.fetchall()]


def line_state(
    campaign: Campaign, connection_id: UUID, trunk_id: UUID | None, *, now: dt.datetime, since: dt.datetime, first: UUID
) -> LineState:
    """Args: since: seconds before that do not count as full; first: the smallest id that is looked at for them."""
    with connection.cursor() as cursor:
        cursor.execute(_LINE, {
            "organization": campaign.organization_id, "campaign": campaign.pk, "connection": connection_id, "trunk": trunk_id,
            "now": now, "since": since, "first": first,
        })  # fmt: skip
        return LineState(*cursor.fetchone())
