"""Connections, calls and signed events for the tests of calls."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from typing import Any

from django.test import Client

from apps.calls.models import Call
from apps.calls.services.apply import apply_events
from apps.calls.services.dial import mark_sending, record_answer
from apps.calls.services.requests import CallRequest
from apps.calls.services.reserve import reserve_call
from apps.core import db
from apps.core.db import writes
from apps.core.scope import Scope, acting
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization
from apps.voice.models import Connection, Mirror
from apps.voice.outcomes import Dialled
from apps.webhooks.signing import sign
from tests import factories

SECRET = "whsec_engine"
INSTANCE = "5f0c0000-0000-4000-8000-000000000001"
FEATURES = [
    "receiver", "idempotency", "reference", "certainty", "deadline", "one_time_full", "inbound", "event_id", "progress",
    "transcript", "tools", "report", "control_url", "heartbeat",
]  # fmt: skip
_count = itertools.count(1)


def make_connection(organization: Organization | None = None, *, features: list[str] | None = None, **fields: Any) -> Connection:
    """A connection whose engine is known already, so that nothing is asked over HTTP."""
    engine = {
        "kind": "sandbox", "instance": INSTANCE, "simulated": True, "clock": 0, "needs_keys": False,
        "features": FEATURES if features is None else features,
        "answer_seconds": {"assistant-request": 6, "tool-calls": 11},
    }  # fmt: skip
    values = {
        "name": "Engine", "base_url": "http://127.0.0.1:9", "api_key": "key", "hook_secret": SECRET, "engine": engine,
        "engine_read_at": db.now(),
    } | fields  # fmt: skip
    with acting(Scope((organization.pk,) if organization else ())):
        return Connection.objects.create(organization=organization, **values)


def scope_of(organization: Organization) -> Any:
    ids = (organization.pk, organization.parent_id) if organization.parent_id else (organization.pk,)
    return acting(Scope(ids))


def wanted(organization: Organization, connection: Connection, **fields: Any) -> CallRequest:
    """A request to call +447700900001 with a new assistant and number of the organization."""
    if "assistant" not in fields:
        fields["assistant"] = factories.make_assistant(organization)
    if "number" not in fields:
        fields["number"] = factories.make_number(organization, transfer_trunk=factories.make_trunk(organization))
    values = {"to": "+447700900001", "key": f"test:{next(_count)}", "origin": "page", "simulated": True} | fields
    return CallRequest(organization=organization, connection=connection, **values)


def mirrored(connection: Connection, *things: Any) -> None:
    """Let these assistants and numbers stand at an engine that keeps copies, as `up-<its own id>`."""
    for thing in things:
        kind = "number" if isinstance(thing, PhoneNumber) else "assistant"
        Mirror.objects.create(
            organization_id=thing.organization_id, connection=connection, kind=kind, object_id=thing.pk, ref=f"up-{thing.pk}",
            is_dirty=False,
        )  # fmt: skip


@writes
def reserve(request: CallRequest) -> Call:
    return reserve_call(request=request, now=db.now())


def running_call(organization: Organization, connection: Connection, *, ref: str = "", **fields: Any) -> Call:
    """A call that its engine has accepted."""
    call = reserve(wanted(organization, connection, **fields))
    sending = mark_sending(organization_id=organization.pk, call_id=call.pk, now=db.now())
    assert sending is not None
    answer = Dialled("accepted", ref=ref or f"eng-{uuid.uuid4().hex[:12]}", status=200)
    record_answer(organization_id=organization.pk, call_id=call.pk, fence=sending.fence, answer=answer, now=db.now())
    call.refresh_from_db()
    return call


def event(type: str, call: Call | None = None, /, *, seq: int | None = None, at: str = "2026-01-05T09:30:00.000Z", status: str = "in-progress", **fields: Any) -> dict[str, Any]:
    """A message as an engine sends it about one of our calls."""
    message: dict[str, Any] = {"type": type, "timestamp": at, "engine": {"instance": INSTANCE, "simulated": True}}
    if seq is not None:
        message["seq"] = seq
    if call is not None:
        message |= {
            "call": {"id": call.ref, "engine_id": call.ref, "reference": call.public_id, "type": "outbound_phone_call", "status": status},
            "phone_number": {"id": None, "number": call.own_number, "name": None},
            "customer": {"number": call.other_number},
        }
    return message | fields


def post(
    connection: Connection, message: dict[str, Any] | bytes, *, webhook_id: str | None = None, secret: str = SECRET,
    age: int = 0, signed: bool = True, hook: str = "",
) -> Any:  # fmt: skip
    """Post an event to the receiver as the engine does; returns the answer."""
    body = message if isinstance(message, bytes) else json.dumps({"message": message}).encode()
    stamp = str(int(time.time()) - age)
    headers = {"X-Webhook-Timestamp": stamp, "X-Webhook-Id": webhook_id or str(uuid.uuid4())}
    if signed:
        headers["X-Webhook-Signature"] = sign(secret, stamp, body)
    path = f"/hooks/engine/{hook or connection.hook_id}"
    return Client().post(path, body, content_type="application/json", headers=headers)


def apply(call: Call) -> int:
    waiting = apply_events(organization_id=call.organization_id, call_id=call.pk, now=db.now())
    call.refresh_from_db()
    return waiting


def talk(call: Call, *, numbered: bool = True) -> list[dict[str, Any]]:
    """The six events of an answered call of 84 seconds."""
    told: list[tuple[str, str, str, dict[str, Any]]] = [
        ("call-progress", "ringing", "09:30:01", {"kind": "ringing", "data": {}}),
        ("status-update", "in-progress", "09:30:05", {}),
        ("call-progress", "in-progress", "09:30:06", {"kind": "answered_by", "data": {"value": "human"}}),
        ("transcript", "in-progress", "09:30:09", {"turn": 1, "role": "assistant", "text": "Good morning.", "final": True}),
        ("status-update", "ended", "09:31:29", {"end_reason": "user_hangup"}),
        ("end-of-call-report", "ended", "09:31:30", {
            "duration_seconds": 84, "summary": "Caller wants an appointment.", "end_reason": "user_hangup",
            "started_at": "2026-01-05T09:30:05.000Z", "ended_at": "2026-01-05T09:31:29.000Z",
            "messages": [{"role": "assistant", "content": "Good morning.", "turn": 1}, {"role": "user", "content": "Hello."}],
            "analysis": {"resolved": True},
        }),
    ]  # fmt: skip
    return [
        event(name, call, seq=number if numbered else None, status=status, at=f"2026-01-05T{at}.000Z", **fields)
        for number, (name, status, at, fields) in enumerate(told, 1)
    ]
