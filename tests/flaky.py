"""A bad line between a program and our Web process: the first request to each path fails, in turn in every way a network knows."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Iterator

from tests.receivers import Received, Receiver, Reply
from tests.web import Web

OLDER = "hmsovereign-node/1."
# What a line of the SDK repeats (api 6), each beside a path that works at once. `cut` and `garbled` come before our side has
# seen anything; so do the status codes.
ANY = (("503",), ("cut",), (), ("429",), ("garbled",), ("503", "cut"), ())
SAFE = (("503",), (), ("429",), ("503", "503"), ())
UNSAFE = (("429",), (), ())
# Done by us, and not heard of: only the repeat tells. `lost at once`: the repeat comes while the first is still being done.
AFTER = ("lost", "lost at once", "lost and garbled")
FIXED: dict[str, tuple[str, ...]] = {
    "GET /api/v1/voices": ("late",),
    "POST /api/v1/analysis-templates": ("503",),
    "GET /api/v1/out-of-order": ("503",) * 3,
    "GET /api/v1/byok/config": (),  # here the program meets our own limit
}
FLAT = {"message": "Not now.", "details": ["Not now."], "type": "backend_unavailable"}
LATE_SECONDS = 4.0


class Flaky(Receiver):
    """`with Flaky(web) as line:`; `faults` are those so far, `waits` the seconds between a 429 and its repeat."""

    def __init__(self, web: Web) -> None:
        super().__init__(self._answer)
        self.web = web
        self.faults: list[tuple[str, ...]] = []
        self.waits: list[float] = []
        self._any, self._safe, self._unsafe = (itertools.cycle(each) for each in (ANY, SAFE, UNSAFE))
        self._after = {line: itertools.cycle(AFTER) for line in "12"}
        self._behind: list[threading.Thread] = []
        self._plans: dict[tuple[str, ...], Iterator[str]] = {}
        self._limited: dict[tuple[str, ...], float] = {}
        self._plan_lock = threading.Lock()

    def __exit__(self, *error: object) -> None:
        for each in self._behind:
            each.join()
        super().__exit__(*error)

    def _answer(self, got: Received) -> Reply:
        key, fault = self._fault(got)
        if fault == "late":
            time.sleep(LATE_SECONDS)
            return Reply(cut=True)
        if fault == "503":
            return Reply(503, {"error": "Service Unavailable", **FLAT})
        if fault == "429":
            with self._plan_lock:
                self._limited[key] = time.monotonic()
            body = {"error": "Rate limit exceeded", **FLAT, "retry_after": 1, "type": "rate_limit_exceeded"}
            return Reply(429, body, {"Retry-After": "1"})
        if fault in ("cut", "garbled"):
            return _unheard(fault == "garbled")
        if fault == "lost at once":
            self._behind.append(threading.Thread(target=self._forward, args=(got,)))
            self._behind[-1].start()
        answer = Reply() if fault == "lost at once" else self._forward(got)
        # A refusal changed nothing, so nothing is lost with it.
        if fault in AFTER and answer.status < 300:
            self.faults.append((fault, *key[:3]))
            return _unheard(fault == "lost and garbled")
        return answer

    def _forward(self, got: Received) -> Reply:
        sent = {name.title(): value for name, value in got.headers.items() if name not in ("host", "connection", "content-length")}
        answer = self.web.send(got.method, got.path, body=got.body or None, headers={"Host": "localhost", **sent})
        kept = {name: value for name, value in answer.headers.items() if name not in ("content-length", "transfer-encoding", "date")}
        return Reply(answer.status, answer.body, kept)

    def _fault(self, got: Received) -> tuple[tuple[str, ...], str]:
        key, path = self._key(got), got.path.partition("?")[0]
        with self._plan_lock:
            if key in self._limited:
                self.waits.append(got.at - self._limited.pop(key))
            if key not in self._plans:
                self._plans[key] = iter(self._plan(got, path))
            fault = next(self._plans[key], "")
            if fault and fault not in AFTER:
                self.faults.append((fault, *key[:3]))
            return key, fault

    def _plan(self, got: Received, path: str) -> tuple[str, ...]:
        if _is_lost(got, path):
            # Two deletions at a time: either may be the one that finds the object.
            return ("lost",) if got.method == "DELETE" else (next(self._after[_line(got)]),)
        if (fixed := FIXED.get(f"{got.method} {path}")) is not None:
            return fixed
        if _line(got) == "1":
            return next(self._any)
        return next(self._safe if got.method in ("GET", "DELETE") else self._unsafe)

    def _key(self, got: Received) -> tuple[str, ...]:
        """One entry a line, method and path; where the first answer is lost, one for every body and key too."""
        path = got.path.partition("?")[0]
        key = (_line(got), got.method, path)
        if not _is_lost(got, path):
            return (*key, got.headers.get("authorization", ""))
        return (*key, got.headers.get("idempotency-key", ""), hashlib.sha256(got.body).hexdigest())


def _line(got: Received) -> str:
    return "1" if got.headers.get("user-agent", "").startswith(OLDER) else "2"


def _is_lost(got: Received, path: str) -> bool:
    """Asked for with a key, or a POST that the contract merges by itself."""
    is_merged = path.endswith(("/calls/outbound", "/control"))
    return got.headers.get("idempotency-key", "").startswith("lost-") or (is_merged and got.method == "POST")


def _unheard(is_garbled: bool) -> Reply:
    return Reply(200, b'{"half": ') if is_garbled else Reply(cut=True)
