"""Reserve, send, record: a call is dialled once, whatever dies in between (design 6, engine 6, limits 1.7)."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.billing.payers import why_empty
from apps.calls.allowed import SPENT, spend_left, why_forbidden
from apps.calls.models import Call
from apps.calls.refusals import is_refused
from apps.calls.services.bodies import dial_body
from apps.calls.services.draft import Draft, locked
from apps.calls.services.fate import (
    NO_CREDITS,
    PACE,
    accept,
    error_for,
    leave_unknown,
    reason_of,
    refusal_of,
    refuse,
    text_of,
)
from apps.calls.services.keys import MISSING, call_ring, missing_keys
from apps.calls.services.requests import CallRequest
from apps.calls.services.reserve import reserve_call
from apps.calls.services.slots import (
    LATE,
    LEAD,
    PATIENCE,
    SOON,
    Later,
    NotYet,
    Sending,
    Window,
    book,
    closed_until,
    early,
    reading_all,
    waits_its_turn,
    windows_of,
)
from apps.calls.services.tools_mcp import UNAVAILABLE, first_missing, required_servers, requires_servers
from apps.calls.services.upstream import make_call_ready, resync, use_copies
from apps.core import db
from apps.core.db import step, writes
from apps.core.errors import Unavailable
from apps.voice.capabilities import Capabilities
from apps.voice.client import Engine
from apps.voice.mirror import mirrors
from apps.voice.models import Connection
from apps.voice.outcomes import Dialled
from apps.voice.services import capabilities, ensure_receiver, known_capabilities, note_failure, note_success

Dial = Call.Dial
_READ = ("public_id", "origin", "config", "fence", "dial", "organization_id", "connection_id", "trunk_id")


def start_call(*, request: CallRequest, now: dt.datetime) -> Call:
    """Reserve a call and dial it in the same breath: page, API.

    Raises what `reserve_call` raises, Invalid or Unavailable when the engine certainly refused it, and RateLimited when
    more calls begin than may within a time, and no slot comes soon. A call whose fate is unknown comes back as it is,
    `connecting`: a client would dial again after an error (api 6).
    """
    call = reserve(request=request, now=now)
    answer = dial(organization_id=call.organization_id, call_id=call.pk, waits=False)
    call.refresh_from_db()
    if call.dial == Dial.REFUSED:
        raise error_for(call, retry_after=answer.retry_after if isinstance(answer, Dialled) else None)
    return call


@writes
def reserve(*, request: CallRequest, now: dt.datetime) -> Call:
    return reserve_call(request=request, now=now)


def dial(*, organization_id: object, call_id: object, waits: bool = True) -> Dialled | Later | None:
    """Send a reserved call to its engine, at the instant that was booked for it. None when there was nothing to send.

    Safe to run twice and to die in at any instant: what is marked as sending is only ever repeated with the same key.

    Args:
        waits: a call whose slot lies too far ahead stays reserved, and comes back as `Later`; else it is refused.
    """
    now, call, windows, closed = _look(organization_id, call_id)
    if call is None or (connection := call.connection) is None:
        return None
    if closed and waits and _is_patient(call):
        return _put_back(organization_id=organization_id, call_id=call_id, fence=call.fence, until=NotYet(closed, now), gap=None)
    try:
        capabilities(connection, now)
        ensure_receiver(connection)
        if mirrors(connection):
            make_call_ready(organization_id=organization_id, call_id=call_id)
    except Unavailable as problem:
        refuse_reserved(organization_id=organization_id, call_id=call_id, error=problem.text, now=now)
        return None
    needs_server = requires_servers(call, known_capabilities(connection))
    if needs_server and (problem := missing_server(organization_id=organization_id, call_id=call_id)):
        refuse_without_server(organization_id=organization_id, call_id=call_id, error=problem, now=db.now())
        return None
    with reading_all(windows):
        sent = _send(call, connection, windows, waits=waits)
    if not isinstance(sent, tuple):
        return sent
    sending, answer = sent
    record_answer(organization_id=organization_id, call_id=call_id, fence=sending.fence, answer=answer, now=db.now())
    note_engine(connection, answer, now)
    if answer.status == 404:
        resync(sending.call)
    return answer


def _send(
    call: Call, connection: Connection, windows: Sequence[Window], *, waits: bool
) -> tuple[Sending, Dialled] | Dialled | Later | None:
    """Mark, wait for the instant, send. A slot that passed before the request left is booked anew, with more lead."""
    ids = {"organization_id": call.organization_id, "call_id": call.pk}
    most, lead, fence = SOON if waits and _is_patient(call) else PATIENCE, LEAD, call.fence
    try:
        sending = mark_sending(**ids, now=db.now(), windows=windows, most=most)
        while sending:
            fence = sending.fence
            sending.approach()
            answer = Engine(connection).dial(sending.body, key=sending.call.dial_key, before=sending.go)
            if answer.error != LATE:
                return sending, answer
            lead *= 2
            sending = mark_anew(sending=sending, now=db.now(), windows=windows, most=most, lead=lead)
    except NotYet as until:
        if not waits:
            return _refuse_for_pace(**ids, fence=fence, until=until)
        gap = max(window.gap for window in windows) if _is_patient(call) else None
        return _put_back(**ids, fence=fence, until=until, gap=gap)
    return None


@writes
def mark_sending(
    *, organization_id: object, call_id: object, now: dt.datetime, windows: Sequence[Window] = (), most: dt.timedelta = PATIENCE
) -> Sending | None:
    """Look once more whether the call is still wanted, then mark it as being sent. None when it is not to be sent.

    Args:
        windows: the limits on starts that its instant is booked for; none: at once.
        most: how far ahead that may lie.

    Raises NotYet, and has written nothing then.
    """
    call = locked(organization_id, call_id, dial=Dial.RESERVED)
    if call is None or call.connection is None:
        return None
    draft = Draft(call, now)
    if _refused(draft):
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
    draft.set(fence=call.fence + 1, not_after=deadline(call, known, now), checks=0, next_check_at=None)
    # The body first: nobody waits for a lock while it is made.
    return _booked(draft, Sending(call, call.fence, dial_body(call, known, ring)), windows, most=most, lead=LEAD)


@writes
def mark_anew(
    *, sending: Sending, now: dt.datetime, windows: Sequence[Window], most: dt.timedelta, lead: dt.timedelta
) -> Sending | None:
    """Another instant for a dial whose request has not left. None when it was taken over, or is not wanted any more.

    Raises NotYet, and has written nothing then.
    """
    call = locked(sending.call.organization_id, sending.call.pk, dial=Dial.SENDING, fence=sending.fence)
    if call is None:
        return None
    draft = Draft(call, now)
    return None if _refused(draft) else _booked(draft, sending, windows, most=most, lead=lead)


@step
def _booked(
    draft: Draft, sending: Sending, windows: Sequence[Window], *, most: dt.timedelta, lead: dt.timedelta
) -> Sending | None:
    """The lease covers the wait for the instant: nobody takes over what is about to be sent."""
    sent_at, at = draft.now, None
    if windows:
        sent_at, at = book(windows, most=most, lead=lead, but=draft.call.pk)
    if draft.call.wanted_until and sent_at >= draft.call.wanted_until:
        refuse(draft, "too_late", error="too_late")
        draft.save()
        return None
    draft.set(dial=Dial.SENDING, sent_at=sent_at, lease_until=sent_at + seconds(settings.DIAL_LEASE_SECONDS))
    draft.save()
    return sending.anew(at, windows)


@writes
def _put_back(
    *, organization_id: object, call_id: object, fence: int, until: NotYet, gap: dt.timedelta | None
) -> Later | None:
    """It was not sent: it waits as a reserved row, as one of its campaign's in their order.

    Args:
        gap: between two starts of the campaign's; None: it waits for nobody else.
    """
    call = locked(organization_id, call_id, fence=fence, dial__in=(Dial.RESERVED, Dial.SENDING))
    if call is None:
        return None
    at = until.at
    if gap:
        reserved = Call.objects.for_organization(organization_id).filter(dial=Dial.RESERVED, origin=call.origin)
        at += gap * reserved.filter(pk__lt=call.pk).count() - early(gap)
    draft = Draft(call, until.now)
    draft.set(dial=Dial.RESERVED, dial_at=at, sent_at=None, lease_until=None, not_after=None)
    draft.save()
    return Later(max(0.0, (at - until.now).total_seconds()))


@writes
def _refuse_for_pace(*, organization_id: object, call_id: object, fence: int, until: NotYet) -> Dialled | None:
    """No slot comes soon enough for somebody who waits: certain that it was not sent."""
    call = locked(organization_id, call_id, fence=fence, dial__in=(Dial.RESERVED, Dial.SENDING))
    if call is None:
        return None
    wait = (until.at - until.now).total_seconds()
    text = _("Too many calls begin at the same time. Try again in %(seconds)s seconds.") % {"seconds": math.ceil(wait)}
    draft = Draft(call, until.now)
    refuse(draft, PACE, error=text)
    draft.save()
    return Dialled("refused", error=PACE, retry_after=wait)


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
        if call.refusal == "capacity" and answer.retry_after:
            draft.set(next_check_at=now + seconds(answer.retry_after))
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


@transaction.atomic
def _look(organization_id: object, call_id: object) -> tuple[dt.datetime, Call | None, list[Window], dt.datetime | None]:
    """The instant, the reserved call with the limits on its start, and until when its engine asked for patience."""
    now = db.now()
    calls = Call.objects.for_organization(organization_id).select_related("organization", "connection", "trunk")
    call = calls.filter(pk=call_id, dial=Dial.RESERVED).only(*_READ, "organization", "connection", "trunk").first()
    if call is None or call.connection is None:
        return now, None, [], None
    return now, call, windows_of(call), closed_until(call.connection.pk, call.trunk_id, now)


def _is_patient(call: Call) -> bool:
    """Nobody waits for the answer to a campaign's call."""
    return waits_its_turn(call.origin)


