"""What spans the apps of one organization: one small service per app, in list order, each safe to run again."""

from __future__ import annotations

import datetime as dt

from apps.assistants.models import Assistant
from apps.assistants.services import remove_assistant
from apps.campaigns.models import Campaign
from apps.core.db import writes
from apps.numbers.models import PhoneNumber
from apps.numbers.services import forget_assistant
from apps.organizations.services import Actor


@writes
def delete_assistant(*, assistant: Assistant, by: Actor, now: dt.datetime) -> None:
    """Take an assistant away: from its numbers at once, from scheduled campaigns on their next tick; calls go on."""
    forget_assistant(assistant=assistant, now=now)
    remove_assistant(assistant=assistant, by=by, now=now)


def touched_by(assistant: Assistant) -> tuple[list[PhoneNumber], list[Campaign]]:
    """The numbers and unfinished campaigns that a deletion would touch."""
    numbers = PhoneNumber.objects.for_organization(assistant.organization_id).filter(assistant=assistant)
    campaigns = Campaign.objects.for_organization(assistant.organization_id).filter(
        assistant=assistant,
        deleted_at=None,
        status__in=[Campaign.Status.DRAFT, Campaign.Status.SCHEDULED, Campaign.Status.PAUSED],
    )
    return list(numbers.order_by("phone_number")), list(campaigns.order_by("name", "id"))
