"""Leads that are due become calls: one attempt and one reserved call each, under a key of their own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction

from apps.calls.models import Call
from apps.calls.refusals import refused_among
from apps.calls.services.requests import CallRequest
from apps.calls.services.reserve import reserve_many
from apps.calls.tasks import dial, wake
from apps.campaigns.dialler.room import AHEAD, Pace
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.campaigns.sql import begin_attempts
from apps.core.db import step
from apps.numbers.models import PhoneNumber
from apps.voice.models import Connection


@dataclass(frozen=True)
class Line:
    """What every call of this tick has in common."""

    connection: Connection
    simulated: bool
    number: PhoneNumber
    pace: Pace


@step
def claim(campaign: Campaign, line: Line, most: int, *, now: dt.datetime) -> int:
    """Start up to `most` calls to due leads, fresh ones first, oldest first. Returns how many."""
    started = 0
    while started < most:
        asked = most - started
        leads = due_leads(campaign, asked, now)
        wanted = _without_refusers(campaign, leads, now)
        begun = _start(campaign, line, wanted, skip=started, now=now)
        started += begun
        if begun < len(wanted) or len(leads) < asked:
            break
    return started


def due_leads(campaign: Campaign, most: int, now: dt.datetime) -> list[Lead]:
    """Locked: fresh leads, then retries that fall due before the next tick."""
    pending = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).pending()
    pending = pending.select_for_update(skip_locked=True)
    # The order names the column that is null throughout: so the index gives the rows sorted.
    fresh = list(pending.filter(next_attempt_at=None).order_by("next_attempt_at", "position")[:most])
    if len(fresh) == most:
        return fresh
    again = pending.filter(next_attempt_at__lte=now + AHEAD).order_by("next_attempt_at", "position")
    return fresh + list(again[: most - len(fresh)])


@step
def _without_refusers(campaign: Campaign, leads: list[Lead], now: dt.datetime) -> list[Lead]:
    """Leads whose number is on the do-not-call list are skipped for good."""
    refused = refused_among(campaign.organization, [lead.phone_number for lead in leads], now)
    if refused:
        skipped = [lead.pk for lead in leads if lead.phone_number in refused]
        Lead.objects.for_organization(campaign.organization_id).filter(pk__in=skipped).update(
            status=Lead.Status.SKIPPED, reason=Lead.Reason.DO_NOT_CALL, result="do_not_call", next_attempt_at=None,
            updated_at=now,
        )  # fmt: skip
    return [lead for lead in leads if lead.phone_number not in refused]


@step
def _start(campaign: Campaign, line: Line, leads: list[Lead], *, skip: int, now: dt.datetime) -> int:
    """Reserve a call for each lead. Fewer when credits run out under way; the others stay pending."""
    if not leads:
        return 0
    numbers = _next_numbers(campaign, leads)
    closes_at = campaign.window.closes_at(now)
    requests = [
        _request(campaign, line, lead, numbers[lead.pk], line.pace.slot(skip + place), closes_at)
        for place, lead in enumerate(leads)
    ]
    calls = reserve_many(requests=requests, number=line.number, now=now)
    tries = [(lead.pk, numbers[lead.pk], call) for lead, call in zip(leads, calls, strict=False)]
    begin_attempts(campaign, tries, now=now)
    for call in calls:
        # The row is the work, the task only wakes a worker: a broker that is down must not undo the claim.
        transaction.on_commit(partial(_wake, call, now), robust=True)
    return len(calls)


def _request(
    campaign: Campaign, line: Line, lead: Lead, number: int, slot: dt.datetime | None, closes_at: dt.datetime
) -> CallRequest:
    due = lead.next_attempt_at
    return CallRequest(
        organization=campaign.organization, to=lead.phone_number, key=f"lead:{lead.pk}:{number}",
        origin=campaign.origin, connection=line.connection, simulated=line.simulated, assistant=campaign.assistant,
        number=line.number, metadata={"campaign_id": str(campaign.pk), "lead_id": str(lead.pk)},
        system_message=campaign.system_message_template or None, variables=lead.variables,
        dial_at=max(slot, due) if slot and due else slot or due, wanted_until=closes_at,
    )  # fmt: skip


def _next_numbers(campaign: Campaign, leads: list[Lead]) -> dict[UUID, int]:
    """The serial number of each lead's next attempt; those that did not count have one too, for the key."""
    numbers: dict[UUID, int] = dict.fromkeys((lead.pk for lead in leads), 1)
    tried = Attempt.objects.for_organization(campaign.organization_id).filter(lead__in=leads)
    for lead_id, number in tried.values_list("lead_id", "number"):
        numbers[lead_id] = max(numbers[lead_id], number + 1)
    return numbers


def _wake(call: Call, now: dt.datetime) -> None:
    wait = (call.dial_at - now).total_seconds() if call.dial_at else 0
    # The worker's own clock holds back what has its slot later in this second, no thread waits for it.
    wake(dial, str(call.organization_id), str(call.pk), **({"countdown": wait} if wait > 0 else {}))
