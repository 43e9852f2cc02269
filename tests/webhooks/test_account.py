"""The account webhook's page: saving switches on, secrets overlap, roles."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from apps.core import db
from apps.organizations.changes import version_of
from apps.organizations.models import Organization
from apps.webhooks import deliveries
from apps.webhooks.account import account_target
from apps.webhooks.models import Endpoint, SecretChange
from apps.webhooks.rotation import Keys, keys_at
from apps.webhooks.services import queue
from tests import factories
from tests.cases import TenantCase

URL = "https://198.41.0.4/hook"


class AccountTest(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)
        self.save(all_events="on", webhook_secret="first")

    def page(self, tail: str = "") -> str:
        return f"/o/{self.client_org.slug}/settings/webhook{tail}"

    def fresh(self) -> Organization:
        with self.acting_for(self.client_org):
            return Organization.objects.get(pk=self.client_org.pk)

    def save(self, **values: Any) -> Any:
        given = {"webhook_url": URL, "all_events": "on", "version": version_of(self.fresh())} | values
        return self.browser.post(self.page(), given)

    def switch_off(self, reason: str = "gone") -> None:
        target = account_target(self.fresh())
        assert target
        with self.acting_for(self.client_org):
            Endpoint.objects.create(
                organization=self.client_org, level=target.level, owner_id=target.owner_id, url=URL,
                url_digest=target.digest, off_at=factories.NOW, off_reason=reason, failures=12,
                failing_since=factories.NOW, open_until=factories.NOW,
            )  # fmt: skip

    def endpoint(self) -> Endpoint:
        with self.acting_for(self.client_org):
            return Endpoint.objects.for_organization(self.client_org).get()

    def keys(self, secret: str) -> Keys:
        with self.acting_for(self.client_org):
            return keys_at(organization_id=self.client_org.pk, owner_id=str(self.client_org.pk), secret=secret, at=db.now())

    def test_saving_the_same_address_again_switches_it_on(self) -> None:
        self.switch_off()
        self.assertContains(self.browser.get(self.page()), "This address is switched off")
        assert self.save().status_code == 302
        found = self.endpoint()
        assert (found.off_at, found.off_reason, found.failures, found.open_until) == (None, "", 0, None)
        self.assertNotContains(self.browser.get(self.page()), "This address is switched off")

    def test_another_setting_does_not(self) -> None:
        self.switch_off()
        given = {"name": "Bakker", "country": "NL", "language": "en", "timezone": "Europe/Amsterdam"}
        answer = self.browser.post(
            f"/o/{self.client_org.slug}/settings", given | {"version": version_of(self.fresh())}
        )
        assert answer.status_code == 302
        assert self.endpoint().off_at == factories.NOW

    def test_the_button_switches_it_on_and_is_audited(self) -> None:
        self.switch_off("failing")
        self.assertContains(self.browser.get(self.page()), "Nothing but failures for five days")
        assert self.browser.post(self.page("/on")).status_code == 302
        assert self.endpoint().off_at is None
        self.assertContains(self.browser.get(f"/o/{self.client_org.slug}/settings/audit"), "Webhook: switched on")

    def test_a_new_secret_overlaps_and_is_switched(self) -> None:
        answer = self.save(generate="1", overlap="24")
        new = self.fresh().webhook_secret
        self.assertContains(answer, new)
        self.assertContains(answer, "X-Webhook-Signature-Next")
        assert self.keys("first") == self.keys(new) == Keys("first", new)
        page = self.browser.get(self.page())
        self.assertContains(page, "A new secret is on its way")
        self.assertNotContains(page, new)
        assert self.browser.post(self.page("/switch")).status_code == 302
        assert self.keys("first") == self.keys(new) == Keys(new)
        self.assertNotContains(self.browser.get(self.page()), "A new secret is on its way")

    def test_without_an_overlap_it_signs_at_once(self) -> None:
        self.save(webhook_secret="second", overlap="0")
        assert self.keys("first") == Keys("second")
        self.save(webhook_secret="third")
        assert self.keys("first") == Keys("third")
        self.save(webhook_secret="fourth", overlap="1")
        assert self.keys("third") == Keys("third", "fourth")

    def test_a_first_or_removed_secret_leaves_no_change(self) -> None:
        with self.acting_for(self.client_org):
            assert SecretChange.objects.for_organization(self.client_org).count() == 0
        self.save(clear_secret="on")
        with self.acting_for(self.client_org):
            assert SecretChange.objects.for_organization(self.client_org).count() == 0

    def test_admins_only(self) -> None:
        viewer, member = factories.make_user("Vic"), factories.make_user("Mem")
        factories.make_member(self.client_org, viewer, "viewer")
        factories.make_member(self.client_org, member, "member")
        self.switch_off()
        for person in (viewer, member):
            for tail in ("", "/on", "/switch"):
                assert self.as_(person).post(self.page(tail)).status_code == 403
        assert self.endpoint().off_at == factories.NOW

    def test_an_old_delivery_is_signed_by_the_new_secret(self) -> None:
        from_before = account_target(self.fresh())
        assert from_before
        self.save(webhook_secret="second", overlap="0")
        with self.acting_for(self.client_org), transaction.atomic():
            row = queue(
                organization=self.client_org, event="status-update", call_id="", key="k", body={}, target=from_before,
                now=db.now(),
            )  # fmt: skip
        with self.acting_for(self.client_org):
            claim = deliveries._claim(row.pk, db.now() + dt.timedelta(seconds=1))
        assert claim
        assert (claim.secret, claim.following) == ("second", "")
