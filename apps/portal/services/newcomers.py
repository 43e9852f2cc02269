"""What a client that the agency makes begins with: a wallet, a plan, its price, and copies of the agency's library."""

from __future__ import annotations

import datetime as dt

from apps.billing.models import Plan
from apps.billing.subscriptions import start_subscription
from apps.billing.wallets import give_wallet
from apps.organizations.models import Organization
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal.services.plans import assign_plan, begin_without_plan


def furnish(*, client: Organization, plan: Plan | None, has_wallet: bool, by: Actor, now: dt.datetime) -> None:
    """Each step is a transaction of its own and changes nothing the second time."""
    if has_wallet:
        with acting_for(client, with_parent=True):
            give_wallet(client=client, by=by, now=now)
    if plan is None:
        begin_without_plan(client=client, by=by, now=now)
        return
    assign_plan(client=client, plan=plan, by=by, now=now)
    if plan.price_cents is not None and has_wallet:
        with acting_for(client, with_parent=True):
            start_subscription(client=client, plan=plan, by=by, now=now)
