"""What people hear when a campaign stopped by itself: a note in the product, and a mail to the owners."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _
from django.utils.translation import override

from apps.campaigns.models import Campaign
from apps.core.db import step
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Notification, Role
from apps.organizations.notifications import notify

MOST_CALLS = 20


@step
def tell_paused(campaign: Campaign, *, now: dt.datetime) -> int:
    """Tell the owners why a campaign has just paused by itself: those of the organization, else of its agency.

    Returns how many. One mail per pause and person: the campaign's version is part of the key.
    """
    organization = campaign.organization
    owners = Membership.objects.filter(role=Role.OWNER).select_related("user__brand")
    found = owners.filter(organization_id=organization.pk) or owners.filter(organization_id=organization.parent_id)
    is_balance = campaign.paused_by == Campaign.PausedBy.BALANCE
    context = {
        "campaign": campaign.name, "organization": organization.name,
        "path": f"/o/{organization.slug}/campaigns/{campaign.pk}",
        # In words only where the mail is written: each owner reads it in her language.
        "reason": Campaign.PausedBy(campaign.paused_by).label,
        "ends_with_month": campaign.paused_by == Campaign.PausedBy.MINUTES,
        "calls": campaign.tripped[:MOST_CALLS] if campaign.paused_by == Campaign.PausedBy.BREAKER else [],
    }  # fmt: skip
    with override(organization.language):
        title = _("The campaign “%(name)s” has stopped") % {"name": campaign.name[:100]}
        text = str(Campaign.PausedBy(campaign.paused_by).label)
    notify(
        organization=organization, key=f"campaign-paused:{campaign.pk}:{campaign.version}", kind="campaign", level=Notification.Level.WARNING,
        title=title, text=text, url=context["path"], role=Role.MEMBER, now=now,
    )  # fmt: skip
    for membership in found:
        queue_mail(
            key=f"campaign-paused:{campaign.pk}:{campaign.version}:{membership.user_id}", brand=membership.user.brand,
            to=membership.user.email, template="campaign_paused" if is_balance else "campaign_stopped", context=context,
            organization_id=organization.pk, language=membership.user.language or organization.language, now=now,
        )  # fmt: skip
    return len(found)
