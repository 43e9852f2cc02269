"""What a dial or a command came to: the certainty table (engine 6), and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from apps.core.foreign_json import json_object
from apps.core.http import Answer, NoAnswer, NotSent
from apps.voice.capabilities import Capabilities

Outcome = Literal["accepted", "refused", "unknown", "duplicate"]
LONGEST_PAUSE = 3600.0


@dataclass(frozen=True)
class Dialled:
    """The fate of one request to dial or to control.

    outcome:
        accepted: the engine has it. `ref` may be missing when its answer could not be read: bind by reference.
        refused: certain that nothing happened.
        duplicate: the engine had accepted this reference before; `ref` is that call.
        unknown: nothing is known; only the rules of engine 6 may go on from here.
    error: a word for programs (`capacity`, `too_late`, `refused`, `timeout`, …); `details` are the engine's words.
    retry_after: seconds the engine asks for, else None.
    """

    outcome: Outcome
    ref: str | None = None
    control_url: str = ""
    error: str = ""
    status: int | None = None
    retry_after: float | None = None
    details: list[str] = field(default_factory=list)
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def engine_is_down(self) -> bool:
        """The engine cannot be reached or does not take our key: no other call would fare better."""
        return self.outcome == "refused" and (self.status is None or self.status in (401, 402, 403))


def of_answer(answer: Answer, capabilities: Capabilities) -> Dialled:
    """Read an answer by the table. A status outside 2xx, 4xx and 5xx says nothing about what happened."""
    body = json_object(answer.body)
    outcome = _outcome(answer.status, body, capabilities)
    known: dict[str, Any] = {
        "status": answer.status,
        "body": body,
        "ref": _ref(body),
        "control_url": _control_url(body),
    }
    if outcome == "accepted" and answer.status < 300:
        return Dialled("accepted", **known)
    return Dialled(
        outcome,
        error=str(body.get("type") or f"http_{answer.status}")[:60],
        retry_after=retry_after(answer.headers),
        details=details_of(body),
        **known,
    )


def of_failure(error: NotSent | NoAnswer) -> Dialled:
    """A request without a usable answer: certain only when not one byte had left."""
    outcome: Outcome = "refused" if isinstance(error, NotSent) else "unknown"
    # Also after the head of a 2xx: without the body there is no id to bind, and the rules for the unknown find it.
    status = error.status if isinstance(error, NoAnswer) else None
    return Dialled(outcome, error=error.reason, status=status, details=[str(error)[:300]])


def of_busy(seconds: int, text: str) -> Dialled:
    """The limit per key leaves no room for this request, so it was not sent: certain, and no fault of the engine."""
    return Dialled("refused", error="rate_limited", status=429, retry_after=float(seconds), details=[text])


def _outcome(status: int, body: dict[str, Any], capabilities: Capabilities) -> Outcome:
    if 200 <= status < 300:
        return "accepted"
    if status == 409 and body.get("type") == "duplicate_reference":
        return "duplicate"
    if status == 409 and body.get("type") == "in_progress":
        return "unknown"
    if capabilities.has("certainty") and "rang" in body:
        return _by_rang(body["rang"])
    if status == 409 and capabilities.has("idempotency"):
        # Most likely the key was used before with another body: then the earlier request was accepted.
        return "unknown"
    return "refused" if 400 <= status < 500 else "unknown"


def _by_rang(rang: Any) -> Outcome:
    if rang is False:
        return "refused"
    return "accepted" if rang is True else "unknown"


def _ref(body: dict[str, Any]) -> str | None:
    ref = body.get("call_id")
    return ref if isinstance(ref, str) and 0 < len(ref) <= 255 else None


def _control_url(body: dict[str, Any]) -> str:
    url = body.get("control_url")
    return url if isinstance(url, str) and len(url) <= 2048 else ""


def details_of(body: dict[str, Any]) -> list[str]:
    """The engine's own words about a refusal, bounded."""
    found = body.get("details")
    texts = [str(each)[:300] for each in found[:20]] if isinstance(found, list) else []
    said = body.get("message") or body.get("error")
    return texts or ([str(said)[:300]] if said else [])


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header in either of its forms, at most an hour; None without a usable one.

    A date is measured by the sender's own clock when it tells it: ours may differ.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_PAUSE)
    until = _instant(text)
    if until is None:
        return None
    return min(max(0.0, until - (_instant(headers.get("date", "")) or time.time())), LONGEST_PAUSE)


def _instant(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
