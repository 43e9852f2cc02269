"""What became of a lead, in one word: the rows of the results, and how to find the leads behind each."""

from __future__ import annotations

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.campaigns.models import Lead
from apps.core.status import status_of

Status = Lead.Status

ANSWERED, VOICEMAIL, WAITING, ERROR, SKIPPED = "answered", "voicemail", "waiting", "error", "skipped"
IN_DOUBT = "in_doubt"
NOT_REACHED = ("no_answer", "busy", "declined", "invalid_number")
ORDER = (ANSWERED, VOICEMAIL, *NOT_REACHED, ERROR, IN_DOUBT)
TONES = {
    ANSWERED: "good", VOICEMAIL: "notice", "no_answer": "plain", "busy": "caution", "declined": "caution",
    "invalid_number": "bad", ERROR: "bad", IN_DOUBT: "caution", WAITING: "brand",
}  # fmt: skip
_WORDS: dict[str, str | Promise] = {
    ANSWERED: _("Answered"), VOICEMAIL: _("Voicemail"), ERROR: _("Failed"), WAITING: _("Still to be called"),
}  # fmt: skip


def outcome_of(status: str, reason: str, result: str) -> str:
    """The outcome of a lead by its three columns; of a skipped one `skipped:<reason>`."""
    if status in Lead.UNFINISHED:
        return WAITING
    if status == Status.SKIPPED:
        why = reason if reason and reason != Lead.Reason.FINISHED else result
        return f"{SKIPPED}:{why or 'cancelled'}"
    if result == VOICEMAIL:
        return VOICEMAIL
    if status == Status.COMPLETED:
        return ANSWERED
    if reason == Lead.Reason.IN_DOUBT:
        return IN_DOUBT
    return result if result in NOT_REACHED else ERROR


def leads_with(outcome: str) -> Q:
    """The leads of one outcome; nobody for a word that is none."""
    if outcome == WAITING:
        return Q(status__in=Lead.UNFINISHED)
    done = Q(status__in=(Status.COMPLETED, Status.FAILED))
    if outcome == VOICEMAIL:
        return done & Q(result=VOICEMAIL)
    if outcome == ANSWERED:
        return Q(status=Status.COMPLETED) & ~Q(result=VOICEMAIL)
    failed = Q(status=Status.FAILED) & ~Q(result=VOICEMAIL)
    doubtful = Q(reason=Lead.Reason.IN_DOUBT)
    if outcome == IN_DOUBT:
        return failed & doubtful
    if outcome in NOT_REACHED:
        return failed & ~doubtful & Q(result=outcome)
    if outcome == ERROR:
        return failed & ~doubtful & ~Q(result__in=NOT_REACHED)
    kind, _colon, why = outcome.partition(":")
    if kind != SKIPPED or not why:
        return Q(pk__in=[])
    by_result = Q(reason__in=("", Lead.Reason.FINISHED)) & (Q(result=why) | (Q(result="") if why == "cancelled" else Q(pk__in=[])))
    return Q(status=Status.SKIPPED) & ((Q(reason=why) & ~Q(reason=Lead.Reason.FINISHED)) | by_result)


def outcome_label(outcome: str) -> str:
    """The outcome in the reader's language."""
    kind, _colon, why = outcome.partition(":")
    if kind == SKIPPED and why:
        return str(_("Skipped: %(reason)s") % {"reason": status_of(why).label})
    return str(_WORDS.get(outcome) or status_of(outcome).label)


def outcome_tone(outcome: str) -> str:
    return TONES.get(outcome, "plain")


def sort_key(outcome: str) -> tuple[int, str]:
    """As people read them: reached first, then not reached, skipped, still to do."""
    if outcome in ORDER:
        return ORDER.index(outcome), ""
    return (99 if outcome == WAITING else 50), outcome
