"""The doors of this app, called from Python: the only raw SQL here, always with parameters."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db import connection


def agency_of_brand(brand_id: UUID) -> UUID | None:
    """The id of the agency whose brand it is; None for the installation's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id FROM agency_of_brand(%s)", [brand_id])
        row = cursor.fetchone()
    return row[0] if row else None


class EmbedEntry(NamedTuple):
    """Whose widget a public key names; `brand_id` is the organization's."""

    organization_id: UUID
    embed_id: UUID
    brand_id: UUID
    parent_id: UUID | None


def organization_of_embed(key: str) -> EmbedEntry | None:
    """None for a key of nobody, and while the widget is switched off or its organization closed or suspended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id, embed_id, brand_id, parent_id FROM organization_of_embed(%s)", [key])
        row = cursor.fetchone()
    return EmbedEntry(*row) if row else None
