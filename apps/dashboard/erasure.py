"""Erasing one person by phone number, over all apps of one organization, with a receipt.

A job carries it: each app erases in a transaction of its own, which also notes under the app's key what was erased, so
that a worker that dies leaves a job that goes on where it stood and counts nothing twice. The apps come right to left:
once the leads are gone nothing dials the number any more, and the calls are the last that know whose they are.

While it works, the job holds the number encrypted; afterwards only a keyed digest of it.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.utils.crypto import salted_hmac

from apps.calls.services import person as calls
from apps.campaigns.services import person as campaigns
from apps.chats import services as chats
from apps.core import crypto, db
from apps.core.db import writes
from apps.core.mentions import Mention
from apps.core.scope import acting
from apps.mail import services as mail
from apps.organizations import person as organizations
from apps.organizations.models import Job, Organization
from apps.organizations.scopes import overview
from apps.organizations.services import Actor, record_audit
from apps.webhooks import person as webhooks

KIND = "erase_person"
SEALED = "organizations_job.erase_person"
# A running call is waited for, and an engine that is down: the job looks again after this long.
PAUSE = dt.timedelta(seconds=20)
KINDS = (
    "calls", "transcripts", "recordings", "leads", "uploads", "chats", "deliveries", "mails", "answers", "engine",
    "mentions", "do_not_call",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """What every part is told."""

    organization: Organization
    mention: Mention
    call_ids: list[str]
    keeps_refusal: bool
    now: dt.datetime


PARTS: dict[str, Callable[[Person], dict[str, int]]] = {
    "chats": lambda who: chats.erase_person(organization=who.organization, mention=who.mention, now=who.now),
    "campaigns": lambda who: campaigns.erase_person(organization=who.organization, mention=who.mention, now=who.now),
    "webhooks": lambda who: webhooks.erase_person(
        organization=who.organization, call_ids=who.call_ids, mention=who.mention, now=who.now
    ),
    "mail": lambda who: mail.erase_person(
        organization_id=who.organization.pk, call_ids=who.call_ids, mention=who.mention
    ),
    "organizations": lambda who: organizations.erase_person(
        organization=who.organization, mention=who.mention, now=who.now
    ),
    "calls": lambda who: calls.erase_person(
        organization=who.organization, mention=who.mention, keeps_refusal=who.keeps_refusal, now=who.now
    ),
}


def search_person(*, organization: Organization, number: str, now: dt.datetime) -> dict[str, int]:
    """What is kept about a number (E.164), by kind; `running`: calls that have not ended."""
    mention = Mention(number)
    ids = calls.call_ids(organization=organization, mention=mention, now=now)
    found = calls.find_person(organization=organization, mention=mention, now=now)
    found |= campaigns.find_person(organization=organization, mention=mention)
    found["chats"] = chats.find_person(organization=organization, mention=mention)
    found["deliveries"] = webhooks.find_person(organization=organization, call_ids=ids)
    found["mails"] = mail.find_person(organization_id=organization.pk, call_ids=ids)
    return found


def digest_of(organization: Organization, number: str) -> str:
    """What a receipt shows instead of the number. Keyed: a phone number's plain digest is found by trying them all."""
    return salted_hmac(f"{KIND}:{organization.pk}", number, algorithm="sha256").hexdigest()


@writes
def start_erasure(*, organization: Organization, number: str, keeps_refusal: bool, by: Actor) -> Job:
    """Note that a person is to be erased: the caller wakes `tasks.erase_person`, a sweep does when that is lost. While
    the same number is being erased that job is returned."""
    digest = digest_of(organization, number)
    open_jobs = erasures(organization).exclude(status=Job.Status.DONE)
    if found := open_jobs.filter(data__digest=digest).first():
        return cast(Job, found)
    sealed = base64.b64encode(crypto.encrypt(number, owner=organization.pk, field=SEALED)).decode()
    job = Job.objects.create(
        organization=organization, kind=KIND, total=len(PARTS), started_by=by.user,
        data={"number": sealed, "digest": digest, "keeps_refusal": keeps_refusal, "by": by.label, "round": 1, "done": [],
              "counts": {}, "call_ids": []},
    )  # fmt: skip
    record_audit(organization=organization, by=by, action="person.erase", data={"receipt": str(job.pk)})
    return job


