"""The simulator in small, for `make proof-campaigns`: a clock of our own, an engine that breaks, workers that die, and the same history twice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def simulate(*arguments: str) -> tuple[int, str]:
    """Exit code and the line that it says."""
    command = [sys.executable, "-m", "tests.services", "--", sys.executable, "-m", "tests.simulator", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=900, check=False)
    return done.returncode, (done.stdout.strip().splitlines() or [done.stderr[-2000:]])[-1]


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_nobody_is_rung_twice_or_outside_the_window_whatever_dies() -> None:
    code, said = simulate("europe-spring", "--kind", "B", "--seed", "11", "--leads", "24")
    print(said)
    assert code == 0, said
    assert said.startswith("holds: ")


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_the_same_seed_gives_the_same_history() -> None:
    histories = [re.findall(r"history (\w+)", simulate("europe-autumn", "--seed", "5", "--leads", "90")[1]) for _run in range(2)]
    print(f"histories: {histories[0][0]} and {histories[1][0]}")
    assert histories[0] == histories[1]
    assert len(histories[0]) == 1
