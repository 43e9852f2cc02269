"""Whether a number may be called: what is compared is its digest under a key of the list's owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from apps.calls.models import DoNotCall
from apps.calls.sql import digests_on_list
from apps.core import crypto
from apps.organizations.models import Organization

FIELD = "calls_donotcall.digest"
READ_AT_ONCE = 20_000  # entries; they take 3 MB


def digest_of(organization_id: UUID, number: str) -> bytes:
    """What is stored for a number (E.164) on this organization's list."""
    return crypto.digests(number, owner=organization_id, field=FIELD)[0]


def digests_of(organization_id: UUID, number: str) -> list[bytes]:
    """What may be stored for it: one per master key."""
    return crypto.digests(number, owner=organization_id, field=FIELD)


def refused_among(organization: Organization, numbers: Iterable[str], now: dt.datetime) -> set[str]:
    """Those of the numbers (E.164) that are on the organization's list or its agency's. One query; the scope holds both."""
    owners = [each for each in (organization.pk, organization.parent_id) if each]
    asked = list(numbers)
    wanted = {
        digest: number for owner in owners for digest, number in crypto.digests_by(asked, owner=owner, field=FIELD).items()
    }
    return {wanted[digest] for digest in digests_on_list(owners, list(wanted), now)}


def refusing(organization: Organization, now: dt.datetime) -> Callable[[Iterable[str]], set[str]]:
    """`refused_among` for many thousands of numbers: lists of up to 20,000 entries are read once, as they are now, and an
    empty one costs nothing."""
    listed: dict[UUID, set[bytes]] = {}
    for owner in (each for each in (organization.pk, organization.parent_id) if each):
        entries = DoNotCall.objects.for_organization(owner).valid(now).values_list("digest", flat=True)
        listed[owner] = {bytes(digest) for digest in entries[: READ_AT_ONCE + 1]}
    if any(len(digests) > READ_AT_ONCE for digests in listed.values()):
        return lambda numbers: refused_among(organization, numbers, now)
    return lambda numbers: _among(listed, list(numbers))


def _among(listed: Mapping[UUID, set[bytes]], numbers: list[str]) -> set[str]:
    found: set[str] = set()
    for owner, digests in listed.items():
        if digests:
            asked = crypto.digests_by(numbers, owner=owner, field=FIELD)
            found.update(asked[digest] for digest in digests & asked.keys())
    return found


def is_refused(organization: Organization, number: str, now: dt.datetime) -> bool:
    return bool(refused_among(organization, [number], now))
