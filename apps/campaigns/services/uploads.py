"""A leads file: stored, looked at, then imported in short transactions that may be repeated."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from django.utils.translation import gettext as _

from apps.campaigns.columns import Columns, guess_columns
from apps.campaigns.leadfile import BadRow, DuplicateRow, GoodLead
from apps.campaigns.models import Campaign, Upload
from apps.campaigns.services.imports import import_now, reader_of
from apps.campaigns.services.remembered import forget, remember, remembered
from apps.campaigns.services.status import check_open, lock_campaign
from apps.core import variables
from apps.core.db import writes
from apps.core.errors import NotFound
from apps.core.spreadsheet import read_table
from apps.organizations.models import Job
from apps.organizations.services import Actor, record_audit

KIND = "campaign_import"
INLINE_ROWS = 2000
SAMPLE = 20
SHOWN = 200
KEPT = dt.timedelta(days=1)


@dataclass
class Preview:
    """What an import would do, judged by the first 2,000 rows of the file.

    Attributes:
        sample: cells of the first 20 rows.
        unmapped: variables of the template that no column fills: every row would be refused.
        rows: how many rows were judged; `total` are in the file.
        good, bad (by kind), duplicates: of those; `warnings` of the good have a number not known as valid.
        leads: the first 20 good ones.
        refused: the first 200 refused rows, each with `row`, `cells` and `sentence`.
    """

    header: list[str]
    mapping: Columns
    country: str
    sample: list[list[str]]
    unmapped: list[str]
    total: int
    rows: int = 0
    good: int = 0
    warnings: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    leads: list[GoodLead] = field(default_factory=list)
    refused: list[BadRow | DuplicateRow] = field(default_factory=list)

    @property
    def is_partial(self) -> bool:
        return self.rows < self.total


def store_upload(
    *, campaign: Campaign, filename: str, content: bytes, country: str, by: Actor, now: dt.datetime
) -> Upload:
    """Keep an uploaded file with what its columns were the last time, else a guess. Files that nobody imported within a
    day go.

    Raises BadFile when the file cannot be used, Conflict when the campaign is completed or cancelled.
    """
    table = read_table(content)
    rows = (row.cells for row in table.rows if not row.is_blank)
    sample = list(islice(rows, SAMPLE))
    guess = _guess(campaign, table.header, sample, country)
    mapping, country = remembered(campaign, table.header, guess) or (guess, country)
    count = len(sample) + sum(1 for _row in rows)
    upload = Upload(filename=filename[:255], content=content, mapping=mapping.as_json(), country=country, rows=count)
    return _keep(campaign, upload, by=by, now=now)


@writes
def forget_columns(*, upload: Upload, now: dt.datetime) -> None:
    """Forget how the columns of such files were chosen; this one gets a guess again. Nothing once it is imported."""
    if upload.imported_at or upload.job_id:
        return
    table = read_table(bytes(upload.content))
    sample = list(islice((row.cells for row in table.rows if not row.is_blank), SAMPLE))
    country = upload.campaign.organization.country
    forget(organization_id=upload.organization_id, header=table.header)
    upload.change(now, mapping=_guess(upload.campaign, table.header, sample, country).as_json(), country=country)


@writes
def delete_upload(*, upload: Upload) -> None:
    """Forget a file that was not imported, or its refused rows. Leads stay."""
    upload.delete()


def preview_upload(
    upload: Upload, *, now: dt.datetime, mapping: Columns | None = None, country: str | None = None
) -> Preview:
    """What an import would do with this mapping and country (None: the stored ones). Reads at most 2,000 rows.

    Raises BadFile, and Invalid for a mapping that does not fit the file. While no number column is chosen only the
    sample is shown.
    """
    chosen = mapping or Columns.from_json(upload.mapping)
    country = upload.country if country is None else country
    content = bytes(upload.content)
    table = read_table(content)
    needed = variables.names(upload.campaign.system_message_template or "")
    sample = list(islice((row.cells for row in table.rows if not row.is_blank), SAMPLE))
    preview = Preview(table.header, chosen, country, sample, chosen.unmapped(needed), upload.rows)
    if chosen.number is None:
        return preview
    reader = reader_of(upload, chosen, country, now)
    for outcome in islice(reader, INLINE_ROWS):
        if not isinstance(outcome, GoodLead):
            preview.refused.append(outcome)
            continue
        preview.leads.append(outcome)
    preview.leads, preview.refused = preview.leads[:SAMPLE], preview.refused[:SHOWN]
    preview.good, preview.bad, preview.duplicates = reader.good, reader.bad, reader.duplicates
    preview.rows, preview.warnings = reader.data_rows, reader.warnings
    return preview


def import_upload(*, upload: Upload, mapping: Columns, country: str, by: Actor, now: dt.datetime) -> Upload:
    """Import the good rows of a file: up to 2,000 rows at once. For more it makes `upload.job`, which tells how far it
    is: the caller wakes `tasks.import_one`, a sweep does when that is lost.

    An upload that was imported, or is being imported, is returned as it is: twice adds nothing.
    Raises BadFile, Invalid for a mapping that does not fit, Conflict for a campaign that is completed or cancelled.
    """
    header: list[str] = []
    if upload.imported_at is None and upload.job_id is None:
        header = read_table(bytes(upload.content)).header
        mapping.check(len(header))
    current = _begin(upload, header, mapping, country, by=by, now=now)
    if current.job_id is None and current.imported_at is None:
        import_now(current, now)
    current.refresh_from_db()
    return current


def _guess(campaign: Campaign, header: list[str], sample: list[list[str]], country: str) -> Columns:
    wanted = variables.names(campaign.system_message_template or "")
    return guess_columns(header, wanted=wanted, sample=sample, country=country or None)


@writes
def _keep(campaign: Campaign, upload: Upload, *, by: Actor, now: dt.datetime) -> Upload:
    current = lock_campaign(campaign)
    check_open(current)
    waiting = Upload.objects.for_organization(current.organization_id).waiting()
    waiting.filter(campaign=current, created_at__lt=now - KEPT).delete()
    upload.organization_id, upload.campaign = current.organization_id, current
    upload.save(force_insert=True)
    record_audit(
        organization=current.organization, by=by, action="campaign.upload", target=current,
        data={"file": upload.filename},
    )  # fmt: skip
    return upload


@writes
def _begin(
    upload: Upload, header: list[str], mapping: Columns, country: str, *, by: Actor, now: dt.datetime
) -> Upload:
    """Write what was chosen, and for a large file the job."""
    campaign = lock_campaign(upload.campaign)
    own = Upload.objects.for_organization(upload.organization_id).select_for_update(of=("self",)).filter(pk=upload.pk)
    current = own.select_related("campaign__organization").first()
    if current is None:
        raise NotFound(_("This file is not there any more. Upload it again."))
    if current.imported_at or current.job_id:
        return current
    check_open(campaign)
    job = None
    if current.rows > INLINE_ROWS:
        job = Job.objects.create(
            organization_id=current.organization_id, kind=KIND, total=current.rows, started_by=by.user,
            data={"upload": str(current.pk), "campaign": str(campaign.pk)},
        )  # fmt: skip
    current.change(now, mapping=mapping.as_json(), country=country, job=job)
    remember(organization_id=current.organization_id, header=header, mapping=mapping, country=country, now=now)
    record_audit(
        organization=campaign.organization, by=by, action="campaign.import", target=campaign,
        data={"file": current.filename, "rows": current.rows, "upload": str(current.pk)},
    )  # fmt: skip
    return current
