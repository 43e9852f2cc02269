"""Reads that cross organizations by a named right."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from apps.organizations.models import Organization


def children_of(organization: Organization) -> list[tuple[UUID, str, dt.datetime]]:
    """Id, name and creation of an agency's live clients, by name; a client has none. Needs a scope that reads them."""
    if not organization.is_agency:
        return []
    return list(Organization.objects.children_of(organization).values_list("pk", "name", "created_at"))
