"""What an engine announced at `GET /engine`, read with care: it is another's answer (engine 3)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from apps.voice.models import Connection

BASE_ANSWER_SECONDS = {"assistant-request": 5.0, "tool-calls": 10.0}
BASE_CONTROL = ("inject-context", "say", "end-call", "transfer")
OUR_SHARE = 0.5
CUSTOMERS_SHARE = 1.0
# What announces more than the API itself is no account with a limit of requests per key.
COUNTED_KINDS = ("base", "switchboard", "server")


@dataclass(frozen=True)
class Sip:
    """Where customers forward their numbers to."""

    target: str
    transports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Capabilities:
    """Nothing that is not in here may be used (engine 5.1). The default is the base wire."""

    kind: str = "base"
    version: str = ""
    instance: str | None = None
    simulated: bool = False
    clock: float = 1.0
    needs_keys: bool = True
    features: frozenset[str] = frozenset()
    answer_seconds: dict[str, float] = field(default_factory=lambda: dict(BASE_ANSWER_SECONDS))
    concurrent: int | None = None
    starts_per_second: float | None = None
    # That rate follows from the limit on requests of a key, which is kept by itself (voice/budget.py).
    is_rate_of_key: bool = False
    control: tuple[str, ...] = BASE_CONTROL
    providers: dict[str, list[str]] | None = None
    sip: Sip | None = None

    @property
    def limits(self) -> dict[str, float | None]:
        return {"concurrent": self.concurrent, "starts_per_second": self.starts_per_second}

    def has(self, feature: str) -> bool:
        return feature in self.features

    def our_seconds(self, question: str) -> float:
        """How long we may take to answer `assistant-request` or `tool-calls`."""
        return max(0.5, self.answer_seconds[question] - OUR_SHARE)

    def customer_seconds(self, question: str) -> float:
        """How long the customer's server may take: never more than 5 s and 10 s, whatever the engine allows."""
        allowed = self.answer_seconds[question] - CUSTOMERS_SHARE
        return max(0.5, min(allowed, BASE_ANSWER_SECONDS[question]))


def known_capabilities(connection: Connection) -> Capabilities:
    """What the connection's row remembers, without speaking to the engine: for pages and inside transactions.

    An account with a limit per key is dialled no faster than that limit allows, or each start beyond it is refused.
    """
    found = read(connection.engine)
    if found.kind not in COUNTED_KINDS or found.starts_per_second is not None:
        return found
    rate = starts_per_minute(settings.UPSTREAM_REQUESTS_PER_MINUTE) / 60 or None
    return replace(found, starts_per_second=rate, is_rate_of_key=True)


def starts_per_minute(limit: int) -> int:
    """How many of a key's requests in a minute may be dials: a ninth is kept free for commands."""
    return max(0, limit - limit // 9)


def read(stored: dict[str, Any]) -> Capabilities:
    """The capabilities of an answer; a field of the wrong type counts as missing, unknown ones are ignored."""
    if not stored:
        return Capabilities()
    limits = _dict(stored.get("limits"))
    return Capabilities(
        kind=_text(stored.get("kind")) or "unknown",
        version=_text(stored.get("version")),
        instance=_text(stored.get("instance")) or None,
        simulated=stored.get("simulated") is True,
        clock=_number(stored.get("clock"), 1.0),
        needs_keys=stored.get("needs_keys") is not False,
        features=frozenset(_texts(stored.get("features"))),
        answer_seconds=_answer_seconds(_dict(stored.get("answer_seconds"))),
        concurrent=int(_number(limits.get("concurrent"), 0)) or None,
        starts_per_second=_number(limits.get("starts_per_second"), 0) or None,
        control=_texts(stored.get("control")) or BASE_CONTROL,
        providers=_providers(stored.get("providers")),
        sip=_sip(stored.get("sip")),
    )


def _answer_seconds(found: dict[str, Any]) -> dict[str, float]:
    return {question: _number(found.get(question), least) or least for question, least in BASE_ANSWER_SECONDS.items()}


def _providers(found: Any) -> dict[str, list[str]] | None:
    if not isinstance(found, dict):
        return None
    return {part: list(_texts(found.get(part))) for part in ("llm", "stt", "tts")}


def _sip(found: Any) -> Sip | None:
    if not isinstance(found, dict) or not _text(found.get("target")):
        return None
    return Sip(_text(found["target"]), _texts(found.get("transports")))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _number(value: Any, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
    return float(value) if is_number else default
