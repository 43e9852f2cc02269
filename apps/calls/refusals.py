"""Whether a number may be called: what is compared is its digest under a key of the list's owner."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from apps.calls.sql import digests_on_list
from apps.core import crypto
from apps.organizations.models import Organization

FIELD = "calls_donotcall.digest"


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


def is_refused(organization: Organization, number: str, now: dt.datetime) -> bool:
    return bool(refused_among(organization, [number], now))