@step
def _refused(draft: Draft) -> bool:
    """Whether the call is not wanted or not allowed any more; then that is written."""
    call, now = draft.call, draft.now
    if problem := _not_wanted(call, now):
        refuse(draft, problem, reason=problem if problem in ("suspended", "do_not_call") else "error", error=problem)
    elif found := _not_allowed(call, now):
        refuse(draft, found[0], error=found[1])
    else:
        return False
    draft.save()
    return True


def _not_wanted(call: Call, now: dt.datetime) -> str | None:
    if call.organization.suspended_at or call.organization.closed_at:
        return "suspended"
    if call.wanted_until and now >= call.wanted_until:
        return "too_late"
    if call.other_number and is_refused(call.organization, call.other_number, now):
        return "do_not_call"
    return None


def _not_allowed(call: Call, now: dt.datetime) -> tuple[str, str] | None:
    """The refusal and its sentence, should countries or money have changed since the call was reserved."""
    if call.other_number and (problem := why_forbidden(call.organization, call.other_number, now)):
        return "not_allowed", problem
    if call.is_charged and (empty := why_empty(call.organization.payer_ids, call.organization_id, now)):
        return NO_CREDITS, empty
    left = spend_left(call.organization, now) if call.is_charged else None
    return ("spend", str(SPENT)) if left is not None and left < 0 else None


def deadline(call: Call, known: Capabilities, now: dt.datetime) -> dt.datetime:
    """How long the engine may still ring this. With keys long enough for a second worker to take over after the lease;
    without, a look-up is an answer only afterwards, so it is short."""
    longest = settings.DIAL_SETTLE_SECONDS
    if known.has("idempotency"):
        longest += settings.DIAL_LEASE_SECONDS
    latest = now + seconds(longest)
    return min(latest, call.wanted_until) if call.wanted_until else latest
