"""On a reseller's host nothing names the product, its operator or an upstream: every page of a client, and the visitor's."""

from __future__ import annotations

import re

from django.test import Client

from apps.accounts.models import User
from apps.branding.models import Brand
from apps.core import db
from apps.organizations.services import SYSTEM
from apps.portal.services.portals import open_portal
from tests.cases import TenantCase
from tests.test_isolation import QUERY, Thing, path_of, routes

PORTAL = "bright.localhost"
NAMES = re.compile(r"switchboard|hms.?sovereign|hmsovereign|installation", re.IGNORECASE)
# Words of the product's own texts and code that hold one of the names and name nobody.
HARMLESS = re.compile(r"installation[-_ ]wide", re.IGNORECASE)
LINK = re.compile(r"""(?:href|src|action)=["'](https?://[^"']+)""")


class LeakTest(TenantCase):
    def setUp(self) -> None:
        self.brand = open_portal(agency=self.agency, slug="bright", name="Bright Voice", by=SYSTEM, now=db.now())
        self.ours = Thing(self.client_org)
        self.cleo = User.objects.get(pk=self.cleo.pk)
        self.assertEqual(Brand.objects.get(pk=self.cleo.brand_id), self.brand)

    def found(self, answer: object) -> set[str]:
        """What the answer should not hold; wire names are exempt in JSON."""
        body = b"".join(answer) if getattr(answer, "streaming", False) else answer.content  # type: ignore[attr-defined]
        shown = HARMLESS.sub("", body.decode(errors="replace")) if "json" not in answer.get("Content-Type", "") else ""  # type: ignore[attr-defined]
        names = {match.group(0).lower() for match in NAMES.finditer(shown + str(dict(answer.items())))}  # type: ignore[attr-defined]
        return names | {link for link in LINK.findall(shown) if not link.startswith(f"http://{PORTAL}")}

    def test_a_clients_pages_name_only_the_brand(self) -> None:
        browser = self.as_(self.cleo, host=PORTAL)
        wrong, opened = {}, 0
        for each in routes():
            if not each.is_page:
                continue
            path = path_of(each, self.ours.sample(each)) + QUERY.get(each.name, "")
            answer = browser.get(path)
            opened += answer.status_code < 400
            if leaks := self.found(answer):
                wrong[path] = sorted(leaks)
        self.assertEqual(wrong, {})
        self.assertGreater(opened, 60)

    def test_a_visitors_pages_name_only_the_brand(self) -> None:
        visitor = Client(headers={"host": PORTAL, "accept": "text/html"})
        for path in ("/accounts/login", "/accounts/password/reset", "/robots.txt", "/manifest.webmanifest", "/nothing", "/o/x/calls", "/api/docs"):
            with self.subTest(path):
                self.assertEqual(self.found(visitor.get(path)), set())
