"""Celery entries of sign-ups and of the library."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.core import db
from apps.core.queue import wake
from apps.organizations.models import Organization
from apps.organizations.tasks import TenantTask
from apps.portal.models import SignUp
from apps.portal.services import library_pushes
from apps.portal.services.sign_up_steps import go_on, to_go_on
from apps.portal.services.sign_ups import forget_unconfirmed

BATCH = 100


@shared_task(ignore_result=True, time_limit=50)
def sweep_sign_ups() -> None:
    """Each minute: sign-ups whose person did not come back, and whatever stopped in the middle."""
    for pk in to_go_on().values_list("pk", flat=True)[:BATCH]:
        wake(complete_sign_up, str(pk))
    forget_unconfirmed(now=db.now())


@shared_task(ignore_result=True, time_limit=120)
def complete_sign_up(sign_up_id: str) -> None:
    found = SignUp.objects.select_related("user", "brand").filter(pk=sign_up_id).first()
    if found is not None:
        go_on(sign_up=found, now=db.now())


@shared_task(ignore_result=True, time_limit=30)
def sweep_library() -> None:
    """Pushes that were interrupted."""
    for organization_id, job_id in library_pushes.open_pushes(db.now()):
        push_library.apply_async((str(organization_id), str(job_id)), expires=20)


@shared_task(base=TenantTask, ignore_result=True, time_limit=900)
def push_library(organization_id: str, job_id: str) -> None:
    agency = Organization.objects.select_related("brand").get(pk=organization_id)
    library_pushes.run_push(agency=agency, job_id=UUID(job_id))
