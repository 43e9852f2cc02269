"""Notes to the people of an organization, shown in the product until each has read them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.core.db import step, writes
from apps.organizations.models import RANK, Notification, NotificationRead, Organization, Role

SHOWN = 20


@step
def notify(
    *, organization: Organization, key: str, kind: str, title: str, now: dt.datetime, text: str = "", url: str = "",
    level: str = Notification.Level.INFO, role: Role = Role.VIEWER, is_banner: bool = False, until: dt.datetime | None = None,
) -> Notification:  # fmt: skip
    """Leave a note in the caller's transaction and scope; a second time with the same key changes nothing.

    Args:
        key: unique within the organization, such as `domain:<id>:failing:<day>`.
        kind: what it is about, in one word.
        url: a path of this product, or empty.
        role: the least role that sees it.
        is_banner: shown on top of every page, too, until somebody puts it away.
    """
    if found := Notification.objects.for_organization(organization).filter(key=key).first():
        return found
    try:
        with transaction.atomic():
            return Notification.objects.create(
                organization=organization, key=key, kind=kind, level=level, title=title[:200], text=text[:4000], url=url,
                role=role, is_banner=is_banner, until=until, created_at=now,
            )  # fmt: skip
    except IntegrityError:
        return Notification.objects.for_organization(organization).get(key=key)


def shown_to(user: User, organization: Organization, role: str) -> QuerySet[Notification]:
    """What this person may see and has not put away, newest first."""
    roles = [each for each in Role if RANK[each] <= RANK[Role(role)]]
    rows = Notification.objects.for_organization(organization).filter(role__in=roles)
    rows = rows.filter(Q(until=None) | Q(until__gt=Now())).filter(Q(user=None) | Q(user=user))
    read = NotificationRead.objects.for_organization(organization).filter(user=user)
    return rows.exclude(pk__in=read.values("notification")).order_by("-created_at", "-pk")


@writes
def put_away(*, organization: Organization, user: User, ids: list[UUID], now: dt.datetime) -> int:
    """Mark as read by this person. Returns how many were found."""
    found = list(Notification.objects.for_organization(organization).filter(pk__in=ids))
    rows: list[Any] = [NotificationRead(organization=organization, notification=each, user=user) for each in found]
    NotificationRead.objects.bulk_create(rows, ignore_conflicts=True)
    return len(found)
