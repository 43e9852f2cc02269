"""A client's plan in time: the trial, each month with its included credits, what lapses, what is invoiced, the end.

Each turn of a period is one transaction, and everything in it has a key: after a crash at any point it is done again, once.
Written in a scope that holds the client and its agency. The account is locked first, then the subscription's row, and the
counter of invoices last.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.billing.card_extras import note_extra
from apps.billing.invoicing import Line, Subject, issue_invoice, tax_for
from apps.billing.models import CREDIT, Account, Invoice, LedgerEntry, Plan, Purchase, Seller, Subscription
from apps.billing.periods import close_of, next_end, overage_cents, period_key, quantity, unused_cents
from apps.billing.sales_mail import mail_plan_invoice
from apps.billing.services import book
from apps.billing.sql import lock_account
from apps.billing.wallets import open_wallet
from apps.core.db import step, writes
from apps.core.errors import Conflict, NotFound
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM, Actor, record_audit

Status = Subscription.Status
Kind = LedgerEntry.Kind


def subscription_of(organization_id: object) -> Subscription | None:
    """The one that is not over."""
    return Subscription.objects.for_organization(organization_id).exclude(status=Status.ENDED).first()


@writes
def start_subscription(*, client: Organization, plan: Plan, by: Actor, now: dt.datetime) -> Subscription:
    """`begin_subscription` for a page."""
    return begin_subscription(client=client, plan=plan, by=by, now=now)


@step
def begin_subscription(
    *, client: Organization, plan: Plan, by: Actor, now: dt.datetime, gateway: str = "manual", stripe_subscription: str = ""
) -> Subscription:
    """Begin a plan with its terms as they are now: with its trial for who never had one, else with the first month.

    The client gets a wallet, the included credits and, unless it tries, the first invoice. The same plan a second time
    returns what runs. Raises Conflict while another plan runs, and when a price cannot be invoiced.
    """
    lock_account(client.pk)
    if running := subscription_of(client.pk):
        if running.plan_id == plan.pk:
            return running
        raise Conflict(_("%(name)s runs already. Change it instead.") % {"name": running.name})
    return _begin(client, plan, by, now, gateway=gateway, stripe_subscription=stripe_subscription)


@writes
def change_subscription(
    *, client: Organization, plan: Plan, by: Actor, now: dt.datetime, gateway: str = "manual", stripe_subscription: str = "",
    agreed: int | None = None,
) -> Subscription:  # fmt: skip
    """Go over to another plan at once.

    The running period ends: what is left of its included credits lapses, overage is invoiced, and the paid time that is left
    is taken off the first invoice of the new plan, down to nothing. A trial is not tried twice.

    Args:
        agreed: net cents that the payment page has already taken off for the time that is left.
    """
    lock_account(client.pk)
    running = _locked(client.pk)
    if running is None:
        raise NotFound(_("This client has no subscription."))
    if running.plan_id == plan.pk:
        return running
    credit = credit_for(running, plan, now) if agreed is None else agreed
    lines = _close(running, now, now)
    if credit:
        lines.append(Line(text=unused_text(client, running), net_cents=-credit))
    _over(running, now)
    record_audit(organization=client, by=by, action="subscription.update", target=running, data={"to": plan.name})
    return _begin(
        client, plan, by, now, lines=lines, after_change=True, gateway=gateway, stripe_subscription=stripe_subscription
    )  # fmt: skip


def credit_for(running: Subscription | None, plan: Plan, now: dt.datetime) -> int:
    """Net cents that a change to this plan takes off its first month; 0 when nothing else runs."""
    if running is None or running.plan_id == plan.pk:
        return 0
    return min(unused_cents(running, now), plan.price_cents or 0)


@writes
def cancel_subscription(*, client: Organization, by: Actor, now: dt.datetime) -> Subscription:
    """Let it end with its period. Until then nothing changes."""
    return _set_end(client, by, now, ends=True)


@writes
def resume_subscription(*, client: Organization, by: Actor, now: dt.datetime) -> Subscription:
    """Let it go on after all."""
    return _set_end(client, by, now, ends=False)


@writes
def end_subscription(*, client: Organization, by: Actor, now: dt.datetime) -> None:
    """End it at once: included credits lapse, overage is invoiced, paid time is not given back."""
    lock_account(client.pk)
    if running := _locked(client.pk):
        _invoice(client, running, _close(running, now, now), period_key(running, "last"), now)
        _over(running, now)
        record_audit(organization=client, by=by, action="subscription.end", target=running)


@writes
def turn_period(*, organization_id: object, subscription_id: object, now: dt.datetime) -> bool:
    """When its period is over: close it, and begin the next one or end the subscription. Returns whether it was due.

    One that is unpaid when its month ends does not go on.
    """
    lock_account(organization_id)
    found = _locked(organization_id)
    if found is None or found.pk != subscription_id or found.period_end > now:
        return False
    client = Organization.objects.select_related("parent").get(pk=organization_id)
    lines, key = _close(found, found.period_end, now), period_key(found, "last")
    if found.ends_at_period_end or found.status == Status.PAST_DUE or client.closed_at:
        _over(found, now)
        record_audit(organization=client, by=SYSTEM, action="subscription.end", target=found)
    else:
        anchor = found.trial_ends_at or found.created_at
        start = found.period_end
        found.change(now, status=Status.ACTIVE, period_start=start, period_end=next_end(anchor, start))
        key = period_key(found, "subscription")
        lines += _open(client, found, now)
    _invoice(client, found, lines, key, now)
    return True


@writes
def send_plan_invoice(*, organization_id: object, invoice_id: object, now: dt.datetime) -> None:
    """Mail the invoice of a month to the client; once, however often it is asked for.

    Apart from the turn itself: making the document takes longer than anybody should wait for the next number.
    """
    found = Invoice.objects.for_organization(organization_id).select_related("organization__brand", "subscription")
    invoice = found.filter(pk=invoice_id, subscription__isnull=False).first()
    seller = Seller.objects.filter(pk=invoice.seller_id).first() if invoice else None
    if invoice and seller:
        mail_plan_invoice(invoice=invoice, seller=seller, now=now)


@step
def _begin(
    client: Organization, plan: Plan, by: Actor, now: dt.datetime, *, gateway: str = "manual", stripe_subscription: str = "",
    lines: Sequence[Line] = (), after_change: bool = False,
) -> Subscription:  # fmt: skip
    if plan.organization_id != client.parent_id:
        raise NotFound(_("There is no such plan."))
    seller = Seller.objects.for_organization(client.parent_id).first()
    if plan.price_cents and (seller is None or not seller.legal_name):
        raise Conflict(_("Fill in who you are on invoices first: under Whitelabel, Payments."), type="seller_missing")
    open_wallet(client=client, by=by, now=now)
    tried = after_change or Subscription.objects.for_organization(client).filter(trial_ends_at__isnull=False).exists()
    trial_ends_at = now + dt.timedelta(days=plan.trial_days) if plan.trial_days and not tried else None
    made = Subscription.objects.create(
        organization=client, plan_id=plan.pk, name=plan.name, currency=seller.currency if seller else "EUR",
        price_cents=plan.price_cents, included_credits=plan.included_credits, overage_micros=plan.overage_micros,
        overage_credits=plan.overage_credits, gateway=gateway, stripe_subscription=stripe_subscription,
        status=Status.TRIAL if trial_ends_at else Status.ACTIVE, trial_ends_at=trial_ends_at, period_start=now,
        period_end=trial_ends_at or next_end(now, now), created_at=now, updated_at=now,
    )  # fmt: skip
    if plan.micro_per_minute is not None:
        _account(client.pk).change(now, micro_per_minute=plan.micro_per_minute)
    record_audit(organization=client, by=by, action="subscription.start", target=made, data={"plan": plan.name})
    _invoice(client, made, [*lines, *_open(client, made, now)], period_key(made, "subscription"), now)
    return made


@step
def _open(client: Organization, subscription: Subscription, now: dt.datetime) -> list[Line]:
    """The start of a period: its credits, its credit line, and the line of its price."""
    keys = []
    if subscription.included_credits:
        key = period_key(subscription, "included")
        amount = subscription.included_credits * CREDIT
        book(organization_id=client.pk, key=key, kind=Kind.INCLUDED, amount=amount, note=subscription.name, actor=SYSTEM, now=now)
        keys.append(key)
    is_trial = subscription.status == Status.TRIAL
    _set_line(subscription, 0 if is_trial else _line_of(subscription), now)
    if is_trial or not subscription.price_cents:
        return []
    return [Line(text=_in(client, _fee_text, subscription), net_cents=subscription.price_cents, entries=keys)]


@step
def _close(subscription: Subscription, end: dt.datetime, now: dt.datetime) -> list[Line]:
    """The end of a period: unused included credits lapse, overage is booked out and becomes a line."""
    close, client = close_of(subscription, end), subscription.organization
    values: dict[str, Any] = {"organization_id": client.pk, "note": subscription.name, "actor": SYSTEM, "now": now}
    if close.lapse:
        book(key=period_key(subscription, "lapse"), kind=Kind.LAPSE, amount=-close.lapse, **values)
    if not close.overage or subscription.overage_micros is None:
        return []
    key = period_key(subscription, "overage")
    book(key=key, kind=Kind.OVERAGE, amount=close.overage, **values)
    return [
        Line(
            text=_in(client, _overage_text, subscription), quantity=quantity(close.overage), entries=[key],
            unit_micros=subscription.overage_micros, net_cents=overage_cents(close.overage, subscription.overage_micros),
        )
    ]  # fmt: skip


@step
def _over(subscription: Subscription, now: dt.datetime) -> None:
    subscription.change(now, status=Status.ENDED, ended_at=now)
    _set_line(subscription, 0, now)


@step
def _invoice(client: Organization, subscription: Subscription, lines: Sequence[Line], key: str, now: dt.datetime) -> Invoice | None:
    """None when there is nothing to pay for."""
    if not any(line.net_cents for line in lines):
        return None
    seller = Seller.objects.for_organization(client.parent_id).get()
    subject = Subject(
        subscription=subscription, supplied_from=subscription.period_start.date(), supplied_until=subscription.period_end.date(),
        due_on=now.date() + dt.timedelta(days=seller.payment_days),
    )  # fmt: skip
    made = issue_invoice(
        client=client, seller=seller, key=key, lines=lines, tax=tax_for(client, seller, now.date()), subject=subject, now=now,
        currency=subscription.currency,
    )  # fmt: skip
    if subscription.gateway == Purchase.Gateway.STRIPE:
        note_extra(client=client, invoice=made, now=now)
    return made


@step
def _set_end(client: Organization, by: Actor, now: dt.datetime, *, ends: bool) -> Subscription:
    lock_account(client.pk)
    running = _locked(client.pk)
    if running is None:
        raise NotFound(_("This client has no subscription."))
    if running.ends_at_period_end != ends:
        # Not `change`: since when a late one is late is its last change.
        Subscription.objects.for_organization(client).filter(pk=running.pk).update(ends_at_period_end=ends)
        running.ends_at_period_end = ends
        record_audit(organization=client, by=by, action="subscription.cancel" if ends else "subscription.resume", target=running)
    return running


def _locked(organization_id: object) -> Subscription | None:
    found = Subscription.objects.for_organization(organization_id).exclude(status=Status.ENDED)
    return found.select_related("organization").select_for_update(of=("self",)).first()


def _line_of(subscription: Subscription) -> int:
    return subscription.overage_credits * CREDIT if subscription.overage_micros is not None else 0


@step
def _set_line(subscription: Subscription, line: int, now: dt.datetime) -> None:
    account = _account(subscription.organization_id)
    if account.credit_line != line:
        account.change(now, credit_line=line)


@step
def _account(organization_id: object) -> Account:
    return Account.objects.get_or_create(organization_id=organization_id)[0]


def _in(client: Organization, text: object, subscription: Subscription) -> str:
    """A line in the language of the client's invoices."""
    with translation.override(client.language):
        return str(text(subscription))  # type: ignore[operator]


def _fee_text(subscription: Subscription) -> str:
    return _("%(plan)s, %(start)s to %(end)s") % _times(subscription)


def _overage_text(subscription: Subscription) -> str:
    return _("Credits beyond %(plan)s, %(start)s to %(end)s") % _times(subscription)


def unused_text(client: Organization, subscription: Subscription) -> str:
    """The line by which paid time that is left comes off, in the language of the client's invoices."""
    return _in(client, _unused_text, subscription)


def _unused_text(subscription: Subscription) -> str:
    return _("Unused time of %(plan)s until %(end)s") % _times(subscription)


def _times(subscription: Subscription) -> dict[str, str]:
    return {
        "plan": subscription.name, "start": date_format(subscription.period_start, "SHORT_DATE_FORMAT"),
        "end": date_format(subscription.period_end, "SHORT_DATE_FORMAT"),
    }  # fmt: skip
