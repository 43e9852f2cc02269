"""The end of a call, and its money: charged once, or its hold given back."""

from __future__ import annotations

import datetime as dt

from apps.billing.payers import charge_call, cost_for, release
from apps.calls.models import Call, EngineEvent
from apps.calls.services.draft import Draft
from apps.calls.services.notify import tell_status
from apps.core.db import step

Status = Call.Status
NEVER_ANSWERED = {"no_answer", "busy", "declined", "invalid_number", "in_doubt", "cancelled"}
REFUSED = {
    "insufficient_credits", "no_assistant", "assistant_inactive", "number_inactive", "rejected_by_webhook",
    "mcp_unavailable", "suspended", "missing_key",
}  # fmt: skip
BROKEN = "ended-with-error"


@step
def finish(draft: Draft, *, wire: str, reason: str | None, error: str | None, at: dt.datetime) -> bool:
    """Give the call its final status and tell the customer. Returns False when it has one already.

    Args:
        wire: the status as an event or the engine's REST answer spells it.
        at: when it ended; the report corrects it.
    """
    call = draft.call
    status, reason = _final(call, wire, reason)
    if not call.may_become(status):
        return False
    broke = status == Status.ENDED_WITH_ERROR or (status == Status.FAILED and reason == "error")
    text = (error or ("Call failed" if broke else ""))[:500] or None
    draft.set(status=status, end_reason=reason and reason[:40], ended_at=at, error=text, missing_since=None)
    draft.set(next_check_at=None, **({"dial": Call.Dial.ACCEPTED} if call.dial == Call.Dial.IN_DOUBT else {}))
    if call.started_at is None:
        settle(draft, None)
    if call.is_private:
        forget_answers(call, draft.now)
    tell_status(call, at=at, now=draft.now)
    return True


@step
def forget_answers(call: Call, now: dt.datetime) -> None:
    """What tools were asked and answered is kept for repeats while the call runs; under GDPR mode no longer."""
    answered = EngineEvent.objects.filter(call_id=call.pk, answered_at__isnull=False)
    answered.update(body=b"", answer=b"", updated_at=now)


@step
def settle(draft: Draft, seconds: int | None) -> None:
    """Book the call, or give its hold back when it certainly costs nothing (`seconds` None).

    A call that is not charged keeps what it would have cost.
    """
    call, now = draft.call, draft.now
    payers = call.organization.payer_ids
    if seconds is None:
        if call.is_charged and call.settled_at is None:
            release(payers=payers, keys=[call.money_key], now=now)
        draft.set(cost=call.cost or 0, settled_at=call.settled_at or now)
        return
    if call.is_charged:
        cost = charge_call(
            payers=payers, used_by=call.organization_id, used_by_name=call.organization.name, key=call.money_key,
            seconds=seconds, call_id=call.public_id, now=now,
        )  # fmt: skip
    else:
        cost = cost_for(payers, seconds, now)
    draft.set(cost=cost, settled_at=call.settled_at or now)


def _final(call: Call, wire: str, reason: str | None) -> tuple[str, str | None]:
    """Our status for the engine's (features 12, webhooks 8)."""
    answered = call.started_at is not None
    if call.cut_reason and wire != BROKEN:
        return Status.INSUFFICIENT_CREDITS, call.cut_reason
    if reason == "transferred" or wire == Status.TRANSFERRED:
        return Status.TRANSFERRED, "transferred"
    if wire in (Status.FAILED, Status.REJECTED):
        return wire, reason or "error"
    if wire == BROKEN:
        dialled = call.direction != Call.Direction.INBOUND and not answered
        return (Status.FAILED if dialled else Status.ENDED_WITH_ERROR), reason or "error"
    if not answered and reason in REFUSED:
        return (Status.REJECTED if call.direction == Call.Direction.INBOUND else Status.FAILED), reason
    if not answered and reason in NEVER_ANSWERED:
        return Status.FAILED, reason
    return Status.ENDED, reason or ("user_hangup" if answered else "no_answer")
