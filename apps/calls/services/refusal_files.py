"""Lists of numbers that are not to be called, in and out as files. An import may be repeated after a crash."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F
from django.utils.translation import gettext as _

from apps.calls.models import DoNotCall, RefusalUpload
from apps.calls.refusal_file import BadRow, Refusal, RefusalReader
from apps.calls.refusals import digests_of
from apps.core.db import now as read_now
from apps.core.db import writes
from apps.core.errors import DomainError
from apps.core.scope import acting
from apps.core.spreadsheet import write_csv
from apps.organizations.models import Job, Organization
from apps.organizations.scopes import overview
from apps.organizations.services import Actor, record_audit

KIND = "do_not_call_import"
INLINE_ROWS = 2000
BATCH = 5000
LEASE = dt.timedelta(seconds=30)


def import_refusals(
    *, organization: Organization, filename: str, content: bytes, country: str, by: Actor, now: dt.datetime
) -> RefusalUpload:
    """Put the numbers of a file on the list: up to 2,000 rows at once. For more it makes `job`, which tells how far it is:
    the caller wakes `tasks_lists.import_one`, a sweep does when that is lost.

    Raises BadFile for a file that cannot be used, Invalid when no column holds phone numbers.
    """
    reader = RefusalReader(content, country=country, zone=ZoneInfo(organization.timezone))
    rows = reader.count_rows()
    upload = RefusalUpload(
        organization=organization, filename=filename[:255], content=content, country=country, rows=rows
    )
    _keep(upload, by=by)
    if upload.job_id is None:
        _import_now(upload, now)
    upload.refresh_from_db()
    return upload


def run_import(*, organization_id: UUID, upload_id: UUID, now: dt.datetime) -> bool:
    """Import a large file, or go on where a worker died. False when there is nothing to do (any more)."""
    upload = _take(organization_id=organization_id, upload_id=upload_id, now=now)
    if upload is None:
        return False
    try:
        _import_now(upload, now)
    except DomainError as problem:
        _fail(upload, problem.text, read_now())
    return True


def imports_to_do(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(organization, upload) of imports that nobody works on."""
    with acting(overview("imports of do-not-call lists without a worker")):
        open_ones = RefusalUpload.objects.filter(imported_at=None, job__status__in=(Job.Status.WAITING, Job.Status.RUNNING))
        idle = open_ones.filter(job__updated_at__lt=now - LEASE)
        return list(idle.values_list("organization_id", "pk")[:100])


def exported(organization: Organization) -> Iterator[bytes]:
    """The organization's own list as a CSV that no spreadsheet runs and `import_refusals` reads. Erased people have no
    number any more, so they are not in it."""
    rows = DoNotCall.objects.for_organization(organization).exclude(phone_number=None).order_by("-listed_at", "-id")
    header = [_("Phone number"), _("Reason"), _("Source"), _("Date"), _("Until"), _("File"), _("Call")]
    sources = {value: str(label) for value, label in DoNotCall.Source.choices}
    body = rows.annotate(file=F("upload__filename")).values_list(
        "phone_number", "reason", "source", "listed_at", "expires_at", "file", "call_id"
    )
    lines = (
        [number or "", reason, sources.get(source, source), _iso(listed), _iso(until), file or "", call]
        for number, reason, source, listed, until, file, call in body.iterator(chunk_size=5000)
    )
    return write_csv(_after(header, lines))


def _after(header: list[str], lines: Iterator[list[str]]) -> Iterator[list[str]]:
    yield header
    yield from lines


