"""What an ended call means for its lead: the table of features 14, and nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from apps.calls.models import Call
from apps.calls.services.fate import NOT_COUNTED
from apps.campaigns.models import Campaign, Lead

Status = Lead.Status
Reason = Lead.Reason

NEVER_ANSWERED = ("no_answer", "busy", "declined", "error")
# An engine that reports the end before the talk: its report says whether there was one.
REPORT_WITHIN = dt.timedelta(seconds=60)
LONGEST_WAIT = 60


@dataclass(frozen=True)
class Outcome:
    """`then` is a lead's status, or `retry` (an attempt that counts) or `again` (one that does not)."""

    then: Literal["completed", "failed", "skipped", "retry", "again"]
    result: str
    reason: str = Reason.FINISHED

    @property
    def is_counted(self) -> bool:
        return self.then not in ("again", "skipped")


def outcome_of(call: Call | None, *, voicemail_message: str | None = None) -> Outcome:
    """The row of the table for a call that has ended. An erased call counts as an attempt that failed.

    Args:
        voicemail_message: what the assistant of that call leaves on a voicemail, if anything.
    """
    if call is None:
        return Outcome("failed", "erased")
    result = call.end_reason or call.status
    if call.is_in_doubt:
        return Outcome("failed", "in_doubt", Reason.IN_DOUBT)
    if call.dial == Call.Dial.REFUSED and call.refusal in NOT_COUNTED:
        if call.refusal == "do_not_call":
            return Outcome("skipped", "do_not_call", Reason.DO_NOT_CALL)
        if call.refusal == "not_allowed":
            return Outcome("skipped", "not_allowed", Reason.NOT_ALLOWED)
        return Outcome("again", call.refusal)
    if call.end_reason == "invalid_number":
        return Outcome("failed", result)
    if call.started_at is None:
        return Outcome("retry", result)
    # A voicemail counts as reached when the assistant had something to leave there.
    if call.end_reason == "voicemail" and not voicemail_message:
        return Outcome("retry", result)
    return Outcome("completed", result)


def is_ready(call: Call | None, now: dt.datetime) -> bool:
    """Whether the outcome is certain: an `ended` without a talk waits a moment for the report that may bring one."""
    if call is None or call.started_at or call.status != Call.Status.ENDED or call.report_at:
        return True
    return now - (call.ended_at or now) >= REPORT_WITHIN


def carry_over(
    outcome: Outcome, *, lead: Lead, campaign: Campaign, call: Call | None, tries: int, now: dt.datetime
) -> None:
    """Write an outcome into a lead in memory; `attempts` counts this try already when it counts.

    Args:
        tries: all attempts so far, those that do not count included.
    """
    lead.result, lead.next_attempt_at = outcome.result[:40], None
    if outcome.then == "again" and not campaign.is_final:
        lead.status, lead.reason = Status.PENDING, ""
        lead.next_attempt_at = _pause_before(outcome, uncounted=tries - lead.attempts, now=now)
    elif outcome.then == "retry" and not campaign.is_final and lead.attempts < campaign.max_attempts:
        lead.status, lead.reason = Status.PENDING, ""
        lead.next_attempt_at = ((call and call.ended_at) or now) + retry_delay(campaign)
    elif outcome.then in ("retry", "again"):
        given_up = campaign.status == Campaign.Status.CANCELLED and lead.attempts < campaign.max_attempts
        lead.status, lead.reason = (Status.SKIPPED if given_up else Status.FAILED), Reason.FINISHED
    else:
        lead.status, lead.reason = Status(outcome.then), outcome.reason


def retry_delay(campaign: Campaign) -> dt.timedelta:
    return dt.timedelta(seconds=campaign.retry_delay_minutes * settings.CAMPAIGN_MINUTE_SECONDS)


def _pause_before(outcome: Outcome, *, uncounted: int, now: dt.datetime) -> dt.datetime | None:
    """The first time at once, in the lead's old place; then with doubling pauses, so that a refusing engine rests."""
    if uncounted <= 1 and outcome.result != "capacity":
        return None
    return now + dt.timedelta(seconds=min(LONGEST_WAIT, 2 ** min(uncounted, 6)))
