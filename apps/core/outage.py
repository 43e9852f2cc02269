"""A helper service that is down: work goes on without it, it is asked again soon, and the log says so once a minute."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
ASK_AGAIN_SECONDS = 2.0
SAY_AGAIN_SECONDS = 60.0


@dataclass
class Outage:
    """One process's view of one service, e.g. `Outage("the rate limit is not counted")`.

    While `is_on`, the service is not asked: one that hangs would cost every request its time-out.
    """

    effect: str
    _asked_again_at: float = field(default=0.0, init=False)
    _said_again_at: float = field(default=0.0, init=False)

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._asked_again_at

    def note(self, error: Exception) -> None:
        """The service failed just now."""
        moment = time.monotonic()
        self._asked_again_at = moment + ASK_AGAIN_SECONDS
        if moment >= self._said_again_at:
            self._said_again_at = moment + SAY_AGAIN_SECONDS
            log.warning("%s: %s: %s", self.effect, type(error).__name__, error)

    def forget(self) -> None:
        """Ask again at once, and say the next failure."""
        self._asked_again_at = self._said_again_at = 0.0
