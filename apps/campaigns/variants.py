"""Which of two assistants, or versions of one, a lead talks to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.assistants.models import Assistant
from apps.assistants.versions import spoken_values
from apps.campaigns.models import Campaign

A, B = "a", "b"


@dataclass(frozen=True)
class Talker:
    """Who speaks: an assistant, as it is now or with the values of an earlier version (`override`)."""

    assistant: Assistant
    override: dict[str, Any] | None = None


class Sides:
    """The two sides of a campaign, read once per unit of work; a campaign that compares nothing costs no query."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self._talkers = {"": Talker(campaign.assistant), A: Talker(campaign.assistant)}
        if campaign.variant_percent:
            self._talkers[B] = _second(campaign)

    def variant_of(self, lead_id: UUID, known: str = "") -> str:
        """`a`, `b`, or nothing where nothing is compared. A lead stays where it was first put, whatever the share is now."""
        if not self.campaign.variant_percent:
            return ""
        return known or side_of(self.campaign.pk, lead_id, self.campaign.variant_percent)

    def talker(self, variant: str) -> Talker:
        """One object per side: calls to the same one are written together."""
        return self._talkers[variant]


def side_of(campaign_id: UUID, lead_id: UUID, percent: int) -> str:
    """`a` or `b`: always the same for a lead of a campaign, and `b` for `percent` of a hundred leads.

    A raised share moves leads from a to b only. The hash is uniform, so the sides differ by nothing but chance.
    """
    digest = hashlib.sha256(campaign_id.bytes + lead_id.bytes).digest()
    return B if int.from_bytes(digest[:8]) * 100 < percent << 64 else A


def second_assistant(campaign: Campaign) -> Assistant:
    return campaign.variant_assistant or campaign.assistant


def why_not_second(campaign: Campaign) -> str | None:
    """Why the second side cannot talk, as Campaign.PausedBy; None when it can or nothing is compared."""
    if not campaign.variant_percent:
        return None
    assistant = second_assistant(campaign)
    if assistant.deleted_at or (campaign.variant_version and spoken_values(assistant, campaign.variant_version) is None):
        return Campaign.PausedBy.ASSISTANT_DELETED
    return None if assistant.is_active else Campaign.PausedBy.ASSISTANT_INACTIVE


def _second(campaign: Campaign) -> Talker:
    """A version that is gone speaks as the assistant does now; the tick pauses before that, see `why_not_second`."""
    assistant = second_assistant(campaign)
    values = spoken_values(assistant, campaign.variant_version) if campaign.variant_version else None
    return Talker(assistant, values)
