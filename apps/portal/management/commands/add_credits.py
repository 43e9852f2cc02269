"""Book credits on an organization's balance."""

from __future__ import annotations

import secrets
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.billing.models import CREDIT
from apps.billing.services import add_credits, balance
from apps.core import db
from apps.organizations.models import Organization
from apps.organizations.scopes import operator
from apps.organizations.services import SYSTEM


class Command(BaseCommand):
    help = "Books credits on an organization's ledger; a negative number takes them away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("credits")
        parser.add_argument("--note", required=True)
        parser.add_argument("--key", help="the same key books once, however often it is run")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            amount = Decimal(options["credits"])
        except InvalidOperation:
            raise CommandError(f"{options['credits']} is no number of credits.") from None
        with operator("add_credits"):
            organization = Organization.objects.live().filter(slug=options["slug"]).first()
            if organization is None:
                raise CommandError(f"There is no organization with the slug {options['slug']}.")
            add_credits(
                organization=organization, credits=amount, note=options["note"], actor=SYSTEM,
                key=options["key"] or f"cli:{secrets.token_hex(8)}", now=db.now(),
            )  # fmt: skip
            self.stdout.write(f"{organization.slug}: {balance(organization.pk) / CREDIT:.4f} credits")
