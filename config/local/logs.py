"""One terminal for many processes: each line with the name of who said it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

WIDTH = 8
COLOURS = {"web": 36, "worker": 33, "beat": 35, "sandbox": 32}


def say(name: str, text: str) -> None:
    """Print one prefixed line. A terminal that went away is no reason to stop."""
    prefix = f"{name:<{WIDTH}} |"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        prefix = f"\x1b[{COLOURS.get(name, 90)}m{prefix}\x1b[0m"
    try:
        print(prefix, text, flush=True)
    except (OSError, ValueError):
        return


def follow(name: str, process: subprocess.Popen[bytes]) -> None:
    """Print what a child says, in a thread that ends with it."""
    threading.Thread(target=_pump, args=(name, process), daemon=True).start()


def _pump(name: str, process: subprocess.Popen[bytes]) -> None:
    if not process.stdout:
        return
    for line in process.stdout:
        if text := line.decode(errors="replace").rstrip():
            say(name, text)
