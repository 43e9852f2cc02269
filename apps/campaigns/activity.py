"""How a campaign goes over time: what was started and answered per stretch of time, and its figures of right now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, DateTimeField, F, Func, Q, Sum, Value
from django.db.models.functions import Trunc
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.calls.models import Call, CallQuerySet
from apps.campaigns.models import Attempt, Campaign

MINUTES = 5
# The longest stretch that is shown with each width of a bar, so that a chart never has more than a hundred.
WIDTHS = (
    ("minutes", dt.timedelta(minutes=MINUTES), dt.timedelta(hours=6)),
    ("hour", dt.timedelta(hours=1), dt.timedelta(days=4)),
    ("day", dt.timedelta(days=1), dt.timedelta(days=90)),
)
PACE = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Bar:
    """One stretch of time from `start` on."""

    start: dt.datetime
    started: int
    answered: int


@dataclass(frozen=True)
class Activity:
    """`width` is `minutes` (five), `hour` or `day`; the newest bar is last. It never started: no bars."""

    bars: list[Bar]
    width: str


@dataclass(frozen=True)
class Figures:
    """Of right now. `per_minute`: starts in the last five minutes by their number; `spent` in micro-credits."""

    running: int
    per_minute: float
    spent: int


def calls_of(campaign: Campaign) -> CallQuerySet:
    """Its calls that were sent; what was taken back before it rang is none."""
    own = Call.objects.for_organization(campaign.organization_id).filter(origin=campaign.origin)
    return own.exclude(dial__in=(Call.Dial.RESERVED, Call.Dial.REFUSED))


def figures_of(campaign: Campaign, now: dt.datetime) -> Figures:
    """Two queries."""
    running = Attempt.objects.for_organization(campaign.organization_id).open().filter(campaign=campaign).count()
    found = calls_of(campaign).aggregate(
        recent=Count("pk", filter=Q(created_at__gt=now - PACE)), spent=Sum("cost", filter=Q(is_charged=True))
    )
    return Figures(running, found["recent"] / (PACE / dt.timedelta(minutes=1)), found["spent"] or 0)


def activity_of(campaign: Campaign, zone: ZoneInfo, now: dt.datetime) -> Activity:
    """The calls per stretch, as wide as the time since the start asks for. One query.

    Args:
        zone: where hours and days begin, of the person who looks.
    """
    first, last = campaign.started_at, campaign.finished_at or now
    if first is None:
        return Activity([], "minutes")
    width, step, most = next((each for each in WIDTHS if last - first <= each[2]), WIDTHS[-1])
    since = _begin(max(first, last - most), width, zone)
    rows = calls_of(campaign).filter(created_at__gte=since).order_by().annotate(start=_start(width, zone))
    counted = rows.values_list("start").annotate(started=Count("pk"), answered=Count("started_at"))
    found = {start.astimezone(dt.UTC): (started, answered) for start, started, answered in counted}
    end = max([_begin(last, width, zone), *found])
    bars, at = [], since
    while at <= end:
        bars.append(Bar(at, *found.get(at, (0, 0))))
        at = _begin(at + step * 1.2, width, zone) if width == "day" else at + step
    return Activity(bars, width)


def chart_of(activity: Activity, zone: ZoneInfo) -> dict[str, Any]:
    """What `js/charts.js` draws."""
    return {
        "labels": [label(bar.start, activity.width, zone) for bar in activity.bars],
        "series": [
            {"label": _("Started"), "data": [bar.started for bar in activity.bars], "tone": "plain"},
            {"label": _("Answered"), "data": [bar.answered for bar in activity.bars], "tone": "brand"},
        ],
    }


def label(start: dt.datetime, width: str, zone: ZoneInfo) -> str:
    """How a bar is called: 14:05, Mon 14:00, 21 Nov."""
    local = start.astimezone(zone)
    return date_format(local, {"minutes": "H:i", "hour": "D H:i", "day": "j M"}[width])


def _begin(moment: dt.datetime, width: str, zone: ZoneInfo) -> dt.datetime:
    """Where the stretch begins that a moment lies in."""
    if width == "minutes":
        seconds = 60 * MINUTES
        return dt.datetime.fromtimestamp(moment.timestamp() // seconds * seconds, dt.UTC)
    local = moment.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return (local.replace(hour=0) if width == "day" else local).astimezone(dt.UTC)


def _start(width: str, zone: ZoneInfo) -> Any:
    if width != "minutes":
        return Trunc("created_at", width, tzinfo=zone, output_field=DateTimeField())
    epoch = Value(dt.datetime(2000, 1, 1, tzinfo=dt.UTC), output_field=DateTimeField())
    stride = Value(dt.timedelta(minutes=MINUTES))
    return Func(stride, F("created_at"), epoch, function="date_bin", output_field=DateTimeField())
