"""Celery entries of plans."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.core import db
from apps.core.queue import wake
from apps.core.scope import Scope, acting
from apps.portal.services.plans import open_pushes, run_push


@shared_task(ignore_result=True, time_limit=600)
def push_plan(organization_id: str, job_id: str) -> None:
    """Bring a changed plan to its clients, each in its own scope."""
    with acting(Scope(())):
        run_push(organization_id=UUID(organization_id), job_id=UUID(job_id), now=db.now())


@shared_task(ignore_result=True, time_limit=60)
def sweep_pushes() -> None:
    """Every 15 s: pushes whose task was lost."""
    for organization_id, job_id in open_pushes(db.now()):
        wake(push_plan, str(organization_id), str(job_id))
