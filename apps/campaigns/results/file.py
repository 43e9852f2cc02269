"""Every lead of a campaign as CSV or XLSX that spreadsheet programs open without harm, and that can be imported again."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.calls.models import Call
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.results.outcomes import outcome_label, outcome_of
from apps.campaigns.results.sql import answer_keys
from apps.campaigns.rules.places import read_place
from apps.campaigns.selectors import State, campaign_state, reason_of
from apps.campaigns.sql import variable_names
from apps.core.spreadsheet import write_csv
from apps.core.status import status_of
from apps.core.workbook import write_xlsx
from apps.core.zones import ZONES

CHUNK = 1000
IN_MEMORY = 2**20
CALL_FIELDS = ("public_id", "duration_seconds", "summary", "analysis_result", "cost", "opted_out_at")


def write_results(campaign: Campaign, now: dt.datetime) -> Iterator[bytes]:
    """CSV: one row per lead, oldest first."""
    return write_csv(result_rows(campaign, now))


def write_workbook(campaign: Campaign, now: dt.datetime, to: IO[bytes]) -> None:
    """The same rows as XLSX."""
    write_xlsx(result_rows(campaign, now), to, sheet=campaign.name)


def result_rows(campaign: Campaign, now: dt.datetime) -> Iterator[list[Any]]:
    """Titles, then a row per lead: what became of it, why it waits, its last call, what the analysis said, what was
    imported. Instants by the clock of the person called, and in UTC."""
    names = [name for name in variable_names(campaign.pk) if name != "name"]
    keys = answer_keys(campaign)
    return chain([_titles(names, keys)], _rows(campaign, campaign_state(campaign, now), names, keys))


def results_filename(campaign: Campaign, ending: str = "csv") -> str:
    return f"{slugify(campaign.name) or 'campaign'}-results.{ending}"


def from_file(
    chunks: Iterable[bytes] | Callable[[IO[bytes]], None], *, content_type: str, filename: str = ""
) -> HttpResponseBase:
    """An answer of any length: made inside the request's one snapshot, sent when no transaction is open any more.

    Args:
        chunks: the bytes, or what writes them into a file.
    """
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (the answer closes it)
    if callable(chunks):
        chunks(file)
    else:
        file.writelines(chunks)
    size = file.seek(0, 2)
    file.seek(0)
    if size > IN_MEMORY:
        return FileResponse(file, content_type=content_type, as_attachment=bool(filename), filename=filename)
    answer = HttpResponse(file.read(), content_type=content_type)
    if filename:
        answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def _titles(names: list[str], keys: list[str]) -> list[str]:
    return [
        _("Phone number"), _("Name"), _("Status"), _("Not called because"), _("Outcome"), _("Result"), _("Attempts"),
        _("Time zone"), _("Last attempt (local time)"), _("Last attempt (UTC)"), _("Next attempt (local time)"),
        _("Next attempt (UTC)"), _("Talk time (seconds)"), _("Cost (credits)"), _("Summary"), _("Call"), _("Opted out (UTC)"),
        _("Consent"), _("Consent given (UTC)"), _("Proof of consent"), _("Compared as"),
        *[_("Analysis: %(field)s") % {"field": key} for key in keys], *names,
    ]  # fmt: skip


def _rows(campaign: Campaign, state: State, names: list[str], keys: list[str]) -> Iterator[list[Any]]:
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).oldest().iterator(CHUNK)
    while batch := list(islice(leads, CHUNK)):
        calls = _last_calls(campaign, batch)
        for lead in batch:
            call = calls.get(lead.last_call_id)
            said = call.analysis_result if call and isinstance(call.analysis_result, dict) else {}
            variables = [lead.variables.get(name) for name in names]
            yield [*_lead(lead, campaign, state), *_call(lead, call), *_consent(lead), *(_flat(said.get(key)) for key in keys), *variables]


def _last_calls(campaign: Campaign, leads: list[Lead]) -> dict[str, Call]:
    ids = [lead.last_call_id for lead in leads if lead.last_call_id]
    calls = Call.objects.for_organization(campaign.organization_id).filter(public_id__in=ids)
    return {call.public_id: call for call in calls.only(*CALL_FIELDS)}


def _lead(lead: Lead, campaign: Campaign, state: State) -> list[Any]:
    reason = reason_of(lead, state)
    zone = zone_of(lead, campaign)
    waits = reason if lead.status in (Lead.Status.PENDING, Lead.Status.SKIPPED) else None
    return [
        lead.phone_number, lead.name, status_of(lead.status).label, status_of(waits).label if waits else "",
        outcome_label(outcome_of(lead.status, lead.reason, lead.result)),
        status_of(lead.result).label if lead.result else "", lead.attempts, zone.key, _in(lead.last_attempt_at, zone),
        _in(lead.last_attempt_at), _in(lead.next_attempt_at, zone), _in(lead.next_attempt_at),
    ]  # fmt: skip


def _call(lead: Lead, call: Call | None) -> list[Any]:
    if call is None:
        return [None, None, "", lead.last_call_id, None]
    cost = None if call.cost is None else call.cost / 1_000_000
    return [call.duration_seconds, cost, call.summary, lead.last_call_id, _in(call.opted_out_at)]


def _consent(lead: Lead) -> list[Any]:
    kind = lead.get_consent_display() if lead.consent else ""
    return [kind, _in(lead.consent_at), lead.consent_proof, lead.variant.upper()]


def zone_of(lead: Lead, campaign: Campaign) -> ZoneInfo:
    """By which clock a lead's times are shown: its own zone, else the first that its number may be in, else the campaign's."""
    given = [lead.timezone] if lead.timezone in ZONES else []
    return ZoneInfo(next(iter([*given, *read_place(lead.place).zones]), campaign.timezone))


def _in(moment: dt.datetime | None, zone: dt.tzinfo = dt.UTC) -> dt.datetime | None:
    """The wall clock of a zone, to the second."""
    return moment.astimezone(zone).replace(tzinfo=None, microsecond=0) if moment else None


def _flat(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return ", ".join(str(each) for each in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
