"""Sending deliveries again: signed anew, under the same X-Webhook-Id, with the whole schedule before them (webhooks 10.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db.models import F

from apps.core.db import writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.webhooks.models import Delivery, DeliveryQuerySet, Endpoint
from apps.webhooks.tasks import deliver as deliver_task


def failed_since(organization: Organization, since: dt.datetime) -> DeliveryQuerySet:
    """What was given up among what was queued from `since` on, and can be sent again now."""
    return replayable(organization).failed().filter(created_at__gte=since)


def chosen(organization: Organization, ids: Iterable[UUID | str]) -> DeliveryQuerySet:
    """Of these, what can be sent again now, also what had arrived."""
    return replayable(organization).filter(pk__in=list(ids))


def replayable(organization: Organization) -> DeliveryQuerySet:
    """What is over, still has its body, and whose URL is not switched off."""
    found = Delivery.objects.for_organization(organization).with_body().exclude(status=Delivery.Status.WAITING)
    for off in Endpoint.objects.for_organization(organization).off():
        found = found.exclude(level=off.level, owner_id=off.owner_id, url_digest=bytes(off.url_digest))
    return found


@writes
def replay(*, organization: Organization, found: DeliveryQuerySet, by: Actor, now: dt.datetime) -> int:
    """Queue them again, at once; returns how many.

    Args:
        found: from `failed_since` or `chosen`: judged again here, under lock.
    """
    rows = list(found.select_for_update(skip_locked=True).values_list("pk", "url_digest"))
    if not rows:
        return 0
    Delivery.objects.for_organization(organization).filter(pk__in=[pk for pk, _digest in rows]).update(
        status=Delivery.Status.WAITING, next_attempt_at=now, lease_until=None, attempts_before=F("attempt_count"),
        delivered_at=None, replayed_at=now, updated_at=now,
    )  # fmt: skip
    for pk in {bytes(digest): pk for pk, digest in rows}.values():  # one per URL: its task drains what else waits there
        deliver_task.delay_on_commit(str(organization.pk), str(pk))
    record_audit(organization=organization, by=by, action="webhook.replay", data={"count": len(rows)})
    return len(rows)
