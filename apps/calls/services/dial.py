"""Reserve, send, record: a call is dialled once, whatever dies in between (design 6, engine 6, limits 1.7)."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.calls.allowed import SPENT, spend_left, why_forbidden
from apps.calls.models import Call
from apps.calls.refusals import is_refused
from apps.calls.services.bodies import dial_body
from apps.calls.services.draft import Draft, locked
from apps.calls.services.fate import accept, error_for, leave_unknown, reason_of, refusal_of, refuse, text_of
from apps.calls.services.keys import MISSING, call_ring, missing_keys
from apps.calls.services.requests import CallRequest
from apps.calls.services.reserve import reserve_call
from apps.calls.services.tools_mcp import UNAVAILABLE, first_missing, required_servers
from apps.calls.services.upstream import make_call_ready, resync, use_copies
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Unavailable
from apps.voice.capabilities import Capabilities
from apps.voice.client import Engine
from apps.voice.models import Connection
from apps.voice.outcomes import Dialled
from apps.voice.services import capabilities, ensure_receiver, known_capabilities, note_failure, note_success

Dial = Call.Dial


@dataclass(frozen=True)
class Sending:
    """A dial that was marked as being sent. Only who holds the present `fence` may record what came of it."""

    call: Call
    fence: int
    body: dict[str, Any]


def start_call(*, request: CallRequest, now: dt.datetime) -> Call:
    """Reserve a call and dial it in the same breath: page, API.

    Raises what `reserve_call` raises, and Invalid or Unavailable when the engine certainly refused it. A call whose
    fate is unknown comes back as it is, `connecting`: a client would dial again after an error (api 6).
    """
    call = reserve(request=request, now=now)
    answer = dial(organization_id=call.organization_id, call_id=call.pk)
    call.refresh_from_db()
    if call.dial == Dial.REFUSED:
        raise error_for(call, retry_after=answer.retry_after if answer else None)
    return call


@writes
def reserve(*, request: CallRequest, now: dt.datetime) -> Call:
    return reserve_call(request=request, now=now)


def dial(*, organization_id: object, call_id: object) -> Dialled | None:
    """Send a reserved call to its engine. None when there was nothing to send (any more).

    Safe to run twice and to die in at any instant: what is marked as sending is only ever repeated with the same key.
    """
    connection = _connection(organization_id, call_id)
    if connection is None:
        return None
    now = db.now()
    try:
        capabilities(connection, now)
        ensure_receiver(connection)
        make_call_ready(organization_id=organization_id, call_id=call_id)
    except Unavailable as problem:
        refuse_reserved(organization_id=organization_id, call_id=call_id, error=problem.text, now=now)
        return None
    if problem := missing_server(organization_id=organization_id, call_id=call_id):
        refuse_without_server(organization_id=organization_id, call_id=call_id, error=problem, now=db.now())
        return None
    sending = mark_sending(organization_id=organization_id, call_id=call_id, now=db.now())
    if sending is None:
        return None
    answer = Engine(connection).dial(sending.body, key=sending.call.dial_key)
    record_answer(organization_id=organization_id, call_id=call_id, fence=sending.fence, answer=answer, now=db.now())
    note_engine(connection, answer, now)
    if answer.status == 404:
        resync(sending.call)
    return answer


@writes
def mark_sending(*, organization_id: object, call_id: object, now: dt.datetime) -> Sending | None:
    """Look once more whether the call is still wanted, then mark it as being sent. None when it is not to be sent."""
    call = locked(organization_id, call_id, dial=Dial.RESERVED)
    if call is None or call.connection is None:
        return None
    draft = Draft(call, now)
    if problem := _not_wanted(call, now):
        refuse(draft, problem, reason=problem if problem in ("suspended", "do_not_call") else "error", error=problem)
        draft.save()
        return None
    if found := _not_allowed(call, now):
        refuse(draft, found[0], error=found[1])
        draft.save()
        return None
    known = known_capabilities(call.connection)
    ring = call_ring(call, known)
    if problem := missing_keys(ring, known):
        refuse(draft, MISSING, error=problem)
        draft.save()
        return None
    if problem := use_copies(draft, known):
        refuse(draft, "unavailable", error=problem)
        draft.save()
        return None
    draft.set(
        dial=Dial.SENDING, fence=call.fence + 1, lease_until=now + seconds(settings.DIAL_LEASE_SECONDS), sent_at=now,
        not_after=_not_after(call, known, now), checks=0, next_check_at=None,
    )  # fmt: skip
    draft.save()
    return Sending(call, call.fence, dial_body(call, known, ring))


@writes
def record_answer(
    *, organization_id: object, call_id: object, fence: int, answer: Dialled, now: dt.datetime
) -> bool:
    """Write what a first request came to. False when somebody else has taken the dial over since."""
    call = locked(organization_id, call_id, fence=fence)
    if call is None or call.dial not in (Dial.SENDING, Dial.UNKNOWN, Dial.ACCEPTED):
        return False
    draft = Draft(call, now)
    if answer.outcome in ("accepted", "duplicate"):
        accept(draft, ref=answer.ref, control_url=answer.control_url)
    elif call.dial == Dial.ACCEPTED:
        return False  # an event said that it rings; that beats any answer
    elif answer.outcome == "refused":
        refuse(draft, refusal_of(answer), reason=reason_of(answer), error=text_of(answer))
    else:
        leave_unknown(draft)
    draft.save()
    return True


@writes
def refuse_reserved(*, organization_id: object, call_id: object, error: str, now: dt.datetime) -> None:
    """The engine cannot be reached, so nothing was sent."""
    if call := locked(organization_id, call_id, dial=Dial.RESERVED):
        draft = Draft(call, now)
        refuse(draft, "unavailable", error=error)
        draft.save()


def missing_server(*, organization_id: object, call_id: object) -> str:
    """What is wrong with an MCP server that the call requires; empty when nothing is. Speaks to it."""
    calls = Call.objects.for_organization(organization_id).select_related("connection").only("config", "connection", "organization_id")
    call = calls.filter(pk=call_id, dial=Dial.RESERVED, connection__isnull=False).first()
    if call is None or call.connection is None:
        return ""
    servers = required_servers(call, known_capabilities(call.connection))
    return asyncio.run(first_missing(servers)) if servers else ""


@writes
def refuse_without_server(*, organization_id: object, call_id: object, error: str, now: dt.datetime) -> None:
    """A tool server that the assistant requires is not there, so nothing was sent (features 7)."""
    if call := locked(organization_id, call_id, dial=Dial.RESERVED):
        draft = Draft(call, now)
        refuse(draft, UNAVAILABLE, reason=UNAVAILABLE, error=error)
        draft.save()


def note_engine(connection: Connection, answer: Dialled, now: dt.datetime) -> None:
    """Keep the engine's health as pages and campaigns see it."""
    if answer.engine_is_down:
        note_failure(connection, answer.error, now)
    elif answer.outcome in ("accepted", "duplicate"):
        note_success(connection, now)


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


