"""Celery entries of billing."""

from __future__ import annotations

import datetime as dt

from celery import shared_task
from django.db.models import OuterRef, Q, Subquery

from apps.billing.models import Checkpoint, LedgerEntry
from apps.billing.services import SETTLED, make_checkpoint
from apps.core.db import now as read_now
from apps.core.scope import acting
from apps.organizations.scopes import overview
from apps.organizations.tasks import TenantTask


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


def _accounts_to_sum(now: dt.datetime) -> list[object]:
    newest = Checkpoint.objects.filter(organization=OuterRef("organization")).order_by("-at").values("at")[:1]
    settled = LedgerEntry.objects.filter(created_at__lte=now - SETTLED).annotate(checkpoint_at=Subquery(newest))
    late = settled.filter(Q(checkpoint_at=None) | Q(created_at__gt=Subquery(newest)))
    return list(late.order_by().values_list("organization_id", flat=True).distinct())
