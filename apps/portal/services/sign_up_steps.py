"""From a confirmed e-mail address to a workspace, once under `signup:<user>`.

Called from the person's first page, from the agency's approval and from a sweep: each step is a transaction that locks
the sign-up and looks where it stands, and the workspace's id follows from the person's. A process that dies in the
middle leaves a sign-up that goes on.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid5

from django.db import IntegrityError
from django.db.models import Q, QuerySet

from apps.accounts.candidates import has_confirmed
from apps.accounts.models import User
from apps.billing.models import CREDIT, Buyer, LedgerEntry, Plan
from apps.billing.services import book
from apps.core.db import writes
from apps.core.errors import DomainError
from apps.core.scope import Scope, acting
from apps.organizations.models import Membership, Organization, Role
from apps.organizations.services import Actor, add_member, make_organization, record_audit
from apps.portal.models import Portal, SignUp
from apps.portal.services import sign_up_mails as mails
from apps.portal.services.library import copy_to_new_client
from apps.portal.services.newcomers import furnish
from apps.portal.services.sign_ups import agency_and_portal

# Ids of workspaces are made from those of the people who signed up for them.
SPACE = UUID("6f9a4f2e-5d0b-4a52-9d0c-0d6c3a5e8b17")
Status = SignUp.Status


def client_id(user: User) -> UUID:
    """The id of the workspace that this person's sign-up makes."""
    return uuid5(SPACE, f"signup:{user.pk}")


def sign_up_of(user: User) -> SignUp | None:
    return SignUp.objects.select_related("user", "brand").filter(user=user).first()


def to_go_on() -> QuerySet[SignUp]:
    """Sign-ups that wait for nobody: confirmed, or being made."""
    confirmed = Q(status=Status.CONFIRMING, user__emailaddress__verified=True)
    return SignUp.objects.filter(Q(status=Status.MAKING) | confirmed).order_by("created_at").distinct()


def go_on(*, sign_up: SignUp, now: dt.datetime) -> SignUp:
    """Take a sign-up as far as it goes by itself. Safe to call at any time, from several processes."""
    if sign_up.status not in (Status.CONFIRMING, Status.MAKING):
        return sign_up
    try:
        _go_on(sign_up, now)
    except IntegrityError:
        pass  # another process makes the same workspace at this moment
    except DomainError as error:
        SignUp.objects.filter(pk=sign_up.pk, status=Status.MAKING).update(error=error.text[:300], updated_at=now)
    return SignUp.objects.select_related("user", "brand").get(pk=sign_up.pk)


def _go_on(sign_up: SignUp, now: dt.datetime) -> None:
    found = agency_and_portal(sign_up.brand)
    if found is None and not sign_up.brand.is_installation:
        return
    agency, portal = found or (None, None)
    own = client_id(sign_up.user)
    with acting(Scope((own, *([agency.pk] if agency else [])))):
        _confirm(sign_up.pk, agency, portal, now)
        made = _make(sign_up.pk, own, agency, portal, now)
        if made is None:
            return
        problems = _equip(agency, made, portal, sign_up.user, now) if agency else []
        _finish(sign_up.pk, agency, portal, problems, now)


@writes
def _confirm(pk: UUID, agency: Organization | None, portal: Portal | None, now: dt.datetime) -> None:
    """The address is confirmed: the agency decides, or the workspace is made."""
    row = _locked(pk, Status.CONFIRMING)
    if row is None or not has_confirmed(row.user):
        return
    waits = bool(agency and portal and portal.approves_sign_ups)
    row.change(now, status=Status.WAITING if waits else Status.MAKING)
    if agency and waits:
        mails.tell_agency(row, agency=agency, portal=portal, waits=True, now=now)


@writes
def _make(pk: UUID, own: UUID, agency: Organization | None, portal: Portal | None, now: dt.datetime) -> Organization | None:
    """The workspace with its owner, wallet and free credits. None when the sign-up is not that far, or finished."""
    row = _locked(pk, Status.MAKING)
    if row is None:
        return None
    found = Organization.objects.select_related("brand").filter(pk=own).first()
    if found is not None:
        return found
    language = row.user.language or (agency.language if agency else row.brand.language) or "en"
    like: dict[str, Any] = {"country": agency.country, "timezone": agency.timezone} if agency else {}
    made = make_organization(
        id=own, name=row.company, brand=agency.brand if agency else row.brand, parent=agency, language=language,
        has_wallet=bool(agency and (portal is None or portal.gives_wallets)), **like,
    )  # fmt: skip
    by = _actor(row.user)
    record_audit(organization=made, by=by, action="organization.create", target=made, data={"how": "sign_up"})
    if not Membership.objects.for_organization(made).filter(user=row.user).exists():
        add_member(organization=made, user=row.user, role=Role.OWNER)
    if agency:
        Buyer.objects.create(organization=made, company=row.company, contact=row.user.name, email=row.user.email)
    if portal and portal.free_credits and made.has_wallet:
        book(
            organization_id=made.pk, key=f"signup:{row.user_id}", kind=LedgerEntry.Kind.GRANT,
            amount=portal.free_credits * CREDIT, actor=by, now=now,
        )  # fmt: skip
    row.change(now, organization_id=made.pk)
    return made


def _equip(agency: Organization, client: Organization, portal: Portal | None, user: User, now: dt.datetime) -> list[str]:
    """The plan it begins with, and copies of the agency's library. Returns what could not be done, in words."""
    problems, by = [], _actor(user)
    try:
        furnish(client=client, plan=_plan_of(agency, portal), has_wallet=client.has_wallet, by=by, now=now)
    except DomainError as error:
        problems.append(error.text)
    return [*problems, *copy_to_new_client(agency=agency, client=client, by=by, now=now)]


def _plan_of(agency: Organization, portal: Portal | None) -> Plan | None:
    if portal is None or portal.plan_id is None:
        return None
    return Plan.objects.for_organization(agency).filter(pk=portal.plan_id).first()


@writes
def _finish(pk: UUID, agency: Organization | None, portal: Portal | None, problems: list[str], now: dt.datetime) -> None:
    row = _locked(pk, Status.MAKING)
    if row is None:
        return
    row.change(now, status=Status.DONE, error="; ".join(problems)[:300])
    if agency and row.decided_at:
        mails.tell_ready(row, agency=agency, now=now)
    elif agency:
        mails.tell_agency(row, agency=agency, portal=portal, waits=False, now=now)


def _locked(pk: UUID, status: Status) -> SignUp | None:
    rows = SignUp.objects.select_for_update(of=("self",)).select_related("user", "brand")
    return rows.filter(pk=pk, status=status).first()


def _actor(user: User) -> Actor:
    return Actor(label=str(user), user=user)
