"""Recordings on their way from the engine into our storage: claim the row, fetch with nothing open, record what came.

A worker that dies leaves a claim, which ends by itself, and a file that no row calls stored: the next attempt removes it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from apps.calls import files
from apps.calls.models import Call, Recording
from apps.core import db, http
from apps.core.db import writes
from apps.core.scope import acting
from apps.organizations.models import Organization
from apps.organizations.scopes import overview
from apps.voice.client import Engine, EngineTrouble

FETCH_SECONDS = 300.0
LEASE = dt.timedelta(seconds=FETCH_SECONDS + 60)
PAUSES = tuple(dt.timedelta(seconds=each) for each in (5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600))
# An engine may still be writing the file when its report arrives; one that says this often that there is none means it.
NONE_THERE, NONE_THERE_TRIES = "http_404", 4
HOPELESS = ("blocked", "invalid", "too_long")
MOST = 200
Ids = list[tuple[UUID, UUID]]


def due_recordings(now: dt.datetime) -> Ids:
    """(organization, recording) of what is to be fetched now and nobody is fetching."""
    with acting(overview("recordings to fetch")):
        rows = Recording.objects.filter(_due(now)).order_by("next_attempt_at")
        return list(rows.values_list("organization_id", "pk")[:MOST])


def fetch_recording(*, organization_id: object, recording_id: object) -> bool | None:
    """One attempt. Returns whether the recording is stored now; None when there was nothing to do."""
    claimed = _claim(organization_id=organization_id, recording_id=recording_id, now=db.now())
    if claimed is None:
        return None
    row, left_behind = claimed
    files.remove(left_behind)
    with files.arriving(row.pk, row.attempts) as path:
        problem, got = _fetch(row, path)
        if got is None:
            _record_failure(row=row, problem=problem, now=db.now())
            return False
        files.put(row.name, path)
    if _record_stored(row=row, got=got, now=db.now()):
        return True
    files.remove(row.name)
    return None


def remove_erased(*, organization: Organization) -> int:
    """Delete the files of erased recordings. The name goes last, so that a crash leaves nothing unknown."""
    rows: Any = Recording.objects.for_organization(organization).filter(status=Recording.Status.ERASED).exclude(name="")
    found = list(rows)
    for row in found:
        files.remove(row.name)
        _forget_name(row=row, now=db.now())
    return len(found)


def remove_orphans(*, organization: Organization) -> int:
    """Delete files that no row knows: what a worker left that died between storing and recording, and more than once."""
    there = files.names_of(organization.pk)
    known = set(Recording.objects.for_organization(organization).exclude(name="").values_list("name", flat=True))
    orphans = [name for name in there if name not in known]
    for name in orphans:
        files.remove(name)
    return len(orphans)


def organizations_with_remains() -> list[UUID]:
    """Whose erased recordings still have a file."""
    with acting(overview("files of erased recordings")):
        rows = Recording.objects.filter(status=Recording.Status.ERASED).exclude(name="")
        return list(rows.values_list("organization_id", flat=True).order_by().distinct()[:MOST])


def _due(now: dt.datetime) -> Q:
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Q(status=Recording.Status.WAITING, next_attempt_at__lte=now) & free


@writes
def _claim(*, organization_id: object, recording_id: object, now: dt.datetime) -> tuple[Recording, str] | None:
    """Reserve the attempt with the name its file will have; and the name of what an attempt that died may have left."""
    rows = Recording.objects.for_organization(organization_id).filter(_due(now), pk=recording_id)
    row: Recording | None = rows.select_for_update(skip_locked=True, of=("self",)).select_related("call__connection").first()  # type: ignore[assignment]
    if row is None:
        return None
    before, name = row.name, files.new_name(organization_id)
    row.change(now, attempts=row.attempts + 1, lease_until=now + LEASE, name=name)
    return row, before


def _fetch(row: Recording, path: Path) -> tuple[str, http.Download | None]:
    """What was fetched into `path`, else a word for what went wrong."""
    call = row.call
    if call.connection is None or not call.ref:
        return "invalid", None
    try:
        with path.open("wb") as into:
            got = Engine(call.connection).save_recording(
                call.ref, call.recording_url, into=into, seconds=FETCH_SECONDS, limit=settings.MAX_RECORDING_BYTES
            )
    except EngineTrouble as trouble:
        return trouble.reason, None
    if row.sha256 and got.sha256 != row.sha256:
        return "sha256", None
    return ("", got) if got.size else ("empty", None)


@writes
def _record_stored(*, row: Recording, got: http.Download, now: dt.datetime) -> bool:
    """False when the recording was erased meanwhile, or another worker has taken over."""
    current = _locked(row)
    if current is None:
        return False
    media_type = files.media_type_of(row.media_type, got.headers.get("Content-Type", ""))
    current.change(
        now, status=Recording.Status.STORED, media_type=media_type, sha256=got.sha256, size=got.size, problem="",
        stored_at=now, next_attempt_at=None, lease_until=None,
    )  # fmt: skip
    return True


@writes
def _record_failure(*, row: Recording, problem: str, now: dt.datetime) -> None:
    current = _locked(row)
    if current is None:
        return
    is_none = problem == NONE_THERE and row.attempts >= NONE_THERE_TRIES
    if is_none or problem in HOPELESS or row.attempts > len(PAUSES):
        current.change(
            now, status=Recording.Status.MISSING, problem=problem[:60], name="", next_attempt_at=None, lease_until=None
        )
        Call.objects.for_organization(row.organization_id).filter(pk=row.call_id).update(recording_url="", updated_at=now)
    else:
        again = now + PAUSES[row.attempts - 1]
        current.change(now, problem=problem[:60], name="", next_attempt_at=again, lease_until=None)


@writes
def _forget_name(*, row: Recording, now: dt.datetime) -> None:
    row.change(now, name="")


def _locked(row: Recording) -> Recording | None:
    """The row while this attempt is still the one that counts."""
    rows = Recording.objects.for_organization(row.organization_id).select_for_update()
    found: Recording | None = rows.filter(pk=row.pk, status=Recording.Status.WAITING, attempts=row.attempts).first()  # type: ignore[assignment]
    return found
