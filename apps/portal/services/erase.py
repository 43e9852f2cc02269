"""Erasing a whole organization: one small service per app, right to left, so that nothing is still pointed at."""

from __future__ import annotations

import datetime as dt

from apps.assistants import services as assistants
from apps.billing import closing as billing
from apps.calls.services import erase as calls
from apps.campaigns.services import campaigns
from apps.catalog.services import keys as catalog
from apps.chats import services as chats
from apps.core.db import writes
from apps.mail import services as mail
from apps.numbers import services as numbers
from apps.organizations.models import Organization
from apps.organizations.services import Actor, close_organization
from apps.portal.models import Announcement, Embed, LibraryCopy, LibraryItem, Portal
from apps.webhooks import services as webhooks


@writes
def erase_all(*, organization: Organization, by: Actor, now: dt.datetime) -> None:
    """Content, people, keys and settings go; the row stays closed, for the ledger and the parent's statements."""
    for model in (Embed, LibraryCopy, LibraryItem, Announcement, Portal):
        model.objects.for_organization(organization).delete()
    chats.erase_organization(organization=organization)
    campaigns.erase_organization(organization=organization)
    calls.erase_organization(organization=organization, now=now)
    numbers.erase_organization(organization=organization)
    assistants.erase_organization(organization=organization)
    catalog.erase_organization(organization=organization)
    webhooks.erase_organization(organization=organization)
    mail.erase_organization(organization_id=organization.pk)
    billing.close_accounts(organization=organization, now=now)
    close_organization(organization=organization, by=by, now=now)
