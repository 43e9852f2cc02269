"""Faults to order: lost answers, errors, weaker classes of engines, disturbed events, reports without a summary."""

import random
from typing import Any

from .wire import Refusal

SHARES = ("lose_answers", "errors", "errors_after", "duplicate_events", "reorder_events", "lose_events")
SPANS = ("delay_ms", "event_delay_ms")
DEFAULTS: dict[str, Any] = {
    "class": "A",
    "lose_answers": 0,
    "errors": 0,
    "errors_after": 0,
    "delay_ms": [0, 0],
    "event_delay_ms": [0, 0],
    "duplicate_events": 0,
    "reorder_events": 0,
    "lose_events": 0,
    "stop_heartbeat": False,
    "no_analysis": False,
    "seed": 1,
}


class Faults:
    """All off at start and after `{}`. In memory only: a new process has none."""

    def __init__(self) -> None:
        self.order({})

    def order(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Replace all settings and start the draws anew. Raises Refusal (400)."""
        for name, value in wanted.items():
            _check(name, value)
        self.settings = {**DEFAULTS, **wanted}
        seed = self.settings["seed"]
        self._answers = random.Random(f"answers {seed}")  # noqa: S311 - repeatable on purpose
        self._events = random.Random(f"events {seed}")  # noqa: S311
        return self.settings

    @property
    def honours_keys(self) -> bool:
        return self.settings["class"] == "A"

    @property
    def honours_references(self) -> bool:
        return self.settings["class"] != "C"

    def hides(self) -> set[str]:
        """Names of features that the engine must not announce."""
        return {"A": set(), "B": {"idempotency"}, "C": {"idempotency", "reference"}}[self.settings["class"]]

    def draw_post(self) -> str | None:
        """What happens to a POST: `errors`, `errors_after`, `lose_answers` or nothing."""
        hits = [name for name in ("errors", "errors_after", "lose_answers") if self._hit(self._answers, name)]
        return hits[0] if hits else None

    def draw_event(self) -> set[str]:
        """What happens to an event: any of `duplicate_events`, `reorder_events`, `lose_events`."""
        names = ("duplicate_events", "reorder_events", "lose_events")
        return {name for name in names if self._hit(self._events, name)}

    def answer_delay(self) -> float:
        """Seconds before an answer."""
        return self._span(self._answers, "delay_ms")

    def event_delay(self) -> float:
        """Seconds before an event."""
        return self._span(self._events, "event_delay_ms")

    def _hit(self, source: random.Random, name: str) -> bool:
        # Drawn also at share 0, so that one fault does not move the draws of another.
        return source.random() < self.settings[name]

    def _span(self, source: random.Random, name: str) -> float:
        low, high = self.settings[name]
        return source.uniform(low, high) / 1000 if high else 0.0


def _check(name: str, value: Any) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name not in DEFAULTS:
        raise Refusal(400, f"{name}: unknown fault", "invalid_value", param=name)
    if name == "class":
        good = value in ("A", "B", "C")
    elif name in SHARES:
        good = number and 0 <= value <= 1
    elif name in SPANS:
        good = isinstance(value, list) and len(value) == 2 and all(_milliseconds(item) for item in value)
        good = good and value[0] <= value[1]
    elif name in ("stop_heartbeat", "no_analysis"):
        good = isinstance(value, bool)
    else:
        good = isinstance(value, int) and not isinstance(value, bool)
    if not good:
        raise Refusal(400, f"{name}: this value is not possible", "invalid_value", param=name)


def _milliseconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 120_000
