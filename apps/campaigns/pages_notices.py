"""Why a campaign is not dialling right now, by whom or what, until when, and what to do about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.campaigns.dialler.gates import openings_of
from apps.campaigns.dialler.sql import places_of
from apps.campaigns.models import Campaign
from apps.campaigns.selectors import State
from apps.organizations.models import AuditEntry

PausedBy = Campaign.PausedBy
Words = str | Promise
SHOWN_CALLS = 20
# Title, what it means and what to do, and the page that helps.
PAUSES: dict[str, tuple[Words, Words, str]] = {
    PausedBy.BALANCE: (
        gettext_lazy("Paused by itself"),
        gettext_lazy("The credits are used up. The campaign goes on by itself once there are enough again."), "usage",
    ),
    PausedBy.MINUTES: (
        gettext_lazy("All minutes of this month are used up"),
        gettext_lazy("The campaign goes on by itself next month, or as soon as the limit is raised."), "usage",
    ),
    PausedBy.SUSPENDED: (
        gettext_lazy("Paused by itself"),
        gettext_lazy("The workspace is suspended. The campaign goes on by itself once it is released."), "",
    ),
    PausedBy.ASSISTANT_DELETED: (
        gettext_lazy("The assistant was deleted"),
        gettext_lazy("Choose another assistant for this campaign, then resume it."), "edit",
    ),
    PausedBy.ASSISTANT_INACTIVE: (
        gettext_lazy("The assistant is switched off"), gettext_lazy("Switch it on again, then resume the campaign."), "assistant",
    ),
    PausedBy.NUMBER_UNAVAILABLE: (
        gettext_lazy("There is no number to call from"),
        gettext_lazy("Give a number its trunk back or choose another one, then resume the campaign."), "numbers",
    ),
    PausedBy.BREAKER: (
        gettext_lazy("Too many calls failed"),
        gettext_lazy("Look at these calls, mend what is wrong, then resume. Nobody is called until then."), "",
    ),
    PausedBy.BUDGET: (
        gettext_lazy("The budget of this campaign is used up"),
        gettext_lazy("Raise the budget of the campaign, then resume it."), "edit",
    ),
    PausedBy.SPEND: (
        gettext_lazy("Too much was spent within an hour"),
        gettext_lazy("A limit against fraud stopped the campaign. Resume it later, or have the limit raised."), "usage",
    ),
}  # fmt: skip
LABELS: dict[str, Words] = {
    "usage": gettext_lazy("Credits and usage"), "edit": gettext_lazy("Edit the campaign"),
    "assistant": gettext_lazy("Open the assistant"), "numbers": gettext_lazy("Phone numbers"), "trunks": gettext_lazy("Trunks"),
}  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """`calls`: public ids of those that are to blame; `since` when it began; `url` and `action`: where to mend it."""

    level: str
    icon: str
    title: Words
    text: Words
    since: dt.datetime | None = None
    url: str = ""
    action: Words = ""
    calls: list[str] = field(default_factory=list)


def notices_of(state: State, pending: int) -> list[Notice]:
    """What keeps the campaign from dialling, the gravest first. At most two queries."""
    campaign = state.campaign
    if campaign.status == Campaign.Status.PAUSED:
        return [_paused(campaign)]
    if campaign.status != Campaign.Status.SCHEDULED or not pending:
        return []
    found = [_engine(campaign)] if campaign.waits_for_engine_since or not state.engine_is_there else []
    if state.trunk_is_failing:
        text = _("Calls over this trunk fail. It is left alone for a moment, then tried with one call; no attempt is counted.")
        found.append(_notice(campaign, "error", "unplug", _("The trunk fails"), text, "trunks"))
    if not state.has_balance:
        text = _("Leads wait until there is at least one credit that no running call holds.")
        found.append(_notice(campaign, "warning", "coins", _("Not enough credits"), text, "usage"))
    return found + _closed(state)


def opening_words(campaign: Campaign, opening: dt.datetime) -> dict[str, Any]:
    """An opening by the campaign's clock, and by the viewer's where that differs."""
    there, here = opening.astimezone(campaign.window.zone), timezone.localtime(opening)
    found = {"at": opening, "there": date_format(there, "l j F H:i")}
    return found | ({"here": date_format(here, "l j F H:i")} if there.utcoffset() != here.utcoffset() else {})


def _paused(campaign: Campaign) -> Notice:
    if campaign.paused_by not in PAUSES:
        return _by_person(campaign)
    title, text, page = PAUSES[campaign.paused_by]
    level = "error" if campaign.paused_by == PausedBy.BREAKER else "warning"
    calls = list(campaign.tripped)[-SHOWN_CALLS:] if campaign.paused_by == PausedBy.BREAKER else []
    return _notice(campaign, level, "pause", title, text, page, calls=calls)


def _by_person(campaign: Campaign) -> Notice:
    """Whoever paused it last, as the audit log names them."""
    entries = AuditEntry.objects.for_organization(campaign.organization_id)
    found = entries.filter(action="campaign.pause", target_id=str(campaign.pk)).order_by("-created_at").first()
    title = _("Paused by %(name)s") % {"name": found.actor} if found else _("Paused")
    text = _("Nobody is called until somebody resumes it. Calls that were running finish.")
    return _notice(campaign, "info", "pause", title, text, "", since=found.created_at if found else None)


def _engine(campaign: Campaign) -> Notice:
    text = _("The campaign waits. No attempt is counted, and it goes on by itself as soon as calls are possible again.")
    return _notice(
        campaign, "error", "server-off", _("No calls are possible at the moment"), text, "", since=campaign.waits_for_engine_since
    )


def _closed(state: State) -> list[Notice]:
    """None while somebody may be called."""
    campaign = state.campaign
    openings = openings_of(state.rules, places_of(campaign.pk), state.now)
    if openings.open:
        return []
    if openings.next_at is None:
        text = _("Change the days or the hours of this campaign.")
        return [_notice(campaign, "warning", "moon", _("The calling hours never open"), text, "edit")]
    words = opening_words(campaign, openings.next_at)
    text = _("The next calls start on %(when)s (%(zone)s).") % {"when": words["there"], "zone": campaign.timezone}
    if here := words.get("here"):
        text = f"{text} {_('For you that is %(when)s.') % {'when': here}}"
    return [_notice(campaign, "info", "moon", _("Outside the calling hours"), text, "")]


def _notice(
    campaign: Campaign, level: str, icon: str, title: Words, text: Words, page: str, **further: Any
) -> Notice:  # fmt: skip
    slug = campaign.organization.slug
    urls: dict[str, tuple[str, list[Any]]] = {
        "usage": ("usage", [slug]), "edit": ("campaign_edit", [slug, campaign.pk]), "numbers": ("numbers", [slug]),
        "assistant": ("assistant", [slug, campaign.assistant_id]), "trunks": ("trunks", [slug]),
    }  # fmt: skip
    url = reverse(urls[page][0], args=urls[page][1]) if page else ""
    return Notice(level, icon, title, text, url=url, action=LABELS.get(page, ""), **further)
