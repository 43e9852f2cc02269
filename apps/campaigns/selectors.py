"""Reads over several models: what is to be done each second, how far a campaign is, why a lead is not being called."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Q

from apps.assistants.models import Assistant
from apps.billing.models import CREDIT
from apps.billing.payers import least_available
from apps.calls.services.requests import is_charged
from apps.campaigns.dialler.brakes import trunk_state
from apps.campaigns.dialler.settle import LATE
from apps.campaigns.dialler.tick import LONGEST_SLEEP
from apps.campaigns.models import Attempt, Campaign, Lead, Upload
from apps.campaigns.rules.hours import Hours
from apps.campaigns.rules.of import Rules
from apps.campaigns.services.imports import LEASE
from apps.campaigns.services.launch import number_of
from apps.core.errors import Invalid, Unavailable
from apps.organizations.models import Job, Organization
from apps.voice.models import Connection
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
    """What decides, for all leads of a campaign alike, why they are not being called; `rules` adds what their place says."""

    campaign: Campaign
    now: dt.datetime
    rules: Rules
    engine_is_there: bool
    has_balance: bool
    trunk_is_failing: bool

    def hours(self, lead: Lead, at: dt.datetime | None = None) -> Hours:
        return self.rules.hours(lead.place, at or self.now)


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
    """Read once per page; `reason_of` and `next_attempt_of` then need no query. The scope holds the payer's rows."""
    connection = _connection(campaign)
    return State(
        campaign, now, Rules.of(campaign, now),
        engine_is_there=connection is not None and connection.failing_since is None and connection.engine_read_at is not None,
        has_balance=connection is None or _has_balance(campaign, connection, now),
        trunk_is_failing=connection is not None and _trunk_is_failing(campaign, connection, now),
    )  # fmt: skip


def reason_of(lead: Lead, state: State) -> str | None:
    """The one reason why a lead is not being called, a value of Lead.Reason; None while it is being called."""
    if lead.status == Lead.Status.CALLING:
        return None
    if lead.status != Lead.Status.PENDING:
        return lead.reason or Reason.FINISHED
    campaign = state.campaign
    if campaign.status != Status.SCHEDULED:
        return _PAUSES.get(campaign.paused_by, Reason.PAUSED) if campaign.status == Status.PAUSED else Reason.PAUSED
    hours = state.hours(lead)
    if lead.next_attempt_at and (hours.next_at is None or lead.next_attempt_at > hours.next_at):
        return lead.reason or Reason.WAITING_RETRY
    if not hours.is_open:
        return hours.reason
    if campaign.waits_for_engine_since or not state.engine_is_there:
        return Reason.ENGINE_UNAVAILABLE
    if state.trunk_is_failing:
        return Reason.TRUNK_FAILING
    return Reason.WAITING_SLOT if state.has_balance else Reason.NO_BALANCE


def next_attempt_of(lead: Lead, state: State) -> dt.datetime | None:
    """The first instant at which a waiting lead may be called: its next attempt, moved into the hours of its place.

    None when there is none: it is not waiting, its campaign does not run, or calling there is never allowed.
    """
    if lead.status != Lead.Status.PENDING or state.campaign.status != Status.SCHEDULED:
        return None
    return state.hours(lead, max(lead.next_attempt_at or state.now, state.now)).next_at


_PAUSES: dict[str, str] = {
    PausedBy.BALANCE: Reason.NO_BALANCE, PausedBy.NUMBER_UNAVAILABLE: Reason.NUMBER_UNAVAILABLE,
    PausedBy.BREAKER: Reason.BREAKER, PausedBy.BUDGET: Reason.BUDGET, PausedBy.SPEND: Reason.BUDGET,
    PausedBy.MINUTES: Reason.MINUTES_USED_UP,
}  # fmt: skip


def campaigns_of_assistant(assistant: Assistant) -> list[Campaign]:
    """Campaigns that deleting the assistant would stop."""
    own = Campaign.objects.for_organization(assistant.organization_id).unfinished()
    second = Q(variant_assistant=assistant, variant_percent__gt=0)
    return list(own.filter(Q(assistant=assistant) | second).newest())


def to_tick(now: dt.datetime) -> Ids:
    """Campaigns that run and do not sleep, or with an ended call to settle. Runs in overview: ids only.

    A campaign sleeps while no place of its leads is open: the tick worked that out and wrote it down.
    """
    awake = Q(sleeps_until=None) | Q(sleeps_until__lte=now) | Q(sleeps_until__gt=now + LONGEST_SLEEP)
    scheduled = Campaign.objects.live().filter(awake | Q(assistant__deleted_at__isnull=False), status=Status.SCHEDULED)
    found: dict[tuple[UUID, UUID], None] = dict.fromkeys(scheduled.order_by().values_list("organization_id", "pk"))
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


def _connection(campaign: Campaign) -> Connection | None:
    try:
        return connection_for(campaign.organization)
    except Unavailable:
        return None


def _has_balance(campaign: Campaign, connection: Connection, now: dt.datetime) -> bool:
    simulated = known_capabilities(connection).simulated
    return not is_charged(simulated=simulated) or least_available(campaign.organization.payer_ids, now) >= CREDIT


def _trunk_is_failing(campaign: Campaign, connection: Connection, now: dt.datetime) -> bool:
    try:
        number = number_of(campaign)
    except Invalid:
        return False
    return trunk_state(number.transfer_trunk_id, connection.pk, now).is_failing
