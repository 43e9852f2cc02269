"""An agency's own face: opened once under an address of its own, then switched on and off."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import move_account
from apps.branding.images import Picture, read_picture
from apps.branding.models import RESERVED_SLUGS, Brand
from apps.branding.pictures import fetch_picture, remove_picture, set_picture
from apps.branding.services import create_brand, set_open, update_brand
from apps.core.db import step, writes
from apps.core.errors import Conflict, Forbidden
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Organization
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor, record_audit
from apps.organizations.sql import organizations_of
from apps.portal.models import Portal


def open_portal(*, agency: Organization, slug: str, name: str, by: Actor, now: dt.datetime) -> Brand:
    """Give an agency a brand of its own at `{slug}.<portal base domain>`.

    The agency and its clients wear it from now on. Accounts of people who work for its clients only move to the new
    address with their passwords, and a mail tells them; everybody else signs in where the account was made. Opened a
    second time it changes nothing. In its own scope, and its clients'.

    Raises Forbidden for a client, Conflict when the address is reserved, taken, or breaks its rule.
    """
    if not agency.is_agency:
        raise Forbidden(_("A client cannot have a portal of its own."))
    if slug in RESERVED_SLUGS:
        raise Conflict(_("This address is reserved. Choose another one."), type="reserved")
    with acting_for(agency, with_children=True):
        try:
            return _open(agency=agency, slug=slug, name=name, by=by, now=now)
        except ValidationError as error:
            raise Conflict(" ".join(error.messages), type="not_free") from error


@writes
def switch_portal(*, agency: Organization, is_open: bool, by: Actor, now: dt.datetime) -> None:
    """Close the portal (visitors get a neutral page, nobody signs in; numbers go on being answered), or open it again."""
    if set_open(brand=_own_brand(agency), is_open=is_open, now=now):
        action = "portal.open" if is_open else "portal.close"
        record_audit(organization=agency, by=by, action=action, target=agency.brand)


@writes
def save_brand(*, agency: Organization, values: dict[str, Any], by: Actor, now: dt.datetime) -> None:
    """Change the brand; the audit names the fields that changed. Raises Conflict when there is no portal yet."""
    changed = update_brand(brand=_own_brand(agency), values=values, now=now)
    if changed:
        record_audit(organization=agency, by=by, action="brand.update", target=agency.brand, data={"fields": sorted(changed)})


def save_picture(*, agency: Organization, kind: str, content: bytes, url: str, by: Actor, now: dt.datetime) -> None:
    """Put a picture of the brand in place: the file's `content`, or what `url` answers, fetched once.

    Raises Invalid when it cannot be fetched or is no picture that is taken, Conflict when there is no portal yet.
    """
    _own_brand(agency)
    picture = read_picture(content or fetch_picture(url), kind=kind)
    _record_picture(agency=agency, kind=kind, picture=picture, source_url="" if content else url, by=by, now=now)


@writes
def drop_picture(*, agency: Organization, kind: str, by: Actor, now: dt.datetime) -> None:
    """Take a picture away; a second time changes nothing."""
    if remove_picture(brand=_own_brand(agency), kind=kind):
        record_audit(organization=agency, by=by, action="brand.picture_remove", target=agency.brand, data={"kind": kind})


@step
def ensure_portal(agency: Organization) -> Portal:
    """The agency's row, made when it is missing."""
    return Portal.objects.get_or_create(organization=agency)[0]


@writes
def _open(*, agency: Organization, slug: str, name: str, by: Actor, now: dt.datetime) -> Brand:
    held = Organization.objects.select_for_update(of=("self",)).select_related("brand").get(pk=agency.pk)
    if held.owns_brand:
        ensure_portal(held)
        return held.brand
    old = held.brand
    brand = create_brand(
        slug=slug, name=name, primary_color=old.primary_color, accent_color=old.accent_color, language=held.language
    )
    clients = list(Organization.objects.children_of(held))
    Organization.objects.filter(pk__in=[held.pk, *(each.pk for each in clients)]).update(brand=brand, updated_at=now)
    Organization.objects.filter(pk=held.pk).update(owns_brand=True)
    agency.brand, agency.owns_brand = brand, True
    ensure_portal(held)
    for client in clients:
        _move_people(client, {each.pk for each in clients}, brand, now)
    record_audit(organization=held, by=by, action="portal.make", target=brand, data={"slug": slug})
    return brand


def _move_people(client: Organization, clients: set[object], brand: Brand, now: dt.datetime) -> None:
    rows = Membership.objects.for_organization(client).select_related("user__brand")
    for user in [row.user for row in rows if _works_only_for(row.user, clients)]:
        if not move_account(user=user, brand=brand):
            continue
        queue_mail(
            key=f"portal-address:{brand.pk}:{user.pk}", brand=brand, to=user.email, template="portal_address",
            context={"name": client.name, "email": user.email, "path": "/"}, organization_id=client.pk,
            language=user.language or client.language, now=now,
        )  # fmt: skip


def _works_only_for(user: User, clients: set[object]) -> bool:
    if user.is_superuser or user.is_staff:
        return False
    return all(each.organization_id in clients for each in organizations_of(user.pk))


@writes
def _record_picture(*, agency: Organization, kind: str, picture: Picture, source_url: str, by: Actor, now: dt.datetime) -> None:
    set_picture(brand=agency.brand, kind=kind, picture=picture, source_url=source_url, now=now)
    data = {"kind": kind, "source": source_url}
    record_audit(organization=agency, by=by, action="brand.picture", target=agency.brand, data=data)


def _own_brand(agency: Organization) -> Brand:
    if not agency.owns_brand:
        raise Conflict(_("There is no portal yet."))
    return agency.brand
