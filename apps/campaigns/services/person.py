"""Forgetting one person in campaigns: her leads, her rows of uploaded files, and mentions in others' variables."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from typing import Any

from apps.campaigns.models import Campaign, Lead, Upload
from apps.core.db import step
from apps.core.errors import DomainError
from apps.core.mentions import Mention
from apps.core.spreadsheet import read_table, write_csv
from apps.organizations.models import Organization


def find_person(*, organization: Organization, mention: Mention) -> dict[str, int]:
    """How many leads there are with the number."""
    return {"leads": Lead.objects.for_organization(organization).filter(phone_number=mention.number).count()}


@step
def erase_person(*, organization: Organization, mention: Mention, now: dt.datetime) -> dict[str, int]:
    """Remove the person's leads with their attempts, so that nothing dials her again, and what files hold of her.

    A file that still waits for its import goes whole; of the refused rows of an imported one only hers go. A lead whose
    call runs goes too: the call ends by itself. Returns what, by kind.
    """
    leads = Lead.objects.for_organization(organization).filter(phone_number=mention.number)
    # In the order in which the dialler takes them, so that neither waits for the other.
    campaigns = Campaign.objects.for_organization(organization).filter(pk__in=leads.values("campaign")).order_by("pk")
    list(campaigns.select_for_update())
    count = leads.count()
    leads.delete()
    others: Any = mention.rows(Lead.objects.for_organization(organization), "variables")
    found = list(others)
    for lead in found:
        lead.change(now, variables=mention.without(lead.variables))
    return {"leads": count, "uploads": _uploads(organization, mention, now), "mentions": len(found)}


def _uploads(organization: Organization, mention: Mention, now: dt.datetime) -> int:
    found = 0
    for upload in Upload.objects.for_organization(organization).select_related("job").iterator(chunk_size=20):
        if mention.is_in(upload.filename) or _names(bytes(upload.content), mention):
            if upload.job_id and upload.imported_at is None:
                continue  # it is being imported: the next round finds the lead, and the file empty
            upload.delete()
            found += 1
        elif upload.bad_rows and mention.is_in(bytes(upload.bad_rows).decode("utf-8", "replace")):
            upload.change(now, bad_rows=_without(bytes(upload.bad_rows), mention))
            found += 1
    return found


def _names(content: bytes, mention: Mention) -> bool:
    """Whether a file of leads, text or workbook, names the number. One that nobody can read is nobody's."""
    if not content:
        return False
    if mention.is_in(content.decode("utf-8", "replace")):
        return True
    try:
        table = read_table(content)
        return mention.is_in(table.header) or any(mention.is_in(row.cells) for row in table.rows)
    except DomainError:
        return False


def _without(content: bytes, mention: Mention) -> bytes:
    """The refused rows without the person's."""
    table = read_table(content)
    rows = (row.cells for row in table.rows if not mention.is_in(row.cells))
    return b"".join(write_csv(chain([table.header], rows), table.delimiter))
