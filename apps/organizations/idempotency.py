"""A POST that is repeated has one effect and one answer (api 6)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from uuid_utils.compat import uuid7

from apps.core import db
from apps.core.db import writes
from apps.core.errors import Conflict, DomainError, Invalid
from apps.organizations.models import Organization, StoredAnswer

HEADER = "Idempotency-Key"
KEPT = dt.timedelta(hours=24)
MERGED = dt.timedelta(seconds=30)
LEASE = dt.timedelta(seconds=30)
WAIT_SECONDS, POLL_SECONDS = 10.0, 0.15
BY_HEADER, BY_BODY = "h:", "b:"

Run = Callable[[str], tuple[int, dict[str, Any]]]


@dataclass(frozen=True)
class Asked:
    """Who asks for what. `header` is the Idempotency-Key, `merges`: the same body without one is a repeat for 30 s."""

    organization: Organization
    api_key_id: UUID
    header: str | None
    digest: bytes
    merges: bool

    @property
    def body_key(self) -> str:
        return BY_BODY + self.digest.hex()


@dataclass(frozen=True)
class Claim:
    """An answer that is kept; or, `mine`, the right to run `intent` until the lease ends; or neither: somebody runs it."""

    row: StoredAnswer
    mine: bool

    @property
    def is_kept(self) -> bool:
        return self.row.status is not None


def answer_once(request: Request, run: Run, *, merges: bool = False) -> Response:
    """Run a POST once per Idempotency-Key, and with `merges` once per body within 30 s; a repeat gets the first answer.

    Args:
        run: takes the intent, a text that is the same whenever this request is continued, and returns status and body.
            A refusal (DomainError) is not kept; anything else that breaks is continued by the next repeat.

    Raises Conflict for the same key with another body, and `in_progress` when the first run takes longer than 10 s.
    """
    asked = _asked(request, merges)
    if asked.header is None and not merges:
        status, body = run(str(uuid7()))
        return Response(body, status=status)
    claim = _wait(asked)
    if claim.is_kept:
        return Response(claim.row.body, status=claim.row.status, headers={"Idempotent-Replayed": "true"})
    try:
        status, body = run(claim.row.intent)
    except DomainError:
        _forget(row=claim.row)
        raise
    if status < 300:
        _keep(asked=asked, row=claim.row, status=status, body=body, now=db.now())
    else:
        _forget(row=claim.row)
    return Response(body, status=status)


@writes
def erase_expired(*, organization: Organization, now: dt.datetime) -> None:
    StoredAnswer.objects.for_organization(organization).filter(expires_at__lt=now).delete()


def _asked(request: Request, merges: bool) -> Asked:
    inner: Any = request._request
    header = request.headers.get(HEADER)
    if header is not None and not 1 <= len(header) <= 255:
        raise Invalid("Idempotency-Key: 1 to 255 characters are expected", param=HEADER)
    key = getattr(inner, "api_key", None)
    content = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{request.path_info}\n{content}".encode("utf-8", "surrogatepass")).digest()
    return Asked(inner.organization, key.id if key else inner.user.pk, header, digest, merges)


def _wait(asked: Asked) -> Claim:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        claim = _claim(asked=asked, now=db.now())
        if claim.is_kept or claim.mine:
            return claim
        if time.monotonic() >= end:
            raise Conflict("The first request still runs. Repeat it in a moment.", type="in_progress")
        time.sleep(POLL_SECONDS)


@writes
def _claim(*, asked: Asked, now: dt.datetime) -> Claim:
    if asked.header is None:
        return _take(asked, asked.body_key, BY_BODY, MERGED, now)
    if asked.merges:
        same = _rows(asked).filter(key=asked.body_key, expires_at__gt=now).select_for_update().first()
        # A first request without a key is the same request; one under another key is not.
        if same and same.intent.startswith(BY_BODY):
            return _decide(asked, same, now)
    return _take(asked, BY_HEADER + asked.header, BY_HEADER, KEPT, now)


def _take(asked: Asked, key: str, kind: str, ttl: dt.timedelta, now: dt.datetime) -> Claim:
    fresh = {
        "request_digest": asked.digest, "intent": f"{kind}{uuid7()}", "lease_until": now + LEASE, "expires_at": now + ttl,
    }  # fmt: skip
    row, made = StoredAnswer.objects.get_or_create(
        organization=asked.organization, api_key_id=asked.api_key_id, key=key, defaults=fresh
    )
    if made:
        return Claim(row, True)
    row = _rows(asked).select_for_update().get(pk=row.pk)
    is_leased = row.status is None and row.lease_until is not None and row.lease_until > now
    if row.expires_at <= now and not is_leased:
        row.change(now, status=None, body=None, **fresh)
        return Claim(row, True)
    return _decide(asked, row, now)


def _decide(asked: Asked, row: StoredAnswer, now: dt.datetime) -> Claim:
    if bytes(row.request_digest) != asked.digest:
        raise Conflict("This Idempotency-Key was used with another body.", param=HEADER)
    if row.status is not None:
        return Claim(row, False)
    if row.lease_until and row.lease_until > now:
        return Claim(row, False)
    row.change(now, lease_until=now + LEASE)  # whoever ran it died: this repeat continues the stored intent
    return Claim(row, True)


@writes
def _keep(*, asked: Asked, row: StoredAnswer, status: int, body: dict[str, Any], now: dt.datetime) -> None:
    row.change(now, status=status, body=body, lease_until=None)
    if asked.merges and asked.header is not None:
        values = {
            "request_digest": asked.digest, "intent": row.intent, "status": status, "body": body, "lease_until": None,
            "expires_at": now + MERGED,
        }  # fmt: skip
        StoredAnswer.objects.update_or_create(
            organization=asked.organization, api_key_id=asked.api_key_id, key=asked.body_key, defaults=values
        )


@writes
def _forget(*, row: StoredAnswer) -> None:
    row.delete()


def _rows(asked: Asked) -> Any:
    return StoredAnswer.objects.for_organization(asked.organization).filter(api_key_id=asked.api_key_id)
