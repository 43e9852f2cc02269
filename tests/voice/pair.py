"""Two whole installations: one is the other's voice engine, over real HTTP and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from config.local.processes import wait_until
from tests.seed import plant_for_stack
from tests.stack.running import ROOT, Running

ALLOWED = "127.0.0.0/8,::1/128"


class Installation:
    """One `make run` with one organization. `call` speaks to its API with that organization's key."""

    def __init__(self, data: Path, port: int, **environment: str) -> None:
        self.port = port
        plant_for_stack(data)
        self.running = Running(
            data, port, DEMO="0", SANDBOX_CLOCK="0", LOG_LEVEL="WARNING", WEBHOOK_ALLOWED_NETWORKS=ALLOWED,
            API_REQUESTS_PER_MINUTE="100000", BILL_SIMULATED_CALLS="1", **environment,
        )  # fmt: skip

    def begin(self, name: str) -> None:
        """Wait until it serves, then make its organization with credits."""
        self.running.wait_ready(120)
        made = json.loads(self.manage("create_organization", name, "--owner", "owner@example.org", "--json"))
        self.key, self.slug, self.organization_id = made["api_key"], made["slug"], made["organization_id"]
        self.manage("add_credits", self.slug, "1000", "--note", "proof")

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}/api/v1"

    @property
    def environment(self) -> dict[str, str]:
        """What the web process of this installation was started with."""
        pid = self.running.children()["web"]
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def manage(self, *arguments: str) -> str:
        return self._run(sys.executable, "manage.py", *arguments)

    def connect(self, upstream: Installation) -> None:
        """Let this installation's organization use the other one's as its voice engine."""
        self._run(sys.executable, "-m", "tests.voice.stage", self.organization_id, upstream.base_url, upstream.key)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, self.base_url + path, json=body, headers=headers, timeout=20, trust_env=False)
        assert answer.status_code < 300, (method, path, answer.status_code, answer.text)
        return answer.json()

    def rings(self) -> list[dict[str, Any]]:
        """The ring log of this installation's sandbox: what was really dialled."""
        there = self.environment
        headers = {"Authorization": f"Bearer {there['SANDBOX_KEY']}"}
        url = f"{there['SANDBOX_URL']}/simulate/rings"
        found = httpx.get(url, params={"limit": 1000}, headers=headers, timeout=10, trust_env=False).json()
        assert found["total"] <= 1000
        rings: list[dict[str, Any]] = found["rings"]
        return rings

    def close(self) -> None:
        self.running.close()

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return re.sub(r"\A[^{]*(?={)", "", done.stdout)


def seconds_until(what: Callable[[], Any], most: float) -> float:
    """How long it took until `what()` was true. Fails when that takes longer than `most` seconds."""
    began = time.monotonic()
    assert wait_until(what, seconds=most), f"not within {most} s"
    return time.monotonic() - began
