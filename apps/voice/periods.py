"""Retention at an engine that keeps content by its own account's periods: ours are set there too (platform 6)."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db.models import Min, Q

from apps.core.errors import Invalid
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.scopes import overview
from apps.voice.capabilities import known_capabilities
from apps.voice.client import Engine, EngineTrouble
from apps.voice.models import Connection

log = logging.getLogger(__name__)
# An engine with this feature is told to erase call by call, on the day.
ERASES = "recordings"


def accounts_with_periods() -> list[tuple[UUID | None, UUID]]:
    """(organization, connection) of the accounts that erase by their own periods; None: the installation's."""
    with acting(overview("accounts that keep content by periods of their own")):
        rows = Connection.objects.filter(is_active=True).filter(Q(via=None) | Q(via__is_active=True))
        return [(row.organization_id, row.pk) for row in rows if not known_capabilities(row).has(ERASES)]


def set_periods(*, organization_id: UUID | None, connection_id: UUID) -> bool:
    """`PATCH /organizations` with the shortest periods of whoever may call through this account. What was reported lies
    here anyway, so a period that is shorter there loses nothing. Returns whether the engine has taken them."""
    own = (organization_id,) if organization_id else ()
    with acting(Scope(own)):
        connection = Connection.objects.filter(organization=organization_id, pk=connection_id).select_related("via").first()
        if connection is None:
            return False
        body = _shortest(organization_id)
        try:
            return Engine(connection).change("/organizations", body) is not None
        except (EngineTrouble, Invalid) as problem:
            log.warning("periods of connection %s not set: %s", connection.pk, problem)
            return False


def _shortest(organization_id: UUID | None) -> dict[str, int]:
    with acting(overview("periods of who calls through an account")):
        users = Organization.objects.live()
        if organization_id:
            users = users.filter(Q(pk=organization_id) | Q(parent=organization_id))
        found = users.aggregate(content=Min("content_retention_days"), metadata=Min("metadata_retention_days"))
    return {"content_retention_days": found["content"], "metadata_retention_days": found["metadata"]}
