"""What happened in a call, in words: its timeline, and why it ended as it did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.calls.models import Call, CallEvent
from apps.core.status import status_of

Text = str | Promise


@dataclass(frozen=True)
class Happening:
    """A line of the timeline."""

    icon: str
    tone: str
    title: Text
    at: dt.datetime
    detail: Text = ""
    # The detail may name a provider or come from the engine.
    is_technical: bool = False


TECHNICAL = ("provider_error", "refused", "not_mirrored", "unknown", "accepted", "report")
KINDS: dict[str, tuple[str, str, Text]] = {
    "created": ("circle-plus", "plain", _("Created")),
    "reserved": ("circle-plus", "plain", _("Created")),
    "incoming": ("phone-incoming", "notice", _("Incoming call")),
    "webhook_answer": ("webhook", "caution", _("Your server's answer could not be used")),
    "accepted": ("check", "plain", _("Accepted")),
    "refused": ("circle-x", "bad", _("Refused: it did not ring")),
    "unknown": ("circle-question-mark", "caution", _("No answer yet: looking it up")),
    "dial_again": ("rotate-cw", "notice", _("It did not ring: dialled again")),
    "in_doubt": ("circle-question-mark", "caution", _("Given up: nobody knows whether it rang")),
    "unjoined": ("timer-off", "plain", _("Nobody came in before the token ran out")),
    "ringing": ("phone-call", "notice", _("Ringing")),
    "answered": ("audio-lines", "good", _("Answered")),
    "answered_by": ("user", "plain", _("Answered by")),
    "consent": ("shield-check", "plain", _("Consent to recording")),
    "dtmf": ("keyboard", "plain", _("Key pressed")),
    "transfer": ("phone-forwarded", "brand", _("Transfer")),
    "provider_error": ("plug-zap", "bad", _("A provider refused")),
    "interrupted": ("hand", "plain", _("Interrupted")),
    "tool": ("wrench", "plain", _("Tool called")),
    "command": ("send", "brand", _("Command sent")),
    "report": ("file-text", "plain", _("Report received")),
    "analysis": ("sparkles", "plain", _("Summary and analysis made")),
    "filled": ("list-checks", "plain", _("Filled in afterwards")),
    "not_mirrored": ("refresh-cw", "caution", _("The chosen assistant was not in place yet")),
    "opted_out": ("ban", "caution", _("Wants no more calls")),
    "callback": ("calendar-clock", "notice", _("Asked to be called back")),
    "ended": ("phone-off", "plain", _("Ended")),
}
VALUES: dict[str, Text] = {
    "human": _("a person"),
    "machine": _("an answering machine"),
    "unsure": _("not certain by whom"),
    "asked": _("asked"),
    "given": _("given"),
    "declined": _("declined"),
    "timeout": _("no key pressed"),
    "done": _("done"),
    "failed": _("failed"),
    "ringing": _("ringing"),
    "say": _("let the assistant say something"),
    "inject-context": _("gave context"),
    "end-call": _("ended the call"),
    "transfer": _("transferred the call"),
    "phrase": _("said so"),
    "key": _("pressed the key"),
    "tool": _("told the assistant"),
}
REASONS: dict[str, Text] = {
    "no_answer": _("Nobody picked up. A campaign tries again by its own rules."),
    "busy": _("The line was busy. A campaign tries again by its own rules."),
    "declined": _("The call was declined on the other side."),
    "invalid_number": _("No phone has this number. Check it before calling again."),
    "in_doubt": _(
        "It was never reported whether this call rang. It was not dialled again, so that nobody is rung twice. "
        "Should its outcome arrive after all, it appears here."
    ),
    "minutes_used_up": _("All minutes of this month are used up."),
    "insufficient_credits": _("The balance ran out. Add credits to go on calling."),
    "no_assistant": _("The number had no assistant to answer. Assign one to the number."),
    "assistant_inactive": _("The assistant is not active. Activate it, or assign another one."),
    "number_inactive": _("The number is not active. Activate it to take calls."),
    "rejected_by_webhook": _("Your server refused this call in its answer to assistant-request."),
    "consent_declined": _("The caller did not agree to being recorded; the call ended at once."),
    "consent_timeout": _("The caller pressed no key when asked for consent; the call ended."),
    "mcp_unavailable": _("A tool server that the assistant needs did not answer."),
    "suspended": _("This organization was suspended when the call was to begin."),
    "silence_timeout": _("Nobody said anything for as long as the assistant waits."),
    "max_duration": _("The call reached the assistant's maximum length."),
    "voicemail": _("An answering machine picked up."),
    "cancelled": _("The call was taken back before it was dialled: its campaign was paused or cancelled."),
    "error": _("The call ended with a technical error. Try again; if it persists, ask for support."),
}
UNJOINED = _("Nobody came in while the token was valid. It cost nothing.")
# A call that went well needs no explanation beside its badge.
ALARMING = {Call.Status.FAILED, Call.Status.REJECTED, Call.Status.ENDED_WITH_ERROR, Call.Status.INSUFFICIENT_CREDITS}
REFUSALS: dict[str, Text] = {
    "unavailable": _("Calls were not possible at that moment, so nothing was dialled. Try again in a minute."),
    "capacity": _("There was no free line. Try again in a moment."),
    "too_late": _("It was too late to dial, so it did not ring."),
    "do_not_call": _("The number was put on the do-not-call list before it was dialled."),
    "not_allowed": _("This number may not be called, so nothing was dialled."),
    "spend": _("As much was spent within an hour as is allowed, so nothing was dialled."),
}


def timeline(call: Call, events: Iterable[CallEvent]) -> list[Happening]:
    """The happenings of a call, oldest first; it begins with its reservation."""
    rows = [_happening(each) for each in events if each.kind != "interrupted"]
    if rows and rows[0].title in (KINDS["created"][2], KINDS["incoming"][2]):
        return rows
    return [Happening(*KINDS["created"], at=call.created_at), *rows]


def interrupted_turns(events: Iterable[CallEvent]) -> frozenset[int]:
    turns = (each.data.get("turn") for each in events if each.kind == "interrupted")
    return frozenset(turn for turn in turns if isinstance(turn, int))


def explanation(call: Call) -> Text:
    """Why a call did not go well and what to do; empty for one that did, or runs."""
    if call.status not in ALARMING and call.end_reason not in ("silence_timeout", "max_duration"):
        return ""
    if call.refusal in REFUSALS:
        return REFUSALS[call.refusal]
    if call.direction == Call.Direction.WEB and call.end_reason == "no_answer":
        return UNJOINED
    return REASONS.get(call.end_reason or "", "")


def _happening(event: CallEvent) -> Happening:
    icon, tone, title = KINDS.get(event.kind, ("circle", "plain", status_of(event.kind).label))
    if event.kind in ("transfer", "tool") and event.data.get("value") == "failed":
        tone = "bad"
    return Happening(icon, tone, title, event.at, _detail(event.kind, event.data), event.kind in TECHNICAL)


def _detail(kind: str, data: dict[str, Any]) -> Text:
    value = data.get("value")
    parts: list[Text] = [VALUES.get(str(value), str(value))] if value else []
    if kind == "ended" and (reason := data.get("reason") or data.get("end_reason")):
        parts.append(status_of(str(reason)).label)
    for name in ("type", "to", "name", "problem", "slot", "by"):
        if data.get(name):
            parts.append(VALUES.get(str(data[name]), str(data[name])))
    if kind == "provider_error" and data.get("status"):
        parts.append(str(data["status"]))
    if kind == "refused" and data.get("refusal"):
        parts.append(str(data["refusal"]).replace("_", " "))
    if isinstance(data.get("latency_ms"), int):
        parts.append(f"{data['latency_ms']} ms")
    if isinstance(data.get("seconds"), int):
        parts.append(_now("%(seconds)d s of talk") % {"seconds": data["seconds"]})
    return " · ".join(str(part) for part in parts)
