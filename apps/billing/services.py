"""One account: its balance, credits by hand, any other line, checkpoints. What a call takes from its payers: `payers.py`."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.billing.metering import STEP, cost_of, micro
from apps.billing.models import CREDIT, Account, Checkpoint, Hold, LedgerEntry
from apps.billing.notices import tell_low_balance
from apps.billing.sql import balance_of, lock_account
from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit

__all__ = [
    "account_of",
    "add_credits",
    "available",
    "balance",
    "book",
    "cost_of",
    "make_checkpoint",
    "put_credits",
    "set_low_balance",
    "used_seconds",
]

HOLD = CREDIT
# Far longer than any transaction of ours: whatever is older than this has committed, so no entry can slip in behind
# a checkpoint.
SETTLED = dt.timedelta(hours=1)


def balance(organization_id: object) -> int:
    """Micro-credits of an account, holds not taken off: the newest checkpoint and what was booked after it."""
    return balance_of(organization_id)


def available(organization_id: object) -> int:
    """Micro-credits that a new call may still count on: the balance minus open holds. A wallet has a credit line, too: see
    `payers.least_available`."""
    return balance(organization_id) - _sum(Hold.objects.for_organization(organization_id).open())


def account_of(organization_id: object) -> Account:
    """The account's settings, as they are without a row when there is none."""
    return Account.objects.for_organization(organization_id).first() or Account()


@step
def book(
    *, organization_id: object, key: str, kind: str, amount: int, note: str = "", actor: Actor, now: dt.datetime
) -> LedgerEntry:
    """Put one line on an account, once per key: what was bought, given, included, or taken back.

    Args:
        kind: of LedgerEntry.Kind, but not a call.
        amount: micro-credits, a multiple of 100; below zero takes away.

    Returns the entry; on a repeat, the one of the first time. Mails the owners when the balance falls below what they
    chose. Waits for other bookings of the account.
    """
    if amount % STEP:
        raise ValueError("a booking has four decimals of a credit")
    lock_account(organization_id)
    if booked := LedgerEntry.objects.for_organization(organization_id).filter(key=key).first():
        return booked
    name = Organization.objects.values_list("name", flat=True).get(pk=organization_id)
    entry = LedgerEntry.objects.create(
        organization_id=organization_id, key=key, kind=kind, amount=amount, used_by=organization_id,
        used_by_name=name[:200], note=note[:500], actor=actor.label[:200],
    )  # fmt: skip
    # What lapses makes room for what is included next; a client of a plan is not warned each month for that.
    if kind != LedgerEntry.Kind.LAPSE:
        tell_low_balance(entry=entry, left=balance(organization_id), now=now)
    return entry


@writes
def add_credits(
    *, organization: Organization, credits: Decimal, note: str, actor: Actor, key: str, now: dt.datetime
) -> LedgerEntry:
    """Book credits by hand on an agency's balance; a negative number takes some away. The same key books once.

    Raises Conflict for a client, whose agency pays, and Invalid for nothing at all.
    """
    if organization.parent_id:
        raise Conflict(_("The agency pays for this client. Book the credits on the agency."))
    return put_credits(organization=organization, credits=credits, note=note, actor=actor, key=key, now=now)


@step
def put_credits(
    *, organization: Organization, credits: Decimal, note: str, actor: Actor, key: str, now: dt.datetime
) -> LedgerEntry:
    """Credits by hand on any account, with their line in the audit log; once per key. Raises Invalid for nothing at all."""
    amount = micro(credits)
    if not amount:
        raise Invalid(_("Enter a number of credits other than zero."), param="credits")
    lock_account(organization.pk)
    if booked := LedgerEntry.objects.for_organization(organization).filter(key=key).first():
        return booked
    kind = LedgerEntry.Kind.CREDIT if amount > 0 else LedgerEntry.Kind.CORRECTION
    entry = book(organization_id=organization.pk, key=key, kind=kind, amount=amount, note=note, actor=actor, now=now)
    data = {"credits": str(credits), "note": note[:500]}
    record_audit(organization=organization, by=actor, action="credits.add", target=entry, data=data)
    return entry


@writes
def set_low_balance(*, organization: Organization, credits: int, now: dt.datetime) -> Account:
    """Choose below how many credits the owners are warned."""
    account, _made = Account.objects.get_or_create(organization=organization)
    account.change(now, low_balance_credits=credits)
    return account


def used_seconds(*, payer_id: object, start: dt.datetime, end: dt.datetime, used_by: object | None = None) -> int:
    """Seconds of charged calls booked from `start` until `end`; of one client, or of all the payer pays for."""
    calls = LedgerEntry.objects.for_organization(payer_id).calls().between(start, end)
    if used_by is not None:
        calls = calls.filter(used_by=used_by)
    return calls.aggregate(total=Sum("seconds"))["total"] or 0


@writes
def make_checkpoint(*, organization_id: object, now: dt.datetime) -> Checkpoint | None:
    """Carry the sum of all settled entries in one row. None when nothing was booked since the last one."""
    # Two at once would carry the same entries.
    lock_account(organization_id)
    newest = Checkpoint.objects.for_organization(organization_id).order_by("-at").first()
    entries = LedgerEntry.objects.for_organization(organization_id).filter(created_at__lte=now - SETTLED)
    if newest:
        entries = entries.filter(created_at__gt=newest.at)
    last = entries.order_by("-created_at").values_list("created_at", flat=True).first()
    if last is None:
        return None
    total = (newest.balance if newest else 0) + _sum(entries)
    return Checkpoint.objects.create(organization_id=organization_id, at=last, balance=total)


def _sum(rows: object) -> int:
    return int(rows.aggregate(total=Sum("amount"))["total"] or 0)  # type: ignore[attr-defined]
