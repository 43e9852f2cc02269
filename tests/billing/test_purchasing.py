"""From an order to credits and an invoice, by transfer and by card; and back."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from apps.billing.checkout import open_checkout
from apps.billing.models import CREDIT, Invoice, LedgerEntry, Payment, Purchase, StripeEvent
from apps.billing.purchasing import cancel, take_money
from apps.billing.received import Received
from apps.billing.refunds import effect_of, refund, unused_cents
from apps.billing.services import balance, book
from apps.core import db
from apps.core.errors import Conflict, Invalid, NotFound, Unavailable
from apps.mail.models import Message
from apps.organizations.models import Notification
from apps.organizations.services import SYSTEM
from apps.portal.services.stripe_catch_up import ask_for_purchase, quiet_purchases
from tests.billing.selling import Selling, make_seller
from tests.cases import TenantCase
from tests.stripe.server import SECRET, Reply, sign
from tests.stripe.shapes import event


class Case(Selling, TenantCase):
    def setUp(self) -> None:
        self.sell()

    def pay(self, purchase: Purchase) -> str:
        """Open the payment page; returns the session's id."""
        with self.acting_for(self.client_org):
            url = open_checkout(client=self.client_org, purchase=self.again(purchase), now=db.now())
        return url.rpartition("/")[2]

    def balance(self) -> int:
        with self.acting_for(self.client_org):
            return balance(self.client_org.pk)

    def rows(self, model: Any) -> list[Any]:
        with self.acting_for(self.client_org):
            return list(model.objects.for_organization(self.client_org).order_by("created_at", "id"))

    def mails(self) -> list[str]:
        with self.acting_for(self.client_org):
            return [each.subject for each in Message.objects.of(self.client_org.pk).order_by("created_at")]


class TransferTest(Case):
    def money(self, cents: int, key: str = "a") -> Received:
        return Received(key=f"manual:{key}", gateway="manual", amount_cents=cents, currency="EUR", on=db.now().date())

    def take(self, purchase: Purchase, cents: int, key: str = "a") -> Purchase:
        with self.acting_for(self.client_org):
            return take_money(client=self.client_org, purchase_id=purchase.pk, received=self.money(cents, key), by=SYSTEM, now=db.now())

    def test_ordered_mailed_paid_booked_invoiced(self) -> None:
        purchase = self.order("transfer", key="form-1")
        assert self.order("transfer", key="form-1").pk == purchase.pk
        assert (purchase.net_cents, purchase.vat_cents, purchase.gross_cents) == (4999, 1050, 6049)
        with self.acting_for(self.client_org):
            mail = Message.objects.of(self.client_org.pk).get()
        assert purchase.reference in mail.text
        assert "NL91ABNA0417164300" in mail.text
        assert "60.49 EUR" in mail.text
        assert self.balance() == 0
        for _again in range(2):
            assert self.take(purchase, 6049).status == "paid"
        assert self.balance() == 500 * CREDIT
        [invoice] = self.rows(Invoice)
        assert (invoice.number, invoice.net_cents, invoice.vat_cents, invoice.vat_reason) == ("INV-00001", 4999, 1050, "")
        assert invoice.buyer["company"] == "Bakker Dental B.V."
        assert len(self.rows(Payment)) == 1
        assert self.mails() == [f"How to pay: Starter ({purchase.reference})", "Payment received: Starter"]
        with self.acting_for(self.client_org):
            paid = Message.objects.of(self.client_org.pk).latest("created_at")
        assert paid.attachment_name == "INV-00001.pdf"
        assert paid.file is not None
        assert paid.file.content.startswith(b"%PDF-")

    def test_paid_in_two_parts(self) -> None:
        purchase = self.order("transfer")
        assert self.take(purchase, 6000, "a").status == "open"
        assert self.balance() == 0
        assert self.take(purchase, 49, "b").status == "paid"
        assert self.balance() == 500 * CREDIT

    def test_what_cannot_be_bought(self) -> None:
        with pytest.raises(Invalid):
            self.order("manual")
        self.package.is_active = False
        with self.acting_for(self.agency):
            self.package.save()
        with pytest.raises(NotFound):
            self.order()
        with self.acting_for(self.client_org):
            self.buyer.change(db.now(), address="")
        with pytest.raises(Invalid):
            self.order("transfer")
        self.client_org.has_wallet = False
        with pytest.raises(Conflict):
            self.order("transfer")

    def test_cancelled_only_before_money_came(self) -> None:
        first, second = self.order("transfer"), self.order("transfer")
        self.take(second, 1)
        with self.acting_for(self.client_org):
            cancel(client=self.client_org, purchase_id=first.pk, by=SYSTEM, now=db.now())
            with pytest.raises(Conflict):
                cancel(client=self.client_org, purchase_id=second.pk, by=SYSTEM, now=db.now())
        assert self.again(first).status == "expired"
        # Whoever transfers all the same gets what was ordered.
        assert self.take(first, 6049, "late").status == "paid"

    def test_another_currency_is_refused(self) -> None:
        purchase = self.order("transfer")
        wrong = Received(key="x", gateway="manual", amount_cents=6049, currency="USD", on=db.now().date())
        with self.acting_for(self.client_org), pytest.raises(Invalid):
            take_money(client=self.client_org, purchase_id=purchase.pk, received=wrong, by=SYSTEM, now=db.now())


