"""Make an API key for an organization."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.organizations.models import Organization
from apps.organizations.scopes import operator
from apps.organizations.services import SYSTEM, create_key


class Command(BaseCommand):
    help = "Makes an API key; the key is printed once and kept only as a digest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name", default="Command line")
        parser.add_argument("--read-only", action="store_true")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        with operator("create_api_key"):
            organization = Organization.objects.live().filter(slug=options["slug"]).first()
            if organization is None:
                raise CommandError(f"There is no organization with the slug {options['slug']}.")
            key, secret = create_key(
                organization=organization, name=options["name"], by=SYSTEM, read_only=options["read_only"]
            )
        found = {
            "organization_id": str(organization.pk),
            "slug": organization.slug,
            "key_id": str(key.pk),
            "api_key": secret,
        }
        self.stdout.write(json.dumps(found) if options["json"] else secret)
