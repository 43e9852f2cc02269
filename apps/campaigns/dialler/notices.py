"""Mails about a campaign that stopped by itself."""

from __future__ import annotations

import datetime as dt

from apps.campaigns.models import Campaign
from apps.core.db import step
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Role


@step
def tell_paused(campaign: Campaign, *, now: dt.datetime) -> int:
    """Tell the owners that the credits are used up: those of the organization, else of its agency. Returns how many.

    One mail per pause and person: the campaign's version is part of the key.
    """
    organization = campaign.organization
    owners = Membership.objects.filter(role=Role.OWNER).select_related("user")
    found = owners.filter(organization_id=organization.pk) or owners.filter(organization_id=organization.parent_id)
    for membership in found:
        queue_mail(
            key=f"campaign-paused:{campaign.pk}:{campaign.version}:{membership.user_id}", brand=organization.brand,
            to=membership.user.email, template="campaign_paused",
            context={
                "campaign": campaign.name, "organization": organization.name,
                "path": f"/o/{organization.slug}/campaigns/{campaign.pk}",
            },
            organization_id=organization.pk, language=membership.user.language or organization.language, now=now,
        )  # fmt: skip
    return len(found)
