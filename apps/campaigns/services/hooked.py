"""The address at which a customer's system posts leads: switched on and off, and what is taken there."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from apps.calls.refusals import refused_among
from apps.campaigns.hookfields import Posted, check_mapping
from apps.campaigns.intake import NewLead, Refusal, read_about
from apps.campaigns.models import Campaign, HookLead, Lead
from apps.campaigns.services.leads import next_position, rouse
from apps.campaigns.services.status import check_open, lock_campaign
from apps.campaigns.sql import store_leads
from apps.core import phone, variables
from apps.core.db import step, writes
from apps.core.errors import Conflict
from apps.organizations.services import Actor, record_audit
from apps.webhooks.rotation import new_secret

STORED, REFUSED = 201, 400
HOOK = Actor(label="webhook")


@dataclass(frozen=True)
class Taken:
    """What became of one posted lead. `refusal` None: it is in the campaign; `is_repeat`: since an earlier request."""

    key: str
    lead_id: UUID | None = None
    refusal: Refusal | None = None
    warning: str | None = None
    is_repeat: bool = False


@writes
def switch_on(*, campaign: Campaign, by: Actor, now: dt.datetime) -> str:
    """Give the campaign an address. Returns the secret, which is shown once; the address that it had before is gone.

    Raises Conflict for a completed or cancelled campaign.
    """
    current = lock_campaign(campaign)
    check_open(current)
    secret = new_secret()
    hook_id = current.hook_id or secrets.token_urlsafe(24)
    action = "campaign.hook_rotate" if current.hook_id else "campaign.hook_on"
    current.change(now, hook_id=hook_id, hook_secret=secret)
    record_audit(organization=current.organization, by=by, action=action, target=current)
    return secret


rotate_secret = switch_on


@writes
def switch_off(*, campaign: Campaign, by: Actor, now: dt.datetime) -> None:
    """Nothing is taken at the address any more; leads stay."""
    current = lock_campaign(campaign)
    if current.hook_id is None:
        return
    current.change(now, hook_id=None, hook_secret="")
    record_audit(organization=current.organization, by=by, action="campaign.hook_off", target=current)


@writes
def map_fields(*, campaign: Campaign, fields: Mapping[str, str], country: str, by: Actor, now: dt.datetime) -> None:
    """Say what their fields are (hookfields). Raises Invalid, and Conflict while the address is off."""
    current = lock_campaign(campaign)
    if current.hook_id is None:
        raise Conflict(_("The webhook of this campaign is switched off."))
    current.change(now, hook_mapping=check_mapping(fields, country))
    record_audit(organization=current.organization, by=by, action="campaign.hook_fields", target=current)


@writes
def take_posted(*, campaign: Campaign, posted: Sequence[Posted], now: dt.datetime) -> list[Taken]:
    """Add what was posted; each lead is taken or refused by itself. The scope holds the agency's list of who is not called.

    A key whose lead was taken before adds nothing, also when that lead was removed since; one that was refused is judged
    anew. Raises Conflict for a completed or cancelled campaign.
    """
    current = lock_campaign(campaign)
    check_open(current)
    known = _known(current, posted)
    judged = [known.get(each.key) or _judge(current, each, now) for each in posted]
    taken = _without_unwanted(current, judged, now)
    new = [each for each in taken if isinstance(each, _Good)]
    if new:
        store_leads(
            organization_id=current.organization_id, campaign_id=current.pk, upload_id=None, first=next_position(current),
            leads=[each.lead for each in new],
        )  # fmt: skip
        rouse(current, now)
    found = [Taken(each.key, each.lead.id, None, each.warning) if isinstance(each, _Good) else each for each in taken]
    _note(current, found, now)
    return found


@dataclass(frozen=True)
class _Good:
    key: str
    lead: NewLead
    warning: str | None


def _known(campaign: Campaign, posted: Sequence[Posted]) -> dict[str, Taken]:
    keys = {each.key for each in posted if each.key}
    rows = HookLead.objects.for_organization(campaign.organization_id).filter(campaign=campaign, key__in=keys, status=STORED)
    return {row.key: Taken(row.key, row.lead_id, is_repeat=True) for row in rows}


def _judge(campaign: Campaign, posted: Posted, now: dt.datetime) -> Taken | _Good:
    def refused(why: Refusal) -> Taken:
        return Taken(posted.key, refusal=why)

    if posted.refusal:
        return refused(posted.refusal)
    country = posted.country or campaign.organization.country
    parsed = phone.parse(posted.texts["number"], country or None, warns=True)
    if parsed.number is None:
        return refused(Refusal(parsed.problem or "not_a_number"))
    if missing := variables.missing(campaign.system_message_template or "", posted.variables):
        return refused(Refusal("missing_variable", missing[0]))
    about = read_about(posted.texts, number=parsed.number, zone=campaign.timezone, country=country, now=now)
    if isinstance(about, Refusal):
        return refused(about)
    return _Good(posted.key, NewLead(parsed.number, posted.variables, **about, id=uuid7()), parsed.warning)


def _without_unwanted(campaign: Campaign, judged: Sequence[Taken | _Good], now: dt.datetime) -> list[Taken | _Good]:
    """Refused too: who is not called, and whom the campaign, or this very list, has already."""
    numbers = [each.lead.phone_number for each in judged if isinstance(each, _Good)]
    forbidden = refused_among(campaign.organization, numbers, now) if numbers else set()
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign, phone_number__in=numbers)
    seen = set(leads.values_list("phone_number", flat=True)) if numbers else set()
    found: list[Taken | _Good] = []
    for each in judged:
        if isinstance(each, _Good):
            number = each.lead.phone_number
            kind = "do_not_call" if number in forbidden else "in_campaign" if number in seen else ""
            seen.add(number)
            each = Taken(each.key, refusal=Refusal(kind)) if kind else each
        found.append(each)
    return found


@step
def _note(campaign: Campaign, taken: Sequence[Taken], now: dt.datetime) -> None:
    """Keep what was answered, without numbers; the last of several with the same key counts."""
    rows = {each.key or f"none:{uuid7()}": each for each in taken if not each.is_repeat}
    notes = [
        HookLead(
            organization_id=campaign.organization_id, campaign=campaign, key=key, lead_id=each.lead_id,
            status=REFUSED if each.refusal else STORED, updated_at=now, answer=_answer(each),
        )
        for key, each in rows.items()
    ]  # fmt: skip
    HookLead.objects.bulk_create(
        notes, update_conflicts=True, unique_fields=["organization", "campaign", "key"],
        update_fields=["lead", "status", "answer", "updated_at"],
    )  # fmt: skip
    stored = sum(each.refusal is None for each in rows.values())
    if rows:
        record_audit(
            organization=campaign.organization, by=HOOK, action="lead.receive", target=campaign,
            data={"stored": stored, "refused": len(rows) - stored},
        )  # fmt: skip


def _answer(taken: Taken) -> dict[str, Any]:
    return {"code": taken.refusal.kind, "name": taken.refusal.name} if taken.refusal else {"warning": taken.warning}
