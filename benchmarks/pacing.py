"""Starts against the limits that providers have: never over in any rolling window, and nearly all of it used (goal P4)."""

from __future__ import annotations

import statistics
import time

from benchmarks.dialling import campaign_of, make_payer, rig, start, stop

# Starts, in seconds, and for how long each is looked at.
MODELS = ((1, 1, 14), (3, 1, 12), (30, 1, 12), (150, 5, 15))
GOAL = 0.98
# The first second of a campaign is not its pace.
WARM_UP = 1.0


def run() -> str:
    lines = []
    with rig() as line:
        organization = make_payer()
        for starts, seconds, length in MODELS:
            line.order(starts, seconds)
            campaign = campaign_of(organization, int(starts / seconds * (length + 12)) + 50)
            start(campaign)
            seen = line.wait_for(lambda seen, length=length: bool(seen) and time.monotonic() > seen[0][0] + WARM_UP + length, length + 15)
            stop(campaign)
            lines.append(_judged(starts, seconds, length, seen))
    return "\n".join(lines)


def _judged(starts: int, seconds: int, length: int, seen: list[tuple[float, str, bool]]) -> str:
    name = f"starts, {starts} in any {seconds} s"
    if not seen:
        return f"{name}: nothing was dialled (not met)"
    instants = sorted(at for at, _number, _accepted in seen)
    refused = sum(not accepted for _at, _number, accepted in seen)
    worst = max(sum(at <= each < at + seconds for each in instants) for at in instants)
    steady = [at for at in instants if at > instants[0] + WARM_UP]
    # As an ideal schedule would have it, each start follows the one that many before it by exactly the window.
    took = [later - sooner for sooner, later in zip(steady, steady[starts:], strict=False)]
    if not took:
        return f"{name}: {len(instants)} calls began (not met)"
    limit, used = starts / seconds, starts / statistics.mean(took)
    met = worst <= starts and not refused and used / limit >= GOAL
    return (
        f"{name}: {used:.3f}/s against a limit of {limit:.3f}/s: ratio {used / limit:.3f}, at most {worst} in a window, "
        f"{refused} refused (goal at least {GOAL}, at most {starts}, 0: {'met' if met else 'not met'})"
    )
