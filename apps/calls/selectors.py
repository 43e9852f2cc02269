"""The list of calls: filters, the reviewed search door, pages by key."""

from __future__ import annotations

import base64
import datetime as dt
import re
from dataclasses import dataclass
from typing import Any
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
    return CallPage(*window(found.only(*SHOWN), before, after), count)


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


def window(rows: Any, before: str, after: str) -> tuple[list[Any], str, str]:
    """A page of rows with `created_at` and `id`, newest first, and the cursors of what is older and newer than it.

    Args:
        before, after: cursors of an earlier page; a broken one is ignored.
    """
    older_than, newer_than = _read(before), _read(after)
    backwards = bool(newer_than) and not older_than
    if older_than:
        at, pk = older_than
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=pk), created_at__lte=at)
    elif newer_than:
        at, pk = newer_than
        rows = rows.filter(Q(created_at__gt=at) | Q(created_at=at, id__gt=pk), created_at__gte=at)
    order = ("created_at", "id") if backwards else ("-created_at", "-id")
    found = list(rows.order_by(*order)[: PAGE + 1])
    more, page = len(found) > PAGE, found[:PAGE]
    page = page[::-1] if backwards else page
    older = bool(page) and (more or backwards)
    newer = bool(page) and (more if backwards else bool(older_than))
    return page, _cursor(page[-1]) if older else "", _cursor(page[0]) if newer else ""


def _cursor(row: Any) -> str:
    micros = (row.created_at - _EPOCH) // dt.timedelta(microseconds=1)
    return base64.urlsafe_b64encode(micros.to_bytes(8, "big") + row.pk.bytes).decode().rstrip("=")


def _read(cursor: str) -> tuple[dt.datetime, UUID] | None:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return _EPOCH + dt.timedelta(microseconds=int.from_bytes(raw[:8], "big")), UUID(bytes=raw[8:])
    except (ValueError, OverflowError):
        return None
