"""What is known of a customer's URL at its level: switched off, resting behind its breaker, or well (webhooks 10.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from apps.core.db import step
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Organization, Role
from apps.webhooks.models import Delivery, DeliveryQuerySet, Endpoint, Level
from apps.webhooks.targets import Target, url_digest

FIRST_REST, LONGEST_REST = dt.timedelta(minutes=1), dt.timedelta(hours=1)
FAILING_FOR = dt.timedelta(days=5)
# A probe that does not come back is over by then.
PROBE = dt.timedelta(seconds=30)


def endpoint_of(row: Delivery | Target, organization_id: object) -> Endpoint | None:
    """What is known of the URL at the level that gave it; None while nothing went wrong."""
    digest = row.digest if isinstance(row, Target) else bytes(row.url_digest)
    found = Endpoint.objects.for_organization(organization_id)
    return found.filter(level=row.level, owner_id=row.owner_id, url_digest=digest).first()


def rest(failures: int) -> dt.timedelta:
    """How long a URL is left alone after so many failures in a row: a minute from the tenth on, doubling to an hour."""
    doubled = FIRST_REST * 2 ** min(max(0, failures - Endpoint.OPENS_AT), 10)
    return min(doubled, LONGEST_REST)


@step
def may_send(row: Delivery, found: Endpoint | None, now: dt.datetime) -> bool:
    """Whether the breaker lets this delivery through. If it does not, all that waits for the URL waits until the next
    probe, which is no attempt; if this one is the probe, it goes alone."""
    if found is None or not found.is_open:
        return True
    if found.open_until and found.open_until > now:
        _hold_back(row, found.open_until, now)
        return False
    found.change(now, open_until=now + PROBE)
    return True


@step
def note_success(row: Delivery, now: dt.datetime) -> None:
    """One answer ends the row of failures, and what the breaker held back is due. A URL that is switched off stays off:
    that is a person's to decide."""
    found = _same(row).filter(failures__gt=0).first()
    if found is None:
        return
    held_until = found.open_until
    found.change(now, failures=0, failing_since=None, open_until=None)
    if held_until and held_until > now:
        _each(_waiting(found, now).filter(next_attempt_at=held_until), next_attempt_at=now, updated_at=now)


@step
def note_failure(row: Delivery, *, sent_at: dt.datetime, ended: dt.datetime, now: dt.datetime) -> None:
    """Count a failure. Ten in a row open the breaker; five days of only failures switch the URL off and tell the owners.

    Args:
        sent_at, ended: of the attempt. One that was under way when the breaker opened does not make its rest longer.
    """
    found = _locked(row)
    resting = found.open_until is not None and found.open_until > ended
    if resting and found.open_until != sent_at + PROBE:
        return
    failures, since = found.failures + 1, found.failing_since or sent_at
    open_until = ended + rest(failures) if failures >= Endpoint.OPENS_AT else None
    found.change(now, failures=failures, failing_since=since, open_until=open_until)
    if row.level != Level.TOOL and found.off_at is None and ended - since >= FAILING_FOR:
        _close(found, Endpoint.Reason.FAILING, now)
        _tell_owners(found, row, now)


@step
def switch_off(row: Delivery, now: dt.datetime) -> None:
    """The URL answered 410: nothing more is sent to it at its level. A tool's URL is never switched off."""
    if row.level == Level.TOOL:
        return
    found = _locked(row)
    if found.off_at is None:
        _close(found, Endpoint.Reason.GONE, now)


@step
def reopen(*, organization: Organization, url: str, now: dt.datetime) -> bool:
    """Switch a URL on again, at whatever level it was off: it was saved again, or a button was pressed. A breaker that
    rests closes too, and what waited for it is due at once."""
    digest = url_digest(url)
    found = Endpoint.objects.for_organization(organization).filter(url_digest=digest)
    was_off = found.off().exists()
    found.filter(Q(off_at__isnull=False) | Q(failures__gt=0)).update(
        off_at=None, off_reason="", failures=0, failing_since=None, open_until=None, updated_at=now
    )
    held = Delivery.objects.for_organization(organization).filter(
        url_digest=digest, status=Delivery.Status.WAITING, next_attempt_at__gt=now
    )
    _each(held.unclaimed(now), next_attempt_at=now, updated_at=now)
    return was_off


def closing_fields(now: dt.datetime) -> Mapping[str, Any]:
    """What a delivery that is given up looks like."""
    return {"status": Delivery.Status.DEAD, "next_attempt_at": None, "lease_until": None, "updated_at": now}


def _same(row: Delivery) -> QuerySet[Endpoint]:
    found = Endpoint.objects.for_organization(row.organization_id)
    return found.filter(level=row.level, owner_id=row.owner_id, url_digest=bytes(row.url_digest))


def _locked(row: Delivery) -> Endpoint:
    found, _made = Endpoint.objects.select_for_update().get_or_create(
        organization_id=row.organization_id, level=row.level, owner_id=row.owner_id, url_digest=bytes(row.url_digest),
        defaults={"url": row.url},
    )  # fmt: skip
    if not found.url:
        found.url = row.url
        found.save(update_fields=["url"])
    return found


@step
def _close(found: Endpoint, reason: Endpoint.Reason, now: dt.datetime) -> None:
    found.change(now, off_at=now, off_reason=reason)
    waiting = _waiting(found, now)
    _each(waiting.filter(wipes_body=True), **closing_fields(now), body=b"", erased_at=now)
    _each(waiting.filter(wipes_body=False), **closing_fields(now))


@step
def _hold_back(row: Delivery, until: dt.datetime, now: dt.datetime) -> None:
    _each(_waiting(row, now).filter(next_attempt_at__lt=until), next_attempt_at=until, updated_at=now)


def _waiting(to: Delivery | Endpoint, now: dt.datetime) -> DeliveryQuerySet:
    """What waits for a URL at its level and is not under way."""
    found = Delivery.objects.for_organization(to.organization_id).filter(
        level=to.level, owner_id=to.owner_id, url_digest=bytes(to.url_digest), status=Delivery.Status.WAITING
    )
    return found.unclaimed(now)


def _each(found: DeliveryQuerySet, **values: Any) -> None:
    """Change the rows that nobody else holds: whoever holds one looks at the breaker itself."""
    ids = list(found.select_for_update(skip_locked=True).values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=ids).update(**values)


@step
def _tell_owners(found: Endpoint, row: Delivery, now: dt.datetime) -> None:
    organization = Organization.objects.select_related("brand").get(pk=found.organization_id)
    owners = Membership.objects.for_organization(organization).filter(role=Role.OWNER).select_related("user__brand")
    for membership in owners:
        queue_mail(
            key=f"webhook-off:{found.pk}:{now.isoformat()}:{membership.user_id}", brand=membership.user.brand,
            to=membership.user.email, template="webhook_off",
            context={
                "host": row.url.split("?")[0], "organization": organization.name, "since": found.failing_since,
                "timezone": organization.timezone, "path": f"/o/{organization.slug}/webhooks/addresses",
            },
            organization_id=organization.pk, language=membership.user.language or organization.language, now=now,
        )  # fmt: skip
