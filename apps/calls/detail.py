"""What the page of one call shows, whole or as the fragment that follows a running call."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

from apps.calls.deliveries import deliveries_of
from apps.calls.models import Call
from apps.calls.timeline import explanation, interrupted_turns, timeline
from apps.calls.transcript import transcript
from apps.calls.wire import COLUMNS, call_body
from apps.core.errors import NotFound
from apps.organizations.models import Organization
from apps.voice.services import known_capabilities

COMMANDS = ("say", "inject-context", "transfer", "end-call")


def find_call(organization: Organization, call_id: str) -> Call:
    """The call of this organization by its public id. Raises NotFound."""
    calls = Call.objects.for_organization(organization).select_related("assistant", "number", "connection", "pending_report", "recording")
    call = calls.defer("search", "webhook").filter(public_id=call_id).first()
    if call is None:
        raise NotFound
    return call


def detail_of(organization: Organization, call: Call, *, can_edit: bool, now: dt.datetime) -> dict[str, Any]:
    """The context of the page.

    Args:
        can_edit: whether the person may send commands.
    """
    events = list(call.events.order_by("at", "created_at", "id")[:300])
    entries = transcript(call, interrupted_turns(events))
    raw = call_body({name: getattr(call, name) for name in COLUMNS}, organization.brand)
    return {
        "organization": organization,
        "call": call,
        "now": now,
        "can_edit": can_edit,
        "entries": entries,
        "tools": sum(entry.kind == "tool" for entry in entries),
        "timeline": timeline(call, events),
        "explanation": explanation(call),
        "campaign_id": call.origin.removeprefix("campaign:") if call.origin.startswith("campaign:") else "",
        "test_of": call.origin.removeprefix("test:") if call.origin.startswith("test:") else "",
        "seconds": _seconds(call, now),
        "rings_since": call.started_at or call.created_at,
        "commands": _commands(call),
        "deliveries": deliveries_of(call),
        "is_erased": bool(call.content_erased_at),
        "is_read": getattr(call, "pending_report", None) is not None,
        "raw": raw,
        "recording": getattr(call, "recording", None),
        # From this host: the page plays nothing from elsewhere.
        "recording_url": urlsplit(raw["recording_url"] or "").path,
    }


def _seconds(call: Call, now: dt.datetime) -> int | None:
    if call.is_running:
        return max(0, round((now - (call.started_at or call.created_at)).total_seconds()))
    return call.duration_seconds


def _commands(call: Call) -> dict[str, bool]:
    """Which commands this call's engine takes, by name without dashes."""
    known = known_capabilities(call.connection).control if call.connection else ()
    return {name.replace("-", "_"): name in known for name in COMMANDS}
