"""What a campaign is held back by: lines and starts that it, its organization, its agency, the trunk and the engine have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.calls.allowed import limits_of
from apps.campaigns.finish import Pace
from apps.campaigns.models import Campaign
from apps.campaigns.services.launch import number_of
from apps.core.errors import Invalid, Unavailable
from apps.numbers.models import SipTrunk
from apps.voice.services import connection_for, known_capabilities


@dataclass(frozen=True)
class Limit:
    """`lines` for campaigns at once and `starts` per second, None: no limit of this kind."""

    whose: str | Promise
    lines: int | None
    starts: float | None


def limits_on(campaign: Campaign) -> list[Limit]:
    """Every limit that holds for the campaign; lines that are kept for incoming calls are taken off."""
    found = [Limit(_("this campaign"), campaign.max_concurrent_calls, _rate(campaign.starts, campaign.starts_seconds))]
    for row in limits_of(campaign.organization):
        whose = _("this workspace") if row.organization_id == campaign.organization_id else _("the agency")
        found.append(Limit(whose, _less(row.concurrent_calls, row.inbound_lines), _rate(row.starts, row.starts_seconds)))
    if trunk := _trunk(campaign):
        found.append(Limit(_("the trunk"), trunk.concurrent_calls, _rate(trunk.starts, trunk.starts_seconds)))
    try:
        connection = connection_for(campaign.organization)
    except Unavailable:
        return found
    known = known_capabilities(connection)
    own = Limit(_("the lines available"), connection.concurrent_calls, _rate(connection.starts, connection.starts_seconds))
    lines = _least([own.lines, known.concurrent])
    starts = _least([own.starts, known.starts_per_second])
    return [*found, Limit(own.whose, _less(lines, connection.inbound_lines), starts)]


def lines_of(limits: Iterable[Limit]) -> int:
    """Calls at once."""
    return max(0, _least([limit.lines for limit in limits]) or 0)


def pace_within(limits: list[Limit], seconds: float) -> Pace:
    """The pace with every line in use. Args: seconds: for which an attempt takes a line."""
    return Pace(max(1, lines_of(limits)), seconds, _least([limit.starts for limit in limits]))


def _trunk(campaign: Campaign) -> SipTrunk | None:
    try:
        return number_of(campaign).transfer_trunk
    except Invalid:
        return None


def _rate(starts: int | None, seconds: int) -> float | None:
    return starts / seconds if starts else None


def _less(lines: int | None, kept: int) -> int | None:
    return None if lines is None else max(0, lines - kept)


def _least(values: list[Any]) -> Any:
    return min((value for value in values if value is not None), default=None)
