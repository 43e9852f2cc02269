"""One second of one campaign, in one short transaction (design 6). Twice at once is safe: the campaign is locked."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from apps.billing.models import CREDIT, Account
from apps.billing.services import available, balance
from apps.calls.services.requests import is_charged
from apps.campaigns.dialler.claim import Line, claim
from apps.campaigns.dialler.notices import tell_paused
from apps.campaigns.dialler.room import free_lines, pace_of
from apps.campaigns.dialler.settle import settle_attempts
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.services.launch import number_of
from apps.campaigns.services.status import complete, pause_by_itself
from apps.campaigns.sql import lock_engine
from apps.core.db import step, writes
from apps.core.errors import Invalid, Unavailable
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM, record_audit
from apps.voice.models import Connection
from apps.voice.services import connection_for, is_down, known_capabilities

Status = Campaign.Status
PausedBy = Campaign.PausedBy


@writes
def tick_campaign(*, organization_id: UUID, campaign_id: UUID, now: dt.datetime) -> int:
    """Settle what has ended, then start what is due and allowed. Returns how many calls were reserved.

    The scope holds the organization and its parent, and reads all: limits count everyone's calls.
    """
    campaign = _locked(organization_id, campaign_id)
    if campaign is None:
        return 0
    settle_attempts(campaign, now=now)
    if campaign.status not in (Status.SCHEDULED, Status.PAUSED):
        return 0
    if not Lead.objects.for_organization(organization_id).filter(campaign=campaign).unfinished().exists():
        complete(campaign, now=now)
        return 0
    if campaign.status != Status.SCHEDULED:
        return 0
    number, hindrance = _number(campaign), _hindrance(campaign)
    if hindrance or number is None:
        pause_by_itself(campaign, hindrance or PausedBy.NUMBER_UNAVAILABLE, now=now)
        return 0
    return _dial(campaign, number, now) if campaign.window.is_open(now) else 0


@writes
def resume_campaign(*, organization_id: UUID, campaign_id: UUID, now: dt.datetime) -> bool:
    """Schedule again what the balance or a suspension paused, when its reason is gone and nobody touched it since."""
    campaign = _locked(organization_id, campaign_id)
    if campaign is None or campaign.status != Status.PAUSED or campaign.paused_by not in Campaign.ENDS_BY_ITSELF:
        return False
    if is_suspended(campaign.organization):
        return False
    if campaign.paused_by == PausedBy.BALANCE and not _is_above_threshold(campaign.organization):
        return False
    campaign.change(now, status=Status.SCHEDULED, paused_by="", version=campaign.version + 1)
    record_audit(organization=campaign.organization, by=SYSTEM, action="campaign.start", target=campaign)
    return True


def is_suspended(organization: Organization) -> bool:
    parent = organization.parent
    return any(each.suspended_at or each.closed_at for each in (organization, parent) if each)


@step
def _locked(organization_id: UUID, campaign_id: UUID) -> Campaign | None:
    """None as well while somebody else holds it: the next tick comes in a second."""
    found = Campaign.objects.for_organization(organization_id).live().filter(pk=campaign_id)
    found = found.select_for_update(of=("self",), skip_locked=True)
    return found.select_related(
        "organization__brand", "organization__parent", "assistant", "number__transfer_trunk"
    ).first()


def _hindrance(campaign: Campaign) -> str | None:
    """Why it must pause; all but a suspension stay until a person has acted."""
    if is_suspended(campaign.organization):
        return PausedBy.SUSPENDED
    if campaign.assistant.deleted_at:
        return PausedBy.ASSISTANT_DELETED
    return None if campaign.assistant.is_active else PausedBy.ASSISTANT_INACTIVE


@step
def _dial(campaign: Campaign, number: PhoneNumber, now: dt.datetime) -> int:
    connection = _engine(campaign)
    _note_engine(campaign, is_there=connection is not None, now=now)
    if connection is None:
        return 0
    known = known_capabilities(connection)
    charged = is_charged(simulated=known.simulated)
    payer_id = campaign.organization.payer_id
    if charged and balance(payer_id) < CREDIT:
        pause_by_itself(campaign, PausedBy.BALANCE, now=now)
        tell_paused(campaign, now=now)
        return 0
    lock_engine(connection.pk)
    pace = pace_of(connection, known, now)
    most = free_lines(campaign, connection, known)
    if (slots := pace.room(now)) is not None:
        most = min(most, slots)
    if charged:
        most = min(most, available(payer_id) // CREDIT)
    if most <= 0:
        return 0
    return claim(campaign, Line(connection, known.simulated, number, pace), most, now=now)


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
    try:
        return number_of(campaign)
    except Invalid:
        return None


def _is_above_threshold(organization: Organization) -> bool:
    account = Account.objects.for_organization(organization.payer_id).first() or Account()
    return balance(organization.payer_id) > account.low_balance_credits * CREDIT
