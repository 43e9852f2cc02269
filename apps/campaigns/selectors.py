"""Reads over several models: what is to be done each second, how far a campaign is, why a lead is not being called."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Q

from apps.assistants.models import Assistant
from apps.billing.models import CREDIT
from apps.billing.services import available
from apps.calls.services.requests import is_charged
from apps.campaigns.dialler.settle import LATE
from apps.campaigns.models import Attempt, Campaign, Lead, Upload
from apps.campaigns.services.imports import LEASE
from apps.core.errors import Unavailable
from apps.organizations.models import Job, Organization
from apps.voice.services import connection_for, known_capabilities

Ids = list[tuple[UUID, UUID]]
Status = Campaign.Status
PausedBy = Campaign.PausedBy
Reason = Lead.Reason


@dataclass
class Progress:
    """Leads by status, and the results of those that were called."""

    statuses: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def done(self) -> int:
        """Leads that will not be called again."""
        return self.total - self.statuses[Lead.Status.PENDING] - self.statuses[Lead.Status.CALLING]

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0

    def count(self, status: str) -> int:
        return self.statuses[status]


@dataclass(frozen=True)
class State:
    """What decides, for all leads of a campaign alike, why they are not being called."""

    campaign: Campaign
    now: dt.datetime
    next_opening: dt.datetime | None
    engine_is_there: bool
    has_balance: bool

    @property
    def is_open(self) -> bool:
        return self.next_opening == self.now


def progress(campaign: Campaign) -> Progress:
    """One query."""
    found = Progress()
    rows = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).order_by()
    for status, result, count in rows.values_list("status", "result").annotate(count=Count("pk")):
        found.statuses[status] += count
        if result and status != Lead.Status.CALLING:
            found.results[result] += count
    return found


def campaigns_with_progress(organization: Organization) -> list[tuple[Campaign, Progress]]:
    """All campaigns of an organization, newest first, with their leads by status: two queries."""
    campaigns = Campaign.objects.for_organization(organization).live().newest().select_related("assistant", "number")
    found = {campaign.pk: (campaign, Progress()) for campaign in campaigns}
    rows = Lead.objects.for_organization(organization).order_by().values_list("campaign_id", "status")
    for campaign_id, status, count in rows.annotate(count=Count("pk")):
        if campaign_id in found:
            found[campaign_id][1].statuses[status] = count
    return list(found.values())


def campaign_state(campaign: Campaign, now: dt.datetime) -> State:
    """Read once per page; `reason_of` then needs no query. The scope holds the payer's rows."""
    engine, has_balance = _engine_and_balance(campaign)
    return State(campaign, now, campaign.window.next_opening(now), engine, has_balance)


def reason_of(lead: Lead, state: State) -> str | None:
    """The one reason why a lead is not being called, a value of Lead.Reason; None while it is being called."""
    if lead.status == Lead.Status.CALLING:
        return None
    if lead.status != Lead.Status.PENDING:
        return lead.reason or Reason.FINISHED
    campaign = state.campaign
    if campaign.status != Status.SCHEDULED:
        return _PAUSES.get(campaign.paused_by, Reason.PAUSED) if campaign.status == Status.PAUSED else Reason.PAUSED
    opening = state.next_opening
    if lead.next_attempt_at and (opening is None or lead.next_attempt_at > opening):
        return Reason.WAITING_RETRY
    if not state.is_open:
        return Reason.WAITING_WINDOW
    if campaign.waits_for_engine_since or not state.engine_is_there:
        return Reason.ENGINE_UNAVAILABLE
    return Reason.WAITING_SLOT if state.has_balance else Reason.NO_BALANCE


_PAUSES: dict[str, str] = {PausedBy.BALANCE: Reason.NO_BALANCE, PausedBy.NUMBER_UNAVAILABLE: Reason.NUMBER_UNAVAILABLE}


def campaigns_of_assistant(assistant: Assistant) -> list[Campaign]:
    """Campaigns that deleting the assistant would stop."""
    own = Campaign.objects.for_organization(assistant.organization_id).unfinished()
    return list(own.filter(assistant=assistant).newest())


def to_tick(now: dt.datetime) -> Ids:
    """Campaigns whose window is open, or with an ended call to settle. Runs in overview: ids only."""
    scheduled = Campaign.objects.live().filter(status=Status.SCHEDULED).select_related("assistant")
    found = {
        (campaign.organization_id, campaign.pk): None
        for campaign in scheduled
        if campaign.assistant.deleted_at or campaign.window.is_open(now)
    }
    for attempts in (Attempt.objects.ended(), Attempt.objects.turned(now - LATE)):
        found |= dict.fromkeys(attempts.order_by().values_list("organization_id", "campaign_id").distinct())
    return list(found)


def paused_by_themselves() -> Ids:
    """Campaigns that go on when their reason to pause is over. Runs in overview: ids only."""
    paused = Campaign.objects.live().filter(status=Status.PAUSED, paused_by__in=Campaign.ENDS_BY_ITSELF)
    return list(paused.values_list("organization_id", "pk"))


def imports_to_do(now: dt.datetime) -> Ids:
    """Large imports whose task was lost, or whose worker died. Runs in overview: ids only."""
    idle = Q(job__updated_at__lt=now - LEASE)
    open_jobs = Q(job__status=Job.Status.WAITING) | Q(job__status=Job.Status.RUNNING)
    found = Upload.objects.filter(open_jobs, idle, imported_at=None)
    return list(found.values_list("organization_id", "pk"))


def _engine_and_balance(campaign: Campaign) -> tuple[bool, bool]:
    try:
        connection = connection_for(campaign.organization)
    except Unavailable:
        return False, True
    simulated = known_capabilities(connection).simulated
    has_balance = not is_charged(simulated=simulated) or available(campaign.organization.payer_id) >= CREDIT
    return connection.failing_since is None and connection.engine_read_at is not None, has_balance
