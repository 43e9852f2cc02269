"""Everybody who shares an engine: the lines in use and the campaigns that want some, read over all organizations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.db.models import Q

from apps.campaigns.dialler.shares import WEIGHTS, Node
from apps.campaigns.dialler.sql import Held
from apps.campaigns.models import Campaign
from apps.organizations.models import Limits, Organization
from apps.voice.models import Connection

# What a campaign wanted at its last tick counts so long.
HINT = dt.timedelta(seconds=3)


@dataclass(frozen=True)
class Wanting:
    """A campaign with leads to call, at this engine. `wants`: how many it could start now; None: as many as it may."""

    origin: str
    organization_id: UUID
    head_id: UUID
    trunk_id: UUID | None
    weight: int
    floor: int
    ceiling: int
    wants: int | None
    starts: tuple[int, int] | None = None


def wanting(campaign: Campaign, trunk_id: UUID | None, wants: int | None = None) -> Wanting:
    organization = campaign.organization
    return Wanting(
        campaign.origin, organization.pk, organization.parent_id or organization.pk, trunk_id,
        WEIGHTS[Campaign.Priority(campaign.priority)], campaign.floor_calls, campaign.max_concurrent_calls, wants,
        (campaign.starts, campaign.starts_seconds) if campaign.starts else None,
    )  # fmt: skip


def read_others(campaign: Campaign, connection: Connection, now: dt.datetime) -> list[Wanting]:
    """The other campaigns that want lines of this engine, as their last ticks noted."""
    others = Campaign.objects.live().filter(status=Campaign.Status.SCHEDULED, wants__gt=0, wants_at__gt=now - HINT)
    rows = list(others.exclude(pk=campaign.pk).select_related("organization", "number").order_by("pk"))
    if not rows:
        return []
    nearest = _engines()
    return [
        wanting(each, each.number.transfer_trunk_id if each.number else None, each.wants)
        for each in rows
        if nearest(each.organization) == connection.pk
    ]


def _engines() -> Callable[[Organization], UUID | None]:
    """`connection_for` for many: an organization's own connection, else its agency's, else the installation's."""
    usable = Connection.objects.filter(Q(via=None) | Q(via__is_active=True), is_active=True)
    found: dict[UUID | None, UUID] = dict(usable.values_list("organization_id", "pk"))

    def nearest(organization: Organization) -> UUID | None:
        return found.get(organization.pk) or found.get(organization.parent_id) or found.get(None)

    return nearest


class Crowd:
    """The lines and starts of one engine, and what one campaign may take of them. Its engine's lock is held."""

    def __init__(
        self, own: Wanting, others: Sequence[Wanting], held: Sequence[Held], connection: Connection, concurrent: int | None,
        own_limits: Sequence[Limits],
    ) -> None:  # fmt: skip
        """`own_limits`: of the campaign's organization and its agency."""
        self.own, self.all, self.held, self.connection = own, [own, *others], held, connection
        self._own_limits = own_limits
        limits = [each for each in (concurrent, connection.concurrent_calls) if each is not None]
        self.concurrent = min(limits, default=None)

    @cached_property
    def limits(self) -> dict[UUID, Limits]:
        ids = {each.organization_id for each in self.all} | {each.head_id for each in self.all}
        ids -= {self.own.organization_id, self.own.head_id}
        others = Limits.objects.filter(organization_id__in=ids) if ids else ()
        return {row.organization_id: row for row in (*self._own_limits, *others)}

    def count(self, test: Callable[[Held], bool], *, reserved: bool = False) -> int:
        return sum(each.reserved if reserved else each.count for each in self.held if test(each))

    def left(self, limit: int | None, kept: int, test: Callable[[Held], bool]) -> int | None:
        """Lines that campaigns may still take: inbound calls use up what is kept for them first."""
        if limit is None:
            return None
        inbound = self.count(lambda each: each.is_inbound and test(each))
        return limit - max(0, kept - inbound) - self.count(test)

    def ceilings(self, trunk_limits: dict[UUID, int | None]) -> dict[tuple[str, object], int | None]:
        """What is left in each place that has a limit, by the keys of `tree`."""
        found: dict[tuple[str, object], int | None] = {
            ("engine", self.connection.pk): self.left(
                self.concurrent, self.connection.inbound_lines, lambda each: each.connection_id == self.connection.pk
            )
        }
        for own in self.all:
            row, head, trunk = self.limits.get(own.head_id), own.head_id, own.trunk_id
            if row:
                found["agency", head] = self.left(
                    row.concurrent_calls, row.inbound_lines, lambda each, head=head: each.head_id == head
                )
            client = own.organization_id
            if client != head and (row := self.limits.get(client)):
                found["client", client] = self.left(
                    row.concurrent_calls, row.inbound_lines, lambda each, client=client: each.organization_id == client
                )
            if trunk and trunk_limits.get(trunk) is not None:
                found["trunk", trunk] = self.left(trunk_limits[trunk], 0, lambda each, trunk=trunk: each.trunk_id == trunk)
        return found

    def holds(self, origin: str, *, reserved: bool = False) -> int:
        return self.count(lambda each: each.origin == origin and each.connection_id == self.connection.pk, reserved=reserved)

    def tree(self, leaf: Callable[[Wanting], Node], ceilings: dict[tuple[str, object], int | None]) -> Node:
        """Engine, agencies, clients, trunks, campaigns. A ceiling is what the leaves below may have together."""
        agencies = []
        for head, of_agency in _grouped(self.all, lambda each: each.head_id):
            clients = []
            for client, of_client in _grouped(of_agency, lambda each: each.organization_id):
                trunks = []
                for trunk, of_trunk in _grouped(of_client, lambda each: each.trunk_id):
                    leaves = tuple(leaf(each) for each in of_trunk)
                    # A trunk has no say of its own in who comes first: it stands for its campaigns.
                    trunks.append(Node(
                        ("trunk", trunk), floor=sum(min(each.floor, each.demand) for each in leaves),
                        ceiling=ceilings.get(("trunk", trunk)), weight=sum(each.weight for each in leaves), children=leaves,
                    ))  # fmt: skip
                own = self.limits.get(client) if client and client != head else None
                clients.append(Node(
                    ("client", client), floor=own.guaranteed_calls if own else 0,
                    ceiling=ceilings.get(("client", client)), children=tuple(trunks),
                ))  # fmt: skip
            row = self.limits.get(head) if head else None
            agencies.append(Node(
                ("agency", head), floor=row.guaranteed_calls if row else 0, ceiling=ceilings.get(("agency", head)),
                children=tuple(clients),
            ))  # fmt: skip
        engine = ("engine", self.connection.pk)
        return Node(engine, ceiling=ceilings.get(engine), children=tuple(agencies))


def _grouped(rows: Iterable[Wanting], key: Callable[[Wanting], UUID | None]) -> list[tuple[UUID | None, list[Wanting]]]:
    found: dict[UUID | None, list[Wanting]] = {}
    for each in rows:
        found.setdefault(key(each), []).append(each)
    return sorted(found.items(), key=lambda pair: str(pair[0]))
