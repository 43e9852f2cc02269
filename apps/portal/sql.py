"""The doors of this app, called from Python: the only raw SQL here, always with parameters."""

from __future__ import annotations

from uuid import UUID

from django.db import connection


def agency_of_brand(brand_id: UUID) -> UUID | None:
    """The id of the agency whose brand it is; None for the installation's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id FROM agency_of_brand(%s)", [brand_id])
        row = cursor.fetchone()
    return row[0] if row else None
