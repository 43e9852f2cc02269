"""The only raw SQL of billing, with parameters."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7


def lock_account(payer_id: object) -> None:
    """Wait until this transaction is the only one that books on the payer; the lock goes with the transaction.

    An advisory lock, because an account without bookings has no row to lock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"billing:{payer_id}"])


def balance_of(organization_id: object) -> int:
    """Micro-credits: the newest checkpoint and what was booked after it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH newest AS MATERIALIZED (
                SELECT at, balance FROM billing_checkpoint WHERE organization_id = %(owner)s ORDER BY at DESC LIMIT 1
            )
            SELECT coalesce((SELECT balance FROM newest), 0) + coalesce(sum(amount), 0) FROM billing_ledgerentry
            WHERE organization_id = %(owner)s AND created_at > coalesce((SELECT at FROM newest), '-infinity')
            """,
            {"owner": str(organization_id)},
        )
        return int(cursor.fetchone()[0])


def insert_holds(payers: Sequence[object], used_by: object, keys: Sequence[str], amount: int) -> None:
    """A hold under each of these new keys on each account: one statement."""
    owners, held = [payer for payer in payers for _key in keys], [*keys] * len(payers)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO billing_hold (id, organization_id, key, amount, used_by)
            SELECT id, payer, key, %(amount)s, %(used_by)s
            FROM unnest(%(ids)s::uuid[], %(payers)s::uuid[], %(keys)s::text[]) AS held (id, payer, key)
            """,
            {"ids": [uuid7() for _key in held], "payers": owners, "keys": held, "amount": amount, "used_by": str(used_by)},
        )


def organization_of_stripe_hook(hook: str) -> UUID | None:
    """The agency whose Stripe account posts to this address. None for an unknown one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organization_id FROM organization_of_stripe_hook(%s)", [hook])
        row = cursor.fetchone()
    return row[0] if row else None