class CardTest(Case):
    def test_paid_once_however_often_it_is_told(self) -> None:
        purchase = self.order()
        session = self.pay(purchase)
        assert self.pay(purchase) == session
        assert self.stripe.sessions[session]["amount_total"] == 6049
        [told] = self.stripe.pay(session)
        for _repeat in range(3):
            self.stripe.post(told)
        self.stripe.post(told | {"id": "evt_another"})
        assert self.again(purchase).status == "paid"
        assert self.balance() == 500 * CREDIT
        assert [each.number for each in self.rows(Invoice)] == ["INV-00001"]
        assert len(self.rows(Payment)) == 1
        assert self.mails() == ["Payment received: Starter"]
        with self.acting_for(self.agency):
            kept = StripeEvent.objects.for_organization(self.agency)
            assert {(each.payload, each.error) for each in kept} == {(None, "")}
            assert kept.count() == 2

    def test_a_bank_debit_is_booked_when_the_bank_has_confirmed(self) -> None:
        purchase = self.order()
        session = self.pay(purchase)
        self.stripe.pay(session, later=True)
        assert (self.again(purchase).status, self.balance()) == ("open", 0)
        self.stripe.confirm(session)
        assert (self.again(purchase).status, self.balance()) == ("paid", 500 * CREDIT)

    def test_failed_and_then_paid(self) -> None:
        purchase = self.order()
        session = self.pay(purchase)
        self.stripe.pay(session, later=True)
        self.stripe.confirm(session, succeeds=False)
        assert (self.again(purchase).status, self.mails()) == ("failed", ["Payment failed: Starter"])
        self.stripe.confirm(session)
        assert (self.again(purchase).status, self.balance()) == ("paid", 500 * CREDIT)
        self.stripe.confirm(session, succeeds=False)
        assert self.again(purchase).status == "paid"

    def test_expired(self) -> None:
        purchase = self.order()
        self.stripe.expire(self.pay(purchase))
        assert self.again(purchase).status == "expired"
        with self.acting_for(self.client_org), pytest.raises(Conflict):
            open_checkout(client=self.client_org, purchase=self.again(purchase), now=db.now())

    def test_an_event_of_somebody_elses_client_changes_nothing(self) -> None:
        purchase = self.order()
        session = self.stripe.sessions[self.pay(purchase)]
        for told in ({"organization": str(self.stranger.pk)}, {"organization": "nonsense"}, {}, {"purchase": str(uuid.uuid4())}):
            metadata = {"purchase": str(purchase.pk), "organization": str(self.client_org.pk)} | told if told else {}
            self.stripe.post(event("checkout.session.completed", session | {"payment_status": "paid", "payment_intent": "pi_1", "metadata": metadata}))
        assert (self.again(purchase).status, self.balance()) == ("open", 0)
        make_seller(self.stranger)

    def test_the_account_does_not_answer(self) -> None:
        purchase = self.order()
        self.stripe.refusal = Reply(500, {"error": {"message": "secret words of Stripe"}})
        with pytest.raises(Unavailable) as caught:
            self.pay(purchase)
        assert "tripe" not in caught.value.text
        self.stripe.refusal = None
        assert self.pay(purchase).startswith("cs_test_")

    def test_another_account_makes_its_own_customer(self) -> None:
        self.pay(self.order())
        known = self.again(self.buyer).stripe_customer
        self.stripe.customers.clear()
        self.pay(self.order())
        assert self.again(self.buyer).stripe_customer != known


