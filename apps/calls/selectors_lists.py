"""The do-not-call list as its page shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.calls.models import Call, DoNotCall
from apps.calls.refusals import digests_of
from apps.core.phone import parse
from apps.organizations.models import Organization

PAGE = 50


@dataclass(frozen=True)
class Entry:
    """An entry. `call_id`: public id of its call when that can still be opened."""

    row: DoNotCall
    call_id: str
    is_simulated: bool

    @property
    def source(self) -> str:
        return str(dict(DoNotCall.Source.choices).get(self.row.source, self.row.source))


@dataclass(frozen=True)
class RefusalPage:
    """Some entries of the list, the newest first. `at_agency`: the number searched for stands on the agency's list; of what
    else stands there nothing shows."""

    rows: list[Entry]
    total: int
    number: int
    at_agency: bool

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def has_more(self) -> bool:
        return self.last < self.total


def refusal_page(organization: Organization, *, words: str, source: str, number: int, now: dt.datetime) -> RefusalPage:
    """Entries whose number holds the digits of `words` (in national format too), or whose reason holds the words. A whole
    number also finds the entry of somebody who was erased."""
    whole = parse(words, organization.country).number if words else None
    own: QuerySet[DoNotCall] = DoNotCall.objects.for_organization(organization)
    found = own.filter(_matches(organization.pk, words, whole)) if words else own
    if source in DoNotCall.Source.values:
        found = found.filter(source=source)
    total = found.count()
    number = max(1, min(number, -(-total // PAGE)))
    start = (number - 1) * PAGE
    newest = found.select_related("upload").defer("upload__content", "upload__bad_rows").order_by("-listed_at", "-id")
    rows = _entries(organization, list(newest[start : start + PAGE]))
    return RefusalPage(rows, total, number, bool(whole) and _at_agency(organization, whole or "", now))


def _entries(organization: Organization, rows: list[DoNotCall]) -> list[Entry]:
    own = Call.objects.for_organization(organization).filter(public_id__in=[row.call_id for row in rows if row.call_id])
    calls: dict[str, bool] = dict(own.values_list("public_id", "is_simulated"))
    return [Entry(row, row.call_id if row.call_id in calls else "", calls.get(row.call_id, False)) for row in rows]


def _matches(organization_id: UUID, words: str, whole: str | None) -> Q:
    digits = "".join(mark for mark in words if mark.isdigit())
    found = Q(reason__icontains=words)
    if digits:
        found |= Q(phone_number__contains=digits.lstrip("0") or digits)
    if whole:
        found |= Q(digest__in=digests_of(organization_id, whole))
    return found


def _at_agency(organization: Organization, number: str, now: dt.datetime) -> bool:
    agency = organization.parent_id
    if agency is None:
        return False
    listed = DoNotCall.objects.for_organization(agency).filter(digest__in=digests_of(agency, number))
    return listed.valid(now).exists()  # type: ignore[attr-defined,no-any-return]
