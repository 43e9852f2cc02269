"""Programs that people connected: whose, to which organization, with which rights. allauth keeps the tokens.

A connection is the tokens with the same id in their data: the refresh token and what was made of it since.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.idp.oidc.models import Client, Token
from django.core.cache import cache
from django.db.models import QuerySet
from django.db.models.fields.json import KT

from apps.accounts.models import User
from apps.accounts.oauth import WRITE
from apps.branding.models import Brand
from apps.core.db import step, writes
from apps.core.scope import Scope, acting
from apps.organizations.models import RANK, Organization, Role
from apps.organizations.services import Actor, record_audit
from apps.organizations.sql import Workspace, organizations_of

CONNECTION, ORGANIZATION, SINCE = "connection", "organization", "since"
CODE_SECONDS = 120
KINDS = (Token.Type.ACCESS_TOKEN, Token.Type.REFRESH_TOKEN)


@dataclass(frozen=True)
class Grant:
    """What a person allowed a program: to act for one organization. Travels from consent to every token."""

    connection_id: UUID
    organization_id: UUID
    since: dt.datetime

    def as_data(self) -> dict[str, str]:
        return {
            CONNECTION: str(self.connection_id), ORGANIZATION: str(self.organization_id), SINCE: self.since.isoformat(),
        }  # fmt: skip

    @classmethod
    def of(cls, data: Any) -> Grant | None:
        """From what `as_data` wrote; None for anything else."""
        if not isinstance(data, dict) or not {CONNECTION, ORGANIZATION, SINCE} <= set(data):
            return None
        return cls(UUID(data[CONNECTION]), UUID(data[ORGANIZATION]), dt.datetime.fromisoformat(data[SINCE]))


@dataclass(frozen=True)
class Connection:
    id: UUID
    organization_id: UUID
    client: Client
    user: User
    writes: bool
    since: dt.datetime
    renewed_at: dt.datetime


def workspaces_at(user: User, brand: Brand) -> list[Workspace]:
    """The organizations of a person that open on a brand's host."""
    return [each for each in organizations_of(user.pk) if brand.is_installation or each.brand_id == brand.pk]


def workspace_of(user: User, organization_id: UUID, brand: Brand) -> Workspace | None:
    """The person's way into an organization on a brand's host, now; None when there is none (any more)."""
    if not user.is_active or user.brand_id != brand.pk:
        return None
    return next((each for each in workspaces_at(user, brand) if each.organization_id == organization_id), None)


def may_write(role: str, scopes: Iterable[str]) -> bool:
    """Both must allow it: what was agreed to, and what the role allows today."""
    return WRITE in scopes and RANK[Role(role)] >= RANK[Role.MEMBER]


def connections_of(user: User) -> list[Connection]:
    """A person's connections, the newest first: one query."""
    return _connections(_tokens().filter(user=user))


def connections_to(organization: Organization) -> list[Connection]:
    """Everybody's connections to an organization, the newest first: one query."""
    return _connections(_tokens().filter(organization_text=str(organization.pk)))


def keep_grant(*, code: str, grant: Grant) -> None:
    """Until the program comes back with the code: what it was given for."""
    cache.set(_key(code), grant.as_data(), CODE_SECONDS)


def take_grant(*, code: str) -> Grant | None:
    """What a code was given for; a second time nothing, also when both come at once."""
    if not cache.add(f"{_key(code)}:taken", True, CODE_SECONDS):
        return None
    return Grant.of(cache.get(_key(code)))


@step
def bind(*, tokens: Iterable[Token], grant: Grant) -> None:
    """Write into fresh tokens what they are for."""
    for token in tokens:
        token.data = (token.data or {}) | grant.as_data()
        token.save(update_fields=["data"])


@step
def replace_older(*, user: User, client: Client, organization_id: UUID) -> None:
    """A new consent for the same program and organization takes the place of the last one."""
    _tokens().filter(user=user, client=client, organization_text=str(organization_id)).delete()


@writes
def note_connected(*, organization: Organization, client: Client, scopes: Iterable[str], by: Actor) -> None:
    record_audit(
        organization=organization, by=by, action="app.connect", data={"app": client.name, "scopes": sorted(scopes)}
    )


@writes
def disconnect(*, organization: Organization, connection: Connection, by: Actor) -> None:
    """End a connection at once: its tokens are gone. A second time changes nothing."""
    if _tokens().filter(connection_text=str(connection.id)).delete()[0]:
        data = {"app": connection.client.name, "person": str(connection.user)}
        record_audit(organization=organization, by=by, action="app.disconnect", data=data)


@writes
def forget_tokens(*, connection_id: UUID) -> None:
    """The program itself gave its access back."""
    _tokens().filter(connection_text=str(connection_id)).delete()


@writes
def erase_unused(*, now: dt.datetime) -> None:
    """Tokens that ran out, and programs that registered and were never connected, or are no longer, for a week."""
    Token.objects.filter(expires_at__lt=now).delete()
    Client.objects.filter(owner=None, created_at__lt=now - dt.timedelta(days=7), token=None).delete()


def organization_at(organization_id: UUID) -> Organization:
    """The row, read in its own scope; for callers that have checked the membership."""
    with acting(Scope((organization_id,))):
        return Organization.objects.select_related("brand").get(pk=organization_id)


def _key(code: str) -> str:
    return f"oauth:code:{hashlib.sha256(code.encode()).hexdigest()}"


def _tokens() -> QuerySet[Token]:
    return Token.objects.filter(type__in=KINDS).annotate(
        connection_text=KT(f"data__{CONNECTION}"), organization_text=KT(f"data__{ORGANIZATION}")
    )


def _connections(tokens: QuerySet[Token]) -> list[Connection]:
    found: dict[UUID, list[Token]] = {}
    for token in tokens.valid().select_related("client", "user"):  # type: ignore[attr-defined]
        if grant := Grant.of(token.data):
            found.setdefault(grant.connection_id, []).append(token)
    made = [_connection(id, each) for id, each in found.items()]
    return sorted(made, key=lambda each: each.renewed_at, reverse=True)


def _connection(id: UUID, tokens: list[Token]) -> Connection:
    newest = max(tokens, key=lambda token: token.created_at)
    grant = Grant.of(newest.data)
    assert grant
    assert newest.client
    assert newest.user
    return Connection(
        id, grant.organization_id, newest.client, newest.user, WRITE in newest.get_scopes(),
        grant.since, newest.created_at,
    )  # fmt: skip
