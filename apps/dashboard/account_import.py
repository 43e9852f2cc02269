"""Taking an account over from its engine, once: first a list of what would be made, then the same for good.

The engine's ids stay: what is imported stands there already and is not made again. Everything may be repeated.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils.translation import gettext as _

from apps.calls.services.take_over import take_over_calls
from apps.calls.sql import organization_of_hook
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Conflict, DomainError
from apps.dashboard.account_items import SORTS, Look, Sort
from apps.organizations.models import Job, Organization
from apps.organizations.services import Actor, record_audit
from apps.voice.client import Engine, EngineTrouble
from apps.voice.connecting import own_connection
from apps.voice.mirror import Account, mirrors, taking_over
from apps.voice.models import Connection
from apps.voice.pushing import marks_of

KIND = "import_account"
# A job whose worker died: another may be started.
ABANDONED = dt.timedelta(minutes=10)
CALLS_BACK = dt.timedelta(days=30)
PAGE, MOST_CALLS = 500, 20_000
# What copies carry, whoever made them (`Account.marker`).
COPY = re.compile(r"\bsb-[0-9a-f]{8}-[0-9a-f]{12}\b")
NEW, HERE, REFUSED = "new", "here", "refused"


@dataclass(frozen=True)
class Item:
    """One thing of the account: `new`, `here` already, or `refused` for a `reason`. `values` make it."""

    sort: Sort
    ref: str
    name: str
    verdict: str
    reason: str = ""
    is_kept: bool = False
    values: dict[str, Any] = field(default_factory=dict)


def account_to_import(organization: Organization) -> Connection | None:
    """The organization's own account at an engine that keeps things. One that many share is nobody's to import."""
    connection = own_connection(organization)
    return connection if connection and mirrors(connection) else None


def look_into(organization: Organization, connection: Connection) -> list[Item]:
    """Everything the account holds, judged. Changes nothing. Speaks HTTP; raises EngineTrouble."""
    engine, account = Engine(connection), Account(organization, connection)
    listed = {sort.name: _listed(engine, sort) for sort in SORTS}
    look = Look(organization, frozenset(str(each.get("id")) for each in listed["mcp_servers"]))
    found = []
    for sort in SORTS:
        refs = [ref for each in listed[sort.name] if (ref := _uuid(each.get("id")))]
        rows = sort.model.objects.for_organization(organization).filter(pk__in=refs)  # type: ignore[attr-defined]
        here = set(rows.values_list("pk", flat=True))
        found += [_judged(look, account, sort, each, here) for each in listed[sort.name]]
    return found


@writes
def start_import(*, organization: Organization, with_calls: bool, by: Actor, now: dt.datetime) -> Job:
    """Note that the account is to be imported; the caller wakes the task. The one under way is returned.

    Raises Conflict when the organization has no account of its own.
    """
    if account_to_import(organization) is None:
        raise Conflict(_("Connect an account of your own first: only that can be imported."))
    rows = Job.objects.for_organization(organization).filter(kind=KIND)
    running = rows.filter(status__in=(Job.Status.WAITING, Job.Status.RUNNING), updated_at__gt=now - ABANDONED).first()
    if running is not None:
        return running
    job = Job.objects.create(organization=organization, kind=KIND, started_by=by.user, data={"calls": with_calls})
    record_audit(organization=organization, by=by, action="connection.import", data={"job": str(job.pk)})
    return job


def last_import(organization: Organization) -> Job | None:
    jobs = Job.objects.for_organization(organization).filter(kind=KIND)
    return jobs.order_by("-created_at", "-id").first()


def import_account(*, organization: Organization, job_id: object, by: Actor) -> None:
    """Make what `look_into` found new, one by one, and note how far it is. Run again, it goes on where it stood."""
    connection = account_to_import(organization)
    try:
        if connection is None:
            raise Conflict(_("The account is not connected any more."))
        _apply(organization, connection, job_id, by)
    except (DomainError, EngineTrouble) as problem:
        _note(organization=organization, job_id=job_id, status=Job.Status.FAILED, error=problem.text[:500])


def _apply(organization: Organization, connection: Connection, job_id: object, by: Actor) -> None:
    items = look_into(organization, connection)
    job = Job.objects.for_organization(organization).get(pk=job_id)
    counts = {sort.name: {NEW: 0, HERE: 0, REFUSED: 0} for sort in SORTS}
    refused: list[list[str]] = []
    _note(organization=organization, job_id=job_id, status=Job.Status.RUNNING, total=len(items), done=0)
    for done, item in enumerate(items, 1):
        verdict, reason = (item.verdict, item.reason) if item.verdict != NEW else _make(organization, item, by)
        counts[item.sort.name][verdict] += 1
        if verdict == REFUSED:
            refused.append([item.sort.name, item.name, reason])
        if done % 10 == 0 or done == len(items):
            _note(organization=organization, job_id=job_id, done=done)
    data = job.data | {"counts": counts, "refused": refused[:500]}
    if job.data.get("calls"):
        data["imported_calls"] = _import_calls(organization, connection)
    _note(organization=organization, job_id=job_id, status=Job.Status.DONE, data=data)


def _make(organization: Organization, item: Item, by: Actor) -> tuple[str, str]:
    """Make one thing under the engine's id. What it is now, and why it was refused."""
    pk = UUID(item.ref)
    try:
        with taking_over(item.sort.mirrored, is_kept=item.is_kept):
            item.sort.make(organization, item.values | {"id": pk}, by)
    except DomainError as problem:
        return REFUSED, problem.text
    except IntegrityError:
        return REFUSED, _("Its id is in use already.")
    return NEW, ""


