"""Schemathesis over the running API: thousands of requests made from the description, in and out of its bounds.

It fails on a server error, and on an answer that is not described: its status, its type, its headers, its shape.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "ignored_auth", "unsupported_method", "use_after_free", "ensure_resource_availability",
)  # fmt: skip
# (phases, seconds after which no new case is begun): fuzzing goes round all operations, and stateful along their links, until
# the time is spent.
QUICK = ((("examples", "fuzzing"), 80), (("stateful",), 20))
ALL = ((("examples", "coverage"), 1200), (("fuzzing",), 900), (("stateful",), 120))


@dataclass(frozen=True)
class Fuzzed:
    """`reached`: the operations that answered 2xx at least once; `said`: what schemathesis printed."""

    passed: bool
    cases: int
    operations: int
    statuses: Counter[int]
    reached: frozenset[str]
    said: str


def fuzz(
    url: str, key: str, *, examples: int, runs: Sequence[tuple[Sequence[str], int]] = QUICK, seed: int = 1
) -> Fuzzed:
    """Every operation of the server at `url`, with an API key whose limit is high enough.

    Args:
        examples: cases per operation and phase.
        runs: QUICK for a test, ALL for a proof.
    """
    found = [_run(url, key, seconds, examples, phases, seed) for phases, seconds in runs]
    return Fuzzed(
        passed=all(each.passed for each in found),
        cases=sum(each.cases for each in found),
        operations=max(each.operations for each in found),
        statuses=sum((each.statuses for each in found), Counter()),
        reached=frozenset().union(*(each.reached for each in found)),
        said="\n".join(each.said for each in found),
    )


def _run(url: str, key: str, seconds: int, examples: int, phases: Sequence[str], seed: int) -> Fuzzed:
    with tempfile.TemporaryDirectory(prefix="sb-fuzz-") as folder:
        command = [
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json", "-H", f"Authorization: Bearer {key}",
            "--checks", ",".join(CHECKS), "--phases", ",".join(phases), "--max-examples", str(examples),
            "--seed", str(seed), "--workers", "2", "--max-time", str(seconds), "--continue-on-failure",
            "--no-shrink", "--suppress-health-check", "all", "--request-timeout", "30",
            "--report", "ndjson", "--report-dir", folder,
        ]  # fmt: skip
        environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz_hooks", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds + 300, check=False
        )
        found = list(_exchanges(Path(folder)))
    statuses = Counter(status for _label, status in found)
    tried = {label for label, _status in found if label}
    reached = frozenset(label for label, status in found if label and 200 <= status < 300)
    return Fuzzed(done.returncode == 0, len(found), len(tried), statuses, reached, done.stdout + done.stderr)


def _exchanges(folder: Path) -> Iterator[tuple[str, int]]:
    """(operation, status) of every request that was answered."""
    for path in folder.glob("*.ndjson"):
        for line in path.read_text().splitlines():
            recorder: dict[str, Any] = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            cases = {name: case["value"] for name, case in recorder.get("cases", {}).items()}
            for name, exchange in recorder.get("interactions", {}).items():
                if exchange.get("response"):
                    case = cases.get(name)
                    yield f"{case['method']} {case['path']}" if case else "", exchange["response"]["status_code"]
