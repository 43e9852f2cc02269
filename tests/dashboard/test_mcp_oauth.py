"""Sign-in for programs, step by step over HTTP: discovery, registration, consent, and every way to be refused."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.idp.oidc.models import Token
from django.core.cache import cache
from django.test import Client
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata

from apps.accounts.checks import oauth_signing_key
from apps.accounts.oauth import redirect_problem
from apps.organizations.models import AuditEntry
from tests import factories
from tests.dashboard.oauth import CALLBACK, Flow, OAuthCase


class DiscoveryTest(OAuthCase):
    def test_a_program_finds_its_way_from_the_401(self) -> None:
        refused = Client().post("/mcp", "{}", content_type="application/json")
        where = re.search(r'resource_metadata="http://testserver([^"]+)"', refused["WWW-Authenticate"])
        assert where
        for path in (where[1], "/.well-known/oauth-protected-resource"):
            about = ProtectedResourceMetadata.model_validate_json(Client().get(path).content)
            self.assertEqual(str(about.resource), "http://testserver/mcp")
            self.assertEqual([str(each) for each in about.authorization_servers], ["http://testserver"])
        for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
            answer = Client().get(path)
            server = OAuthMetadata.model_validate_json(answer.content)
            self.assertEqual((str(server.issuer), answer["Access-Control-Allow-Origin"]), ("http://testserver", "*"))
            self.assertEqual(server.code_challenge_methods_supported, ["S256"])
            self.assertEqual(server.response_types_supported, ["code"])
        self.assertNotEqual(Client().get("/.well-known/jwks.json").json()["keys"], [])

    def test_each_host_names_itself(self) -> None:
        brand = factories.make_brand("acme", "Acme Phones")
        factories.make_organization("Acme One", brand=brand, parent=factories.make_organization("Acme", brand=brand))
        answer = Client(headers={"host": "acme.localhost"}).get("/.well-known/oauth-protected-resource/mcp")
        self.assertEqual(answer.json()["resource"], "http://acme.localhost/mcp")
        self.assertEqual(answer.json()["resource_name"], "Acme Phones")
        with self.settings(BASE_URL="https://calls.example.com"):
            answer = Client(headers={"host": "calls.example.com"}).get("/.well-known/oauth-authorization-server")
        for name, value in answer.json().items():
            if isinstance(value, str) and "endpoint" in name:
                self.assertTrue(value.startswith("https://calls.example.com/identity/o/"), name)

    def test_what_is_not_offered_is_not_there(self) -> None:
        for path in ("device", "logout", "api/userinfo", "api/introspect", "api/device/code"):
            self.assertEqual(Client().get(f"/identity/o/{path}").status_code, 404, path)


class RegistrationTest(OAuthCase):
    def test_a_program_gets_what_is_offered_here(self) -> None:
        made = self.flow.register(
            scope="openid email", grant_types=["client_credentials"], response_types=["token"]
        ).json()
        self.assertEqual(made["grant_types"], ["authorization_code", "refresh_token"])
        self.assertEqual((made["response_types"], made["scope"]), (["code"], "read write openid"))
        self.assertNotIn("client_secret", made)

    def test_addresses_that_are_dangerous(self) -> None:
        for uri in (
            "javascript:alert(1)", "data:text/html,x", "http://evil.example/cb", "https://a.example/cb#x", "ftp://a.example/",
            "https://u:p@a.example/", "https:///cb", "https://a.example/ x", "file:///etc/passwd", "x:y", "https://*.example/",
            "http://127.0.0.1.evil.example/", "http://[::1", "",
        ):  # fmt: skip
            self.assertEqual(self.flow.register(redirect_uris=[uri]).status_code, 400, uri)
            cache.clear()
        self.assertEqual(
            self.flow.register(redirect_uris=[f"https://a.example/{n}" for n in range(11)]).status_code, 400
        )

    def test_addresses_that_programs_use(self) -> None:
        for uri in (
            CALLBACK, "http://localhost:3000/cb", "http://[::1]:1/cb", "https://client.example.com/auth_callback",
            "cursor://anysphere.cursor-retrieval/oauth", "com.example.app:/cb",
        ):  # fmt: skip
            self.assertIsNone(redirect_problem(uri), uri)

    def test_registering_is_limited(self) -> None:
        self.assertEqual([self.flow.register().status_code for _n in range(6)].count(429), 2)

    def test_a_name_that_is_no_name(self) -> None:
        self.assertEqual(self.flow.register(client_name="<b>x").status_code, 400)
        self.assertEqual(self.flow.register(client_name="").json()["client_name"], "127.0.0.1")


class ConsentTest(OAuthCase):
    def test_nobody_signed_in_is_sent_to_sign_in_and_comes_back(self) -> None:
        flow = Flow(Client(), program=self.flow.program)
        answer = flow.open()
        self.assertTrue(answer["Location"].startswith("/accounts/login?next=/identity/o/authorize"))

    def test_the_page_says_what_is_asked(self) -> None:
        page = self.flow.open()
        text = page.content.decode()
        for words in (
            "Connect Desk helper?",
            "Bakker Dental",
            "start calls",
            "127.0.0.1",
            "cleo@example.com",
            'name="scopes" value="write"',
        ):
            self.assertIn(words, text)
        self.assertNotIn("Dove and Co", text)
        self.assertIn("form-action 'self' http://127.0.0.1:43117", page["Content-Security-Policy"])
        self.assertEqual(page["X-Frame-Options"], "DENY")

    def test_no(self) -> None:
        answer = self.flow.decide(self.client_org, action="cancel")
        said = parse_qs(urlsplit(answer["Location"]).query)
        self.assertEqual(
            (said["error"], said["state"], said["iss"]), (["access_denied"], ["xyz"], ["http://testserver"])
        )
        self.assertEqual(Token.objects.count(), 0)

    def test_yes(self) -> None:
        answer = self.flow.decide(self.client_org)
        said = parse_qs(urlsplit(answer["Location"]).query)
        self.assertTrue(answer["Location"].startswith(CALLBACK))
        self.assertEqual((said["state"], said["iss"]), (["xyz"], ["http://testserver"]))
        with self.acting_for(self.client_org):
            entry = AuditEntry.objects.get(action="app.connect")
        self.assertEqual((entry.actor, entry.data), ("Cleo", {"app": "Desk helper", "scopes": ["read", "write"]}))

    def test_only_an_organization_of_ones_own(self) -> None:
        answer = self.flow.decide(self.stranger)
        self.assertEqual(answer.status_code, 422)
        self.assertEqual(self.flow.decide(self.agency).status_code, 422)
        ada = Flow(self.as_(self.ada), program=self.flow.program)
        self.assertEqual(ada.decide(self.client_org).status_code, 302)

    def test_an_organization_that_asks_for_a_second_factor(self) -> None:
        tokens = self.flow.connect(self.client_org)
        with self.acting_for(self.client_org):
            self.client_org.requires_second_factor = True
            self.client_org.save()
        answer = self.flow.decide(self.client_org)
        self.assertEqual(answer.status_code, 422)
        self.assertIn("two-factor", answer.content.decode())
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 403)

    def test_requests_that_are_not_answered(self) -> None:
        for changed in (
            {"code_challenge_method": "plain"}, {"code_challenge": None}, {"code_challenge_method": None}, {"prompt": "none"},
            {"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}, {"client_id": None},
            {"resource": "https://evil.example/mcp"}, {"resource": "http://testserver/"}, {"resource": "nonsense"},
        ):  # fmt: skip
            answer = self.flow.open(**changed)
            self.assertEqual(answer.status_code, 400, changed)
            self.assertNotIn('name="request"', answer.content.decode())

    def test_requests_that_are_answered_with_an_error(self) -> None:
        for changed, error in (
            ({"response_type": "token"}, "unauthorized_client"),
            ({"scope": "admin"}, "invalid_scope"),
        ):
            answer = self.flow.open(**changed)
            said = parse_qs(urlsplit(answer["Location"]).query)
            self.assertEqual((answer.status_code, said["iss"]), (302, ["http://testserver"]))
            self.assertIn(said["error"][0], (error, "unsupported_response_type"))

    def test_a_form_of_somebody_else_is_refused(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.cleo, backend="allauth.account.auth_backends.AuthenticationBackend")
        self.assertEqual(Flow(strict, program=self.flow.program).decide(self.client_org).status_code, 403)
        forged = self.as_(self.cleo).post("/identity/o/authorize", {"request": "forged:abc", "action": "grant"})
        self.assertEqual(forged.status_code, 403)


@pytest.mark.parametrize("text", ["abc", "AAAA", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"])
def test_a_signing_key_that_is_none(text: str, settings: Any) -> None:
    settings.OAUTH_SIGNING_KEY = text
    assert [error.id for error in oauth_signing_key()] == ["accounts.E001"]
