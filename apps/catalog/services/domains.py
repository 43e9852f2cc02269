"""The sender domain: added or picked at Resend, checked, given up (api 8.9, features 17).

Each service reserves, speaks, records: no request to Resend runs inside a transaction.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.catalog.models import ProviderKey, SenderDomain
from apps.catalog.resend import KeyRefused, RemoteDomain, Resend
from apps.catalog.services.keys import note_accepted, note_refused
from apps.catalog.slots import RESEND
from apps.core.crypto import SecretUnreadable
from apps.core.db import writes
from apps.core.errors import Conflict, Invalid, NotFound
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit

T = TypeVar("T")
REGION = "eu-west-1"
FQDN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\Z")


def clean_domain_name(value: object) -> str:
    """A full domain name in lower case, letters beyond ASCII as DNS has them. Raises Invalid."""
    if value is None or value == "":
        raise _wrong("domain_name", _("this field is required"), type="missing_field")
    name = full_domain(value) if isinstance(value, str) else ""
    if not name:
        raise _wrong("domain_name", _("a full domain name is expected, such as mail.example.org"))
    return name


def full_domain(text: str) -> str:
    """The domain name as DNS has it; empty when the text is none."""
    try:
        name = text.strip().rstrip(".").lower().encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    return name if FQDN.match(name) else ""


def domain_of(organization: Organization) -> SenderDomain | None:
    return SenderDomain.objects.for_organization(organization).first()


def add_domain(*, organization: Organization, name: str, by: Actor, now: dt.datetime) -> SenderDomain:
    """Add a domain at Resend and keep it as the organization's. One that the account has already is taken as it is.

    Raises Invalid without a usable key, Conflict when there is a domain already, and what Resend says.
    """
    account = _Account(organization, now)
    row = _reserve(organization=organization, name=name)
    try:
        found, is_new = account.ask(lambda resend: _created(resend, name))
    except BaseException:
        # Nothing is sure, so nothing is kept: a repeat finds what this one may have made.
        _release(row=row)
        raise
    _finish_adding(row=row, found=found, was_picked=not is_new, by=by, now=now)
    return row


def account_domains(*, organization: Organization, now: dt.datetime) -> list[RemoteDomain]:
    """What the organization's Resend account holds. Raises Invalid without a usable key."""
    return _Account(organization, now).ask(lambda resend: resend.domains())


def pick_domain(*, organization: Organization, resend_id: str, by: Actor, now: dt.datetime) -> SenderDomain:
    """Use a domain of the account, in place of the present one. Raises NotFound when the account has none of this id."""
    found = _Account(organization, now).ask(lambda resend: resend.domain(resend_id))
    return _select(organization=organization, found=found, by=by, now=now)


def verify_domain(*, organization: Organization, now: dt.datetime) -> SenderDomain:
    """Let Resend look at the DNS records. A domain that is verified is only read: asking would make it pending again."""
    row, account = _row(organization), _Account(organization, now)
    found = account.ask(lambda resend: _verified(resend, row))
    return _record(row=row, found=found, now=now)


def refresh_domain(*, organization: Organization, now: dt.datetime) -> SenderDomain:
    """Read the state at Resend."""
    row, account = _row(organization), _Account(organization, now)
    return _record(row=row, found=account.ask(lambda resend: _read(resend, row)), now=now)


def delete_domain(*, organization: Organization, by: Actor, now: dt.datetime, only_here: bool = False) -> None:
    """Give the domain up: mails come from the operator's address again. At Resend it goes too, unless it was picked.

    Args:
        only_here: leave Resend alone, also without a key.
    """
    row = _row(organization)
    if not only_here:
        account = _Account(organization, now)
        if row.resend_domain_id and not row.was_picked:
            account.ask(lambda resend: _deleted(resend, row))
    _forget(row=row, by=by)


def account_key(organization: Organization) -> ProviderKey | None:
    """The organization's own Resend key; an agency's or the platform's is no sender of its mail."""
    return ProviderKey.objects.for_organization(organization).filter(slot=RESEND).first()


class _Account:
    """The organization's Resend account. Raises Invalid when its slot is empty or cannot be opened."""

    def __init__(self, organization: Organization, now: dt.datetime) -> None:
        key = account_key(organization)
        if key is None:
            text = _("Store your Resend key in the slot “resend” first.")
            raise Invalid(text, param="provider", details=[text])
        try:
            self._resend = Resend(key.secret)
        except SecretUnreadable:
            text = _("The key in the slot “resend” cannot be opened. Store it again.")
            raise Invalid(text, param="provider", details=[text]) from None
        self._organization, self._key, self._now = organization, key, now

    def ask(self, question: Callable[[Resend], T]) -> T:
        """Ask Resend; a key that it refuses is marked, one that it takes again is not. Who asks sees it: no mail."""
        try:
            answer = question(self._resend)
        except KeyRefused as error:
            note_refused(
                organization=self._organization, slot=RESEND, used_at=self._now, reason=error.text, tell=False,
                now=self._now,
            )  # fmt: skip
            raise
        if self._key.broken_at:
            note_accepted(key=self._key, now=self._now)
        return answer


