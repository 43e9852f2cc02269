"""What stops a campaign stops it within a second: the engine's ring log is the judge (limits 8, R2).

    python -m tests.proof.stop_at_once

Two workers of eight threads dial 3,000 leads at up to 60 starts a second while the campaign is paused, numbers are put on the
do-not-call list, the wallet is emptied, and at last the campaign is cancelled. A lag is how long after the answer (or, on a
page, the commit) the last ring began that should not have begun; zero when there was none.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import psycopg

from tests.proof import crash

LIMIT = 1.0
LEADS, CONCURRENT, STARTS = 3000, 50, 60
PAUSES, EMPTIED, LISTED = 6, 2, 40
FLOWING, QUIET = 25, 2.5


class Stage:
    """A campaign that dials, and what was seen of it."""

    def __init__(self, stack: Any) -> None:
        self.stack = stack
        self.seen: list[tuple[float, str]] = []
        self.engine = httpx.Client(
            base_url=stack.env["SANDBOX_URL"], headers={"Authorization": f"Bearer {crash.KEY}"}, timeout=30, trust_env=False
        )
        said = stack.run("-m", "tests.proof.stage", str(CONCURRENT), "1", str(LEADS))
        self.stage: dict[str, Any] = json.loads(said.splitlines()[-1])
        self.sql("UPDATE campaigns_campaign SET starts = %s, starts_seconds = 1", STARTS)
        self.acts = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.acts"], env=stack.env, cwd=crash.ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._line() == "ready"

    def sql(self, statement: str, *values: object) -> list[Any]:
        with psycopg.connect(self.stack.env["DATABASE_OWNER_URL"]) as database:
            done = database.execute(statement.encode(), values)
            return done.fetchall() if done.description else []

    def move(self, status: str) -> float:
        """The instant at which the API had answered."""
        crash._api(self.stack, self.stage, "PATCH", {"status": status})
        return time.time()

    def act(self, **act: object) -> float:
        assert self.acts.stdin
        self.acts.stdin.write(json.dumps(act) + "\n")
        self.acts.stdin.flush()
        return float(self._line())

    def flow(self) -> None:
        """Until calls ring one after another."""
        self.move("scheduled")
        before, deadline = len(self.rings()), time.monotonic() + 180
        while len(self.rings()) < before + FLOWING:
            if time.monotonic() > deadline:
                raise RuntimeError("the campaign does not dial")
            time.sleep(0.1)

    def rings(self) -> list[tuple[float, str]]:
        """Instant and number of each."""
        while page := self._page():
            self.seen += [(dt.datetime.fromisoformat(ring["at"]).timestamp(), ring["to"]) for ring in page]
        return self.seen

    def lag(self, since: float, numbers: set[str] | None = None) -> float:
        late = [at - since for at, number in self.rings() if at > since and (numbers is None or number in numbers)]
        return max(late, default=0.0)

    def reserved(self) -> int:
        return int(self.sql("SELECT count(*) FROM calls_call WHERE dial = 'reserved'")[0][0])

    def close(self) -> None:
        self.engine.close()
        self.acts.kill()
        self.acts.wait()

    def _page(self) -> list[dict[str, Any]]:
        answer = self.engine.get("/simulate/rings", params={"limit": 1000, "offset": len(self.seen)})
        answer.raise_for_status()
        rings: list[dict[str, Any]] = answer.json()["rings"]
        return rings

    def _line(self) -> str:
        assert self.acts.stdout
        return self.acts.stdout.readline().strip()


def prove_stop() -> tuple[bool, str]:
    chance, in_flight = random.Random(8), 0
    lags: dict[str, list[float]] = {}
    with crash._stack("A", 8, "threads") as stack:
        stage = Stage(stack)
        try:
            for name, stop, rounds in _stops(stage):
                for _round in range(rounds):
                    stage.flow()
                    time.sleep(chance.uniform(0, 1))
                    in_flight += stage.reserved()
                    since = stop()
                    time.sleep(QUIET)
                    lags.setdefault(name, []).append(stage.lag(since))
                    if name == "empty wallet":
                        stage.act(credits=200_000)
            lags["do-not-call entry"] = _listed(stage)
            stage.flow()
            since = stage.move("cancelled")
            time.sleep(QUIET)
            lags["cancel"] = [stage.lag(since)]
            rings = len(stage.rings())
        finally:
            stage.close()
    return _verdict(lags, rings, in_flight)


def _stops(stage: Stage) -> list[tuple[str, Callable[[], float], int]]:
    return [
        ("pause", lambda: stage.move("paused"), PAUSES),
        ("empty wallet", lambda: stage.act(credits=-200_000), EMPTIED),
    ]


def _listed(stage: Stage) -> list[float]:
    """Numbers that have their turn now or in a moment, each entered by itself while the campaign dials."""
    stage.flow()
    rows = stage.sql(
        "SELECT phone_number FROM campaigns_lead WHERE status = 'calling' OR (status = 'pending' AND attempts = 0) "
        "ORDER BY position LIMIT %s", LISTED,
    )  # fmt: skip
    entered = {number: stage.act(refuse=number) for (number,) in rows}
    time.sleep(QUIET)
    return [stage.lag(since, {number}) for number, since in entered.items()]


def _verdict(lags: dict[str, list[float]], rings: int, in_flight: int) -> tuple[bool, str]:
    worst = max(max(each) for each in lags.values())
    parts = ", ".join(f"{name} {len(each)} times: at most {max(each):.3f} s" for name, each in lags.items())
    said = f"limit {LIMIT:.0f} s, ours {worst:.3f} s, ratio {worst / LIMIT:.2f}; {parts}; {in_flight} claimed calls waited, {rings} rings"
    return worst <= LIMIT and in_flight > 0, said


if __name__ == "__main__":
    passed, said = prove_stop()
    print(f"{'holds' if passed else 'FAILS'} {said}")
    sys.exit(0 if passed else 1)
