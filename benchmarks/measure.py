"""How a ratio is made: limit and ours in turns, at least three rounds, the median of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

ROUNDS = 3


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleaved(limit: Callable[[], float], ours: Callable[[], float]) -> tuple[float, float]:
    """The medians of both over alternating rounds; each call returns its own figure."""
    pairs = [(limit(), ours()) for _round in range(ROUNDS)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def line(
    name: str, ours: float, limit: float, unit: str, *, at_least: float | None = None, at_most: float | None = None
) -> str:
    ratio = ours / limit
    goal = f"goal at least {at_least}" if at_least is not None else f"goal at most {at_most}"
    met = ratio >= at_least if at_least is not None else ratio <= (at_most or 0)
    return f"{name}: {ours:,.1f} {unit} against a limit of {limit:,.1f}: ratio {ratio:.2f} ({goal}: {'met' if met else 'not met'})"
