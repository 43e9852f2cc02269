"""Fair sharing as arithmetic: what holds for every tree, whatever is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.campaigns.dialler.shares import Node, shares, wanted

small = st.integers(0, 40)
ceilings = st.none() | small


@st.composite
def leaves(draw: Any, key: Any) -> Node:
    return Node(key, draw(small), draw(st.integers(0, 10)), draw(ceilings), draw(st.sampled_from([1, 2, 4])))


@st.composite
def trees(draw: Any, path: tuple[int, ...] = (), depth: int = 3) -> Node:
    """Engine, agencies, clients, campaigns."""
    make = leaves if depth == 1 else lambda key: trees(key, depth - 1)
    children = tuple(draw(make((*path, place))) for place in range(draw(st.integers(1, 4))))
    return Node(path, floor=draw(st.integers(0, 10)), ceiling=draw(ceilings), weight=1, children=children)


def leaves_of(node: Node) -> list[Node]:
    return [leaf for child in node.children for leaf in leaves_of(child)] if node.children else [node]


def nodes_of(node: Node) -> list[Node]:
    return [node, *(each for child in node.children for each in nodes_of(child))]


def given_to(node: Node, parts: dict[Any, int]) -> int:
    return sum(parts[leaf.key] for leaf in leaves_of(node))


@given(trees(), small)
@settings(max_examples=300, deadline=None)
def test_nobody_gets_more_than_a_ceiling_or_than_it_wants(tree: Node, turn: int) -> None:
    parts = shares(tree, turn=turn)
    assert set(parts) == {leaf.key for leaf in leaves_of(tree)}
    for node in nodes_of(tree):
        assert 0 <= given_to(node, parts) <= wanted(node)
        assert node.ceiling is None or given_to(node, parts) <= node.ceiling
    assert all(parts[leaf.key] <= leaf.demand for leaf in leaves_of(tree))


@given(trees(), small)
@settings(max_examples=300, deadline=None)
def test_nothing_stays_unused_that_somebody_wants(tree: Node, turn: int) -> None:
    parts = shares(tree, turn=turn)
    assert given_to(tree, parts) == wanted(tree)
    for node in nodes_of(tree):
        free = wanted(node) - given_to(node, parts)
        assert free == 0 or not node.children or any(wanted(child) > given_to(child, parts) for child in node.children)


@given(trees(), small)
@settings(max_examples=300, deadline=None)
def test_floors_hold_among_siblings_when_there_is_enough_for_them(tree: Node, turn: int) -> None:
    parts = shares(tree, turn=turn)
    for node in nodes_of(tree):
        floors = [min(child.floor, wanted(child)) for child in node.children]
        if sum(floors) <= given_to(node, parts):
            for child, floor in zip(node.children, floors, strict=True):
                assert given_to(child, parts) >= floor


@given(trees(), small)
@settings(max_examples=300, deadline=None)
def test_who_is_below_its_share_is_not_envious(tree: Node, turn: int) -> None:
    """No sibling has more for its weight, by more than one unit, beside one that still wants; floors excepted."""
    parts = shares(tree, turn=turn)
    for node in nodes_of(tree):
        for poor in node.children:
            if given_to(poor, parts) >= wanted(poor):
                continue
            for rich in node.children:
                has = given_to(rich, parts)
                if has > rich.floor:
                    assert has / rich.weight <= (given_to(poor, parts) + 1) / poor.weight + 1e-9


@given(st.lists(leaves(None), min_size=1, max_size=6), small, small, st.data())
@settings(max_examples=300, deadline=None)
def test_a_higher_priority_never_gets_less(campaigns: list[Node], ceiling: int, turn: int, data: Any) -> None:
    campaigns = [replace(each, key=place) for place, each in enumerate(campaigns)]
    chosen = data.draw(st.integers(0, len(campaigns) - 1))
    before = shares(Node("engine", ceiling=ceiling, children=tuple(campaigns)), turn=turn)
    campaigns[chosen] = replace(campaigns[chosen], weight=campaigns[chosen].weight * 2)
    after = shares(Node("engine", ceiling=ceiling, children=tuple(campaigns)), turn=turn)
    assert after[chosen] >= before[chosen]


def test_a_floor_that_is_not_wanted_is_lent() -> None:
    idle, busy = Node("idle", demand=0, floor=5), Node("busy", demand=50)
    assert shares(Node("engine", ceiling=10, children=(idle, busy))) == {"idle": 0, "busy": 10}
    back = shares(Node("engine", ceiling=10, children=(replace(idle, demand=9), busy)))
    assert back == {"idle": 5, "busy": 5}


def test_a_huge_campaign_leaves_a_small_one_all_that_it_asks() -> None:
    parts = shares(Node("engine", ceiling=38, children=(Node("huge", 200_000, weight=2), Node("small", 10, weight=2))))
    assert parts == {"huge": 28, "small": 10}


def test_priorities_divide_one_two_four() -> None:
    low, normal, high = (Node(weight, 100, weight=weight) for weight in (1, 2, 4))
    assert shares(Node("engine", ceiling=70, children=(low, normal, high))) == {1: 10, 2: 20, 4: 40}


def test_equals_take_turns_at_what_cannot_be_divided() -> None:
    """Nobody starves: eight campaigns, one slot, eight seconds."""
    engine = Node("engine", ceiling=1, children=tuple(Node(each, 5) for each in range(8)))
    first = [key for second in range(8) for key, part in shares(engine, turn=second).items() if part]
    assert sorted(first) == list(range(8))
