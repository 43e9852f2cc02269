"""A campaign's way: draft, scheduled, paused, completed or cancelled. Each write locks the campaign first."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from apps.calls.services.reserve import cancel_reserved
from apps.campaigns.dialler import memory
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.campaigns.services.launch import check_launch
from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid, NotFound
from apps.organizations.services import SYSTEM, Actor, record_audit

Status = Campaign.Status
PausedBy = Campaign.PausedBy
ACTIONS = {Status.SCHEDULED: "campaign.start", Status.PAUSED: "campaign.pause", Status.CANCELLED: "campaign.cancel"}


@writes
def start_campaign(*, campaign: Campaign, by: Actor, now: dt.datetime) -> Campaign:
    """Let it dial. Raises Invalid with every failed launch check in `details`, Conflict when it is over."""
    return move(lock_campaign(campaign), Status.SCHEDULED, by=by, now=now)


resume_campaign = start_campaign


@writes
def pause_campaign(*, campaign: Campaign, by: Actor, now: dt.datetime) -> Campaign:
    """No further call starts: what was reserved is taken back, its leads wait as before. Running calls finish."""
    return move(lock_campaign(campaign), Status.PAUSED, by=by, now=now)


@writes
def cancel_campaign(*, campaign: Campaign, by: Actor, now: dt.datetime) -> Campaign:
    """Give up, for good: pending leads are skipped, running calls finish."""
    return move(lock_campaign(campaign), Status.CANCELLED, by=by, now=now)


@step
def lock_campaign(campaign: Campaign) -> Campaign:
    """The campaign as it is now, locked: every change of it and of its leads waits its turn here."""
    live = Campaign.objects.for_organization(campaign.organization_id).live().filter(pk=campaign.pk)
    found = live.select_for_update(of=("self",)).select_related("organization__brand", "assistant", "number").first()
    if found is None:
        raise NotFound(_("There is no campaign with this id."))
    return found


@step
def check_open(campaign: Campaign) -> None:
    """Raises Conflict for a completed or cancelled campaign."""
    if campaign.is_final:
        status = campaign.get_status_display().lower()
        raise Conflict(_("This campaign is %(status)s and cannot be changed.") % {"status": status})


@step
def move(campaign: Campaign, status: str, *, by: Actor, now: dt.datetime) -> Campaign:
    """Bring a locked campaign to a status that a person asks for; the one it has already changes nothing.

    Raises Invalid for `completed` and failed launch checks, Conflict for a step that is not allowed.
    """
    if status == Status.COMPLETED:
        raise Invalid(_("Campaigns complete by themselves."), param="status")
    check_open(campaign)
    if status == campaign.status and not (status == Status.PAUSED and campaign.paused_by != PausedBy.PERSON):
        return campaign
    if status != campaign.status and not campaign.may_become(status):
        names = {"before": campaign.get_status_display(), "after": Status(status).label}
        raise Conflict(_("A campaign cannot go from “%(before)s” to “%(after)s”.") % names)
    if status == Status.SCHEDULED:
        _schedule(campaign, now)
    elif status == Status.PAUSED:
        pause(campaign, PausedBy.PERSON, now=now)
    elif status == Status.CANCELLED:
        _cancel(campaign, now)
    record_audit(organization=campaign.organization, by=by, action=ACTIONS[Status(status)], target=campaign)
    return campaign


@step
def pause(campaign: Campaign, paused_by: str, *, now: dt.datetime) -> None:
    """Stop a locked campaign; the reason says who may let it go on."""
    campaign.change(
        now, status=Status.PAUSED, paused_by=paused_by, waits_for_engine_since=None, sleeps_until=None,
        version=campaign.version + 1,
    )  # fmt: skip
    take_back(campaign, now=now)


@step
def pause_by_itself(campaign: Campaign, paused_by: str, *, now: dt.datetime) -> None:
    pause(campaign, paused_by, now=now)
    record_audit(
        organization=campaign.organization, by=SYSTEM, action="campaign.pause", target=campaign,
        data={"paused_by": str(paused_by)},
    )  # fmt: skip


@step
def complete(campaign: Campaign, *, now: dt.datetime) -> None:
    campaign.change(
        now, status=Status.COMPLETED, paused_by="", waits_for_engine_since=None, finished_at=now,
        version=campaign.version + 1,
    )  # fmt: skip
    record_audit(organization=campaign.organization, by=SYSTEM, action="campaign.complete", target=campaign)


@step
def take_back(campaign: Campaign, *, now: dt.datetime) -> int:
    """Cancel calls that were reserved and not sent; their leads wait as before, no attempt is counted.

    Whoever sends a call changes its row first, so what is not taken back here has been sent already.
    """
    calls = cancel_reserved(organization=campaign.organization, origin=campaign.origin, now=now)
    own = Attempt.objects.for_organization(campaign.organization_id).open().filter(campaign=campaign)
    taken = own.filter(call__in=[call.pk for call in calls])
    memory.forget(campaign.pk)
    leads = list(taken.values_list("lead_id", flat=True))
    taken.update(settled_at=now, outcome="cancelled", is_counted=False, updated_at=now)
    calling = Lead.objects.for_organization(campaign.organization_id).filter(pk__in=leads, status=Lead.Status.CALLING)
    return calling.update(status=Lead.Status.PENDING, updated_at=now)


def _schedule(campaign: Campaign, now: dt.datetime) -> None:
    check_launch(campaign, now=now)
    campaign.change(
        now, status=Status.SCHEDULED, paused_by="", sleeps_until=None, started_at=campaign.started_at or now,
        version=campaign.version + 1,
    )  # fmt: skip


def _cancel(campaign: Campaign, now: dt.datetime) -> None:
    campaign.change(
        now, status=Status.CANCELLED, paused_by="", waits_for_engine_since=None, finished_at=now,
        version=campaign.version + 1,
    )  # fmt: skip
    take_back(campaign, now=now)
    pending = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).pending()
    pending.update(
        status=Lead.Status.SKIPPED,
        reason=Lead.Reason.FINISHED,
        result="cancelled",
        next_attempt_at=None,
        updated_at=now,
    )
