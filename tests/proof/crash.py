"""A campaign over a customer's leads while workers are killed: the ring log is the judge (limits 1.7, goals R1, R7).

    python -m tests.proof.crash A            keys; B: look-up by reference; C: neither
    python -m tests.proof.crash A --seed 7 --leads 60 --kills 2
    python -m tests.proof.crash B --leads 10000 --kills 500 --attempts 1 --harms child
    python -m tests.proof.crash A --leads 300 --kills 12 --harms worker,child,broker,database
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from config.local.ports import free_port
from config.local.processes import end, spawn
from tests.proof.harm import Harm
from tests.services import services

ROOT = Path(__file__).resolve().parents[2]
KEY = "crash-proof-key"
MICRO_PER_MINUTE = 1_000_000


@dataclass
class Stack:
    """The product's processes, each with a log of its own in `folder`."""

    folder: Path
    env: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = spawn([sys.executable, *arguments], env=self.env, cwd=ROOT, output=log)

    def worker(self, name: str, pool: str) -> None:
        self.start(name, "-m", "celery", "-q", "-A", "config", "worker", "-n", f"{name}@proof", "--pool", pool,
                   "--concurrency", "8", "--without-mingle", "--without-gossip", "--loglevel", "WARNING")  # fmt: skip

    def kill(self, name: str) -> None:
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def pid(self, name: str) -> int:
        return self.running[name].pid

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def keep_logs(self) -> str:
        """Copies the logs to where they stay; returns the folder."""
        kept = tempfile.mkdtemp(prefix="crash-logs-")
        for log in self.folder.glob("*.log"):
            shutil.copy(log, kept)
        return kept

    def close(self) -> None:
        for process in self.running.values():
            end(process, sig=signal.SIGKILL)


@dataclass
class Findings:
    """What the ring log and the database say when the campaign is over."""

    rings: list[dict[str, Any]]
    calls: dict[str, str]
    leads: dict[str, str]
    ledger: dict[str, tuple[int, int]]
    open_holds: int
    doubtful: set[str]

    @property
    def per_attempt(self) -> Counter[str]:
        """Rings by lead and attempt: the key under which each call was reserved."""
        return Counter(self.calls.get(ring["reference"], f"unknown:{ring['reference']}") for ring in self.rings)

    def problems(self) -> list[str]:
        rung = Counter(key.split(":")[1] for key in self.per_attempt)
        seconds = {ring["reference"]: ring["seconds"] or 0 for ring in self.rings}
        # Of a call in doubt nobody ever told: there is nothing to book.
        unknown = {reference for reference, key in self.calls.items() if key.split(":")[1] in self.doubtful}
        talked = {reference: each for reference, each in seconds.items() if each and reference not in unknown}
        booked = {reference: each for reference, (each, _amount) in self.ledger.items() if each and reference not in unknown}
        wrong_price = sum(amount != -_price(each) for each, amount in self.ledger.values())
        checks = {
            "attempts rung twice": sum(count > 1 for count in self.per_attempt.values()),
            "rings without a call": sum(key.startswith("unknown") for key in self.per_attempt),
            "leads never rung": sum(not rung[lead] for lead in self.leads if lead not in self.doubtful),
            "leads not finished": sum(status in ("pending", "calling") for status in self.leads.values()),
            "calls booked wrongly": len(set(talked.items()) ^ set(booked.items())),
            "prices wrong": wrong_price,
            "holds left open": self.open_holds,
        }
        return [f"{count} {name}" for name, count in checks.items() if count]


def prove_crash(
    engine: str, *, leads: int | None = None, least_kills: int = 5, seed: int | None = None, max_attempts: int = 2,
    harms: tuple[str, ...] = ("worker",),
) -> tuple[bool, str]:  # fmt: skip
    """Run the campaign to its end while workers are killed with signal 9 at random instants.

    Args:
        engine: class `A` honours keys, `B` can only be listed, `C` neither.
        leads: how many; None: the file's 900. More than those are made up.
        harms: what happens at those instants: `worker` and `child` (one process of its pool) die, the `broker` forgets
            everything, the `database` loses a process and recovers from its log.

    Returns verdict and figures.
    """
    seed = secrets.randbelow(10**6) if seed is None else seed
    chance = random.Random(seed)
    pool = "prefork" if "child" in harms else "threads"
    with _stack(engine, seed, pool) as stack:
        stage = json.loads(stack.run("-m", "tests.proof.stage", "40", str(max_attempts), str(leads or 0)).splitlines()[-1])
        began = time.monotonic()
        _api(stack, stage, "PATCH", {"status": "scheduled"})
        done = Harm(stack, pool, chance).until_done(lambda: _api(stack, stage, "GET")["status"] == "completed", harms, least_kills)
        kills = done.total()
        seconds = time.monotonic() - began
        found = _settled(stack, stage)
        problems = found.problems()
        if kills < least_kills:
            problems.append(f"only {kills} of {least_kills} harms before it was over")
        talk = sum(ring["seconds"] or 0 for ring in found.rings)
        booked = -sum(amount for _seconds, amount in found.ledger.values()) / MICRO_PER_MINUTE
        said = (
            f"seed {seed}, {', '.join(f'{count} × {name}' for name, count in sorted(done.items()))} killed, {len(found.leads)} leads, {len(found.per_attempt)} attempts, "
            f"{len(found.rings)} rings, at most {max(found.per_attempt.values(), default=0)} per attempt, "
            f"{talk} s talked, {sum(each for each, _amount in found.ledger.values())} s booked for {booked:.4f} credits, "
            f"{len(found.doubtful)} leads in doubt, campaign over after {seconds:.0f} s"
        )
        if problems:
            said += f"; WRONG: {', '.join(problems)} (logs in {stack.keep_logs()})"
        return not problems, said


