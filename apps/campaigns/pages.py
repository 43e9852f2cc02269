"""What the pages of a campaign show, read once and put into words."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.campaigns import selectors
from apps.campaigns.forms import DAYS
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.pages_launch import launch_checks
from apps.campaigns.pages_notices import notices_of
from apps.core.errors import NotFound
from apps.core.templatetags.ui import number
from apps.organizations.access import may
from apps.organizations.models import Role


def campaign_of(request: HttpRequest, pk: UUID) -> Campaign:
    """The campaign of the address; raises NotFound for a deleted one and for another organization's."""
    organization = request.organization  # type: ignore[attr-defined]
    live = Campaign.objects.for_organization(organization).live().filter(pk=pk)
    found = live.select_related("organization", "assistant", "number__transfer_trunk").first()
    if found is None:
        raise NotFound
    return found


def seen_by(request: HttpRequest) -> dict[str, Any]:
    """What a fragment needs to know of its viewer; whole pages have it from their frame."""
    return {"organization": request.organization, "can_edit": may(request, Role.MEMBER)}  # type: ignore[attr-defined]


def live_context(campaign: Campaign, now: dt.datetime) -> dict[str, Any]:
    """Status, progress, notices and launch checks: what the page reads again while the campaign runs."""
    progress = selectors.progress(campaign)
    state = selectors.campaign_state(campaign, now)
    pending, calling = progress.count(Lead.Status.PENDING), progress.count(Lead.Status.CALLING)
    is_scheduled = campaign.status == Campaign.Status.SCHEDULED
    checks = [] if is_scheduled or campaign.is_final else launch_checks(state, pending)
    return {
        "campaign": campaign, "progress": progress, "now": now, "pending": pending, "calling": calling,
        "segments": segments(progress), "words": words(progress), "window": window_words(campaign),
        "zone": zone_words(campaign), "stats": _stats(progress), "checks": checks,
        "can_start": not any(check.problems for check in checks), "is_live": is_scheduled or calling > 0,
        "notices": notices_of(state, pending), "state": state,
    }  # fmt: skip


def segments(progress: selectors.Progress) -> list[dict[str, Any]]:
    kinds = [
        (Lead.Status.COMPLETED, "good", _("Completed")),
        (Lead.Status.FAILED, "bad", _("Failed")),
        (Lead.Status.CALLING, "brand", _("Calling")),
        (Lead.Status.SKIPPED, "caution", _("Skipped")),
        (Lead.Status.PENDING, "plain", pgettext("lead", "Pending")),
    ]
    return [
        {"status": status.value, "value": progress.count(status), "tone": tone, "label": label}
        for status, tone, label in kinds
    ]


def words(progress: selectors.Progress) -> str:
    """How far a campaign is, for the list and for whoever does not see the bar."""
    names = {"done": number(progress.done), "total": number(progress.total)}
    return _("%(done)s of %(total)s leads done") % names


def window_words(campaign: Campaign) -> str:
    """Days and hours: "Mon–Fri 09:00–17:00", several in order."""
    if campaign.windows is None:
        hours = f"{campaign.schedule_start_time:%H:%M}–{campaign.schedule_end_time:%H:%M}"
        return f"{_days(sorted(campaign.schedule_days))} {hours}"
    return ", ".join(f"{_days(sorted(each['days']))} {each['start'][:5]}–{each['end'][:5]}" for each in campaign.windows)


def zone_words(campaign: Campaign) -> str:
    """By whose clock the hours are meant."""
    return _("time of the person called") if campaign.uses_lead_zone else campaign.timezone


def _stats(progress: selectors.Progress) -> dict[str, Any]:
    completed, failed = progress.count(Lead.Status.COMPLETED), progress.count(Lead.Status.FAILED)
    called = completed + failed
    return {"reached": completed, "rate": completed / called if called else None, "failed": failed}


def _days(days: list[int]) -> str:
    names = {value: str(label) for value, label in DAYS}
    if len(days) == 7:
        return _("Every day")
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{names[days[0]]}–{names[days[-1]]}"
    return ", ".join(names[day] for day in days)
