"""What became of a dial request, written to its call (engine 6)."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from apps.calls.models import Call, EngineEvent
from apps.calls.services.draft import Draft
from apps.calls.services.keys import MISSING
from apps.calls.services.settle import finish
from apps.core.db import step
from apps.core.errors import Conflict, DomainError, InsufficientCredits, Invalid, RateLimited, Unavailable
from apps.voice.outcomes import Dialled

Dial = Call.Dial
FIRST_CHECK = dt.timedelta(seconds=1)
# More calls would have begun within a time than the limits allow.
PACE = "pace"
# The balance was used up between the reservation and the dial.
NO_CREDITS = "no_credits"
# Refusals that say nothing about the destination: the attempt does not count.
NOT_COUNTED = ("unavailable", "capacity", PACE, "too_late", "cancelled", "suspended", "do_not_call", "not_allowed", "spend",
               NO_CREDITS)  # fmt: skip


@step
def accept(draft: Draft, *, ref: str | None, control_url: str = "") -> None:
    """The engine has the call. Events that came before our answer find it now."""
    call = draft.call
    if call.dial not in (Dial.ACCEPTED, Dial.REFUSED):
        draft.note("accepted", "dial:accepted", ref=ref)
        draft.set(dial=Dial.ACCEPTED, next_check_at=None, lease_until=None)
        draft.set(last_news_at=call.last_news_at or draft.now)
    draft.fill(ref=ref, control_url=control_url)
    if ref:
        adopt_events(call)


@step
def refuse(draft: Draft, refusal: str, *, error: str = "", reason: str = "error") -> None:
    """It certainly did not ring."""
    draft.set(dial=Dial.REFUSED, refusal=refusal[:60], next_check_at=None, lease_until=None)
    draft.note("refused", "dial:refused", refusal=refusal)
    wire = "ended-with-error" if reason == "error" else Call.Status.FAILED
    finish(draft, wire=wire, reason=reason, error=error or None, at=draft.now)


@step
def leave_unknown(draft: Draft, *, next_check_at: dt.datetime | None = None) -> None:
    """Nothing is known: the reconciler goes on from here, and only it."""
    draft.set(dial=Dial.UNKNOWN, lease_until=None, next_check_at=next_check_at or draft.now + FIRST_CHECK)
    draft.note("unknown", "dial:unknown")


@step
def give_up(draft: Draft) -> None:
    """In doubt: no second ring, the call is listed. A late event may still turn it (features 12)."""
    draft.set(dial=Dial.IN_DOUBT, next_check_at=None, lease_until=None)
    draft.note("in_doubt", "dial:in_doubt")
    finish(draft, wire=Call.Status.FAILED, reason="in_doubt", error=None, at=draft.now)
    draft.set(dial=Dial.IN_DOUBT)


@step
def adopt_events(call: Call) -> int:
    """Bind events that named only the engine's id. Returns how many."""
    unbound = EngineEvent.objects.filter(connection_id=call.connection_id, call_ref=call.ref, call_id=None)
    return unbound.update(call_id=call.pk, organization_id=call.organization_id)


def refusal_of(answer: Dialled) -> str:
    """One word for a certain refusal: `capacity`, `too_late`, `unavailable`, or `invalid` for what we asked."""
    if answer.error == "too_late":
        return "too_late"
    if answer.status == 429:
        return "capacity"
    if answer.status is None or answer.status >= 500 or answer.status in (401, 402, 403, 404):
        return "unavailable"
    return "invalid"


def reason_of(answer: Dialled) -> str:
    is_number = refusal_of(answer) == "invalid" and answer.body.get("param") == "destination"
    return "invalid_number" if is_number else "error"


def text_of(answer: Dialled) -> str:
    return "; ".join(answer.details)[:500] or answer.error


def error_for(call: Call, *, retry_after: float | None = None) -> DomainError:
    """What whoever asked for a refused call is told (platform 12).

    Args:
        retry_after: seconds after which the engine may take it, when it said so.
    """
    if call.refusal == "not_allowed":
        return Invalid(call.error or "", param="destination")
    if call.refusal == NO_CREDITS:
        return InsufficientCredits(call.error or "")
    if call.refusal == "spend":
        return Conflict(call.error or "", type="spend_limit")
    if call.refusal in ("invalid", "do_not_call", "suspended", "mcp_unavailable", MISSING):
        return Invalid(call.error or "The call was refused.", details=[call.error] if call.error else [])
    if call.refusal == PACE:
        return RateLimited(call.error or "", retry_after=max(1, math.ceil(retry_after or 1)))
    extra: dict[str, Any] = {"retry_after": max(1, math.ceil(retry_after or 1))} if call.refusal == "capacity" else {}
    return Unavailable(call.error or "", **extra)
