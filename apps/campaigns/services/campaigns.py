"""Making, changing and deleting campaigns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from apps.campaigns.models import Attempt, Campaign, HookLead, Lead, RememberedColumns, Upload
from apps.campaigns.services.launch import template_problems
from apps.campaigns.services.leads import NewLead, store_new_leads
from apps.campaigns.services.settings import WHILE_RUNNING, check_settings
from apps.campaigns.services.status import check_open, lock_campaign, move, take_back
from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid
from apps.organizations.features import require_room
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


class StaleCampaign(Conflict):
    """Somebody else saved the campaign since the form was opened; `current` is what stands now."""

    def __init__(self, current: Campaign) -> None:
        super().__init__(_("Somebody else changed this in the meantime. Compare both versions, then save again."))
        self.current = current


@writes
def create_campaign(
    *, organization: Organization, values: Mapping[str, Any], by: Actor, now: dt.datetime, leads: Sequence[NewLead] = ()
) -> Campaign:
    """Make a campaign, with its first leads, in one step.

    Args:
        values: `name`, `assistant`, and any other setting of the model by its name; `status` is `draft` or `scheduled`.
            A text as `attestation` is stated by `by` at `now`.

    Raises Invalid for values that do not go together, for leads that cannot be called (each named in `details`), and
    for a launch that its checks forbid; Conflict when there is no room for one more. Then nothing is stored.
    """
    require_campaign_room(organization)
    values = dict(values)
    status = values.pop("status", Campaign.Status.DRAFT)
    campaign = Campaign(organization=organization, **values)
    campaign.has_own_number = campaign.number_id is not None
    _attest(campaign, by=by, now=now)
    check_settings(campaign)
    campaign.save(force_insert=True)
    record_audit(organization=organization, by=by, action="campaign.create", target=campaign)
    if leads:
        store_new_leads(campaign, leads)
    if status != Campaign.Status.DRAFT:
        move(campaign, status, by=by, now=now)
    campaign.refresh_from_db()
    return campaign


@step
def require_campaign_room(organization: Organization) -> None:
    """Raises Conflict when as many campaigns as are allowed are not finished yet."""
    over = (Campaign.Status.COMPLETED, Campaign.Status.CANCELLED)
    rows = Campaign.objects.for_organization(organization).filter(deleted_at=None).exclude(status__in=over)
    require_room(organization, "campaigns", rows)


@writes
def update_campaign(
    *, campaign: Campaign, values: Mapping[str, Any], by: Actor, now: dt.datetime, expected_version: int | None = None
) -> Campaign:
    """Change values as in `create_campaign`, and the status when `values` holds one.

    Args:
        values: `assistant` only while the campaign's own is a deleted one; `number` None means any.
        expected_version: the version the form was opened with; None overwrites (API).

    Raises StaleCampaign when somebody else saved since then, Conflict for a completed or cancelled campaign and for what
    only a campaign at rest takes (`WHILE_RUNNING`), Invalid as `create_campaign` and for a template that pending leads of
    a running campaign have no values for. What a running campaign takes holds from its next tick on.
    """
    values = dict(values)
    current = lock_campaign(campaign)
    if expected_version is not None and current.version != expected_version:
        raise StaleCampaign(current)
    if values:
        check_open(current)
    status = values.pop("status", None)
    if values and status == Campaign.Status.PAUSED and current.status == Campaign.Status.SCHEDULED:
        current, status = move(current, status, by=by, now=now), None
    _change(current, values, by=by, now=now)
    return move(current, status, by=by, now=now) if status else current


@writes
def delete_campaign(*, campaign: Campaign, by: Actor, now: dt.datetime) -> None:
    """Stop dialling and remove the leads. Running calls finish, calls stay. Raises NotFound the second time."""
    current = lock_campaign(campaign)
    take_back(current, now=now)
    remove_leads(current)
    current.change(now, deleted_at=now, version=current.version + 1)
    record_audit(organization=current.organization, by=by, action="campaign.delete", target=current)


@step
def remove_leads(campaign: Campaign) -> None:
    """Remove leads, attempts, uploads and what customers' systems posted of a locked campaign."""
    organization = campaign.organization_id
    Attempt.objects.for_organization(organization).filter(campaign=campaign).delete()
    leads = Lead.objects.for_organization(organization).filter(campaign=campaign)
    # Nothing refers to the leads any more; collecting 100,000 of them first would take seconds.
    leads._raw_delete(leads.db)
    Upload.objects.for_organization(organization).filter(campaign=campaign).delete()
    HookLead.objects.for_organization(organization).filter(campaign=campaign).delete()


