"""Signing up at a brand: who may, what is noted, and what the agency decides. `sign_up_steps` makes the workspace."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db.models import Case, QuerySet, When
from django.utils.translation import gettext as _

from apps.accounts.candidates import drop_candidate, is_confirmed, make_candidate
from apps.accounts.models import User
from apps.branding.models import Brand
from apps.core.db import writes
from apps.core.errors import Conflict
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.portal.models import Portal, SignUp
from apps.portal.services import sign_up_mails as mails
from apps.portal.services.portals import ensure_portal
from apps.portal.sql import agency_of_brand

# Who has not confirmed the address by then is forgotten.
KEPT = dt.timedelta(days=7)
NOBODY = Scope(())
Status = SignUp.Status


@dataclass(frozen=True)
class Offer:
    """Who may sign up at a brand: clients of `agency` as its `portal` says, or agencies (both None)."""

    agency: Organization | None = None
    portal: Portal | None = None


def offer_at(brand: Brand) -> Offer | None:
    """What signing up at this brand leads to; None when nobody may."""
    if brand.is_installation:
        return Offer() if settings.ALLOW_AGENCY_SIGN_UP else None
    found = agency_and_portal(brand) if brand.is_open else None
    if found is None or found[0].is_suspended or found[1] is None or not found[1].allows_sign_up:
        return None
    return Offer(*found)


def agency_and_portal(brand: Brand) -> tuple[Organization, Portal | None] | None:
    """Whose brand it is, and how it takes clients in."""
    agency_id = agency_of_brand(brand.pk)
    if agency_id is None:
        return None
    with acting(Scope((agency_id,))):
        agency = Organization.objects.select_related("brand").get(pk=agency_id)
        return agency, Portal.objects.for_organization(agency).first()


def register(
    *, brand: Brand, name: str, company: str, email: str, password: str, language: str, accepts_terms: bool, now: dt.datetime
) -> User | None:  # fmt: skip
    """Note a sign-up and make the account, which has yet to confirm its address. None: there is an account already.

    Somebody who signed up before and never confirmed begins anew: the older, unconfirmed account goes, with the password
    that whoever made it chose.
    """
    with acting(NOBODY):
        user = _register(brand, name, company, email, password, language, accepts_terms, now)
    if user is None:
        make_password(password)  # an answer that comes sooner would tell that the address is known
    return user


@writes
def _register(
    brand: Brand, name: str, company: str, email: str, password: str, language: str, accepts_terms: bool, now: dt.datetime
) -> User | None:  # fmt: skip
    held = User.objects.at(brand.pk, email).select_for_update().first()
    if held is not None:
        if is_confirmed(held) or not SignUp.objects.filter(user=held, status=Status.CONFIRMING).exists():
            return None
        drop_candidate(user=held)
    user = make_candidate(brand=brand, email=email, name=name, password=password, language=language)
    if user is not None:
        SignUp.objects.create(
            user=user, brand=brand, company=company.strip(), terms_accepted_at=now if accepts_terms else None,
            terms_url=brand.terms_url if accepts_terms else "",
        )  # fmt: skip
    return user


def sign_ups_of(agency: Organization) -> QuerySet[SignUp]:
    """Who signed up at the agency's brand: those who wait on top, then newest first. The table has no owner column: the brand tells."""
    rows = SignUp.objects.filter(brand_id=agency.brand_id) if agency.owns_brand else SignUp.objects.none()
    waits = Case(When(status=Status.WAITING, then=0), default=1)
    return rows.select_related("user").order_by(waits, "-created_at", "-pk")


@writes
def approve(*, agency: Organization, sign_up_id: UUID, by: Actor, now: dt.datetime) -> SignUp:
    """Let somebody in; the workspace is made by `sign_up_steps.go_on`. Raises Conflict when it was decided already."""
    return _decide(agency, sign_up_id, by, now, Status.MAKING, action="sign_up.approve")


@writes
def refuse(*, agency: Organization, sign_up_id: UUID, note: str, by: Actor, now: dt.datetime) -> SignUp:
    """Turn somebody away, with a note to the person, who gets a mail. Raises Conflict when it was decided already."""
    row = _decide(agency, sign_up_id, by, now, Status.REFUSED, action="sign_up.refuse", error=note[:300])
    mails.tell_refused(row, agency=agency, now=now)
    return row


@writes
def save_settings(*, agency: Organization, values: dict[str, Any], by: Actor, now: dt.datetime) -> Portal:
    """How the agency takes clients in (fields of Portal)."""
    portal = ensure_portal(agency)
    portal.change(now, **values)
    plain = {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
    record_audit(organization=agency, by=by, action="sign_up.settings", target=agency, data=plain)
    return portal


def forget_unconfirmed(*, now: dt.datetime) -> int:
    """Forget accounts that never confirmed their address. Returns how many."""
    with acting(NOBODY):
        return _forget_unconfirmed(now)


@writes
def _forget_unconfirmed(now: dt.datetime) -> int:
    rows = SignUp.objects.filter(status=Status.CONFIRMING, created_at__lt=now - KEPT).select_for_update(of=("self",))
    gone = [row.user for row in rows.select_related("user")[:200] if not is_confirmed(row.user)]
    for user in gone:
        drop_candidate(user=user)
    return len(gone)


def _decide(
    agency: Organization, sign_up_id: UUID, by: Actor, now: dt.datetime, status: Status, *, action: str, **values: Any
) -> SignUp:
    rows = sign_ups_of(agency).filter(pk=sign_up_id)
    values |= {"status": status, "decided_by": by.label[:200], "decided_at": now, "updated_at": now}
    if not rows.filter(status=Status.WAITING).update(**values):
        raise Conflict(_("This sign-up was decided already."))
    row = rows.get()
    record_audit(organization=agency, by=by, action=action, target=row, data={"email": row.user.email})
    return row
