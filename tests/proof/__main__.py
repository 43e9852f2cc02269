"""`make proof-first-calls`: each claim about the first calls, with its figure; exit 1 when one fails.

    python -m tests.proof            all claims
    python -m tests.proof job crash  some of them
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.proof.crash import prove_crash
from tests.proof.fresh import prove_fresh

ROOT = Path(__file__).resolve().parents[2]
Claim = tuple[bool, str]


def run_pytest(*arguments: str) -> tuple[bool, str]:
    """Run some tests in a process of their own; returns whether they passed, and what they printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT, env=os.environ | {"CI": "true"}, capture_output=True, text=True, timeout=1800, check=False,
    )  # fmt: skip
    return done.returncode == 0, done.stdout + done.stderr


def figure(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    return ", ".join(found) if found else text[-400:]


def prove_job() -> Claim:
    passed, said = run_pytest("tests/browser/test_main_job.py")
    return passed, figure(r"^main job: .*$".replace("^", "(?m)^"), said)


def prove_import() -> Claim:
    passed, said = run_pytest("tests/campaigns/test_leadfile.py")
    return passed, figure(r"\d+ passed[^\n]*", said)


def prove_walk() -> Claim:
    passed, said = run_pytest("tests/test_isolation.py", "tests/test_policies.py", "tests/test_architecture.py")
    return passed, figure(r"(?m)walk: [^\n]*|\d+ passed[^\n]*", said)


def prove_crawl() -> Claim:
    passed, said = run_pytest("tests/browser/test_crawl.py")
    return passed, figure(r"\d+ pages at \d+ px, \w+", said)


def prove_engine() -> Claim:
    passed, said = run_pytest("tests/engines", "tests/calls")
    return passed, figure(r"\d+ passed[^\n]*", said)


def prove_orders() -> Claim:
    passed, said = run_pytest("tests/calls/test_events.py", "-m", "proof")
    return passed, figure(r"\d+ passed[^\n]*", said)


CLAIMS: dict[str, tuple[str, Callable[[], Claim]]] = {
    "fresh": ("Both commands in a fresh clone with empty caches", lambda: prove_fresh(ROOT)),
    "job": ("The main job in a browser, from sign-in to transcript", prove_job),
    "import": ("A real leads file imports to exactly what is expected", prove_import),
    "crash-a": ("900 leads, workers killed, an engine that honours keys", lambda: prove_crash("A")),
    "crash-b": ("900 leads, workers killed, an engine that can only be listed", lambda: prove_crash("B")),
    "walk": ("Every page and operation, as every stranger", prove_walk),
    "crawl": ("Every page: console, policy, axe, layout shift", prove_crawl),
    "orders": ("All 720 orders of a call's six events give the same call, booking and deliveries", prove_orders),
    "engine": ("Dialling, events and the sandbox", prove_engine),
}


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in CLAIMS]
    if unknown:
        print(f"No such claim: {', '.join(unknown)}. There are: {', '.join(CLAIMS)}.", file=sys.stderr)
        return 2
    failed = 0
    for name, (title, prove) in CLAIMS.items():
        if wanted and name not in wanted:
            continue
        began = time.monotonic()
        passed, said = prove()
        failed += not passed
        print(f"{'holds ' if passed else 'FAILS '} {title}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
