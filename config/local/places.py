"""Where the embedded servers keep their files, and what their account may reach."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.local.processes import Account, StartError, as_account

SHARED = Path("/var/lib/switchboard")  # only as root: what PostgreSQL's account must reach
SOCKET_LIMIT = 100  # sun_path holds 108 bytes
# "system" passes the wheels by, for a machine that they do not fit.
ONLY_SYSTEM = "SWITCHBOARD_SERVERS"


@dataclass(frozen=True)
class Places:
    """Where the embedded servers keep their files. `moved` when PostgreSQL's account could not reach DATA_DIR."""

    postgres: Path
    postgres_socket: Path
    valkey: Path
    valkey_socket: Path
    moved: bool = False


def arrange(root: Path, *, major: int, account: Account | None) -> Places:
    """Make the servers' folders under `root`; where `account` cannot reach it, PostgreSQL's under /var/lib/switchboard.

    The move is remembered as a link, so that one DATA_DIR always means one database.
    """
    data, run = root / f"pg{major}", root / "run"
    run.mkdir(mode=0o755, parents=True, exist_ok=True)
    (root / "valkey").mkdir(mode=0o700, exist_ok=True)
    tag = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    reachable = may(account, "-x", run)
    if account and not reachable and (data / "PG_VERSION").exists() and not data.is_symlink():
        raise StartError(
            f"PostgreSQL runs as {account.name} and cannot enter {root}: start as the owner of that folder, "
            "or move it to where everybody may enter."
        )
    if account and not reachable and not data.is_symlink():
        (SHARED / tag).mkdir(mode=0o755, parents=True, exist_ok=True)
        # A fresh name: whoever deleted DATA_DIR to start anew must not meet the old database under new passwords.
        data.symlink_to(SHARED / tag / f"{data.name}-{secrets.token_hex(4)}")
    sockets = run if reachable else SHARED / tag
    if len(str(sockets / "pg" / ".s.PGSQL.5432")) > SOCKET_LIMIT:
        sockets = _short_folder(tag)
    give(sockets / "pg", account)
    valkey_socket = run if len(str(run / "valkey.sock")) <= SOCKET_LIMIT else _short_folder(tag)
    return Places(
        postgres=data.resolve(),
        postgres_socket=sockets / "pg",
        valkey=root / "valkey",
        valkey_socket=valkey_socket / "valkey.sock",
        moved=data.is_symlink(),
    )


def only_system() -> bool:
    """Whether the wheels are to be passed by."""
    return os.environ.get(ONLY_SYSTEM) == "system"


def may(account: Account | None, right: str, path: Path) -> bool:
    if not account:
        return True
    command = ["test", right, str(path)]
    return not subprocess.run(command, cwd="/", **as_account(account)).returncode


def runs(program: Path) -> str:
    """What a program says of its version; empty when it does not run here (another processor, another C library)."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def give(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        os.chown(folder, account.uid, account.gid)


def environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}


def _short_folder(tag: str) -> Path:
    folder = Path("/tmp") / f"switchboard-{os.geteuid()}-{tag}"  # noqa: S108 ownership is checked
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o711)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise StartError(f"{folder} belongs to somebody else: remove it, or set DATA_DIR to a shorter path.")
    return folder
