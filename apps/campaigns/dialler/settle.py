"""Ended calls are carried over to their leads: from rows alone, each attempt once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cached_property, partial
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Coalesce

from apps.calls.models import Call
from apps.campaigns.dialler import memory
from apps.campaigns.dialler.outcomes import Outcome, carry_over, is_ready, outcome_of
from apps.campaigns.dialler.retries import Person, Terms, moment_of
from apps.campaigns.dialler.sql import store_settled
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.campaigns.rules.hours import Hours
from apps.campaigns.rules.of import Rules
from apps.campaigns.rules.places import read_place
from apps.core.db import step

# Engines repeat events for a day; what comes later than this is history.
LATE = dt.timedelta(days=7)
# A day has at most 26 hours, and two of them may lie between an attempt and the next.
HISTORY = dt.timedelta(days=3)
# A field of this name in a call's analysis is the time at which the lead wants to be called again.
CALL_BACK_FIELD = "callback_at"
CALL_FIELDS = (
    "status", "end_reason", "dial", "refusal", "started_at", "ended_at", "report_at", "duration_seconds", "callback_at",
    "opted_out_at", "is_private", "analysis_problem",
)  # fmt: skip

_heavy = [f"call__{field.attname}" for field in Call._meta.concrete_fields if field.attname not in ("id", *CALL_FIELDS)]
_plan = KeyTransform("structured_data_plan", KeyTransform("analysis_plan", "call__config"))
_asked = KeyTransform(CALL_BACK_FIELD, KeyTransform("properties", KeyTransform("schema", _plan)))


@step
def settle_attempts(campaign: Campaign, *, now: dt.datetime) -> int:
    """Settle what has ended, and correct what was settled in doubt. Returns how many leads changed."""
    own = Attempt.objects.for_organization(campaign.organization_id).filter(campaign=campaign)
    # Of a call its fate only: what was said in it may be long.
    own = own.select_related("call", "lead").defer(*_heavy)
    own = own.annotate(
        voicemail_message=KeyTextTransform("voicemail_message", "call__config"),
        wanted=KeyTextTransform(CALL_BACK_FIELD, "call__analysis_result"), asked=_asked,
        is_analysed=KeyTextTransform("enabled", _plan), has_analysis=Q(call__analysis_result__isnull=False),
    )  # fmt: skip
    ended = [each for each in own.ended() if is_ready(each.call, now, asks_when=_asks_when(each))]
    turned = list(own.turned(now - LATE))
    if not (changed := ended + turned):
        return 0
    settling = Settling(campaign, now, changed)
    for attempt in ended:
        settling.settle(attempt)
    for attempt in turned:
        settling.correct(attempt)
    store_settled(campaign.organization_id, changed, now=now)
    if any(each.lead.status == Lead.Status.PENDING and each.lead.next_attempt_at is None for each in changed):
        memory.forget(campaign.pk)
    return len(changed)


class Settling:
    """What the attempts that are settled together share, each part read when the first of them needs it."""

    def __init__(self, campaign: Campaign, now: dt.datetime, attempts: Iterable[Attempt]) -> None:
        self.campaign, self.now = campaign, now
        self.terms = Terms.of(campaign)
        self._attempts = list(attempts)

    def settle(self, attempt: Attempt) -> None:
        outcome = self._noted(attempt)
        lead = attempt.lead
        if lead.status == Lead.Status.CALLING:
            lead.attempts += outcome.is_counted
            self._carry(outcome, attempt)

    def correct(self, attempt: Attempt) -> None:
        """A late event told what became of an attempt in doubt: the one way back from a final status (features 12)."""
        was_counted, outcome = attempt.is_counted, self._noted(attempt)
        lead = attempt.lead
        if lead.status == Lead.Status.FAILED and lead.reason == Lead.Reason.IN_DOUBT:
            lead.attempts = max(0, lead.attempts - was_counted + outcome.is_counted)
            self._carry(outcome, attempt)

    def _carry(self, outcome: Outcome, attempt: Attempt) -> None:
        carry_over(
            outcome, lead=attempt.lead, campaign=self.campaign, call=attempt.call, tries=attempt.number, now=self.now,
            terms=self.terms, person=self._person(attempt.lead),
        )  # fmt: skip

    def _noted(self, attempt: Attempt) -> Outcome:
        call, lead = attempt.call, attempt.lead
        wanted = (call and call.callback_at) or moment_of(attempt.wanted, self._zone(lead))  # type: ignore[attr-defined]
        outcome = outcome_of(
            call, terms=self.terms, voicemail_message=attempt.voicemail_message, call_back_at=wanted,  # type: ignore[attr-defined]
            was_left=lead.voicemail_left_at is not None,
        )  # fmt: skip
        attempt.outcome, attempt.is_counted = outcome.result[:40], outcome.is_counted
        return outcome

    def _person(self, lead: Lead) -> Person:
        tried = self._history.get(lead.pk, []) if self.terms.needs_history else []
        last = [lead.last_attempt_at] if lead.last_attempt_at else []
        return Person(self._zone(lead), partial(self._hours, lead.place), sorted({*tried, *last}))

    def _zone(self, lead: Lead) -> ZoneInfo:
        """By whose clock the lead has days: of several that are possible the first."""
        zones = read_place(lead.place).zones
        return ZoneInfo(zones[0] if zones else self.campaign.timezone)

    def _hours(self, place: str, at: dt.datetime) -> Hours:
        return self._rules.hours(place, at)

    @cached_property
    def _rules(self) -> Rules:
        return Rules.of(self.campaign, self.now)

    @cached_property
    def _history(self) -> dict[UUID, list[dt.datetime]]:
        """When each lead was called in the last days, as far as it counted."""
        own = Attempt.objects.for_organization(self.campaign.organization_id).exclude(pk__in=[each.pk for each in self._attempts])
        own = own.filter(lead__in=[each.lead_id for each in self._attempts], is_counted=True)
        rows = own.filter(settled_at__gte=self.now - HISTORY).order_by("number")
        found: dict[UUID, list[dt.datetime]] = {}
        for lead_id, at in rows.values_list("lead_id", Coalesce("call__sent_at", "settled_at")):
            found.setdefault(lead_id, []).append(at)
        return found


def _asks_when(attempt: Attempt) -> bool:
    """Whether the call's analysis may yet name a time to call again."""
    call = attempt.call
    if call is None or call.is_private or call.analysis_problem or attempt.has_analysis:  # type: ignore[attr-defined]
        return False
    return attempt.asked is not None and attempt.is_analysed == "true"  # type: ignore[attr-defined]
