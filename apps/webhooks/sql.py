"""The only raw SQL of webhooks, with parameters."""

from __future__ import annotations

from django.db import connection


def lock_endpoint(organization_id: object, url_digest: bytes) -> None:
    """Wait until this transaction is the only one that claims for the URL; the lock goes with the transaction."""
    with connection.cursor() as cursor:
        name = f"webhooks:{organization_id}:{url_digest.hex()}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
