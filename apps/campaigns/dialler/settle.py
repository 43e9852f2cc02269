"""Ended calls are carried over to their leads: from rows alone, each attempt once."""

from __future__ import annotations

import datetime as dt

from django.db.models.fields.json import KeyTextTransform

from apps.calls.models import Call
from apps.campaigns.dialler.outcomes import Outcome, carry_over, is_ready, outcome_of
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.campaigns.sql import store_settled
from apps.core.db import step

# Engines repeat events for a day; what comes later than this is history.
LATE = dt.timedelta(days=7)
CALL_FIELDS = ("status", "end_reason", "dial", "refusal", "started_at", "ended_at", "report_at")

_heavy = [f"call__{field.attname}" for field in Call._meta.concrete_fields if field.attname not in ("id", *CALL_FIELDS)]


@step
def settle_attempts(campaign: Campaign, *, now: dt.datetime) -> int:
    """Settle what has ended, and correct what was settled in doubt. Returns how many leads changed."""
    own = Attempt.objects.for_organization(campaign.organization_id).filter(campaign=campaign)
    # Of a call its fate only: what was said in it may be long.
    own = own.select_related("call", "lead").defer(*_heavy)
    own = own.annotate(voicemail_message=KeyTextTransform("voicemail_message", "call__config"))
    ended = [each for each in own.ended() if is_ready(each.call, now)]
    turned = list(own.turned(now - LATE))
    for attempt in ended:
        _settle(attempt, campaign, now)
    for attempt in turned:
        _correct(attempt, campaign, now)
    changed = ended + turned
    if changed:
        store_settled(campaign.organization_id, changed, now=now)
    return len(changed)


def _settle(attempt: Attempt, campaign: Campaign, now: dt.datetime) -> None:
    outcome = _noted(attempt)
    lead = attempt.lead
    if lead.status != Lead.Status.CALLING:
        return
    lead.attempts += outcome.is_counted
    carry_over(outcome, lead=lead, campaign=campaign, call=attempt.call, tries=attempt.number, now=now)


def _correct(attempt: Attempt, campaign: Campaign, now: dt.datetime) -> None:
    """A late event told what became of an attempt in doubt: the one way back from a final status (features 12)."""
    was_counted, outcome = attempt.is_counted, _noted(attempt)
    lead = attempt.lead
    if lead.status != Lead.Status.FAILED or lead.reason != Lead.Reason.IN_DOUBT:
        return
    lead.attempts = max(0, lead.attempts - was_counted + outcome.is_counted)
    carry_over(outcome, lead=lead, campaign=campaign, call=attempt.call, tries=attempt.number, now=now)


def _noted(attempt: Attempt) -> Outcome:
    outcome = outcome_of(attempt.call, voicemail_message=attempt.voicemail_message)  # type: ignore[attr-defined]
    attempt.outcome, attempt.is_counted = outcome.result[:40], outcome.is_counted
    return outcome
