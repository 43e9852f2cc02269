"""A reseller's host names nobody but the reseller: everything it answers, sends and hands out is read for names and links.

The client has neither API keys nor the choice of models; what it may see then holds no word of the product, the operator, an
engine or a provider, and no link to another host than the reseller's own.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client, override_settings
from django.urls import reverse

from apps.accounts.models import User, username_of
from apps.branding.models import Domain
from apps.catalog.providers import PARTS, providers
from apps.core.scope import acting
from apps.dashboard.help_pages import ORDER
from apps.organizations.features import ALL
from apps.organizations.models import Limits, Organization
from tests import factories
from tests.cases import TenantCase
from tests.mail.samples import every_mail
from tests.routes import AGENCYS, QUERY, path_of, routes
from tests.samples import Thing

HOST = "calls.northwind.example"
OPERATOR = "operator-canary.example"
# What would tell a client who builds, runs or powers its portal.
PROVIDERS = {name.lower() for part in PARTS for each in providers(part) for name in (each.id, each.label)}
NAMES = ("switchboard", "hms sovereign", "hmsovereign", "hms-sovereign", "operator-canary", "sandbox", "openai", "elevenlabs", "deepgram", "gemini", "grok", *PROVIDERS)
WORDS = re.compile("|".join(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])" for name in sorted(NAMES, key=len, reverse=True)), re.I)
LINK = re.compile(r"""(?:href|src|action|hx-get|hx-post|content|url|data-[a-z-]+)\s*[=(]\s*["']?(https?://[^"'\s)<>]+)""", re.I)
WITHOUT = {"choose_models", "provider_keys", "api_keys", "voice_engine", "sender_domain", "edit_assistants", "edit_prompts", "templates",
           "workflows", "trunks", "numbers"}  # fmt: skip
# A person's own words, and what a form shows back.
STATIC_TYPES = {".css", ".js", ".svg", ".json", ".map", ".txt", ".html"}


class Found:
    """Counts what was read, and keeps each leak once with where it was."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.leaks: dict[str, str] = {}

    def look(self, kind: str, where: str, text: str) -> None:
        self.read[kind] += 1
        for match in WORDS.finditer(text):
            near = " ".join(text[max(0, match.start() - 40) : match.end() + 40].split())
            self.leaks.setdefault(f"{kind}: {match[0].lower()}: {where.split('?')[0]}", near)
        for link in LINK.findall(text):
            host = urlsplit(link).hostname or ""
            if host not in (HOST, "www.w3.org", "northwind.example"):
                self.leaks.setdefault(f"{kind}: link to {host}: {where.split('?')[0]}", link)


@override_settings(BASE_URL=f"https://{OPERATOR}", PORTAL_BASE_DOMAIN="portals.test", DEFAULT_FROM_EMAIL=f"Switchboard <no-reply@{OPERATOR}>",
                   PORTAL_FROM_EMAIL="no-reply@portals.test")  # fmt: skip
class LeakTest(TenantCase):
    found: ClassVar[Found]
    maxDiff = None

    def setUp(self) -> None:
        self.found = Found()  # type: ignore[misc]
        brand = factories.make_brand(
            name="Northwind Voice", support_email="help@northwind.example", terms_url="https://northwind.example/terms", privacy_url="https://northwind.example/privacy"
        )
        Domain.objects.create(brand=brand, host=HOST, token="t", state="active")
        for row in (self.agency, self.client_org):
            with acting(factories.Scope((row.pk,))):
                Organization.objects.filter(pk=row.pk).update(brand=brand, owns_brand=row == self.agency, has_wallet=row != self.agency)
                row.refresh_from_db()
        factories.add_credits(self.client_org, 100)
        factories.add_credits(self.agency, 100)
        factories._make(Limits, self.client_org, features=sorted(ALL - WITHOUT))
        User.objects.filter(pk=self.cleo.pk).update(brand=brand, username=username_of(brand.pk, self.cleo.email))
        self.cleo.refresh_from_db()
        self.viewer = factories.make_user("Vera", brand=brand)
        factories.make_member(self.client_org, self.viewer, "viewer")
        self.thing = Thing(self.client_org)
        self.brand = brand

    def browser(self, user: User | None = None, language: str = "en") -> Client:
        browser = Client(headers={"host": HOST, "accept": "text/html", "accept-language": language})
        if user:
            browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return browser

    def take(self, kind: str, path: str, answer: Any) -> None:
        """An answer with its headers, cookies, and where it sends one."""
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        said = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        said += "\n" + "\n".join(cookie.OutputString() for cookie in answer.cookies.values())
        target = answer.headers.get("Location", "")
        if target and urlsplit(target).hostname not in (None, HOST):
            self.found.leaks[f"{kind}: sent to {target}"] = path
        text = pdf_text(body) if body.startswith(b"%PDF") else body.decode("utf-8", "replace")
        self.found.look(kind, path, without_rows(f"{said}\n{text}"))

    def read_pages(self, who: str, person: User | None, *languages: str) -> Counter[str]:
        opened = Counter[str]()
        for language in languages:
            browser = self.browser(person, language)
            for path in self.paths(visitor=person is None):
                answer = browser.get(path)
                self.take(f"page of {who}", path, answer)
                opened[f"{answer.status_code // 100}xx"] += 1
        print(f"\nleaks: {sum(self.found.read.values())} answers to the {who} read in {' '.join(languages)}: {dict(sorted(opened.items()))}")
        self.assertEqual(self.found.leaks, {})
        return opened

    def test_pages_of_a_visitor(self) -> None:
        self.assertGreater(self.read_pages("visitor", None, "en", "nl", "de")["2xx"], 10)

    def test_pages_of_a_viewer(self) -> None:
        self.assertGreater(self.read_pages("viewer", self.viewer, "en")["2xx"], 30)

    def test_pages_of_an_owner(self) -> None:
        self.assertGreater(self.read_pages("owner", self.cleo, "en")["2xx"], 50)

    def test_pages_of_an_owner_in_dutch(self) -> None:
        self.assertGreater(self.read_pages("owner", self.cleo, "nl")["2xx"], 50)

    def test_pages_of_an_owner_in_german(self) -> None:
        self.assertGreater(self.read_pages("owner", self.cleo, "de")["2xx"], 50)

    def paths(self, *, visitor: bool) -> list[str]:
        if visitor:
            names = ["account_login", "account_signup", "account_reset_password", "manifest", "favicon", "robots", "home"]
            return [*(reverse(name) for name in names), "/nowhere", "/o/bakker-dental/calls", "/invitations/nothing", "/api/docs", "/api/openapi.json",
                    "/api/v1/assistants", "/admin/", "/internal/certificate?domain=x", "/health", "/static/nowhere.js"]  # fmt: skip
        own = [each for each in routes() if each.is_page and not each.is_browsable and each.name not in AGENCYS]
        return [*(path_of(each, self.thing.sample(each)) + QUERY.get(each.name, "") for each in own), *(f"/o/bakker-dental/help/{name}" for name in ORDER), "/profile", "/profile/sessions",
                "/profile/two-factor", "/profile/email", "/profile/password", "/o/bakker-dental/nowhere", "/nowhere", "/api/docs", "/api/openapi.json",
                "/o/bakker-dental/api/v1/"]  # fmt: skip

    def test_errors_and_refused_forms(self) -> None:
        owner, visitor = self.browser(self.cleo), self.browser()
        for path in ("/accounts/login", "/accounts/signup", "/accounts/password/reset", "/o/bakker-dental/campaigns/new", "/o/bakker-dental/calls/new"):
            for browser in (owner, visitor):
                for data in ({}, {"login": "x", "email": "nobody", "password": "", "name": "x" * 500, "to": "123"}):
                    self.take("refused form", path, browser.post(path, data))
        for path in ("/o/bakker-dental/campaigns", "/nowhere"):
            self.take("wrong method", path, owner.put(path))
        strict = Client(enforce_csrf_checks=True, headers={"host": HOST})
        self.take("no token", "/accounts/login", strict.post("/accounts/login", {}))
        broken = Client(raise_request_exception=False, headers={"host": HOST})
        with override_settings(ROOT_URLCONF="tests.broken_urls"):
            answer = broken.get("/broken")
        self.assertEqual(answer.status_code, 500)
        self.take("error 500", "/broken", answer)
        api = Client(headers={"host": HOST, "authorization": "Bearer fl_live_nothing"})
        for path in ("/api/v1/assistants", "/api/v1/nowhere", "/api/v1/health", "/v1/web-calls"):
            self.take("error of the API", path, api.post(path, {}, content_type="application/json"))
        self.assertEqual(self.found.leaks, {})
        self.assertGreater(sum(self.found.read.values()), 20)

    def test_mails(self) -> None:
        """Every template that mails are made of, in each language, as it is rendered for this brand."""
        for name, language, subject, text, html in every_mail(self.brand):
            self.found.look("mail", f"{name} ({language})", f"{subject}\n{text}\n{html}")
        self.assertEqual(self.found.leaks, {})
        names = {path.name.split(".")[0] for path in Path(settings.BASE_DIR, "templates/emails").glob("*.subject.txt")}
        self.assertEqual(self.found.read["mail"], 3 * len(names))

    def test_files_that_pages_load(self) -> None:
        """Each static file a page names, and what these name in turn; no source map tells more than the file."""
        waiting = {"/accounts/login", "/o/bakker-dental/calls", "/o/bakker-dental/campaigns"}
        browser, seen = self.browser(self.cleo), set[str]()
        while waiting:
            path = waiting.pop()
            seen.add(path)
            if path.startswith("/static/"):
                file = finders.find(path.removeprefix("/static/").split("?")[0])
                text = Path(str(file)).read_text("utf-8", "replace") if file and Path(str(file)).suffix in STATIC_TYPES else ""
                self.found.look("static file", path, text)
            else:
                answer = browser.get(path)
                text = answer.content.decode("utf-8", "replace")
                if path.startswith("/brand/"):
                    self.take("brand file", path, answer)
            for link in re.findall(r"""(?:href|src|url|sourceMappingURL)\s*[=(]\s*["']?([^"'\s)<>]+)""", text):
                target = urlsplit(urljoin(path, link)).path
                if target.startswith(("/static/", "/brand/")) and target not in seen:
                    waiting.add(target)
        self.assertEqual(self.found.leaks, {})
        self.assertGreater(self.found.read["static file"], 8)


def without_rows(text: str) -> str:
    """What the walk's own rows are called names a provider or two: their words are the client's."""
    return re.sub(r"sandbox-canary", "", text)


def pdf_text(data: bytes) -> str:
    """A PDF's plain parts and its streams, unpacked."""
    parts = [data.decode("latin-1")]
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        try:
            parts.append(zlib.decompress(packed).decode("latin-1"))
        except zlib.error:
            continue
    return "\n".join(parts)
