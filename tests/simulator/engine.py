"""An engine over real HTTP that rings on the simulator's clock, loses answers and events, and writes down every ring."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.simulator.clock import Clock

FEATURES = ["receiver", "certainty", "deadline", "one_time_full", "event_id", "progress", "report"]
ADDED = {"A": ["idempotency", "reference"], "B": ["reference"], "C": []}
RING_SECONDS = 8
INSTANCE = "5f0c0000-0000-4000-8000-00000000aaaa"


@dataclass
class Ring:
    """One phone that rang. `end` is when it is over; the outcome is one of the table below."""

    at: dt.datetime
    to: str
    reference: str
    key: str
    ref: str
    outcome: str
    talk: int
    quiet: bool
    forgotten: bool
    told: int = 0

    @property
    def end(self) -> dt.datetime:
        return self.at + dt.timedelta(seconds=RING_SECONDS + self.talk)

    @property
    def answered_at(self) -> dt.datetime:
        return self.at + dt.timedelta(seconds=RING_SECONDS)


@dataclass
class Engine:
    """The engine's memory, and its draws: by seed, number and how often the number was asked for, nothing else."""

    clock: Clock
    seed: int
    kind: str = "A"
    lose_answers: float = 0.03
    errors: float = 0.02
    busy: float = 0.01
    rings: list[Ring] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    receiver: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def draw(self, what: str, number: str) -> float:
        """Evenly from 0 to 1: the same seed, number and count give the same."""
        count = self.requests.get(number, 0)
        digest = hashlib.sha256(f"{self.seed}|{what}|{number}|{count}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def announce(self) -> dict[str, Any]:
        return {
            "kind": "worker", "version": "1", "instance": INSTANCE, "simulated": False, "clock": 1, "needs_keys": False,
            "features": FEATURES + ADDED[self.kind], "answer_seconds": {"assistant-request": 6, "tool-calls": 11},
            "limits": {"concurrent": None, "starts_per_second": None}, "control": [], "providers": None, "sip": None,
        }  # fmt: skip

    def dial(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]] | None:
        """None: the phone rings and the answer is lost."""
        number, reference = body["destination"], _reference(body)
        for ring in self.rings if self.kind == "A" else ():
            if key and ring.key == key:
                return 200, {"success": True, "call_id": ring.ref, "reference": ring.reference}
        for ring in self.rings if self.kind != "C" else ():
            if reference and ring.reference == reference:
                return 409, {"error": "Duplicate", "type": "duplicate_reference", "call_id": ring.ref, "rang": True}
        self.requests[number] = self.requests.get(number, 0) + 1
        late = body.get("not_after")
        if late and dt.datetime.fromisoformat(late) < self.clock.now:
            return 400, {"error": "Too late", "type": "too_late", "rang": False}
        if self.draw("busy", number) < self.busy:
            return 429, {"error": "No free line", "type": "capacity", "rang": False}
        if self.draw("error", number) < self.errors:
            return 500, {"error": "Broken", "type": "internal", "rang": False}
        ring = self._ring(number, reference, key)
        if self.draw("lose", number) < self.lose_answers:
            # Of an engine without key and look-up the events would tell; then nothing would be in doubt.
            ring.quiet = ring.quiet or self.kind == "C"
            return None
        return 200, {"success": True, "call_id": ring.ref, "reference": reference, "status": "connecting"}

    def _ring(self, number: str, reference: str, key: str) -> Ring:
        outcome = _outcome(self.draw("outcome", number))
        talk = 20 + int(self.draw("talk", number) * 100) if outcome in ("answered", "voicemail") else 0
        ring = Ring(
            self.clock.now, number, reference, key, f"eng-{uuid.uuid5(uuid.NAMESPACE_OID, f'{number}|{self.requests[number]}')}",
            outcome, talk, quiet=self.draw("quiet", number) < 0.02, forgotten=self.draw("forgotten", number) < 0.005,
        )  # fmt: skip
        self.rings.append(ring)
        return ring

    def due(self) -> list[tuple[Ring, dict[str, Any]]]:
        """Events whose time has come, in the order in which they happened. A quiet call tells nothing by itself."""
        found = []
        for ring in self.rings[-5000:]:
            if ring.quiet or ring.forgotten:
                continue
            events = list(_events(ring))
            while ring.told < len(events) and events[ring.told][0] <= self.clock.now:
                found.append((ring, events[ring.told][1]))
                ring.told += 1
        return found

    @property
    def is_quiet(self) -> bool:
        """Nothing rings, and everything was told."""
        return all(ring.end < self.clock.now - dt.timedelta(seconds=60) for ring in self.rings[-5000:])

    def view(self, ring: Ring) -> dict[str, Any]:
        over = ring.end <= self.clock.now
        status = _final(ring)[0] if over else "in-progress" if ring.answered_at <= self.clock.now and ring.talk else "ringing"
        return {
            "id": ring.ref, "reference": ring.reference, "direction": "outbound", "status": status,
            "caller_phone": ring.to, "assistant_phone": None, "created_at": _iso(ring.at),
            "started_at": _iso(ring.answered_at) if ring.talk and ring.answered_at <= self.clock.now else None,
            "ended_at": _iso(ring.end) if over else None, "duration_seconds": ring.talk if over else None,
            "end_reason": _final(ring)[1] if over else None, "messages": None, "summary": None,
        }  # fmt: skip


