"""Numbers that an organization does not call: campaign calls and single calls alike (features 14)."""

from __future__ import annotations

import datetime as dt

from apps.calls.models import DoNotCall
from apps.calls.refusals import digest_of, digests_of
from apps.core.db import step, writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@writes
def refuse_number(
    *, organization: Organization, number: str, reason: str, by: Actor, now: dt.datetime, source: str = DoNotCall.Source.PAGE
) -> DoNotCall:
    """Put a number (E.164) on the list; a second time changes nothing."""
    return list_number(organization=organization, number=number, reason=reason, source=source, by=by, now=now)


@step
def list_number(
    *, organization: Organization, number: str, reason: str, source: str, by: Actor, now: dt.datetime, call_id: str = ""
) -> DoNotCall:
    """`refuse_number` in the caller's transaction.

    Args:
        call_id: public id of the call in which the person asked for it.

    An entry whose time is over begins anew; one that is valid stays as it is.
    """
    fields = {"reason": reason[:300], "source": source, "call_id": call_id, "listed_at": now, "expires_at": None}
    known = DoNotCall.objects.for_organization(organization).filter(digest__in=digests_of(organization.pk, number))
    found = known.first()
    if found is None:
        found, is_new = DoNotCall.objects.get_or_create(
            organization=organization, digest=digest_of(organization.pk, number),
            defaults={"phone_number": number, **fields},
        )  # fmt: skip
    else:
        is_new = found.expires_at is not None and found.expires_at <= now
        if is_new:
            found.change(now, **fields)
    if is_new:
        # Without number and reason: the audit log cannot forget.
        record_audit(organization=organization, by=by, action="do_not_call.add", data={"source": source})
    row: DoNotCall = found
    return row


@writes
def allow_number(*, organization: Organization, number: str, by: Actor) -> bool:
    """Take a number (E.164) off the list, also one of which only the digest is left. False when it was not on it."""
    found = DoNotCall.objects.for_organization(organization).filter(digest__in=digests_of(organization.pk, number))
    return _remove(organization, found, by)


@writes
def allow_entry(*, organization: Organization, pk: object, by: Actor) -> bool:
    """Take an entry off the list. False when it is not there any more."""
    return _remove(organization, DoNotCall.objects.for_organization(organization).filter(pk=pk), by)


@step
def _remove(organization: Organization, entries: object, by: Actor) -> bool:
    deleted, _rows = entries.delete()  # type: ignore[attr-defined]
    if deleted:
        record_audit(organization=organization, by=by, action="do_not_call.remove")
    return bool(deleted)
