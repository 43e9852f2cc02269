"""Many threads on the real database: calls, purchases, refunds, credits by hand, turns of a plan, and crashes in between.

Whatever the order: the sum of the lines is the balance; the wallet is what was invoiced and given less what calls took; each
call took the same seconds from both accounts; documents are numbered without gaps; no account falls further below zero than
its credit line and what running calls may cost.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models import Sum

from apps.billing import payers, purchasing, refunds, services, subscriptions, wallets
from apps.billing.metering import price
from apps.billing.models import (
    CREDIT,
    Account,
    Buyer,
    Checkpoint,
    Hold,
    Invoice,
    LedgerEntry,
    Package,
    Payment,
    Plan,
    Purchase,
    Seller,
    Subscription,
)
from apps.core import db
from apps.core.errors import DomainError, InsufficientCredits
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM
from tests import factories
from tests.cases import CommittedCase

THREADS = 5
STEPS = 12
LONGEST = 60  # seconds of a call
RETAIL, WHOLESALE = 1_300_000, 1_700_000
LINE = 5 * CREDIT


class Boom(Exception):
    """A process that dies: what its transaction did is gone."""


class Worker:
    """One thread's deeds, drawn from a seed. Every deed may die before its commit, and is then done again, or twice."""

    def __init__(self, case: MoneyPropertyTest, seed: int) -> None:
        self.case, self.dice, self.seed, self.count = case, random.Random(seed), seed, 0
        self.done: Counter[str] = Counter()
        self.client = Organization.objects.select_related("brand", "parent").get(pk=case.client_org.pk)
        self.pays = self.client.payer_ids

    def step(self, deeds: list[str]) -> None:
        self.count += 1
        name = self.dice.choice(deeds)
        try:
            getattr(self, name)(f"{self.seed}:{self.count}")
            self.done[name] += 1
        except InsufficientCredits:
            self.done["refused"] += 1
        except DomainError:
            self.done["not now"] += 1

    def call(self, key: str) -> None:
        self.surely(lambda: payers.hold(payers=self.pays, used_by=self.client.pk, key=key, now=db.now()))
        if self.dice.random() < 0.2:
            self.surely(lambda: payers.release(payers=self.pays, keys=[key], now=db.now()))
            return
        seconds = self.dice.randint(0, LONGEST)
        values = {"payers": self.pays, "used_by": self.client.pk, "used_by_name": "Bakker Dental", "key": key, "call_id": key}
        self.surely(lambda: payers.charge_call(**values, seconds=seconds, now=db.now()))

    def many(self, key: str) -> None:
        keys = [f"{key}:{number}" for number in range(4)]
        with transaction.atomic():
            held = payers.hold_many(payers=self.pays, used_by=self.client.pk, keys=keys, now=db.now())
        values = {"payers": self.pays, "used_by": self.client.pk, "used_by_name": "Bakker Dental", "call_id": key}
        for each in keys[:held]:
            self.surely(lambda key=each: payers.charge_call(**values, key=key, seconds=30, now=db.now()))

    def buy(self, key: str) -> None:
        values = {"client": self.client, "by": SYSTEM, "now": db.now()}
        found = purchasing.order_package(**values, package_id=self.case.package.pk, gateway="transfer", key=f"form:{key}")
        received = purchasing.Received(f"bank:{key}", "transfer", found.gross_cents, found.currency, db.now().date())
        self.surely(lambda: purchasing.receive(**values, purchase_id=found.pk, received=received))

    def give_back(self, key: str) -> None:
        found = list(Purchase.objects.for_organization(self.client).filter(status="paid").order_by("pk"))
        if found:
            one = self.dice.choice(found)
            cents = self.dice.randint(1, max(1, one.gross_cents // 3))
            values = {"purchase_id": one.pk, "amount_cents": cents, "key": key, "on": db.now().date()}
            for _twice in range(2):
                refunds.refund(client=self.client, **values, by=SYSTEM, takes_used=True, now=db.now())

    def by_hand(self, key: str) -> None:
        credits = Decimal(self.dice.randint(-30_000, 30_000)) / 10_000 or Decimal(1)
        for _twice in range(2):
            wallets.change_credits(client=self.client, credits=credits, note="by hand", by=SYSTEM, key=key, now=db.now())

    def turn(self, key: str) -> None:
        found = subscriptions.subscription_of(self.client.pk)
        if found:
            later = found.period_end + dt.timedelta(seconds=1)
            values = {"organization_id": self.client.pk, "subscription_id": found.pk, "now": later}
            self.surely(lambda: subscriptions.turn_period.__wrapped__(**values))  # type: ignore[attr-defined]

    def top_up(self, key: str) -> None:
        account = self.dice.choice(self.pays)
        values = {"organization_id": account, "kind": "credit", "amount": CREDIT, "actor": SYSTEM, "now": db.now()}
        self.surely(lambda: services.book(key=f"top up {key}", **values))

    def sum_up(self, key: str) -> None:
        # What was booked before the threads began is settled, nothing else: a booking under way has an earlier instant.
        services.make_checkpoint(organization_id=self.dice.choice(self.pays), now=self.case.began + services.SETTLED)

    def surely(self, deed: Any) -> None:
        """Die before the commit as often as the dice say, then do it, and perhaps once more."""
        while self.dice.random() < 0.25:
            with pytest.raises(Boom), transaction.atomic():
                self._die(deed)
        for _time in range(self.dice.choice((1, 1, 2))):
            with transaction.atomic():
                deed()

    def _die(self, deed: Any) -> None:
        deed()
        raise Boom


class MoneyPropertyTest(CommittedCase):
    def setUp(self) -> None:
        super().setUp()
        self.client_org.has_wallet = True
        with self.both():
            self.client_org.save(update_fields=["has_wallet"])
            Account.objects.create(organization=self.agency, micro_per_minute=WHOLESALE)
            Account.objects.create(organization=self.client_org, micro_per_minute=RETAIL)
            self.seller = Seller.objects.create(
                organization=self.agency, legal_name="Northwind Voice B.V.", country="NL", stripe_hook="h" * 43,
                takes_transfers=True, iban="NL91ABNA0417164300", account_holder="Northwind Voice B.V.",
            )  # fmt: skip
            Buyer.objects.create(
                organization=self.client_org, company="Bakker Dental", address="Keizersgracht 1", postal_code="1015 AA",
                city="Amsterdam", country="NL", email="cleo@example.com",
            )  # fmt: skip
            self.package = Package.objects.create(organization=self.agency, name="Small", credits=7, price_cents=777)
        factories.add_credits(self.agency, 40)
        factories.add_credits(self.client_org, 10)
        self.lowest: Counter[object] = Counter()
        self.failed: list[BaseException] = []
        self.done: Counter[str] = Counter()

    def both(self) -> Any:
        return acting(Scope((self.client_org.pk, self.agency.pk)))

    def run_together(self, seed: int, deeds: list[str]) -> None:
        lock = threading.Lock()
        self.began = db.now()

        def run(number: int) -> None:
            try:
                with self.both():
                    worker = Worker(self, seed * 100 + number)
                    for _step in range(STEPS):
                        worker.step(deeds)
                        seen = {account: services.balance(account) for account in worker.pays}
                        with lock:
                            self.lowest = Counter({key: min(self.lowest[key], seen[key]) for key in seen})
                with lock:
                    self.done += worker.done
            except BaseException as error:
                self.failed.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self.failed == []

    def test_everything_at_once_adds_up(self) -> None:
        with self.both():
            plan = Plan.objects.create(
                organization=self.agency, name="Solo", price_cents=1900, included_credits=3, overage_micros=111_111, overage_credits=5
            )
            subscriptions.start_subscription(client=self.client_org, plan=plan, by=SYSTEM, now=db.now())
        self.run_together(7, ["call", "call", "call", "call", "many", "buy", "give_back", "by_hand", "by_hand", "turn", "sum_up"])
        for name in ("call", "buy", "give_back", "turn", "sum_up"):
            assert self.done[name], self.done
        with self.both():
            self.check_sums()
            self.check_calls()
            self.check_documents()
            lines = LedgerEntry.objects.filter(organization_id__in=self.client_org.payer_ids).count()
        print(f"\nledger: {lines} lines of two accounts after {sum(self.done.values())} deeds: {dict(sorted(self.done.items()))}")

    def test_no_account_falls_further_than_its_line_and_its_running_calls(self) -> None:
        with self.both():
            Account.objects.for_organization(self.client_org).update(credit_line=LINE)
        self.run_together(11, ["call", "call", "many", "top_up"])
        # A call holds one credit, and may cost more than that by its rate; of a batch four run at once.
        over = {self.agency.pk: price(LONGEST, WHOLESALE) - CREDIT, self.client_org.pk: price(LONGEST, RETAIL) - CREDIT}
        assert self.done["refused"], self.done
        assert self.lowest[self.agency.pk] >= -4 * THREADS * over[self.agency.pk]
        assert self.lowest[self.client_org.pk] >= -LINE - 4 * THREADS * over[self.client_org.pk]
        assert self.lowest[self.client_org.pk] < 0 or self.lowest[self.agency.pk] < 0
        with self.both():
            self.check_sums()
            self.check_calls()

    def check_sums(self) -> None:
        for account in self.client_org.payer_ids:
            rows = LedgerEntry.objects.for_organization(account)
            total = rows.aggregate(total=Sum("amount"))["total"]
            assert total == services.balance(account) == services.available(account)
            assert not [row for row in rows if row.amount % 100]
        assert not Hold.objects.open().exists()
        newest = Checkpoint.objects.order_by("-at").first()
        assert newest is None or newest.balance == sum(
            row.amount for row in LedgerEntry.objects.for_organization(newest.organization_id) if row.created_at <= newest.at
        )

    def check_calls(self) -> None:
        agencys = {row.key: row for row in LedgerEntry.objects.for_organization(self.agency).calls()}
        clients = {row.key: row for row in LedgerEntry.objects.for_organization(self.client_org).calls()}
        assert agencys.keys() == clients.keys()
        for key, row in clients.items():
            assert (row.seconds, row.used_by) == (agencys[key].seconds, agencys[key].used_by)
            assert (row.amount, agencys[key].amount) == (-price(row.seconds, RETAIL), -price(row.seconds, WHOLESALE))

    def check_documents(self) -> None:
        """Wallet and invoices: what was sold stands on one document each, and the wallet is that, gifts, and turns, less calls."""
        documents = list(Invoice.objects.for_organization(self.client_org))
        for kind in ("invoice", "credit_note"):
            numbers = sorted(each.sequence for each in documents if each.kind == kind)
            assert numbers == list(range(1, len(numbers) + 1))
        named = Counter(key for each in documents for line in each.lines for key in line["entries"])
        rows = LedgerEntry.objects.for_organization(self.client_org)
        sold = {row.key: row for row in rows if row.kind in ("purchase", "refund", "overage")}
        assert named.keys() >= sold.keys()
        assert set(named.values()) <= {1}
        bought = Purchase.objects.for_organization(self.client_org).exclude(status="open")
        credits = sum(each.credits * CREDIT - refunds._micro_of(each, each.refunded_cents) for each in bought)
        kinds = Counter[str]()
        for row in rows:
            kinds[row.kind] += row.amount
        assert credits == kinds["purchase"] + kinds["refund"]
        others = kinds["credit"] + kinds["correction"] + kinds["included"] + kinds["lapse"] + kinds["overage"]
        assert services.balance(self.client_org.pk) == credits + others + kinds["call"]
        paid = Payment.objects.for_organization(self.client_org).aggregate(total=Sum("amount_cents"))["total"]
        assert paid == sum(each.gross_cents for each in documents if each.purchase_id)
        periods = Subscription.objects.for_organization(self.client_org).count()
        assert periods == 1
        assert kinds["included"] == 3 * CREDIT * sum(row.kind == "included" for row in rows)
