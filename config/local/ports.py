"""Which port answers people, and which are free for the rest."""

from __future__ import annotations

import contextlib
import errno
import os
import socket

from config.local.processes import StartError

EPHEMERAL = 32768  # from here on the kernel hands ports to outgoing connections


def port_from_environment() -> int:
    """PORT, 8000 when it is not set. Raises StartError."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StartError(f"PORT={text} is no port: choose a number from 1024 to {EPHEMERAL - 1}.")
    return int(text)


def check_port(host: str, port: int) -> None:
    """Raise StartError when nobody could listen there."""
    try:
        _bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            text = f"Port {port} is in use: stop what uses it, or choose another, for example PORT={port + 1} make run."
        else:
            text = f"Port {port} of {host} cannot be opened ({error.strerror}): set PORT or HOST to what is yours."
        raise StartError(text) from error


def free_port(first: int) -> int:
    """The first free port from `first` on, below the ephemeral ones: those may be taken between here and the bind."""
    for port in range(first, EPHEMERAL):
        with contextlib.suppress(OSError):
            _bind("127.0.0.1", port)
            return port
    raise StartError("No port is free for the sandbox engine: stop something, or start with SANDBOX=0.")


def _bind(host: str, port: int) -> None:
    with socket.create_server((host, port)):
        pass
