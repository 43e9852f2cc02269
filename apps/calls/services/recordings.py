"""Recordings as rows: expected with the report, erased with the content or by hand. Files follow in tasks."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from apps.calls import files, tasks_recordings
from apps.calls.models import Call, CallQuerySet, Recording
from apps.calls.services.engine_content import ask_engine_to_erase
from apps.calls.services.incoming import part
from apps.core.db import step, writes
from apps.core.errors import NotFound
from apps.organizations.services import Actor, record_audit
from apps.voice.services import known_capabilities

SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_wanted(call: Call) -> bool:
    """Whether a recording of this call may be kept (features 6, 15): by the setting, or because consent was asked for,
    without which no talk begins. On the base wire the engine account's own setting decides."""
    if call.is_private or call.content_erased_at:
        return False
    if call.connection is None or not known_capabilities(call.connection).has("one_time_full"):
        return True
    consent = call.config.get("recording_consent") or {}
    asked = call.direction == Call.Direction.INBOUND and consent.get("enabled") is True
    return bool(call.config.get("record")) or asked


@step
def expect_recording(*, call: Call, report: dict[str, Any], now: dt.datetime) -> None:
    """Note that the engine has a recording; a task fetches it, a sweep does when that is lost. Once per call."""
    told = part(report, "recording")
    digest, kind = told.get("sha256"), told.get("format")
    row, is_new = Recording.objects.get_or_create(
        organization_id=call.organization_id, call=call,
        defaults={
            "next_attempt_at": now,
            "sha256": digest.lower() if isinstance(digest, str) and SHA256.fullmatch(digest.lower()) else "",
            "media_type": files.MEDIA_TYPES.get(kind.lower(), "") if isinstance(kind, str) else "",
        },
    )  # fmt: skip
    if is_new:
        tasks_recordings.fetch.delay_on_commit(str(call.organization_id), str(row.pk))


@writes
def delete_recording(*, call: Call, by: Actor, now: dt.datetime) -> None:
    """Erase the recording of a call for good, here and at the engine. Raises NotFound when there is none (any more)."""
    calls: Any = Call.objects.for_organization(call.organization_id).filter(pk=call.pk)
    if not erase_recordings(calls=calls, now=now):
        raise NotFound
    ask_engine_to_erase(calls=calls, now=now)
    calls.update(recording_url="", updated_at=now)
    record_audit(organization=call.organization, by=by, action="recording.delete", target=call)


@step
def erase_recordings(*, calls: CallQuerySet, now: dt.datetime) -> int:
    """Erase these calls' recordings; from now on no link finds them. Returns how many there were."""
    gone = (Recording.Status.ERASED, Recording.Status.MISSING)
    rows = Recording.objects.filter(call__in=calls.values("pk")).exclude(status__in=gone)
    owners = set(rows.values_list("organization_id", flat=True))
    count = rows.update(
        status=Recording.Status.ERASED, erased_at=now, sha256="", problem="", next_attempt_at=None, lease_until=None,
        updated_at=now,
    )  # fmt: skip
    for owner in owners:
        tasks_recordings.remove_files.delay_on_commit(str(owner))
    return count
