"""PostgreSQL and Valkey for a test run or a single command, in a folder that goes when they go.

    python -m tests.services -- python manage.py makemigrations --check
    python -m tests.services --keep DIR -- pytest tests/core      # servers stay up in DIR for the next command
    python -m tests.services --stop DIR

Inside, DATABASE_URL, DATABASE_OWNER_URL, BROKER_URL and CACHE_URL point to the servers.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.local.places import Places, arrange
from config.local.postgres import APP, DATABASE, OWNER, find_postgres, postgres_url, start_postgres
from config.local.processes import born, end, server_account
from config.local.valkey import find_valkey, start_valkey, valkey_answers
from tests.seed import PASSWORD, plant

# The database, with all its tables, that a test database is copied from; unset: it is made from the migrations.
TEMPLATE = "TEST_DATABASE_TEMPLATE"


@contextmanager
def services(*, planted: bool = False) -> Iterator[dict[str, str]]:
    """Fresh servers in a temporary folder; yields the environment that points to them. `planted`: with all tables."""
    root = Path(tempfile.mkdtemp(prefix="sb-test-"))
    root.chmod(0o711)
    running: list[tuple[subprocess.Popen[bytes], int]] = []
    try:
        places = _start(root, running, outlive=False, planted=planted)
        yield environment(places) | ({TEMPLATE: DATABASE} if planted else {})
    finally:
        for server, sig in running:
            end(server, sig=sig)
        shutil.rmtree(root, ignore_errors=True)


def kept(root: Path) -> dict[str, str]:
    """Servers that stay up in `root`: started by whoever comes first."""
    state = root / "services.json"
    if state.exists():
        known = json.loads(state.read_text(), object_hook=_paths)
        places = Places(**known["places"])
        if all(born(pid) == start for pid, start in known["servers"]) and valkey_answers(places):
            return environment(places)
    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    running: list[tuple[subprocess.Popen[bytes], int]] = []
    places = _start(root, running, outlive=True)
    servers = [(server.pid, born(server.pid)) for server, _ in running]
    state.write_text(json.dumps({"places": asdict(places), "servers": servers}, default=str))
    return environment(places)


def stop(root: Path) -> None:
    """Stop the servers kept in `root`."""
    for pid, start in json.loads((root / "services.json").read_text())["servers"]:
        if born(pid) == start:
            os.kill(pid, signal.SIGINT)
    (root / "services.json").unlink()


def environment(places: Places, database: str = DATABASE) -> dict[str, str]:
    """What settings read to find the servers at `places`."""
    return {
        "DATABASE_URL": postgres_url(places, APP, PASSWORD, database),
        "DATABASE_OWNER_URL": postgres_url(places, OWNER, PASSWORD, database),
        "BROKER_URL": f"redis+socket://{places.valkey_socket}?virtual_host=0",
        "CACHE_URL": f"unix://{places.valkey_socket}?db=1",
    }


def _paths(found: dict[str, Any]) -> dict[str, Any]:
    return {name: Path(value) if isinstance(value, str) else value for name, value in found.items()}


def _start(
    root: Path, running: list[tuple[subprocess.Popen[bytes], int]], *, outlive: bool, planted: bool = False
) -> Places:
    account = server_account()
    program = find_postgres(account)
    places = arrange(root, major=program.major, account=account)
    if planted:
        plant(places, program, account)
    queue = start_valkey(find_valkey(), places, throwaway=True, outlive=outlive, output=subprocess.DEVNULL)
    running.append((queue, signal.SIGTERM))
    database = start_postgres(
        program,
        places,
        account=account,
        passwords=dict.fromkeys(("postgres", OWNER, APP), PASSWORD),
        throwaway=True,
        outlive=outlive,
        output=subprocess.DEVNULL,
    )
    running.append((database, signal.SIGINT))
    return places


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.services", description="Run a command with test servers.")
    parser.add_argument("--keep", type=Path, help="leave the servers running in this folder")
    parser.add_argument("--stop", type=Path, help="stop the servers of that folder")
    parser.add_argument("command", nargs="*")
    options = parser.parse_args()
    if options.stop:
        stop(options.stop.resolve())
        return 0
    if options.keep:
        return subprocess.call(options.command, env=os.environ | kept(options.keep.resolve()))
    with services() as found:
        return subprocess.call(options.command, env=os.environ | found)


if __name__ == "__main__":
    sys.exit(main())
