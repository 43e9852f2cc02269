"""A database that holds all tables, made once for this state of the migrations and copied by everybody who starts a server.

Each migration draws all models anew, so that together they take half a minute of a core; a copy takes a moment. What is
about the first start itself (tests/stack) goes without.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from config.local.data_dir import SECRETS
from config.local.places import Places, arrange
from config.local.postgres import APP, OWNER, Postgres, find_postgres, postgres_url, start_postgres
from config.local.processes import Account, StartError, end, server_account

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "test"
KEPT = 6  # seeds of the last states, 70 MB each


def plant(places: Places, program: Postgres, account: Account | None) -> None:
    """Copy the seed to where a server is about to be started for the first time. Its superuser's password is PASSWORD."""
    seed = _seed(program, account)
    if not (places.postgres / "PG_VERSION").exists():
        shutil.rmtree(places.postgres, ignore_errors=True)
        _copy(seed, places.postgres)


def plant_for_stack(data: Path) -> None:
    """The same for the DATA_DIR of a `make run` that has not started yet: it still makes its own keys and first account."""
    account = server_account()
    program = find_postgres(account)
    data.mkdir(parents=True, exist_ok=True)
    plant(arrange(data, major=program.major, account=account), program, account)
    (data / SECRETS).touch(mode=0o600)
    (data / SECRETS).write_text(json.dumps({"postgres": PASSWORD}))


def _seed(program: Postgres, account: Account | None) -> Path:
    folder = _folder()
    seed = folder / _name(program)
    with (folder / f"{seed.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not seed.exists():
            _make(seed, program, account)
            _forget_old(folder)
        os.utime(lock.name)
    return seed


def _forget_old(folder: Path) -> None:
    found = sorted(folder.glob("pg*.lock"), key=lambda path: path.stat().st_mtime, reverse=True)
    for lock in found[KEPT:]:
        shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink(missing_ok=True)


def _folder() -> Path:
    """Ours alone, for tests of several checkouts."""
    folder = Path(tempfile.gettempdir()) / f"switchboard-seeds-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise StartError(f"{folder} belongs to somebody else: remove it.")
    return folder


def _name(program: Postgres) -> str:
    """All that the tables come from: our migrations, their SQL and operations, those of the libraries, and PostgreSQL. What
    follows the models alone (permissions) every `migrate` makes good, also one that has nothing else to do."""
    digest = hashlib.sha256()
    found = [*(ROOT / "apps").glob("*/migrations/*.py"), *(ROOT / "apps").rglob("*.sql")]
    found += [*(ROOT / "apps/core/postgres").glob("*.py"), *(ROOT / "config").glob("settings*.py"), ROOT / "requirements/run.lock"]
    for path in sorted(found):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    version = subprocess.run([program.bin / "postgres", "--version"], capture_output=True, check=True).stdout
    return f"pg{program.major}-{hashlib.sha256(digest.digest() + version).hexdigest()[:20]}"


def _make(seed: Path, program: Postgres, account: Account | None) -> None:
    with tempfile.TemporaryDirectory(prefix="sb-seed-") as name:
        Path(name).chmod(0o711)
        places = arrange(Path(name), major=program.major, account=account)
        passwords = dict.fromkeys(("postgres", OWNER, APP), PASSWORD)
        server = start_postgres(
            program, places, account=account, passwords=passwords, throwaway=True, output=subprocess.DEVNULL
        )
        try:
            _migrate(places)
        finally:
            end(server, sig=signal.SIGINT)
        part = seed.with_name(f"part-{seed.name}")
        shutil.rmtree(part, ignore_errors=True)
        _copy(places.postgres, part)
        part.rename(seed)


def _migrate(places: Places) -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": postgres_url(places, APP, PASSWORD),
        "DATABASE_OWNER_URL": postgres_url(places, OWNER, PASSWORD),
    }
    command = [sys.executable, "manage.py", "migrate", "--database", "owner", "--verbosity", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise StartError(f"The tables could not be made:\n{done.stderr[-3000:]}")


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)
