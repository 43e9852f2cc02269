"""The forecast in words: how many are called, who is left out, until when, at what cost, and what will be in the way."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.campaigns.finish import HORIZON
from apps.campaigns.forecast import Forecast, forecast_of
from apps.campaigns.models import Campaign
from apps.campaigns.pages_leads import Instant, instant
from apps.core.status import status_of
from apps.core.templatetags.ui import credits, duration_words, number, percent


@dataclass(frozen=True)
class Skipped:
    """Leads that will not be called, and the filter of the leads' list that shows them."""

    reason: str
    label: str
    count: int


def forecast_context(campaign: Campaign, now: dt.datetime) -> dict[str, Any]:
    found = forecast_of(campaign, now)
    zone = campaign.window.zone
    return {
        "forecast": found, "skips": _skips(found), "first": _instant(found.finish.first, zone, now),
        "last": _instant(found.finish.last, zone, now), "pace": _pace(found), "cost": _cost(found),
        "assumption": _assumption(found), "warnings": _warnings(campaign, found, now),
    }  # fmt: skip


def summary(found: Forecast) -> str:
    """ "873 will be called, 27 skipped." """
    called = ngettext("%(called)s will be called", "%(called)s will be called", found.called) % {"called": number(found.called)}
    skipped = sum(found.skipped.values())
    if not skipped:
        return f"{called}."
    left_out = ngettext("%(skipped)s skipped", "%(skipped)s skipped", skipped) % {"skipped": number(skipped)}
    return f"{called}, {left_out}."


def _skips(found: Forecast) -> list[Skipped]:
    rows = [Skipped(reason, str(status_of(reason).label), count) for reason, count in found.skipped.items() if count]
    return sorted(rows, key=lambda row: -row.count)


def _instant(moment: dt.datetime | None, zone: Any, now: dt.datetime) -> Instant | None:
    return instant(moment, zone) if moment and moment > now else None


def _pace(found: Forecast) -> str:
    lines = ngettext("up to %(count)s call at once", "up to %(count)s calls at once", found.lines) % {"count": number(found.lines)}
    held = next((limit.whose for limit in found.limits if limit.lines == found.lines), "")
    starts = [limit.starts for limit in found.limits if limit.starts is not None]
    words = _("%(lines)s, set by %(whose)s") % {"lines": lines, "whose": held} if held else lines
    if not starts:
        return words
    return _("%(words)s; at most %(starts)s starts per second") % {"words": words, "starts": number(round(min(starts), 2)).removesuffix(".0")}


def _cost(found: Forecast) -> str:
    cost = found.cost
    if cost is None:
        return _("Free: the sandbox only simulates calls.")
    names = {"low": credits(cost.low), "high": credits(cost.high), "rate": credits(cost.rate)}
    return _("%(low)s to %(high)s credits, at %(rate)s per minute of talk") % names


def _assumption(found: Forecast) -> str:
    known = found.experience
    names = {
        "calls": number(known.calls), "share": percent(known.answered, 0), "length": duration_words(known.seconds),
        "attempts": number(found.attempts),
    }  # fmt: skip
    if known.calls:
        text = _("From this assistant's last %(calls)s calls: %(share)s answered, talks of %(length)s. About %(attempts)s calls in all.")
    else:
        text = _(
            "Assumed, as this assistant has made too few calls: %(share)s answered, talks of %(length)s. About %(attempts)s calls in all."
        )
    return text % names


def _warnings(campaign: Campaign, found: Forecast, now: dt.datetime) -> list[str]:
    """What will stop it before its end, or surprise."""
    warnings = []
    cost = found.cost
    if cost and cost.high > cost.have:
        names = {"have": credits(cost.have), "high": credits(cost.high)}
        warnings.append(_("The credits may not be enough: %(have)s are left, up to %(high)s may be needed.") % names)
    if cost and campaign.budget is not None and cost.high > campaign.budget:
        names = {"budget": credits(campaign.budget), "high": credits(cost.high)}
        warnings.append(_("The budget of %(budget)s credits may not be enough: up to %(high)s may be needed.") % names)
    if found.called and found.finish.first is None:
        warnings.append(_("Nobody can be called within the next %(days)s days.") % {"days": HORIZON.days})
    elif found.called and found.finish.last is None:
        warnings.append(_("At this pace it is not done within %(days)s days.") % {"days": HORIZON.days})
    if found.about:
        warnings.append(_("With this many leads, forbidden numbers are estimated by how they begin."))
    return warnings
