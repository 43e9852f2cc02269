"""The ring log: what rang, written to disk before it rings. The judge of every claim about dialling.

Three kinds of lines: a ring, its reference when that is only known later (inbound), and the seconds
of its talk. They are merged when read. Keys and references of earlier calls are found here too, so
that a repeat is caught even when the process was killed between the ring and its answer.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .clock import iso
from .store import Lines


@dataclass(slots=True)
class Ring:
    call_id: str
    reference: str | None
    key: str | None
    direction: str
    own: str | None
    other: str
    at: str
    instance: str
    outcome: str
    digest: str | None = None
    call_reference: str | None = None
    seconds: int | None = None

    def view(self) -> dict[str, Any]:
        """The entry of engine.md 8."""
        outbound = self.direction == "outbound"
        return {
            "call_id": self.call_id,
            "reference": self.reference,
            "key": self.key,
            "direction": self.direction,
            "from": self.own if outbound else self.other,
            "to": self.other if outbound else self.own,
            "at": self.at,
            "instance": self.instance,
            "outcome": self.outcome,
            "seconds": self.seconds,
        }


class RingLog:
    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self._rings: dict[str, Ring] = {}
        self._by_key: dict[str, Ring] = {}
        self._by_reference: dict[str, Ring] = {}
        self._seen: dict[str, int] = {}
        for record in self._lines.read():
            self._load(record)
        # A call that was running when the process was killed is gone: it has no talk that could be charged.
        for ring in self._rings.values():
            if ring.seconds is None:
                self.settle(ring.call_id, 0)

    def ring(self, ring: Ring) -> None:
        """Write an entry and wait for the disk. Raises OSError, and then nothing may ring."""
        record = {"ring": {name: getattr(ring, name) for name in Ring.__slots__ if name != "seconds"}}
        self._lines.append(record, durable=True)
        self._add(ring)

    def refer(self, call_id: str, reference: str | None, call_reference: str | None) -> None:
        """The reference of an inbound call, known once our question was answered."""
        self._lines.append({"refer": [call_id, reference, call_reference]}, durable=False)
        self._refer(call_id, reference, call_reference)

    def settle(self, call_id: str, seconds: int) -> None:
        """The talk in seconds, 0 without an answer."""
        ring = self._rings.get(call_id)
        if ring is None or ring.seconds is not None:
            return
        self._lines.append({"settle": [call_id, seconds]}, durable=True)
        ring.seconds = seconds

    def seen(self, number: str) -> int:
        """How often this number rang or called before."""
        return self._seen.get(number, 0)

    def of_call(self, call_id: str) -> Ring | None:
        return self._rings.get(call_id)

    def of_key(self, key: str) -> Ring | None:
        return self._by_key.get(key)

    def of_reference(self, reference: str) -> Ring | None:
        return self._by_reference.get(reference)

    def page(self, since: datetime | None, limit: int, offset: int) -> dict[str, Any]:
        """Entries from `since` on, oldest first."""
        bound = iso(since) or ""
        rings = [ring for ring in self._rings.values() if ring.at >= bound]
        return {"rings": [ring.view() for ring in rings[offset : offset + limit]], "total": len(rings)}

    def close(self) -> None:
        self._lines.close()

    def _load(self, record: dict[str, Any]) -> None:
        if "ring" in record:
            self._add(Ring(**record["ring"]))
        elif "refer" in record:
            self._refer(*record["refer"])
        elif "settle" in record:
            call_id, seconds = record["settle"]
            if call_id in self._rings:
                self._rings[call_id].seconds = seconds

    def _add(self, ring: Ring) -> None:
        self._rings[ring.call_id] = ring
        self._seen[ring.other] = self._seen.get(ring.other, 0) + 1
        if ring.key:
            self._by_key.setdefault(ring.key, ring)
        if ring.call_reference:
            self._by_reference.setdefault(ring.call_reference, ring)

    def _refer(self, call_id: str, reference: str | None, call_reference: str | None) -> None:
        ring = self._rings.get(call_id)
        if ring is None:
            return
        ring.reference, ring.call_reference = reference, call_reference
        if call_reference:
            self._by_reference.setdefault(call_reference, ring)
