"""What becomes of a call: magic numbers, else drawn from seed, number and history."""

import hashlib
import random

MAGIC = {
    "+447700900001": "answered",
    "+447700900002": "busy",
    "+447700900003": "no_answer",
    "+447700900004": "voicemail",
    "+447700900005": "hangs_up_early",
    "+447700900006": "engine_error",
    "+447700900007": "asks_for_person",
    "+447700900008": "opts_out",
    "+447700900009": "asks_callback",
}
OUTBOUND = {
    "answered": 60,
    "no_answer": 15,
    "busy": 8,
    "voicemail": 8,
    "hangs_up_early": 4,
    "asks_for_person": 3,
    "opts_out": 1,
    "engine_error": 1,
    # Only on request: never drawn, so the story of a seed stays the same.
    "asks_callback": 0,
}
# Nobody can be busy who is calling: these outcomes are drawn too when they are asked for.
INBOUND = {"answered": 85, "asks_for_person": 7, "hangs_up_early": 5, "opts_out": 2, "engine_error": 1, "asks_callback": 0}


def dice(seed: int, number: str, seen: int) -> random.Random:
    """The source of everything that happens in one call: same seed, number and history, same call."""
    digest = hashlib.sha256(f"{seed}|{number}|{seen}".encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))  # noqa: S311 - repeatable on purpose


def draw(source: random.Random, number: str, *, inbound: bool, wanted: str | None = None) -> tuple[str, bool]:
    """The outcome, and whether it was asked for (by name or by a magic number)."""
    table = INBOUND if inbound else OUTBOUND
    drawn = source.choices(list(table), weights=list(table.values()))[0]
    wanted = wanted or MAGIC.get(number)
    return (wanted, True) if wanted in table else (drawn, False)
