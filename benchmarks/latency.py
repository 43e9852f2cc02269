"""From due to the wire: how late a call leaves, and what a huge campaign costs a small one (goal P3)."""

from __future__ import annotations

import datetime as dt
import statistics
import time

from apps.campaigns.models import Campaign, Lead
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from benchmarks.dialling import Rig, campaign_of, make_payer, rig, start, stop

# What is due comes evenly, below what the engine takes: a call's slot is the instant at which it is due, and none has to queue.
DUE, STARTS, CAMPAIGNS, SECONDS = 30, 40, 8, 12
HUGE, SMALL, ROUNDS = 200_000, 10, 3
LATE, DELAY = 300.0, 1.0
IN_FRONT = 4.0


def run() -> str:
    with rig() as line:
        return "\n".join([_late(line), _delayed(line)])


def _late(line: Rig) -> str:
    line.order(STARTS, 1)
    organization, count = make_payer(), DUE * SECONDS
    campaigns = [campaign_of(organization, count // CAMPAIGNS) for _each in range(CAMPAIGNS)]
    now, read = db.now(), time.monotonic()
    due = {}
    with acting(Scope((organization.pk,))):
        leads = list(Lead.objects.for_organization(organization).order_by("position", "campaign_id"))
        for place, lead in enumerate(leads):
            after = IN_FRONT + place / DUE
            lead.next_attempt_at, due[lead.phone_number] = now + dt.timedelta(seconds=after), read + after
        Lead.objects.bulk_update(leads, ["next_attempt_at"], batch_size=500)
    start(*campaigns)
    seen = line.wait_for(lambda seen: len(seen) >= count, IN_FRONT + SECONDS + 10)
    stop(*campaigns)
    behind = sorted(1000 * (at - due[number]) for at, number, accepted in seen if accepted)
    if len(behind) < count:
        return f"due to wire: {len(behind)} of {count} calls began (not met)"
    p99, refused = behind[int(count * 0.99)], len(seen) - len(behind)
    met = p99 <= LATE and not refused
    return (
        f"due to wire, {DUE}/s over {CAMPAIGNS} campaigns: median {statistics.median(behind):.0f} ms, p99 {p99:.0f} ms of "
        f"{count} calls, {refused} refused, against a limit of {LATE:.0f} ms: ratio {p99 / LATE:.2f} (goal at most 1.0: "
        f"{'met' if met else 'not met'})"
    )


def _delayed(line: Rig) -> str:
    line.order(DUE, 1)
    organization, other = make_payer(), make_payer()
    alone = [_small(line, organization) for _round in range(ROUNDS)]
    huge = campaign_of(other, HUGE)
    start(huge)
    line.wait_for(lambda seen: sum(number.startswith(_first(huge)) for _at, number, _ok in seen) > DUE, 20)
    beside = [_small(line, organization) for _round in range(ROUNDS)]
    stop(huge)
    if None in alone or None in beside:
        return f"{SMALL} leads beside {HUGE:,}: not all were called (not met)"
    limit, ours = (statistics.median(each for each in rounds if each) for rounds in (alone, beside))
    met = ours - limit <= DELAY
    return (
        f"{SMALL} leads beside a campaign of {HUGE:,}: {ours:.2f} s, {limit:.2f} s alone: {ours - limit:+.2f} s against a limit "
        f"of {DELAY:.1f} s: ratio {(ours - limit) / DELAY:.2f} (goal at most 1.0: {'met' if met else 'not met'})"
    )


def _small(line: Rig, organization: Organization) -> float | None:
    """Seconds from the start of a small campaign until the last of its leads is being called."""
    campaign = campaign_of(organization, SMALL)
    with acting(Scope((organization.pk,))):
        numbers = set(Lead.objects.for_organization(organization).filter(campaign=campaign).values_list("phone_number", flat=True))
    began = start(campaign)
    seen = line.wait_for(lambda seen: numbers <= {number for _at, number, accepted in seen if accepted}, 20)
    stop(campaign)
    instants = [at for at, number, accepted in seen if accepted and number in numbers]
    return max(instants) - began if len(instants) == SMALL else None


def _first(campaign: Campaign) -> str:
    with acting(Scope((campaign.organization_id,))):
        first = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).order_by("position").first()
    assert first is not None
    return first.phone_number[:6]
