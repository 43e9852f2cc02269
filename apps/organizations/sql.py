"""The doors of this app, called from Python: the only raw SQL here, always with parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from apps.accounts.models import User


@dataclass(frozen=True)
class Entry:
    """A person's way into an organization; `via` is the agency when the membership is there."""

    organization_id: UUID
    brand_id: UUID
    role: str
    via: UUID | None


@dataclass(frozen=True)
class Workspace:
    organization_id: UUID
    brand_id: UUID
    slug: str
    name: str
    role: str
    parent_id: UUID | None


@dataclass(frozen=True)
class KeyEntry:
    """An API key's way in; or a person's program's (OAuth): then `user`, her `role`, and `label`, the program's name."""

    organization_id: UUID
    key_id: UUID
    read_only: bool
    requests_per_minute: int | None
    state: str
    user: User | None = None
    role: str = ""
    label: str = ""


@dataclass(frozen=True)
class InvitationEntry:
    organization_id: UUID
    invitation_id: UUID
    brand_id: UUID


def member_of(user_id: UUID, slug: str) -> Entry | None:
    rows = _rows("SELECT organization_id, brand_id, role, via FROM member_of(%s, %s)", user_id, slug)
    return Entry(*rows[0]) if rows else None


def organizations_of(user_id: UUID) -> list[Workspace]:
    rows = _rows("SELECT organization_id, brand_id, slug, name, role, parent_id FROM organizations_of(%s)", user_id)
    return sorted((Workspace(*row) for row in rows), key=lambda each: (each.parent_id is not None, each.name.lower()))


def organization_of_key(digest: bytes) -> KeyEntry | None:
    rows = _rows(
        "SELECT organization_id, key_id, read_only, requests_per_minute, state FROM organization_of_key(%s)", digest
    )
    return KeyEntry(*rows[0]) if rows else None


def invitation_of(digest: bytes) -> InvitationEntry | None:
    rows = _rows("SELECT organization_id, invitation_id, brand_id FROM invitation_of(%s)", digest)
    return InvitationEntry(*rows[0]) if rows else None


def _rows(sql: str, *params: Any) -> list[tuple]:  # type: ignore[type-arg]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
