"""Provider keys at an engine of the base wire: only after somebody agreed, only in an account of one's own."""

from __future__ import annotations

from django.test import override_settings

from apps.catalog.services.keys import remove_key, store_key
from apps.catalog.slots import SLOTS
from apps.core import db
from apps.numbers.sync import synchronise
from apps.organizations.models import AuditEntry
from apps.organizations.services import SYSTEM
from apps.voice.mirror import let_keys_stand
from tests import factories
from tests.calls.support import make_connection, scope_of
from tests.cases import TenantCase
from tests.upstream import Upstream


@override_settings(UPSTREAM_REQUESTS_PER_MINUTE=0)
class KeyTest(TenantCase):
    def setUp(self) -> None:
        self.upstream = self.enterContext(Upstream())
        self.enterContext(scope_of(self.client_org))
        for slot, secret in (("openai", "sk-1"), ("deepgram", "dg-1"), ("resend", "re-1")):
            factories.make_provider_key(self.client_org, slot, secret)

    def own(self) -> None:
        make_connection(self.client_org, features=[], base_url=self.upstream.url)

    def sync(self) -> dict[str, str]:
        synchronise(self.client_org, db.now())
        return self.upstream.keys

    def agree(self, allowed: bool = True) -> bool:
        return let_keys_stand(organization=self.client_org, allowed=allowed, by=SYSTEM)

    def test_nothing_goes_there_before_somebody_agreed(self) -> None:
        self.own()
        store_key(organization=self.client_org, slot=SLOTS["openai"], key="sk-2", by=SYSTEM, now=db.now())
        self.assertEqual(self.sync(), {})
        self.assertNotIn("sk-2", str([each.body for each in self.upstream.received]))

    def test_keys_follow_what_is_kept_here(self) -> None:
        self.own()
        self.assertTrue(self.agree())
        self.assertEqual(self.sync(), {"openai": "sk-1", "deepgram": "dg-1"})
        store_key(organization=self.client_org, slot=SLOTS["openai"], key="sk-2", by=SYSTEM, now=db.now())
        remove_key(organization=self.client_org, slot=SLOTS["deepgram"], by=SYSTEM)
        self.assertEqual(self.sync(), {"openai": "sk-2"})
        audit = AuditEntry.objects.for_organization(self.client_org).filter(action="connection.settings")
        self.assertEqual([each.data for each in audit], [{"provider_keys": True}])

    def test_taking_it_back_takes_them_away(self) -> None:
        self.own()
        self.agree()
        self.sync()
        self.assertFalse(self.agree(False))
        self.assertEqual(self.sync(), {})

    def test_not_into_an_account_that_others_share(self) -> None:
        make_connection(self.agency, features=[], base_url=self.upstream.url)
        self.assertFalse(self.agree())
        self.assertEqual(self.sync(), {})

    def test_the_page(self) -> None:
        self.own()
        browser, url = self.as_(self.cleo), f"/o/{self.client_org.slug}/copies"
        self.assertContains(browser.get(url), "Agree and send them")
        self.assertRedirects(browser.post(f"{url}/keys", {"allowed": "yes"}), url, fetch_redirect_response=False)
        self.assertEqual(self.sync(), {"openai": "sk-1", "deepgram": "dg-1"})
        self.assertContains(browser.get(url), "Take them away there")
        browser.post(f"{url}/keys", {"allowed": "no"})
        self.assertEqual(self.sync(), {})
        eve = factories.make_user("Eve")
        factories.make_member(self.client_org, eve, "member")
        self.assertEqual(self.as_(eve).post(f"{url}/keys", {"allowed": "yes"}).status_code, 403)
