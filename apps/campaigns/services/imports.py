"""The import itself: short transactions that may be repeated after a crash, each row judged as the first time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from uuid import UUID

from apps.calls.refusals import refusing
from apps.campaigns.columns import Columns
from apps.campaigns.leadfile import BadRow, DuplicateRow, GoodLead, LeadReader, write_bad_rows
from apps.campaigns.models import Lead, Upload
from apps.campaigns.services.leads import next_position, rouse
from apps.campaigns.services.status import check_open, lock_campaign
from apps.campaigns.sql import store_leads
from apps.core import variables
from apps.core.db import now as read_now
from apps.core.db import writes
from apps.core.errors import DomainError
from apps.organizations.models import Job

BATCH = 5000
LEASE = dt.timedelta(seconds=30)


def run_import(*, organization_id: UUID, upload_id: UUID, now: dt.datetime) -> bool:
    """Import a large file, or go on where a worker died. False when there is nothing to do (any more)."""
    upload = _take_job(organization_id=organization_id, upload_id=upload_id, now=now)
    if upload is None:
        return False
    try:
        import_now(upload, now)
    except DomainError as problem:
        _fail(upload, problem.text, read_now())
    return True


def reader_of(upload: Upload, mapping: Columns, country: str, now: dt.datetime) -> LeadReader:
    """A reader that knows what the template needs, which numbers the campaign has from elsewhere and which nobody may call."""
    campaign = upload.campaign
    others = Lead.objects.for_organization(upload.organization_id).filter(campaign_id=upload.campaign_id)
    known = others.exclude(upload_id=upload.pk).values_list("phone_number", flat=True)
    return LeadReader(
        bytes(upload.content), mapping=mapping, country=country or None,
        template_variables=variables.names(campaign.system_message_template or ""), existing_numbers=set(known),
        zone=campaign.timezone, now=now, forbidden=refusing(campaign.organization, now),
    )  # fmt: skip


@writes
def _take_job(*, organization_id: UUID, upload_id: UUID, now: dt.datetime) -> Upload | None:
    """The upload, when nobody works on it: a worker that made no progress for 30 s is taken for dead."""
    upload = (
        Upload.objects.for_organization(organization_id)
        .select_for_update(of=("self",))
        .select_related("job", "campaign__organization")
        .filter(pk=upload_id, imported_at=None, job__isnull=False)
        .first()
    )
    if upload is None or upload.job is None or upload.job.status in (Job.Status.DONE, Job.Status.FAILED):
        return None
    if upload.job.status == Job.Status.RUNNING and now - upload.job.updated_at < LEASE:
        return None
    upload.job.change(now, status=Job.Status.RUNNING)
    return upload


def import_now(upload: Upload, now: dt.datetime) -> None:
    """Read the file once, storing good rows in batches and refused ones as a CSV.

    Leads carry their upload, so whoever repeats this after a crash judges each row as the first time did. When a lead
    was added from elsewhere meanwhile, the file is judged once more, so that its row is listed as refused.
    Raises BadFile, and Conflict when the campaign was completed or cancelled meanwhile.
    """
    for _round in range(3):
        reader = reader_of(upload, Columns.from_json(upload.mapping), upload.country, now)
        bad_rows = b"".join(write_bad_rows(reader.header, reader.delimiter, _refused(upload, reader)))
        if reader.good == _stored(upload):
            break
    _finish(upload, reader, bad_rows, read_now())


def _refused(upload: Upload, reader: LeadReader) -> Iterator[BadRow | DuplicateRow]:
    """The refused rows of a file; what is good is stored on the way."""
    batch: list[GoodLead] = []
    first = 0
    for outcome in reader:
        if not isinstance(outcome, GoodLead):
            yield outcome
            continue
        batch.append(outcome)
        if len(batch) == BATCH:
            first = _store(upload, batch, reader.data_rows, first, read_now())
            batch = []
    _store(upload, batch, reader.data_rows, first, read_now())


@writes
def _store(upload: Upload, batch: list[GoodLead], done: int, first: int, now: dt.datetime) -> int:
    """One batch, in a transaction short enough that nobody who wants to pause the campaign has to wait.

    `first` is its position, 0: after all that are there. Returns the next one's: what was added from elsewhere meanwhile
    stands beside this file's leads.
    """
    campaign = lock_campaign(upload.campaign)
    check_open(campaign)
    first = first or next_position(campaign)
    if batch:
        store_leads(
            organization_id=upload.organization_id, campaign_id=campaign.pk, upload_id=upload.pk, first=first,
            leads=[each.lead for each in batch],
        )  # fmt: skip
        rouse(campaign, now)
    if upload.job_id:
        Job.objects.for_organization(upload.organization_id).filter(pk=upload.job_id).update(done=done, updated_at=now)
    return first + len(batch)


@writes
def _finish(upload: Upload, reader: LeadReader, bad_rows: bytes, now: dt.datetime) -> None:
    """Note the counts, keep the refused rows, forget the file: what was good of it is in the leads now."""
    refused = sum(reader.bad.values()) + reader.duplicates
    upload.change(
        now, imported_at=now, good=_stored(upload), bad=sum(reader.bad.values()), duplicates=reader.duplicates,
        warnings=reader.warnings, bad_rows=bad_rows if refused else None, content=b"",
    )  # fmt: skip
    if upload.job_id:
        jobs = Job.objects.for_organization(upload.organization_id).filter(pk=upload.job_id)
        jobs.update(status=Job.Status.DONE, done=reader.data_rows, total=reader.data_rows, updated_at=now)


@writes
def _fail(upload: Upload, text: str, now: dt.datetime) -> None:
    jobs = Job.objects.for_organization(upload.organization_id).filter(pk=upload.job_id)
    jobs.update(status=Job.Status.FAILED, error=text[:500], updated_at=now)


def _stored(upload: Upload) -> int:
    return Lead.objects.for_organization(upload.organization_id).filter(upload=upload).count()
