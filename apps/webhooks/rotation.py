"""A secret makes room for another without a request that the receiver cannot check (webhooks 4).

A change is a row from the old secret to the new one. Until it switches, the old secret signs `X-Webhook-Signature` as
ever, and the new one signs `X-Webhook-Signature-Next`; afterwards only the new one signs. The row is read when a
request is signed, so what was queued or began with the old secret follows by itself.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from apps.core.db import step
from apps.organizations.models import Organization
from apps.webhooks.models import SecretChange, SecretChangeQuerySet

HOURS = (1, 24, 72, 168)
KEPT = dt.timedelta(days=31)


@dataclass(frozen=True)
class Keys:
    """What signs a request: `secret`, and beside it `following` while it is being replaced."""

    secret: str
    following: str = ""


def new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def keys_at(*, organization_id: object, owner_id: str, secret: str, at: dt.datetime) -> Keys:
    """What signs a request at an instant that was given `secret` when it was queued, or when its call began.

    Args:
        owner_id: of the level that holds the secret; a tool's that borrows its assistant's has the assistant's.
    """
    if not secret or not owner_id:
        return Keys(secret)
    changes = list(_changes(organization_id, owner_id))
    for change in changes:
        if secret == change.old and change.switches_at <= at:
            secret = change.new
    for change in changes:
        if at < change.switches_at and secret in (change.old, change.new):
            return Keys(change.old, change.new)
    return Keys(secret)


@step
def replace_secret(
    *, organization: Organization, owner_id: str, old: str, new: str, now: dt.datetime, hours: int = 0
) -> None:
    """Note that `new` takes the place of `old`; the caller stores it. Nothing to note when one of them is empty.

    Args:
        hours: how long the old one keeps signing; 0: not at all. A change under way keeps its first secret.
    """
    if not old or not new or old == new:
        return
    waiting = pending_change(organization_id=organization.pk, owner_id=owner_id, now=now)
    if waiting and waiting.new == old and hours:
        waiting.change(now, new=new, switches_at=now + dt.timedelta(hours=hours))
        hours = 0
    elif waiting:
        waiting.change(now, switches_at=now)
    SecretChange.objects.create(
        organization=organization, owner_id=owner_id, old=old, new=new, created_at=now,
        switches_at=now + dt.timedelta(hours=hours),
    )  # fmt: skip


@step
def switch_now(*, organization: Organization, owner_id: str, now: dt.datetime) -> bool:
    """End an overlap: from now on only the new secret signs. False when none was under way."""
    waiting = pending_change(organization_id=organization.pk, owner_id=owner_id, now=now)
    if waiting is None:
        return False
    waiting.change(now, switches_at=now)
    return True


def pending_change(*, organization_id: object, owner_id: str, now: dt.datetime) -> SecretChange | None:
    """The overlap that is under way."""
    return _changes(organization_id, owner_id).pending(now).last()


def _changes(organization_id: object, owner_id: str) -> SecretChangeQuerySet:
    return SecretChange.objects.for_organization(organization_id).filter(owner_id=owner_id).order_by("created_at", "id")
