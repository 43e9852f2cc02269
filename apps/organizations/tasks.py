"""Celery entries of organizations, and the base of every tenant's task."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.db import transaction

from apps.core.queue import wake
from apps.core.scope import Scope, acting
from apps.organizations import key_use
from apps.organizations.models import ApiKey, Organization
from apps.organizations.scopes import scope_for


class TenantTask(DjangoTask):
    """A task whose first argument is the organization's id: it runs in that tenant's scope, with its parent's rows."""

    abstract = True

    def __call__(self, organization_id: str, *args: Any, **kwargs: Any) -> Any:
        own = uuid.UUID(str(organization_id))
        with acting(Scope((own,))):
            organization = Organization.objects.get(pk=own)
        with acting(scope_for(organization, with_parent=True)):
            return super().__call__(organization_id, *args, **kwargs)

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Wake a worker once the rows stand. A broker that is down undoes nothing: a sweep finds the rows."""
        transaction.on_commit(lambda: wake(self, *args, **kwargs), robust=True)


@shared_task(ignore_result=True, time_limit=60)
def write_key_use() -> None:
    """Write when keys were last used, from the notes requests left in the cache."""
    for name, seconds in key_use.take_used().items():
        organization_id, key_id = name.split(":")
        with acting(Scope((uuid.UUID(organization_id),))):
            ApiKey.objects.for_organization(organization_id).filter(pk=key_id).update(
                last_used_at=dt.datetime.fromtimestamp(seconds, dt.UTC)
            )
