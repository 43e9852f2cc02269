"""What every proof is made of: claims, each shown by tests in a process of their own, and one line per claim."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSED = r"\d+ passed[^\n]*"
Outcome = tuple[bool, str]
Claims = Mapping[str, tuple[str, Callable[[], Outcome]]]


def shown_by(*arguments: str, figures: str = PASSED, **environment: str) -> Callable[[], Outcome]:
    """Tests to run, and the pattern of what they print that is the claim's figure."""

    def prove() -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *arguments],
            cwd=ROOT, env=os.environ | {"CI": "true"} | environment, capture_output=True, text=True, timeout=3600, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        found = re.findall(figures, said) if done.returncode == 0 else re.findall(r"(?m)^(?:FAILED|ERROR|SUBFAILED) .*$", said)
        return done.returncode == 0, ", ".join(found) or said[-400:]

    return prove


def prove_all(claims: Claims, wanted: list[str]) -> int:
    """Print each claim with its figure; returns 1 when one fails, 2 when a wanted one is not known."""
    unknown = [name for name in wanted if name not in claims]
    if unknown:
        print(f"No such claim: {', '.join(unknown)}. There are: {', '.join(claims)}.", file=sys.stderr)
        return 2
    failed = 0
    for name, (title, prove) in claims.items():
        if wanted and name not in wanted:
            continue
        began = time.monotonic()
        passed, said = prove()
        failed += not passed
        print(f"{'holds ' if passed else 'FAILS '} {title}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if failed else 0
