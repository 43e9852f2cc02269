"""A test call: the campaign's own call to one lead, placed to the person who asks for it."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from apps.calls.models import Call
from apps.calls.services.dial import start_call
from apps.calls.services.requests import CallRequest
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.services.launch import number_of
from apps.voice.services import capabilities, connection_for

ORIGIN = "test:"


def start_test_call(*, campaign: Campaign, lead: Lead, to: str, key: UUID, now: dt.datetime) -> Call:
    """Call `to` as the campaign would call the lead: same assistant, message, number and values.

    Its origin is `test:<campaign id>`, so it counts for neither the lead nor the campaign: no attempt, no pace, no
    budget. The rules that protect whoever is called hold: do-not-call list, forbidden numbers, spending, credits.

    Args:
        to: E.164.
        key: of the form; sent twice, one call.

    Raises what `start_call` raises, Invalid without a number to call from, Unavailable without an engine.
    """
    organization = campaign.organization
    number = number_of(campaign)
    connection = connection_for(organization)
    request = CallRequest(
        organization=organization, to=to, key=f"test:{campaign.pk}:{key}", origin=f"{ORIGIN}{campaign.pk}",
        connection=connection, simulated=capabilities(connection, now).simulated, assistant=campaign.assistant,
        number=number, metadata={"campaign_test": str(campaign.pk)},
        system_message=campaign.system_message_template or None, variables=lead.variables,
    )  # fmt: skip
    return start_call(request=request, now=now)
