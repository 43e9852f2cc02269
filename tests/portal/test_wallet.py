"""A client's wallet on its agency's page, its statement, and the margin."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from django.db import transaction

from apps.billing import payers, subscriptions
from apps.billing.invoicing import Line, Subject, issue_invoice
from apps.billing.models import CREDIT, Account, Invoice, LedgerEntry, Plan, Seller
from apps.billing.services import balance, book
from apps.billing.vat import Tax
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import AuditEntry, Organization
from apps.organizations.services import SYSTEM
from apps.portal.margins import Margin, cost_cents, margins, total_of
from apps.portal.services import care
from apps.portal.statements import statement_of
from tests import factories
from tests.cases import TenantCase

WALLET = "/o/northwind-voice/clients/bakker-dental/wallet"
STATEMENT = "/o/northwind-voice/statement"


class MoneyCase(TenantCase):
    def both(self) -> Any:
        return acting(Scope((self.client_org.pk, self.agency.pk)))

    def setUp(self) -> None:
        with self.both():
            self.seller = Seller.objects.create(organization=self.agency, legal_name="Northwind Voice B.V.", stripe_hook="h" * 43, country="NL")
        self.now = db.now()

    def give_wallet(self) -> None:
        self.client_org.has_wallet = True
        with self.both():
            self.client_org.save(update_fields=["has_wallet"])

    def buy(self, credits: int, cents: int, key: str) -> None:
        """A purchase as the sale books it: entry and invoice in one transaction."""
        with self.both(), transaction.atomic():
            entry = book(organization_id=self.client_org.pk, key=f"purchase:{key}", kind="purchase", amount=credits * CREDIT, actor=SYSTEM, now=self.now)
            issue_invoice(
                client=self.client_org, seller=self.seller, key=entry.key, tax=Tax(2100, ""), subject=Subject(),
                lines=[Line(text="Credits", net_cents=cents, entries=[entry.key])], now=self.now,
            )  # fmt: skip

    def call(self, seconds: int, key: str) -> None:
        call = factories.make_call(
            self.client_org, is_charged=True, is_simulated=False, duration_seconds=seconds, settled_at=self.now, started_at=self.now, ended_at=self.now
        )
        with self.both(), transaction.atomic():
            cost = payers.charge_call(
                payers=self.client_org.payer_ids, used_by=self.client_org.pk, used_by_name=self.client_org.name, key=key,
                seconds=seconds, call_id=call.public_id, now=self.now,
            )  # fmt: skip
            call.change(self.now, cost=cost)

    def statement(self) -> Any:
        start = self.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        with self.both():
            return statement_of(self.client_org, start, start + dt.timedelta(days=32))


class WalletPageTest(MoneyCase):
    def post(self, do: str, user: Any = None, **values: Any) -> Any:
        return self.as_(user or self.ada).post(WALLET, {"do": do} | values)

    def wallet(self) -> int:
        with self.both():
            return balance(self.client_org.pk)

    def test_from_nothing_to_credits_and_a_rate(self) -> None:
        self.assertContains(self.as_(self.ada).get(WALLET), "No wallet yet")
        assert self.post("give").status_code == 302
        key = str(uuid.uuid4())
        assert [self.post("credits", credits="12.5", note="Cash", key=key).status_code for _twice in range(2)] == [302, 302]
        assert self.wallet() == 12_500_000
        assert self.post("rate", rate="1.25").status_code == 302
        page = self.as_(self.ada).get(WALLET)
        self.assertContains(page, "12.50")
        self.assertContains(page, "Cash")
        with self.both():
            assert Account.objects.for_organization(self.client_org).get().micro_per_minute == 1_250_000
            actions = set(AuditEntry.objects.for_organization(self.client_org).values_list("action", flat=True))
        assert actions == {"wallet.create", "credits.add", "credits.rate"}
        self.assertContains(self.as_(self.cleo).get("/o/bakker-dental/statement"), "Cash")

    def test_no_more_is_taken_than_is_there(self) -> None:
        self.give_wallet()
        factories.add_credits(self.client_org, 5)
        answer = self.post("credits", credits="-6", note="Oops", key=str(uuid.uuid4()))
        self.assertContains(answer, "The wallet holds 5.00 credits.", status_code=422)
        assert self.post("credits", credits="-5", note="Right", key=str(uuid.uuid4())).status_code == 302
        assert self.wallet() == 0

    def test_a_plan_begins_changes_ends_and_goes_on(self) -> None:
        self.give_wallet()
        with self.both():
            small, large = (
                Plan.objects.create(organization=self.agency, name=name, price_cents=cents, included_credits=100, limits={"assistants": 3})
                for name, cents in (("Solo", 1900), ("Clinic", 9900))
            )
        assert self.post("start", plan=str(small.pk)).status_code == 302
        assert self.wallet() == 100 * CREDIT
        assert self.post("change", plan=str(large.pk)).status_code == 302
        for do, text in (("cancel", "Ends with its period"), ("resume", "End it with its period")):
            assert self.post(do).status_code == 302
            self.assertContains(self.as_(self.ada).get(WALLET), text)
        with self.both():
            found = subscriptions.subscription_of(self.client_org.pk)
        assert found
        assert found.name == "Clinic"
        assert self.post("start", plan=str(uuid.uuid4())).status_code == 422

    def test_only_the_agencys_owner_and_only_its_clients(self) -> None:
        assert self.post("give", self.ben).status_code == 403
        assert self.post("give", self.cleo).status_code == 404
        assert self.as_(self.cleo).get("/o/bakker-dental/clients/bakker-dental/wallet").status_code in (403, 404)
        assert self.as_(self.dov).get("/o/dove-and-co/clients/bakker-dental/wallet").status_code == 404
        assert self.as_(self.dov).post("/o/dove-and-co/clients/bakker-dental/wallet", {"do": "give"}).status_code == 404
        assert self.post("steal").status_code == 404


class StatementTest(MoneyCase):
    def fill(self) -> None:
        self.give_wallet()
        factories.add_credits(self.agency, 1000)
        self.buy(200, 2000, "a")
        for number, seconds in enumerate((61, 90, 3601)):
            self.call(seconds, f"call:{number}")

    def test_usage_ledger_and_invoices_agree(self) -> None:
        self.fill()
        found = self.statement()
        assert [each.name for each in found.checks if not each.is_right] == []
        assert (found.opening, found.came, found.calls, found.seconds) == (0, 200 * CREDIT, 3, 3752)
        with self.both():
            assert found.closing == balance(self.client_org.pk) == 200 * CREDIT - found.used
        assert (found.net_cents, found.vat_cents, found.gross_cents) == (2000, 420, 2420)
        assert len(found.checks) == 6

    def test_overage_is_worked_out_again(self) -> None:
        self.give_wallet()
        with self.both():
            plan = Plan.objects.create(
                organization=self.agency, name="Solo", price_cents=1900, included_credits=1, overage_micros=123_456, overage_credits=50
            )
            subscriptions.start_subscription(client=self.client_org, plan=plan, by=SYSTEM, now=self.now)
        self.call(605, "call:1")
        with self.both():
            subscriptions.end_subscription(client=self.client_org, by=SYSTEM, now=db.now())
        found = self.statement()
        assert [(each.kind, each.amount) for each in found.entries] == [("included", CREDIT), ("overage", 9_083_300)]
        assert [each.name for each in found.checks if not each.is_right] == []
        assert (found.closing, found.net_cents) == (0, 1900 + 112)

    def test_what_does_not_agree_is_said(self) -> None:
        self.fill()
        lost = factories.make_call(self.client_org, is_charged=True, cost=CREDIT, settled_at=self.now)
        with self.both():
            wrong = [each.problem for each in self.statement().checks if not each.is_right]
            assert wrong == ["1 charged calls are not booked"]
            lost.change(self.now, cost=0)
            book_without_invoice = {"organization_id": self.client_org.pk, "kind": "purchase", "amount": CREDIT, "actor": SYSTEM, "now": self.now}
            with transaction.atomic():
                book(key="purchase:none", **book_without_invoice)
        wrong = [(each.left, each.right) for each in self.statement().checks if not each.is_right]
        assert wrong == [("201.0000", "200.0000")]
        self.assertContains(self.as_(self.ada).get(f"{STATEMENT}?client=bakker-dental"), "Something does not add up")

    def test_pages_and_files_for_both(self) -> None:
        self.fill()
        for user, address, query in ((self.ada, STATEMENT, "?client=bakker-dental"), (self.cleo, "/o/bakker-dental/statement", "")):
            page = self.as_(user).get(address + query)
            self.assertContains(page, "It adds up")
            self.assertContains(page, "INV-00001")
            text = self.as_(user).get(f"{address}/csv{query}").content.decode()
            assert text.count("call-") == 3
            assert "Closing balance" in text
            pdf = self.as_(user).get(f"{address}/pdf{query}")
            assert pdf.content.startswith(b"%PDF")
        self.assertContains(self.as_(self.ada).get(STATEMENT), "Choose a client above.")
        assert self.as_(self.ada).get(f"{STATEMENT}?client=dove-and-co").status_code == 404
        assert self.as_(self.ada).get(f"{STATEMENT}/csv").status_code == 404
        # A client cannot ask for another one by the address: it sees its own.
        self.assertContains(self.as_(self.cleo).get("/o/bakker-dental/statement?client=dove-and-co"), "INV-00001")

    def test_without_a_wallet_the_calls_are_listed(self) -> None:
        self.call(60, "call:1")
        found = self.statement()
        assert (found.calls, found.entries, found.is_right) == (1, [], True)

    def test_one_and_three_months_of_calls_ask_the_same(self) -> None:
        self.fill()
        browser = self.as_(self.cleo)
        browser.get("/o/bakker-dental/statement")
        with self.assertNumQueries(23):
            browser.get("/o/bakker-dental/statement")
        for number in range(2):
            self.buy(10, 100, f"more {number}")
            self.call(30, f"more:{number}")
        with self.assertNumQueries(23):
            browser.get("/o/bakker-dental/statement")


class MarginTest(MoneyCase):
    def margins(self, start: dt.datetime) -> list[Margin]:
        with self.both():
            return margins(self.agency, start, start + dt.timedelta(days=32))

    def test_invoiced_less_wholesale(self) -> None:
        with self.both():
            Account.objects.create(organization=self.agency, micro_per_minute=2 * CREDIT)
        self.give_wallet()
        self.buy(200, 2000, "a")
        self.call(90, "call:1")
        start = self.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        rows = self.margins(start)
        # 3 credits at 7 cents
        assert [(each.name, each.revenue, each.cost, each.margin) for each in rows] == [("Bakker Dental", 2000, 21, 1979)]
        assert total_of(rows).margin == 1979
        page = self.as_(self.ada).get("/o/northwind-voice/clients/margin")
        self.assertContains(page, "19.79")
        assert "19.79" in self.as_(self.ada).get("/o/northwind-voice/clients/margin/csv").content.decode()
        assert self.as_(self.cleo).get("/o/bakker-dental/clients/margin").status_code == 404

    def test_a_deleted_client_takes_no_cent_along(self) -> None:
        self.give_wallet()
        self.buy(200, 2000, "a")
        self.call(90, "call:1")
        start = self.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        ada = self.as_(self.ada)
        before = self.margins(start)
        csv = ada.get("/o/northwind-voice/clients/margin/csv").content
        care.delete_client(client=self.client_org, by=SYSTEM, now=self.now)
        after = self.margins(start)
        figures = [[(each.name, each.seconds, each.revenue, each.cost, each.margin) for each in rows] for rows in (before, after)]
        # 1.5 minutes of a credit each, at 7 cents
        assert figures == [[("Bakker Dental", 90, 2000, 11, 1989)]] * 2
        assert total_of(before) == total_of(after)
        page = ada.get("/o/northwind-voice/clients/margin")
        self.assertContains(page, "19.89")
        self.assertNotContains(page, "?client=")
        assert ada.get("/o/northwind-voice/clients/margin/csv").content == csv
        with self.both():
            invoice = Invoice.objects.for_organization(self.client_org).get()
            closed = Organization.objects.get(pk=self.client_org.pk)
        self.assertContains(ada.get("/o/northwind-voice/sales/invoices"), invoice.number)
        pdf = ada.get(f"/o/northwind-voice/sales/of/{closed.slug}/invoices/{invoice.pk}")
        assert pdf.content[:5] == b"%PDF-"

    def test_half_a_cent_is_rounded_up_once(self) -> None:
        assert (cost_cents(500_000), cost_cents(71_428), cost_cents(71_429)) == (4, 0, 1)
        assert cost_cents(0) == 0

    def test_rows_ask_the_same(self) -> None:
        browser = self.as_(self.ada)
        browser.get("/o/northwind-voice/clients/margin")
        with self.assertNumQueries(18):
            browser.get("/o/northwind-voice/clients/margin")
        for name in ("Two", "Three"):
            factories.make_organization(name, parent=self.agency)
        with self.assertNumQueries(18):
            browser.get("/o/northwind-voice/clients/margin")


class HandTest(MoneyCase):
    def test_credits_by_hand_reconcile_too(self) -> None:
        self.give_wallet()
        factories.add_credits(self.agency, 10)
        with self.both():
            LedgerEntry.objects.create(organization=self.client_org, key="gift", kind="grant", amount=int(Decimal("2.5") * CREDIT), used_by=self.client_org.pk)
        self.call(60, "call:1")
        found = self.statement()
        assert (found.is_right, found.closing) == (True, 1_500_000)
