"""The row of an inbound call: whose number, which assistant, and whether it may be answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from apps.assistants.models import Assistant
from apps.billing.payers import hold
from apps.calls.models import Call
from apps.calls.services.requests import is_charged
from apps.calls.services.snapshot import config_of, private_for, resolved, without_ours
from apps.core.db import step
from apps.core.errors import InsufficientCredits
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization


@step
def open_inbound(
    *, organization_id: object, connection_id: object, ref: str, own: str, other: str, simulated: bool, now: dt.datetime
) -> Call:
    """The call of an engine's inbound id, made the first time: ringing, with the number's assistant."""
    key = f"in:{connection_id}:{ref}"[:200]
    calls = Call.objects.for_organization(organization_id).select_related("organization__brand", "connection", "number")
    if found := calls.filter(key=key).first():
        return found
    organization = Organization.objects.select_related("brand").get(pk=organization_id)
    number = _number(organization, own)
    assistant = number.assistant if number else None
    call = Call(
        organization=organization, direction=Call.Direction.INBOUND, status=Call.Status.RINGING, number=number,
        own_number=own or None, other_number=other or None, origin="inbound", key=key, connection_id=connection_id,
        ref=ref, dial=Call.Dial.NONE, is_simulated=simulated, is_charged=is_charged(simulated=simulated),
        last_news_at=now,
    )  # fmt: skip
    use_assistant(call, assistant, None, number)
    call.save(force_insert=True)
    return call


def use_assistant(
    call: Call, assistant: Assistant | None, changes: Mapping[str, Any] | None, number: PhoneNumber | None,
    *, complete: bool = False, limit: int | None = None,
) -> None:  # fmt: skip
    """Let this assistant answer: its values as they are now, under the customer's changes. The caller saves the call.

    Args:
        complete: `changes` are a whole one-time assistant.
        limit: `max_duration_seconds` beside the assistant in a webhook's answer.
    """
    organization = call.organization
    values = resolved(organization, assistant, changes) if assistant or complete else {"metadata": {}}
    if limit:
        values["max_duration_seconds"] = min(limit, values.get("max_duration_seconds") or limit)
    private = private_for(organization, values, assistant=assistant, number=number)
    call.assistant, call.webhook = assistant, private.dump()
    call.assistant_name, call.business_name = values.get("name"), values.get("business_name")
    call.metadata = without_ours(values["metadata"])
    found = call.metadata.get("variables")
    call.config = config_of(organization, values, variables=found if isinstance(found, dict) else {})
    call.is_private = bool(values.get("gdpr_mode"))


def refusal_before_asking(call: Call) -> str | None:
    """Why the call is refused whatever the customer's server would say (features 1, 10; platform 1)."""
    number, assistant = call.number, call.assistant
    if call.organization.suspended_at or call.organization.closed_at:
        return "suspended"
    if number is None or not number.is_active:
        return "number_inactive"
    if assistant and (assistant.deleted_at or not assistant.is_active):
        return "assistant_inactive"
    return None


@step
def hold_for(call: Call, now: dt.datetime) -> str | None:
    """Set a credit aside on each account that pays for a charged call; `insufficient_credits` when one has none."""
    if not call.is_charged:
        return None
    try:
        hold(payers=call.organization.payer_ids, used_by=call.organization_id, key=call.money_key, now=now)
    except InsufficientCredits:
        return "insufficient_credits"
    return None


def _number(organization: Organization, own: str) -> PhoneNumber | None:
    numbers = PhoneNumber.objects.for_organization(organization).select_related("assistant", "transfer_trunk")
    return numbers.filter(phone_number=own).first()
