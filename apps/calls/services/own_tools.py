"""Tools that we carry out ourselves, whatever server an assistant names for them: opting out and calling back.

An assistant has them when one of its tools bears such a name. They are never relayed.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo

from apps.calls.models import Call, DoNotCall
from apps.calls.services.draft import Draft
from apps.calls.services.opting_out import opt_out
from apps.core.db import step
from apps.core.phone import zones

OPT_OUT = ("opt_out", "do_not_call")
CALL_BACK = "request_callback"
NAMES = frozenset((*OPT_OUT, CALL_BACK))
LONGEST_AHEAD = dt.timedelta(days=90)


def is_own(wanted: dict[str, Any]) -> bool:
    """Whether a tool call (`incoming.tool_calls`) is for us."""
    return not wanted["is_mcp"] and wanted["name"] in NAMES


@step
def run_own_tool(draft: Draft, wanted: dict[str, Any]) -> dict[str, Any]:
    """Carry it out on a locked call. Returns the result for the model, in English like every tool's."""
    if wanted["name"] in OPT_OUT:
        opt_out(draft, source=DoNotCall.Source.TOOL)
        return {"ok": True, "message": "This number will not be called again."}
    return _call_back(draft, wanted["arguments"])


def _call_back(draft: Draft, arguments: dict[str, Any]) -> dict[str, Any]:
    """Set when the person wants to be called again: `at` (ISO 8601, the person's own time where it names no zone) or
    `minutes` from now; `text` is read as `at`. It must lie ahead, by 90 days at most."""
    zone, now = zone_of(draft.call), draft.now
    moment = _moment(arguments, zone, now)
    local = now.astimezone(zone).isoformat(timespec="minutes")
    if moment is None:
        return {"error": "Give `at` as an ISO 8601 date and time, or `minutes` from now.", "now": local}
    if not now < moment <= now + LONGEST_AHEAD:
        return {"error": "The time must lie ahead, by 90 days at most.", "now": local}
    draft.set(callback_at=moment)
    draft.note("callback", f"callback:{moment.isoformat()}", now, until=moment.isoformat())
    return {"ok": True, "callback_at": moment.astimezone(zone).isoformat(timespec="minutes")}


def zone_of(call: Call) -> ZoneInfo:
    """Where the person is: the number's zone when it has just one, else the organization's."""
    found = zones(call.other_number or "")
    return ZoneInfo(found[0] if len(found) == 1 else call.organization.timezone)


def _moment(arguments: dict[str, Any], zone: ZoneInfo, now: dt.datetime) -> dt.datetime | None:
    for name in ("at", "text"):
        value = arguments.get(name)
        if isinstance(value, str) and value.strip():
            try:
                read = dt.datetime.fromisoformat(value.strip())
                return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(dt.UTC)
            except (ValueError, OverflowError):
                continue
    minutes = arguments.get("minutes")
    if isinstance(minutes, str) and minutes.strip().isdecimal():
        minutes = int(minutes[:9])
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not math.isfinite(minutes):
        return None
    # Beyond what a timedelta holds it is too late anyway.
    return now + dt.timedelta(minutes=max(-1.0, min(float(minutes), 1e6)))
