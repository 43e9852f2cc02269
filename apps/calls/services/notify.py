"""Telling the customer: deliveries and report mails, written in the transaction of their reason."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.urls import NoReverseMatch, reverse

from apps.calls.models import Call
from apps.calls.recordings import signed_link
from apps.calls.services.payloads import end_fields, envelope, plain_messages, report_fields, wire_status
from apps.calls.services.snapshot import private_of
from apps.catalog.services.mail import transport_for
from apps.core.db import step
from apps.mail.models import OPERATOR, PRIVATE
from apps.mail.services import queue_mail
from apps.webhooks.services import queue

STATUS, REPORT = "status-update", "end-of-call-report"


@step
def tell_status(call: Call, *, at: dt.datetime, now: dt.datetime, answered: bool = False) -> None:
    """Queue the status-update of the call's present status, once per status (webhooks 8).

    Args:
        answered: tell that the talk began, whatever has happened since.
    """
    status = "in-progress" if answered else wire_status(call)
    if status not in ("in-progress", "ended", "ended-with-error"):
        return
    # A call in doubt was told as ended once; what it turns out to be is told as well.
    name = "in_doubt" if call.is_in_doubt else "in-progress" if answered else "final"
    fields = {} if answered else end_fields(call)
    _queue(call, STATUS, f"{call.public_id}:{STATUS}:{name}", status, at, now, fields)


@step
def tell_report(call: Call, content: Mapping[str, Any], *, at: dt.datetime, now: dt.datetime) -> None:
    """Queue the end-of-call report and its mails. Under GDPR mode these are the only places that carry content."""
    key = f"{call.public_id}:{REPORT}"
    if content.get("recording_url") and not call.is_private:
        link = signed_link(call.organization.brand, call.organization_id, call.pk)
        content = {**content, "recording_url": link}
    _queue(call, REPORT, key, wire_status(call), at, now, report_fields(call, content))
    addresses, begin = recipients(call), PRIVATE if call.is_private else ""
    transport = transport_for(call.organization) if addresses else OPERATOR
    for address in addresses:
        queue_mail(
            key=f"{begin}{key}:{address}"[:200], brand=call.organization.brand, to=address, template="call_report",
            context=_mail_context(call, content), organization_id=call.organization_id,
            language=call.organization.language, transport=transport, now=now,
        )  # fmt: skip


def recipients(call: Call) -> list[str]:
    """`notification_email` and all `notification_emails`, without doubles (features 17)."""
    found = [call.config.get("notification_email"), *(call.config.get("notification_emails") or [])]
    return list({address.lower(): address for address in found if address}.values())


def _queue(
    call: Call, event: str, key: str, status: str, at: dt.datetime, now: dt.datetime, fields: dict[str, Any]
) -> None:
    private = private_of(call)
    if private.route is None or not private.route.wants(event):
        return
    queue(
        organization=call.organization, event=event, call_id=call.public_id, key=key,
        body=envelope(call, private, type=event, status=status, at=at, **fields),
        target=private.route.target(call.organization), now=now, wipes_body=call.is_private,
    )  # fmt: skip


def _mail_context(call: Call, content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "call_id": call.public_id,
        "assistant": call.assistant_name or "",
        "number": call.other_number or "",
        "direction": call.direction,
        "started_at": call.started_at,
        "seconds": call.duration_seconds or 0,
        "timezone": call.organization.timezone,
        "status": call.end_reason or call.status,
        "summary": content.get("summary") or "",
        "analysis": _rows(content.get("analysis") or {}),
        "analysis_problem": call.analysis_problem,
        "turns": [each for each in plain_messages(content.get("messages")) if each["role"] != "system"],
        "is_simulated": call.is_simulated,
        "is_private": call.is_private,
        **_link(call),
    }


def _rows(analysis: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields of an analysis as a mail shows them: lists in one line, what is nested as JSON, nothing as nothing."""
    return [{"name": name, "value": value if isinstance(value, bool) else _in_words(value)} for name, value in analysis.items()]


def _in_words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return ", ".join(str(each) for each in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _link(call: Call) -> dict[str, str]:
    try:
        return {"path": reverse("call", args=[call.organization.slug, call.public_id])}
    except NoReverseMatch:
        return {}
