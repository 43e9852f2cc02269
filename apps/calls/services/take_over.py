"""Calls of an account that is imported: history, never charged again (platform 12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from apps.assistants.models import Assistant
from apps.calls.models import Call
from apps.calls.services.incoming import instant_of, whole
from apps.calls.services.report import read_content
from apps.calls.sql import index_texts
from apps.core.db import writes
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization
from apps.voice.models import Connection


@writes
def take_over_calls(
    *, organization: Organization, connection: Connection, listed: Sequence[dict[str, Any]], now: dt.datetime
) -> int:
    """Keep ended calls as the engine lists them; those that are here already stay. Returns how many are new."""
    refs = [str(each.get("id")) for each in listed]
    rows = Call.objects.for_organization(organization)
    known = set(rows.filter(connection=connection, ref__in=refs).values_list("ref", flat=True))
    numbers = {each.phone_number: each for each in PhoneNumber.objects.for_organization(organization)}
    assistants = {str(each.pk): each for each in Assistant.objects.for_organization(organization)}
    found = [_call(organization, connection, each, numbers, assistants, now) for each in listed if each.get("id") not in known]
    new = [call for call in found if call is not None]
    Call.objects.bulk_create(new)
    index_texts([call.pk for call in new])
    return len(new)


def _call(
    organization: Organization, connection: Connection, listed: dict[str, Any], numbers: dict[str, PhoneNumber],
    assistants: dict[str, Assistant], now: dt.datetime,
) -> Call | None:  # fmt: skip
    """A row for an ended call; None for one that runs or says too little."""
    ref, status, made = listed.get("id"), listed.get("status"), instant_of(listed.get("created_at"))
    is_over = status in Call.Status.values and status not in Call.RUNNING
    if not isinstance(ref, str) or not ref or made is None or not is_over or listed.get("direction") not in Call.Direction.values:
        return None
    own, other = listed.get("assistant_phone"), listed.get("caller_phone")
    assistant = assistants.get(str(listed.get("assistant_id") or listed.get("agent_id")))
    ended = instant_of(listed.get("ended_at")) or made
    call = Call(
        organization=organization, connection=connection, ref=ref[:255], key=f"in:{connection.pk}:{ref}"[:200],
        origin="import", direction=listed["direction"], status=status, end_reason=_text(listed.get("end_reason"), 40),
        error=_text(listed.get("error"), 500), own_number=_text(own, 32), other_number=_text(other, 32),
        number=numbers.get(str(own)), assistant=assistant, assistant_name=_text(listed.get("assistant_name"), 200),
        business_name=_text(listed.get("business_name"), 200), started_at=instant_of(listed.get("started_at")), ended_at=ended,
        duration_seconds=whole(listed.get("duration_seconds")), dial=Call.Dial.NONE, is_charged=False, cost=0,
        settled_at=now, report_at=ended, last_news_at=ended,
    )  # fmt: skip
    call.created_at = made
    call.is_private = bool(assistant and assistant.gdpr_mode)
    if not call.is_private:
        content = read_content(call, listed)
        call.summary, call.messages = content["summary"], content["messages"]
        call.analysis_result = content["analysis"]
    return call


def _text(value: Any, most: int) -> str | None:
    return value[:most] if isinstance(value, str) and value else None
