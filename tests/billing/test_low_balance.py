"""One mail per crossing and owner."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.billing import payers, services
from apps.mail.models import Message
from apps.organizations.services import SYSTEM
from tests import factories
from tests.cases import TenantCase
from tests.factories import NOW


class LowBalanceTest(TenantCase):
    def charge(self, key: str, seconds: int, used_by: Any = None) -> None:
        with self.acting_for(used_by or self.agency), transaction.atomic():
            payers.charge_call(
                payers=(self.agency.pk,), used_by=(used_by or self.agency).pk, used_by_name="x", key=key,
                seconds=seconds, call_id="call-1", now=NOW,
            )  # fmt: skip

    def mails(self) -> list[str]:
        with self.acting_for(self.agency):
            return [f"{mail.to}: {mail.subject}" for mail in Message.objects.of(self.agency.pk).order_by("created_at")]

    def test_told_once_when_a_booking_crosses_the_line(self) -> None:
        factories.add_credits(self.agency, 62)
        self.charge("a", 120)
        assert self.mails() == []
        self.charge("b", 60)
        self.charge("b", 60)
        self.charge("c", 60)
        assert self.mails() == ["ada@example.com: Low balance: Northwind Voice"]
        with self.acting_for(self.agency):
            mail = Message.objects.of(self.agency.pk).get()
        assert "59.00 credits" in mail.text
        assert "/o/northwind-voice/usage" in mail.text
        assert "59.00 credits" in mail.html

    def test_told_again_after_credits_were_added(self) -> None:
        factories.add_credits(self.agency, 60)
        self.charge("a", 60)
        factories.add_credits(self.agency, 1)
        self.charge("b", 60)
        assert len(self.mails()) == 2

    def test_a_clients_call_tells_its_payer_only(self) -> None:
        factories.add_credits(self.agency, 60)
        self.charge("a", 60, used_by=self.client_org)
        assert [text.partition(":")[0] for text in self.mails()] == ["ada@example.com"]

    def test_taking_credits_away_counts_and_zero_means_never(self) -> None:
        factories.add_credits(self.agency, 100)
        with self.acting_for(self.agency):
            values = {"organization": self.agency, "note": "", "actor": SYSTEM, "now": NOW}
            services.add_credits(**values, credits=Decimal(-50), key="k1")
            assert len(self.mails()) == 1
            services.set_low_balance(organization=self.agency, credits=0, now=NOW)
            services.add_credits(**values, credits=Decimal(-60), key="k2")
        assert len(self.mails()) == 1
