"""Forgetting calls: content after one period, metadata after another, everything of a closed organization."""

from __future__ import annotations

import datetime as dt

from apps.calls.models import Call, CallCommand, CallEvent, DoNotCall, EngineEvent
from apps.core.db import step, writes
from apps.organizations.models import Organization

CONTENT = {
    "summary": None, "analysis_result": None, "analysis_problem": "", "messages": None, "turns": None,
    "recording_url": "", "search": None,
}  # fmt: skip
METADATA = {"other_number": None, "metadata": None, "reference": None, "ref": None, "config": {}, "control_url": ""}


@writes
def erase_expired(*, organization: Organization, now: dt.datetime) -> tuple[int, int]:
    """Erase what the organization keeps no longer, counted from the end of the call. Returns contents and metadata erased."""
    ended = Call.objects.for_organization(organization).ended()
    content = ended.filter(
        content_erased_at=None, ended_at__lt=now - dt.timedelta(days=organization.content_retention_days)
    ).update(**CONTENT, content_erased_at=now, updated_at=now)
    old = ended.filter(
        metadata_erased_at=None, ended_at__lt=now - dt.timedelta(days=organization.metadata_retention_days)
    )
    ids = list(old.values_list("pk", flat=True))
    CallEvent.objects.for_organization(organization).filter(call__in=ids).delete()
    CallCommand.objects.for_organization(organization).filter(call__in=ids).delete()
    EngineEvent.objects.filter(organization=organization, call_id__in=ids).delete()
    Call.objects.for_organization(organization).filter(pk__in=ids).update(
        **METADATA, webhook=b"", metadata_erased_at=now, updated_at=now
    )
    return content, len(ids)


@step
def erase_organization(*, organization: Organization) -> None:
    """Everything of a closed organization; the payer's ledger keeps what was paid, without phone numbers."""
    EngineEvent.objects.filter(organization=organization).delete()
    Call.objects.for_organization(organization).delete()
    DoNotCall.objects.for_organization(organization).delete()
