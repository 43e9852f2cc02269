"""Leads one by one, and the lists that come with a new campaign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from apps.campaigns.intake import NewLead
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules.places import place_of
from apps.campaigns.services.launch import lead_problems
from apps.campaigns.services.status import check_open, lock_campaign
from apps.campaigns.sql import store_leads
from apps.core import variables
from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid, NotFound
from apps.organizations.services import Actor, record_audit


@writes
def add_lead(*, campaign: Campaign, lead: NewLead, by: Actor, now: dt.datetime, pk: UUID | None = None) -> Lead:
    """Add one lead at the end, under the id `pk` when one is given.

    Raises Conflict for a number that is in the campaign and for a completed or cancelled campaign, Invalid when a
    variable of the template has no value.
    """
    current = lock_campaign(campaign)
    check_open(current)
    if missing := variables.missing(current.system_message_template or "", lead.variables):
        problems = [_('variable "%(name)s" has no value') % {"name": name} for name in missing]
        raise Invalid(problems[0], details=problems, param="variables")
    row = Lead(
        id=pk or lead.id or uuid7(), organization_id=current.organization_id, campaign=current, position=next_position(current),
        phone_number=lead.phone_number, variables=dict(lead.variables), timezone=lead.timezone, region=lead.region,
        place=place_of(phone_number=lead.phone_number, timezone=lead.timezone, region=lead.region),
        consent=lead.consent, consent_at=lead.consent_at, consent_proof=lead.consent_proof,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        text = _("The number %(number)s is in this campaign already.") % {"number": lead.phone_number}
        raise Conflict(text, type="already_exists", param="phone_number") from None
    rouse(current, now)
    record_audit(
        organization=current.organization, by=by, action="lead.add", target=current, data={"lead": str(row.pk)}
    )
    row.refresh_from_db()
    return row


@writes
def remove_lead(*, campaign: Campaign, lead_id: UUID, by: Actor, now: dt.datetime) -> None:
    """Remove a lead with its attempts; its calls stay. Raises Conflict while it is being called."""
    current = lock_campaign(campaign)
    check_open(current)
    lead = Lead.objects.for_organization(current.organization_id).filter(campaign=current, pk=lead_id).first()
    if lead is None:
        raise NotFound(_("There is no lead with this id."))
    if lead.status == Lead.Status.CALLING:
        raise Conflict(_("This lead is being called. Try again when the call has ended."))
    lead.delete()
    record_audit(
        organization=current.organization, by=by, action="lead.remove", target=current, data={"lead": str(lead_id)}
    )


@step
def store_new_leads(campaign: Campaign, leads: Sequence[NewLead]) -> None:
    """Write the leads a campaign is made with. Raises Invalid with every lead that lacks a value or comes twice."""
    problems: list[str] = []
    seen: dict[str, int] = {}
    for position, lead in enumerate(leads, 1):
        if first := seen.get(lead.phone_number):
            values = {"position": position, "number": lead.phone_number, "first": first}
            problems.append(_("lead %(position)s (%(number)s): the same number as lead %(first)s") % values)
        seen.setdefault(lead.phone_number, position)
        row = Lead(phone_number=lead.phone_number, variables=dict(lead.variables))
        problems += lead_problems(campaign, position, row)
    if problems:
        raise Invalid(problems[0], details=problems, param="leads")
    store_leads(
        organization_id=campaign.organization_id, campaign_id=campaign.pk, upload_id=None, first=1, leads=leads
    )


@step
def rouse(campaign: Campaign, now: dt.datetime) -> None:
    """A campaign that slept until one of its leads may be called has new ones. It is locked."""
    if campaign.sleeps_until is not None:
        campaign.change(now, sleeps_until=None)


def next_position(campaign: Campaign) -> int:
    """After the last lead. The campaign is locked."""
    own = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign)
    return (own.order_by("-position", "-id").values_list("position", flat=True).first() or 0) + 1
