"""An agency's words to its clients: one announcement, one note and at most one mail each."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.utils.translation import gettext as _

from apps.core import db
from apps.core.db import step, writes
from apps.core.errors import Invalid
from apps.core.scope import acting
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Notification, Organization, Role
from apps.organizations.notifications import notify
from apps.organizations.scopes import acting_for, overview
from apps.organizations.services import Actor, record_audit
from apps.portal.models import Announcement


@writes
def announce(
    *, agency: Organization, title: str, text: str, level: str, is_banner: bool, sends_mail: bool, until: dt.datetime | None,
    clients: list[str] | None, by: Actor, now: dt.datetime,
) -> Announcement:  # fmt: skip
    """Write it down; the caller wakes `tasks_bulk.send_announcement`, a sweep does when that is lost.

    Args:
        clients: ids of clients; None: all, also those that come before it was sent.

    Raises Invalid when it would never be shown.
    """
    if until and until <= now:
        raise Invalid(_("Choose a time that is still to come."), param="until")
    row = Announcement.objects.create(
        organization=agency, title=title, text=text, level=level, is_banner=is_banner, sends_mail=sends_mail, until=until,
        clients=clients, author=by.label[:200],
    )  # fmt: skip
    record_audit(organization=agency, by=by, action="announcement.create", target=row)
    return row


@writes
def withdraw(*, agency: Organization, announcement: Announcement, by: Actor, now: dt.datetime) -> None:
    """Stop showing it; mails that were sent are sent. Takes the notes away at the next look of the sweep."""
    Announcement.objects.for_organization(agency).filter(pk=announcement.pk, withdrawn_at=None).update(
        withdrawn_at=now, sent_at=None, updated_at=now
    )
    record_audit(organization=agency, by=by, action="announcement.withdraw", target=announcement)


def send(*, organization_id: UUID, announcement_id: UUID) -> None:
    """Bring it to each client, or take it away again; each client once, so running it twice changes nothing."""
    with acting_for(Organization(pk=organization_id)):
        row = Announcement.objects.for_organization(organization_id).filter(pk=announcement_id, sent_at=None).first()
    if row is None:
        return
    with acting(overview("the clients of an agency")):
        clients = list(Organization.objects.live().filter(parent_id=organization_id).select_related("brand"))
    wanted = None if row.clients is None else set(row.clients)
    for client in clients:
        if wanted is None or str(client.pk) in wanted:
            with acting_for(client):
                _bring(client=client, row=row, now=db.now())
    with acting_for(Organization(pk=organization_id)):
        Announcement.objects.for_organization(organization_id).filter(pk=row.pk).update(sent_at=db.now())


def unsent(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    with acting(overview("announcements on their way")):
        return list(Announcement.objects.filter(sent_at=None).values_list("organization_id", "pk")[:100])


@writes
def _bring(*, client: Organization, row: Announcement, now: dt.datetime) -> None:
    key = f"announcement:{row.pk}"
    if row.withdrawn_at:
        Notification.objects.for_organization(client).filter(key=key).delete()
        return
    notify(
        organization=client, key=key, kind="announcement", level=row.level, title=row.title, text=row.text,
        is_banner=row.is_banner, until=row.until, now=now,
    )  # fmt: skip
    if row.sends_mail:
        _mail(client, row, now)


@step
def _mail(client: Organization, row: Announcement, now: dt.datetime) -> None:
    owners = Membership.objects.for_organization(client).filter(role=Role.OWNER).select_related("user")
    for each in owners:
        queue_mail(
            key=f"announcement:{row.pk}:{each.user_id}", brand=client.brand, to=each.user.email, template="announcement",
            context={"title": row.title, "paragraphs": [part for part in row.text.split("\n") if part.strip()], "path": "/"},
            organization_id=client.pk, language=each.user.language or client.language, now=now,
        )  # fmt: skip
