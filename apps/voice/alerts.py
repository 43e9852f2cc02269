"""The mail that says an engine does not answer: one per outage and reader (platform 12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from apps.accounts.models import User
from apps.core.db import writes
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Organization, Role
from apps.voice.models import Connection
from apps.voice.services import ACCOUNT_TROUBLE
from apps.voice.words import problem_text

# A hiccup wakes nobody, and an engine that comes and goes sends one mail, not twenty.
GRACE = dt.timedelta(seconds=60)
AGAIN_AFTER = dt.timedelta(minutes=30)
OF_THE_KEY = ("http_401", "unauthorized", "api_key_expired", "api_key_revoked", *ACCOUNT_TROUBLE)


def is_due(connection: Connection, now: dt.datetime) -> bool:
    """Whether somebody should be told of this outage now."""
    since, told = connection.failing_since, connection.alerted_at
    if since is None or now - since < GRACE:
        return False
    if connection.via_id and connection.last_error not in OF_THE_KEY:
        return False  # whoever runs the engine is told for the connection that it stands at
    return told is None or (told < since and now - told >= AGAIN_AFTER)


@writes
def tell_outage(*, connection: Connection, now: dt.datetime) -> int:
    """Mail whoever can do something: the operators for the installation's engine, else the owners and admins of the
    organization whose engine it is. Returns how many mails; 0 when it is not due (any more)."""
    row = Connection.objects.select_for_update().filter(pk=connection.pk, is_active=True).first()
    if row is None or row.failing_since is None or not is_due(row, now):
        return 0
    row.change(now, alerted_at=now)
    owner = row.via.organization if row.via else row.organization
    readers = list(_readers(owner))
    for user, language in readers:
        queue_mail(
            key=f"engine-down:{row.pk}:{row.failing_since.isoformat()}:{user.pk}",
            brand=user.brand, to=user.email, template="engine_down",
            context={
                "organization": row.organization.name if row.organization else "", "since": row.failing_since,
                "problem": problem_text(row.last_error),
                "path": f"/o/{owner.slug}/settings/engine" if owner else "/admin/voice/connection/",
            },
            organization_id=owner.pk if owner else None, language=language, now=now,
        )  # fmt: skip
    return len(readers)


def _readers(owner: Organization | None) -> Iterator[tuple[User, str]]:
    if owner is None:
        for user in User.objects.filter(is_superuser=True, is_active=True).select_related("brand"):
            yield user, user.language
        return
    chiefs = Membership.objects.for_organization(owner).filter(role__in=(Role.OWNER, Role.ADMIN))
    for membership in chiefs.filter(user__is_active=True).select_related("user__brand"):
        yield membership.user, membership.user.language or owner.language
