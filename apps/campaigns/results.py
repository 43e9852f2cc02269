"""The results of a campaign as a CSV that spreadsheet programs open without harm."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.calls.models import Call
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.selectors import State, campaign_state, reason_of
from apps.campaigns.sql import variable_names
from apps.core.spreadsheet import write_csv
from apps.core.status import status_of

CHUNK = 1000
IN_MEMORY = 2**20


def write_results(campaign: Campaign, now: dt.datetime) -> Iterator[bytes]:
    """One row per lead, oldest first: what became of it, why it waits, and the last call. Times in the campaign's zone."""
    names = [name for name in variable_names(campaign.pk) if name != "name"]
    return write_csv(chain([_titles(names)], _rows(campaign, campaign_state(campaign, now), names)))


def results_filename(campaign: Campaign) -> str:
    return f"{slugify(campaign.name) or 'campaign'}-results.csv"


def from_file(chunks: Iterable[bytes], *, content_type: str, filename: str = "") -> HttpResponseBase:
    """An answer of any length: made inside the request's one snapshot, sent when no transaction is open any more."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (the answer closes it)
    file.writelines(chunks)
    size = file.tell()
    file.seek(0)
    if size > IN_MEMORY:
        return FileResponse(file, content_type=content_type, as_attachment=bool(filename), filename=filename)
    answer = HttpResponse(file.read(), content_type=content_type)
    if filename:
        answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def _titles(names: list[str]) -> list[str]:
    return [
        _("Phone number"), _("Name"), _("Status"), _("Not called because"), _("Result"), _("Attempts"),
        _("Last attempt"), _("Next attempt"), _("Talk time (seconds)"), _("Summary"), _("Call"), *names,
    ]  # fmt: skip


def _rows(campaign: Campaign, state: State, names: list[str]) -> Iterator[list[Any]]:
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).oldest().iterator(CHUNK)
    zone = ZoneInfo(campaign.timezone)
    while batch := list(islice(leads, CHUNK)):
        calls = _last_calls(campaign, batch)
        yield from (_row(lead, calls.get(lead.last_call_id), state, zone, names) for lead in batch)


def _last_calls(campaign: Campaign, leads: list[Lead]) -> dict[str, Call]:
    ids = [lead.last_call_id for lead in leads if lead.last_call_id]
    calls = Call.objects.for_organization(campaign.organization_id).filter(public_id__in=ids)
    return {call.public_id: call for call in calls.only("public_id", "duration_seconds", "summary")}


def _row(lead: Lead, call: Call | None, state: State, zone: ZoneInfo, names: list[str]) -> list[Any]:
    reason = reason_of(lead, state)
    return [
        lead.phone_number, lead.name, status_of(lead.status).label, status_of(reason).label if reason else "",
        status_of(lead.result).label if lead.result else "", lead.attempts, _local(lead.last_attempt_at, zone),
        _local(lead.next_attempt_at, zone), call.duration_seconds if call else None, call.summary if call else "",
        lead.last_call_id, *(lead.variables.get(name) for name in names),
    ]  # fmt: skip


def _local(moment: dt.datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}" if moment else ""
