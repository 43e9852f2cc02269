"""`make run` as a test drives it: its own data folder, its own port, what it printed, whom it started."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from config.local.processes import born, wait_until

ROOT = Path(__file__).resolve().parents[2]
OURS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "BROKER_URL",
    "CACHE_URL",
    "DJANGO_SETTINGS_MODULE",
    "CI",
    "DATABASE_POOL",
    "DEVELOPMENT",
    "SANDBOX",
    "SECURE_COOKIES",
)


def environment(**changes: str) -> dict[str, str]:
    """The environment of a person at a terminal: without what the test run set for itself."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | changes


def command(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `config.stack` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "config.stack", *arguments],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Running:
    """One start of the stack. Ends with `close`, whatever happened in between."""

    def __init__(self, data: Path, port: int, **changes: str) -> None:
        self.data, self.port = data, port
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.stack"],
            cwd=ROOT,
            env=environment(DATA_DIR=str(data), PORT=str(port), **changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def wait_ready(self, seconds: float = 100) -> None:
        wait_until(lambda: "ready after" in self.said or self.process.poll() is not None, seconds=seconds)
        assert "ready after" in self.said, self.said

    def status(self, path: str = "/") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers={"Host": f"localhost:{self.port}"})
        return connection.getresponse().status

    def children(self) -> dict[str, int]:
        state = json.loads((self.data / "run" / "stack.json").read_text())
        return {name: pid for name, (pid, _) in state["children"].items()}

    def family(self) -> set[int]:
        """The supervisor and all that descend from it."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(40)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())


def gone(pids: set[int], seconds: float = 15) -> bool:
    """Whether every one of these processes ends within the time."""
    return wait_until(lambda: not any(born(pid) for pid in pids), seconds=seconds)
