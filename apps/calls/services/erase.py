"""Forgetting: content, then metadata, by the organization's periods (platform 6), or at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Coalesce, Concat

from apps.calls import tasks_recordings
from apps.calls.models import (
    Call,
    CallCommand,
    CallEvent,
    CallingRules,
    CallQuerySet,
    DoNotCall,
    EngineEvent,
    PendingReport,
    Recording,
    RefusalUpload,
)
from apps.calls.services.engine_content import ask_engine_to_erase
from apps.calls.services.recordings import erase_recordings
from apps.calls.sql import index_texts
from apps.core.db import step, writes
from apps.core.queue import wake
from apps.organizations.models import Organization

NO_CONTENT: dict[str, Any] = {
    "summary": None, "analysis_result": None, "analysis_problem": "", "messages": None, "turns": None, "tool_calls": None,
    "recording_url": "",
}  # fmt: skip
NO_METADATA: dict[str, Any] = {
    "other_number": None, "metadata": None, "reference": None, "ref": None, "control_url": "", "config": {}, "webhook": b"",
}  # fmt: skip

UNBOUND = dt.timedelta(days=30)


@step
def erase_content(*, calls: CallQuerySet, now: dt.datetime) -> int:
    """Erase transcript, summary, analysis, tool calls and recordings, here and at the engine. Returns from how many calls.

    What stays can still be found: names and numbers, until the metadata goes.
    """
    ids = list(calls.filter(content_erased_at=None).values_list("pk", flat=True))
    own: Any = Call.objects.filter(pk__in=ids)
    if ask_engine_to_erase(calls=own, now=now):
        transaction.on_commit(lambda: wake(tasks_recordings.sweep), robust=True)
    erase_recordings(calls=own, now=now)
    EngineEvent.objects.filter(call_id__in=ids).update(body=b"", answer=b"", updated_at=now)
    CallCommand.objects.filter(call__in=ids).update(body=b"", updated_at=now)
    PendingReport.objects.filter(call__in=ids).delete()
    own.update(**NO_CONTENT, content_erased_at=now, updated_at=now)
    index_texts(ids)
    return len(ids)


@step
def erase_metadata(*, calls: CallQuerySet, now: dt.datetime, keeps_consent: bool = False) -> int:
    """Erase the other party's number, metadata, references and the timeline; the row stays for usage.

    Args:
        keeps_consent: that consent was asked for and given stays as proof, until the organization's period is over.
    """
    ids = list(calls.filter(metadata_erased_at=None).values_list("pk", flat=True))
    events = CallEvent.objects.filter(call__in=ids)
    (events.exclude(kind="consent") if keeps_consent else events).delete()
    CallCommand.objects.filter(call__in=ids).delete()
    EngineEvent.objects.filter(call_id__in=ids).delete()
    own = Call.objects.filter(pk__in=ids)
    own.filter(origin__startswith="campaign:").update(origin="campaign")
    key = Concat(Value("erased:"), Cast("pk", CharField()))
    own.update(**NO_METADATA, key=key, metadata_erased_at=now, updated_at=now)
    index_texts(ids)
    return len(ids)


@writes
def erase_expired(*, organization: Organization, now: dt.datetime) -> None:
    """What the organization's periods no longer allow, counted from the end of the call."""
    ended = Call.objects.for_organization(organization).ended().annotate(over=Coalesce(F("ended_at"), F("created_at")))
    content = now - dt.timedelta(days=organization.content_retention_days)
    metadata = now - dt.timedelta(days=organization.metadata_retention_days)
    erase_content(calls=ended.filter(over__lt=content), now=now)
    erase_metadata(calls=ended.filter(over__lt=metadata), now=now)
    # Proofs of consent outlive the erasure of a person, not the period.
    old = ended.filter(over__lt=metadata, metadata_erased_at__isnull=False).values("pk")
    CallEvent.objects.for_organization(organization).filter(call__in=old).delete()
    # Events that never found a call are of no use after a month.
    EngineEvent.objects.filter(organization=organization, created_at__lt=now - UNBOUND).delete()
    # So are rows that could not be listed, and files that could not be read.
    files = RefusalUpload.objects.for_organization(organization).filter(created_at__lt=now - UNBOUND)
    files.exclude(bad_rows=None, content=b"").update(bad_rows=None, content=b"", updated_at=now)


@writes
def erase_unbound(*, now: dt.datetime) -> int:
    """Events of nobody: they never found a call, so no organization's night erases them."""
    return EngineEvent.objects.filter(organization=None, created_at__lt=now - UNBOUND).delete()[0]


@step
def erase_organization(*, organization: Organization, now: dt.datetime) -> None:
    """All calls with their events and recordings. Usage that was paid for stands in the payer's ledger."""
    ask_engine_to_erase(calls=Call.objects.for_organization(organization), now=now)  # type: ignore[arg-type]
    Recording.objects.for_organization(organization).delete()
    tasks_recordings.remove_orphans.delay_on_commit(str(organization.pk))
    EngineEvent.objects.filter(organization=organization).delete()
    CallCommand.objects.for_organization(organization).delete()
    CallEvent.objects.for_organization(organization).delete()
    Call.objects.for_organization(organization).delete()
    DoNotCall.objects.for_organization(organization).delete()
    RefusalUpload.objects.for_organization(organization).delete()
    CallingRules.objects.for_organization(organization).delete()
