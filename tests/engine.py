"""The sandbox engine as a real process for tests: instant clock, its own folder, one per test session.

A `TestCase` takes it with `engine = Sandbox.shared()`; a plain test with the fixture `sandbox`.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.core.scope import Scope, acting
from apps.voice.models import Connection, new_secret

ROOT = Path(__file__).resolve().parent.parent
KEY = "sandbox-test-key"


def free_port() -> int:
    """A free port below the range that the kernel hands out by itself."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Sandbox:
    """One process of the sandbox. `stop`, `start` and `kill` keep its folder, so rings and calls survive."""

    _shared: Sandbox | None = None

    def __init__(self, *, clock: float = 0, seed: int = 1) -> None:
        self.key, self.clock, self.seed, self.port = KEY, clock, seed, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="sb-engine-"))
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    @classmethod
    def shared(cls) -> Sandbox:
        """The session's sandbox, running and without faults."""
        if cls._shared is None:
            cls._shared = cls()
        if not cls._shared.is_running:
            cls._shared.start()
        cls._shared.faults()
        return cls._shared

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        command = [sys.executable, "-m", "engines.sandbox", "--port", str(self.port), "--key", self.key]
        command += ["--data", str(self.folder), "--clock", str(self.clock), "--seed", str(self.seed)]
        output = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=dict(os.environ))
        output.close()
        deadline = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def close(self) -> None:
        if self.is_running:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def faults(self, **settings: Any) -> dict[str, Any]:
        """Order faults (engine 8); without any, all are off. `class_="B"` stands for `class`."""
        if "class_" in settings:
            settings["class"] = settings.pop("class_")
        return self._call("PUT", "/simulate/faults", json=settings)

    def rings(self, *, reference: str | None = None, to: str | None = None) -> list[dict[str, Any]]:
        """The ring log, oldest first: the judge of every claim about dialling."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", "/simulate/rings", params={"limit": 1000, "offset": len(found)})
            found += page["rings"]
            if len(found) >= page["total"] or not page["rings"]:
                break
        return [ring for ring in found if reference in (None, ring["reference"]) and to in (None, ring["to"])]

    def connection(self, **fields: Any) -> Connection:
        """A row that makes this sandbox the installation's connection, with what it announces already known."""
        values = {"name": "Sandbox", "base_url": self.url, "api_key": self.key, "hook_secret": new_secret()} | fields
        values.setdefault("engine", self._call("GET", "/engine"))
        with acting(Scope((fields["organization"].pk,) if fields.get("organization") else ())):
            return Connection.objects.create(**values)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, self.url + path, headers=headers, timeout=10, trust_env=False, **options)
        answer.raise_for_status()
        return answer.json()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=1, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _end(self, sig: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(sig)
            self._process.wait(10)
        self._process = None


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox.shared()
