"""Tokens of programs: what gives one, what it is good for, and what ends it."""

from __future__ import annotations

import datetime as dt
import json

import jwt
from allauth.idp.oidc.models import Client as Program
from allauth.idp.oidc.models import Token
from django.test import Client

from apps.core import db
from apps.dashboard.mcp.connections import connections_of, erase_unused
from apps.organizations.models import AuditEntry
from tests import factories
from tests.dashboard.oauth import Flow, OAuthCase


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
