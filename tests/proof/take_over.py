"""The work of a worker that was killed goes on, one second after its lease at the latest (limits 8, R3).

    python -m tests.proof.take_over

Two workers dial with the lease of production; the engine answers slowly, so that many dials are on their way. One worker is
killed with signal 9 and not started again. Of each call that was reserved or being sent then, the database tells when
somebody took it on.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import psycopg

from tests.proof import crash

LEASE, MORE = 30.0, 1.0
LEADS, CONCURRENT = 200, 40
ROUNDS = 2


def prove_take_over() -> tuple[bool, str]:
    waits: list[float] = []
    counts = {"sending": 0, "reserved": 0}
    with crash._stack("A", 3, "threads") as stack:
        for name in ("worker1", "worker2"):
            stack.kill(name)
            stack.env["DIAL_LEASE_SECONDS"] = stack.env["DIAL_SETTLE_SECONDS"] = str(int(LEASE))
            stack.worker(name, "threads")
        stage = json.loads(stack.run("-m", "tests.proof.stage", str(CONCURRENT), "1", str(LEADS)).splitlines()[-1])
        crash._engine(stack, "PUT", "/simulate/faults", {"class": "A", "delay_ms": [1000, 1800], "seed": 3})
        with psycopg.connect(stack.env["DATABASE_OWNER_URL"], autocommit=True) as database:
            for _round in range(ROUNDS):
                crash._api(stack, stage, "PATCH", {"status": "scheduled"})
                _until_sending(database)
                stack.kill("worker1")
                waits += _watch(database, counts)
                crash._api(stack, stage, "PATCH", {"status": "paused"})
                stack.worker("worker1", "threads")
        twice = _rung_twice(stack)
    worst, limit = max(waits, default=0.0), LEASE + MORE
    said = (
        f"limit {limit:.0f} s, ours {worst:.1f} s, ratio {worst / limit:.2f}; {ROUNDS} workers killed with {counts['sending']} "
        f"dials on their way and {counts['reserved']} waiting, {twice} rung twice"
    )
    return worst <= limit and counts["sending"] > 0 and not twice, said


def _until_sending(database: psycopg.Connection[Any]) -> None:
    deadline = time.monotonic() + 180
    while _open(database).get("sending", 0) < 10:
        if time.monotonic() > deadline:
            raise RuntimeError("the campaign does not dial")
        time.sleep(0.02)


def _open(database: psycopg.Connection[Any]) -> dict[str, int]:
    rows = database.execute("SELECT dial, count(*) FROM calls_call WHERE dial IN ('sending', 'reserved') GROUP BY dial")
    return dict(rows.fetchall())


def _watch(database: psycopg.Connection[Any], counts: dict[str, int]) -> list[float]:
    """Seconds from the kill until each open call was taken on: recorded, claimed by the reconciler, or sent."""
    killed = time.monotonic()
    rows = database.execute("SELECT id, dial, fence FROM calls_call WHERE dial IN ('sending', 'reserved')").fetchall()
    waiting = {call: (dial, fence) for call, dial, fence in rows}
    for dial, _fence in waiting.values():
        counts[dial] += 1
    waits = []
    while waiting and time.monotonic() - killed < 2 * LEASE:
        found = database.execute("SELECT id, dial, fence FROM calls_call WHERE id = ANY (%s)", [list(waiting)]).fetchall()
        for call, dial, fence in found:
            if (dial, fence) != waiting[call]:
                del waiting[call]
                waits.append(time.monotonic() - killed)
        time.sleep(0.1)
    return waits + [2 * LEASE] * len(waiting)


def _rung_twice(stack: Any) -> int:
    rings = crash._engine(stack, "GET", "/simulate/rings?limit=1000&offset=0")["rings"]
    return len(rings) - len({ring["reference"] for ring in rings})


if __name__ == "__main__":
    passed, said = prove_take_over()
    print(f"{'holds' if passed else 'FAILS'} {said}")
    sys.exit(0 if passed else 1)
