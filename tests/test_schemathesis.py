"""No server error and no answer that is not described, over all operations and the links between them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.openapi_document import base_document
from config.local.ports import free_port
from tests.fuzz import ALL, QUICK, fuzz
from tests.seed import plant_for_stack
from tests.stack.running import Running

# FUZZ=all: every phase and more examples, up to 40 minutes (`FUZZ=all make proof-api`).
RUNS, EXAMPLES = (ALL, 5) if os.environ.get("FUZZ") == "all" else (QUICK, 1)
ALWAYS_REACHED = 50  # operations that answer 2xx even on a slow machine; the others need a key of a provider or a running call


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """The whole stack with its sandbox, as a customer's program meets it."""
    with tempfile.TemporaryDirectory(prefix="sb-fuzzed-") as name:
        Path(name).chmod(0o711)
        plant_for_stack(Path(name) / "var")
        found = Running(
            Path(name) / "var", free_port(24500 + os.getpid() % 2000), SANDBOX_CLOCK="0", LOG_LEVEL="WARNING",
            API_REQUESTS_PER_MINUTE="1000000",
        )  # fmt: skip
        try:
            found.wait_ready(120)
            yield found
        finally:
            found.close()
            print("\n".join(found.lines[-80:]))


@pytest.mark.timeout(600 if RUNS is QUICK else 3000)  # the stack starts first; the machine may be busy
def test_schemathesis_finds_nothing(running: Running) -> None:
    said = dict(re.findall(r"^  (Switchboard|API key) +(\S+)$", running.said, re.M))
    found = fuzz(said["Switchboard"], said["API key"], examples=EXAMPLES, runs=RUNS)
    print(f"\nschemathesis: {found.cases} cases, {found.operations} operations, {len(found.reached)} of them answered 2xx")
    assert found.passed, found.said[-8000:]
    assert found.operations == sum(len(item) for item in base_document()["paths"].values())
    assert len(found.reached) >= ALWAYS_REACHED
    assert set(found.statuses) >= {200, 201, 400, 401, 404}
    assert "Stateful" in found.said
