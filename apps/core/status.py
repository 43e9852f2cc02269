"""The product's one vocabulary of states: the same word, colour and icon wherever a state is shown."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True)
class Status:
    """`tone` is good, notice, caution, bad, plain or brand; `icon` is a lucide name."""

    label: str | Promise
    tone: str
    icon: str


# Calls (spec: features 12)
_CALLS = {
    "queued": Status(_("Queued"), "plain", "clock"),
    "dialing": Status(_("Dialling"), "notice", "phone-outgoing"),
    "connecting": Status(_("Connecting"), "notice", "phone-outgoing"),
    "ringing": Status(_("Ringing"), "notice", "phone-call"),
    "in-progress": Status(_("In progress"), "brand", "audio-lines"),
    "ending": Status(_("Ending"), "notice", "phone-off"),
    "ended": Status(_("Ended"), "good", "check"),
    "ended-with-error": Status(_("Ended with an error"), "bad", "circle-alert"),
    "transferred": Status(_("Transferred"), "good", "phone-forwarded"),
    "rejected": Status(_("Rejected"), "caution", "phone-off"),
    "insufficient-credits": Status(_("Out of credits"), "bad", "coins"),
}
# Why a call ended (spec: features 12, end_reason)
_REASONS = {
    "user_hangup": Status(_("Caller hung up"), "plain", "phone-off"),
    "assistant_hangup": Status(_("Assistant hung up"), "plain", "phone-off"),
    "api_hangup": Status(_("Ended over the API"), "plain", "phone-off"),
    "end_call_phrase": Status(_("End phrase spoken"), "plain", "phone-off"),
    "max_duration": Status(_("Maximum length reached"), "caution", "timer"),
    "silence_timeout": Status(_("Silence"), "caution", "volume-x"),
    "voicemail": Status(_("Voicemail"), "notice", "voicemail"),
    "no_answer": Status(_("No answer"), "plain", "phone-missed"),
    "busy": Status(_("Busy"), "caution", "phone-off"),
    "declined": Status(_("Declined"), "caution", "phone-off"),
    "invalid_number": Status(_("Invalid number"), "bad", "circle-x"),
    "minutes_used_up": Status(_("Minutes used up"), "bad", "hourglass"),
    "insufficient_credits": Status(_("Out of credits"), "bad", "coins"),
    "no_assistant": Status(_("No assistant"), "bad", "bot"),
    "assistant_inactive": Status(_("Assistant inactive"), "caution", "bot"),
    "number_inactive": Status(_("Number inactive"), "caution", "hash"),
    "rejected_by_webhook": Status(_("Rejected by webhook"), "caution", "webhook"),
    "consent_declined": Status(_("Consent declined"), "caution", "shield-x"),
    "consent_timeout": Status(_("No consent given"), "caution", "shield-x"),
    "mcp_unavailable": Status(_("Tool server unavailable"), "bad", "plug"),
    "suspended": Status(_("Suspended"), "bad", "ban"),
    "missing_key": Status(_("Provider key missing"), "bad", "key-round"),
    "in_doubt": Status(_("In doubt"), "caution", "circle-question-mark"),
    "error": Status(_("Error"), "bad", "circle-alert"),
}
# Leads, and the one reason a lead is not being called (spec: features 14)
_LEADS = {
    "pending": Status(pgettext_lazy("lead", "Pending"), "plain", "clock"),
    "calling": Status(_("Calling"), "brand", "phone-call"),
    "completed": Status(_("Completed"), "good", "check"),
    "failed": Status(_("Failed"), "bad", "circle-x"),
    "skipped": Status(_("Skipped"), "plain", "skip-forward"),
    "waiting_window": Status(_("Outside call hours"), "plain", "moon"),
    "waiting_retry": Status(_("Waiting to retry"), "notice", "rotate-cw"),
    "waiting_slot": Status(_("Waiting for a line"), "notice", "hourglass"),
    "no_balance": Status(_("No credits"), "bad", "coins"),
    "do_not_call": Status(_("Do not call"), "caution", "ban"),
    "number_unavailable": Status(_("Number unavailable"), "bad", "hash"),
    "engine_unavailable": Status(_("Calls not possible now"), "caution", "server-off"),
    "outside_hours": Status(_("Outside legal hours"), "plain", "moon"),
    "holiday": Status(_("Public holiday"), "plain", "calendar-off"),
    "never_open": Status(_("Never allowed"), "caution", "calendar-x"),
    "no_consent": Status(_("No consent"), "caution", "shield-x"),
    "number_limit": Status(_("Called often enough"), "plain", "timer"),
    "number_gap": Status(_("Called a moment ago"), "plain", "timer"),
    "day_limit": Status(_("Enough for today"), "plain", "timer"),
    "call_back": Status(_("Call-back"), "notice", "phone-incoming"),
    "not_allowed": Status(_("Number not allowed"), "caution", "ban"),
    "trunk_failing": Status(_("Trunk fails"), "caution", "unplug"),
    "breaker": Status(_("Too many failures"), "bad", "octagon-pause"),
    "budget": Status(_("Budget used up"), "bad", "coins"),
    "finished": Status(_("Finished"), "good", "check"),
}
_CAMPAIGNS = {
    "draft": Status(_("Draft"), "plain", "pencil"),
    "scheduled": Status(_("Running"), "brand", "play"),
    "paused": Status(_("Paused"), "caution", "pause"),
    "cancelled": Status(_("Cancelled"), "plain", "ban"),
}
_DELIVERIES = {
    "delivered": Status(_("Delivered"), "good", "check"),
    "retrying": Status(_("Retrying"), "notice", "rotate-cw"),
    "dead": Status(_("Given up"), "bad", "circle-x"),
    "sending": Status(_("Sending"), "notice", "send"),
    "sent": Status(_("Sent"), "good", "check"),
}
_COMMON = {
    "active": Status(_("Active"), "good", "check"),
    "inactive": Status(_("Inactive"), "plain", "circle-pause"),
    "verified": Status(_("Verified"), "good", "badge-check"),
    "not_started": Status(_("Not started"), "plain", "circle-dashed"),
    "running": Status(_("Running"), "brand", "loader"),
    "done": Status(_("Done"), "good", "check"),
    "synced": Status(_("In sync"), "good", "check"),
    "syncing": Status(_("Syncing"), "notice", "refresh-cw"),
    "revoked": Status(_("Revoked"), "plain", "ban"),
    "expired": Status(_("Expired"), "plain", "clock-alert"),
    "accepted": Status(_("Accepted"), "good", "check"),
    "invited": Status(_("Invited"), "notice", "mail"),
    "inbound": Status(_("Inbound"), "plain", "phone-incoming"),
    "outbound": Status(_("Outbound"), "plain", "phone-outgoing"),
    "web": Status(_("Web"), "plain", "globe"),
}
VOCABULARY: dict[str, Status] = {**_COMMON, **_DELIVERIES, **_CAMPAIGNS, **_LEADS, **_REASONS, **_CALLS}
# Spellings of other versions of the wire.
_ALSO = {"in_progress": "in-progress", "no-answer": "no_answer", "dead_letter": "dead", "canceled": "cancelled"}


def status_of(value: str) -> Status:
    """The word, tone and icon of a state; an unknown one is shown as it came, in plain words."""
    found = VOCABULARY.get(_ALSO.get(value, value))
    return found or Status(value.replace("_", " ").replace("-", " ").capitalize(), "plain", "circle")