class HookTest(Case):
    def post(self, body: bytes, signature: str | None, hook: str = "") -> int:
        headers = {"Stripe-Signature": signature} if signature else {}
        return Client().post(f"/hooks/stripe/{hook or self.seller.stripe_hook}", body, content_type="application/json", headers=headers).status_code

    def test_signature_age_and_address(self) -> None:
        body = json.dumps(event("charge.refunded", {"id": "ch_1"})).encode()
        now = int(time.time())
        assert self.post(body, sign(SECRET, body)) == 200
        assert self.post(body, f"t={now},v1=00,{sign(SECRET, body, now).partition(',')[2]}") == 200
        for wrong in (None, "", "nonsense", sign("whsec_other", body), sign(SECRET, body, now - 400), sign(SECRET, body, now + 400),
                      sign(SECRET, body + b" "), f"t=x,v1={'0' * 64}", sign(SECRET, body, now).replace("v1", "v0")):  # fmt: skip
            assert self.post(body, wrong) == 401, wrong
        assert self.post(body, sign(SECRET, body), hook="unknown") == 404
        for junk in (b"[]", b"{}", b"nonsense", b'{"id": 1, "type": "x", "data": {}}'):
            assert self.post(junk, sign(SECRET, junk)) == 400
        big = b" " * (600 * 1024)
        assert self.post(big, sign(SECRET, big)) == 413
        assert Client().get(f"/hooks/stripe/{self.seller.stripe_hook}").status_code == 405

    def test_other_events_are_not_kept(self) -> None:
        assert self.stripe.post(event("payment_method.attached", {"id": "pm_1"})) == [200]
        with self.acting_for(self.agency):
            assert not StripeEvent.objects.for_organization(self.agency).exists()


