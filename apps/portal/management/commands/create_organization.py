"""Make an organization with its owner and a first API key."""

from __future__ import annotations

import json
import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User, username_of
from apps.branding.middleware import installation_brand
from apps.branding.models import Brand
from apps.core.db import writes
from apps.organizations.models import Organization, Role
from apps.organizations.scopes import operator
from apps.organizations.services import SYSTEM, add_member, issue_key, make_organization


class Command(BaseCommand):
    help = "Makes an organization; prints its id, slug, API key, owner and (for a new account) the password, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, metavar="EMAIL")
        parser.add_argument("--parent", metavar="SLUG", help="the agency whose client this becomes")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        with operator("create_organization"):
            parent = _agency(options["parent"]) if options["parent"] else None
            found = _create(name=options["name"], email=options["owner"].strip().lower(), parent=parent)
        self.stdout.write(json.dumps(found) if options["json"] else "\n".join(f"{k}: {v}" for k, v in found.items()))


def _agency(slug: str) -> Organization:
    parent = Organization.objects.live().select_related("brand").filter(slug=slug, parent=None).first()
    if parent is None:
        raise CommandError(f"There is no agency with the slug {slug}.")
    return parent


@writes
def _create(*, name: str, email: str, parent: Organization | None) -> dict[str, str | None]:
    brand = parent.brand if parent else installation_brand()
    user, password = _person(brand, email)
    made = make_organization(name=name, brand=brand, parent=parent)
    add_member(organization=made, user=user, role=Role.OWNER)
    _key, secret = issue_key(organization=made, name="First key", by=SYSTEM)
    return {
        "organization_id": str(made.pk), "slug": made.slug, "api_key": secret, "owner": email, "password": password,
    }  # fmt: skip


def _person(brand: Brand, email: str) -> tuple[User, str | None]:
    if found := User.objects.at(brand.pk, email).first():
        return found, None
    password = secrets.token_urlsafe(12)
    user = User(brand=brand, username=username_of(brand.pk, email), email=email)
    user.set_password(password)
    user.save()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user, password
