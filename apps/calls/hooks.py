"""Where voice engines talk to us: one address per connection, signed, answered within the engine's budget (webhooks 12)."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from apps.calls import tasks
from apps.calls.models import EngineEvent
from apps.calls.services.events import Stored, take_event
from apps.calls.services.inbound import Asked, begin_inbound, end_inbound, kept_answer
from apps.calls.services.incoming import HEARTBEAT, QUESTIONS, TOLD, Message, read_message
from apps.calls.services.tools import ask_servers, begin_tools, end_tools, late_results
from apps.calls.services.tools_mcp import first_missing
from apps.calls.services.tools_run import Asked as ToolsAsked
from apps.calls.services.tools_run import Run
from apps.calls.sql import organization_of_hook
from apps.core import db
from apps.core.scope import acting
from apps.voice.capabilities import Capabilities
from apps.voice.models import Connection
from apps.voice.services import known_capabilities
from apps.webhooks.services import Answer, ask
from apps.webhooks.signing import verify

log = logging.getLogger(__name__)

LIMIT = 4 * 2**20
MARGIN = 0.15
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Received:
    """An authentic event in the database; a question still waits for its answer."""

    message: Message
    stored: Stored
    known: Capabilities


@dataclass(frozen=True)
class Door:
    """What must be known of a connection before an event is read."""

    connection_id: object
    secrets: tuple[str, str]
    known: Capabilities
    until: float


_doors: dict[str, Door] = {}


@csrf_exempt
async def engine_hook(request: HttpRequest, hook_id: str) -> HttpResponse:
    """One event of an engine. Reports are stored and answered at once; a question is answered here, within its time."""
    started = time.monotonic()
    if request.method != "POST":
        return JsonResponse({"error": "Method not allowed", "type": "method_not_allowed"}, status=405)
    if _announced(request) > LIMIT or len(body := request.body) > LIMIT:
        return JsonResponse({"error": "Payload too large", "type": "payload_too_large"}, status=413)
    found = await sync_to_async(_receive)(hook_id, request.headers, body)
    if isinstance(found, HttpResponse):
        return found
    if found.message.type not in QUESTIONS:
        return JsonResponse({})
    left = _budget(found) - (time.monotonic() - started)
    if not found.stored.is_new:
        return JsonResponse(await _stored_answer(found, left), safe=False)
    if found.message.type == "tool-calls":
        return JsonResponse(await _run_tools(found, left), safe=False)
    return JsonResponse(await _who_answers(found, left), safe=False)


def _receive(hook_id: str, headers: Any, body: bytes) -> Received | HttpResponse:
    """Signature first: nothing of a body is read before it is known whose it is."""
    door = _door(hook_id)
    if door is None:
        return JsonResponse({"error": "Not found", "type": "not_found"}, status=404)
    now = db.now()
    signature, stamp = headers.get("X-Webhook-Signature"), headers.get("X-Webhook-Timestamp")
    if not verify(door.secrets, signature, stamp, body, now):
        log.warning("hook of connection %s: wrong or old signature", door.connection_id)
        return JsonResponse({"error": "Invalid signature", "type": "unauthorized"}, status=401)
    message = read_message(body)
    if message is None:
        return JsonResponse({"error": "The body is no event", "type": "invalid_request"}, status=400)
    if message.type not in (*TOLD, *QUESTIONS, HEARTBEAT):
        log.info("hook of connection %s: unknown event %s", door.connection_id, message.type)
        return JsonResponse({})
    # Only an engine that promises the same id on each retry is believed (engine 4): another may number its attempts.
    webhook_id = headers.get("X-Webhook-Id") if door.known.has("event_id") else None
    stored = take_event(hook=hook_id, message=message, webhook_id=webhook_id, body=body, now=now)
    if stored is None:
        return JsonResponse({})
    if stored.is_new:
        _wake(stored.event, message)
    return Received(message, stored, door.known)


def _door(hook_id: str) -> Door | None:
    """The connection behind an address, remembered for a few seconds: events come in bursts."""
    door = _doors.get(hook_id)
    if door and door.until > time.monotonic():
        return door
    entry = organization_of_hook(hook_id) if "\x00" not in hook_id else None
    if entry is None:
        _doors.pop(hook_id, None)
        return None
    with acting(entry.scope):
        row = Connection.objects.get(pk=entry.connection_id)
    secrets = (row.hook_secret, row.hook_secret_before)
    until = time.monotonic() + settings.HOOK_DOOR_SECONDS
    _doors[hook_id] = door = Door(row.pk, secrets, known_capabilities(row), until)
    return door


def _wake(event: EngineEvent, message: Message) -> None:
    if message.type == HEARTBEAT:
        tasks.wake(tasks.heartbeat, str(event.pk))
    elif message.type in TOLD and event.call_id and event.organization_id:
        tasks.wake_apply(event.organization_id, event.call_id)


async def _who_answers(found: Received, left: float) -> Any:
    stored, message = found.stored, found.message
    end = time.monotonic() + left
    asked: Asked = await sync_to_async(_begin_inbound)(stored, message)
    if asked.answer is not None:
        return asked.answer
    seconds = _seconds(found, end)
    said, missing = await asyncio.gather(_ask(asked, message, seconds), first_missing(asked.servers, seconds))
    return await sync_to_async(_end_inbound)(stored, asked, said, missing)


async def _ask(asked: Asked, message: Message, seconds: float) -> Answer | None:
    if asked.target is None or asked.body is None or seconds <= 0:
        return None
    return await ask(asked.target, event=message.type, body=asked.body, seconds=seconds)


async def _run_tools(found: Received, left: float) -> Any:
    stored, message = found.stored, found.message
    end = time.monotonic() + left
    run: Run = await sync_to_async(_begin_tools)(stored, message)
    asked = await ask_servers(run, _seconds(found, end))
    return await sync_to_async(_end_tools)(stored, run, asked)


async def _stored_answer(found: Received, left: float) -> Any:
    """A repeat gets what the first one got; while that still runs it waits for it."""
    end = time.monotonic() + left
    while True:
        answer = await sync_to_async(_answer_of)(found.stored)
        if answer is not None:
            return answer
        if time.monotonic() >= end:
            return late_results(found.message) if found.message.type == "tool-calls" else {}
        await asyncio.sleep(POLL_SECONDS)


def _begin_inbound(stored: Stored, message: Message) -> Asked:
    asked = begin_inbound(stored.entry, stored.event, message, db.now())
    _release()
    return asked


def _end_inbound(stored: Stored, asked: Asked, said: Answer | None, missing: str) -> Any:
    return end_inbound(stored.entry, stored.event, asked, said, db.now(), missing)


def _begin_tools(stored: Stored, message: Message) -> Run:
    run = begin_tools(stored.entry, stored.event, message, db.now())
    _release()
    return run


def _end_tools(stored: Stored, run: Run, asked: ToolsAsked) -> Any:
    return end_tools(stored.entry, stored.event, run, asked, db.now())


def _answer_of(stored: Stored) -> Any:
    with acting(stored.entry.scope):
        event = EngineEvent.objects.filter(pk=stored.event.pk).exclude(answered_at=None).first()
        answer = kept_answer(stored.entry, event) if event else None
    _release()
    return answer


def _release() -> None:
    """Give the database connection back while somebody else's server thinks: waiting may hold none."""
    if not connection.in_atomic_block:
        connection.close()


def _budget(found: Received) -> float:
    """Seconds we have in all: what the engine announced, or what this event says is left; the shorter counts."""
    allowed = found.known.our_seconds(found.message.type)
    deadline = found.message.raw.get("deadline_ms")
    if isinstance(deadline, int) and not isinstance(deadline, bool) and deadline < 2**31:
        allowed = min(allowed, deadline / 1000 - 0.5)
    return allowed


def _seconds(found: Received, end: float) -> float:
    """Seconds for the customer's server: its share, and never so long that our own answer would be late."""
    return min(found.known.customer_seconds(found.message.type), end - time.monotonic() - MARGIN)


def _announced(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