class RefundTest(Case):
    def paid(self) -> Purchase:
        purchase = self.order()
        self.stripe.pay(self.pay(purchase))
        return self.again(purchase)

    def refund(self, purchase: Purchase, cents: int, key: str = "k", *, takes_used: bool = False) -> Purchase:
        with self.acting_for(self.client_org):
            return refund(
                client=self.client_org, purchase_id=purchase.pk, amount_cents=cents, key=key, on=db.now().date(), by=SYSTEM,
                takes_used=takes_used, now=db.now(),
            )  # fmt: skip

    def test_in_parts_sums_up_to_the_whole(self) -> None:
        purchase = self.paid()
        for place, cents in enumerate((1000, 2049, 3000)):
            for _twice in range(2):
                self.refund(purchase, cents, key=f"k{place}")
        assert (self.again(purchase).status, self.balance()) == ("refunded", 0)
        invoice, *notes = self.rows(Invoice)
        assert [each.number for each in notes] == ["CN-00001", "CN-00002", "CN-00003"]
        assert {each.corrects_id for each in notes} == {invoice.pk}
        assert sum(each.net_cents for each in notes) == -4999
        assert sum(each.vat_cents for each in notes) == -1050
        assert sum(each.amount_cents for each in self.rows(Payment)) == 0
        assert sum(each.amount for each in self.rows(LedgerEntry)) == 0
        with pytest.raises(Invalid):
            self.refund(purchase, 1, key="more")

    def test_the_event_before_and_after_the_answer(self) -> None:
        purchase = self.paid()
        self.stripe.give_back(purchase.stripe_payment, 1000)
        assert self.again(purchase).refunded_cents == 1000
        self.refund(purchase, 500)
        charge = self.stripe.charges[purchase.stripe_payment]
        for total in (1500, 1000, 1500):
            self.stripe.post(event("charge.refunded", charge | {"amount_refunded": total}))
        assert self.again(purchase).refunded_cents == 1500
        assert [-each.amount_cents for each in self.rows(Payment)[1:]] == [1000, 500]

    def test_a_refund_that_overtakes_its_payment_waits_for_it(self) -> None:
        purchase = self.order()
        session = self.pay(purchase)
        deliver, self.stripe.deliver = self.stripe.deliver, lambda body, headers: 200
        [completed] = self.stripe.pay(session)
        self.stripe.deliver = deliver
        self.stripe.give_back(self.stripe.sessions[session]["payment_intent"], 6049)
        assert self.balance() == 0
        self.stripe.post(completed)
        assert self.balance() == 500 * CREDIT
        self.work(minutes=5)
        assert (self.again(purchase).status, self.balance()) == ("refunded", 0)

    def test_used_credits_are_not_taken_unasked(self) -> None:
        purchase = self.paid()
        with self.acting_for(self.client_org), transaction.atomic():
            book(organization_id=self.client_org.pk, key="used", kind="correction", amount=-400 * CREDIT, note="", actor=SYSTEM, now=db.now())
        with self.acting_for(self.client_org):
            assert effect_of(purchase, 6049).used == 400 * CREDIT
            assert unused_cents(purchase) == 1209
        with pytest.raises(Invalid):
            self.refund(purchase, 6049)
        assert self.stripe.refunds == []
        self.refund(purchase, 1209)
        self.refund(purchase, 4840, key="rest", takes_used=True)
        assert self.balance() == -400 * CREDIT

    def test_by_hand_for_a_transfer(self) -> None:
        purchase = self.order("transfer")
        money = Received(key="m", gateway="manual", amount_cents=6049, currency="EUR", on=db.now().date())
        with self.acting_for(self.client_org):
            take_money(client=self.client_org, purchase_id=purchase.pk, received=money, by=SYSTEM, now=db.now())
        for _twice in range(2):
            self.refund(purchase, 6049)
        assert (self.again(purchase).status, self.balance()) == ("refunded", 0)
        assert [each.kind for each in self.rows(Invoice)] == ["invoice", "credit_note"]

    def test_only_what_was_paid(self) -> None:
        with pytest.raises(Conflict):
            self.refund(self.order(), 100)



class CatchUpTest(Case):
    def test_a_payment_that_no_event_told_about(self) -> None:
        paid, over, left = self.order(), self.order(), self.order()
        sessions = [self.pay(each) for each in (paid, over, left)]
        deliver, self.stripe.deliver = self.stripe.deliver, lambda body, headers: 0
        [lost] = self.stripe.pay(sessions[0])
        self.stripe.expire(sessions[1])
        assert quiet_purchases(db.now()) == []
        later = db.now() + dt.timedelta(hours=1)
        assert [pk for _client, pk in quiet_purchases(later)] == [paid.pk, over.pk, left.pk]
        for client_id, pk in quiet_purchases(later):
            assert client_id == self.client_org.pk
            with self.acting_for(self.client_org):
                ask_for_purchase(client=self.client_org, purchase_id=pk, now=later)
        assert [self.again(each).status for each in (paid, over, left)] == ["paid", "expired", "open"]
        self.stripe.deliver = deliver
        self.stripe.post(lost)
        assert self.balance() == 500 * CREDIT
        with self.acting_for(self.agency):
            assert Notification.objects.for_organization(self.agency).get().title == "Bakker Dental paid Starter"
