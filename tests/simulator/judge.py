"""What must hold over the whole history: the engine's rings first, then what the product says of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter, defaultdict
from typing import Any

from apps.billing.models import Hold, LedgerEntry
from apps.calls.models import Call
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.core.scope import acting
from apps.organizations.scopes import overview
from tests.simulator.engine import Ring
from tests.simulator.world import MAX_ATTEMPTS, WINDOWS, World

Stops = list[tuple[dt.datetime, dt.datetime, str]]
# Between two calls to one number, whatever the campaign: the rule's default.
LEAST_GAP = dt.timedelta(minutes=5)


class Judge:
    """Reads the history once and names what is wrong with it, each kind with its count."""

    def __init__(self, world: World, rings: list[Ring], stops: Stops, refused: dict[str, dt.datetime]) -> None:
        self.world, self.rings, self.stops, self.refused = world, rings, stops, refused
        with acting(overview("the simulator's judge")):
            calls = Call.objects.filter(organization=world.client)
            self.calls = {call.public_id: call for call in calls.defer("config", "messages")}
            self.leads = list(Lead.objects.filter(organization=world.client).order_by("campaign_id", "position"))
            self.attempts = list(Attempt.objects.filter(organization=world.client).order_by("lead_id", "number"))
            self.campaigns = list(Campaign.objects.filter(organization=world.client))
            self.ledger = list(LedgerEntry.objects.filter(kind="call"))
            self.holds = Hold.objects.filter(released_at=None).count()
        self.key_of = {public_id: call.key for public_id, call in self.calls.items()}

    def problems(self) -> dict[str, int]:
        found = {
            "attempts rung twice": self._rung_twice(),
            "rings without a call of ours": sum(ring.reference not in self.key_of for ring in self.rings),
            "rings outside the window": sum(not self._is_open(ring) for ring in self.rings),
            "rings while paused": self._while_paused(),
            "rings after a refusal": sum(ring.to in self.refused and ring.at > self.refused[ring.to] for ring in self.rings),
            "rings too close to each other": self._too_close(),
            "leads rung too often": self._too_often(),
            "leads without one final state and a reason": self._unfinished(),
            "leads whose state the rings contradict": self._contradicted(),
            "calls not final": sum(call.is_running for call in self.calls.values()),
            "talks booked wrongly": self._booked_wrongly(),
            "holds left open": self.holds,
            "campaigns not completed": sum(each.status != Campaign.Status.COMPLETED for each in self.campaigns),
        }
        return {name: count for name, count in found.items() if count}

    def digest(self) -> str:
        """The history as one text: who rang when, and what became of every lead."""
        rows: list[Any] = [(ring.at.isoformat(), ring.to, ring.outcome) for ring in self.rings]
        order = {campaign.pk: campaign.name for campaign in self.campaigns}
        rows += [(order[lead.campaign_id], lead.position, lead.status, lead.reason, lead.result, lead.attempts) for lead in self.leads]
        return hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest()[:16]

    def figures(self) -> str:
        states = Counter(f"{lead.status}/{lead.reason or '-'}" for lead in self.leads)
        zones = {str(zone) for zone in self.world.zones.values()}
        return (
            f"{len(self.leads)} leads, {len(zones)} zones, {len(self.attempts)} attempts, {len(self.rings)} rings, "
            f"{len({ring.to for ring in self.rings})} numbers rung, at most {max(self._by_attempt().values(), default=0)} per attempt; "
            + ", ".join(f"{count} {name}" for name, count in sorted(states.items()))
        )

    def doubtful(self) -> int:
        return sum(call.is_in_doubt for call in self.calls.values())

    def _by_attempt(self) -> Counter[str]:
        return Counter(self.key_of.get(ring.reference, ring.reference) for ring in self.rings)

    def _rung_twice(self) -> int:
        return sum(count > 1 for count in self._by_attempt().values())

    def _is_open(self, ring: Ring) -> bool:
        """By the clock on the wall of the person called, and nothing else."""
        local = ring.at.astimezone(self.world.zones[ring.to])
        wall = local.strftime("%H:%M:%S")
        return any(local.isoweekday() in each["days"] and each["start"] <= wall < each["end"] for each in WINDOWS)

    def _while_paused(self) -> int:
        paused = defaultdict(list)
        for start, end, campaign in self.stops:
            paused[campaign].append((start, end))
        origins = {public_id: call.origin for public_id, call in self.calls.items()}
        return sum(
            any(start < ring.at < end for start, end in paused[origins.get(ring.reference, "")]) for ring in self.rings
        )

    def _too_close(self) -> int:
        seen: dict[str, dt.datetime] = {}
        close = 0
        for ring in sorted(self.rings, key=lambda each: each.at):
            close += ring.to in seen and ring.at - seen[ring.to] < LEAST_GAP
            seen[ring.to] = ring.at
        return close

    def _too_often(self) -> int:
        per_lead = Counter(key.split(":")[1] for key in self._by_attempt() if key.startswith("lead:"))
        return sum(count > MAX_ATTEMPTS for count in per_lead.values())

    def _unfinished(self) -> int:
        final = (Lead.Status.COMPLETED, Lead.Status.FAILED, Lead.Status.SKIPPED)
        return sum(lead.status not in final or not lead.reason for lead in self.leads)

    def _contradicted(self) -> int:
        """Completed means that somebody talked, failed that nobody did; never rung means that a reason said so."""
        talked = {self.key_of.get(ring.reference, "").split(":")[1] for ring in self.rings if ring.outcome == "answered" and ring.reference in self.key_of}
        rung = {key.split(":")[1] for key in self._by_attempt() if key.startswith("lead:")}
        wrong = 0
        for lead in self.leads:
            has_talked, has_rung = str(lead.pk) in talked, str(lead.pk) in rung
            if lead.status == Lead.Status.COMPLETED:
                wrong += not has_rung
            elif lead.status == Lead.Status.SKIPPED:
                wrong += lead.reason not in (Lead.Reason.DO_NOT_CALL, Lead.Reason.CANCELLED)
            else:
                wrong += has_talked and lead.reason != Lead.Reason.IN_DOUBT and lead.attempts >= MAX_ATTEMPTS and lead.result == "user_hangup"
        return wrong

    def _booked_wrongly(self) -> int:
        talked = {ring.reference: ring.talk for ring in self.rings if ring.talk and not ring.forgotten}
        booked = Counter({entry.call_id: entry.seconds for entry in self.ledger if entry.seconds})
        lost = {ring.reference for ring in self.rings if ring.forgotten}
        doubtful = {public_id for public_id, call in self.calls.items() if call.is_in_doubt}
        names = (talked.keys() | booked.keys()) - lost - doubtful
        return sum(talked.get(name) != booked.get(name) for name in names) + len(self.ledger) - len({entry.call_id for entry in self.ledger})

