"""An agency over its clients: making them; later issues bring packages and branding."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from apps.core.db import writes
from apps.core.errors import Forbidden
from apps.core.scope import Scope, acting
from apps.organizations.models import ApiKey, Organization
from apps.organizations.services import Actor, issue_key, make_organization, record_audit


def create_client(
    *, agency: Organization, name: str, by: Actor, key_name: str = "", pk: UUID | None = None
) -> tuple[Organization, str | None]:
    """Make a client of `agency`. Returns it, and the secret of its first API key when `key_name` is given.

    With a `pk` it is made once: a second time it gets a new key in place of the one that reached nobody.

    The client's row is written in the client's own scope. Raises Forbidden for a client's client.
    """
    if agency.parent_id:
        raise Forbidden(_("A client cannot have clients of its own."))
    pk = pk or uuid7()
    with acting(Scope((pk, agency.pk))):
        return _create(pk=pk, name=name, parent=agency, like=agency, by=by, key_name=key_name)


def create_independent(
    *, like: Organization, name: str, by: Actor, pk: UUID | None = None
) -> tuple[Organization, str | None]:
    """Make an organization of its own with balance 0, wearing the brand of `like`. The operator can forbid that.

    `pk` as in `create_client`.
    """
    if like.parent_id or not settings.ALLOW_INDEPENDENT_ORGANIZATIONS:
        raise Forbidden(_("This installation does not let an API key make independent organizations."))
    pk = pk or uuid7()
    with acting(Scope((pk,))):
        return _create(pk=pk, name=name, parent=None, like=like, by=by, key_name="API")


@writes
def _create(
    *, pk: object, name: str, parent: Organization | None, like: Organization, by: Actor, key_name: str
) -> tuple[Organization, str | None]:
    made = Organization.objects.filter(pk=pk).first()
    if made is not None:
        ApiKey.objects.for_organization(made).live().filter(last_used_at=None).update(revoked_at=Now())
        return made, issue_key(organization=made, name=key_name, by=by)[1] if key_name else None
    made = make_organization(
        id=pk, name=name, brand=like.brand, parent=parent, country=like.country, timezone=like.timezone,
        language=like.language, is_demo=like.is_demo and parent is not None,
    )  # fmt: skip
    record_audit(organization=made, by=by, action="organization.create", target=made)
    secret = issue_key(organization=made, name=key_name, by=by)[1] if key_name else None
    return made, secret
