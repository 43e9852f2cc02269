"""The demo workspace: an agency with its own brand, two clients, and a month of invented calls.

It is built from hand-written content, never dials by itself, and goes away with one button.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from allauth.account.models import EmailAddress
from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Cast, Concat

from apps.accounts.models import User, username_of
from apps.assistants.models import Assistant
from apps.assistants.services import judge_new
from apps.billing.services import add_credits
from apps.branding.models import Brand
from apps.branding.services import create_brand
from apps.campaigns.models import Campaign, Lead
from apps.core.db import writes
from apps.core.scope import acting
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import Organization, Role
from apps.organizations.scopes import acting_for, overview
from apps.organizations.services import SYSTEM, Actor, add_member, issue_key, make_organization
from apps.portal.demo import content
from apps.portal.services import demo_calls
from apps.portal.services.erase import erase_all


@dataclass(frozen=True)
class Demo:
    """What `make run` prints of the demo: its agency, the agency's brand and an API key, shown once."""

    agency: Organization
    brand: Brand
    api_key: str


@dataclass
class Built:
    """Rows made so far, by the keys of the content."""

    organizations: dict[str, Organization]
    assistants: dict[str, Assistant]
    numbers: dict[str, PhoneNumber]
    campaigns: dict[str, tuple[Campaign, dict[str, Lead]]]


def create_demo(*, owner: User, now: dt.datetime) -> Demo:
    """Build the demo for `owner`, who also gets an account with the same password at the demo's brand.

    Runs in operator scope; addresses in configs are judged before any row is written.
    """
    demo = _build(owner=owner, now=now)
    add_credits(
        organization=demo.agency, credits=Decimal(content.cast().organizations[0].credits),
        note="Demo", actor=SYSTEM, key="demo:credits", now=now,
    )  # fmt: skip
    return demo


@writes
def _build(*, owner: User, now: dt.datetime) -> Demo:
    cast = content.cast()
    brand = create_brand(
        slug=cast.brand.slug, name=cast.brand.name, primary_color=cast.brand.primary_color,
        accent_color=cast.brand.accent_color, support_email=cast.brand.support_email, language=cast.brand.language,
    )  # fmt: skip
    built = Built(_organizations(cast, brand), {}, {}, {})
    agency = built.organizations[cast.brand.organization]
    for member in (owner, _same_person_at(brand, owner)):
        add_member(organization=agency, user=member, role=Role.OWNER)
    _key, secret = issue_key(organization=agency, name="Demo", by=SYSTEM)
    _assistants(built)
    _numbers(built, cast)
    planned = content.plan(today=now.date())
    demo_calls.make_campaigns(built, planned, now)
    demo_calls.make_calls(built, planned, now)
    return Demo(agency, brand, secret)


def _organizations(cast: content.Cast, brand: Brand) -> dict[str, Organization]:
    made: dict[str, Organization] = {}
    for each in cast.organizations:
        made[each.key] = make_organization(
            name=each.name, brand=brand, parent=made[each.parent] if each.parent else None, owns_brand=not each.parent,
            language=each.language, timezone=each.timezone, country=each.country, is_demo=True,
        )  # fmt: skip
    return made


def _same_person_at(brand: Brand, owner: User) -> User:
    """An account at the brand's own host: accounts belong to brands."""
    user = User.objects.create(
        brand=brand, username=username_of(brand.pk, owner.email), email=owner.email, name=owner.name,
        password=owner.password, language=owner.language, timezone=owner.timezone,
    )  # fmt: skip
    EmailAddress.objects.create(user=user, email=owner.email, verified=True, primary=True)
    return user


def _assistants(built: Built) -> None:
    for key, each in content.assistants().items():
        organization = built.organizations[each.organization]
        values = judge_new(organization=organization, data=each.config).require()
        built.assistants[key] = Assistant.objects.create(organization=organization, **values)


def _numbers(built: Built, cast: content.Cast) -> None:
    trunks = {
        each.key: SipTrunk.objects.create(
            organization=built.organizations[each.organization], name=each.name, provider=each.provider,
            address=each.address, transport=each.transport, auth_username=each.auth_username,
        )
        for each in cast.trunks
    }  # fmt: skip
    for each in cast.numbers:
        built.numbers[each.phone_number] = PhoneNumber.objects.create(
            organization=built.organizations[each.organization], phone_number=each.phone_number, name=each.name,
            assistant=built.assistants.get(each.assistant or ""), transfer_trunk=trunks.get(each.trunk or ""),
        )  # fmt: skip


def remove_demo(*, organization: Organization, by: Actor, now: dt.datetime) -> None:
    """Take the demo away: clients first, then the agency. Running it again after a crash finishes the rest.

    Each organization is erased in its own scope. Its row stays as a closed tombstone for the ledger, which never changes.
    """
    agency_id = organization.parent_id or organization.pk
    with acting(overview("the demo's organizations")):
        demo = Organization.objects.filter(Q(pk=agency_id) | Q(parent_id=agency_id), is_demo=True).order_by("parent_id")
        found = sorted(demo, key=lambda each: each.parent_id is None)
    for each in found:
        with acting_for(each):
            erase_all(organization=each, by=by, now=now)
    _close_brand(found[-1].brand)


@writes
def _close_brand(brand: Brand) -> None:
    """Its accounts go, its address is free again; the row stays because the tombstones wear it."""
    if not brand.is_installation:
        User.objects.filter(brand=brand).update(
            is_active=False, username=Concat(F("username"), Value(":gone:"), Cast("id", CharField()))
        )
        brand.is_open, brand.slug = False, f"gone-{brand.pk.hex[-12:]}"
        brand.save(update_fields=["is_open", "slug"])
