"""Who gets how much of what is scarce: weighted max-min with floors and ceilings over a tree. Pure arithmetic."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from apps.campaigns.models import Campaign

WEIGHTS = {Campaign.Priority.LOW: 1, Campaign.Priority.NORMAL: 2, Campaign.Priority.HIGH: 4}


@dataclass(frozen=True)
class Node:
    """A campaign (a leaf, with `demand`), or what campaigns share: a trunk, a client, an agency, an engine.

    Args:
        floor: what it is given before anybody gets more than a floor, as far as it demands it. Among its siblings only:
            what a client promises its campaigns takes nothing from another client.
        ceiling: the most it may have; None: no limit of its own.
        weight: two siblings that both want more get in this proportion.
    """

    key: Hashable
    demand: int = 0
    floor: int = 0
    ceiling: int | None = None
    weight: int = 1
    children: tuple[Node, ...] = ()


def shares(root: Node, *, turn: int = 0) -> dict[Hashable, int]:
    """What each leaf may have, by key. Never more than any ceiling on its way, and all that is demanded below those.

    Args:
        turn: who of equals comes first; a number that counts up lets each of them be first in its turn.
    """
    found: dict[Hashable, int] = {}
    _give(root, wanted(root), turn, found)
    return found


def wanted(node: Node) -> int:
    """What it can use: its demand, or its children's, below its ceiling."""
    demand = sum(wanted(child) for child in node.children) if node.children else node.demand
    return max(0, demand if node.ceiling is None else min(demand, node.ceiling))


def _give(node: Node, amount: int, turn: int, found: dict[Hashable, int]) -> None:
    if not node.children:
        found[node.key] = amount
        return
    for child, part in zip(node.children, _divided(node.children, amount, turn), strict=True):
        _give(child, part, turn, found)


def _divided(siblings: Sequence[Node], amount: int, turn: int) -> list[int]:
    """First the floors, then what is left; each unit goes to whoever has least for its weight."""
    tops = [wanted(each) for each in siblings]
    floors = [min(each.floor, top) for each, top in zip(siblings, tops, strict=True)]
    weights = [max(1, each.weight) for each in siblings]
    if sum(floors) >= amount:
        return _filled([0] * len(tops), floors, weights, amount, turn)
    return _filled(floors, tops, weights, amount - sum(floors), turn)


def _filled(parts: Sequence[int], tops: Sequence[int], weights: Sequence[int], amount: int, turn: int) -> list[int]:
    result, count = list(parts), len(parts)
    queue = [
        ((result[place] + 1) / weights[place], (place - turn) % count, place)
        for place in range(count)
        if result[place] < tops[place]
    ]
    heapq.heapify(queue)
    for _unit in range(amount):
        if not queue:
            break
        _level, order, place = heapq.heappop(queue)
        result[place] += 1
        if result[place] < tops[place]:
            heapq.heappush(queue, ((result[place] + 1) / weights[place], order, place))
    return result
