"""Dials of unknown fate: found out, repeated under the same key, or left in doubt. Never dialled again blindly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q

from apps.calls.models import Call
from apps.calls.services.bodies import dial_body
from apps.calls.services.dial import note_engine, seconds
from apps.calls.services.draft import Draft, locked
from apps.calls.services.fate import accept, give_up, leave_unknown, reason_of, refusal_of, refuse, text_of
from apps.calls.services.incoming import instant_of
from apps.calls.services.keys import call_ring
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Unavailable
from apps.core.scope import acting
from apps.organizations.scopes import overview
from apps.voice.capabilities import Capabilities
from apps.voice.client import Engine, EngineTrouble
from apps.voice.outcomes import Dialled
from apps.voice.services import capabilities

Dial = Call.Dial
LOST_TASK = dt.timedelta(seconds=10)
KEY_LIVES = dt.timedelta(hours=24)
DOUBT_AFTER = dt.timedelta(seconds=60)
# An engine that could tell is asked for longer: only it knows.
PATIENCE = dt.timedelta(minutes=10)
LONGEST_PAUSE = 30
# By so much two clocks may differ.
CLOCKS = dt.timedelta(seconds=1)
# Longer than any look at the engine takes: meanwhile nobody else looks.
LOOKING = dt.timedelta(seconds=12)
MOST = 500

Verdict = Callable[[Draft], None]


@dataclass(frozen=True)
class Claim:
    call: Call
    fence: int


def open_dials(now: dt.datetime) -> tuple[list[tuple[object, object]], list[tuple[object, object]]]:
    """What the sweep finds, as (organization, call): reserved calls whose task was lost, and dials to reconcile."""
    late = now - LOST_TASK
    lost = Q(dial=Dial.RESERVED, created_at__lt=late) & (Q(dial_at=None) | Q(dial_at__lt=late))
    unsure = Q(dial=Dial.SENDING, lease_until__lt=now) | Q(dial=Dial.UNKNOWN, next_check_at__lte=now)
    with acting(overview("dials that nobody finishes")):
        # A room that nobody was told of is given up, not asked for again (services/web.py).
        phones = Call.objects.exclude(direction=Call.Direction.WEB)
        rows = phones.order_by("created_at").values_list("organization_id", "pk")
        return list(rows.filter(lost)[:MOST]), list(rows.filter(unsure)[:MOST])


def reconcile(*, organization_id: object, call_id: object) -> None:
    """Find out what became of one dial, by what its engine announces: A keys, B references, the base wire, C nothing."""
    now = db.now()
    claim = _claim(organization_id=organization_id, call_id=call_id, now=now)
    if claim is None:
        return
    verdict = _look(claim.call, now)
    _record(organization_id=organization_id, call_id=call_id, fence=claim.fence, verdict=verdict, now=db.now())


@writes
def _claim(*, organization_id: object, call_id: object, now: dt.datetime) -> Claim | None:
    """Take the dial over: whoever sent it before can no longer record."""
    call = locked(organization_id, call_id, skip=True)
    expired = call and call.dial == Dial.SENDING and call.lease_until and call.lease_until < now
    due = call and call.dial == Dial.UNKNOWN and call.next_check_at and call.next_check_at <= now
    if call is None or not (expired or due):
        return None
    draft = Draft(call, now)
    draft.set(fence=call.fence + 1, checks=min(call.checks + 1, 30000))
    leave_unknown(draft, next_check_at=now + LOOKING)
    draft.save()
    return Claim(call, call.fence)


@writes
def _record(*, organization_id: object, call_id: object, fence: int, verdict: Verdict, now: dt.datetime) -> None:
    call = locked(organization_id, call_id, fence=fence, dial=Dial.UNKNOWN)
    if call is None:
        return  # an event has ended the search meanwhile
    draft = Draft(call, now)
    verdict(draft)
    draft.save()


def _look(call: Call, now: dt.datetime) -> Verdict:
    assert call.connection is not None
    assert call.sent_at is not None
    try:
        known = capabilities(call.connection, now)
    except Unavailable:
        return _nothing_learned(PATIENCE)
    # A repeat may be the first that arrives and ring: what nobody wants any more is looked up where that is possible.
    may_ring = _wanted(call, now) or (known.has("deadline") and not known.has("reference"))
    if known.has("idempotency") and now - call.sent_at < KEY_LIVES and may_ring:
        return _repeat(call, known, now)
    try:
        if known.has("reference"):
            found = Engine(call.connection).find_by_reference(call.public_id)
            return _bind(found) if found else _not_listed(call, known, now)
        if known.kind == "base":
            return _by_numbers(call, known, now)
    except EngineTrouble:
        return _nothing_learned(PATIENCE)
    return _nothing_learned(DOUBT_AFTER)


def _repeat(call: Call, known: Capabilities, now: dt.datetime) -> Verdict:
    """Class A: the same request under the same key. An engine that had it replays its answer."""
    assert call.connection is not None
    answer = Engine(call.connection).dial(dial_body(call, known, call_ring(call, known)), key=call.dial_key)
    note_engine(call.connection, answer, now)
    if answer.outcome in ("accepted", "duplicate"):
        return lambda draft: accept(draft, ref=answer.ref, control_url=answer.control_url)
    if answer.outcome == "refused" and _is_certain(call, answer, known, now):
        return lambda draft: refuse(draft, refusal_of(answer), reason=reason_of(answer), error=text_of(answer))
    return _nothing_learned(PATIENCE)


def _is_certain(call: Call, answer: Dialled, known: Capabilities, now: dt.datetime) -> bool:
    """Whether a refused repeat speaks for the first request too: the engine must have answered, and no copy of the
    first one may still be on its way."""
    if answer.status is None or answer.status in (401, 402, 403, 404):
        return False
    if answer.error == "too_late" or not known.has("deadline"):
        return True
    return call.not_after is not None and now > call.not_after


def _not_listed(call: Call, known: Capabilities, now: dt.datetime) -> Verdict:
    """Class B: "not listed" is an answer only after the settle time, and when the engine would refuse a late copy."""
    assert call.sent_at is not None
    settled = call.sent_at + seconds(settings.DIAL_SETTLE_SECONDS)
    if known.has("deadline") and call.not_after:
        settled = max(settled, call.not_after + seconds(0.5))
    if now < settled:
        return lambda draft: leave_unknown(draft, next_check_at=settled + seconds(0.1))
    return _dial_again if _wanted(call, now) else _too_late


def _by_numbers(call: Call, known: Capabilities, now: dt.datetime) -> Verdict:
    """The base wire shows no reference: one call with the same ends, made within 60 s of our request, is ours."""
    assert call.connection is not None
    assert call.sent_at is not None
    since = (call.sent_at - CLOCKS).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    listed = Engine(call.connection).list_calls(limit=1000, start_date=since)
    found = _not_bound(call, [each for each in listed if _same_ends(call, each)])
    if len(found) == 1:
        return _bind(found[0])
    return _nothing_learned(DOUBT_AFTER) if found else _not_listed(call, known, now)


def _same_ends(call: Call, listed: dict[str, Any]) -> bool:
    made = instant_of(listed.get("created_at"))
    assert call.sent_at is not None
    in_time = made is not None and call.sent_at - CLOCKS <= made <= call.sent_at + DOUBT_AFTER
    ends = (listed.get("direction"), listed.get("assistant_phone"), listed.get("caller_phone"))
    return in_time and ends == ("outbound", call.own_number, call.other_number)


def _not_bound(call: Call, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the calls that are known to be others of ours."""
    refs = [each.get("id") for each in found]
    others = Call.objects.for_organization(call.organization_id).filter(connection_id=call.connection_id, ref__in=refs)
    bound = set(others.exclude(pk=call.pk).values_list("ref", flat=True))
    return [each for each in found if each.get("id") not in bound]


