"""The claims about campaigns: nobody is called twice, nobody outside the hours, and every lead says why.

The long runs (10,000 leads, 500 workers killed) are `make proof-campaigns-long`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

from tests.proof.crash import prove_crash
from tests.proof.run import PASSED, ROOT, Claims, Outcome, shown_by

# Also those that `make test` leaves to the proofs.
ALL = ("-m", "proof or not proof")
NIGHTS = ("europe-spring", "europe-autumn", "america-spring", "america-autumn")


def said_by(module: str, *arguments: str, seconds: int = 3600) -> Callable[[], Outcome]:
    """A program with servers of its own whose last line begins with "holds" or "FAILS"."""

    def prove() -> Outcome:
        done = _run(module, *arguments, seconds=seconds)
        lines = re.findall(r"(?m)^(?:holds|FAILS)[: ].*$", done.stdout)
        return done.returncode == 0 and bool(lines), lines[-1][6:].lstrip(": ") if lines else (done.stderr or done.stdout)[-400:]

    return prove


def benchmark(name: str) -> Callable[[], Outcome]:
    """A benchmark alone; it holds when each of its ratios meets the goal."""

    def prove() -> Outcome:
        done = _run("benchmarks", name, seconds=1800)
        lines = [line for line in done.stdout.splitlines() if "ratio" in line]
        met = bool(lines) and all("not met" not in line for line in lines)
        return done.returncode == 0 and met, "; ".join(lines) or done.stderr[-400:]

    return prove


def simulated(leads: int, *nights: str) -> Callable[[], Outcome]:
    """The simulator over each night, with an engine of each class in turn."""

    def prove() -> Outcome:
        outcomes = [
            said_by("tests.simulator", night, "--leads", str(leads), "--seed", str(place + 1), "--kind", "ABC"[place % 3])()
            for place, night in enumerate(nights)
        ]
        return all(passed for passed, _said in outcomes), "\n       ".join(said for _passed, said in outcomes)

    return prove


def _run(module: str, *arguments: str, seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.services", "--", sys.executable, "-m", module, *arguments],
        cwd=ROOT, env=os.environ | {"DEVELOPMENT": "1"}, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


EVERYTHING = ("worker", "child", "broker", "database")
CLAIMS: Claims = {
    "simulator": (
        "Four nights on which clocks change, workers killed anywhere, answers and events lost",
        simulated(300, *NIGHTS),
    ),
    "history": (
        "The same seed gives the same history",
        shown_by("tests/campaigns/test_simulator.py", *ALL, "-k", "history", figures=rf"histories: .*|{PASSED}"),
    ),
    "processes": (
        "Real processes: workers and pool processes killed, the broker emptied, the database restarted",
        lambda: prove_crash("A", leads=300, least_kills=12, harms=EVERYTHING),
    ),
    "look-up": (
        "The same at an engine that can only be listed",
        lambda: prove_crash("B", leads=300, least_kills=12, harms=EVERYTHING),
    ),
    "doubt": (
        "The same at an engine that can tell nothing: never a second ring, every doubt listed",
        lambda: prove_crash("C", leads=300, least_kills=12, harms=EVERYTHING),
    ),
    "stop": ("R2: pause, cancel, refusal and an empty wallet act within a second", said_by("tests.proof.stop_at_once")),
    "take-over": ("R3: the work of a killed worker goes on after its lease", said_by("tests.proof.take_over")),
    "lines": ("R8: lines of calls whose end was lost are free again within a minute", said_by("tests.proof.lines")),
    "gate": ("R14: the legal gate against an independent, slow oracle", said_by("tests.proof.legal_gate", "--count", "100000")),
    "rules": (
        "Zones, windows, holidays, clock changes, rule packs, consent",
        shown_by(*(f"tests/campaigns/test_{name}.py" for name in ("window", "rules_hours", "rules_places", "rules_pages", "gates"))),
    ),
    "refusals": (
        "Who must not be called: lists, opt-out in a call, limits by number, toll fraud",
        shown_by("tests/calls/test_refusal_pages.py", "tests/calls/test_opt_out.py", "tests/calls/test_by_number.py",
                 "tests/calls/test_allowed.py", "tests/campaigns/test_same_number.py"),
    ),
    "dialler": (
        "Claims, races, brakes, retries, shares and starts",
        shown_by("tests/campaigns/test_tick.py", "tests/campaigns/test_races.py", "tests/campaigns/test_brakes.py",
                 "tests/campaigns/test_retries.py", "tests/campaigns/test_outcomes.py", "tests/campaigns/test_pacing_shares.py",
                 "tests/calls/test_slots.py", "tests/calls/test_dial.py", "tests/calls/test_quiet.py"),
    ),
    "intake": (
        "Files, undo, and leads from a customer's system",
        shown_by("tests/campaigns/test_leadfile.py", "tests/campaigns/test_imports.py", "tests/campaigns/test_hooks.py"),
    ),
    "pages": (
        "Before, while and after: forecast, live page, results, report, comparison",
        shown_by("tests/campaigns", "-k", "forecast or views or results or report or comparison or form or variants"),
    ),
    "tick": ("P1: the claim with every gate against a bare one", benchmark("tick")),
    "bloat": ("P2: the claim stays flat while a transaction is left open", benchmark("bloat")),
    "latency": ("P3: from due to the request on the wire", benchmark("latency")),
    "pacing": ("P4: starts per rolling window: never over, nearly all used", benchmark("pacing")),
    "leads": ("P11: 100,000 leads imported", benchmark("leads")),
}  # fmt: skip
LONG: Claims = {
    "simulator": ("10,000 leads over thirty zones, a night each in spring and autumn", simulated(10_000, NIGHTS[0], NIGHTS[3])),
    "keys": (
        "R1: 10,000 leads and 500 processes killed, an engine that honours keys",
        lambda: prove_crash("A", leads=10_000, least_kills=500, max_attempts=1, harms=("child",)),
    ),
    "look-up": (
        "R1: the same at an engine that can only be listed",
        lambda: prove_crash("B", leads=10_000, least_kills=500, max_attempts=1, harms=("child",)),
    ),
    "doubt": (
        "R1: the same at an engine that can tell nothing",
        lambda: prove_crash("C", leads=10_000, least_kills=500, max_attempts=1, harms=("child",)),
    ),
}
