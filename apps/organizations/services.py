"""Writes of organizations: making them, their keys, what was done by whom."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import string
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now
from django.utils.text import slugify
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from apps.accounts.models import User
from apps.branding.models import Brand
from apps.core.client import client_address
from apps.core.db import step, writes
from apps.core.errors import Conflict
from apps.organizations.features import require_room
from apps.organizations.models import (
    ApiKey,
    AuditEntry,
    FeatureDefault,
    Invitation,
    Job,
    Limits,
    Membership,
    Notification,
    NotificationRead,
    Organization,
    Role,
    StoredAnswer,
    Visit,
)

LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Actor:
    """Who acts, as the audit log names it: a person, an API key, or the product itself (`label`).

    `features`: what is switched on for her, null: she is not bound by that. `visit`, `agency_name`: she is in a client's
    workspace for its agency.
    """

    label: str
    user: User | None = None
    api_key_id: Any = None
    address: str | None = None
    features: frozenset[str] | None = None
    visit_id: UUID | None = None
    agency_name: str = ""

    @classmethod
    def of(cls, request: Any) -> Actor:
        """The actor of a page's or API request."""
        inner = getattr(request, "_request", request)
        address = client_address(inner)
        features = getattr(inner, "features", None)
        key = getattr(inner, "api_key", None)
        if key and key.user:
            return cls(label=f"{key.user} ({key.label})", user=key.user, address=address, features=features)
        if key:
            return cls(label=f"API key {str(key.id)[:8]}", api_key_id=key.id, address=address, features=features)
        user, visit = inner.user, getattr(inner, "visit", None)
        found = cls(label=str(user), user=user, address=address, features=features)
        return replace(found, visit_id=visit.pk, agency_name=visit.agency_name) if visit else found


SYSTEM = Actor(label="system")


@step
def record_audit(
    *,
    organization: Organization,
    by: Actor,
    action: str,
    target: models.Model | None = None,
    data: dict[str, Any] | None = None,
) -> AuditEntry:
    """Note who did what to which thing, in the transaction that does it.

    Args:
        action: verb and noun, e.g. `assistant.delete`.
        data: what a reader needs later; never secrets or content of calls.
    """
    return AuditEntry.objects.create(
        organization=organization, user=by.user, actor=by.label[:200], api_key_id=by.api_key_id, address=by.address,
        action=action,
        target_type=(target._meta.model_name or "") if target else "",
        target_id=str(target.pk) if target else "",
        target=str(target)[:200] if target else "", data=data or {}, visit_id=by.visit_id, agency_name=by.agency_name,
    )  # fmt: skip


@step
def make_organization(
    *, name: str, brand: Brand, parent: Organization | None = None, owns_brand: bool = False, **fields: Any
) -> Organization:
    """Make a tenant with an address of its own. Acts in a scope that may write it (operator, or its own id).

    Raises Conflict when the parent is itself a client: two levels only.
    """
    if parent and parent.parent_id:
        raise Conflict(_("A client cannot have clients of its own."))
    if parent:
        fields = {"content_retention_days": parent.content_retention_days,
                  "metadata_retention_days": parent.metadata_retention_days} | fields  # fmt: skip
    row = _with_free_slug(Organization(name=name, brand=brand, parent=parent, owns_brand=owns_brand, **fields))
    level = FeatureDefault.Level.CLIENT if parent else FeatureDefault.Level.AGENCY
    default = FeatureDefault.objects.filter(level=level).first()
    if default and default.features is not None:
        Limits.objects.create(organization=row, features=default.features)
    return row


@step
def add_member(*, organization: Organization, user: User, role: Role) -> Membership:
    return Membership.objects.create(organization=organization, user=user, role=role)


@step
def issue_key(
    *, organization: Organization, name: str, by: Actor, read_only: bool = False, expires_at: dt.datetime | None = None,
    pk: UUID | None = None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """Make an API key. Returns the row and the secret, which is shown once and kept only as a digest.

    Raises Conflict when there is no room for one more.
    """
    require_room(organization, "api_keys", ApiKey.objects.for_organization(organization).live().exclude(expires_at__lte=Now()))
    secret = "fl_live_" + "".join(secrets.choice(LETTERS) for _n in range(40))
    key = ApiKey.objects.create(
        organization=organization, name=name, prefix=secret[:12], digest=hashlib.sha256(secret.encode()).digest(),
        read_only=read_only, created_by=by.user, expires_at=expires_at, id=pk or uuid7(),
    )  # fmt: skip
    until = expires_at.isoformat() if expires_at else None
    data = {"name": name, "prefix": key.prefix, "read_only": read_only, "expires_at": until}
    record_audit(organization=organization, by=by, action="api_key.create", target=key, data=data)
    return key, secret


@writes
def create_key(
    *, organization: Organization, name: str, by: Actor, read_only: bool = False, expires_at: dt.datetime | None = None,
    pk: UUID | None = None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """`issue_key` for a page. Raises Conflict when the key `pk` is there already: the form was sent twice."""
    try:
        with transaction.atomic():
            return issue_key(
                organization=organization, name=name, by=by, read_only=read_only, expires_at=expires_at, pk=pk
            )
    except IntegrityError:
        raise Conflict(
            _("This key was created already. If you did not copy it, revoke it and create another one."),
            type="already_exists",
        ) from None


@writes
def revoke_key(*, organization: Organization, key: ApiKey, by: Actor, now: dt.datetime) -> None:
    """Revoke at once; a second time changes nothing."""
    if ApiKey.objects.for_organization(organization).live().filter(pk=key.pk).update(revoked_at=now, updated_at=now):
        data = {"name": key.name, "prefix": key.prefix}
        record_audit(organization=organization, by=by, action="api_key.revoke", target=key, data=data)


@writes
def set_retention(
    *,
    organization: Organization,
    content_retention_days: int,
    metadata_retention_days: int,
    by: Actor,
    now: dt.datetime,
) -> None:
    """How many days content and metadata are kept. The database refuses content above metadata."""
    organization.change(
        now, content_retention_days=content_retention_days, metadata_retention_days=metadata_retention_days
    )
    record_audit(
        organization=organization, by=by, action="organization.retention", target=organization,
        data={"content": content_retention_days, "metadata": metadata_retention_days},
    )  # fmt: skip


@step
def close_organization(*, organization: Organization, by: Actor, now: dt.datetime) -> None:
    """People, keys and settings go; the row stays as a tombstone that no door opens."""
    for model in (Membership, Invitation, ApiKey, StoredAnswer, Job, Limits, Visit, NotificationRead, Notification):
        model.objects.for_organization(organization).delete()
    organization.change(
        now, closed_at=organization.closed_at or now, slug=f"closed-{organization.pk.hex[-12:]}", webhook_url="",
        webhook_secret="", webhook_events=None,
    )  # fmt: skip
    record_audit(organization=organization, by=by, action="organization.close", target=organization)


def _with_free_slug(row: Organization) -> Organization:
    """A slug from the name, with a random tail on collision: it tells nobody what exists.

    Other tenants' rows cannot be seen, so the unique index is asked by inserting.
    """
    row.slug = slugify(row.name)[:40].strip("-") or "organization"
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        row.slug = f"{row.slug}-{secrets.token_hex(3)}"
        row.save(force_insert=True)
    return row
