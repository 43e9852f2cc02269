"""An import is taken back: in short transactions, so that nobody who wants to pause the campaign has to wait."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from apps.campaigns.models import Attempt, Lead, LeadQuerySet, Upload
from apps.campaigns.services.status import check_open, lock_campaign
from apps.core.db import now as read_now
from apps.core.db import step, writes
from apps.core.errors import Conflict
from apps.organizations.models import Job
from apps.organizations.services import Actor, record_audit

BATCH = 2000


@dataclass(frozen=True)
class Undone:
    """How many leads of an import went, and how many stay because they were called."""

    removed: int
    kept: int


def undo_import(*, upload: Upload, by: Actor) -> Undone:
    """Remove the leads of a file that were never called. May be repeated after a crash: then it goes on.

    Raises Conflict while the file is being imported, and for a completed or cancelled campaign.
    """
    removed = 0
    while count := _remove_some(upload):
        removed += count
    return _finish(upload, removed, by=by, now=read_now())


def can_be_undone(upload: Upload) -> bool:
    """Imported, or stopped under way, and not undone; its campaign is not over."""
    is_over = upload.imported_at is not None or (upload.job is not None and upload.job.status == Job.Status.FAILED)
    return is_over and upload.undone_at is None and not upload.campaign.is_final


def never_called(upload: Upload) -> LeadQuerySet:
    leads = Lead.objects.for_organization(upload.organization_id).filter(upload=upload)
    tries = Attempt.objects.for_organization(upload.organization_id).filter(lead=OuterRef("pk"))
    return leads.filter(~Exists(tries), attempts=0).exclude(status=Lead.Status.CALLING)


@writes
def _remove_some(upload: Upload) -> int:
    _check(upload)
    ids = list(never_called(upload).values_list("pk", flat=True)[:BATCH])
    leads = Lead.objects.for_organization(upload.organization_id).filter(pk__in=ids)
    # Nothing but the rows that customers' systems left refers to them, and the database lets go of those by itself.
    leads._raw_delete(leads.db)
    return len(ids)


@writes
def _finish(upload: Upload, removed: int, *, by: Actor, now: dt.datetime) -> Undone:
    _check(upload)
    kept = Lead.objects.for_organization(upload.organization_id).filter(upload=upload).count()
    current = Upload.objects.for_organization(upload.organization_id).select_for_update(of=("self",)).get(pk=upload.pk)
    if current.undone_at is None:
        current.change(now, undone_at=now)
        record_audit(
            organization=upload.campaign.organization, by=by, action="campaign.import_undo", target=upload.campaign,
            data={"file": upload.filename, "removed": removed, "kept": kept, "upload": str(upload.pk)},
        )  # fmt: skip
    return Undone(removed, kept)


@step
def _check(upload: Upload) -> None:
    """The campaign is locked from here on: nothing of it is dialled meanwhile."""
    check_open(lock_campaign(upload.campaign))
    if upload.imported_at is None and (upload.job is None or upload.job.status != Job.Status.FAILED):
        raise Conflict(_("This file is being imported. Undo it when that has ended."))
