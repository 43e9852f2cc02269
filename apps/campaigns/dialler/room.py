"""How many calls may start now: the campaign, its organization, its agency and the engine each have a say."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Max, Q
from django.db.models.functions import TruncSecond

from apps.calls.models import Call
from apps.campaigns.models import Attempt, Campaign
from apps.organizations.models import Limits
from apps.voice.capabilities import Capabilities
from apps.voice.models import Connection

AHEAD = dt.timedelta(seconds=1)
# Ids are ordered by time; hosts' clocks may differ by a few seconds.
RECENT = dt.timedelta(seconds=40)
REMEMBERED = dt.timedelta(seconds=30)
USUAL_STARTS = 20.0
SLOWEST = 0.5


@dataclass(frozen=True)
class Pace:
    """Slots for starts: the first, and the seconds between two; no gap: all at once."""

    first: dt.datetime
    gap: float | None

    def room(self, now: dt.datetime) -> int | None:
        """How many slots fall due before the next tick; None: no limit."""
        if self.gap is None:
            return None
        left = (now + AHEAD - self.first).total_seconds()
        return max(0, math.ceil(left / self.gap - 1e-6))

    def slot(self, number: int) -> dt.datetime | None:
        return None if self.gap is None else self.first + dt.timedelta(seconds=number * self.gap)


def free_lines(campaign: Campaign, connection: Connection, known: Capabilities) -> int:
    """The least that any of the limits on simultaneous calls leaves. The engine's lock is held."""
    own = Attempt.objects.for_organization(campaign.organization_id).open().filter(campaign=campaign).count()
    left = [campaign.max_concurrent_calls - own]
    running = _running(campaign, connection)
    limits = _limits(campaign)
    for name, limit in (
        ("at_engine", known.concurrent),
        ("of_organization", limits.get(campaign.organization_id)),
        ("of_family", limits.get(campaign.organization.parent_id or campaign.organization_id)),
    ):
        if limit is not None:
            left.append(limit - running[name])
    return max(0, min(left))


def pace_of(connection: Connection, known: Capabilities, now: dt.datetime) -> Pace:
    """Where the engine's next slot is, read from what was reserved for it a moment ago, by anybody.

    Each second of the last half minute in which it said "no free line" halves the pace.
    """
    recent = Call.objects.filter(pk__gte=_first_id(now - RECENT), connection=connection).aggregate(
        last=Max("dial_at"),
        full=Count(
            TruncSecond("ended_at"), filter=Q(refusal="capacity", ended_at__gte=now - REMEMBERED), distinct=True
        ),
    )
    if known.starts_per_second is None and not recent["full"]:
        return Pace(now, None)
    starts = max(SLOWEST, (known.starts_per_second or USUAL_STARTS) / 2 ** recent["full"])
    gap = 1 / starts
    after_last = recent["last"] + dt.timedelta(seconds=gap) if recent["last"] else now
    return Pace(max(now, after_last), gap)


def _running(campaign: Campaign, connection: Connection) -> dict[str, int]:
    """Calls that hold a line, read over all organizations; the condition is that of the index of open calls."""
    head = campaign.organization.parent_id or campaign.organization_id
    family = Q(organization_id=head) | Q(organization__parent_id=head)
    calls = Call.objects.filter(settled_at=None, connection__isnull=False).running()
    return calls.aggregate(
        at_engine=Count("pk", filter=Q(connection=connection)),
        of_organization=Count("pk", filter=Q(organization_id=campaign.organization_id)),
        of_family=Count("pk", filter=family),
    )


def _limits(campaign: Campaign) -> dict[UUID | None, int | None]:
    ids = [campaign.organization_id, campaign.organization.parent_id]
    rows = Limits.objects.filter(organization_id__in=[each for each in ids if each])
    return dict(rows.values_list("organization_id", "concurrent_calls"))


def _first_id(moment: dt.datetime) -> UUID:
    """The smallest id that can have been made at that moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
