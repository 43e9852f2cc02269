"""The first start of an installation: its owner, its connection to the sandbox, and the demo workspace."""

from __future__ import annotations

import json
import secrets
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from apps.accounts.models import User, username_of
from apps.branding.models import INSTALLATION_ID, Brand
from apps.core import db
from apps.organizations.scopes import operator
from apps.portal.services.demo import create_demo
from apps.voice.services import sandbox_connection

EMAIL = "owner@example.com"


class Command(BaseCommand):
    help = "Makes the installation's owner and, unless DEMO=0, the demo workspace. Running it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        with operator("first start"):
            found = self._start()
        self.stdout.write(json.dumps(found) if options["json"] else "\n".join(f"{k}: {v}" for k, v in found.items()))

    def _start(self) -> dict[str, Any]:
        now = db.now()
        if settings.SANDBOX and settings.SANDBOX_URL:
            sandbox_connection(now)
        if User.objects.filter(is_superuser=True).exists():
            return {"created": False}
        password = secrets.token_urlsafe(12)
        owner = _owner(password)
        found = {"created": True, "email": owner.email, "password": password, "api_key": None, "demo_brand_slug": None}
        if settings.DEMO:
            demo = create_demo(owner=owner, now=now)
            found |= {"api_key": demo.api_key, "demo_brand_slug": demo.brand.slug, "organization": demo.agency.slug}
        return found


def _owner(password: str) -> User:
    brand, _made = Brand.objects.get_or_create(
        pk=INSTALLATION_ID, defaults={"slug": "installation", "name": settings.PRODUCT_NAME}
    )
    owner = User(
        brand=brand, username=username_of(brand.pk, EMAIL), email=EMAIL, name="Owner", is_staff=True, is_superuser=True
    )
    owner.set_password(password)
    owner.save()
    EmailAddress.objects.create(user=owner, email=EMAIL, verified=True, primary=True)
    return owner