def _import_calls(organization: Organization, connection: Connection) -> int:
    """The calls of the last thirty days, page by page."""
    since = (db.now() - CALLS_BACK).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    engine, done = Engine(connection), 0
    for offset in range(0, MOST_CALLS, PAGE):
        listed = engine.list_calls(limit=PAGE, offset=offset, start_date=since)
        done += take_over_calls(organization=organization, connection=connection, listed=listed, now=db.now())
        if len(listed) < PAGE:
            break
    return done


@writes
def _note(*, organization: Organization, job_id: object, **values: Any) -> None:
    Job.objects.for_organization(organization).filter(pk=job_id).update(**values, updated_at=db.now())


def _listed(engine: Engine, sort: Sort) -> list[dict[str, Any]]:
    """What the account holds of one sort; an engine that has no such thing has none of it."""
    try:
        return engine.objects(sort.path, sort.listed)
    except EngineTrouble as trouble:
        if trouble.reason == "http_404":
            return []
        raise


def _judged(look: Look, account: Account, sort: Sort, listed: dict[str, Any], here: set[UUID]) -> Item:
    ref, name = listed.get("id"), listed.get("name") or listed.get("phone_number")
    known = (sort, str(ref), str(name or ref)[:200])
    pk = _uuid(ref)
    if pk in here or _is_copy(account, sort, listed):
        return Item(*known, HERE)
    if pk is None:
        return Item(*known, REFUSED, _("Its id is not a UUID and cannot be kept."))
    try:
        if sort.name == "workflows" and "definition" not in listed:
            listed = Engine(account.connection).object(f"{sort.path}/{ref}") or listed
        values = sort.judge(look, listed)
    except DomainError as problem:
        if isinstance(problem, EngineTrouble):
            raise
        return Item(*known, REFUSED, "; ".join(getattr(problem, "details", None) or [problem.text]))
    return Item(*known, NEW, is_kept=sort.hides(listed), values=values)


def _is_copy(account: Account, sort: Sort, listed: dict[str, Any]) -> bool:
    """Whether it is the copy of something here, also of another organization that shares the account."""
    if COPY.search(marks_of(listed)) or str(listed.get("webhook_url") or "").startswith(account.hook):
        return True
    if sort.mirrored and account.rows.filter(kind=sort.mirrored, ref=str(listed.get("id"))).exists():
        return True
    number = listed.get("phone_number")
    entry = organization_of_hook(account.connection.hook_id, number=number) if isinstance(number, str) else None
    return entry is not None and entry.organization_id not in (None, account.organization.pk)


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
