"""Time: wall clock for timestamps, a scaled clock for the play.

A call counts its own simulated seconds. Factor 1 makes them real seconds, 0 makes them pass at once.
The wall clock is used for every event's timestamp and for the end of a call; the start of a call is its
end minus the simulated talk. So no instant lies in the future, and end minus start is the talk at any factor.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, cut to whole milliseconds: what is written is what is compared."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def iso(moment: datetime | None) -> str | None:
    """`2026-01-05T09:30:00.000Z`, or None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class Pace:
    """The simulated seconds of one call."""

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.seconds = 0.0
        self.nudge = asyncio.Event()
        self._zero = time.monotonic()

    async def until(self, target: float, stop: Callable[[], bool]) -> bool:
        """Let time pass up to `target` simulated seconds; True when `stop()` cut it short."""
        if self.factor == 0:
            await asyncio.sleep(0)
            if stop():
                return True
            self.seconds = max(self.seconds, target)
            return False
        end = self._zero + target * self.factor
        while True:
            if stop():
                self.catch_up(at_most=target)
                return True
            left = end - time.monotonic()
            if left <= 0:
                self.seconds = max(self.seconds, target)
                return False
            self.nudge.clear()
            try:
                await asyncio.wait_for(self.nudge.wait(), left)
            except TimeoutError:
                continue

    def catch_up(self, at_most: float | None = None) -> None:
        """Set the simulated time to what has really passed, after a wait that was real."""
        if self.factor == 0:
            return
        passed = (time.monotonic() - self._zero) / self.factor
        if at_most is not None:
            passed = min(passed, at_most)
        self.seconds = max(self.seconds, passed)
