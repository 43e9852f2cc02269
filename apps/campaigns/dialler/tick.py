"""One second of one campaign, in one short transaction (design 6). Twice at once is safe: the campaign is locked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from apps.billing.models import CREDIT
from apps.billing.payers import least_left, left
from apps.billing.services import account_of
from apps.calls.allowed import limits_of, minutes_used_up, spend_left
from apps.calls.services.requests import is_charged
from apps.campaigns.dialler import memory
from apps.campaigns.dialler.brakes import budget_left, is_trying, tripped_by, trunk_state
from apps.campaigns.dialler.claim import Line, Queue, claim
from apps.campaigns.dialler.notices import tell_paused
from apps.campaigns.dialler.room import note_wants, room_of
from apps.campaigns.dialler.settle import LATE, settle_attempts
from apps.campaigns.dialler.sql import lock_agency_and_engine, lock_campaign, skip_places, work_of
from apps.campaigns.models import Attempt, Campaign
from apps.campaigns.rules.of import Rules
from apps.campaigns.services.launch import number_of
from apps.campaigns.services.status import complete, pause_by_itself
from apps.campaigns.variants import why_not_second
from apps.core.db import step, writes
from apps.core.errors import Invalid, Unavailable
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Limits, Organization
from apps.organizations.services import SYSTEM, record_audit
from apps.voice.models import Connection
from apps.voice.services import connection_for, is_down, known_capabilities

Status = Campaign.Status
PausedBy = Campaign.PausedBy
# A campaign that sleeps is looked at so often at least.
LONGEST_SLEEP = dt.timedelta(seconds=15)
MANY = 1_000_000


@writes
def tick_campaign(*, organization_id: UUID, campaign_id: UUID, now: dt.datetime) -> int:
    """Settle what has ended, then start what is due and allowed. Returns how many calls were reserved.

    The scope holds the organization and its parent, and reads all: limits count everyone's calls. Locks are taken in this
    order: the campaign's row, its agency, the engine.
    """
    campaign = lock_campaign(organization_id, campaign_id)
    if campaign is None:
        return 0
    work = work_of(campaign.pk, now - LATE)
    settled = settle_attempts(campaign, now=now) if work.has_ended or work.has_turned else 0
    if campaign.status not in (Status.SCHEDULED, Status.PAUSED):
        return 0
    if settled:
        work = work_of(campaign.pk, now - LATE)
    if not work.is_unfinished:
        complete(campaign, now=now)
        return 0
    if campaign.status != Status.SCHEDULED:
        return 0
    number, hindrance = _number(campaign), _hindrance(campaign)
    if hindrance or number is None:
        pause_by_itself(campaign, hindrance or PausedBy.NUMBER_UNAVAILABLE, now=now)
        return 0
    if settled and (failed := tripped_by(campaign, now)):
        _stop(campaign, PausedBy.BREAKER, now, tripped=failed)
        return 0
    return _dial(campaign, number, now)


@writes
def resume_campaign(*, organization_id: UUID, campaign_id: UUID, now: dt.datetime) -> bool:
    """Schedule again what the balance, the minutes of the month or a suspension paused, when its reason is gone and nobody
    touched it since."""
    campaign = lock_campaign(organization_id, campaign_id)
    if campaign is None or campaign.status != Status.PAUSED or campaign.paused_by not in Campaign.ENDS_BY_ITSELF:
        return False
    if is_suspended(campaign.organization):
        return False
    if campaign.paused_by == PausedBy.BALANCE and not _is_above_threshold(campaign.organization, now):
        return False
    if campaign.paused_by == PausedBy.MINUTES and minutes_used_up(campaign.organization, now):
        return False
    campaign.change(now, status=Status.SCHEDULED, paused_by="", version=campaign.version + 1)
    record_audit(organization=campaign.organization, by=SYSTEM, action="campaign.start", target=campaign)
    return True


def is_suspended(organization: Organization) -> bool:
    parent = organization.parent
    return any(each.suspended_at or each.closed_at for each in (organization, parent) if each)


def _hindrance(campaign: Campaign) -> str | None:
    """Why it must pause; all but a suspension stay until a person has acted."""
    if is_suspended(campaign.organization):
        return PausedBy.SUSPENDED
    if campaign.assistant.deleted_at:
        return PausedBy.ASSISTANT_DELETED
    return why_not_second(campaign) if campaign.assistant.is_active else PausedBy.ASSISTANT_INACTIVE


@step
def _dial(campaign: Campaign, number: PhoneNumber, now: dt.datetime) -> int:
    queue = Queue(campaign, Rules.of(campaign, now), now)
    _keep_watch(campaign, queue, now)
    if not queue.openings.open:
        return 0
    connection = _engine(campaign)
    _note_engine(campaign, is_there=connection is not None, now=now)
    if connection is None:
        return 0
    known, limits = known_capabilities(connection), limits_of(campaign.organization)
    charged = is_charged(simulated=known.simulated)
    if minutes_used_up(campaign.organization, now, limits=limits):
        _stop(campaign, PausedBy.MINUTES, now)
        return 0
    if charged and (paused_by := _out_of_money(campaign, limits, now)):
        _stop(campaign, paused_by, now)
        return 0
    if queue.is_empty():
        note_wants(campaign, 0, now)
        return 0
    lock_agency_and_engine(campaign.organization.payer_id, connection.pk)
    room = room_of(campaign, connection, known, number.transfer_trunk, limits, now)
    most = min(room.most, _through_trunk(number, connection, now)) if room.most > 0 else 0
    if charged and most > 0:
        most = _affordable(campaign, most)
    started = claim(queue, Line(connection, known.simulated, number, room.pace, limits), most) if most > 0 else 0
    if room.is_shared:
        # Fewer than it might have started: nobody else is due.
        note_wants(campaign, 0 if started < most else len(queue.next(max(0, room.ceiling - started))), now)
    return started


def _through_trunk(number: PhoneNumber, connection: Connection, now: dt.datetime) -> int:
    """How many calls the trunk may be given: a failing one is tried with a single call."""
    trunk = trunk_state(number.transfer_trunk_id, connection.pk, now)
    if trunk.state == "half_open":
        return 0 if is_trying(number.transfer_trunk_id, connection.pk) else 1
    return 0 if trunk.is_failing else MANY


@step
def _keep_watch(campaign: Campaign, queue: Queue, now: dt.datetime) -> None:
    """Give up leads that can never be called; sleep while nobody may be called, but not for long: leads may be added."""
    openings = queue.openings
    if openings.never:
        skip_places(campaign, openings.never, now=now)
        memory.forget(campaign.pk)
    if openings.open:
        if campaign.sleeps_until:
            campaign.change(now, sleeps_until=None)
    elif openings.next_at:
        campaign.change(now, sleeps_until=min(openings.next_at, now + LONGEST_SLEEP))


def _out_of_money(campaign: Campaign, limits: Sequence[Limits], now: dt.datetime) -> str | None:
    """What pauses the campaign: no credits, its budget, or what may be spent in an hour. While only calls that run now hold
    the rest, its leads wait."""
    if least_left(campaign.organization.payer_ids, now) < CREDIT:
        return PausedBy.BALANCE
    if budget_left(campaign)[1]:
        return PausedBy.BUDGET
    left = spend_left(campaign.organization, now, limits=limits)
    if left is not None and left < CREDIT and not Attempt.objects.for_organization(campaign.organization_id).open().exists():
        return PausedBy.SPEND
    return None


def _affordable(campaign: Campaign, most: int) -> int:
    calls = budget_left(campaign)[0]
    return most if calls is None else min(most, calls)


@step
def _stop(campaign: Campaign, paused_by: str, now: dt.datetime, **values: object) -> None:
    """Pause it and tell its owners."""
    if values:
        campaign.change(now, **values)
    pause_by_itself(campaign, paused_by, now=now)
    tell_paused(campaign, now=now)


def _engine(campaign: Campaign) -> Connection | None:
    """The engine, when it is there. One that was never asked what it can do is not: nobody knows what a call costs."""
    try:
        connection = connection_for(campaign.organization)
    except Unavailable:
        return None
    return None if connection.engine_read_at is None or is_down(connection) else connection


@step
def _note_engine(campaign: Campaign, *, is_there: bool, now: dt.datetime) -> None:
    if is_there and campaign.waits_for_engine_since:
        campaign.change(now, waits_for_engine_since=None)
    elif not is_there and campaign.waits_for_engine_since is None:
        campaign.change(now, waits_for_engine_since=now)


def _number(campaign: Campaign) -> PhoneNumber | None:
    own = campaign.number
    if campaign.has_own_number and own and own.is_active and own.transfer_trunk and own.transfer_trunk.can_dial:
        return own  # it was read with the campaign
    try:
        return number_of(campaign)
    except Invalid:
        return None


def _is_above_threshold(organization: Organization, now: dt.datetime) -> bool:
    """Every account that pays is above what its owners chose."""
    payers = organization.payer_ids
    enough = all(left(payers, payer) > account_of(payer).low_balance_credits * CREDIT for payer in payers)
    return enough and least_left(payers, now) >= CREDIT