def _reference(body: dict[str, Any]) -> str:
    """Our id: an engine that does not look calls up by it gives the metadata back with its events all the same."""
    metadata = (body.get("assistant") or {}).get("metadata") or {}
    return str(body.get("reference") or metadata.get("switchboard_call_id") or "")


def _outcome(share: float) -> str:
    table = (("answered", 0.58), ("no_answer", 0.2), ("busy", 0.1), ("voicemail", 0.08), ("invalid_number", 0.02), ("error", 0.02))
    for outcome, width in table:
        if share < width:
            return outcome
        share -= width
    return "answered"


def _final(ring: Ring) -> tuple[str, str]:
    if ring.outcome == "answered":
        return "ended", "user_hangup"
    if ring.outcome == "voicemail":
        return "ended", "voicemail"
    return "failed", ring.outcome


def _events(ring: Ring) -> Any:
    """(when, message) of one call."""
    head = {
        "engine": {"instance": INSTANCE, "simulated": False},
        "call": {"id": ring.ref, "engine_id": ring.ref, "reference": ring.reference, "type": "outbound_phone_call"},
        "phone_number": {"id": None, "number": None, "name": None}, "customer": {"number": ring.to},
    }  # fmt: skip
    seq = 0
    if ring.talk:
        seq += 1
        yield ring.answered_at, _event(head, "status-update", "in-progress", ring.answered_at, seq)
    status, reason = _final(ring)
    seq += 1
    yield ring.end, _event(head, "status-update", status, ring.end, seq, end_reason=reason)
    if ring.talk:
        seq += 1
        yield ring.end, _event(
            head, "end-of-call-report", status, ring.end, seq, end_reason=reason, duration_seconds=ring.talk,
            started_at=_iso(ring.answered_at), ended_at=_iso(ring.end), summary="A talk.",
            messages=[{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Hello."}], analysis_done=True,
        )  # fmt: skip


def _event(head: dict[str, Any], type: str, status: str, at: dt.datetime, seq: int, **fields: Any) -> dict[str, Any]:
    return {"type": type, "timestamp": _iso(at), "seq": seq, **head, "call": head["call"] | {"status": status}, **fields}


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class _Handler(BaseHTTPRequestHandler):
    engine: Engine

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/engine":
            return self._answer(200, self.engine.announce())
        rings = [ring for ring in self.engine.rings if not ring.forgotten]
        if url.path == "/calls":
            wanted = parse_qs(url.query).get("reference", [None])[0]
            found = [ring for ring in rings if wanted is None or ring.reference == wanted]
            return self._answer(200, {"calls": [self.engine.view(ring) for ring in found[-100:]]})
        ref = url.path.rpartition("/")[2]
        one = next((ring for ring in rings if ring.ref == ref), None)
        return self._answer(200, {"call": self.engine.view(one)}) if one else self._answer(404, {"error": "Not found"})

    def do_PUT(self) -> None:
        self.engine.receiver = self._body()
        self._answer(200, {name: value for name, value in self.engine.receiver.items() if name != "secret"})

    def do_POST(self) -> None:
        answer = self.engine.dial(self._body(), self.headers.get("Idempotency-Key", ""))
        if answer is None:
            self.connection.close()  # the phone rings, and nobody is told
            return
        self._answer(*answer)

    def _body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def serve(engine: Engine) -> str:
    """Start the engine's server; returns its base URL."""
    handler = type("Handler", (_Handler,), {"engine": engine})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"
