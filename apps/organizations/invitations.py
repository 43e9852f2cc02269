"""Invitations: a link by mail, valid for 7 days, single use; only its digest is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.branding.models import Brand
from apps.core.db import step, writes
from apps.core.errors import Conflict
from apps.core.scope import Scope, acting
from apps.mail.services import queue_mail
from apps.organizations.features import require_room
from apps.organizations.models import Invitation, Membership, Organization, Role
from apps.organizations.services import Actor, add_member, record_audit
from apps.organizations.sql import invitation_of

VALID = dt.timedelta(days=7)


@dataclass(frozen=True)
class Opened:
    """An invitation that is still good, as its holder may see it."""

    invitation: Invitation
    organization: Organization
    account: User | None


@writes
def invite(
    *, organization: Organization, email: str, role: Role, brand: Brand, by: Actor, now: dt.datetime
) -> Invitation:
    """Send somebody a link that makes them a member.

    Args:
        brand: where the link leads and the account will be: the brand of the host for an agency's own people,
            the client's brand for its people.

    Raises Conflict when the person is a member, or has an invitation that is still open, or when there is no room.
    """
    email = email.strip().lower()
    if Membership.objects.for_organization(organization).filter(user__email__iexact=email).exists():
        raise Conflict(_("%(email)s is already a member.") % {"email": email})
    open_rows = Invitation.objects.for_organization(organization).pending().filter(email=email)
    if open_rows.filter(expires_at__gt=now).exists():
        raise Conflict(_("%(email)s has an open invitation. Send it again instead.") % {"email": email})
    open_rows.update(revoked_at=now, updated_at=now)
    members, invited = Membership.objects.for_organization(organization), Invitation.objects.for_organization(organization).open(now)
    require_room(organization, "members", members, invited)
    token = secrets.token_urlsafe(32)
    row = Invitation.objects.create(
        organization=organization, email=email, role=role, digest=digest_of(token), invited_by=by.user,
        expires_at=now + VALID,
    )  # fmt: skip
    _send(row, organization=organization, token=token, brand=brand, by=by, now=now)
    data = {"email": email, "role": role}
    record_audit(organization=organization, by=by, action="invitation.create", target=row, data=data)
    return row


@writes
def resend(*, organization: Organization, invitation: Invitation, brand: Brand, by: Actor, now: dt.datetime) -> None:
    """Send a new link for 7 more days; the old one stops working. Raises Conflict when it was used or revoked."""
    row = (
        Invitation.objects.for_organization(organization).pending().select_for_update().filter(pk=invitation.pk).first()
    )
    if row is None:
        raise Conflict(_("This invitation was used or revoked."))
    token = secrets.token_urlsafe(32)
    row.change(now, digest=digest_of(token), expires_at=now + VALID)
    _send(row, organization=organization, token=token, brand=brand, by=by, now=now)
    record_audit(organization=organization, by=by, action="invitation.resend", target=row, data={"email": row.email})


@writes
def revoke(*, organization: Organization, invitation: Invitation, by: Actor, now: dt.datetime) -> None:
    """Make the link worthless; a second time changes nothing."""
    rows = Invitation.objects.for_organization(organization).pending().filter(pk=invitation.pk)
    if rows.update(revoked_at=now, updated_at=now):
        data = {"email": invitation.email}
        record_audit(organization=organization, by=by, action="invitation.revoke", target=invitation, data=data)


def open_invitation(token: str, brand: Brand) -> Opened | None:
    """The invitation behind a link; None when it is unknown, used, revoked, expired, or not for this host."""
    entry = invitation_of(digest_of(token))
    if entry is None or not (brand.is_installation or entry.brand_id == brand.pk):
        return None
    with acting(Scope((entry.organization_id,))):
        row = Invitation.objects.for_organization(entry.organization_id).select_related("organization", "invited_by")
        invitation = row.get(pk=entry.invitation_id)
    account = User.objects.at(brand.pk, invitation.email).filter(is_active=True).first()
    return Opened(invitation, invitation.organization, account)


def accept(*, opened: Opened, user: User, address: str | None, now: dt.datetime) -> None:
    """Join with an account whose e-mail address was invited. Raises Conflict when the link was used meanwhile."""
    with acting(Scope((opened.organization.pk,))):
        _accept(opened=opened, user=user, address=address, now=now)


def accept_as_new(
    *, opened: Opened, brand: Brand, name: str, password: str, language: str, address: str | None, now: dt.datetime
) -> User:
    """Make the account and join. The address counts as confirmed, because the link came by mail."""
    with acting(Scope((opened.organization.pk,))):
        return _accept_as_new(opened, brand, name, password, language, address, now)


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@writes
def _accept(*, opened: Opened, user: User, address: str | None, now: dt.datetime) -> None:
    _join(opened, user, address, now)


@writes
def _accept_as_new(
    opened: Opened, brand: Brand, name: str, password: str, language: str, address: str | None, now: dt.datetime
) -> User:
    user = create_user(brand=brand, email=opened.invitation.email, name=name, password=password, language=language)
    _join(opened, user, address, now)
    return user


@step
def _join(opened: Opened, user: User, address: str | None, now: dt.datetime) -> None:
    organization, invitation = opened.organization, opened.invitation
    # Single use: whoever changes the row first has it.
    rows = (
        Invitation.objects.for_organization(organization).open(now).filter(pk=invitation.pk, digest=invitation.digest)
    )
    if user.email.lower() != invitation.email.lower() or not rows.update(accepted_at=now, updated_at=now):
        raise Conflict(_("This invitation is not valid any more. Ask for a new one."))
    if not Membership.objects.for_organization(organization).filter(user=user).exists():
        require_room(organization, "members", Membership.objects.for_organization(organization))
        add_member(organization=organization, user=user, role=Role(invitation.role))
    by = Actor(label=str(user), user=user, address=address)
    data = {"email": invitation.email, "role": invitation.role}
    record_audit(organization=organization, by=by, action="invitation.accept", target=invitation, data=data)


@step
def _send(
    row: Invitation, *, organization: Organization, token: str, brand: Brand, by: Actor, now: dt.datetime
) -> None:
    queue_mail(
        key=f"invitation:{row.pk}:{digest_of(token).hex()[:12]}", brand=brand, to=row.email, template="invitation",
        context={
            "path": reverse("invitation", args=[token]), "organization_name": organization.name, "by": by.label,
            "role": Role(row.role).label, "valid_until": row.expires_at,
        },
        organization_id=organization.pk, language=organization.language, now=now,
    )  # fmt: skip
