"""A plan that is chosen on the billing page and paid by card each month."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

from apps.billing.models import CREDIT, Invoice, Payment, Plan, Subscription
from apps.billing.services import balance
from apps.billing.subscriptions import end_subscription, turn_period
from apps.core import db
from apps.organizations.models import Limits
from apps.organizations.services import SYSTEM
from apps.portal.services.stripe_catch_up import end_at_stripe, ended_plans
from tests import factories
from tests.billing.selling import Selling
from tests.cases import TenantCase
from tests.stripe.shapes import event, newer_invoice


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


