"""Consent that is attested for a whole campaign."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from apps.campaigns.models import Campaign
from apps.campaigns.services.status import check_open, lock_campaign
from apps.core.db import writes
from apps.core.errors import Invalid
from apps.organizations.services import Actor, record_audit

LONGEST_TEXT = 500


@writes
def attest_campaign(*, campaign: Campaign, text: str, by: Actor, now: dt.datetime) -> Campaign:
    """State that every lead of the campaign has agreed to be called, where the rules accept that in place of each proof.

    Args:
        text: where the consent comes from, up to 500 characters; it is kept with the name and the instant.

    Raises Invalid for an empty or a longer text, Conflict for a completed or cancelled campaign.
    """
    text = text.strip()
    if not text:
        raise Invalid(_("Write where the consent of these people comes from."), param="attestation")
    if len(text) > LONGEST_TEXT:
        raise Invalid(_("At most %(most)s characters.") % {"most": LONGEST_TEXT}, param="attestation")
    return _attest(campaign, text, by.label[:200], now, by=by, now=now, action="campaign.attest")


@writes
def withdraw_attestation(*, campaign: Campaign, by: Actor, now: dt.datetime) -> Campaign:
    """Take it back: from now on each lead needs its own consent where the rules ask for it."""
    return _attest(campaign, "", "", None, by=by, now=now, action="campaign.attest_withdraw")


def _attest(
    campaign: Campaign, text: str, name: str, at: dt.datetime | None, *, by: Actor, now: dt.datetime, action: str
) -> Campaign:
    current = lock_campaign(campaign)
    check_open(current)
    current.change(
        now, attestation=text, attested_by=name, attested_at=at, sleeps_until=None, version=current.version + 1
    )
    record_audit(organization=current.organization, by=by, action=action, target=current, data={"text": text})
    return current
