"""What stands behind an address and a key, found out before anything is saved."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from apps.voice.capabilities import Capabilities, read
from apps.voice.client import Engine, EngineTrouble
from apps.voice.models import Connection
from apps.voice.words import Ability, abilities, problem_text


@dataclass(frozen=True)
class Found:
    """What a test found.

    reason: empty when all is well, else the word of the EngineTrouble; `problem` is its sentence.
    milliseconds: until the first answer was there. account, balance, voices: None when the engine does not tell.
    announced: the body of `GET /engine`; empty for the base wire.
    """

    reason: str = ""
    said: list[str] = field(default_factory=list)
    milliseconds: int | None = None
    account: str | None = None
    account_id: str = ""
    balance: float | None = None
    voices: int | None = None
    announced: dict[str, Any] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        return not self.reason

    @property
    def problem(self) -> str:
        return problem_text(self.reason) if self.reason else ""

    @property
    def capabilities(self) -> Capabilities:
        return read(self.announced)

    @property
    def abilities(self) -> list[Ability]:
        return abilities(self.capabilities)


def probe(connection: Connection) -> Found:
    """Ask the engine of a connection, which needs no row: `GET /engine`, whose key it is, its voices. Speaks HTTP."""
    found: dict[str, Any] = {}
    try:
        _look(connection, found)
    except EngineTrouble as trouble:
        return Found(reason=trouble.reason, said=trouble.said, **found)
    return Found(**found)


def _look(connection: Connection, found: dict[str, Any]) -> None:
    started = time.monotonic()
    announced = Engine(connection).announced()
    found["milliseconds"] = round((time.monotonic() - started) * 1000)
    found["announced"] = connection.engine = announced
    engine = Engine(connection)
    account = _unless_missing(engine.organization)
    if account is not None:
        found |= {
            "account": _text(account.get("name")) or _text(account.get("company_name")) or None,
            "account_id": _text(account.get("id"))[:64],
            "balance": _number(account.get("credits_balance"), account.get("minutes_balance")),
        }
    voices = _unless_missing(engine.voices)
    found["voices"] = None if voices is None else len(voices)
    if not announced and account is None and voices is None:
        raise EngineTrouble("http_404")


def _unless_missing(ask: Any) -> Any:
    """The answer; None when this engine does not offer it."""
    try:
        return ask()
    except EngineTrouble as trouble:
        if trouble.reason in ("http_404", "http_405"):
            return None
        raise


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def _number(*values: Any) -> float | None:
    return next((float(each) for each in values if isinstance(each, int | float) and not isinstance(each, bool)), None)
