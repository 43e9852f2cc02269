"""A campaign that may dial, and what its calls come to."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.models import Call
from apps.campaigns.dialler.tick import tick_campaign
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.voice.models import Connection
from tests import factories
from tests.calls.support import make_connection

NOON = dt.datetime(2026, 11, 18, 11, 0, tzinfo=dt.UTC)  # a Wednesday, 12:00 in Amsterdam


def wide(organization: Organization) -> Any:
    """The scope of the tick: own and payer's rows, and all to read."""
    ids = [organization.pk, *([organization.parent_id] if organization.parent_id else [])]
    return acting(Scope(tuple(ids), overview=True))


def make_line(organization: Organization) -> Any:
    """A number that can dial."""
    return factories.make_number(organization, transfer_trunk=factories.make_trunk(organization))


def running_campaign(organization: Organization, leads: int = 3, **fields: Any) -> Campaign:
    values = {"status": "scheduled", "max_concurrent_calls": 10, "started_at": NOON} | fields
    campaign = factories.make_campaign(organization, **values)
    for _number in range(leads):
        factories.make_lead(campaign)
    return campaign


def tick(campaign: Campaign, now: dt.datetime = NOON) -> int:
    organization = campaign.organization
    with wide(organization):
        count = tick_campaign(organization_id=organization.pk, campaign_id=campaign.pk, now=now)
        campaign.refresh_from_db()
    campaign.organization = organization
    return count


def leads_of(campaign: Campaign) -> list[Lead]:
    with wide(campaign.organization):
        return list(Lead.objects.for_organization(campaign.organization).filter(campaign=campaign).oldest())


def calls_of(campaign: Campaign) -> list[Call]:
    with wide(campaign.organization):
        return list(Call.objects.for_organization(campaign.organization).filter(origin=campaign.origin).order_by("pk"))


def attempts_of(lead: Lead) -> list[Attempt]:
    with acting(Scope((lead.organization_id,))):
        return list(Attempt.objects.for_organization(lead.organization_id).filter(lead=lead).order_by("number"))


def end_call(call: Call, now: dt.datetime = NOON, **fields: Any) -> None:
    """Give a call its end; without fields it is a talk of 84 seconds."""
    talk = {"status": "ended", "end_reason": "user_hangup", "started_at": now, "report_at": now}
    values = {"dial": "accepted", "ended_at": now, "settled_at": now} | (fields or talk)
    with acting(Scope((call.organization_id,))):
        Call.objects.for_organization(call.organization_id).filter(pk=call.pk).update(**values)


def failed(reason: str) -> dict[str, Any]:
    return {"status": "failed", "end_reason": reason}


def refused(refusal: str) -> dict[str, Any]:
    return {"status": "failed", "end_reason": "error", "dial": "refused", "refusal": refusal}


def sandbox(**fields: Any) -> Connection:
    """The installation's connection, with an engine that only simulates."""
    return make_connection(None, **fields)


def set_limits(connection: Connection, **limits: Any) -> None:
    with acting(Scope(())):
        connection.change(db.now(), engine=connection.engine | {"limits": limits})