@writes
def erase_expired(*, organization: Organization, now: dt.datetime) -> int:
    """Forget leads, attempts and files as long ago as the organization keeps metadata (features 14).

    Of campaigns that ended so long ago all of them; of others what was finished so long ago, and leads that wait in a draft
    or a paused campaign which nobody has touched since. Returns from how many ended campaigns.
    """
    limit = now - dt.timedelta(days=organization.metadata_retention_days)
    over = Campaign.objects.for_organization(organization).filter(finished_at__lt=limit)
    holding = over.filter(leads__isnull=False).distinct() | over.filter(uploads__isnull=False).distinct()
    found = list(holding)
    for campaign in found:
        remove_leads(campaign)
    asleep = Q(campaign__status__in=(Campaign.Status.DRAFT, Campaign.Status.PAUSED), campaign__updated_at__lt=limit)
    done = ~Q(status__in=Lead.UNFINISHED)
    old = Lead.objects.for_organization(organization).filter(done | asleep & Q(status=Lead.Status.PENDING), updated_at__lt=limit)
    ids = list(old.values_list("pk", flat=True))
    Attempt.objects.for_organization(organization).filter(lead__in=ids).delete()
    leads = Lead.objects.for_organization(organization).filter(pk__in=ids)
    leads._raw_delete(leads.db)
    Upload.objects.for_organization(organization).filter(created_at__lt=limit).delete()
    HookLead.objects.for_organization(organization).filter(updated_at__lt=limit).delete()
    RememberedColumns.objects.for_organization(organization).filter(updated_at__lt=limit).delete()
    return len(found)


@step
def erase_organization(*, organization: Organization) -> None:
    for campaign in Campaign.objects.for_organization(organization):
        remove_leads(campaign)
    Campaign.objects.for_organization(organization).delete()
    RememberedColumns.objects.for_organization(organization).delete()


@step
def _change(current: Campaign, values: dict[str, Any], *, by: Actor, now: dt.datetime) -> None:
    changed = {name: value for name, value in values.items() if getattr(current, name) != value}
    if "number" in values and current.has_own_number != (values["number"] is not None):
        changed |= {"number": values["number"], "has_own_number": values["number"] is not None}
    if not changed:
        return
    if "assistant" in changed and current.assistant.deleted_at is None:
        raise Conflict(_("The assistant of a campaign can be changed only when it was deleted."), param="assistant_id")
    is_running = current.status == Campaign.Status.SCHEDULED
    if is_running and (fixed := sorted(set(changed) - WHILE_RUNNING - {"has_own_number"})):
        raise Conflict(_("The campaign is running. Pause it to change this."), param=fixed[0])
    for name, value in changed.items():
        setattr(current, name, value)
    check_settings(current)
    if "attestation" in changed:
        _attest(current, by=by, now=now)
        changed |= {"attested_by": current.attested_by, "attested_at": current.attested_at}
    changed = {name: getattr(current, name) for name in changed}
    if is_running and "system_message_template" in changed and (problems := template_problems(current)):
        raise Invalid(problems[0], details=problems, param="system_message_template")
    current.change(now, version=current.version + 1, sleeps_until=None, **changed)
    record_audit(
        organization=current.organization, by=by, action="campaign.update", target=current,
        data={"fields": sorted(changed)},
    )  # fmt: skip


def _attest(campaign: Campaign, *, by: Actor, now: dt.datetime) -> None:
    """Who stands for the consent of everybody on the list, and since when; an empty text takes it back."""
    campaign.attestation = campaign.attestation.strip()
    campaign.attested_by = by.label[:200] if campaign.attestation else ""
    campaign.attested_at = now if campaign.attestation else None
