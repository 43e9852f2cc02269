"""Labels and help of the assistant's own fields; those of providers and speech stand in formspec_texts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.assistants.forms.inputs import Lazy
from apps.assistants.formspec import FieldSpec, Kind

WORDS: dict[str, tuple[Kind, Lazy, Lazy]] = {
    "name": ("text", _("Name"), _("Only your team sees it.")),
    "business_name": ("text", _("Business name"), _("The business it speaks for.")),
    "is_active": ("bool", _("Active"), _("When off, it neither answers nor calls.")),
    "first_message": (
        "long_text",
        _("Greeting"),
        _("Spoken first. Empty: the caller speaks first. {{name}} is filled from a campaign’s lead."),
    ),
    "autonomous_silence_handling": (
        "bool",
        _("Ask when the caller says nothing"),
        _("After a while the assistant asks; when nobody answers, it ends the call."),
    ),
    "silence_timeout_seconds": (
        "int",
        _("Silence before it asks"),
        _("Used unless the silence settings below say otherwise."),
    ),
    "voicemail_detection": (
        "bool",
        _("Recognise voicemail"),
        _("Outgoing calls only: an answering machine is noticed by its first words."),
    ),
    "voicemail_message": (
        "long_text",
        _("Message on the voicemail"),
        _("Spoken to the machine before hanging up. Empty: it hangs up silently."),
    ),
    "max_duration_seconds": ("int", _("Longest call"), _("The call ends after this time. Empty: no limit.")),
    "gdpr_mode": (
        "bool",
        _("Keep no content"),
        _(
            "Transcript, summary, analysis and recording are passed on in the report and its e-mail only, and never stored."
        ),
    ),
    "recording_consent.enabled": (
        "bool",
        _("Ask for consent to record"),
        _("Incoming calls only: pressing 1 agrees, 2 ends the call. Nothing is heard or recorded before."),
    ),
    "recording_consent.message": (
        "long_text",
        _("Question"),
        _("For example: “This call is recorded. Press 1 to agree, or 2 to end the call.”"),
    ),
    "webhook_url": (
        "text",
        _("Webhook address (URL)"),
        _("Receives the events below and the calls of tools without an address. Empty: the one of this workspace."),
    ),
    "notification_email": ("text", _("E-mail address"), _("Gets a report after each call.")),
    "notification_emails": ("list", _("More addresses"), _("One per line, at most five.")),
    "analysis_plan.structured_data_plan.enabled": (
        "bool",
        _("Read data from each call"),
        _("After the call a model fills in the fields below."),
    ),
    "analysis_plan.min_messages_threshold": (
        "int",
        _("Only from this many messages"),
        _("Shorter talks are not analysed."),
    ),
}
LIMITS: dict[str, dict[str, Any]] = {
    "silence_timeout_seconds": {"minimum": 1, "maximum": 60, "step": 1, "unit": _("seconds"), "default": 8},
    "max_duration_seconds": {"unit": _("seconds"), "default": None},
    "analysis_plan.min_messages_threshold": {"default": 2},
}
EVENTS: tuple[tuple[str, Lazy, Lazy], ...] = (
    ("assistant-request", "assistant-request", _("asks which assistant answers an incoming call")),
    ("status-update", "status-update", _("a call rings, is answered, ends")),
    ("tool-calls", "tool-calls", _("a tool without its own address is used")),
    ("end-of-call-report", "end-of-call-report", _("transcript, summary, analysis, cost")),
)


def spec_of(name: str) -> FieldSpec:
    kind, label, help_text = WORDS[name]
    return FieldSpec(name.rpartition(".")[2], kind, label, help_text, **LIMITS.get(name, {}))
