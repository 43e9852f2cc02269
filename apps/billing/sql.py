"""The only raw SQL of billing, with parameters."""

from __future__ import annotations

from uuid import UUID

from django.db import connection


def lock_account(payer_id: object) -> None:
    """Wait until this transaction is the only one that books on the payer; the lock goes with the transaction.

    An advisory lock, because an account without bookings has no row to lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"billing:{payer_id}"])


def organization_of_stripe_hook(hook: str) -> UUID | None:
    """The agency whose Stripe account posts to this address. None for an unknown one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id FROM organization_of_stripe_hook(%s)", [hook])
        row = cursor.fetchone()
    return row[0] if row else None
