"""Which plan a client has, what of it is different for this client, and bringing a changed plan to all who have it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.billing.models import Plan
from apps.core.db import writes
from apps.core.errors import DomainError, NotFound
from apps.core.scope import acting
from apps.organizations.features import USUAL
from apps.organizations.limits import differences, limits_for_change, work_out
from apps.organizations.models import Job, Limits, Organization
from apps.organizations.scopes import acting_for, overview
from apps.organizations.services import Actor, record_audit

KIND = "push_plan"
PAUSE = dt.timedelta(seconds=30)  # a job that nobody touched for so long was interrupted


def assign_plan(*, client: Organization, plan: Plan | None, by: Actor, now: dt.datetime) -> Limits:
    """Give a client the limits and features of a plan of its agency; None: no plan, only its exceptions hold.

    Exceptions that were made to an earlier plan stay. What was set without a plan gives way: all features, and the limits that
    the plan names.
    Writes in the client's own scope, so the caller is in no transaction. Money is not touched: see the subscription.
    """
    _check(client, plan)
    with acting_for(client, with_parent=True):
        return _assign(client=client, plan=plan, by=by, now=now)


def set_exceptions(
    *, client: Organization, limits: Mapping[str, Any], features: Iterable[str] | None, by: Actor, now: dt.datetime
) -> Limits:
    """Let this hold for one client: what differs from its plan is kept as its exceptions.

    Args:
        limits: fields of Limits; None is no limit. Those that are not named stay as they are.
        features: names of what is switched on; null: everything. What lacks its needs is dropped.
    """
    with acting_for(client, with_parent=True):
        return _except(client=client, limits=limits, features=features, by=by, now=now)


def begin_without_plan(*, client: Organization, by: Actor, now: dt.datetime) -> None:
    """A new client that has no plan begins with what is usual: it is told of no provider, and has no keys, until its agency
    says so. One that has limits already keeps them."""
    with acting_for(client, with_parent=True):
        if not Limits.objects.for_organization(client).exists():
            _except(client=client, limits={}, features=USUAL, by=by, now=now)


def drop_exceptions(*, client: Organization, by: Actor, now: dt.datetime) -> Limits:
    """Back to what the plan says."""
    with acting_for(client, with_parent=True):
        return _drop(client=client, by=by, now=now)


def plan_of(client: Organization, limits: Limits | None) -> Plan | None:
    """The client's plan. Needs a scope that reads the agency's rows."""
    if limits is None or limits.plan_id is None:
        return None
    return Plan.objects.for_organization(client.parent_id).filter(pk=limits.plan_id).first()


def clients_on(plan: Plan) -> list[UUID]:
    """The live clients that have a plan, in a fixed order."""
    with acting(overview("clients of a plan")):
        rows = Limits.objects.filter(plan_id=plan.pk, organization__parent_id=plan.organization_id, organization__closed_at=None)
        return list(rows.order_by("organization_id").values_list("organization_id", flat=True))


@writes
def push_plan(*, plan: Plan, by: Actor) -> Job:
    """Note that a changed plan is to reach its clients, as a job whose progress can be shown. In the agency's scope.

    The caller wakes `tasks_plans.push_plan` with the agency's and the job's id; a sweep does when that is lost.
    """
    agency = plan.organization
    # How many clients there are is seen by the job itself: a page that changes sees only its own organization's rows.
    data = {"plan": str(plan.pk), "name": plan.name, "after": "", "by": by.label, "failed": {}}
    job = Job.objects.create(organization=agency, kind=KIND, started_by=by.user, data=data)
    record_audit(organization=agency, by=by, action="plan.push", target=plan)
    return job


def run_push(*, organization_id: UUID, job_id: UUID, now: dt.datetime) -> bool:
    """Go on with a push where it stands, client by client, each in its own scope. Returns whether it is done."""
    with acting_for(Organization(pk=organization_id)):
        job = Job.objects.for_organization(organization_id).select_related("organization", "started_by").filter(pk=job_id).first()
        if job is None or job.status in (Job.Status.DONE, Job.Status.FAILED):
            return True
        plan = Plan.objects.for_organization(organization_id).filter(pk=job.data["plan"]).first()
    if plan is None:
        _note(organization_id, job_id, now, status=Job.Status.FAILED, error=str(_("This plan is not there any more.")))
        return True
    ids = clients_on(plan)
    by = Actor(label=job.data["by"], user=job.started_by)
    left = [each for each in ids if str(each) > job.data["after"]]
    data: dict[str, Any] = {"failed": {}} | job.data
    for done, client_id in enumerate(left, start=len(ids) - len(left) + 1):
        try:
            _recompute_one(client_id, plan, by, now)
        except DomainError as error:
            data["failed"][_name_of(client_id)] = error.text[:300]
        data["after"] = str(client_id)
        _note(organization_id, job_id, now, status=Job.Status.RUNNING, done=done, total=len(ids), data=data)
    _note(organization_id, job_id, now, status=Job.Status.DONE, done=len(ids), total=len(ids))
    return True


def open_pushes(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(organization, job) of pushes that nobody has worked on for a while."""
    with acting(overview("plans on their way to clients")):
        rows = Job.objects.filter(kind=KIND, updated_at__lt=now - PAUSE, status__in=(Job.Status.WAITING, Job.Status.RUNNING))
        return list(rows.order_by("updated_at").values_list("organization_id", "pk")[:100])


