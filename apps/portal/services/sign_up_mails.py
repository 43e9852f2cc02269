"""What an agency and a person who signed up are told, each once."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from apps.core.db import step
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Notification, Organization, Role
from apps.organizations.notifications import notify
from apps.portal.models import Portal, SignUp


@step
def tell_agency(row: SignUp, *, agency: Organization, portal: Portal | None, waits: bool, now: dt.datetime) -> None:
    """Somebody signed up: a note on the agency's pages, and a mail. `waits`: she has to approve it."""
    what = "waits" if waits else "new"
    path = reverse("sign_ups", args=[agency.slug])
    with translation.override(agency.language):
        title = _("%(company)s waits for your approval") if waits else _("%(company)s signed up")
        notify(
            organization=agency, key=f"signup:{row.user_id}:{what}", kind="sign_up", title=title % {"company": row.company},
            text=f"{row.user.name} · {row.user.email}", url=path, role=Role.ADMIN, now=now,
            level=Notification.Level.WARNING if waits else Notification.Level.SUCCESS,
        )  # fmt: skip
    for to in _readers(agency, portal):
        queue_mail(
            key=f"signup:{row.user_id}:{what}:{to}", brand=agency.brand, to=to, template="sign_up",
            context={"company": row.company, "name": row.user.name, "email": row.user.email, "waits": waits, "path": path},
            organization_id=agency.pk, language=agency.language, now=now,
        )  # fmt: skip


@step
def tell_ready(row: SignUp, *, agency: Organization, now: dt.datetime) -> None:
    """The workspace is there: for who had to wait."""
    _tell(row, agency, "sign_up_ready", now)


@step
def tell_refused(row: SignUp, *, agency: Organization, now: dt.datetime) -> None:
    _tell(row, agency, "sign_up_refused", now, link=False)


def _tell(row: SignUp, agency: Organization, template: str, now: dt.datetime, *, link: bool = True) -> None:
    context = {"company": row.company, "name": row.user.name, "note": row.error} | ({"path": "/"} if link else {})
    queue_mail(
        key=f"signup:{row.user_id}:{template}", brand=agency.brand, to=row.user.email, template=template, context=context,
        organization_id=agency.pk, language=row.user.language or agency.language, now=now,
    )  # fmt: skip


def _readers(agency: Organization, portal: Portal | None) -> list[str]:
    """The address that the agency named, else its owners."""
    if portal is not None and portal.notify_email:
        return [portal.notify_email]
    owners = Membership.objects.for_organization(agency).filter(role=Role.OWNER, user__is_active=True)
    return sorted({row.user.email for row in owners.select_related("user")})
