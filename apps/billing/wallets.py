"""A client's wallet: giving it, its rate, credits by hand. The agency's side; written in the client's own scope."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.billing.metering import as_credits, micro
from apps.billing.models import Account, LedgerEntry
from apps.billing.services import balance, put_credits
from apps.billing.sql import lock_account
from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit

MOST_PER_MINUTE = 1_000  # credits: a rate above is a slip of the finger


@writes
def give_wallet(*, client: Organization, by: Actor, now: dt.datetime) -> None:
    """`open_wallet` for a page."""
    open_wallet(client=client, by=by, now=now)


@step
def open_wallet(*, client: Organization, by: Actor, now: dt.datetime) -> None:
    """From now on calls of the client need credits on its own wallet, too. A second time changes nothing.

    Raises Conflict for an agency, whose balance is its own already.
    """
    if client.parent_id is None:
        raise Conflict(_("Only a client has a wallet."))
    lock_account(client.pk)
    if Organization.objects.filter(pk=client.pk, has_wallet=False).update(has_wallet=True, updated_at=now):
        record_audit(organization=client, by=by, action="wallet.create", target=client)
    client.has_wallet = True


@writes
def change_credits(
    *, client: Organization, credits: Decimal, note: str, by: Actor, key: str, now: dt.datetime
) -> LedgerEntry:
    """Put credits into a wallet by hand, or take some out (below zero), with a note the client can read. Once per key.

    Raises Conflict without a wallet, and when more is taken than is there.
    """
    if not client.has_wallet:
        raise Conflict(_("This client has no wallet yet."))
    lock_account(client.pk)
    is_new = not LedgerEntry.objects.for_organization(client).filter(key=key).exists()
    if is_new and credits < 0 and balance(client.pk) + micro(credits) < 0:
        there = f"{as_credits(max(0, balance(client.pk))):.2f}"
        raise Conflict(_("The wallet holds %(credits)s credits.") % {"credits": there})
    return put_credits(organization=client, credits=credits, note=note, actor=by, key=key, now=now)


@writes
def set_rate(*, organization: Organization, credits: Decimal | None, by: Actor, now: dt.datetime) -> Account:
    """What a minute costs on this account, in credits; None: the usual rate.

    Of a client it is the retail rate and set by its agency, of an agency the wholesale rate and set by the operator. It holds
    for calls that are booked from now on. Raises Invalid below zero or beyond reason.
    """
    if credits is not None and not 0 <= credits <= MOST_PER_MINUTE:
        raise Invalid(_("Enter a rate between 0 and %(most)d.") % {"most": MOST_PER_MINUTE}, param="rate")
    account, _made = Account.objects.get_or_create(organization=organization)
    rate = None if credits is None else micro(credits)
    if account.micro_per_minute != rate:
        account.change(now, micro_per_minute=rate)
        data = {"credits_per_minute": None if credits is None else str(credits)}
        record_audit(organization=organization, by=by, action="credits.rate", target=organization, data=data)
    return account
