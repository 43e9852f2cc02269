"""The intent of a call, written before anything is sent."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from apps.assistants.models import Assistant
from apps.billing.payers import hold, hold_many, lock_accounts, release
from apps.billing.services import HOLD
from apps.calls.allowed import SPENT, USED_UP, limits_of, minutes_used_up, spend_left, why_forbidden
from apps.calls.ids import money_key_of, new_call_id
from apps.calls.models import TEXT, Call
from apps.calls.refusals import is_refused
from apps.calls.services.keys import call_ring, check_keys, sources, takes_keys
from apps.calls.services.requests import CallRequest
from apps.calls.services.snapshot import config_of, private_for, resolved, without_ours
from apps.calls.sql import Own, insert_likewise
from apps.core.db import step
from apps.core.errors import Conflict, Forbidden, Invalid
from apps.numbers.models import PhoneNumber
from apps.numbers.services import dial_number_for
from apps.organizations.models import Limits, Organization
from apps.voice.services import known_capabilities


class Reserved(NamedTuple):
    """A call of a batch: its ids, and what it was reserved for."""

    pk: UUID
    public_id: str
    request: CallRequest

    @property
    def money_key(self) -> str:
        return money_key_of(self.public_id)


@step
def reserve_call(*, request: CallRequest, now: dt.datetime) -> Call:
    """Write one call that is about to be dialled, or a web call, with its assistant as it is now and a hold when it will be charged.

    The same key returns the call of the first time. A refusal leaves the caller's transaction usable.

    Raises, in this order: Conflict (`limit_reached`) when this month's minutes are used up, Invalid for an inactive
    assistant or a number that cannot dial (api 8.4), Invalid for a number on the do-not-call list or one that may not
    be called (`allowed`), Conflict for a reference used before,
    Invalid for a missing provider key, InsufficientCredits, Conflict (`spend_limit`) when this hour's money is spent.
    """
    organization = request.organization
    if found := Call.objects.for_organization(organization).filter(key=request.key).first():
        return found
    if organization.suspended_at or organization.closed_at:
        raise Forbidden(_("This organization is suspended."))
    if minutes_used_up(organization, now):
        raise Conflict(str(USED_UP), type="limit_reached")
    check_assistant(request.assistant)
    number = None if request.is_web else dialling_number(organization, request.assistant, request.number)
    if request.to and is_refused(organization, request.to, now):
        raise Invalid(_("The number %(number)s is on the do-not-call list.") % {"number": request.to}, param="destination")
    if request.to and (problem := why_forbidden(organization, request.to, now)):
        raise Invalid(problem, param="destination")
    _check_reference(request)
    call = _drafted(request, number, refuses=True)
    try:
        with transaction.atomic():
            call.save(force_insert=True)
            if call.is_charged:
                hold(payers=organization.payer_ids, used_by=organization.pk, key=call.money_key, now=now)
                _check_spend(organization, now)
    except IntegrityError:
        return _won_elsewhere(request)
    return call


@step
def reserve_many(
    *, requests: Sequence[CallRequest], number: PhoneNumber, now: dt.datetime, limits: Sequence[Limits] | None = None
) -> list[Reserved]:
    """`reserve_call` for a campaign's batch: one statement for the calls of an assistant, one for all holds.

    Requests to the same assistant, with the same changes to it, differ in `to`, `key`, `metadata`, `variables`, `dial_at`,
    `wanted_until` and `leaves_voicemail` only; their keys are new, and the caller has checked assistant, number and
    do-not-call list in this transaction. Returns the calls of the first requests, fewer than asked when the credits, or
    the money for this hour or the minutes of this month, end there. A missing provider key is no matter here: such a call fails when it is to be sent,
    and says so.

    Args:
        limits: of the organization and its agency, when they were read already.
    """
    if not requests or minutes_used_up(requests[0].organization, now, limits=limits):
        return []
    reserved = [Reserved(uuid7(), new_call_id(), request) for request in requests]
    if requests[0].charged:
        reserved = reserved[: _hold(requests[0].organization, [each.money_key for each in reserved], now, limits)]
    batches: dict[tuple[object, int], list[Reserved]] = {}
    for each in reserved:
        batches.setdefault((each.request.assistant and each.request.assistant.pk, id(each.request.override)), []).append(each)
    for batch in batches.values():
        insert_likewise(_drafted(batch[0].request, number), [_own(each) for each in batch], now=now)
    return reserved


def _hold(organization: Organization, keys: Sequence[str], now: dt.datetime, limits: Sequence[Limits] | None) -> int:
    """For as many of the first as there are credits, and money for this hour. Returns how many."""
    limits = limits_of(organization) if limits is None else limits
    if any(each.spend_per_hour is not None for each in limits):
        # The lock that the holds take anyway: nobody spends between this look and them.
        lock_accounts(organization.payer_ids)
        keys = keys[: max(0, (spend_left(organization, now, limits=limits) or 0) // HOLD)]
    return hold_many(payers=organization.payer_ids, used_by=organization.pk, keys=keys, now=now)


def _own(reserved: Reserved) -> Own:
    request = reserved.request
    config: dict[str, Any] = {"variables": dict(request.variables or {})}
    if not request.leaves_voicemail:
        config["voicemail_message"] = None
    return Own(
        id=reserved.pk, public_id=reserved.public_id, dial_key=reserved.public_id, key=request.key,
        other_number=request.to, dial_at=request.dial_at, wanted_until=request.wanted_until,
        metadata=json.dumps(request.metadata or {}), config=json.dumps(config),
    )  # fmt: skip


@step
def cancel_reserved(*, organization: Organization, origin: str, now: dt.datetime) -> list[Call]:
    """Take back calls that were reserved and not sent: a campaign was paused. What is being sent already goes on, and is
    not sent again should it turn out that it did not ring.

    Returns those taken back; each certainly did not ring, so its attempt does not count.
    """
    waiting = Call.objects.for_organization(organization).filter(origin=origin, dial=Call.Dial.RESERVED)
    calls = list(waiting.select_for_update().order_by("id"))
    waiting.filter(pk__in=[call.pk for call in calls]).update(
        dial=Call.Dial.REFUSED, refusal="cancelled", status=Call.Status.FAILED, end_reason="cancelled", ended_at=now,
        settled_at=now, cost=0, updated_at=now,
    )  # fmt: skip
    release(payers=organization.payer_ids, keys=[call.money_key for call in calls], now=now)
    unsure = Call.objects.for_organization(organization).filter(
        origin=origin, dial__in=(Call.Dial.SENDING, Call.Dial.UNKNOWN)
    )
    unsure.update(wanted_until=now, updated_at=now)
    return calls


def _check_spend(organization: Organization, now: dt.datetime) -> None:
    """After the hold was placed: the payer is locked, so of two calls that ask at once one sees the other's."""
    left = spend_left(organization, now)
    if left is not None and left < 0:
        raise Conflict(str(SPENT), type="spend_limit")


