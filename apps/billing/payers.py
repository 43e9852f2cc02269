"""A call on every account that pays for it: the agency's balance, and the client's wallet when it has one (platform 5).

`payers` is `Organization.payer_ids`: the agency first, the wallet last. Accounts are locked in that order everywhere, and a
transaction that books on one wallet takes no agency's account after it: nobody waits in a circle.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from apps.billing.metering import as_credits, cost_of
from apps.billing.models import CREDIT, Account, Hold, LedgerEntry
from apps.billing.notices import tell_low_balance
from apps.billing.services import HOLD, account_of, available, balance
from apps.billing.sql import insert_holds, lock_account
from apps.billing.standing import is_blocked
from apps.core.db import step
from apps.core.errors import InsufficientCredits

Payers = Sequence[object]


def lock_accounts(payers: Payers) -> None:
    """Wait until this transaction is the only one that books on any of them."""
    for payer in payers:
        lock_account(payer)


def least_left(payers: Payers, now: dt.datetime) -> int:
    """Micro-credits until the first of the accounts is empty, credit lines counted, holds not taken off. None are left
    while no call may begin because the client's subscription is not paid."""
    return 0 if _blocked(payers, now) else min(left(payers, payer) for payer in payers)


def least_available(payers: Payers, now: dt.datetime) -> int:
    """Micro-credits that a new call may still count on, on every account."""
    return 0 if _blocked(payers, now) else min(_available(payers, payer) for payer in payers)


def left(payers: Payers, payer: object) -> int:
    """Micro-credits on this account until nothing may be used any more: a wallet's credit line counts."""
    return balance(payer) + _line(payers, payer)


def rate_of(payers: Payers, payer: object) -> int | None:
    """Micro-credits a minute on this account; None: the rate card's. A wallet without a rate pays a credit a minute."""
    return _rate(payers, payer, account_of(payer))


def cost_for(payers: Payers, seconds: int, now: dt.datetime) -> int:
    """What `seconds` of talk cost the organization itself, in micro-credits: on its wallet, else on its payer's account."""
    return cost_of(seconds, now, rate_of(payers, payers[-1]))


def is_wallet(payers: Payers, payer: object) -> bool:
    return len(payers) > 1 and payer == payers[-1]


@step
def hold(*, payers: Payers, used_by: object, key: str, now: dt.datetime) -> None:
    """Set one credit aside on each account for a call that is about to start; a second time changes nothing.

    Raises InsufficientCredits, also while the subscription is not paid, and has written nothing then. A client is told of its own empty wallet; of its agency's
    balance only that calls are not possible for the time being.
    """
    lock_accounts(payers)
    if _blocked(payers, now):
        raise _unpaid(payers)
    missing = [payer for payer in payers if not Hold.objects.for_organization(payer).filter(key=key).exists()]
    for payer in reversed(missing):
        if _available(payers, payer) < HOLD:
            raise refusal(payers, payer, used_by)
    Hold.objects.bulk_create(_hold(payer, key, used_by) for payer in missing)


@step
def hold_many(*, payers: Payers, used_by: object, keys: Sequence[str], now: dt.datetime) -> int:
    """`hold` for many new keys in a few statements: for as many of the first as every account has credits for.

    Returns how many.
    """
    lock_accounts(payers)
    count = max(0, min(len(keys), least_available(payers, now) // HOLD))
    insert_holds(payers, used_by, keys[:count], HOLD)
    return count


@step
def release(*, payers: Payers, keys: Iterable[str], now: dt.datetime) -> None:
    """Give back what was set aside on each account: the calls certainly cost nothing. Repeats change nothing."""
    found = Hold.objects.filter(organization_id__in=list(payers), key__in=list(keys), released_at__isnull=True)
    found.update(released_at=now, updated_at=now)


@step
def charge_call(
    *, payers: Payers, used_by: object, used_by_name: str, key: str, seconds: int, call_id: str, now: dt.datetime
) -> int:
    """Book an answered call once on each account, the same seconds at the account's own rate, and release its holds.

    Args:
        seconds: from the answer to the end.
        call_id: the call's public id.

    Returns in micro-credits what it cost the organization itself: its wallet, else its payer. On a repeat, what was booked
    the first time, and nothing more, also when the client was given a wallet since. May push balances below zero, and mails
    the owners of those that fall below what they chose.
    """
    lock_accounts(payers)
    release(payers=payers, keys=[key], now=now)
    if (booked := _booked(payers, key)) is not None:
        return booked
    cost = 0
    for payer in payers:
        account = account_of(payer)
        cost = cost_of(seconds, now, _rate(payers, payer, account))
        entry = LedgerEntry.objects.create(
            organization_id=payer, key=key, kind=LedgerEntry.Kind.CALL, amount=-cost, used_by=used_by,
            used_by_name=used_by_name[:200], call_id=call_id, seconds=seconds,
        )  # fmt: skip
        tell_low_balance(entry=entry, left=balance(payer), now=now, account=account)
    return cost


def why_empty(payers: Payers, used_by: object, now: dt.datetime) -> str | None:
    """The sentence when no call may begin, because an account is empty or the subscription is not paid; holds do not count."""
    if _blocked(payers, now):
        return _unpaid(payers).text
    return next((refusal(payers, payer, used_by).text for payer in reversed(payers) if left(payers, payer) < HOLD), None)


def refusal(payers: Payers, payer: object, used_by: object) -> InsufficientCredits:
    """What is said when this account is empty: the balance in it is the one the organization may see."""
    if payer == used_by:
        text = _("No credits left. Buy credits to place calls.")
    else:
        text = _("Calls are temporarily unavailable. Try again later.")
    return InsufficientCredits(text, balance=float(as_credits(balance(payers[-1]))))


def _rate(payers: Payers, payer: object, account: Account) -> int | None:
    rate = account.micro_per_minute
    return CREDIT if rate is None and is_wallet(payers, payer) else rate


def _line(payers: Payers, payer: object) -> int:
    return account_of(payer).credit_line if is_wallet(payers, payer) else 0


def _available(payers: Payers, payer: object) -> int:
    return available(payer) + _line(payers, payer)


def _blocked(payers: Payers, now: dt.datetime) -> bool:
    return len(payers) > 1 and is_blocked(payers[-1], now)


def _unpaid(payers: Payers) -> InsufficientCredits:
    text = _("The subscription is not paid. Pay the open invoice, then calls go on.")
    return InsufficientCredits(text, balance=float(as_credits(balance(payers[-1]))))


def _hold(payer: object, key: str, used_by: object) -> Hold:
    return Hold(organization_id=payer, key=key, amount=HOLD, used_by=used_by)


def _booked(payers: Payers, key: str) -> int | None:
    entries = LedgerEntry.objects.filter(organization_id__in=list(payers), key=key)
    amounts: dict[object, int] = dict(entries.values_list("organization_id", "amount"))
    return next((-amounts[payer] for payer in reversed(payers) if payer in amounts), None)