def erasures(organization: Organization) -> Any:
    """Erasures of an organization, newest first: those under way and the receipts of the others."""
    return Job.objects.for_organization(organization).filter(kind=KIND).order_by("-created_at", "-id")


def open_erasures(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(organization, job) of erasures that nobody has worked on for a while: interrupted, or waiting for something."""
    with acting(overview("erasures to go on with")):
        rows = Job.objects.filter(kind=KIND, updated_at__lt=now - PAUSE)
        rows = rows.filter(status__in=(Job.Status.WAITING, Job.Status.RUNNING))
        return list(rows.order_by("updated_at").values_list("organization_id", "pk")[:100])


def run_erasure(*, organization_id: object, job_id: object) -> bool:
    """Go on with an erasure where it stands. Returns whether it is finished."""
    for key in PARTS:
        if not _run_part(organization_id=organization_id, job_id=job_id, key=key, now=db.now()):
            return True
    return _close_round(organization_id=organization_id, job_id=job_id, now=db.now())


@writes
def _run_part(*, organization_id: object, job_id: object, key: str, now: dt.datetime) -> bool:
    """One app's part of this round, once. False when the erasure is finished."""
    job = _locked(organization_id, job_id)
    if job is None:
        return False
    data = job.data
    if key in data["done"]:
        return True
    who = _person(job, now)
    counts = Counter(data["counts"])
    counts.update(PARTS[key](who))
    data |= {"counts": dict(counts), "done": [*data["done"], key], "call_ids": who.call_ids}
    job.change(now, data=data, done=len(data["done"]), status=Job.Status.RUNNING)
    return True


@writes
def _close_round(*, organization_id: object, job_id: object, now: dt.datetime) -> bool:
    """Search again. Nothing left: the number is forgotten and the job is a receipt. Else another round follows later."""
    job = _locked(organization_id, job_id)
    if job is None:
        return True
    data = job.data
    if data.get("left", {}).keys() == {"engine"} and calls.waiting_at_engines(
        organization=job.organization, ids=data["call_ids"]
    ):
        job.change(now, data=data)  # everything else is gone: no search until the engine is done
        return False
    who = _person(job, now)
    left = {name: count for name, count in _left(who).items() if count}
    if left.keys() - {"engine"}:
        job.change(now, data=data | {"left": left, "round": data["round"] + 1, "done": []}, done=0)
        return False
    if left:
        job.change(now, data=data | {"left": left})
        return False
    for name in ("number", "call_ids", "done", "left"):
        data.pop(name, None)
    kept = calls.is_refused(organization=who.organization, mention=who.mention)
    job.change(
        now, data=data | {"finished_at": now.isoformat(), "is_refused": kept}, status=Job.Status.DONE, done=job.total
    )
    return True


def _left(who: Person) -> dict[str, int]:
    """What a search finds after the erasure; a refusal that is to be kept is not counted."""
    found = search_person(organization=who.organization, number=who.mention.number, now=who.now)
    if who.keeps_refusal:
        del found["do_not_call"]
    found["mentions"] = calls.mentions_of(organization=who.organization, mention=who.mention)
    found["engine"] = calls.waiting_at_engines(organization=who.organization, ids=who.call_ids)
    return found


def _person(job: Job, now: dt.datetime) -> Person:
    data, organization = job.data, job.organization
    sealed = base64.b64decode(data["number"])
    mention = Mention(crypto.decrypt(sealed, owner=organization.pk, field=SEALED))
    known = [*data["call_ids"], *calls.call_ids(organization=organization, mention=mention, now=now)]
    return Person(organization, mention, sorted(set(known)), data["keeps_refusal"], now)


def _locked(organization_id: object, job_id: object) -> Job | None:
    """The job while there is something to do."""
    rows = Job.objects.for_organization(organization_id).filter(pk=job_id, kind=KIND).exclude(status=Job.Status.DONE)
    found: Job | None = rows.select_for_update(of=("self",)).select_related("organization").first()
    return found
