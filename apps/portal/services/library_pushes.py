"""Bringing an item of the library to many clients: a job, client by client, with a result for each and a way back.

A client that has its result is not touched again, so a worker that dies leaves a job that goes on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.assistants.models import Assistant
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.scope import Scope, acting
from apps.organizations.models import Job, Organization
from apps.organizations.scopes import acting_for, overview
from apps.organizations.services import Actor, record_audit
from apps.portal.models import LibraryCopy, LibraryItem
from apps.portal.services.library import portable_of, standing_of, thing_of, things
from apps.portal.services.library_copying import bring_changes, place_copy, take_back
from apps.portal.services.library_values import Thing, inverse

KIND = "push_library"
PAUSE = dt.timedelta(seconds=30)  # a job that nobody touched for so long was interrupted
OPEN = (Job.Status.WAITING, Job.Status.RUNNING)


@dataclass(frozen=True)
class Push:
    """What every client's part is told."""

    agency: Organization
    item: LibraryItem
    thing: Thing
    by: Actor


@writes
def start_push(*, agency: Organization, item: LibraryItem, overwrite: Mapping[UUID, bool], by: Actor) -> Job:
    """Note that clients are to get the item as it is now, as a job; the caller wakes `tasks.push_library`.

    Args:
        overwrite: the chosen clients, and whether what the client changed itself gives way.
    """
    clients = {str(client): bool(value) for client, value in overwrite.items()}
    job = Job.objects.create(
        organization=agency, kind=KIND, total=len(clients), started_by=by.user,
        data={"item": str(item.pk), "name": str(thing_of(item) or ""), "clients": clients, "by": by.label, "results": {}},
    )  # fmt: skip
    record_audit(organization=agency, by=by, action="library.push", target=item, data={"clients": len(clients)})
    return job


def pushes(agency: Organization | UUID) -> Any:
    return Job.objects.for_organization(agency).filter(kind=KIND).order_by("-created_at", "-id")


def open_pushes(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(organization, job) of pushes that nobody has worked on for a while."""
    with acting(overview("library items on their way to clients")):
        rows = Job.objects.filter(kind=KIND, updated_at__lt=now - PAUSE, status__in=OPEN)
        return list(rows.order_by("updated_at").values_list("organization_id", "pk")[:100])


def run_push(*, agency: Organization, job_id: UUID) -> None:
    """Go on with a push where it stands, each client in its own scope."""
    with acting_for(agency, with_children=True):
        job = pushes(agency).filter(pk=job_id, status__in=OPEN).select_related("started_by").first()
        if job is None:
            return
        item = LibraryItem.objects.for_organization(agency).filter(pk=job.data["item"]).first()
        thing = thing_of(item) if item else None
        clients = {str(each.pk): each for each in Organization.objects.children_of(agency)}
    if item is None or thing is None:
        _note(agency, job, db.now(), status=Job.Status.FAILED, error=str(_("This is not there any more.")))
        return
    push = Push(agency, item, thing, Actor(label=f"{job.data['by']} ({agency.name})"[:200], user=job.started_by))
    for key, overwrite in job.data["clients"].items():
        if key in job.data["results"]:
            continue
        now = db.now()
        job.data["results"][key] = _bring(push, clients.get(key), overwrite, now)
        _note(agency, job, now, status=Job.Status.RUNNING, done=len(job.data["results"]), data=job.data)
    _note(agency, job, db.now(), status=Job.Status.DONE, done=len(job.data["results"]))


def undo(*, agency: Organization, job_id: UUID, client: Organization, by: Actor, now: dt.datetime) -> None:
    """Take an update back at one client: its copy is again what it was before the push.

    Raises Conflict when there is nothing to take back, or when the copy was saved since.
    """
    with acting(Scope((client.pk, agency.pk))):
        job = pushes(agency).filter(pk=job_id).first()
        result = job.data["results"].get(str(client.pk), {}) if job else {}
        row = LibraryCopy.objects.for_organization(client).filter(item_id=job.data["item"]).first() if job else None
        if not row or not result.get("before") or result.get("undone"):
            raise Conflict(_("There is nothing to take back here."))
        thing = things(client, row.kind).filter(pk=row.object_id).first()
        if thing is None:
            raise NotFound(_("This is not there any more."))
        take_back(client=client, thing=thing, result=result, by=by, now=now)
        _note_undone(job, row, str(client.pk), now)


def _bring(push: Push, client: Organization | None, overwrite: bool, now: dt.datetime) -> dict[str, Any]:
    """One client's part. Returns its result: what was done, in how many parts, and the way back."""
    if client is None:
        return {"did": "failed", "error": str(_("This client is not there any more."))}
    with acting(Scope((client.pk, push.agency.pk))):
        try:
            return _bring_to(push, client, overwrite, now)
        except DomainError as error:
            return {"did": "failed", "error": error.text[:300], "name": client.name}


def _bring_to(push: Push, client: Organization, overwrite: bool, now: dt.datetime) -> dict[str, Any]:
    mine = portable_of(push.agency, push.thing).values
    found = standing_of(push.agency, client, push.item, mine)
    if found.thing is None or found.copy is None:
        place_copy(client=client, item=push.item, values=mine, before=found.copy, by=push.by, now=now)
        return {"did": "made", "name": client.name}
    changes = [each for each in found.changes if overwrite or not each.is_conflict]
    old = None if isinstance(found.thing, Assistant) else inverse(found.thing, changes)
    bring_changes(client=client, item=push.item, thing=found.thing, changes=changes, values=mine, by=push.by, now=now)
    if not changes:
        return {"did": "same", "name": client.name, "kept": len(found.changes)}
    result = {"did": "updated", "name": client.name, "parts": len(changes), "kept": len(found.changes) - len(changes)}
    way_back = {"before": found.thing.version, "after": found.thing.version + 1, "base": found.copy.base}
    if isinstance(found.thing, Assistant):
        return result | way_back
    return result if old is None else result | way_back | {"old": old}


@writes
def _note_undone(job: Job, row: LibraryCopy, key: str, now: dt.datetime) -> None:
    held = Job.objects.for_organization(job.organization_id).select_for_update().get(pk=job.pk)
    row.change(now, base=held.data["results"][key].pop("base"))
    held.data["results"][key].pop("old", None)
    held.data["results"][key]["undone"] = True
    held.change(now, data=held.data)


def _note(agency: Organization, job: Job, now: dt.datetime, **values: Any) -> None:
    with acting_for(agency):
        _change_job(agency, job, now, values)


@writes
def _change_job(agency: Organization, job: Job, now: dt.datetime, values: dict[str, Any]) -> None:
    Job.objects.for_organization(agency).filter(pk=job.pk).update(updated_at=now, **values)
