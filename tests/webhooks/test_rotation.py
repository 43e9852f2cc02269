"""Replacing a secret: what signs, when, and that nothing under way is lost (webhooks 4)."""

from __future__ import annotations

import asyncio
import datetime as dt

from apps.core.db import writes
from apps.webhooks import services
from apps.webhooks.models import SecretChange
from apps.webhooks.rotation import Keys, keys_at
from apps.webhooks.signing import verify
from apps.webhooks.targets import Target
from tests.cases import TenantCase
from tests.factories import NOW
from tests.receivers import Received, Receiver, Reply
from tests.webhooks.outbox import deliver, queued, target

HOUR = dt.timedelta(hours=1)


class RotationTest(TenantCase):
    def setUp(self) -> None:
        self.enterContext(self.acting_for(self.client_org))

    def replace(self, old: str, new: str, *, now: dt.datetime = NOW, hours: int = 24) -> None:
        writes(services.replace_secret)(
            organization=self.client_org, owner_id="a-1", old=old, new=new, now=now, hours=hours
        )

    def keys(self, secret: str, at: dt.datetime, owner: str = "a-1") -> Keys:
        return keys_at(organization_id=self.client_org.pk, owner_id=owner, secret=secret, at=at)

    def signers(self, received: Received, at: dt.datetime) -> list[str]:
        """Which of the secrets `old`, `new` the two headers were signed with."""
        found = []
        for header in ("x-webhook-signature", "x-webhook-signature-next"):
            signature, stamp = received.headers.get(header), received.headers["x-webhook-timestamp"]
            found += [each for each in ("old", "new") if verify([each], signature, stamp, received.body, at)]
        return found

    def test_the_old_one_signs_until_the_switch_with_the_new_one_beside_it(self) -> None:
        self.replace("old", "new")
        for secret in ("old", "new"):
            assert self.keys(secret, NOW) == Keys("old", "new")
            assert self.keys(secret, NOW + 23 * HOUR) == Keys("old", "new")
            assert self.keys(secret, NOW + 24 * HOUR) == Keys("new")
        assert self.keys("other", NOW) == Keys("other")
        assert self.keys("old", NOW, owner="a-2") == Keys("old")
        assert self.keys("", NOW) == Keys("")

    def test_the_switch_may_come_early_and_once(self) -> None:
        self.replace("old", "new")
        switch = writes(services.switch_now)
        assert switch(organization=self.client_org, owner_id="a-1", now=NOW + HOUR) is True
        assert switch(organization=self.client_org, owner_id="a-1", now=NOW + HOUR) is False
        assert self.keys("old", NOW + HOUR) == Keys("new")

    def test_at_once_is_at_once_and_what_was_queued_follows(self) -> None:
        self.replace("old", "new", hours=0)
        assert self.keys("old", NOW) == Keys("new")

    def test_a_second_change_during_the_first_keeps_the_secret_that_receivers_know(self) -> None:
        self.replace("old", "lost")
        self.replace("lost", "new", now=NOW + HOUR)
        for secret in ("old", "lost", "new"):
            assert self.keys(secret, NOW + 2 * HOUR) == Keys("old", "new")
            assert self.keys(secret, NOW + 26 * HOUR) == Keys("new")

    def test_changes_one_after_the_other_and_back(self) -> None:
        self.replace("a", "b", hours=0)
        self.replace("b", "c", now=NOW + HOUR, hours=0)
        self.replace("c", "a", now=NOW + 2 * HOUR, hours=0)
        for secret in ("a", "b", "c"):
            assert self.keys(secret, NOW + 3 * HOUR) == Keys("a")

    def test_deliveries_queued_before_and_during_are_signed_for_both(self) -> None:
        to = target("", secret="old")
        with Receiver(Reply(500)) as server:
            before = queued(self.client_org, "", target=Target(to.level, "a-1", server.url, "old"))
            self.replace("old", "new")
            during = queued(self.client_org, "", target=Target(to.level, "a-1", server.url, "new"))
            for row in (before, during):
                deliver(row, NOW)
            retried = NOW + dt.timedelta(hours=25)
            deliver(before, retried)
        first, second, third = server.received
        assert self.signers(first, NOW) == self.signers(second, NOW) == ["old", "new"]
        assert self.signers(third, retried) == ["new"]
        assert "x-webhook-signature-next" not in third.headers

    def test_questions_and_tools_that_borrow_the_secret_follow(self) -> None:
        self.replace("old", "new")
        with Receiver() as server:
            for level in ("assistant", "tool"):
                to = services.prepared(
                    organization=self.client_org, target=Target(level, "a-1", server.url, "old"), now=NOW
                )
                assert asyncio.run(services.ask(to, event="tool-calls", body={}, seconds=2)).ok
        for received in server.received:
            at = dt.datetime.fromtimestamp(int(received.headers["x-webhook-timestamp"]), dt.UTC)
            assert self.signers(received, at) == ["old", "new"]

    def test_without_a_secret_nothing_is_signed(self) -> None:
        self.replace("", "new")
        self.replace("old", "")
        assert SecretChange.objects.for_organization(self.client_org).count() == 0

    def test_secrets_lie_sealed_and_go_after_a_month(self) -> None:
        self.replace("old", "new", hours=1)
        row = SecretChange.objects.for_organization(self.client_org).get()
        assert all(isinstance(row.__dict__[name].sealed, bytes) for name in ("old", "new"))
        services.erase_expired(NOW + dt.timedelta(days=30))
        assert SecretChange.objects.for_organization(self.client_org).count() == 1
        services.erase_expired(NOW + dt.timedelta(days=32))
        assert SecretChange.objects.for_organization(self.client_org).count() == 0
