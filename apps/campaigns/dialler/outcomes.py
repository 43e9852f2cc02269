"""What an ended call means for its lead: the table of features 14, with the campaign's own terms for calling again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from apps.calls.models import Call
from apps.calls.services.fate import NOT_COUNTED
from apps.campaigns.dialler.retries import Again, Kind, Person, Terms, call_back, kind_of, next_attempt
from apps.campaigns.models import Campaign, Lead

Status = Lead.Status
Reason = Lead.Reason

# However short it was, such a talk is no reason to call again.
WHOLE = ("transferred", "insufficient_credits", "max_duration")
# An engine that reports the end before the talk: its report says whether there was one.
REPORT_WITHIN = dt.timedelta(seconds=60)
# The analysis of a call is made within 90 seconds of its report, or not at all.
ANALYSIS_WITHIN = dt.timedelta(seconds=120)
LONGEST_WAIT = 60


@dataclass(frozen=True)
class Outcome:
    """`then` is a lead's status, or `retry` (an attempt that counts) or `again` (one that does not).

    Args:
        kind: the retry rule that decides whether and when.
        call_back_at: the lead asked to be called then.
        left_voicemail: a message was, or may have been, left.
    """

    then: Literal["completed", "failed", "skipped", "retry", "again"]
    result: str
    reason: str = Reason.FINISHED
    kind: str = ""
    call_back_at: dt.datetime | None = None
    left_voicemail: bool = False

    @property
    def is_counted(self) -> bool:
        return self.then not in ("again", "skipped")


def outcome_of(
    call: Call | None, *, terms: Terms, voicemail_message: str | None = None, was_left: bool = False,
    call_back_at: dt.datetime | None = None,
) -> Outcome:  # fmt: skip
    """The row of the table for a call that has ended. An erased call counts as an attempt that failed.

    Args:
        voicemail_message: what the assistant of that call leaves on a voicemail, if anything.
        was_left: a message was left for this lead before.
        call_back_at: when the lead asked to be called again.
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
        return Outcome("retry", result, kind=kind_of(result))
    if call.end_reason == "voicemail":
        return _voicemail(terms, leaves=bool(voicemail_message), was_left=was_left)
    if call.opted_out_at is None and call_back_at:
        return Outcome("completed", result, call_back_at=call_back_at)
    if call.opted_out_at is None and call.end_reason not in WHOLE and terms.is_short(_seconds(call)):
        return Outcome("retry", result, kind=Kind.SHORT_CALL)
    return Outcome("completed", result)


def is_ready(call: Call | None, now: dt.datetime, *, asks_when: bool = False) -> bool:
    """Whether the outcome is certain: an `ended` without a talk waits a moment for the report that may bring one.

    Args:
        asks_when: the call's analysis may name a time to call again, and has not answered yet.
    """
    if call is None or call.status != Call.Status.ENDED:
        return True
    since = now - (call.ended_at or now)
    if call.started_at:
        return not asks_when or since >= ANALYSIS_WITHIN
    return call.report_at is not None or since >= REPORT_WITHIN


def carry_over(
    outcome: Outcome, *, lead: Lead, campaign: Campaign, call: Call | None, tries: int, now: dt.datetime, terms: Terms,
    person: Person,
) -> None:  # fmt: skip
    """Write an outcome into a lead in memory; `attempts` counts this try already when it counts.

    Args:
        tries: all attempts so far, those that do not count included.
        person: where the lead is, and when it was tried, this time included.
    """
    ended_at = (call and call.ended_at) or now
    lead.result, lead.next_attempt_at = outcome.result[:40], None
    if outcome.left_voicemail:
        lead.voicemail_left_at = lead.voicemail_left_at or ended_at
    again = None if campaign.is_final else _again(outcome, lead, terms, ended_at=ended_at, person=person, now=now)
    if again:
        lead.status, lead.reason, lead.next_attempt_at = Status.PENDING, again.reason, again.at
    elif outcome.then == "again" and not campaign.is_final:
        lead.status, lead.reason = Status.PENDING, ""
        lead.next_attempt_at = _pause_before(outcome, uncounted=tries - lead.attempts, now=now)
    elif outcome.kind == Kind.SHORT_CALL:
        lead.status, lead.reason = Status.COMPLETED, Reason.FINISHED
    elif outcome.then in ("retry", "again"):
        given_up = campaign.status == Campaign.Status.CANCELLED and lead.attempts < terms.rule(outcome.kind).attempts
        lead.status, lead.reason = (Status.SKIPPED if given_up else Status.FAILED), Reason.FINISHED
    else:
        lead.status, lead.reason = Status(outcome.then), outcome.reason


def _again(
    outcome: Outcome, lead: Lead, terms: Terms, *, ended_at: dt.datetime, person: Person, now: dt.datetime
) -> Again | None:
    """The next attempt that counts. For whom asked for it there is one more than the limit, and not a second one."""
    if outcome.call_back_at and lead.attempts <= terms.most:
        return call_back(outcome.call_back_at, asked_at=ended_at, now=now, openings=person.openings)
    if outcome.then == "retry" and terms.allows(outcome.kind, lead.attempts):
        return next_attempt(terms, outcome.kind, attempts=lead.attempts, ended_at=ended_at, person=person)
    return None


def _voicemail(terms: Terms, *, leaves: bool, was_left: bool) -> Outcome:
    """A voicemail counts as reached as the campaign says: by default when there was a message to leave."""
    counts = {
        Campaign.Voicemail.ALWAYS: True, Campaign.Voicemail.NEVER: False, Campaign.Voicemail.MESSAGE: leaves or was_left,
    }[Campaign.Voicemail(terms.voicemail)]  # fmt: skip
    return Outcome("completed" if counts else "retry", "voicemail", kind=Kind.VOICEMAIL, left_voicemail=leaves)


def _seconds(call: Call) -> float:
    if call.duration_seconds is not None:
        return call.duration_seconds
    return (call.ended_at - call.started_at).total_seconds() if call.ended_at and call.started_at else 0


def _pause_before(outcome: Outcome, *, uncounted: int, now: dt.datetime) -> dt.datetime | None:
    """The first time at once, in the lead's old place; then with doubling pauses, so that a refusing engine rests."""
    if uncounted <= 1 and outcome.result != "capacity":
        return None
    return now + dt.timedelta(seconds=min(LONGEST_WAIT, 2 ** min(uncounted, 6)))
