"""What a person decides about single leads while a campaign is open: skip, put back, call now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from django.utils.translation import gettext as _

from apps.campaigns.models import Campaign, Lead, LeadQuerySet
from apps.campaigns.permitted import Obstacle, why_not_now
from apps.campaigns.rules import Rules
from apps.campaigns.services.status import check_open, lock_campaign
from apps.core.db import step, writes
from apps.core.errors import Conflict, NotFound
from apps.organizations.services import Actor, record_audit

Status = Lead.Status
Reason = Lead.Reason


class NotNow(Conflict):
    """A lead cannot be called at this instant; `obstacle` says why and until when."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.text)
        self.obstacle = obstacle


@writes
def skip_lead(*, campaign: Campaign, lead_id: UUID, by: Actor, now: dt.datetime, again: bool = False) -> Lead:
    """Do not call this lead; `put_back` undoes it. Raises Conflict while it is being called and once it is over.

    Args:
        again: a lead that a person has skipped already is no error; a program repeats what it got no answer to.
    """
    current = _open(campaign)
    lead = _lead(current, lead_id)
    if lead.status == Status.CALLING:
        raise Conflict(_("This lead is being called. Try again when the call has ended."))
    if again and (lead.status, lead.reason) == (Status.SKIPPED, Reason.SKIPPED):
        return lead
    if lead.status != Status.PENDING:
        raise Conflict(_("This lead is not waiting any more."))
    lead.change(now, status=Status.SKIPPED, reason=Reason.SKIPPED, hurried_at=None)
    _note(current, by, "lead.skip", lead=str(lead.pk))
    return lead


@writes
def put_back(*, campaign: Campaign, lead_id: UUID, by: Actor, now: dt.datetime) -> Lead:
    """Undo `skip_lead`: the lead waits as before. Raises Conflict for a lead that no person has skipped."""
    current = _open(campaign)
    lead = _lead(current, lead_id)
    if (lead.status, lead.reason) != (Status.SKIPPED, Reason.SKIPPED):
        raise Conflict(_("Nobody has skipped this lead."))
    lead.change(now, status=Status.PENDING, reason=_waits(lead, now))
    _note(current, by, "lead.put_back", lead=str(lead.pk))
    return lead


@writes
def skip_leads(
    *, campaign: Campaign, chosen: Callable[[LeadQuerySet], LeadQuerySet], by: Actor, now: dt.datetime
) -> int:
    """Skip every waiting lead that a filter chooses, in one statement. Returns how many.

    Args:
        chosen: narrows the campaign's waiting leads.
    """
    current = _open(campaign)
    count = chosen(_leads(current).pending()).update(
        status=Status.SKIPPED, reason=Reason.SKIPPED, hurried_at=None, updated_at=now
    )
    if count:
        _note(current, by, "lead.skip", count=count)
    return count


@writes
def call_next(
    *, campaign: Campaign, lead_id: UUID, by: Actor, now: dt.datetime, whenever: bool = False
) -> Lead:
    """Call this lead before all others: at once, or as soon as the rules allow it.

    Args:
        whenever: do not refuse when the lead cannot be called at this instant, but wait for the first one.

    Raises NotNow with the reason and the time, Conflict when the campaign does not run or the lead is not waiting.
    """
    current = _open(campaign)
    if current.status != Campaign.Status.SCHEDULED:
        raise Conflict(_("The campaign is not running. Start it first."))
    lead = _lead(current, lead_id)
    if lead.status == Status.CALLING:
        raise Conflict(_("This lead is being called already."))
    if lead.status != Status.PENDING:
        raise Conflict(_("This lead is not waiting any more."))
    found = why_not_now(current, lead, Rules.of(current, now), now)
    if found and not (whenever and found.until):
        raise NotNow(found)
    # A limit of the number has its time; the hours are looked at by the dialler anyway.
    held = found if found and found.is_limit else None
    lead.change(
        now, hurried_at=now, next_attempt_at=held.until if held else None, reason=held.reason if held else ""
    )
    _note(current, by, "lead.call", lead=str(lead.pk))
    return lead


def _open(campaign: Campaign) -> Campaign:
    current = lock_campaign(campaign)
    check_open(current)
    return current


def _leads(campaign: Campaign) -> LeadQuerySet:
    return Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign)


def _lead(campaign: Campaign, lead_id: UUID) -> Lead:
    found = _leads(campaign).select_for_update().filter(pk=lead_id).first()
    if found is None:
        raise NotFound(_("There is no lead with this id."))
    return found


def _waits(lead: Lead, now: dt.datetime) -> str:
    return Reason.WAITING_RETRY if lead.next_attempt_at and lead.next_attempt_at > now else ""


@step
def _note(campaign: Campaign, by: Actor, action: str, **data: object) -> None:
    record_audit(organization=campaign.organization, by=by, action=action, target=campaign, data=data)
