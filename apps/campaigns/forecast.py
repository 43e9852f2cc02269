"""What will happen when a campaign starts, from the rules that the dialler follows: who is called, until when, at what cost."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import BooleanField, Case, Count, Min, Q, QuerySet, When
from django.db.models.functions import Left

from apps.billing.metering import billed_seconds, price
from apps.billing.models import RateCard
from apps.billing.payers import rate_of
from apps.billing.services import available
from apps.calls.allowed import forbidden_among
from apps.calls.models import Call, DoNotCall
from apps.calls.services.requests import is_charged
from apps.campaigns.dialler.retries import Terms
from apps.campaigns.finish import Finish, finish_of
from apps.campaigns.limits import Limit, limits_on, pace_within
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules import Rules
from apps.core.errors import Unavailable
from apps.organizations.models import Organization
from apps.voice.services import connection_for, known_capabilities

Reason = Lead.Reason
# Numbers are looked at one by one up to here; beyond it one of each beginning speaks for all that begin alike.
ONE_BY_ONE = 2000
BEGINNING = 6
LAST_CALLS, FEWEST_CALLS = 200, 20
RING_SECONDS = 25


@dataclass(frozen=True)
class Experience:
    """What the last calls of the assistant say, or what is assumed (`calls` 0): the share that is answered and how long
    talks last, each with the least and the most that is plausible."""

    calls: int = 0
    answered: float = 0.4
    answered_low: float = 0.2
    answered_high: float = 0.6
    seconds: float = 90
    seconds_low: float = 45
    seconds_high: float = 180


@dataclass(frozen=True)
class Cost:
    """Micro-credits. `rate` per minute; `have` is what the payer has left, holds taken off."""

    low: int
    high: int
    rate: int
    have: int


@dataclass(frozen=True)
class Forecast:
    """`skipped` by reason; `about`: not every number was looked at by itself. `cost` None: calls cost nothing."""

    pending: int
    skipped: dict[str, int]
    finish: Finish
    experience: Experience
    attempts: int
    limits: list[Limit] = field(default_factory=list)
    lines: int = 0
    cost: Cost | None = None
    about: bool = False

    @property
    def called(self) -> int:
        return self.pending - sum(self.skipped.values())


def forecast_of(campaign: Campaign, now: dt.datetime) -> Forecast:
    """A constant number of queries, whatever the number of leads. The scope holds the organization and its agency."""
    rules, experience = Rules.of(campaign, now), experience_of(campaign)
    groups = list(_groups(campaign, now))
    skipped, called, is_about = _sorted_out(campaign, groups, rules, now)
    limits = limits_on(campaign)
    rule = Terms.of(campaign).rule("no_answer")
    again = [(1 - experience.answered) ** number for number in range(1, rule.attempts)]
    pace = pace_within(limits, experience.answered * experience.seconds + RING_SECONDS)
    finish = finish_of(called, rules.hours, pace, again=again, delay=rule.delay(1), now=now)
    count = sum(called.values())
    return Forecast(
        pending=sum(group.count for group in groups), skipped=dict(skipped), finish=finish, experience=experience,
        attempts=round(count * (1 + sum(again))), limits=limits, lines=pace.lines,
        cost=_cost(campaign, count, rule.attempts, experience, now), about=is_about,
    )  # fmt: skip


def experience_of(campaign: Campaign) -> Experience:
    """From the last 200 calls that rang; an assumption when there are fewer than 20. One query."""
    rang = Call.objects.for_organization(campaign.organization_id).filter(
        assistant_id=campaign.assistant_id, direction=Call.Direction.OUTBOUND, dial=Call.Dial.ACCEPTED
    )
    rows = list(
        rang.ended().exclude(origin__startswith="test:").newest().values_list("started_at", "duration_seconds")[:LAST_CALLS]
    )
    talks = [seconds or 0 for started_at, seconds in rows if started_at]
    if len(rows) < FEWEST_CALLS or not talks:
        return Experience()
    low, high = _likely_share(len(talks), len(rows))
    mean = sum(talks) / len(talks)
    error = 1.96 * math.sqrt(sum((each - mean) ** 2 for each in talks)) / len(talks)
    return Experience(len(rows), len(talks) / len(rows), low, high, mean, max(1.0, mean - error), mean + error)


def skipped_for(campaign: Campaign, reason: str, rules: Rules, now: dt.datetime) -> Q:
    """The waiting leads that the forecast counts as skipped for a reason, as a condition."""
    found = Q(pk=None)
    for each, condition in _conditions(campaign, rules, now):
        if each == reason:
            return condition & ~found
        found |= condition
    return Q(pk=None)


def _conditions(campaign: Campaign, rules: Rules, now: dt.datetime) -> Iterator[tuple[str, Q]]:
    """In the order in which the dialler asks."""
    groups = list(_groups(campaign, now))
    yield Reason.DO_NOT_CALL, Q(phone_number__in=_refused(campaign.organization, now))
    forbidden = forbidden_among(campaign.organization, (group.number for group in groups), now)
    exact = Q(phone_number__in=list(forbidden))
    starts = {number[:BEGINNING] for number in forbidden}
    alike = Q(*(Q(phone_number__startswith=start) for start in sorted(starts)), _connector=Q.OR) if starts else Q(pk=None)
    yield Reason.NOT_ALLOWED, exact if all(group.count == 1 for group in groups) else alike
    places = {group.place for group in groups}
    kinds = {place: rules.consent_kinds(place) for place in places}
    lacking = [Q(place=place) & ~Q(consent__in=needed) for place, needed in kinds.items() if needed is not None]
    yield Reason.NO_CONSENT, Q(*lacking, _connector=Q.OR) if lacking else Q(pk=None)
    yield Reason.NEVER_OPEN, Q(place__in=[place for place in places if rules.hours(place, now).next_at is None])


@dataclass(frozen=True)
class _Group:
    """Waiting leads that the rules treat alike; `number` is one of theirs."""

    place: str
    consent: str
    listed: bool
    number: str
    count: int


def _groups(campaign: Campaign, now: dt.datetime) -> Iterable[_Group]:
    listed = Case(When(phone_number__in=_refused(campaign.organization, now), then=True), default=False, output_field=BooleanField())
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).pending().order_by()
    if leads[: ONE_BY_ONE + 1].count() <= ONE_BY_ONE:
        rows = leads.annotate(listed=listed).values_list("place", "consent", "listed", "phone_number")
        return (_Group(*row, 1) for row in rows)
    alike = leads.annotate(listed=listed, start=Left("phone_number", BEGINNING)).values_list(
        "place", "consent", "listed", "start"
    )
    counted = alike.annotate(number=Min("phone_number"), count=Count("pk"))
    return (_Group(place, consent, found, number, count) for place, consent, found, _start, number, count in counted)


def _refused(organization: Organization, now: dt.datetime) -> QuerySet[DoNotCall, str | None]:
    """Numbers on the lists that are still written out; of an erased person only a digest is left."""
    owners = [each for each in (organization.pk, organization.parent_id) if each]
    rows = DoNotCall.objects.filter(organization_id__in=owners, phone_number__isnull=False).valid(now)
    return rows.values_list("phone_number", flat=True)


def _sorted_out(
    campaign: Campaign, groups: list[_Group], rules: Rules, now: dt.datetime
) -> tuple[Counter[str], dict[str, int], bool]:
    """Leads that are skipped, by reason; those that are called, by place; in the order of the dialler's own questions."""
    forbidden = forbidden_among(campaign.organization, (group.number for group in groups), now)
    skipped: Counter[str] = Counter()
    called: Counter[str] = Counter()
    for group in groups:
        needed = rules.consent_kinds(group.place)
        if group.listed:
            skipped[Reason.DO_NOT_CALL] += group.count
        elif group.number in forbidden:
            skipped[Reason.NOT_ALLOWED] += group.count
        elif needed is not None and group.consent not in needed:
            skipped[Reason.NO_CONSENT] += group.count
        elif rules.hours(group.place, now).next_at is None:
            skipped[Reason.NEVER_OPEN] += group.count
        else:
            called[group.place] += group.count
    return skipped, dict(called), any(group.count > 1 for group in groups)


def _cost(campaign: Campaign, leads: int, attempts: int, experience: Experience, now: dt.datetime) -> Cost | None:
    """Each lead is talked to at most once: what is answered of it within its attempts."""
    try:
        simulated = known_capabilities(connection_for(campaign.organization)).simulated
    except Unavailable:
        simulated = False
    if not is_charged(simulated=simulated):
        return None
    payers = campaign.organization.payer_ids
    rate = rate_of(payers, payers[-1])
    rate = RateCard.at(now) if rate is None else rate

    def of(share: float, seconds: float) -> int:
        talks = leads * (1 - (1 - share) ** attempts)
        return round(talks * price(billed_seconds(math.ceil(seconds)), rate))

    low = of(experience.answered_low, experience.seconds_low)
    high = of(experience.answered_high, experience.seconds_high)
    return Cost(low, high, rate, available(payers[-1]))


def _likely_share(hits: int, total: int) -> tuple[float, float]:
    """Wilson's interval at 95 %."""
    z = 1.96
    share, spread = hits / total, z * math.sqrt(hits * (total - hits) / total + z * z / 4)
    middle, whole = hits + z * z / 2, total + z * z
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole) if share < 1 else 1.0
