"""What dies while a campaign runs: workers, a process of their pool, the broker's memory, a process of the database."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import httpx
import psycopg
import redis

LONGEST = 3600
WORKERS = ("worker1", "worker2")


class Stack(Protocol):
    env: dict[str, str]

    def kill(self, name: str) -> None: ...
    def worker(self, name: str, pool: str) -> None: ...
    def pid(self, name: str) -> int: ...


class Harm:
    """Harms a running stack at random instants, the same ones with the same seed."""

    def __init__(self, stack: Stack, pool: str, chance: random.Random) -> None:
        self.stack, self.pool, self.chance = stack, pool, chance
        self.done: Counter[str] = Counter()

    def until_done(self, is_done: Callable[[], bool], harms: tuple[str, ...], least: int) -> Counter[str]:
        """Do one of `harms` every few seconds, a little more than `least` times, until `is_done`. Returns how often which.

        A process of a pool is replaced at once, so it may die every second; a worker takes seconds to come back.
        """
        most, deadline = least + max(2, least // 20), time.monotonic() + LONGEST
        pause = (0.7, 1.8) if harms == ("child",) else (3, 9)
        due = time.monotonic() + self.chance.uniform(2, 5)
        looked = 0.0
        while time.monotonic() < deadline:
            if time.monotonic() - looked > 2:
                looked = time.monotonic()
                with suppress(httpx.HTTPError):  # the database may be recovering
                    if is_done():
                        break
            if time.monotonic() >= due and self.done.total() < most:
                harm = self.chance.choice(harms)
                self.done[harm] += getattr(self, f"_{harm}")()
                due = time.monotonic() + self.chance.uniform(*pause)
            time.sleep(0.05)
        return self.done

    def _worker(self) -> int:
        name = self.chance.choice(WORKERS)
        self.stack.kill(name)
        self.stack.worker(name, self.pool)
        return 1

    def _child(self) -> int:
        parent = self.stack.pid(self.chance.choice(WORKERS))
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        if not children:
            return 0
        with suppress(ProcessLookupError):
            os.kill(int(self.chance.choice(children)), signal.SIGKILL)
            return 1
        return 0

    def _broker(self) -> int:
        with redis.Redis(unix_socket_path=self.stack.env["BROKER_URL"].split("://")[1].split("?")[0]) as broker:
            broker.flushall()
        return 1

    def _database(self) -> int:
        """A backend that dies by signal 9 makes the server drop every connection and recover from its log."""
        with psycopg.connect(self.stack.env["DATABASE_OWNER_URL"]) as database:
            pid = database.info.backend_pid
            os.kill(pid, signal.SIGKILL)
        return 1