def _row(organization: Organization) -> SenderDomain:
    if (row := domain_of(organization)) is None:
        raise NotFound(_("There is no sender domain."))
    return row


def _created(resend: Resend, name: str) -> tuple[RemoteDomain, bool]:
    """The domain and whether it was made now. An earlier request whose answer was lost may have made it."""
    try:
        return resend.create(name, REGION), True
    except KeyRefused:
        raise
    except (Conflict, Invalid):
        there = next((each for each in resend.domains() if each.name.lower() == name), None)
        if there is None:
            raise
        return resend.domain(there.id), False


def _read(resend: Resend, row: SenderDomain) -> RemoteDomain:
    # A row without an id is an adding that died under way; it is finished here.
    return resend.domain(row.resend_domain_id) if row.resend_domain_id else _created(resend, row.domain_name)[0]


def _verified(resend: Resend, row: SenderDomain) -> RemoteDomain:
    found = _read(resend, row)
    if found.status == SenderDomain.Status.VERIFIED:
        return found
    resend.verify(found.id)
    return resend.domain(found.id)


def _deleted(resend: Resend, row: SenderDomain) -> None:
    try:
        resend.delete(row.resend_domain_id or "")
    except NotFound:
        return


@writes
def _reserve(*, organization: Organization, name: str) -> SenderDomain:
    try:
        with transaction.atomic():
            return SenderDomain.objects.create(organization=organization, domain_name=name, region=REGION)
    except IntegrityError:
        text = _("There is a sender domain already. Delete it before you add another.")
        raise Conflict(text, type="already_exists", param="domain_name") from None


@writes
def _release(*, row: SenderDomain) -> None:
    SenderDomain.objects.for_organization(row.organization_id).filter(pk=row.pk, resend_domain_id=None).delete()


@writes
def _finish_adding(*, row: SenderDomain, found: RemoteDomain, was_picked: bool, by: Actor, now: dt.datetime) -> None:
    row.change(now, was_picked=was_picked, **_values(row, found, now))
    record_audit(
        organization=row.organization, by=by, action="sender_domain.add", target=row, data={"domain": row.domain_name}
    )


@writes
def _select(*, organization: Organization, found: RemoteDomain, by: Actor, now: dt.datetime) -> SenderDomain:
    rows = SenderDomain.objects.for_organization(organization).select_for_update()
    row, _is_new = rows.get_or_create(organization=organization, defaults={"domain_name": found.name})
    if row.resend_domain_id != found.id:
        row.change(now, was_picked=True, verified_at=None, pending_since=None)
    row.change(now, **_values(row, found, now))
    record_audit(
        organization=organization, by=by, action="sender_domain.pick", target=row, data={"domain": row.domain_name}
    )
    return row


@writes
def _record(*, row: SenderDomain, found: RemoteDomain, now: dt.datetime) -> SenderDomain:
    """Write what Resend said, unless another domain was picked meanwhile."""
    rows = SenderDomain.objects.for_organization(row.organization_id).select_for_update()
    current = rows.filter(pk=row.pk).first()
    if current is None:
        raise NotFound(_("There is no sender domain."))
    if current.resend_domain_id in (None, found.id):
        current.change(now, **_values(current, found, now))
    return current


@writes
def _forget(*, row: SenderDomain, by: Actor) -> None:
    data = {"domain": row.domain_name}
    record_audit(organization=row.organization, by=by, action="sender_domain.delete", target=row, data=data)
    SenderDomain.objects.for_organization(row.organization_id).filter(pk=row.pk).delete()


def _values(row: SenderDomain, found: RemoteDomain, now: dt.datetime) -> dict[str, Any]:
    is_pending = found.status == SenderDomain.Status.PENDING
    is_verified = found.status == SenderDomain.Status.VERIFIED
    return {
        "domain_name": found.name,
        "resend_domain_id": found.id,
        "status": found.status,
        "region": found.region or row.region,
        "records": found.records if found.records is not None else row.records,
        "verified_at": (row.verified_at or now) if is_verified else None,
        "pending_since": (row.pending_since or now) if is_pending else None,
        "checked_at": now,
    }


def _wrong(param: str, text: str, *, type: str = "invalid_value") -> Invalid:
    line = f"{param}: {text}"
    return Invalid(line, param=param, details=[line], type=type)
