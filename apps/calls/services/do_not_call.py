"""Numbers that an organization does not call: campaign calls and single calls alike (features 14)."""

from __future__ import annotations

from typing import Any

from apps.calls.models import DoNotCall
from apps.calls.refusals import digest_of, digests_of
from apps.core.db import writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@writes
def refuse_number(*, organization: Organization, number: str, reason: str, by: Actor, source: str = "page") -> DoNotCall:
    """Put a number (E.164) on the list; a second time changes nothing."""
    row: Any
    row, is_new = DoNotCall.objects.get_or_create(
        organization=organization, digest=digest_of(organization.pk, number),
        defaults={"phone_number": number, "reason": reason[:300], "source": source},
    )  # fmt: skip
    if is_new:
        # Without number and reason: the audit log cannot forget.
        record_audit(organization=organization, by=by, action="do_not_call.add")
    found: DoNotCall = row
    return found


@writes
def allow_number(*, organization: Organization, number: str, by: Actor) -> bool:
    """Take a number off the list. False when it was not on it."""
    digests = digests_of(organization.pk, number)
    deleted, _rows = DoNotCall.objects.for_organization(organization).filter(digest__in=digests).delete()
    if deleted:
        record_audit(organization=organization, by=by, action="do_not_call.remove")
    return bool(deleted)
