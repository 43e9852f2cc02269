"""A plan that is chosen on the billing page and paid by card each month."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

from django.db import transaction

from apps.billing.card_extras import charge_extra
from apps.billing.models import CREDIT, Invoice, LedgerEntry, Payment, Plan, StripeEvent, Subscription
from apps.billing.services import balance
from apps.billing.subscriptions import begin_subscription, end_subscription, turn_period
from apps.core import db
from apps.organizations.models import Limits
from apps.organizations.services import SYSTEM
from apps.portal.services.stripe_catch_up import end_at_stripe, ended_plans
from tests import factories
from tests.billing.selling import Selling
from tests.cases import TenantCase
from tests.stripe.server import Reply
from tests.stripe.shapes import event, newer_invoice, subscription


class PlanTest(Selling, TenantCase):
    def setUp(self) -> None:
        self.sell()
        self.plan = factories._make(
            Plan, self.agency, name="Practice", price_cents=4900, included_credits=300, is_public=True, limits={"assistants": 3},
        )  # fmt: skip
        self.browser = self.as_(self.cleo)

    def choose(self) -> str:
        answer = self.browser.post("/o/bakker-dental/billing/plan", {"plan": str(self.plan.pk), "key": str(uuid.uuid4())})
        found = re.search(r"/pay/(cs_test_\w+)", answer.content.decode())
        assert found is not None, answer.content
        return found[1]

    def subscription(self) -> Subscription:
        with self.acting_for(self.client_org):
            return Subscription.objects.for_organization(self.client_org).get()

    def rows(self, model: Any) -> list[Any]:
        with self.acting_for(self.client_org):
            return list(model.objects.for_organization(self.client_org).order_by("created_at", "id"))

    def begun(self) -> str:
        self.stripe.pay(self.choose())
        self.work(minutes=5)
        return next(iter(self.stripe.subscriptions))

    def test_begins_with_credits_limits_and_a_paid_invoice(self) -> None:
        ident = self.begun()
        found = self.subscription()
        assert (found.status, found.gateway, found.stripe_subscription) == ("active", "stripe", ident)
        [invoice] = self.rows(Invoice)
        assert invoice.gross_cents == 5929
        assert [(each.amount_cents, each.invoice_id) for each in self.rows(Payment)] == [(5929, invoice.pk)]
        with self.acting_for(self.client_org):
            assert balance(self.client_org.pk) == 300 * CREDIT
            assert Limits.objects.for_organization(self.client_org).get().assistants == 3
        self.assertContains(self.browser.get("/o/bakker-dental/billing"), "Your plan")

    def test_told_again_and_in_the_newer_shape(self) -> None:
        ident = self.begun()
        events = self.rows_of_stripe(ident)
        for each in (*events, *events):
            self.stripe.post(each)
        self.work(minutes=60)
        assert len(self.rows(Invoice)) == len(self.rows(Payment)) == 1

    def rows_of_stripe(self, ident: str) -> list[dict[str, Any]]:
        session = next(each for each in self.stripe.sessions.values() if each["subscription"] == ident)
        [payment] = self.rows(Payment)
        invoice = {
            "id": payment.key.removeprefix("stripe:"), "amount_paid": 5929, "currency": "eur", "subscription": ident,
            "subscription_details": {"metadata": session["metadata"]}, "paid": True,
        }  # fmt: skip
        return [event("invoice.paid", newer_invoice(invoice)), event("checkout.session.completed", session)]

    def test_the_next_month_fails_and_is_paid_after_all(self) -> None:
        ident = self.begun()
        self.stripe.collect(ident, 5929, succeeds=False)
        assert self.subscription().status == "past_due"
        with self.acting_for(self.client_org):
            turned = self.subscription()
            # Paid while our month has not turned: the payment waits for its invoice.
        self.stripe.collect(ident, 5929)
        assert len(self.rows(Payment)) == 1
        with self.acting_for(self.client_org):
            Subscription.objects.for_organization(self.client_org).update(status="active")
            turn_period(organization_id=self.client_org.pk, subscription_id=turned.pk, now=turned.period_end + dt.timedelta(minutes=1))
        self.work(minutes=600)
        assert [each.amount_cents for each in self.rows(Payment)] == [5929, 5929]
        assert len({each.invoice_id for each in self.rows(Payment)}) == 2
        assert self.subscription().status == "active"

    def test_ended_at_the_payment_account(self) -> None:
        ident = self.begun()
        self.stripe.cancel(ident)
        assert self.subscription().ends_at_period_end
        self.stripe.subscriptions[ident]["cancel_at_period_end"] = False
        self.stripe.tell(("customer.subscription.updated", self.stripe.subscriptions[ident] | {"cancel_at_period_end": True}))
        assert not self.subscription().ends_at_period_end
        self.stripe.cancel(ident, at_once=True)
        assert self.subscription().status == "ended"
        self.stripe.cancel(ident, at_once=True)

    def test_a_trial_is_had_once(self) -> None:
        with self.acting_for(self.agency):
            self.plan.change(db.now(), trial_days=14)
        self.begun()
        assert self.subscription().status == "trial"
        assert self.rows(Invoice) == []
        with self.acting_for(self.client_org):
            end_subscription(client=self.client_org, by=SYSTEM, now=db.now())
        self.stripe.pay(self.choose())
        assert sorted(each["status"] for each in self.stripe.subscriptions.values()) == ["active", "trialing"]

    def test_a_change_in_mid_month_charges_what_is_left(self) -> None:
        first = self.begun()
        half = dt.timedelta(days=15)
        self.shift(period_start=db.now() - half, period_end=db.now() + half)
        small = self.plan
        self.plan = factories._make(Plan, self.agency, name="Clinic", price_cents=9900, included_credits=900, is_public=True, trial_days=14)
        page = self.choose()
        # 99 less the half of 49, with 21 % on each.
        assert self.stripe.sessions[page]["amount_total"] == 11979 - 2965
        assert [each["name"].startswith(f"Unused time of {small.name}") for each in self.stripe.coupons.values()] == [True]
        # What was agreed on the page holds, although it is paid later.
        self.shift(period_end=db.now() + dt.timedelta(days=2))
        self.stripe.pay(page)
        self.work(minutes=5)
        with self.acting_for(self.client_org):
            found = Subscription.objects.for_organization(self.client_org).exclude(status="ended").get()
        [second] = set(self.stripe.subscriptions) - {first}
        assert (found.name, found.status, found.gateway, found.stripe_subscription) == ("Clinic", "active", "stripe", second)
        bill = self.rows(Invoice)[-1]
        assert ([line["net_cents"] for line in bill.lines], bill.gross_cents) == ([-2450, 9900], 9014)
        assert [(each.amount_cents, each.invoice_id) for each in self.rows(Payment)][1:] == [(9014, bill.pk)]
        assert ended_plans(db.now()) == [(self.client_org.pk, first)]

    def shift(self, **values: Any) -> None:
        with self.acting_for(self.client_org):
            Subscription.objects.for_organization(self.client_org).exclude(status="ended").update(**values)

    def over_the_plan(self) -> tuple[str, list[Invoice]]:
        """A plan whose first month is over, with 10 credits beyond it. Stripe's subscription, and both invoices."""
        told = {"metadata": {"organization": str(self.client_org.pk), "plan": str(self.plan.pk)}}
        there = subscription({"currency": "eur", "customer": "cus_standin"}, told)
        ident = there["id"]
        self.stripe.subscriptions[ident] = there
        began = db.now() - dt.timedelta(days=40)
        with self.acting_for(self.agency):
            self.plan.change(db.now(), overage_micros=100_000, overage_credits=50)
        with self.acting_for(self.client_org), transaction.atomic():
            made = begin_subscription(client=self.client_org, plan=self.plan, by=SYSTEM, now=began, gateway="stripe", stripe_subscription=ident)
        factories._make(
            LedgerEntry, self.client_org, key="call:1", kind="call", amount=-310 * CREDIT, used_by=self.client_org.pk, seconds=9,
            created_at=began + dt.timedelta(days=1),
        )  # fmt: skip
        with self.acting_for(self.client_org):
            assert turn_period(organization_id=self.client_org.pk, subscription_id=made.pk, now=db.now())
        return ident, self.rows(Invoice)

    def paid(self) -> list[int]:
        payments = self.rows(Payment)
        return [sum(each.amount_cents for each in payments if each.invoice_id == invoice.pk) for invoice in self.rows(Invoice)]

    def test_credits_beyond_the_plan_are_charged_to_its_card_once(self) -> None:
        ident, invoices = self.over_the_plan()
        # 10 credits at 10 cents, 21 % on them.
        assert [each.gross_cents for each in invoices] == [5929, 5929 + 121]
        self.stripe.refusal = Reply(500, {})
        self.work()
        self.stripe.refusal = None
        for minutes in (5, 10, 60):
            self.work(minutes=minutes)
        [extra] = self.stripe.invoices.values()
        assert (extra["amount_due"], extra["customer"], extra["status"]) == (121, "cus_standin", "open")
        assert extra["default_payment_method"] == self.stripe.subscriptions[ident]["default_payment_method"]
        assert invoices[1].number in extra["description"]
        # Months are paid by months, in whatever order the money comes.
        for cents in (5929, 5929):
            self.stripe.collect(ident, cents)
        assert self.paid() == [5929, 5929]
        self.stripe.charge(extra["id"])
        assert self.paid() == [5929, 6050]
        self.stripe.tell(("invoice.paid", extra))
        assert self.paid() == [5929, 6050]

    def test_a_card_that_refuses_them_is_late_and_pays_after_all(self) -> None:
        _ident, _invoices = self.over_the_plan()
        self.work()
        [extra] = self.stripe.invoices
        self.stripe.charge(extra, succeeds=False)
        assert self.subscription().status == "past_due"
        self.stripe.charge(extra)
        assert (self.subscription().status, self.paid()) == ("active", [0, 121])

    def test_they_are_not_asked_for_twice_when_somebody_has_paid_or_a_day_has_gone(self) -> None:
        _ident, [_first, second] = self.over_the_plan()
        factories._make(
            Payment, self.client_org, key="by hand", gateway="manual", currency="EUR", amount_cents=6050, received_on=db.now().date(), invoice=second,
        )  # fmt: skip
        self.work()
        assert self.stripe.invoices == {}
        with self.acting_for(self.client_org):
            charge_extra(client=self.client_org, invoice_id=second.pk, now=db.now() + dt.timedelta(hours=21))
        assert self.stripe.invoices == {}

    def test_a_plan_that_is_paid_by_transfer_charges_no_card(self) -> None:
        with self.acting_for(self.client_org), transaction.atomic():
            begin_subscription(client=self.client_org, plan=self.plan, by=SYSTEM, now=db.now())
        with self.acting_for(self.agency):
            assert not StripeEvent.objects.exists()

    def test_what_ended_here_is_ended_there(self) -> None:
        ident = self.begun()
        with self.acting_for(self.client_org):
            end_subscription(client=self.client_org, by=SYSTEM, now=db.now())
        assert ended_plans(db.now()) == [(self.client_org.pk, ident)]
        with self.acting_for(self.client_org):
            assert [end_at_stripe(client=self.client_org, ident=each) for each in (ident, ident, "sub_unknown")] == [True, False, False]
        assert self.stripe.subscriptions[ident]["status"] == "canceled"

    def test_cards_are_changed_at_the_payment_account(self) -> None:
        assert self.browser.post("/o/bakker-dental/billing/cards").status_code in (302, 404)
        self.begun()
        answer = self.browser.post("/o/bakker-dental/billing/cards")
        self.assertContains(answer, f"{self.stripe.url}/portal/cus_")


