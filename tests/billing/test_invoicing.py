"""Numbers without a gap, documents that stay, sums that fit."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from apps.billing.invoice_pdf import invoice_pdf
from apps.billing.invoicing import Line, Subject, issue_invoice, tax_for
from apps.billing.models import CREDIT, Buyer, Invoice, Purchase
from apps.billing.purchasing import order_package, take_money
from apps.billing.received import Received
from apps.billing.services import balance
from apps.billing.vat import Tax
from apps.core import db
from apps.organizations.services import SYSTEM
from tests import factories
from tests.billing.selling import give_wallet, make_buyer, make_package, make_seller
from tests.cases import CommittedCase, TenantCase
from tests.pdf import words_of


class InvoiceTest(TenantCase):
    def setUp(self) -> None:
        self.seller = make_seller(self.agency)
        make_buyer(self.client_org)

    def issue(self, key: str, *lines: Line, rate: int = 2100, reason: str = "", **subject: Any) -> Invoice:
        with self.acting_for(self.client_org), transaction.atomic():
            return issue_invoice(
                client=self.client_org, seller=self.seller, key=key, lines=lines or [Line("Credits", 4999)], tax=Tax(rate, reason),
                subject=Subject(**subject), now=db.now(),
            )  # fmt: skip

    def test_numbers_and_repeats(self) -> None:
        assert [self.issue(key).number for key in ("a", "b", "a", "c")] == ["INV-00001", "INV-00002", "INV-00001", "INV-00003"]
        first = self.issue("a")
        assert self.issue("n", Line("Credits", -4999), corrects=first).number == "CN-00001"

    def test_a_rolled_back_number_is_given_out_again(self) -> None:
        self.issue("a")
        with self.acting_for(self.client_org), transaction.atomic():
            issue_invoice(client=self.client_org, seller=self.seller, key="b", lines=[Line("x", 1)], tax=Tax(0), subject=Subject(), now=db.now())
            transaction.set_rollback(True)
        assert self.issue("c").number == "INV-00002"

    def test_each_agency_counts_for_itself(self) -> None:
        self.issue("a")
        other = factories.make_organization("Dove Client", parent=self.stranger)
        seller = make_seller(self.stranger, invoice_prefix="D")
        with self.acting_for(other), transaction.atomic():
            made = issue_invoice(client=other, seller=seller, key="a", lines=[Line("x", 1)], tax=Tax(0), subject=Subject(), now=db.now())
        assert made.number == "D00001"

    def test_the_buyer_s_postal_code_decides_the_tax(self) -> None:
        with self.acting_for(self.client_org):
            buyer = Buyer.objects.for_organization(self.client_org).get()
            found = []
            for code in ("28001", "35001"):
                buyer.change(db.now(), country="ES", postal_code=code)
                found.append(tax_for(self.client_org, self.seller, db.now().date()))
        assert found == [Tax(2100, "sellers_rate"), Tax(0, "outside")]

    def test_sums_are_those_of_the_lines(self) -> None:
        made = self.issue("a", Line("A", 333), Line("B", 333), Line("C", 334))
        assert (made.net_cents, made.vat_cents) == (1000, 210)
        assert sum(line["vat_cents"] for line in made.lines) == made.vat_cents
        assert made.gross_cents == 1210

    def test_nobody_changes_it(self) -> None:
        made = self.issue("a")
        for attempt in (lambda: Invoice.objects.filter(pk=made.pk).update(net_cents=1), lambda: Invoice.objects.filter(pk=made.pk).delete()):
            with self.acting_for(self.client_org), pytest.raises(DatabaseError), transaction.atomic():
                attempt()

    def test_it_says_who_they_were_in_its_language(self) -> None:
        self.client_org.language = "nl"
        made = self.issue("a", reason="reverse_charge", rate=0)
        with self.acting_for(self.agency):
            self.seller.change(db.now(), legal_name="Another name")
        with self.acting_for(self.client_org):
            words = words_of(invoice_pdf(self.again(made), brand=self.client_org.brand)).replace("\n", " ")
        assert made.language == "nl"
        assert "Northwind Voice B.V." in words
        assert "Another name" not in words
        assert "49,99 EUR" in words

    def again(self, made: Invoice) -> Invoice:
        return Invoice.objects.select_related("corrects").get(pk=made.pk)


class ParallelTest(CommittedCase):
    def test_parallel_purchases_number_from_one_without_a_gap(self) -> None:
        make_seller(self.agency)
        clients = [self.client_org, *(factories.make_organization(f"Client {each}", parent=self.agency) for each in range(2))]
        package, orders = make_package(self.agency), []
        for client in clients:
            make_buyer(client)
            give_wallet(client)
            with self.acting_for(client):
                for _each in range(3):
                    order = order_package(client=client, package_id=package.pk, gateway="transfer", key=str(len(orders)), by=SYSTEM, now=db.now())
                    orders.append((client, order))
        errors: list[BaseException] = []

        def pay(client: Any, order: Purchase, key: str) -> None:
            try:
                received = Received(key=key, gateway="manual", amount_cents=order.gross_cents, currency="EUR", on=db.now().date())
                with self.acting_for(client):
                    take_money(client=client, purchase_id=order.pk, received=received, by=SYSTEM, now=db.now())
            except BaseException as error:
                errors.append(error)
            finally:
                connections.close_all()

        # Each order is paid by two forms at the same time.
        threads = [threading.Thread(target=pay, args=(client, order, f"{place}")) for client, order in orders for place in (order.pk, order.pk)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(120)
        assert errors == []
        numbers = []
        for client in clients:
            with self.acting_for(client):
                found = list(Invoice.objects.for_organization(client))
                assert len(found) == 3
                assert balance(client.pk) == 1500 * CREDIT
                numbers += [each.sequence for each in found]
        assert sorted(numbers) == list(range(1, 10))
        assert not connection.in_atomic_block
