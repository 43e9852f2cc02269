"""The list of calls: filters, the reviewed search door, pages by key."""

from __future__ import annotations

import base64
import datetime as dt
import re
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from apps.assistants.models import Assistant
from apps.calls.forms import RUNNING, FilterForm
from apps.calls.models import Call, CallQuerySet
from apps.calls.sql import search_calls
from apps.core.phone import parse
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

PAGE = 50
MOST_COUNTED = 10_000
MOST_FOUND = 2_000
# What a row shows; transcripts, configuration and search vectors stay where they are.
SHOWN = (
    "id", "public_id", "created_at", "organization_id", "direction", "status", "end_reason", "assistant_name",
    "other_number", "own_number", "summary", "started_at", "duration_seconds", "cost", "is_simulated", "is_charged",
    "origin", "key",
)  # fmt: skip
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DIGITS = re.compile(r"^[+\d][\d\s()./-]{3,}$")


@dataclass(frozen=True)
class CallPage:
    """One page, newest first. `older`, `newer`: cursors, empty at the ends; `count` stops at MOST_COUNTED."""

    calls: list[Call]
    older: str
    newer: str
    count: int

    @property
    def is_capped(self) -> bool:
        return self.count > MOST_COUNTED


def call_page(organization: Organization, filters: FilterForm, *, before: str = "", after: str = "") -> CallPage:
    """The calls that match, from a cursor on.

    Args:
        before, after: cursors of an earlier page: what is older, or newer, than it. A broken one is ignored.
    """
    found = matching(organization, filters)
    count = found.order_by()[: MOST_COUNTED + 1].count()
    rows, more = _window(found, before, after)
    backwards = bool(_read(after)) and not _read(before)
    older = bool(rows) and (more or backwards)
    newer = bool(rows) and (more if backwards else bool(_read(before)))
    return CallPage(rows, _cursor(rows[-1]) if older else "", _cursor(rows[0]) if newer else "", count)


def matching(organization: Organization, filters: FilterForm) -> CallQuerySet:
    """The calls of one organization that match the filters."""
    calls = Call.objects.for_organization(organization)
    values = filters.values
    if status := values.get("status"):
        calls = calls.running() if status == RUNNING else calls.filter(status=status)
    if direction := values.get("direction"):
        calls = calls.filter(direction=direction)
    if assistant := values.get("assistant"):
        calls = calls.filter(assistant_id=assistant)
    if number := values.get("number"):
        calls = calls.filter(number_id=number)
    if filters.since:
        calls = calls.filter(created_at__gte=filters.since)
    if filters.until:
        calls = calls.filter(created_at__lt=filters.until)
    return calls.filter(_said(values["q"], organization.country)) if values.get("q") else calls


def assistants_of(organization: Organization) -> list[Assistant]:
    """Live ones, by name: for the filter and, when active, for calling."""
    rows = Assistant.objects.for_organization(organization).live()
    return list(rows.only("id", "name", "is_active").order_by("name", "id"))


def numbers_of(organization: Organization) -> list[PhoneNumber]:
    """With their trunks, the oldest first."""
    rows = PhoneNumber.objects.for_organization(organization).select_related("transfer_trunk")
    return list(rows.order_by("created_at", "id"))


def _said(words: str, country: str) -> Q:
    """Words go through the text index; a number is also looked for as such, however it is spaced."""
    found = Q(pk__in=search_calls(words, MOST_FOUND))
    if words.startswith("call-"):
        found |= Q(public_id=words)
    if _DIGITS.match(words):
        digits = re.sub(r"\D", "", words)
        found |= Q(other_number__contains=digits) | Q(own_number__contains=digits)
        if number := parse(words, country).number:
            found |= Q(other_number=number) | Q(own_number=number)
    return found


def _window(found: CallQuerySet, before: str, after: str) -> tuple[list[Call], bool]:
    """A page and whether there is more in the direction of reading."""
    rows = found.only(*SHOWN)
    if key := _read(before):
        at, pk = key
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=pk), created_at__lte=at).newest()
    elif key := _read(after):
        at, pk = key
        rows = rows.filter(Q(created_at__gt=at) | Q(created_at=at, id__gt=pk), created_at__gte=at)
        page = list(rows.order_by("created_at", "id")[: PAGE + 1])
        return page[:PAGE][::-1], len(page) > PAGE
    else:
        rows = rows.newest()
    page = list(rows[: PAGE + 1])
    return page[:PAGE], len(page) > PAGE


def _cursor(call: Call) -> str:
    micros = (call.created_at - _EPOCH) // dt.timedelta(microseconds=1)
    return base64.urlsafe_b64encode(micros.to_bytes(8, "big") + call.pk.bytes).decode().rstrip("=")


def _read(cursor: str) -> tuple[dt.datetime, UUID] | None:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return _EPOCH + dt.timedelta(microseconds=int.from_bytes(raw[:8], "big")), UUID(bytes=raw[8:])
    except (ValueError, OverflowError):
        return None
