"""A POST that is repeated has one effect and one answer (api 6)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from uuid_utils.compat import uuid7

from apps.core import db
from apps.core.db import writes
from apps.core.errors import Conflict, Invalid
from apps.core.strict_json import read_object
from apps.organizations.models import Organization, StoredAnswer

log = logging.getLogger(__name__)
HEADER = "Idempotency-Key"
KEPT = dt.timedelta(hours=24)
MERGED = dt.timedelta(seconds=30)
LEASE = dt.timedelta(seconds=30)
WAIT_SECONDS, POLL_SECONDS = 10.0, 0.15
BY_HEADER, BY_BODY, ONCE = "h:", "b:", "n:"

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Intent:
    """What one request and its repeats mean: `text`, a letter and a UUID, is the same for all of them."""

    text: str
    is_continued: bool  # an earlier run of it ended before its answer was kept


@dataclass(frozen=True)
class Asked:
    """Who asks for what. `header` is the Idempotency-Key; `merges`: the same body without one is a repeat for 30 s."""

    organization: Organization
    owner_id: UUID  # of the API key, or of the person
    header: str | None
    digest: bytes
    merges: bool

    @property
    def body_key(self) -> str:
        return BY_BODY + self.digest.hex()

    @property
    def key(self) -> str:
        return self.body_key if self.header is None else BY_HEADER + self.header


@dataclass(frozen=True)
class Claim:
    """An answer that is kept; or, `mine`, the right to run the intent until the lease ends; or neither: somebody runs it."""

    row: StoredAnswer
    mine: bool
    is_continued: bool = False

    @property
    def is_kept(self) -> bool:
        return self.row.status is not None


def answer_once(
    request: HttpRequest, owner_id: UUID, run: Callable[[], HttpResponse], *, merges: bool = False
) -> HttpResponse:
    """Run a POST once per Idempotency-Key, and with `merges` once per body within 30 s; a repeat gets the first answer.

    `request.intent` tells the view what it works for. Only 2xx answers are kept. A refusal frees the key; after a crash
    the next repeat continues the same intent.

    Raises Conflict for the same key with another body, and `in_progress` when the first run takes longer than 10 s.
    """
    asked = _asked(request, owner_id, merges)
    claim = _wait(asked)
    if claim.is_kept:
        return _replay(claim.row)
    request.intent = Intent(claim.row.intent, claim.is_continued)  # type: ignore[attr-defined]
    answer = run()
    try:
        _settle(asked, claim.row, answer)
    except DatabaseError:
        # The effect stands: 5xx would make the client repeat it (api 6). The lease ends, a repeat continues the intent.
        log.exception("the answer to %s was not kept", request.path_info)
    return answer


def intent_of(request: Any) -> Intent:
    """The intent of a page's or API request; one that nobody may repeat has its own."""
    found = getattr(getattr(request, "_request", request), "intent", None)
    return found or Intent(f"{ONCE}{uuid7()}", False)


def intended_id(request: Any) -> UUID:
    """The id of the row that a request is for: the same for its repeats, and ordered by time like every other."""
    return UUID(intent_of(request).text.partition(":")[2])


def create_once(request: Any, rows: QuerySet[M], make: Callable[[UUID], M]) -> M:
    """Create the row that a POST is for, once per intent: a continued request returns what an earlier run made.

    Args:
        rows: where the row would stand, e.g. `Assistant.objects.for_organization(organization)`.
        make: creates it under the id that is handed in.
    """
    pk = intended_id(request)
    if intent_of(request).is_continued and (made := rows.filter(pk=pk).first()):
        return made
    try:
        return make(pk)
    except (IntegrityError, Conflict):
        # The earlier run was not dead, only slower than its lease.
        if made := rows.filter(pk=pk).first():
            return made
        raise


@writes
def erase_expired(*, organization: Organization, now: dt.datetime) -> None:
    StoredAnswer.objects.for_organization(organization).filter(expires_at__lt=now).delete()


