"""The children of one stack: started in order, started again when they end by themselves, ended in reverse."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from config.local import data_dir
from config.local.logs import follow, say
from config.local.processes import StartError, end, spawn

BASE = Path(__file__).resolve().parents[2]
PATIENCE = 10.0  # seconds a child gets to end by itself


@dataclass
class Child:
    """One process of the stack. delay: seconds until it is started again after it ended by itself."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    stop_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    delay: float = 1
    due: float = 0

    def up(self) -> None:
        self.process, self.started, self.due = self.start(), time.monotonic(), 0
        follow(self.name, self.process)


@dataclass
class Stack:
    """The running stack: what it was told, and its children in the order they started."""

    root: Path
    host: str
    port: int
    env: dict[str, str]
    children: list[Child] = field(default_factory=list)
    preparing: subprocess.Popen[bytes] | None = None
    stopping: bool = False

    @property
    def address(self) -> str:
        return self.env["BASE_URL"]

    def add(self, name: str, start: Callable[[], subprocess.Popen[bytes]], stop_signal: int = signal.SIGTERM) -> Child:
        child = Child(name, start, stop_signal)
        child.up()
        self.children.append(child)
        self.write_down()
        return child

    def child(self, name: str) -> Child:
        return next(child for child in self.children if child.name == name)

    def run(self, name: str, *command: str, **changes: str) -> Child:
        """Start one of our own processes; `changes` are variables of its environment alone."""
        return self.add(name, lambda: spawn([sys.executable, *command], env=self.env | changes, cwd=BASE))

    def write_down(self) -> None:
        pids = {child.name: child.process.pid for child in self.children if child.process}
        data_dir.write_state(self.root, address=self.address, children=pids)

    def ask_to_stop(self, *_: object) -> None:
        """The handler of signals. A flag, no Event: the thread that the signal interrupts may hold the Event's lock."""
        self.stopping = True
        if self.preparing and self.preparing.poll() is None:
            self.preparing.terminate()

    def watch(self) -> None:
        """Until told to stop: start again what ended, later each time it ends soon."""
        while not self.stopping:
            time.sleep(0.2)
            for child in self.children:
                if child.process and child.process.poll() is not None:
                    self._ended(child)
                elif not child.process and time.monotonic() >= child.due:
                    self._again(child)

    def stop(self) -> None:
        """End everything: first who uses the servers, then the servers."""
        servers = [child for child in self.children if child.name in ("postgres", "valkey")]
        for group in ([child for child in self.children if child not in servers], servers[::-1]):
            running = [child for child in group if child.process]
            for child in running:
                if child.process and child.process.poll() is None:
                    child.process.send_signal(child.stop_signal)
            deadline = time.monotonic() + PATIENCE
            for child in running:
                assert child.process
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(deadline - time.monotonic(), 0))
                end(child.process, sig=signal.SIGKILL)

    def _ended(self, child: Child) -> None:
        assert child.process
        end(child.process, sig=signal.SIGKILL)  # what it forked goes too
        code, child.process = child.process.returncode, None
        delay = 1 if time.monotonic() - child.started > 60 else child.delay
        child.due, child.delay = time.monotonic() + delay, min(delay * 2, 30)
        say(child.name, f"ended ({_reason(code)}), starts again in {delay:.0f} s")

    def _again(self, child: Child) -> None:
        try:
            child.up()
        except StartError as error:
            child.due = time.monotonic() + 30
            say(child.name, str(error))
        self.write_down()


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
