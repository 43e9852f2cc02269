"""A plan in time: the trial, included credits that lapse, overage, the end; each turn once, whatever dies in between."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.billing import payers, services, standing, subscriptions, tasks
from apps.billing.models import CREDIT, Account, Invoice, LedgerEntry, Payment, Plan, Seller, Subscription
from apps.billing.periods import months_after, next_end, overage_cents
from apps.core.errors import Conflict, InsufficientCredits
from apps.core.scope import Scope, acting
from apps.mail.models import Message
from apps.organizations.models import Notification
from apps.organizations.services import SYSTEM
from tests import factories
from tests.cases import TenantCase

START = dt.datetime(2026, 9, 30, 8, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


class SubscriptionCase(TenantCase):
    def setUp(self) -> None:
        self.enterContext(acting(Scope((self.client_org.pk, self.agency.pk))))
        Seller.objects.create(organization=self.agency, legal_name="Northwind Voice B.V.", stripe_hook="h" * 43, country="NL")

    def plan(self, **fields: Any) -> Plan:
        values = {"name": "Practice", "price_cents": 4900, "included_credits": 100} | fields
        return Plan.objects.create(organization=self.agency, **values)

    def start(self, plan: Plan, at: dt.datetime = START) -> Subscription:
        return subscriptions.start_subscription(client=self.client_org, plan=plan, by=SYSTEM, now=at)

    def use(self, credits: int, at: dt.datetime, key: str) -> None:
        LedgerEntry.objects.create(
            organization=self.client_org, key=key, kind="call", amount=-credits * CREDIT, used_by=self.client_org.pk, created_at=at
        )

    def turn(self, found: Subscription, now: dt.datetime) -> bool:
        return subscriptions.turn_period(organization_id=self.client_org.pk, subscription_id=found.pk, now=now)

    def booked(self, *kinds: str) -> list[tuple[str, int]]:
        rows = LedgerEntry.objects.for_organization(self.client_org).filter(kind__in=kinds or ("included", "lapse", "overage"))
        return [(row.kind, row.amount // CREDIT) for row in rows.order_by("created_at", "pk")]


class TurnTest(SubscriptionCase):
    def test_a_month_is_paid_ahead_and_what_was_not_used_lapses(self) -> None:
        found = self.start(self.plan())
        assert (found.status, found.period_end) == ("active", dt.datetime(2026, 10, 30, 8, tzinfo=dt.UTC))
        self.client_org.refresh_from_db()
        assert self.client_org.has_wallet
        self.use(30, START + DAY, "call:1")
        assert not self.turn(found, found.period_end - DAY)
        assert self.turn(found, found.period_end)
        assert not self.turn(found, found.period_end)
        assert self.booked() == [("included", 100), ("lapse", -70), ("included", 100)]
        assert services.balance(self.client_org.pk) == 100 * CREDIT
        bills = list(Invoice.objects.for_organization(self.client_org).order_by("sequence"))
        assert [(each.net_cents, each.vat_cents) for each in bills] == [(4900, 1029)] * 2
        assert bills[0].lines[0]["entries"] == [f"included:{found.pk}:20260930T080000"]
        assert bills[0].due_on == (START + 14 * DAY).date()

    def test_credits_that_were_bought_are_used_last_and_stay(self) -> None:
        found = self.start(self.plan())
        factories.add_credits(self.client_org, 50)
        self.use(120, START + DAY, "call:1")
        self.turn(found, found.period_end)
        assert self.booked() == [("included", 100), ("included", 100)]
        assert services.balance(self.client_org.pk) == 130 * CREDIT

    def test_overage_is_invoiced_at_the_end_and_the_line_is_the_room_for_it(self) -> None:
        found = self.start(self.plan(overage_micros=123_456, overage_credits=20))
        assert Account.objects.for_organization(self.client_org).get().credit_line == 20 * CREDIT
        self.use(117, START + DAY, "call:1")
        assert payers.left(self.client_org.payer_ids, self.client_org.pk) == 3 * CREDIT
        self.turn(found, found.period_end)
        assert self.booked() == [("included", 100), ("overage", 17), ("included", 100)]
        bill = Invoice.objects.for_organization(self.client_org).order_by("-sequence")[0]
        assert [(line["net_cents"], line["quantity"]) for line in bill.lines] == [(210, "17.0000"), (4900, "1")]
        assert services.balance(self.client_org.pk) == 100 * CREDIT

    def test_what_a_refund_took_is_no_overage(self) -> None:
        found = self.start(self.plan(overage_micros=100_000, overage_credits=20))
        self.use(105, START + DAY, "call:1")
        with transaction.atomic():
            services.book(organization_id=self.client_org.pk, key="refund", kind="refund", amount=-50 * CREDIT, actor=SYSTEM, now=START + DAY)
        later = months_after(dt.datetime.now(dt.UTC), 1)
        Subscription.objects.filter(pk=found.pk).update(period_end=later)
        found.refresh_from_db()
        self.turn(found, later)
        assert ("overage", 5) in self.booked()
        assert services.balance(self.client_org.pk) == 50 * CREDIT

    def test_a_turn_that_comes_late_works_out_the_same(self) -> None:
        found = self.start(self.plan())
        self.use(30, START + DAY, "call:1")
        self.use(40, found.period_end + DAY, "call:2")
        late = START + dt.timedelta(days=75)
        for _turn in range(2):
            assert self.turn(found, late)
        assert not self.turn(found, late)
        assert self.booked() == [("included", 100), ("lapse", -70), ("included", 100), ("lapse", -60), ("included", 100)]
        assert services.balance(self.client_org.pk) == 100 * CREDIT
        found.refresh_from_db()
        assert found.period_end == dt.datetime(2026, 12, 30, 8, tzinfo=dt.UTC)

    def test_dying_before_the_commit_books_nothing_and_leaves_no_gap(self) -> None:
        found = self.start(self.plan(overage_micros=100_000, overage_credits=50))
        self.use(110, START + DAY, "call:1")
        with transaction.atomic():
            subscriptions.turn_period.__wrapped__(  # type: ignore[attr-defined]
                organization_id=self.client_org.pk, subscription_id=found.pk, now=found.period_end
            )
            transaction.set_rollback(True)
        assert self.booked() == [("included", 100)]
        assert self.turn(found, found.period_end)
        numbers = Invoice.objects.for_organization(self.client_org).order_by("sequence").values_list("number", flat=True)
        assert list(numbers) == ["INV-00001", "INV-00002"]


    def test_the_invoice_is_mailed_once_and_a_lapse_warns_nobody(self) -> None:
        found = self.start(self.plan(), dt.datetime.now(dt.UTC))
        self.turn(found, found.period_end)
        with acting(Scope(overview=True)):
            waiting = tasks._invoices_without_mail(dt.datetime.now(dt.UTC))
        assert len(waiting) == 2
        for organization_id, invoice_id in waiting * 2:
            tasks.mail_invoice(str(organization_id), str(invoice_id))
        with acting(Scope(overview=True)):
            assert tasks._invoices_without_mail(dt.datetime.now(dt.UTC)) == []
        mails = Message.objects.of(self.client_org.pk)
        assert {(mail.to, mail.subject) for mail in mails} == {
            ("cleo@example.com", "Invoice INV-00001: Practice"), ("cleo@example.com", "Invoice INV-00002: Practice"),
        }  # fmt: skip
        assert all(mail.attachment_name.endswith(".pdf") and "59.29" in mail.text for mail in mails)


class TrialTest(SubscriptionCase):
    def test_it_costs_nothing_has_no_line_and_is_given_once(self) -> None:
        plan = self.plan(trial_days=14, overage_micros=100_000, overage_credits=50)
        found = self.start(plan)
        assert (found.status, found.period_end) == ("trial", START + 14 * DAY)
        assert not Invoice.objects.exists()
        assert payers.left(self.client_org.payer_ids, self.client_org.pk) == 100 * CREDIT
        self.use(20, START + DAY, "call:1")
        self.turn(found, found.period_end)
        found.refresh_from_db()
        assert (found.status, found.period_start, found.period_end) == ("active", START + 14 * DAY, dt.datetime(2026, 11, 14, 8, tzinfo=dt.UTC))
        assert self.booked() == [("included", 100), ("lapse", -80), ("included", 100)]
        assert Invoice.objects.get().net_cents == 4900
        subscriptions.end_subscription(client=self.client_org, by=SYSTEM, now=START + 15 * DAY)
        assert self.start(plan, START + 16 * DAY).status == "active"


class EndTest(SubscriptionCase):
    def test_it_ends_with_its_period_or_goes_on_after_all(self) -> None:
        found = self.start(self.plan())
        subscriptions.cancel_subscription(client=self.client_org, by=SYSTEM, now=START + DAY)
        subscriptions.resume_subscription(client=self.client_org, by=SYSTEM, now=START + DAY)
        self.turn(found, found.period_end)
        subscriptions.cancel_subscription(client=self.client_org, by=SYSTEM, now=START + DAY)
        found.refresh_from_db()
        self.turn(found, found.period_end)
        found.refresh_from_db()
        assert found.status == "ended"
        assert services.balance(self.client_org.pk) == 0
        assert Invoice.objects.count() == 2
        assert subscriptions.subscription_of(self.client_org.pk) is None

    def test_at_once_overage_is_invoiced(self) -> None:
        self.start(self.plan(overage_micros=100_000, overage_credits=50))
        self.use(110, START + DAY, "call:1")
        subscriptions.end_subscription(client=self.client_org, by=SYSTEM, now=START + 2 * DAY)
        assert Invoice.objects.order_by("-sequence")[0].net_cents == 100
        assert (services.balance(self.client_org.pk), payers.left(self.client_org.payer_ids, self.client_org.pk)) == (0, 0)

    def test_another_plan_begins_at_once_less_what_was_paid(self) -> None:
        self.start(self.plan(trial_days=3))
        first = subscriptions.subscription_of(self.client_org.pk)
        assert first
        self.turn(first, first.period_end)
        first.refresh_from_db()
        half = first.period_start + (first.period_end - first.period_start) / 2
        bigger = self.plan(name="Clinic", price_cents=9900, included_credits=300, trial_days=14, micro_per_minute=900_000)
        found = subscriptions.change_subscription(client=self.client_org, plan=bigger, by=SYSTEM, now=half)
        assert (found.status, found.name) == ("active", "Clinic")
        bill = Invoice.objects.order_by("-sequence")[0]
        assert [line["net_cents"] for line in bill.lines] == [-2450, 9900]
        assert services.balance(self.client_org.pk) == 300 * CREDIT
        assert payers.rate_of((self.agency.pk, self.client_org.pk), self.client_org.pk) == 900_000
        cheaper = self.plan(name="Solo", price_cents=1000, included_credits=10)
        subscriptions.change_subscription(client=self.client_org, plan=cheaper, by=SYSTEM, now=half)
        bill = Invoice.objects.order_by("-sequence")[0]
        assert ([line["net_cents"] for line in bill.lines], bill.gross_cents) == ([-1000, 1000], 0)

    def test_refusals(self) -> None:
        plan = self.plan()
        assert self.start(plan) == self.start(plan)
        with pytest.raises(Conflict):
            self.start(self.plan(name="Other"))
        Seller.objects.all().delete()
        with pytest.raises(Conflict) as refused:
            subscriptions.change_subscription(client=self.client_org, plan=self.plan(name="Third"), by=SYSTEM, now=START)
        assert refused.value.type == "seller_missing"


class StandingTest(SubscriptionCase):
    def pay(self, key: str, cents: int) -> None:
        bill = Invoice.objects.get()
        Payment.objects.create(
            organization=self.client_org, key=key, gateway="transfer", currency="EUR", amount_cents=cents, received_on=START.date(), invoice=bill
        )

    def hold(self, now: dt.datetime) -> None:
        self.client_org.refresh_from_db()
        with transaction.atomic():
            payers.hold(payers=self.client_org.payer_ids, used_by=self.client_org.pk, key=str(now), now=now)

    def test_late_then_told_then_no_calls_then_paid(self) -> None:
        factories.add_credits(self.agency, 50)
        self.start(self.plan())
        due = START + 14 * DAY
        values = {"organization_id": self.client_org.pk}
        assert standing.review_standing(**values, now=due) == "active"
        late = due + DAY
        assert standing.review_standing(**values, now=late) == "past_due"
        assert standing.review_standing(**values, now=late + DAY) == "past_due"
        assert Notification.objects.for_organization(self.client_org).count() == 1
        self.hold(late + 6 * DAY)
        with pytest.raises(InsufficientCredits) as refused:
            self.hold(late + 7 * DAY)
        assert "not paid" in refused.value.body()["message"]
        subscriptions.cancel_subscription(client=self.client_org, by=SYSTEM, now=late + 8 * DAY)
        assert standing.is_blocked(self.client_org.pk, late + 8 * DAY)
        self.pay("half", 3000)
        assert standing.review_standing(**values, now=late + 8 * DAY) == "past_due"
        self.pay("rest", 2929)
        assert standing.review_standing(**values, now=late + 8 * DAY) == "active"
        self.hold(late + 8 * DAY)

    def test_unpaid_until_the_end_of_its_month_it_does_not_go_on(self) -> None:
        found = self.start(self.plan())
        standing.review_standing(organization_id=self.client_org.pk, now=START + 15 * DAY)
        self.turn(found, found.period_end)
        found.refresh_from_db()
        assert (found.status, services.balance(self.client_org.pk), Invoice.objects.count()) == ("ended", 0, 1)


class ClockTest(SubscriptionCase):
    def test_the_beat_finds_what_is_due_and_turns_it(self) -> None:
        found = self.start(self.plan(), dt.datetime.now(dt.UTC) - dt.timedelta(days=40))
        with acting(Scope(overview=True)):
            assert tasks._due_subscriptions(dt.datetime.now(dt.UTC)) == [(self.client_org.pk, found.pk)]
        tasks.turn_subscription(str(self.client_org.pk), str(found.pk))
        found.refresh_from_db()
        assert found.period_end > dt.datetime.now(dt.UTC)


@given(st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2040, 1, 1)), st.integers(1, 30))
def test_months_follow_each_other_without_drifting(anchor: dt.datetime, count: int) -> None:
    start = anchor = anchor.replace(tzinfo=dt.UTC)
    for number in range(1, count):
        end = next_end(anchor, start)
        assert end == months_after(anchor, number) > start
        start = end


@given(st.integers(0, 10**12), st.integers(0, 10**8))
def test_overage_is_rounded_once_half_up(amount: int, micros: int) -> None:
    exact = Decimal(amount) * micros / (CREDIT * 10_000)
    assert abs(overage_cents(amount, micros) - exact) <= Decimal("0.5")
