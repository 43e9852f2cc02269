"""One action over many clients of an agency, as a job whose progress can be watched and that a crash only delays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.billing.models import Plan
from apps.core import db
from apps.core.db import writes
from apps.core.errors import DomainError, Invalid
from apps.core.scope import acting
from apps.organizations.models import Job, Organization
from apps.organizations.scopes import acting_for, overview
from apps.organizations.services import Actor, record_audit
from apps.portal.services.care import release_client, suspend_client
from apps.portal.services.plans import assign_plan

KIND = "bulk_clients"
PAUSE = dt.timedelta(seconds=30)
ACTIONS = {
    "suspend": gettext_lazy("Suspend"),
    "release": gettext_lazy("End the suspension"),
    "plan": gettext_lazy("Give a plan"),
}


@writes
def begin_bulk(*, agency: Organization, action: str, clients: Iterable[str], by: Actor, plan: UUID | None = None) -> Job:
    """Note what is to be done to which clients (slugs). The caller wakes `tasks_bulk.run`; a sweep does when that is lost.

    Raises Invalid when nothing is selected, or the action is not known.
    """
    slugs = list(dict.fromkeys(clients))
    if action not in ACTIONS:
        raise Invalid(_("Choose what to do."), param="action")
    if not slugs:
        raise Invalid(_("Select at least one client."), param="clients")
    data: dict[str, Any] = {"action": action, "clients": slugs, "done": [], "failed": {}, "by": by.label, "plan": str(plan) if plan else None}
    job = Job.objects.create(organization=agency, kind=KIND, total=len(slugs), data=data, started_by=by.user)
    record_audit(organization=agency, by=by, action=f"client.bulk_{action}", target=agency, data={"count": len(slugs)})
    return job


def run_bulk(*, organization_id: UUID, job_id: UUID) -> None:
    """Go on where it stands, client by client, each in its own scope and transaction."""
    with acting_for(Organization(pk=organization_id)):
        job = Job.objects.for_organization(organization_id).select_related("started_by").filter(pk=job_id).first()
        if job is None or job.status in (Job.Status.DONE, Job.Status.FAILED):
            return
        plan = Plan.objects.for_organization(organization_id).filter(pk=job.data["plan"]).first() if job.data["plan"] else None
    with acting(overview("the clients that were selected")):
        rows = Organization.objects.live().filter(parent_id=organization_id, slug__in=job.data["clients"]).select_related("parent", "brand")
        found = {row.slug: row for row in rows}
    by = Actor(label=job.data["by"], user=job.started_by)
    data: dict[str, Any] = job.data
    for slug in [each for each in data["clients"] if each not in data["done"] and each not in data["failed"]]:
        try:
            _one(data["action"], found.get(slug), plan, by)
            data["done"].append(slug)
        except DomainError as error:
            data["failed"][slug] = error.text
        _note(organization_id, job_id, data, Job.Status.RUNNING)
    _note(organization_id, job_id, data, Job.Status.DONE)


def open_bulks(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(organization, job) of those that nobody has worked on for a while."""
    with acting(overview("actions over clients that stand still")):
        rows = Job.objects.filter(kind=KIND, updated_at__lt=now - PAUSE, status__in=(Job.Status.WAITING, Job.Status.RUNNING))
        return list(rows.order_by("updated_at").values_list("organization_id", "pk")[:100])


def _one(action: str, client: Organization | None, plan: Plan | None, by: Actor) -> None:
    if client is None:
        raise Invalid(_("This client is not there any more."))
    now = db.now()
    actions: dict[str, Callable[[], Any]] = {
        "suspend": lambda: suspend_client(client=client, by=by, now=now),
        "release": lambda: release_client(client=client, by=by, now=now),
        "plan": lambda: assign_plan(client=client, plan=plan, by=by, now=now),
    }
    actions[action]()


def _note(organization_id: UUID, job_id: UUID, data: dict[str, Any], status: str) -> None:
    with acting_for(Organization(pk=organization_id)):
        done = len(data["done"]) + len(data["failed"])
        Job.objects.for_organization(organization_id).filter(pk=job_id).update(
            data=data, done=done, status=status, updated_at=db.now()
        )