@contextmanager
def _stack(engine: str, seed: int, pool: str) -> Iterator[Stack]:
    """Servers, migrated; web, two workers, beat, and a sandbox that loses three of a hundred answers."""
    with services() as found, tempfile.TemporaryDirectory(prefix="crash-") as name:
        first = 26_000 + secrets.randbelow(4_000)
        port, engine_port = free_port(first), free_port(first + 100)
        env = os.environ | found | {
            "DEVELOPMENT": "1", "SECURE_COOKIES": "0", "SANDBOX": "1", "BILL_SIMULATED_CALLS": "1", "DEMO": "0",
            "PORT": str(port), "BASE_URL": f"http://127.0.0.1:{port}", "DATA_DIR": name, "LOG_LEVEL": "WARNING",
            "SANDBOX_URL": f"http://127.0.0.1:{engine_port}", "SANDBOX_KEY": KEY, "API_REQUESTS_PER_MINUTE": "100000",
            "CAMPAIGN_MINUTE_SECONDS": "0.4", "DIAL_LEASE_SECONDS": "5", "DIAL_SETTLE_SECONDS": "5",
            "DIAL_ANSWER_SECONDS": "2", "DATABASE_POOL": "20", "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        stack = Stack(Path(name), env)
        try:
            stack.start("engine", "-m", "engines.sandbox", "--port", str(engine_port), "--data", f"{name}/engine",
                        "--clock", "0", "--seed", str(seed))  # fmt: skip
            stack.run("manage.py", "migrate", "--database", "owner", "--verbosity", "0")
            _engine(stack, "PUT", "/simulate/faults", {"class": engine, "lose_answers": 0.03, "seed": seed})
            stack.start("web", "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(port),
                        "--workers", "1", "--no-ws", "--log-level", "warning", "config.asgi:application")  # fmt: skip
            for worker in ("worker1", "worker2"):
                stack.worker(worker, pool)
            stack.start("beat", "-m", "celery", "-q", "-A", "config", "beat", "--schedule", f"{name}/beat", "--pidfile=",
                        "--loglevel", "WARNING")  # fmt: skip
            _wait(lambda: httpx.get(f"{env['BASE_URL']}/api/v1/health", timeout=5).status_code < 500)
            yield stack
        except Exception as error:
            error.add_note(f"Logs of the processes: {stack.keep_logs()}")
            raise
        finally:
            stack.close()


def _settled(stack: Stack, stage: dict[str, Any]) -> Findings:
    """The last reports arrive a moment after the last call."""
    found = _findings(stack, stage)
    for _second in range(90):
        if not found.problems():
            break
        time.sleep(1)
        found = _findings(stack, stage)
    return found


def _findings(stack: Stack, stage: dict[str, Any]) -> Findings:
    rings: list[dict[str, Any]] = []
    while page := _engine(stack, "GET", f"/simulate/rings?limit=1000&offset={len(rings)}")["rings"]:
        rings += page
    with psycopg.connect(stack.env["DATABASE_OWNER_URL"]) as database:
        calls = database.execute("SELECT public_id, key FROM calls_call").fetchall()
        leads = database.execute(
            "SELECT id::text, status FROM campaigns_lead WHERE campaign_id = %s", [stage["campaign"]]
        ).fetchall()
        ledger = database.execute(
            "SELECT call_id, seconds, amount FROM billing_ledgerentry WHERE kind = 'call'"
        ).fetchall()
        doubtful = database.execute("SELECT id::text FROM campaigns_lead WHERE reason = 'in_doubt'").fetchall()
        (holds,) = database.execute("SELECT count(*) FROM billing_hold WHERE released_at IS NULL").fetchone() or (0,)
    return Findings(
        rings, dict(calls), dict(leads), {call: (seconds, int(amount)) for call, seconds, amount in ledger}, holds,
        {lead for (lead,) in doubtful},
    )  # fmt: skip


def _price(seconds: int) -> int:
    """Micro-credits of a talk, by the rule of the specification: minutes × rate, four decimals, half up."""
    return (2 * seconds * MICRO_PER_MINUTE + 6000) // 12000 * 100


def _api(stack: Stack, stage: dict[str, Any], method: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    url = f"{stack.env['BASE_URL']}/api/v1/campaigns/{stage['campaign']}"
    headers = {"Authorization": f"Bearer {stage['api_key']}"}
    answer = httpx.request(method, url, json=body, headers=headers, timeout=30, trust_env=False)
    answer.raise_for_status()
    campaign: dict[str, Any] = answer.json()["campaign"]
    return campaign


def _engine(stack: Stack, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers, url = {"Authorization": f"Bearer {KEY}"}, stack.env["SANDBOX_URL"] + path
    answer = httpx.request(method, url, json=body, headers=headers, timeout=30, trust_env=False)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _wait(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError("the web server does not answer")
        time.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.proof.crash", description=__doc__)
    parser.add_argument("engine", choices=["A", "B", "C"])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--leads", type=int)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--attempts", type=int, default=2)
    parser.add_argument("--harms", default="worker", help="worker, child, broker, database, with commas")
    options = parser.parse_args()
    passed, said = prove_crash(
        options.engine, leads=options.leads, least_kills=options.kills, seed=options.seed, max_attempts=options.attempts,
        harms=tuple(options.harms.split(",")),
    )  # fmt: skip
    print(f"{'holds' if passed else 'FAILS'}: {said}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
