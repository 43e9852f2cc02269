"""Running calls whose payer has nothing left get a closing sentence and end (platform 3)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from django.utils import translation
from django.utils.translation import gettext as _

from apps.billing.payers import left, rate_of
from apps.billing.services import cost_of
from apps.calls.models import Call
from apps.calls.services.draft import Draft, locked
from apps.core import db
from apps.core.db import writes
from apps.core.scope import acting
from apps.organizations.scopes import overview
from apps.voice.client import Engine

REASON = "insufficient_credits"


def calls_at_zero(now: dt.datetime) -> list[tuple[object, object]]:
    """Charged calls in progress of which one payer's balance would not cover what has been talked so far."""
    found: dict[object, list[Call]] = defaultdict(list)
    with acting(overview("running calls and what their payers have left")):
        running = Call.objects.filter(status=Call.Status.IN_PROGRESS, is_charged=True, cut_reason="")
        for call in running.select_related("organization").only(
            "started_at", "organization__parent_id", "organization__id", "organization__has_wallet"
        ):
            for payer in call.organization.payer_ids:
                found[payer].append(call)
        empty = [calls for payer, calls in found.items() if _left(payer, calls) - _so_far(payer, calls, now) <= 0]
    return sorted({(call.organization_id, call.pk) for calls in empty for call in calls})


def cut_call(*, organization_id: object, call_id: object) -> None:
    """Say the closing sentence and end the call; its final status becomes `insufficient-credits`."""
    now = db.now()
    call = _mark(organization_id=organization_id, call_id=call_id, now=now)
    if call is None or call.connection is None or not call.ref:
        return
    with translation.override(call.organization.language):
        sentence = _("We have to end this call now. Goodbye.")
    Engine(call.connection).control(
        call.ref, call.control_url, {"type": "end-call", "message": str(sentence)}, key=f"cut:{call.public_id}"
    )


@writes
def _mark(*, organization_id: object, call_id: object, now: dt.datetime) -> Call | None:
    call = locked(organization_id, call_id, status=Call.Status.IN_PROGRESS)
    if call is None:
        return None
    draft = Draft(call, now)
    draft.set(cut_reason=REASON)
    draft.note("cut", "cut", reason=REASON)
    draft.save()
    return call


def _left(payer: object, calls: list[Call]) -> int:
    return left(_payers(payer, calls), payer)


def _payers(payer: object, calls: list[Call]) -> tuple[object, ...]:
    """Any of the calls will do: an account is a wallet for all of them, or for none."""
    return calls[0].organization.payer_ids


def _so_far(payer: object, calls: list[Call], now: dt.datetime) -> int:
    """What the calls have cost this account until now, at its rate."""
    rate = rate_of(_payers(payer, calls), payer)
    times = [max(0, int((now - call.started_at).total_seconds())) for call in calls if call.started_at]
    return sum(cost_of(seconds, now, rate) for seconds in times)
