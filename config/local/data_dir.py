"""DATA_DIR: everything one installation of `make run` keeps. One folder, one running stack, one set of secrets."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import re
import secrets
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from config.local.postgres import APP, OWNER
from config.local.processes import StartError, born, wait_until

STATE = Path("run/stack.json")
LOCK = Path("run/stack.lock")
SECRETS = Path("secrets.json")
UNANNOUNCED = Path("run/unannounced")  # there from the first database on until its login was printed


def open_data_dir(root: Path) -> None:
    """Create DATA_DIR and make sure that it takes files. Raises StartError."""
    try:
        (root / "run").mkdir(parents=True, exist_ok=True)
        probe = root / "run" / ".probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"Nothing can be written to {root} ({error.strerror}): set DATA_DIR to a folder that is yours."
        ) from error


def take(root: Path) -> IO[str]:
    """Hold DATA_DIR until the returned file closes; the kernel lets go even after kill -9. Raises StartError."""
    lock = (root / LOCK).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        address = read_state(root).get("address", "an address it has not yet printed")
        raise StartError(f"Switchboard already runs in {root} at {address}: run make stop first.") from error
    return lock


def held(root: Path) -> bool:
    """Whether a stack runs in this DATA_DIR."""
    with contextlib.suppress(StartError, OSError):
        take(root).close()
        return False
    return (root / LOCK).exists()


def read_state(root: Path) -> dict:
    """What the running stack, or the last one, wrote down: pid, address, children (name to [pid, start])."""
    try:
        return dict(json.loads((root / STATE).read_text()))
    except (OSError, ValueError):
        return {}


def write_state(root: Path, *, address: str, children: Mapping[str, int]) -> None:
    """Write down who runs, for `make stop` and for the start after a kill -9."""
    known = {name: [pid, born(pid)] for name, pid in children.items()}
    state = {"pid": os.getpid(), "born": born(os.getpid()), "address": address, "children": known}
    part = (root / STATE).with_suffix(".part")
    part.write_text(json.dumps(state))
    part.replace(root / STATE)


def end_orphans(root: Path, *, patience: float = 10) -> None:
    """Wait for what a killed stack left behind, which was told to end by the kernel, then insist."""
    left = [pid for pid, start in read_state(root).get("children", {}).values() if start and born(pid) == start]
    if not wait_until(lambda: not any(born(pid) for pid in left), seconds=patience if left else 0):
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        wait_until(lambda: not any(born(pid) for pid in left), seconds=5)


def load_secrets(root: Path) -> dict[str, str]:
    """The keys and passwords of this installation, made once, readable by its owner alone.

    Raises StartError when they are gone while the database is there: new keys could not read it.
    """
    path = root / SECRETS
    try:
        known: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        if any(root.glob("pg*/PG_VERSION")):
            raise StartError(
                f"{path} is missing but the database is there: put it back from your backup (it holds the keys), "
                "or start with another DATA_DIR."
            ) from None
        known = {}
    except (OSError, ValueError) as error:
        raise StartError(f"{path} cannot be read: put it back from your backup.") from error
    missing = {name: make() for name, make in FRESH.items() if name not in known}
    if missing:
        known |= missing
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    return known


def check_major(root: Path, major: int) -> None:
    """Refuse a database that another PostgreSQL wrote: started on it, the server would only die."""
    ours = root / f"pg{major}" / "PG_VERSION"
    others = sorted(root.glob("pg*/PG_VERSION"))
    for file in [ours] if ours.exists() else others:
        written = re.sub(r"\D.*", "", file.read_text().strip()) or "?"
        if written != str(major):
            raise StartError(
                f"{file.parent} was written by PostgreSQL {written}, this installation runs PostgreSQL {major}: "
                f"dump it with version {written} and restore, or start with another DATA_DIR."
            )


def _signing_key() -> str:
    """An RSA key as settings read it: PKCS #8 in base64, on one line."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return base64.b64encode(der).decode()


# Made one by one where missing: an RSA key costs a tenth of a second.
FRESH: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "MASTER_KEYS": lambda: f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    "OAUTH_SIGNING_KEY": _signing_key,
    "SANDBOX_KEY": lambda: secrets.token_urlsafe(32),
    "postgres": lambda: secrets.token_urlsafe(24),
    OWNER: lambda: secrets.token_urlsafe(24),
    APP: lambda: secrets.token_urlsafe(24),
}
