"""Celery entries of what an agency does to many clients at once."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.core import db
from apps.core.queue import wake
from apps.portal.services import announce, bulk, export


@shared_task(ignore_result=True, time_limit=600)
def run(organization_id: str, job_id: str) -> None:
    bulk.run_bulk(organization_id=UUID(organization_id), job_id=UUID(job_id))


@shared_task(ignore_result=True, time_limit=600)
def send_announcement(organization_id: str, announcement_id: str) -> None:
    announce.send(organization_id=UUID(organization_id), announcement_id=UUID(announcement_id))


@shared_task(ignore_result=True, time_limit=1800)
def export_one(organization_id: str, job_id: str) -> None:
    export.run_export(organization_id=UUID(organization_id), job_id=UUID(job_id))


@shared_task(ignore_result=True, time_limit=60)
def sweep() -> None:
    """Every 15 s: what was lost on its way to a worker, and files that are old."""
    now = db.now()
    for task, found in ((run, bulk.open_bulks(now)), (send_announcement, announce.unsent(now)), (export_one, export.open_exports(now))):
        for organization_id, pk in found:
            wake(task, str(organization_id), str(pk))
    export.forget_old(now)
