"""Editing rule packs: an organization's own take the place of what its agency, the installation or we say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.campaigns.models import Campaign, RulePack
from apps.campaigns.rules.packs import ELSEWHERE, EU
from apps.campaigns.rules.public_holidays import region_code
from apps.campaigns.rules.schema import problems
from apps.core.db import step, writes
from apps.core.errors import Invalid, NotFound
from apps.core.phone import country_choices
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@dataclass(frozen=True)
class Edit:
    """What is to hold in a country (or a region of it) from a day on. `rules`: see rules/schema.py."""

    country: str
    region: str
    valid_from: dt.date
    rules: Mapping[str, Any]
    sources: Sequence[Mapping[str, Any]] = ()
    note: str = ""


@writes
def save_pack(*, organization: Organization, edit: Edit, by: Actor, now: dt.datetime) -> RulePack:
    """Let an organization's own rules hold from a day on. A second edit for the same day takes the place of the first.

    Raises Invalid with `param` country, region or rules and every problem in `details`.
    """
    check(edit)
    own = RulePack.objects.filter(organization=organization, country=edit.country, region=edit.region)
    row = own.select_for_update().filter(valid_from=edit.valid_from).first()
    before = row.rules if row else None
    row = row or RulePack(
        organization=organization, country=edit.country, region=edit.region, valid_from=edit.valid_from
    )
    row.rules, row.sources, row.note = dict(edit.rules), [dict(each) for each in edit.sources], edit.note
    row.actor, row.updated_at = by.label[:200], now
    row.save()
    data = {"rules": row.rules, "before": before} if before else {"rules": row.rules}
    record_audit(organization=organization, by=by, action="rules.change", target=row, data=data)
    _wake(organization)
    return row


@writes
def take_back(*, organization: Organization, pk: UUID, by: Actor, now: dt.datetime) -> RulePack:
    """Remove an edit: what held without it holds again. Raises NotFound for one that is not the organization's own."""
    row = RulePack.objects.select_for_update().filter(organization=organization, pk=pk).first()
    if row is None:
        raise NotFound(_("There is no such rule."))
    record_audit(organization=organization, by=by, action="rules.take_back", target=row, data={"rules": row.rules})
    row.delete()
    _wake(organization)
    return row


def check(edit: Edit) -> None:
    """Raises Invalid for what cannot be saved."""
    known = {code for code, _name in country_choices()} | {EU, ELSEWHERE}
    if edit.country not in known:
        raise Invalid(_("Choose a country."), param="country")
    if edit.region and region_code(edit.country, edit.region) != edit.region:
        raise Invalid(_("This country has no region “%(name)s”.") % {"name": edit.region}, param="region")
    if found := problems(edit.rules):
        details = [f"{each.field}: {each.text}" for each in found]
        raise Invalid(details[0], details=details, param="rules")


@step
def _wake(organization: Organization) -> None:
    """Campaigns that sleep until an hour of the old rules look again."""
    Campaign.objects.for_organization(organization).filter(sleeps_until__isnull=False).update(sleeps_until=None)