def _connection(organization_id: object, call_id: object) -> Connection | None:
    calls = Call.objects.for_organization(organization_id).select_related("connection")
    call = calls.filter(pk=call_id, dial=Dial.RESERVED).only("connection").first()
    return call.connection if call else None


def _not_wanted(call: Call, now: dt.datetime) -> str | None:
    if call.organization.suspended_at or call.organization.closed_at:
        return "suspended"
    if call.wanted_until and now > call.wanted_until:
        return "too_late"
    if call.other_number and is_refused(call.organization, call.other_number, now):
        return "do_not_call"
    return None


def _not_allowed(call: Call, now: dt.datetime) -> tuple[str, str] | None:
    """The refusal and its sentence, should countries or money have changed since the call was reserved."""
    if call.other_number and (problem := why_forbidden(call.organization, call.other_number, now)):
        return "not_allowed", problem
    left = spend_left(call.organization, now) if call.is_charged else None
    return ("spend", str(SPENT)) if left is not None and left < 0 else None


def _not_after(call: Call, known: Capabilities, now: dt.datetime) -> dt.datetime:
    """How long the engine may still ring this. With keys long enough for a second worker to take over after the lease;
    without, a look-up is an answer only afterwards, so it is short."""
    longest = settings.DIAL_SETTLE_SECONDS
    if known.has("idempotency"):
        longest += settings.DIAL_LEASE_SECONDS
    latest = now + seconds(longest)
    return min(latest, call.wanted_until) if call.wanted_until else latest
