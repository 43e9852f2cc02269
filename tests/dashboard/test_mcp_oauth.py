"""Sign-in for programs, step by step over HTTP: discovery, registration, consent, tokens, and every way to be refused."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from allauth.idp.oidc.models import Client as Program
from allauth.idp.oidc.models import Token
from django.core.cache import cache
from django.test import Client
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata

from apps.accounts.checks import oauth_signing_key
from apps.accounts.models import User
from apps.accounts.oauth import redirect_problem
from apps.core import db
from apps.dashboard.mcp.connections import connections_of, erase_unused
from apps.organizations.models import AuditEntry, Membership, Organization
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


class TokenTest(OAuthCase):
    def test_the_whole_way(self) -> None:
        tokens = self.flow.connect(self.client_org)
        self.assertEqual((tokens["expires_in"], tokens["token_type"]), (3600, "Bearer"))
        self.assertEqual(set(tokens["scope"].split()), {"read", "write"})
        mcp = self.mcp(tokens)
        made = mcp.tool("create_assistant", name="Robin")
        self.assertFalse(made["isError"], made)
        with self.acting_for(self.client_org):
            entry = AuditEntry.objects.get(action="assistant.create")
        self.assertEqual((entry.actor, entry.user_id, entry.api_key_id), ("Cleo (Desk helper)", self.cleo.pk, None))
        self.assertEqual(
            Client(headers={"authorization": f"Bearer {tokens['access_token']}"}).get("/api/v1/calls").status_code, 401
        )

    def test_only_digests_are_kept(self) -> None:
        tokens = self.flow.connect(self.client_org)
        kept = json.dumps(list(Token.objects.values()), default=str)
        self.assertNotIn(tokens["access_token"], kept)
        self.assertNotIn(tokens["refresh_token"], kept)

    def test_a_code_works_once_for_its_own_program(self) -> None:
        code = self.flow.code(self.client_org)
        self.assertEqual(self.flow.exchange(code, code_verifier="w" * 64).status_code, 400)
        self.assertEqual(self.flow.exchange(code).json(), {"error": "invalid_grant"})
        code = self.flow.code(self.client_org)
        self.assertEqual(self.flow.exchange(code).status_code, 200)
        self.assertEqual(self.flow.exchange(code).json(), {"error": "invalid_grant"})
        other = Flow(self.flow.browser)
        self.assertEqual(other.exchange(self.flow.code(self.client_org)).status_code, 400)
        self.assertEqual(self.flow.exchange("guess").json(), {"error": "invalid_grant"})

    def test_no_other_way_to_a_token(self) -> None:
        for kind in ("password", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code", ""):
            answer = self.flow.token(grant_type=kind, username="cleo@example.com", password=factories.PASSWORD)
            self.assertEqual((answer.status_code, answer.json()["error"]), (400, "unsupported_grant_type"))

    def test_a_token_is_for_one_server(self) -> None:
        code = self.flow.code(self.client_org)
        self.assertEqual(
            self.flow.exchange(code, resource="https://evil.example/mcp").json(), {"error": "invalid_target"}
        )
        without = self.flow.exchange(
            self.flow.code(self.client_org, resource=None), resource="http://testserver/mcp"
        ).json()
        self.assertEqual(self.mcp(without).call("ping").status_code, 200)
        Token.objects.filter(type="at").update(data={"resources": ["http://other.example/mcp"]})
        self.assertEqual(self.mcp(without).call("ping").status_code, 401)

    def test_a_refresh_token_works_once_and_keeps_the_connection(self) -> None:
        tokens = self.flow.connect(self.client_org)
        before = connections_of(self.cleo)
        fresh = self.flow.refresh(tokens["refresh_token"]).json()
        self.assertEqual(self.mcp(fresh).tool("get_organization")["structuredContent"]["id"], str(self.client_org.pk))
        again = self.flow.refresh(tokens["refresh_token"])
        self.assertEqual((again.status_code, again.json()), (400, {"error": "invalid_grant"}))
        after = connections_of(self.cleo)
        self.assertEqual([(each.id, each.since) for each in after], [(each.id, each.since) for each in before])
        self.assertEqual(self.flow.refresh(fresh["access_token"]).status_code, 400)

    def test_a_token_runs_out(self) -> None:
        tokens = self.flow.connect(self.client_org)
        Token.objects.update(expires_at=db.now() - dt.timedelta(seconds=1))
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)
        self.assertEqual(self.flow.refresh(tokens["refresh_token"]).status_code, 400)

    def test_giving_one_token_back_ends_the_connection(self) -> None:
        tokens, kept = self.flow.connect(self.client_org), Flow(self.as_(self.ada)).connect(self.client_org)
        sent = {"token": tokens["refresh_token"], "client_id": self.flow.program}
        self.assertEqual(self.flow.web.post("/identity/o/api/revoke", sent).status_code, 200)
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)
        self.assertEqual(self.mcp(kept).call("ping").status_code, 200)
        sent = {"token": "unknown", "client_id": self.flow.program}
        self.assertEqual(self.flow.web.post("/identity/o/api/revoke", sent).status_code, 200)

    def test_a_new_consent_takes_the_place_of_the_last(self) -> None:
        first = self.flow.connect(self.client_org)
        second = self.flow.connect(self.client_org)
        self.assertEqual(self.mcp(first).call("ping").status_code, 401)
        self.assertEqual(self.mcp(second).call("ping").status_code, 200)
        self.assertEqual(len(connections_of(self.cleo)), 1)

    def test_who_someone_is(self) -> None:
        tokens = self.flow.connect(self.client_org, scope="openid read", scopes=["read", "openid"])
        keys = jwt.PyJWKSet.from_dict(Client().get("/.well-known/jwks.json").json())
        claims = jwt.decode(tokens["id_token"], keys.keys[0], algorithms=["RS256"], audience=self.flow.program)
        self.assertEqual((claims["iss"], claims["sub"]), ("http://testserver", str(self.cleo.pk)))
        self.assertNotIn("cleo", json.dumps(claims).lower().replace(str(self.cleo.pk), ""))

    def test_a_token_that_may_only_say_who_someone_is(self) -> None:
        tokens = self.flow.connect(self.client_org, scope="openid", scopes=["openid"])
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)


class RightsTest(OAuthCase):
    def test_the_role_decides(self) -> None:
        for role, may_write in (("viewer", False), ("member", True), ("admin", True)):
            cache.clear()
            tokens = Flow(self.as_(self.member(role))).connect(self.client_org)
            mcp = self.mcp(tokens)
            self.assertEqual("create_assistant" in mcp.names(), may_write, role)
            self.assertIn("list_assistants", mcp.names())
            self.assertEqual(mcp.tool("list_assistants")["isError"], False)

    def test_a_tick_less_means_looking_only(self) -> None:
        mcp = self.mcp(self.flow.connect(self.client_org, scopes=["read"]))
        self.assertNotIn("create_assistant", mcp.names())
        answer = mcp.call("tools/call", {"name": "delete_assistant", "arguments": {}}).json()
        self.assertIn("error", answer)

    def test_what_was_not_asked_is_not_given(self) -> None:
        mcp = self.mcp(self.flow.connect(self.client_org, scope="read", scopes=["read"]))
        self.assertNotIn("create_assistant", mcp.names())
        self.assertEqual(self.flow.decide(self.client_org, scope="read", scopes=["read", "write"]).status_code, 422)

    def test_a_role_that_changes_counts_at_once(self) -> None:
        user = self.member("member")
        mcp = self.mcp(Flow(self.as_(user)).connect(self.client_org))
        self.assertIn("create_assistant", mcp.names())
        with self.acting_for(self.client_org):
            Membership.objects.filter(user=user).update(role="viewer")
        self.assertNotIn("create_assistant", mcp.names())
        with self.acting_for(self.client_org):
            Membership.objects.filter(user=user).delete()
        self.assertEqual(mcp.call("ping").status_code, 401)

    def test_whoever_left_gets_no_fresh_token(self) -> None:
        user = self.member("member")
        flow = Flow(self.as_(user))
        tokens, code = flow.connect(self.client_org), flow.code(self.client_org)
        with self.acting_for(self.client_org):
            Membership.objects.filter(user=user).delete()
        self.assertEqual(flow.refresh(tokens["refresh_token"]).json(), {"error": "invalid_grant"})
        self.assertEqual(flow.exchange(code).json(), {"error": "invalid_grant"})
        self.assertEqual(Token.objects.filter(user=user, type="at").count(), 1)

    def test_an_account_that_is_switched_off(self) -> None:
        tokens = self.flow.connect(self.client_org)
        User.objects.filter(pk=self.cleo.pk).update(is_active=False)
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)
        self.assertEqual(self.flow.refresh(tokens["refresh_token"]).status_code, 400)

    def test_a_new_password_ends_what_was_connected(self) -> None:
        tokens = self.flow.connect(self.client_org)
        sent = {"oldpassword": factories.PASSWORD, "password1": "another horse 9", "password2": "another horse 9"}
        self.assertEqual(self.flow.browser.post("/profile/password", sent).status_code, 302)
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)

    def test_a_suspended_organization(self) -> None:
        tokens = self.flow.connect(self.client_org)
        with self.acting_for(self.client_org):
            self.client_org.suspended_at = factories.NOW
            self.client_org.save()
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 403)
        self.assertEqual(self.flow.decide(self.client_org).status_code, 422)

    def test_every_connection_has_a_limit_of_its_own(self) -> None:
        with self.settings(API_REQUESTS_PER_MINUTE=2):
            mcp, other = (
                self.mcp(self.flow.connect(self.client_org)),
                self.mcp(Flow(self.as_(self.ada)).connect(self.agency)),
            )
            self.assertEqual([mcp.call("ping").status_code for _n in range(3)], [200, 200, 429])
            self.assertEqual(other.call("ping").status_code, 200)


class BrandTest(OAuthCase):
    """Two portals on two hosts: nothing of one opens anything of the other."""

    def setUp(self) -> None:
        super().setUp()
        self.brands = [factories.make_brand(slug, slug.title()) for slug in ("acme", "zenit")]
        agencies = [factories.make_organization(each.name, brand=each) for each in self.brands]
        self.orgs = [factories.make_organization(f"{each.name} One", brand=each.brand, parent=each) for each in agencies]
        self.people = [factories.make_user("Pia", brand=each, email=f"pia@{each.slug}.example") for each in self.brands]
        for organization, user in zip(self.orgs, self.people, strict=True):
            factories.make_member(organization, user, "owner")
        self.acme, self.zenit = (
            Flow(self.as_(user), host=f"{brand.slug}.localhost")
            for user, brand in zip(self.people, self.brands, strict=True)
        )

    def test_a_token_of_one_host_is_refused_at_another(self) -> None:
        tokens = self.acme.connect(self.orgs[0])
        self.assertEqual(self.mcp(tokens, host="acme.localhost").call("ping").status_code, 200)
        for host in ("zenit.localhost", "testserver"):
            self.assertEqual(self.mcp(tokens, host=host).call("ping").status_code, 401)
            asked = Flow(self.acme.browser, host=host, program=self.acme.program).refresh(tokens["refresh_token"])
            self.assertIn(asked.json()["error"], ("invalid_grant", "invalid_target"))

    def test_a_program_of_one_host_is_unknown_at_another(self) -> None:
        flow = Flow(self.zenit.browser, host="zenit.localhost", program=self.acme.program)
        answer = flow.open()
        self.assertEqual(answer.status_code, 400)
        self.assertNotIn("Desk helper", answer.content.decode())

    def test_a_consent_of_one_host_is_of_no_use_at_another(self) -> None:
        page = self.acme.open().content.decode()
        signed = re.search(r'name="request" value="([^"]+)"', page)
        assert signed
        sent = {"request": signed[1], "organization": str(self.orgs[1].pk), "scopes": ["read"], "action": "grant"}
        answer = self.zenit.browser.post("/identity/o/authorize", sent, headers={"host": "zenit.localhost"})
        self.assertEqual(answer.status_code, 400)

    def test_the_page_wears_the_brand(self) -> None:
        text = self.acme.open().content.decode()
        self.assertIn("Acme", text)
        self.assertNotIn("Switchboard", text)

    def test_a_key_works_on_every_host_of_its_organization(self) -> None:
        mcp = Mcp(factories.make_key(self.orgs[0]), host="acme.localhost")
        answer = mcp.call("initialize", {"protocolVersion": "2025-06-18"}).json()["result"]
        self.assertEqual(answer["serverInfo"]["title"], "Acme")
        self.assertNotIn("Switchboard", json.dumps(answer))


class PagesTest(OAuthCase):
    def test_a_person_sees_and_ends_what_she_connected(self) -> None:
        tokens = self.flow.connect(self.client_org)
        Flow(self.as_(self.ada)).connect(self.agency)
        page = self.flow.browser.get("/profile/apps")
        self.assertContains(page, "Bakker Dental")
        self.assertNotContains(page, "Northwind Voice")
        [connection] = connections_of(self.cleo)
        answer = self.flow.browser.post("/profile/apps", {"connection": str(connection.id)})
        self.assertRedirects(answer, "/profile/apps")
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)
        self.assertEqual(self.flow.refresh(tokens["refresh_token"]).status_code, 400)
        with self.acting_for(self.client_org):
            entry = AuditEntry.objects.get(action="app.disconnect")
        self.assertEqual((entry.actor, entry.data), ("Cleo", {"app": "Desk helper", "person": "Cleo"}))
        self.assertEqual(len(connections_of(self.ada)), 1)

    def test_somebody_elses_connection_is_404(self) -> None:
        self.flow.connect(self.client_org)
        [connection] = connections_of(self.cleo)
        self.assertEqual(self.as_(self.dov).post("/profile/apps", {"connection": str(connection.id)}).status_code, 404)
        path = f"/o/{self.stranger.slug}/settings/apps/{connection.id}/disconnect"
        self.assertEqual(self.as_(self.dov).post(path).status_code, 404)
        self.assertEqual(len(connections_of(self.cleo)), 1)
        self.assertEqual(Client().get("/profile/apps").status_code, 302)

    def test_an_admin_sees_and_ends_everybodys(self) -> None:
        user = self.member("member")
        tokens = Flow(self.as_(user)).connect(self.client_org)
        page = self.flow.browser.get(f"/o/{self.client_org.slug}/settings/apps")
        self.assertContains(page, "Member")
        self.assertEqual(self.as_(user).get(f"/o/{self.client_org.slug}/settings/apps").status_code, 403)
        [connection] = connections_of(user)
        path = f"/o/{self.client_org.slug}/settings/apps/{connection.id}/disconnect"
        self.assertEqual(self.as_(user).post(path).status_code, 403)
        self.assertEqual(self.flow.browser.post(path).status_code, 302)
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 401)

    def test_one_and_three_connections_cost_the_same(self) -> None:
        self.flow.browser.get(f"/o/{self.client_org.slug}/settings/apps")
        for count in (1, 2):
            for _n in range(count):
                factories.make_connection(self.client_org, self.cleo)
            with self.assertNumQueries(12):
                self.flow.browser.get(f"/o/{self.client_org.slug}/settings/apps")

    def test_the_audit_log_has_words_for_it(self) -> None:
        self.flow.connect(self.client_org)
        page = self.flow.browser.get(f"/o/{self.client_org.slug}/settings/audit")
        self.assertContains(page, "Connected app: connected")


class ErasureTest(OAuthCase):
    def test_what_ran_out_goes(self) -> None:
        tokens = self.flow.connect(self.client_org)
        Flow(self.as_(self.cleo))
        Program.objects.update(created_at=db.now() - dt.timedelta(days=8))
        fresh = self.flow.register().json()["client_id"]
        erase_unused(now=db.now())
        self.assertEqual(set(Program.objects.values_list("pk", flat=True)), {self.flow.program, fresh})
        self.assertEqual(self.mcp(tokens).call("ping").status_code, 200)
        erase_unused(now=db.now() + dt.timedelta(days=31))
        self.assertEqual(Token.objects.count(), 0)


@pytest.mark.parametrize("text", ["abc", "AAAA", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"])
def test_a_signing_key_that_is_none(text: str, settings: Any) -> None:
    settings.OAUTH_SIGNING_KEY = text
    assert [error.id for error in oauth_signing_key()] == ["accounts.E001"]