def check_assistant(assistant: Assistant | None) -> None:
    if assistant and (assistant.deleted_at or not assistant.is_active):
        raise Invalid(_("The assistant %(name)s is not active.") % {"name": assistant.name}, param="assistant_id")


def dialling_number(
    organization: Organization, assistant: Assistant | None, number: PhoneNumber | None
) -> PhoneNumber:
    """The number to call from, with its trunk. Raises Invalid when it, or every one of the organization, cannot dial."""
    if number and number.is_active and number.transfer_trunk and number.transfer_trunk.can_dial:
        return number
    return dial_number_for(organization=organization, assistant=assistant, number_id=number.pk if number else None)


def _check_reference(request: CallRequest) -> None:
    if request.reference is None:
        return
    used = Call.objects.for_organization(request.organization).filter(
        api_key_id=request.by_key_id, reference=request.reference
    )
    if earlier := used.first():
        raise _duplicate(earlier)


def _duplicate(earlier: Call) -> Conflict:
    text = _("This reference was used before.")
    return Conflict(text, type="duplicate_reference", param="reference", call_id=earlier.public_id)


def _drafted(request: CallRequest, number: PhoneNumber | None, *, refuses: bool = False) -> Call:
    """`refuses`: raise Invalid when the engine needs a provider key that nobody has."""
    organization, assistant = request.organization, request.assistant
    changes = request.override if assistant else request.one_time
    values = resolved(organization, assistant, changes)
    metadata = without_ours({**(request.metadata or {}), **values["metadata"]})
    config = config_of(
        organization, values, greeting=request.greeting, system_message=request.system_message,
        variables=_variables(request, metadata),
    )  # fmt: skip
    if request.in_text:
        config |= {"channel": TEXT, "record": False}
    if request.starts:
        config["pace"] = list(request.starts)
    private = private_for(organization, values, assistant=assistant, number=number)
    direction = Call.Direction.WEB if request.is_web else Call.Direction.OUTBOUND
    call = Call(
        organization=organization, direction=direction, assistant=assistant,
        assistant_name=values.get("name"), business_name=values.get("business_name"), number=number,
        own_number=number.phone_number if number else None, other_number=request.to, reference=request.reference,
        api_key_id=request.by_key_id, origin=request.origin, key=request.key, metadata=metadata, config=config,
        webhook=private.dump(), connection=request.connection, dial=Call.Dial.RESERVED, dial_at=request.dial_at,
        trunk=number.transfer_trunk if number else None,
        wanted_until=request.wanted_until, is_simulated=request.simulated, is_charged=request.charged,
        is_private=bool(values.get("gdpr_mode")),
    )  # fmt: skip
    call.dial_key = call.public_id
    known = known_capabilities(request.connection)
    if refuses or takes_keys(request.connection, known):
        ring = call_ring(call, known)
        if refuses:
            check_keys(ring, known)
        if used := sources(ring, request.connection, known):
            call.config["keys"] = used
    return call


def _variables(request: CallRequest, metadata: dict[str, Any]) -> dict[str, Any]:
    if request.variables is not None:
        return dict(request.variables)
    found = metadata.get("variables")
    return found if isinstance(found, dict) else {}


def _won_elsewhere(request: CallRequest) -> Call:
    """Another request wrote the same key or reference between our look and our insert."""
    calls = Call.objects.for_organization(request.organization)
    if found := calls.filter(key=request.key).first():
        return found
    raise _duplicate(calls.get(api_key_id=request.by_key_id, reference=request.reference))
