"""Kept answers of `Idempotency-Key`, for web calls and control. Those of dials are in the ring log."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .store import Lines
from .wire import Refusal

KEPT_SECONDS = 48 * 3600


@dataclass(slots=True)
class Kept:
    key: str
    digest: str
    at: float
    answer: Any


class Keys:
    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self._kept: dict[str, Kept] = {}
        oldest = time.time() - KEPT_SECONDS
        read = [Kept(**record) for record in self._lines.read()]
        self._kept = {kept.key: kept for kept in read if kept.at >= oldest}
        if len(self._kept) < len(read):
            self._lines.replace([asdict(kept) for kept in self._kept.values()])

    def answer(self, key: str, digest: str) -> Any:
        """The kept answer, or None. Raises Refusal (409) when the body was another."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.digest != digest:
            raise conflict()
        return kept.answer

    def keep(self, key: str, digest: str, answer: Any) -> None:
        kept = Kept(key, digest, time.time(), answer)
        self._kept[key] = kept
        self._lines.append(asdict(kept), durable=False)

    def close(self) -> None:
        self._lines.close()


def conflict(**more: Any) -> Refusal:
    """The same key with another body: the first request counts, and it had its effect."""
    return Refusal(409, "This key was used with another body", "invalid_state", **{"rang": True, **more})
