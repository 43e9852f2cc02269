"""A fresh clone in an empty folder with empty caches: `make run` twice and `make test`, with their times."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from config.local.ports import free_port

FIRST_SECONDS, SECOND_SECONDS = 60, 10


def prove_fresh(root: Path, *, tests: str = "") -> tuple[bool, str]:
    """Clone what is committed, start it twice, run its tests (`tests` chooses some). Returns verdict and figures."""
    with tempfile.TemporaryDirectory(prefix="sb-fresh-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        clone = folder / "switchboard"
        subprocess.run(["git", "clone", "-q", str(root), str(clone)], check=True)
        environment = _clean(folder)
        first, second = _start(clone, environment), _start(clone, environment)
        began = time.monotonic()
        done = subprocess.run(
            ["make", "test", *([f"ARGS={tests}"] if tests else [])],
            cwd=clone, env=environment, capture_output=True, text=True, timeout=1800, check=False,
        )  # fmt: skip
        seconds = time.monotonic() - began
        count = (re.findall(r"\d+ passed[^\n]*", done.stdout) or [done.stdout[-400:] + done.stderr[-400:]])[-1]
        passed = first <= FIRST_SECONDS and second <= SECOND_SECONDS and done.returncode == 0
        return passed, f"page after {first:.0f} s and {second:.1f} s; make test {seconds:.0f} s, {count.strip()}"


def _clean(folder: Path) -> dict[str, str]:
    """A person's environment: no caches, nothing this run set for itself."""
    ours = ("DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "CACHE_URL", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"UV_CACHE_DIR": str(folder / "uv"), "PIP_CACHE_DIR": str(folder / "pip"), "CI": "", "MAKEFLAGS": ""}


def _start(clone: Path, environment: dict[str, str]) -> float:
    """Seconds from `make run` to the first page; ends it again."""
    port = free_port(30500)
    began = time.monotonic()
    process = subprocess.Popen(
        ["make", "run"], cwd=clone, env=environment | {"PORT": str(port)}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while time.monotonic() - began < 180 and process.poll() is None:
            if _answers(port):
                return time.monotonic() - began
            time.sleep(0.1)
        return float("inf")
    finally:
        subprocess.run(["make", "stop"], cwd=clone, env=environment, capture_output=True, timeout=60, check=False)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/accounts/login", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except OSError:
        return False
