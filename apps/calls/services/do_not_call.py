"""Numbers that nobody of this organization calls: single calls and campaigns look here before they dial."""

from __future__ import annotations

from uuid import UUID

from apps.calls.models import DoNotCall
from apps.core.db import writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@writes
def add_do_not_call(
    *, organization: Organization, phone_number: str, reason: str, by: Actor, source: str = "page"
) -> tuple[DoNotCall, bool]:
    """Put a number in E.164 on the list. Returns its row and whether it is new; a number that is on it stays as it is."""
    rows = DoNotCall.objects.for_organization(organization)
    row, is_new = rows.get_or_create(
        organization=organization, phone_number=phone_number, defaults={"reason": reason, "source": source}
    )
    if is_new:
        record_audit(organization=organization, by=by, action="do_not_call.add", target=row)
    return row, is_new


@writes
def remove_do_not_call(*, organization: Organization, pk: UUID, by: Actor) -> str | None:
    """Take a number from the list: it may be called again. Returns it, None when it is not on the list."""
    row = DoNotCall.objects.for_organization(organization).filter(pk=pk).first()
    if row is None:
        return None
    record_audit(organization=organization, by=by, action="do_not_call.remove", target=row)
    row.delete()
    return row.phone_number
