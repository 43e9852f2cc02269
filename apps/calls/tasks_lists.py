"""Celery entries of do-not-call lists."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.calls.services import refusal_files
from apps.core.db import now as read_now
from apps.core.queue import wake
from apps.organizations.tasks import TenantTask


@shared_task(base=TenantTask, ignore_result=True, time_limit=600)
def import_one(organization_id: str, upload_id: str) -> None:
    refusal_files.run_import(organization_id=UUID(organization_id), upload_id=UUID(upload_id), now=read_now())


@shared_task(ignore_result=True, time_limit=60)
def sweep_imports() -> None:
    """Each 10 s: imports whose worker died, or that none was woken for."""
    for organization_id, upload_id in refusal_files.imports_to_do(read_now()):
        wake(import_one, str(organization_id), str(upload_id))
