"""Whether one lead may be called at this instant, by the rules that the dialler follows, and in words why not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.calls.allowed import why_forbidden
from apps.calls.by_number import number_waits
from apps.calls.refusals import is_refused
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules import Rules

Reason = Lead.Reason
SENTENCES: dict[str, str | Promise] = {
    Reason.DO_NOT_CALL: _("This number is on the do-not-call list."),
    Reason.NO_CONSENT: _("The rules of the country that is called ask for consent, and there is none for this lead."),
    Reason.NUMBER_GAP: _("This number was called a moment ago, by this campaign or from elsewhere in the workspace."),
    Reason.NUMBER_LIMIT: _("This number was called as often as the rules allow."),
    Reason.WAITING_WINDOW: _("It is outside the calling hours of this campaign."),
    Reason.OUTSIDE_HOURS: _("It is outside the hours at which the rules there allow calls."),
    Reason.HOLIDAY: _("It is a public holiday there."),
    Reason.NEVER_OPEN: _("There is no time at which calling this person is allowed."),
}


@dataclass(frozen=True)
class Obstacle:
    """Why a lead is not called now. `until` is the first instant at which it may be, None: never by itself.

    `is_limit`: it is the number that has to wait, whatever the hour.
    """

    reason: str
    until: dt.datetime | None
    text: str
    is_limit: bool = False


def why_not_now(campaign: Campaign, lead: Lead, rules: Rules, now: dt.datetime) -> Obstacle | None:
    """What forbids calling the lead at this instant; None when nothing does. What has no end comes first."""
    hours = rules.hours(lead.place, now)
    if found := _never(campaign, lead, rules, now):
        return found
    if hours.next_at is None:
        return _of(Reason.NEVER_OPEN, None)
    if found := _often(campaign, lead, rules, now):
        return found
    return None if hours.is_open else _of(hours.reason or Reason.WAITING_WINDOW, hours.next_at)


def _never(campaign: Campaign, lead: Lead, rules: Rules, now: dt.datetime) -> Obstacle | None:
    organization, number = campaign.organization, lead.phone_number
    if is_refused(organization, number, now):
        return _of(Reason.DO_NOT_CALL, None)
    if sentence := why_forbidden(organization, number, now):
        return Obstacle(Reason.NOT_ALLOWED, None, sentence)
    needed = rules.consent_kinds(lead.place)
    return _of(Reason.NO_CONSENT, None) if needed is not None and lead.consent not in needed else None


def _often(campaign: Campaign, lead: Lead, rules: Rules, now: dt.datetime) -> Obstacle | None:
    number, limits = lead.phone_number, rules.number_limits(lead.place)
    found = number_waits(organization=campaign.organization, numbers=[number], limits={number: limits}, now=now)
    wait = found.get(number)
    return Obstacle(wait.reason, wait.until, str(SENTENCES[wait.reason]), is_limit=True) if wait else None


def _of(reason: str, until: dt.datetime | None) -> Obstacle:
    return Obstacle(reason, until, str(SENTENCES[reason]))
