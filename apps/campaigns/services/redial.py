"""Calling some of a campaign's leads again: a draft of its own, the child of the campaign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.results import sql
from apps.campaigns.results.figures import Figures
from apps.campaigns.results.outcomes import SKIPPED, WAITING, leads_with, outcome_label
from apps.campaigns.services.campaigns import require_campaign_room
from apps.campaigns.services.status import lock_campaign
from apps.core.db import writes
from apps.core.errors import Invalid
from apps.core.templatetags.ui import number
from apps.organizations.services import Actor, record_audit

# Everything a person sets; what happened to the campaign, its hook and its comparison stay behind.
SETTINGS = (
    "assistant", "number", "has_own_number", "system_message_template", "schedule_start_time", "schedule_end_time",
    "schedule_days", "timezone", "max_attempts", "retry_delay_minutes", "max_concurrent_calls", "windows", "uses_lead_zone",
    "skips_holidays", "region", "purpose", "attestation", "attested_by", "attested_at", "retry_rules",
    "max_attempts_per_day", "spreads_day_parts", "voicemail_counts", "starts", "starts_seconds", "floor_calls", "priority",
    "breaker_percent", "breaker_seconds", "breaker_calls", "budget", "report_emails",
)  # fmt: skip
# Whoever asked not to be called is not offered at all.
NEVER = (f"{SKIPPED}:{Lead.Reason.DO_NOT_CALL}",)


def redial_choices(campaign: Campaign) -> list[tuple[str, str]]:
    """Outcomes whose leads may be called again, with their number in the label. One statement."""
    outcomes = Figures.of_leads(campaign).in_order
    may = [(outcome, count) for outcome, count in outcomes if outcome != WAITING and outcome not in NEVER]
    return [(outcome, f"{outcome_label(outcome)} ({number(count)})") for outcome, count in may]


def again_name(campaign: Campaign) -> str:
    """What the draft is called unless somebody says otherwise."""
    return _("%(name)s (again)") % {"name": campaign.name[:180]}


@writes
def redial_campaign(
    *, campaign: Campaign, name: str, outcomes: Sequence[str], by: Actor, now: dt.datetime, pk: UUID | None = None
) -> tuple[Campaign, int]:
    """Make a draft with the same settings and the leads of these outcomes, as if they had never been called.

    Leads keep variables, zone, consent, and whether a voicemail was left; leads still to be called and those who asked
    not to be called are never taken. Returns the draft and the number of its leads. Raises Invalid when there is none,
    Conflict when there is no room for one more campaign.
    """
    current = lock_campaign(campaign)
    chosen = Q(pk__in=[])
    for outcome in outcomes:
        if outcome != WAITING and outcome not in NEVER:
            chosen |= leads_with(outcome)
    leads = Lead.objects.for_organization(current.organization_id).filter(chosen, campaign=current).exclude(status__in=Lead.UNFINISHED)
    ids = list(leads.values_list("pk", flat=True))
    if not ids:
        raise Invalid(_("There is no lead with these outcomes."), param="outcomes")
    require_campaign_room(current.organization)
    values = {field: getattr(current, field) for field in SETTINGS}
    own = {"pk": pk} if pk else {}
    child = Campaign(organization=current.organization, name=name[:200], parent=current, **own, **values)
    child.save(force_insert=True)
    count = sql.copy_leads(child, ids, now=now)
    record_audit(
        organization=current.organization, by=by, action="campaign.create", target=child, data={"again": str(current.pk)}
    )
    child.refresh_from_db()
    return child, count