def _check(client: Organization, plan: Plan | None) -> None:
    if plan is not None and plan.organization_id != client.parent_id:
        raise NotFound(_("There is no such plan."))


@writes
def _assign(*, client: Organization, plan: Plan | None, by: Actor, now: dt.datetime) -> Limits:
    row = limits_for_change(client)
    before = row.plan_id
    if plan is not None and before is None:
        own = {name: value for name, value in row.exceptions.get("limits", {}).items() if name not in plan.limits}
        row.exceptions = {"limits": own, "features": {}}
    row.plan_id = plan.pk if plan else None
    changed = _work_out(row, plan, now)
    data = {"fields": changed, "from": str(before or ""), "to": plan.name if plan else ""}
    record_audit(organization=client, by=by, action="organization.plan", target=client, data=data)
    return row


@writes
def _except(
    *, client: Organization, limits: Mapping[str, Any], features: Iterable[str] | None, by: Actor, now: dt.datetime
) -> Limits:
    row = limits_for_change(client)
    plan = plan_of(client, row)
    found = differences(
        limits=limits, features=features, plan_limits=plan.limits if plan else {}, plan_features=plan.features if plan else None
    )
    kept = {name: value for name, value in row.exceptions.get("limits", {}).items() if name not in limits}
    row.exceptions = {"limits": kept | found["limits"], "features": found["features"]}
    if changed := _work_out(row, plan, now):
        record_audit(organization=client, by=by, action="organization.limits", target=client, data={"fields": changed})
    return row


@writes
def _drop(*, client: Organization, by: Actor, now: dt.datetime) -> Limits:
    row = limits_for_change(client)
    row.exceptions = {"limits": {}, "features": {}}
    if changed := _work_out(row, plan_of(client, row), now):
        record_audit(organization=client, by=by, action="organization.limits", target=client, data={"fields": changed})
    return row


def _recompute_one(client_id: UUID, plan: Plan, by: Actor, now: dt.datetime) -> None:
    with acting_for(Organization(pk=client_id, parent_id=plan.organization_id), with_parent=True):
        _recompute(client_id=client_id, plan=plan, by=by, now=now)


@writes
def _recompute(*, client_id: UUID, plan: Plan, by: Actor, now: dt.datetime) -> None:
    client = Organization.objects.live().filter(pk=client_id).first()
    row = limits_for_change(client) if client else None
    # Meanwhile it may have another plan.
    if client is None or row is None or row.plan_id != plan.pk:
        return
    if changed := _work_out(row, plan, now):
        record_audit(organization=client, by=by, action="organization.plan", target=client, data={"fields": changed, "to": plan.name})


def _work_out(row: Limits, plan: Plan | None, now: dt.datetime) -> list[str]:
    return work_out(row, limits=plan.limits if plan else {}, features=plan.features if plan else None, now=now)


def _name_of(client_id: UUID) -> str:
    with acting_for(Organization(pk=client_id)):
        return Organization.objects.filter(pk=client_id).values_list("name", flat=True).first() or str(client_id)


def _note(organization_id: UUID, job_id: UUID, now: dt.datetime, **values: Any) -> None:
    with acting_for(Organization(pk=organization_id)):
        _change_job(organization_id, job_id, now, values)


@writes
def _change_job(organization_id: UUID, job_id: UUID, now: dt.datetime, values: dict[str, Any]) -> None:
    Job.objects.for_organization(organization_id).filter(pk=job_id).update(updated_at=now, **values)
