"""The list of campaigns: one page of them with their progress, and what each waits for."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max
from django.utils.translation import gettext as _

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.pages import segments, window_words, words
from apps.campaigns.selectors import Progress
from apps.core.templatetags.ui import number
from apps.organizations.models import Organization

PAGE = 25


def list_page(organization: Organization, query: Mapping[str, str], now: dt.datetime) -> dict[str, Any]:
    """One page of campaigns, newest first, narrowed by `status`; as many queries as for one."""
    campaigns = Campaign.objects.for_organization(organization).live().newest().select_related("assistant", "number")
    status = query.get("status", "")
    if status in Campaign.Status.values:
        campaigns = campaigns.filter(status=status)
    page = Paginator(campaigns, PAGE).get_page(query.get("page"))
    found = list(page.object_list)
    progress, last = _leads_of(organization, found)
    rows = [_row(campaign, progress[campaign.pk], last.get(campaign.pk), now) for campaign in found]
    return {
        "rows": rows, "campaigns": page, "range": _range(page), "is_filtered": status in Campaign.Status.values,
        "statuses": Campaign.Status.choices,
    }  # fmt: skip


def _row(campaign: Campaign, progress: Progress, last: dt.datetime | None, now: dt.datetime) -> dict[str, Any]:
    return {
        "campaign": campaign, "total": progress.total, "segments": segments(progress), "words": words(progress),
        "window": window_words(campaign), "last_activity": last or campaign.updated_at,
        "waits": waits_for(campaign, progress, now),
    }  # fmt: skip


def waits_for(campaign: Campaign, progress: Progress, now: dt.datetime) -> str:
    """Why nothing of it is being called, from its own row alone; empty while it calls and once it is over."""
    if campaign.status == Campaign.Status.PAUSED:
        return str(campaign.get_paused_by_display())
    if campaign.status != Campaign.Status.SCHEDULED or progress.count(Lead.Status.CALLING):
        return ""
    if campaign.waits_for_engine_since:
        return _("waits until calls are possible")
    sleeps = campaign.sleeps_until is not None and campaign.sleeps_until > now
    if sleeps or not (campaign.uses_lead_zone or campaign.window.is_open(now)):
        return _("waits for the calling hours")
    return ""


def _leads_of(organization: Organization, campaigns: list[Campaign]) -> tuple[dict[Any, Progress], dict[Any, Any]]:
    rows = Lead.objects.for_organization(organization).filter(campaign__in=campaigns).order_by()
    counted = rows.values_list("campaign_id", "status").annotate(count=Count("pk"), last=Max("last_attempt_at"))
    progress: dict[Any, Progress] = defaultdict(Progress)
    last: dict[Any, Any] = {}
    for campaign_id, status, count, at in counted:
        progress[campaign_id].statuses[status] = count
        last[campaign_id] = max(filter(None, (last.get(campaign_id), at)), default=None)
    return progress, last


def _range(page: Page[Campaign]) -> str:
    names = {
        "first": number(page.start_index()), "last": number(page.end_index()), "total": number(page.paginator.count)
    }  # fmt: skip
    return _("%(first)s–%(last)s of %(total)s") % names
