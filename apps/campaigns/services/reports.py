"""The report of a completed campaign goes by e-mail, once, on a clock of its own."""

from __future__ import annotations

import datetime as dt
import hashlib
from uuid import UUID

from apps.campaigns.models import Campaign
from apps.campaigns.results.figures import Figures
from apps.campaigns.results.file import results_filename
from apps.campaigns.results.report import report_of
from apps.catalog.services.mail import transport_for
from apps.core.db import writes
from apps.core.templatetags.ui import number, percent
from apps.mail.models import Attachment
from apps.mail.services import queue_mail

# The analyses of the last calls come a moment after their end.
AFTER = dt.timedelta(minutes=2)
LATEST = dt.timedelta(days=7)


def reports_to_send(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """Completed campaigns whose report somebody waits for. Runs in overview: ids only."""
    done = Campaign.objects.live().filter(status=Campaign.Status.COMPLETED, reported_at=None)
    due = done.filter(finished_at__lte=now - AFTER, finished_at__gt=now - LATEST).exclude(report_emails=[])
    return list(due.values_list("organization_id", "pk"))


def send_report(*, organization_id: UUID, campaign_id: UUID, now: dt.datetime) -> int:
    """Make the report in the organization's language and brand, and put one mail per address into the outbox.

    May run twice at once: the campaign's lock and the mails' keys let each mail out once. Returns how many.
    """
    own = Campaign.objects.for_organization(organization_id).live().filter(pk=campaign_id, reported_at=None)
    campaign = own.select_related("organization__brand", "assistant", "variant_assistant").first()
    if campaign is None:
        return 0
    organization = campaign.organization
    content = report_of(campaign, brand=organization.brand, language=organization.language, now=now)
    return _queue(campaign, Attachment(results_filename(campaign, "pdf"), content), Figures.of_leads(campaign), now)


@writes
def _queue(campaign: Campaign, report: Attachment, figures: Figures, now: dt.datetime) -> int:
    own = Campaign.objects.for_organization(campaign.organization_id).live().filter(pk=campaign.pk, reported_at=None)
    current = own.select_for_update(of=("self",)).first()
    if current is None:
        return 0
    organization, transport = campaign.organization, transport_for(campaign.organization)
    addresses = list(dict.fromkeys(address.strip().lower() for address in current.report_emails if address.strip()))
    for address in addresses:
        queue_mail(
            key=f"campaign-report:{campaign.pk}:{hashlib.sha256(address.encode()).hexdigest()[:16]}",
            brand=organization.brand, to=address, template="campaign_report",
            context={
                "campaign": campaign.name, "organization": organization.name, "leads": number(figures.total),
                "finished": number(figures.finished), "answered": number(figures.answered), "rate": percent(figures.answer_rate),
                "path": f"/o/{organization.slug}/campaigns/{campaign.pk}/results",
            },
            organization_id=organization.pk, language=organization.language, transport=transport, attachment=report, now=now,
        )  # fmt: skip
    current.change(now, reported_at=now)
    return len(addresses)
