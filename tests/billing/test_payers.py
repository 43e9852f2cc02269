"""Two accounts pay for a call of a client with a wallet: both or none, in one order, each at its own rate."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from apps.billing import payers, services
from apps.billing.models import CREDIT, Account, Hold, LedgerEntry, RateCard
from apps.core.errors import InsufficientCredits
from apps.core.scope import Scope, acting
from apps.mail.models import Message
from apps.organizations.services import SYSTEM
from tests import factories
from tests.cases import TenantCase
from tests.factories import NOW


class PayersCase(TenantCase):
    def setUp(self) -> None:
        self.client_org.has_wallet = True
        self.enterContext(acting(Scope((self.client_org.pk, self.agency.pk))))
        self.client_org.save(update_fields=["has_wallet"])
        self.payers = self.client_org.payer_ids

    def hold(self, key: str = "a") -> None:
        with transaction.atomic():
            payers.hold(payers=self.payers, used_by=self.client_org.pk, key=key, now=NOW)

    def charge(self, seconds: int = 60, key: str = "a", accounts: Any = None) -> int:
        with transaction.atomic():
            return payers.charge_call(
                payers=accounts or self.payers, used_by=self.client_org.pk, used_by_name="Bakker Dental", key=key,
                seconds=seconds, call_id="call-1", now=NOW,
            )  # fmt: skip

    def balances(self) -> tuple[int, int]:
        return services.balance(self.agency.pk), services.balance(self.client_org.pk)

    def rate(self, organization: Any, rate: int, line: int = 0) -> None:
        Account.objects.create(organization=organization, micro_per_minute=rate, credit_line=line)


class HoldTest(PayersCase):
    def test_both_or_none(self) -> None:
        factories.add_credits(self.agency, 5)
        with pytest.raises(InsufficientCredits) as refused:
            self.hold()
        assert refused.value.body()["message"].startswith("No credits left")
        assert not Hold.objects.exists()
        factories.add_credits(self.client_org, 2)
        self.hold()
        self.hold()
        assert sorted(Hold.objects.values_list("organization_id", "used_by")) == sorted(
            [(self.agency.pk, self.client_org.pk), (self.client_org.pk, self.client_org.pk)]
        )
        with transaction.atomic():
            payers.release(payers=self.payers, keys=["a"], now=NOW)
        assert not Hold.objects.open().exists()

    def test_of_an_empty_agency_the_client_learns_nothing_but_that(self) -> None:
        factories.add_credits(self.client_org, 7)
        with pytest.raises(InsufficientCredits) as refused:
            self.hold()
        body = refused.value.body()
        assert "temporarily unavailable" in body["message"]
        assert (body["balance"], body["type"]) == (7.0, "insufficient_credits")
        assert not Hold.objects.exists()

    def test_many_at_once_end_where_either_account_ends(self) -> None:
        factories.add_credits(self.agency, 3)
        factories.add_credits(self.client_org, 2)
        with transaction.atomic():
            held = payers.hold_many(payers=self.payers, used_by=self.client_org.pk, keys=["a", "b", "c"], now=NOW)
        assert (held, Hold.objects.open().count()) == (2, 4)

    def test_a_credit_line_counts(self) -> None:
        factories.add_credits(self.agency, 3)
        self.rate(self.client_org, CREDIT, line=2 * CREDIT)
        self.hold("a")
        self.hold("b")
        with pytest.raises(InsufficientCredits):
            self.hold("c")


class ChargeTest(PayersCase):
    def test_the_same_seconds_each_at_its_own_rate(self) -> None:
        RateCard.objects.create(valid_from=NOW, micro_per_minute=3 * CREDIT)
        self.rate(self.agency, 2 * CREDIT)
        self.rate(self.client_org, 1_250_000)
        self.hold_after_credits()
        assert self.charge(90) == 1_875_000
        assert self.charge(3600) == 1_875_000
        rows = {row.organization_id: (row.amount, row.seconds, row.used_by) for row in LedgerEntry.objects.calls()}
        assert rows == {
            self.agency.pk: (-3 * CREDIT, 90, self.client_org.pk),
            self.client_org.pk: (-1_875_000, 90, self.client_org.pk),
        }
        assert not Hold.objects.open().exists()
        assert self.balances() == (97 * CREDIT, 98_125_000)

    def hold_after_credits(self) -> None:
        factories.add_credits(self.agency, 100)
        factories.add_credits(self.client_org, 100)
        self.hold()

    def test_without_rates_the_wallet_pays_a_credit_and_the_agency_the_card(self) -> None:
        RateCard.objects.create(valid_from=NOW, micro_per_minute=3 * CREDIT)
        assert self.charge() == CREDIT
        assert self.balances() == (-3 * CREDIT, -CREDIT)

    def test_a_call_booked_before_the_wallet_was_given_costs_the_wallet_nothing(self) -> None:
        assert self.charge(accounts=(self.agency.pk,)) == CREDIT
        assert self.charge(accounts=self.payers) == CREDIT
        assert self.balances() == (-CREDIT, 0)

    def test_nothing_is_booked_twice_for_nothing(self) -> None:
        assert self.charge(0) == 0
        assert self.charge(60) == 0
        assert self.balances() == (0, 0)

    def test_each_accounts_owners_are_told(self) -> None:
        factories.add_credits(self.agency, 60)
        factories.add_credits(self.client_org, 60)
        self.charge()
        told = {mail.to for organization in (self.agency, self.client_org) for mail in Message.objects.of(organization.pk)}
        assert told == {"ada@example.com", "cleo@example.com"}


class BookTest(PayersCase):
    def book(self, amount: int, key: str = "k") -> LedgerEntry:
        with transaction.atomic():
            return services.book(
                organization_id=self.client_org.pk, key=key, kind="purchase", amount=amount, note="INV-1", actor=SYSTEM, now=NOW
            )

    def test_once_per_key(self) -> None:
        assert self.book(5 * CREDIT) == self.book(9 * CREDIT)
        row = LedgerEntry.objects.get()
        assert (row.kind, row.amount, row.used_by, row.used_by_name) == ("purchase", 5 * CREDIT, self.client_org.pk, "Bakker Dental")

    def test_four_decimals_and_inside_a_transaction(self) -> None:
        with pytest.raises(ValueError, match="four decimals"):
            self.book(1)

    def test_taking_away_may_tell_of_a_low_balance(self) -> None:
        self.book(61 * CREDIT)
        self.book(-2 * CREDIT, "refund")
        assert [mail.to for mail in Message.objects.of(self.client_org.pk)] == ["cleo@example.com"]
