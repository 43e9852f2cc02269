"""What one person would hear and what is known of her: the filled message and greeting, gaps marked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.permitted import Obstacle, why_not_now
from apps.campaigns.rules import Rules
from apps.core import variables

Pieces = list[tuple[str, str]]


@dataclass(frozen=True)
class Preview:
    """Texts in pieces (`core.variables.parts`), the names without a value, what forbids a call right now,
    the zones the person may be in, and what whoever calls there has to see to (keys of rules.words.HINTS)."""

    lead: Lead
    greeting: Pieces
    message: Pieces
    voicemail: Pieces
    missing: list[str]
    obstacle: Obstacle | None
    zones: tuple[str, ...]
    hints: list[str]


def preview_of(campaign: Campaign, lead: Lead, now: dt.datetime) -> Preview:
    rules = Rules.of(campaign, now)
    assistant, values = campaign.assistant, lead.variables
    spoken = (assistant.speech_config or {}).get("first_message_outbound") or assistant.first_message or ""
    texts = [spoken, campaign.system_message_template or "", assistant.voicemail_message or ""]
    greeting, message, voicemail = (variables.parts(text, values) for text in texts)
    missing = sorted({name for text in texts for name in variables.missing(text, values)})
    return Preview(lead, greeting, message, voicemail, missing, why_not_now(campaign, lead, rules, now), rules.zones(lead.place), rules.hints(lead.place))