def _iso(moment: dt.datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


@writes
def _keep(upload: RefusalUpload, *, by: Actor) -> None:
    if upload.rows > INLINE_ROWS:
        upload.job = Job.objects.create(
            organization_id=upload.organization_id, kind=KIND, total=upload.rows, started_by=by.user,
            data={"upload": str(upload.pk)},
        )  # type: ignore[assignment]  # fmt: skip
    upload.save(force_insert=True)
    record_audit(
        organization=upload.organization, by=by, action="do_not_call.import", target=upload, data={"rows": upload.rows}
    )


@writes
def _take(*, organization_id: UUID, upload_id: UUID, now: dt.datetime) -> RefusalUpload | None:
    """The upload, when nobody works on it: a worker that made no progress for 30 s is taken for dead."""
    uploads = RefusalUpload.objects.for_organization(organization_id).select_for_update(of=("self",))
    upload: RefusalUpload | None = (
        uploads.select_related("job", "organization").filter(pk=upload_id, imported_at=None, job__isnull=False).first()
    )
    if upload is None or upload.job is None or upload.job.status in (Job.Status.DONE, Job.Status.FAILED):
        return None
    if upload.job.status == Job.Status.RUNNING and now - upload.job.updated_at < LEASE:
        return None
    upload.job.change(now, status=Job.Status.RUNNING)
    return upload


def _import_now(upload: RefusalUpload, now: dt.datetime) -> None:
    """Read the file once, listing its numbers in batches. Entries carry their upload: who repeats this after a crash counts
    what was listed before as the first time would have."""
    zone = ZoneInfo(upload.organization.timezone)
    reader = RefusalReader(bytes(upload.content), country=upload.country, zone=zone)
    bad_rows = b"".join(reader.bad_file(_list_others(upload, reader, now)))
    _finish(upload, reader, bad_rows, read_now())


def _list_others(upload: RefusalUpload, reader: RefusalReader, now: dt.datetime) -> Iterator[BadRow]:
    """The refused rows; what is good is listed on the way."""
    batch: list[Refusal] = []
    for found in reader:
        if isinstance(found, BadRow):
            yield found
            continue
        batch.append(found)
        if len(batch) == BATCH:
            _store(upload, batch, reader.rows, now)
            batch = []
    _store(upload, batch, reader.rows, now)


@writes
def _store(upload: RefusalUpload, batch: Sequence[Refusal], done: int, now: dt.datetime) -> None:
    """One batch: numbers that are listed already stay as they are; those whose time is over begin anew."""
    owner = upload.organization_id
    digests = {refusal.number: digests_of(owner, refusal.number) for refusal in batch}
    own = DoNotCall.objects.for_organization(owner)
    listed = own.filter(digest__in=[digest for some in digests.values() for digest in some])
    listed.filter(expires_at__lte=now).update(
        expires_at=None, listed_at=now, source=DoNotCall.Source.IMPORT, upload=upload, call_id="", updated_at=now
    )
    known = {bytes(digest) for digest in listed.values_list("digest", flat=True)}
    DoNotCall.objects.bulk_create(
        (
            DoNotCall(
                organization_id=owner, phone_number=refusal.number, digest=digests[refusal.number][0], upload=upload,
                reason=refusal.reason, source=DoNotCall.Source.IMPORT, listed_at=min(refusal.listed_at or now, now),
            )
            for refusal in batch
            if not known.intersection(digests[refusal.number])
        ),
        ignore_conflicts=True,
    )  # fmt: skip
    if upload.job_id:
        Job.objects.for_organization(owner).filter(pk=upload.job_id).update(done=done, updated_at=read_now())


@writes
def _finish(upload: RefusalUpload, reader: RefusalReader, bad_rows: bytes, now: dt.datetime) -> None:
    """Note the counts, keep the refused rows, forget the file."""
    good = DoNotCall.objects.for_organization(upload.organization_id).filter(upload=upload).count()
    upload.change(
        now, imported_at=now, good=good, known=max(0, reader.rows - reader.bad - good), bad=reader.bad, rows=reader.rows,
        bad_rows=bad_rows if reader.bad else None, content=b"",
    )  # fmt: skip
    if upload.job_id:
        jobs = Job.objects.for_organization(upload.organization_id).filter(pk=upload.job_id)
        jobs.update(status=Job.Status.DONE, done=reader.rows, total=reader.rows, updated_at=now)


@writes
def _fail(upload: RefusalUpload, text: str, now: dt.datetime) -> None:
    jobs = Job.objects.for_organization(upload.organization_id).filter(pk=upload.job_id)
    jobs.update(status=Job.Status.FAILED, error=text[:500], updated_at=now)
    upload.change(now, content=b"")
