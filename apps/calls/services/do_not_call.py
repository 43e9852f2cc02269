"""Numbers that an organization does not call: campaign calls and single calls alike (features 14)."""

from __future__ import annotations

from typing import Any

from apps.calls.models import DoNotCall
from apps.core.db import writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@writes
def refuse_number(*, organization: Organization, number: str, reason: str, by: Actor, source: str = "page") -> DoNotCall:
    """Put a number (E.164) on the list; a second time changes nothing."""
    row: Any
    row, is_new = DoNotCall.objects.get_or_create(
        organization=organization, phone_number=number, defaults={"reason": reason[:300], "source": source}
    )
    if is_new:
        # Without number and reason: the audit log cannot forget.
        record_audit(organization=organization, by=by, action="do_not_call.add")
    found: DoNotCall = row
    return found


@writes
def allow_number(*, organization: Organization, number: str, by: Actor) -> bool:
    """Take a number off the list. False when it was not on it."""
    deleted, _rows = DoNotCall.objects.for_organization(organization).filter(phone_number=number).delete()
    if deleted:
        record_audit(organization=organization, by=by, action="do_not_call.remove")
    return bool(deleted)
