"""Forgetting: content, then metadata, by the organization's periods (platform 6), or at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from apps.calls.models import Call, CallCommand, CallEvent, CallQuerySet, DoNotCall, EngineEvent
from apps.core.db import step, writes
from apps.organizations.models import Organization

NO_CONTENT: dict[str, Any] = {
    "summary": None, "analysis_result": None, "messages": None, "turns": None, "tool_calls": None, "recording_url": "",
    "search": None,
}  # fmt: skip
NO_METADATA: dict[str, Any] = {
    "other_number": None, "metadata": None, "reference": None, "ref": None, "control_url": "", "config": {}, "webhook": b"",
}  # fmt: skip


@step
def erase_content(*, calls: CallQuerySet, now: dt.datetime) -> int:
    """Erase transcript, summary, analysis, tool calls and recording links. Returns from how many calls."""
    ids = list(calls.filter(content_erased_at=None).values_list("pk", flat=True))
    EngineEvent.objects.filter(call_id__in=ids).update(body=b"", answer=b"", updated_at=now)
    CallCommand.objects.filter(call__in=ids).update(body=b"", updated_at=now)
    return Call.objects.filter(pk__in=ids).update(**NO_CONTENT, content_erased_at=now, updated_at=now)


@step
def erase_metadata(*, calls: CallQuerySet, now: dt.datetime) -> int:
    """Erase the other party's number, metadata, references and the timeline; the row stays for usage."""
    ids = list(calls.filter(metadata_erased_at=None).values_list("pk", flat=True))
    CallEvent.objects.filter(call__in=ids).delete()
    CallCommand.objects.filter(call__in=ids).delete()
    EngineEvent.objects.filter(call_id__in=ids).delete()
    return Call.objects.filter(pk__in=ids).update(**NO_METADATA, metadata_erased_at=now, updated_at=now)


@writes
def erase_expired(*, organization: Organization, now: dt.datetime) -> None:
    """What the organization's periods no longer allow, counted from the end of the call."""
    ended = Call.objects.for_organization(organization).ended().annotate(over=Coalesce(F("ended_at"), F("created_at")))
    content = now - dt.timedelta(days=organization.content_retention_days)
    metadata = now - dt.timedelta(days=organization.metadata_retention_days)
    erase_content(calls=ended.filter(over__lt=content), now=now)
    erase_metadata(calls=ended.filter(over__lt=metadata), now=now)
    # Events that never found a call are of no use after a month.
    EngineEvent.objects.filter(organization=organization, created_at__lt=now - dt.timedelta(days=30)).delete()


@step
def erase_organization(*, organization: Organization) -> None:
    """All calls with their events. Usage that was paid for stands in the payer's ledger."""
    EngineEvent.objects.filter(organization=organization).delete()
    CallCommand.objects.for_organization(organization).delete()
    CallEvent.objects.for_organization(organization).delete()
    Call.objects.for_organization(organization).delete()
    DoNotCall.objects.for_organization(organization).delete()
