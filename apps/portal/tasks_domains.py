"""Celery entries of portals' domains."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from apps.core import db
from apps.core.scope import acting
from apps.organizations.models import Organization
from apps.organizations.scopes import overview
from apps.organizations.tasks import TenantTask
from apps.portal.services.domains import check_by_itself, due_domains


@shared_task(ignore_result=True, time_limit=30)
def sweep_domains() -> None:
    """Each minute: domains whose records are to be looked at again."""
    with acting(overview("domains to look at")):
        due = dict.fromkeys(due_domains(db.now()))
        owners = dict(Organization.objects.live().filter(owns_brand=True).values_list("brand_id", "pk"))
    for brand_id, domain_id in due:
        if brand_id in owners:
            check_domain.apply_async((str(owners[brand_id]), str(domain_id)), expires=50)


@shared_task(base=TenantTask, ignore_result=True, time_limit=60)
def check_domain(organization_id: str, domain_id: str) -> None:
    with acting(overview("the agency itself")):
        agency = Organization.objects.select_related("brand").get(pk=organization_id)
    check_by_itself(agency=agency, domain_id=UUID(domain_id), now=db.now())
