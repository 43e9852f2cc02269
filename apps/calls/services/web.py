"""Web calls: a room at the engine, and a token for one visitor (api 8.4, features 13).

Nobody is rung by a room. So a lost answer is no call of unknown fate: without a token nobody can come in, the call
failed, and it costs nothing.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.calls.models import Call
from apps.calls.services.bodies import web_body
from apps.calls.services.dial import missing_server, note_engine, refuse_reserved, refuse_without_server, reserve
from apps.calls.services.draft import Draft, locked
from apps.calls.services.fate import accept, error_for, reason_of, refusal_of, refuse, text_of
from apps.calls.services.incoming import instant_of
from apps.calls.services.keys import MISSING, call_ring, missing_keys
from apps.calls.services.quiet import fill_from_rest
from apps.calls.services.requests import CallRequest
from apps.calls.services.settle import finish
from apps.calls.services.upstream import make_call_ready, use_copies
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Unavailable
from apps.core.scope import acting
from apps.organizations.scopes import overview
from apps.voice.client import Engine, EngineTrouble
from apps.voice.models import Connection
from apps.voice.outcomes import Dialled
from apps.voice.services import capabilities, ensure_receiver, known_capabilities

Dial = Call.Dial
TOKEN_LIVES = dt.timedelta(minutes=10)
# Events about somebody who came in at the last moment may still be under way.
GRACE = dt.timedelta(seconds=15)
# An engine that does not answer is asked again for so long: only it knows whether somebody came.
PATIENCE = dt.timedelta(minutes=10)
LOST_REQUEST = dt.timedelta(seconds=60)
SHORTEST_REPEAT = 0.5
MOST = 500
SCHEMES = ("ws", "wss", "http", "https")


@dataclass(frozen=True)
class Room:
    """Where a visitor comes in. `server_url` is the engine's; nothing of it is shown for a typed talk."""

    call: Call
    token: str
    server_url: str
    expires_at: dt.datetime


@dataclass(frozen=True)
class _Opening:
    call: Call
    connection: Connection
    fence: int
    body: dict[str, Any]


def open_room(*, request: CallRequest, now: dt.datetime) -> Room:
    """Reserve a web call and ask its engine for a room, in the same breath.

    The same key continues where it was left: the engine is asked with the same Idempotency-Key.

    Raises what `reserve_call` raises; Invalid when the engine refuses the assistant, Unavailable without its answer.
    """
    call = reserve(request=request, now=now)
    if call.is_final:
        raise error_for(call)
    try:
        capabilities(request.connection, now)
        ensure_receiver(request.connection)
        make_call_ready(organization_id=call.organization_id, call_id=call.pk)
    except Unavailable as problem:
        refuse_reserved(organization_id=call.organization_id, call_id=call.pk, error=problem.text, now=now)
        raise
    ids = {"organization_id": call.organization_id, "call_id": call.pk}
    if problem := missing_server(**ids):
        refuse_without_server(**ids, error=problem, now=db.now())
        call.refresh_from_db()
        raise error_for(call)
    opening = _mark(organization_id=call.organization_id, call_id=call.pk, now=db.now())
    if opening is not None:
        answer = _ask(opening)
        note_engine(opening.connection, answer, now)
        if room := _record(opening=opening, answer=answer, now=db.now()):
            return room
    call.refresh_from_db()
    raise error_for(call)


def empty_rooms(now: dt.datetime) -> list[tuple[object, object]]:
    """What the sweep finds, as (organization, call): rooms whose token ran out before anybody came, and calls whose
    request died before there was a token."""
    over = Q(not_after__lt=now - GRACE) | Q(not_after=None, created_at__lt=now - TOKEN_LIVES - GRACE)
    unjoined = Q(over, dial=Dial.ACCEPTED)
    lost = Q(dial__in=Call.OPEN_DIALS, created_at__lt=now - LOST_REQUEST)
    with acting(overview("rooms that nobody joined")):
        rows = Call.objects.running().filter(direction=Call.Direction.WEB, started_at=None).filter(unjoined | lost)
        return list(rows.order_by("created_at").values_list("organization_id", "pk")[:MOST])