def _bind(found: dict[str, Any]) -> Verdict:
    ref, control_url = found.get("id"), found.get("control_url")
    return lambda draft: accept(draft, ref=str(ref)[:255], control_url=control_url if isinstance(control_url, str) else "")


def _dial_again(draft: Draft) -> None:
    """It did not ring: the same dial, key and reference may be sent again."""
    draft.set(dial=Dial.RESERVED, dial_at=None, sent_at=None, not_after=None, next_check_at=None, lease_until=None)
    draft.note("dial_again", f"dial:again:{draft.call.fence}")


def _too_late(draft: Draft) -> None:
    refuse(draft, "too_late", error="The call was no longer wanted.")


def _nothing_learned(patience: dt.timedelta) -> Verdict:
    def verdict(draft: Draft) -> None:
        call = draft.call
        assert call.sent_at is not None
        if draft.now - call.sent_at >= patience:
            give_up(draft)
        else:
            pause = min(2 ** max(0, call.checks - 1), LONGEST_PAUSE)
            leave_unknown(draft, next_check_at=draft.now + seconds(pause))

    return verdict


def _wanted(call: Call, now: dt.datetime) -> bool:
    gone = call.organization.suspended_at or call.organization.closed_at
    return not gone and (call.wanted_until is None or now < call.wanted_until)
