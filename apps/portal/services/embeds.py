"""Widgets on other websites: making, changing, switching and deleting one."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.db import writes
from apps.core.errors import Conflict, Forbidden
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.portal.models import Embed, Portal

MOST = 50
KEY_BYTES = 24


def offers_sign_up(organization: Organization) -> bool:
    """Whether there is a portal of its own to sign up at, and it is open."""
    has_portal = organization.is_agency and organization.owns_brand and organization.brand.is_open
    return has_portal and Portal.objects.for_organization(organization).exists()


def takes_sign_ups(organization: Organization) -> bool:
    """Whether somebody can sign up there now."""
    return (
        offers_sign_up(organization)
        and Portal.objects.for_organization(organization).filter(allows_sign_up=True).exists()
    )


def no_portal() -> Forbidden:
    return Forbidden(_("A sign-up form needs an open portal of your own."))


@writes
def create_embed(*, organization: Organization, kind: str, values: Mapping[str, Any], by: Actor) -> Embed:
    """Make a widget with a new public key.

    Raises Forbidden for a sign-up form where nobody can sign up, Conflict beyond the most.
    """
    if kind == Embed.Kind.SIGN_UP and not offers_sign_up(organization):
        raise no_portal()
    if Embed.objects.for_organization(organization).count() >= MOST:
        raise Conflict(_("At most %(count)s widgets.") % {"count": MOST})
    key = f"pk_{secrets.token_urlsafe(KEY_BYTES)}"
    made: Embed = Embed.objects.create(organization=organization, kind=kind, key=key, **values)
    record_audit(organization=organization, by=by, action="embed.create", target=made, data={"name": made.name})
    return made


@writes
def change_embed(*, embed: Embed, values: Mapping[str, Any], by: Actor, now: dt.datetime) -> None:
    """Change what differs of `values` (by field)."""
    changed = sorted(name for name, value in values.items() if getattr(embed, name) != value)
    if changed:
        embed.change(now, **{name: values[name] for name in changed})
        record_audit(
            organization=embed.organization, by=by, action="embed.update", target=embed, data={"fields": changed}
        )


@writes
def switch_embed(*, embed: Embed, is_active: bool, by: Actor, now: dt.datetime) -> None:
    """On or off; talks that are under way go on."""
    if embed.is_active != is_active:
        embed.change(now, is_active=is_active)
        action = f"embed.{'enable' if is_active else 'disable'}"
        record_audit(organization=embed.organization, by=by, action=action, target=embed, data={"name": embed.name})


@writes
def delete_embed(*, embed: Embed, by: Actor) -> None:
    """Delete it; its key is never given to another one. Calls it began stay."""
    record_audit(organization=embed.organization, by=by, action="embed.delete", target=embed, data={"name": embed.name})
    embed.delete()
