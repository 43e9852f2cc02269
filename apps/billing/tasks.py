"""Celery entries of billing."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from celery import shared_task
from django.db.models import CharField, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Concat

from apps.billing.models import Checkpoint, Invoice, LedgerEntry, Subscription
from apps.billing.sales_mail import PLAN_INVOICE
from apps.billing.services import SETTLED, make_checkpoint
from apps.billing.standing import review_standing
from apps.billing.subscriptions import send_plan_invoice, turn_period
from apps.core.db import now as read_now
from apps.core.scope import acting
from apps.mail.models import Message
from apps.organizations.scopes import overview
from apps.organizations.tasks import TenantTask

MOST = 1000
RECENT = dt.timedelta(days=2)


@shared_task(ignore_result=True, time_limit=300)
def checkpoint() -> None:
    """Nightly: a checkpoint for every account that was booked on since its last one."""
    with acting(overview("accounts with new entries")):
        accounts = _accounts_to_sum(read_now())
    for organization_id in accounts:
        checkpoint_account.delay(str(organization_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def checkpoint_account(organization_id: str) -> None:
    make_checkpoint(organization_id=organization_id, now=read_now())


@shared_task(ignore_result=True, time_limit=120)
def sweep_subscriptions() -> None:
    """Each minute: periods that are over."""
    with acting(overview("subscriptions whose period is over")):
        due = _due_subscriptions(read_now())
    for organization_id, subscription_id in due:
        turn_subscription.delay(str(organization_id), str(subscription_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=120)
def turn_subscription(organization_id: str, subscription_id: str) -> None:
    """Turn as many periods as have passed; each is a transaction of its own."""
    while turn_period(organization_id=UUID(organization_id), subscription_id=UUID(subscription_id), now=read_now()):
        pass


@shared_task(ignore_result=True, time_limit=60)
def sweep_plan_invoices() -> None:
    """Each minute: invoices of plans that no mail says yet."""
    with acting(overview("invoices of plans without a mail")):
        waiting = _invoices_without_mail(read_now())
    for organization_id, invoice_id in waiting:
        mail_invoice.delay(str(organization_id), str(invoice_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def mail_invoice(organization_id: str, invoice_id: str) -> None:
    send_plan_invoice(organization_id=UUID(organization_id), invoice_id=UUID(invoice_id), now=read_now())


@shared_task(ignore_result=True, time_limit=300)
def review_subscriptions() -> None:
    """Hourly: which subscriptions are late, and which are paid again."""
    with acting(overview("subscriptions that are not over")):
        running = Subscription.objects.exclude(status__in=(Subscription.Status.ENDED, Subscription.Status.TRIAL))
        found = list(running.order_by().values_list("organization_id", flat=True))
    for organization_id in found:
        review_subscription.delay(str(organization_id))


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def review_subscription(organization_id: str) -> None:
    review_standing(organization_id=UUID(organization_id), now=read_now())


def _due_subscriptions(now: dt.datetime) -> list[tuple[object, object]]:
    due = Subscription.objects.filter(period_end__lte=now).exclude(status=Subscription.Status.ENDED)
    return list(due.order_by("period_end").values_list("organization_id", "pk")[:MOST])


def _invoices_without_mail(now: dt.datetime) -> list[tuple[object, object]]:
    own = Concat(Value(PLAN_INVOICE), Cast(OuterRef("pk"), CharField()), Value(":"), output_field=CharField())
    mails = Message.objects.filter(organization_id=OuterRef("organization_id"), key__startswith=own)
    recent = Invoice.objects.filter(subscription__isnull=False, created_at__gt=now - RECENT)
    return list(recent.exclude(Exists(mails)).order_by("created_at").values_list("organization_id", "pk")[:MOST])


def _accounts_to_sum(now: dt.datetime) -> list[object]:
    newest = Checkpoint.objects.filter(organization=OuterRef("organization")).order_by("-at").values("at")[:1]
    settled = LedgerEntry.objects.filter(created_at__lte=now - SETTLED).annotate(checkpoint_at=Subquery(newest))
    late = settled.filter(Q(checkpoint_at=None) | Q(created_at__gt=Subquery(newest)))
    return list(late.order_by().values_list("organization_id", flat=True).distinct())
