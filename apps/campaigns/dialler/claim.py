"""Leads that are due become calls: one attempt and one reserved call each, under a key of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from apps.calls.services.requests import CallRequest
from apps.calls.services.reserve import reserve_many
from apps.calls.tasks import wake_dials
from apps.campaigns.dialler import memory
from apps.campaigns.dialler.gates import Openings, openings_of, stops_among
from apps.campaigns.dialler.room import AHEAD, Pace
from apps.campaigns.dialler.sql import FRESH, Due, begin, due_in, places_of, stop
from apps.campaigns.models import Campaign
from apps.campaigns.rules.of import Rules
from apps.campaigns.services.places import fill_places
from apps.campaigns.variants import Sides
from apps.core.db import step
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Limits
from apps.voice.models import Connection

# A list full of refused numbers is worked off over many ticks, none of which holds its locks for long.
ROUNDS = 10
# As many leads are read at first as a campaign starts in most ticks; more when there is room for more.
BATCH = 50
FRONT = -1


@dataclass(frozen=True)
class Line:
    """What every call of this tick has in common. `limits`: of the organization and its agency."""

    connection: Connection
    simulated: bool
    number: PhoneNumber
    pace: Pace
    limits: Sequence[Limits]


class Queue:
    """The pending leads of a campaign whose turn it is, where calling is allowed now."""

    def __init__(self, campaign: Campaign, rules: Rules, now: dt.datetime) -> None:
        self.campaign, self.rules, self.now = campaign, rules, now
        self.sides = Sides(campaign)
        seen = memory.recall(campaign.pk)
        self._look(seen.places if seen else self._places_now())
        self._is_hint = seen is not None
        self._ahead: list[Due] = []
        # Elsewhere open than then: leads further in front may have their turn now.
        self._after = seen.after if seen and seen.open == frozenset(self.openings.open) else FRONT
        if self._is_hint and not self.openings.open:
            self._look_again()

    def next(self, most: int) -> list[Due]:
        """Up to `most` leads whose turn it is: hurried ones, fresh ones, then retries. The same ones until they have passed."""
        if len(self._ahead) < most:
            self._ahead = self._read(most)
        if len(self._ahead) < most and (self._is_hint or self._after != FRONT):
            self._look_again()
            self._ahead = self._read(most)
        return self._ahead[:most]

    def is_empty(self) -> bool:
        """Nobody's turn has come. Read before anything that others wait for is locked or counted."""
        self._ahead = self._read(min(BATCH, self.campaign.max_concurrent_calls))
        return not (self._ahead or self.next(1))

    def passed(self, leads: Sequence[Due]) -> None:
        """All of these were started or stopped: what comes next lies behind them."""
        self._ahead = self._ahead[len(leads) :]
        self._after = max((lead.position for lead in leads if lead.turn == FRESH), default=self._after)
        memory.remember(self.campaign.pk, self._places, self.openings.open, self._after)

    def _read(self, most: int) -> list[Due]:
        openings = self.openings
        if not openings.open:
            return []
        has_others = bool(openings.closed or openings.never)
        return due_in(
            self.campaign, list(openings.open), after=self._after, most=most, until=self.now + AHEAD, has_others=has_others
        )

    def _look(self, places: Sequence[str]) -> None:
        self._places = tuple(places)
        self.openings: Openings = openings_of(self.rules, places, self.now)

    def _look_again(self) -> None:
        memory.forget(self.campaign.pk)
        self._is_hint, self._after = False, FRONT
        self._look(self._places_now())

    def _places_now(self) -> Sequence[str]:
        places = places_of(self.campaign.pk)
        # A worker of the version before stores leads without a place.
        return places_of(self.campaign.pk) if "" in places and fill_places(self.campaign) else places


@step
def claim(queue: Queue, line: Line, most: int) -> int:
    """Start up to `most` calls to due leads. Returns how many.

    What forbids a call is written to its lead, and another takes its place. Locks: the campaign's row, its agency's and the
    engine's lock are held.
    """
    campaign, now, started = queue.campaign, queue.now, 0
    for _round in range(ROUNDS):
        asked = most - started
        leads = queue.next(asked)
        stops = stops_among(campaign, leads, queue.rules, now, limits=line.limits)
        if stops:
            stop(campaign, stops, now=now)
        wanted = [lead for lead in leads if lead.id not in stops]
        begun = _start(queue, line, wanted, skip=started)
        started += begun
        if begun < len(wanted):
            memory.forget(campaign.pk)
            break
        queue.passed(leads)
        if started >= most or len(leads) < asked:
            break
    return started


def _start(queue: Queue, line: Line, leads: list[Due], *, skip: int) -> int:
    """Reserve a call for each lead. Fewer when credits run out under way; the others stay pending."""
    if not leads:
        return 0
    campaign, until = queue.campaign, queue.openings.open
    leads = [lead._replace(variant=queue.sides.variant_of(lead.id, lead.variant)) for lead in leads]
    requests = [
        _request(queue, line, lead, line.pace.slot(skip + place), until[lead.place])
        for place, lead in enumerate(leads)
    ]
    calls = reserve_many(requests=requests, number=line.number, now=queue.now, limits=line.limits)
    if calls:
        tries = [(lead, call.pk, call.public_id) for lead, call in zip(leads, calls, strict=False)]
        begin(campaign, tries, now=queue.now)
        # The row is the work, the task only wakes a worker: a broker that is down must not undo the claim.
        transaction.on_commit(partial(wake_dials, campaign.organization_id, [call.pk for call in calls]), robust=True)
    return len(calls)


def _request(
    queue: Queue, line: Line, lead: Due, slot: dt.datetime | None, until: dt.datetime
) -> CallRequest:
    """The call to one lead. Requests of a batch that name the same assistant are written together."""
    campaign, talker, due = queue.campaign, queue.sides.talker(lead.variant), lead.next_attempt_at
    return CallRequest(
        organization=campaign.organization, to=lead.phone_number, key=f"lead:{lead.id}:{lead.number}",
        origin=campaign.origin, connection=line.connection, simulated=line.simulated, assistant=talker.assistant,
        override=talker.override, number=line.number, metadata={"campaign_id": str(campaign.pk), "lead_id": str(lead.id)},
        system_message=campaign.system_message_template or None, variables=lead.variables,
        dial_at=max(slot, due) if slot and due else slot or due, wanted_until=until,
        leaves_voicemail=lead.voicemail_left_at is None,
        starts=(campaign.starts, campaign.starts_seconds) if campaign.starts else None,
    )  # fmt: skip