def _asked(request: HttpRequest, owner_id: UUID, merges: bool) -> Asked:
    header = request.headers.get(HEADER)
    if header is not None and not 1 <= len(header) <= 255:
        line = f"{HEADER}: 1 to 255 characters are expected"
        raise Invalid(line, param=HEADER, details=[line])
    content = json.dumps(read_object(request.body), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{request.path_info}\n{content}".encode()).digest()
    return Asked(request.organization, owner_id, header, digest, merges)  # type: ignore[attr-defined]


def _wait(asked: Asked) -> Claim:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        claim = _claim(asked=asked, now=db.now())
        if claim.is_kept or claim.mine:
            return claim
        if time.monotonic() >= end:
            raise Conflict("The first request still runs. Repeat it in a moment.", type="in_progress")
        if settings.DATABASE_POOL and not connection.in_atomic_block:
            connection.close()  # who waits holds none of the pool's connections
        time.sleep(POLL_SECONDS)


@writes
def _claim(*, asked: Asked, now: dt.datetime) -> Claim:
    if asked.header is None or not asked.merges or _rows(asked).filter(key=asked.key, expires_at__gt=now).exists():
        return _take(asked, now)
    same = _rows(asked).filter(key=asked.body_key, expires_at__gt=now).select_for_update().first()
    if same is None:
        claim = _take(asked, now)
        if claim.mine:
            _open(asked, asked.body_key, claim.row.intent, MERGED, now)
        return claim
    # A first request without a key is the same request; one under another key is not.
    if not same.intent.startswith(BY_BODY):
        return _take(asked, now)
    claim = _decide(asked, same, now)
    if claim.is_kept:
        _copy(asked, same, now)
    return claim


def _take(asked: Asked, now: dt.datetime) -> Claim:
    kind, ttl = (BY_BODY, MERGED) if asked.header is None else (BY_HEADER, KEPT)
    row, is_new = _open(asked, asked.key, f"{kind}{uuid7()}", ttl, now)
    return Claim(row, True) if is_new else _decide(asked, row, now)


def _open(asked: Asked, key: str, intent: str, ttl: dt.timedelta, now: dt.datetime) -> tuple[StoredAnswer, bool]:
    """The row of a key, locked, and whether it begins anew: there was none, or it has run out."""
    fresh = {
        "request_digest": asked.digest, "intent": intent, "lease_until": now + LEASE, "expires_at": now + ttl,
    }  # fmt: skip
    row, made = StoredAnswer.objects.get_or_create(
        organization=asked.organization, api_key_id=asked.owner_id, key=key, defaults=fresh
    )
    if made:
        return row, True
    row = _rows(asked).select_for_update().get(pk=row.pk)
    is_leased = row.status is None and row.lease_until is not None and row.lease_until > now
    if row.expires_at > now or is_leased:
        return row, False
    row.change(now, status=None, body=None, **fresh)
    return row, True


def _copy(asked: Asked, kept: StoredAnswer, now: dt.datetime) -> None:
    """The answer to a request without a key, kept under the key that its repeat came with."""
    row, is_new = _open(asked, asked.key, kept.intent, KEPT, now)
    if is_new:
        row.change(now, status=kept.status, content_type=kept.content_type, body=kept.body, lease_until=None)


def _decide(asked: Asked, row: StoredAnswer, now: dt.datetime) -> Claim:
    if bytes(row.request_digest) != asked.digest:
        raise Conflict(f"This {HEADER} was used with another body.", param=HEADER)
    if row.status is not None or (row.lease_until and row.lease_until > now):
        return Claim(row, False)
    row.change(now, lease_until=now + LEASE)  # whoever ran it died: this repeat continues the stored intent
    return Claim(row, True, is_continued=True)


def _settle(asked: Asked, row: StoredAnswer, answer: HttpResponse) -> None:
    if 200 <= answer.status_code < 300:
        _keep(asked=asked, intent=row.intent, answer=answer, now=db.now())
    elif answer.status_code == 500:
        _release(asked=asked, row=row)
    else:
        _forget(asked=asked, row=row)


@writes
def _keep(*, asked: Asked, intent: str, answer: HttpResponse, now: dt.datetime) -> None:
    """The first 2xx of an intent stays, whoever brings it."""
    for row in _rows(asked).filter(intent=intent, status=None).order_by("pk").select_for_update():
        row.change(
            now, status=answer.status_code, content_type=answer.get("Content-Type", ""), body=answer.content.decode(),
            lease_until=None,
        )  # fmt: skip


@writes
def _release(*, asked: Asked, row: StoredAnswer) -> None:
    """A crash: what was done is not known, so the next repeat continues at once."""
    _still_mine(asked, row).update(lease_until=None)


@writes
def _forget(*, asked: Asked, row: StoredAnswer) -> None:
    _still_mine(asked, row).delete()


def _still_mine(asked: Asked, row: StoredAnswer) -> Any:
    return _rows(asked).filter(intent=row.intent, status=None, lease_until=row.lease_until)


def _replay(row: StoredAnswer) -> HttpResponse:
    answer = HttpResponse(row.body or "", status=row.status, content_type=row.content_type)
    answer["Idempotent-Replayed"] = "true"
    return answer


def _rows(asked: Asked) -> Any:
    return StoredAnswer.objects.for_organization(asked.organization).filter(api_key_id=asked.owner_id)
