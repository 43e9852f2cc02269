"""A program that signs in over HTTP, and the person in front of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.core.cache import cache
from django.test import Client

from apps.accounts.models import User
from apps.organizations.models import Organization
from tests import factories
from tests.cases import TenantCase
from tests.dashboard.test_mcp import Mcp

VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
CALLBACK = "http://127.0.0.1:43117/callback"


class Flow:
    """One program at one host, and the person in front of it."""

    def __init__(self, browser: Client, *, host: str = "testserver", program: str = "") -> None:
        self.browser, self.host, self.web = browser, host, Client(headers={"host": host})
        self.program = program or self.register().json()["client_id"]

    def register(self, **changed: Any) -> Any:
        asked = {
            "client_name": "Desk helper", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "scope": "read write",
        } | changed  # fmt: skip
        return self.web.post("/identity/o/api/clients", json.dumps(asked), content_type="application/json")

    @property
    def resource(self) -> str:
        return f"http://{self.host}/mcp"

    def open(self, **changed: str | None) -> Any:
        """The consent page, or what stands in its place."""
        asked = {
            "response_type": "code", "client_id": self.program, "redirect_uri": CALLBACK, "scope": "read write", "state": "xyz",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256", "resource": self.resource,
        } | changed  # fmt: skip
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return self.browser.get(f"/identity/o/authorize?{query}", headers={"host": self.host})

    def decide(
        self, organization: Organization, *, action: str = "grant", scopes: Any = ("read", "write"), **asked: Any
    ) -> Any:
        page = self.open(**asked)
        signed = re.search(r'name="request" value="([^"]+)"', page.content.decode())
        assert signed, page.content.decode()
        sent = {"request": signed[1], "organization": str(organization.pk), "scopes": list(scopes), "action": action}
        return self.browser.post("/identity/o/authorize", sent, headers={"host": self.host})

    def code(self, organization: Organization, **asked: Any) -> str:
        answer = self.decide(organization, **asked)
        assert answer.status_code == 302, answer.content.decode()
        return parse_qs(urlsplit(answer["Location"]).query)["code"][0]

    def token(self, **changed: str) -> Any:
        sent = {"client_id": self.program, "resource": self.resource} | changed
        return self.web.post("/identity/o/api/token", sent)

    def exchange(self, code: str, **changed: str) -> Any:
        sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.token(**(sent | changed))

    def refresh(self, secret: str, **changed: str) -> Any:
        return self.token(**({"grant_type": "refresh_token", "refresh_token": secret} | changed))

    def connect(self, organization: Organization, **asked: Any) -> dict[str, Any]:
        answer = self.exchange(self.code(organization, **asked))
        assert answer.status_code == 200, answer.content
        return answer.json()


class OAuthCase(TenantCase):
    def setUp(self) -> None:
        cache.clear()
        self.flow = Flow(self.as_(self.cleo))

    def mcp(self, tokens: dict[str, Any], host: str = "testserver") -> Mcp:
        return Mcp(tokens["access_token"], host=host)

    def member(self, role: str, organization: Organization | None = None, **fields: Any) -> User:
        user = factories.make_user(role.title(), **fields)
        factories.make_member(organization or self.client_org, user, role)
        return user