def close_room(*, organization_id: object, call_id: object) -> None:
    """End a web call that nobody joined, free of charge; its engine is asked once more whether somebody did."""
    calls = Call.objects.for_organization(organization_id).select_related("connection")
    call = calls.filter(pk=call_id, started_at=None).first()
    if call is None or call.connection is None:
        return
    found, trouble = None, False
    if call.ref:
        try:
            found = Engine(call.connection).get_call(call.ref)
        except EngineTrouble:
            trouble = True
    _close(organization_id=organization_id, call_id=call_id, found=found, trouble=trouble, now=db.now())


def _ask(opening: _Opening) -> Dialled:
    """Ask for the room; an engine that keeps its answers is asked again when one was lost, while there is time."""
    engine, body = Engine(opening.connection), opening.body
    end = time.monotonic() + settings.DIAL_ANSWER_SECONDS
    while True:
        answer = engine.web_call(body, key=opening.call.dial_key, seconds=max(SHORTEST_REPEAT, end - time.monotonic()))
        is_lost = answer.outcome == "unknown" and engine.capabilities.has("idempotency")
        if not is_lost or end - time.monotonic() < SHORTEST_REPEAT:
            return answer
        time.sleep(SHORTEST_REPEAT / 5)


@writes
def _mark(*, organization_id: object, call_id: object, now: dt.datetime) -> _Opening | None:
    """Mark the call as being sent. None: it is not to be sent (any more)."""
    call = locked(organization_id, call_id)
    if call is None or call.connection is None or call.is_final:
        return None
    known = known_capabilities(call.connection)
    ring = call_ring(call, known)
    draft = Draft(call, now)
    if problem := missing_keys(ring, known):
        refuse(draft, MISSING, error=problem)
        draft.save()
        return None
    if call.dial == Dial.RESERVED and (problem := use_copies(draft, known)):
        refuse(draft, "unavailable", error=problem)
        draft.save()
        return None
    draft.set(fence=call.fence + 1, sent_at=now, next_check_at=None)
    if call.dial == Dial.RESERVED:
        draft.set(dial=Dial.SENDING)
    draft.save()
    return _Opening(call, call.connection, call.fence, web_body(call, known, ring))


@writes
def _record(*, opening: _Opening, answer: Dialled, now: dt.datetime) -> Room | None:
    """Write what came of it. None: there is no room."""
    call = locked(opening.call.organization_id, opening.call.pk, fence=opening.fence)
    if call is None or call.is_final:
        return None
    draft, room = Draft(call, now), _room(call, answer, now)
    if room is not None:
        accept(draft, ref=answer.ref, control_url=answer.control_url)
        draft.set(not_after=room.expires_at)
    elif call.dial == Dial.ACCEPTED:
        return None  # an event said that there is a room, and an earlier answer may have given the token away
    elif answer.outcome == "refused":
        refuse(draft, refusal_of(answer), reason=reason_of(answer), error=text_of(answer))
    else:
        refuse(draft, "unavailable", error=_("Calls are not possible at the moment. Try again in a minute."))
    draft.save()
    return room


def _room(call: Call, answer: Dialled, now: dt.datetime) -> Room | None:
    """The room of a usable answer: a token and an address are what the contract promises."""
    token, url = answer.body.get("token"), answer.body.get("server_url")
    is_usable = isinstance(token, str) and token and isinstance(url, str) and urlsplit(url).scheme in SCHEMES
    if answer.outcome != "accepted" or not is_usable:
        return None
    return Room(call, str(token), str(url), instant_of(answer.body.get("expires_at")) or now + TOKEN_LIVES)


@writes
def _close(
    *, organization_id: object, call_id: object, found: dict[str, object] | None, trouble: bool, now: dt.datetime
) -> None:
    call = locked(organization_id, call_id, started_at=None)
    if call is None or call.is_final:
        return
    draft = Draft(call, now)
    if found is not None:
        fill_from_rest(draft, found)
    if call.is_running and call.started_at is None and not _may_still_tell(call, trouble, now):
        if call.dial == Dial.ACCEPTED:
            draft.note("unjoined", "unjoined")
            finish(draft, wire=Call.Status.FAILED, reason="no_answer", error=None, at=now)
        else:
            refuse(draft, "unavailable", error=_("Calls are not possible at the moment. Try again in a minute."))
    draft.save()


def _may_still_tell(call: Call, trouble: bool, now: dt.datetime) -> bool:
    return trouble and now - (call.not_after or call.created_at + TOKEN_LIVES) < PATIENCE
