"""What a connected program may do: never more than its person, and at one brand's host alone."""

from __future__ import annotations

import json
import re

from allauth.idp.oidc.models import Token
from django.core.cache import cache

from apps.accounts.models import User
from apps.organizations.models import Membership
from tests import factories
from tests.dashboard.oauth import Flow, OAuthCase
from tests.dashboard.test_mcp import Mcp


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
