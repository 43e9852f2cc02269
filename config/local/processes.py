"""Child processes that die with their parent, also after kill -9.

PR_SET_PDEATHSIG follows the thread that started the child: spawn from the main thread only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may take the import lock.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartError(Exception):
    """One sentence for the person at the keyboard: what is wrong and what to do."""


@dataclass(frozen=True)
class Account:
    """An operating-system account that a child runs as."""

    name: str
    uid: int
    gid: int


class Drop(TypedDict, total=False):
    """What subprocess takes to run a child as another account."""

    user: int
    group: int
    extra_groups: list[int]


def server_account() -> Account | None:
    """Who runs PostgreSQL: itself refuses root, so root lends it another account; everybody else is themselves."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise StartError("PostgreSQL cannot run as root: create a system account named postgres, or start as another user.")


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    account: Account | None = None,
    cwd: str | Path | None = None,
    death_signal: int | None = signal.SIGTERM,
    output: int | IO[bytes] = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session.

    death_signal is what the kernel sends it when this process ends, however it ends; None lets the child outlive us.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_dies_with_us(death_signal) if death_signal and _LIBC else None,
        **as_account(account),
    )


def as_account(account: Account | None) -> Drop:
    """The keyword arguments that make subprocess drop to an account."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def end(process: subprocess.Popen[bytes], *, sig: int = signal.SIGTERM, patience: float = 10) -> None:
    """Ask a child to end, insist after `patience` seconds, and leave nothing of its session behind."""
    if process.poll() is None:
        process.send_signal(sig)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    # What it forked shares its session: a helper process must not outlive it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def born(pid: int) -> str | None:
    """When a process started, to tell it from a later one with the same number; None when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "?" if not Path("/proc/self").exists() and _alive(pid) else None
    return None if fields[0] == "Z" else fields[19]


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Poll until the condition holds; False when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _dies_with_us(sig: int) -> Callable[[], None]:
    parent = os.getpid()

    def arm() -> None:
        assert _LIBC is not None
        _LIBC.prctl(PR_SET_PDEATHSIG, sig)
        if os.getppid() != parent:
            os._exit(1)

    return arm
