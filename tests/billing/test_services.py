"""Holds, charges, credits by hand, checkpoints: booked once, and the sum is the balance."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, ProgrammingError, connections, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from apps.billing import payers, services, tasks
from apps.billing.models import CREDIT, Account, Checkpoint, Hold, LedgerEntry
from apps.core.errors import Conflict, InsufficientCredits, Invalid
from apps.core.scope import Scope, acting
from apps.organizations.models import AuditEntry
from apps.organizations.services import SYSTEM
from tests import factories
from tests.cases import Cast, CommittedCase, TenantCase
from tests.factories import NOW


def hold(payer: Any, key: str, used_by: Any = None) -> None:
    with transaction.atomic():
        payers.hold(payers=(payer.pk,), used_by=(used_by or payer).pk, key=key, now=NOW)


def release(payer: Any, key: str) -> None:
    with transaction.atomic():
        payers.release(payers=(payer.pk,), keys=[key], now=NOW)


def charge(payer: Any, key: str, seconds: int = 60, used_by: Any = None) -> int:
    user = used_by or payer
    with transaction.atomic():
        return payers.charge_call(
            payers=(payer.pk,),
            used_by=user.pk,
            used_by_name=user.name,
            key=key,
            seconds=seconds,
            call_id="call-1",
            now=NOW,
        )


def credit(organization: Any, amount: str, key: str = "k") -> LedgerEntry:
    return services.add_credits(
        organization=organization, credits=Decimal(amount), note="invoice 7", actor=SYSTEM, key=key, now=NOW
    )


class HoldTest(TenantCase):
    def test_one_credit_is_set_aside_until_it_is_released(self) -> None:
        factories.add_credits(self.agency, 2)
        with self.acting_for(self.agency):
            hold(self.agency, "a")
            assert (services.balance(self.agency.pk), services.available(self.agency.pk)) == (2 * CREDIT, CREDIT)
            hold(self.agency, "a")
            hold(self.agency, "b")
            with pytest.raises(InsufficientCredits) as refused:
                hold(self.agency, "c")
            assert refused.value.body()["balance"] == 2.0
            release(self.agency, "a")
            release(self.agency, "a")
            release(self.agency, "never placed")
            hold(self.agency, "c")
            assert services.available(self.agency.pk) == 0

    def test_a_released_hold_does_not_come_back(self) -> None:
        factories.add_credits(self.agency, 1)
        with self.acting_for(self.agency):
            hold(self.agency, "a")
            release(self.agency, "a")
            hold(self.agency, "a")
            assert services.available(self.agency.pk) == CREDIT

    def test_a_little_less_than_a_credit_is_not_enough(self) -> None:
        with self.acting_for(self.agency):
            credit(self.agency, "0.9999")
            with pytest.raises(InsufficientCredits):
                hold(self.agency, "a")
            credit(self.agency, "0.0001", "k2")
            hold(self.agency, "a")

    def test_the_agency_pays_for_its_client(self) -> None:
        factories.add_credits(self.agency, 2)
        with self.acting_for(self.client_org):
            hold(self.agency, "a", used_by=self.client_org)
            charge(self.agency, "a", 90, used_by=self.client_org)
            row = LedgerEntry.objects.get(key="a")
            assert (row.organization_id, row.used_by, row.used_by_name) == (
                self.agency.pk, self.client_org.pk, "Bakker Dental",
            )  # fmt: skip
            assert services.balance(self.agency.pk) == 500_000


class ChargeTest(TenantCase):
    def test_booked_once_and_the_hold_goes(self) -> None:
        factories.add_credits(self.agency, 3)
        with self.acting_for(self.agency):
            hold(self.agency, "a")
            assert charge(self.agency, "a", 84) == 1_400_000
            assert charge(self.agency, "a", 3600) == 1_400_000
            assert services.balance(self.agency.pk) == services.available(self.agency.pk) == 1_600_000
            row = LedgerEntry.objects.get(key="a")
            assert (row.kind, row.amount, row.seconds, row.call_id) == ("call", -1_400_000, 84, "call-1")

    def test_a_call_in_doubt_is_booked_after_its_hold_is_gone(self) -> None:
        with self.acting_for(self.agency):
            assert charge(self.agency, "late", 60) == CREDIT
            assert services.balance(self.agency.pk) == -CREDIT

    def test_rows_never_change(self) -> None:
        with self.acting_for(self.agency):
            charge(self.agency, "a")
            for change in ({"amount": 0}, {"note": "x"}):
                with pytest.raises(ProgrammingError), transaction.atomic():
                    LedgerEntry.objects.filter(key="a").update(**change)
            with pytest.raises(ProgrammingError), transaction.atomic():
                LedgerEntry.objects.filter(key="a").delete()

    def test_seconds_of_a_month_and_of_one_client(self) -> None:
        with self.acting_for(self.client_org):
            charge(self.agency, "a", 60)
            charge(self.agency, "b", 30, used_by=self.client_org)
            booked = LedgerEntry.objects.get(key="a").created_at
        start, end = booked - dt.timedelta(hours=1), booked + dt.timedelta(hours=1)
        with self.acting_for(self.agency):
            values = {"payer_id": self.agency.pk, "start": start, "end": end}
            assert services.used_seconds(**values) == 90
            assert services.used_seconds(**values, used_by=self.client_org.pk) == 30
            assert services.used_seconds(payer_id=self.agency.pk, start=end, end=end) == 0


class CreditsTest(TenantCase):
    def test_booked_once_with_who_and_why(self) -> None:
        with self.acting_for(self.agency):
            assert credit(self.agency, "12.34567") == credit(self.agency, "99")
            row = LedgerEntry.objects.get()
            assert (row.amount, row.kind, row.note, row.actor) == (12_345_700, "credit", "invoice 7", "system")
            entry = AuditEntry.objects.get()
            assert (entry.action, entry.data["note"]) == ("credits.add", "invoice 7")

    def test_credits_can_be_taken_away(self) -> None:
        with self.acting_for(self.agency):
            assert credit(self.agency, "-5").kind == "correction"
            assert services.balance(self.agency.pk) == -5 * CREDIT

    def test_nothing_and_clients_are_refused(self) -> None:
        with self.acting_for(self.client_org):
            for amount in ("0", "0.00001"):
                with pytest.raises(Invalid):
                    credit(self.agency, amount)
            with pytest.raises(Conflict):
                credit(self.client_org, "5")


class CheckpointTest(TenantCase):
    def test_the_balance_is_the_same_with_and_without(self) -> None:
        with self.acting_for(self.agency):
            credit(self.agency, "10")
            first = LedgerEntry.objects.get().created_at
            charge(self.agency, "a", 60)
            later = first + dt.timedelta(hours=3)
            point = services.make_checkpoint(organization_id=self.agency.pk, now=later)
            assert point
            assert (point.balance, services.balance(self.agency.pk)) == (9 * CREDIT, 9 * CREDIT)
            assert services.make_checkpoint(organization_id=self.agency.pk, now=later) is None
            charge(self.agency, "b", 60)
            assert services.balance(self.agency.pk) == 8 * CREDIT
            again = services.make_checkpoint(organization_id=self.agency.pk, now=later + dt.timedelta(hours=3))
            assert again
            assert (again.balance, services.balance(self.agency.pk)) == (8 * CREDIT, 8 * CREDIT)

    def test_what_is_not_settled_is_left_for_the_next_night(self) -> None:
        with self.acting_for(self.agency):
            booked = credit(self.agency, "10").created_at
            soon = booked + dt.timedelta(minutes=59)
            assert services.make_checkpoint(organization_id=self.agency.pk, now=soon) is None

    def test_the_nightly_entry_finds_accounts_with_something_new(self) -> None:
        for organization in (self.agency, self.stranger):
            factories.add_credits(organization, 5)
        with self.acting_for(self.agency):
            late = LedgerEntry.objects.get().created_at + dt.timedelta(hours=3)
        with acting(Scope(overview=True)):
            assert set(tasks._accounts_to_sum(late)) == {self.agency.pk, self.stranger.pk}
        with self.acting_for(self.agency):
            services.make_checkpoint(organization_id=self.agency.pk, now=late)
        with acting(Scope(overview=True)):
            assert tasks._accounts_to_sum(late) == [self.stranger.pk]


class IsolationTest(TenantCase):
    def test_each_table_shows_its_own_tenants_rows_only(self) -> None:
        for organization in (self.agency, self.stranger):
            factories.add_credits(organization, 5)
            with self.acting_for(organization):
                hold(organization, "a")
                services.set_low_balance(organization=organization, credits=9, now=NOW)
                services.make_checkpoint(organization_id=organization.pk, now=NOW + dt.timedelta(days=9999))
        with self.acting_for(self.agency):
            for model in (LedgerEntry, Hold, Checkpoint, Account):
                assert {row.organization_id for row in model.objects.all()} == {self.agency.pk}, model
            assert services.balance(self.stranger.pk) == 0
            with pytest.raises(DatabaseError), transaction.atomic():
                payers.charge_call(
                    payers=(self.stranger.pk,),
                    used_by=self.agency.pk,
                    used_by_name="",
                    key="x",
                    seconds=1,
                    call_id="",
                    now=NOW,
                )


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "charge", "release", "credit", "checkpoint"]), st.integers(0, 5), st.integers(0, 600)
    ),
    max_size=30,
)


class PropertyTest(Cast, HypothesisCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.make_cast(cls)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ACTIONS)
    def test_any_order_of_bookings_adds_up(self, actions: list[tuple[str, int, int]]) -> None:
        payer, expected, seen = self.agency, 0, Counter[str]()
        booked: dict[str, int] = {}
        open_holds: dict[str, bool] = {}
        with self.acting_for(payer):
            for action, number, seconds in actions:
                key = f"call:{number}"
                if action == "hold":
                    enough = expected - sum(open_holds.values()) * CREDIT >= CREDIT
                    if enough or key in open_holds:
                        hold(payer, key)
                        open_holds.setdefault(key, True)
                    else:
                        with pytest.raises(InsufficientCredits):
                            hold(payer, key)
                elif action == "charge":
                    cost = charge(payer, key, seconds)
                    expected -= 0 if key in booked else cost
                    assert booked.setdefault(key, cost) == cost
                    open_holds.update({key: False} if key in open_holds else {})
                elif action == "release":
                    release(payer, key)
                    open_holds.update({key: False} if key in open_holds else {})
                elif action == "credit":
                    seen["credit"] += 1
                    credit(payer, "1.5", f"credit:{seen['credit']}")
                    expected += 1_500_000
                else:
                    services.make_checkpoint(organization_id=payer.pk, now=NOW + dt.timedelta(days=9999))
                total = LedgerEntry.objects.aggregate(total=Sum("amount"))["total"] or 0
                assert services.balance(payer.pk) == total == expected
                assert services.available(payer.pk) == expected - sum(open_holds.values()) * CREDIT
            assert all(row.amount % 100 == 0 for row in LedgerEntry.objects.all())


class ConcurrencyTest(CommittedCase):
    def together(self, work: Any, count: int) -> Counter[str]:
        """`work(n)` in `count` threads, at most 10 at a time; how they ended."""
        found, lock, room = Counter[str](), threading.Lock(), threading.Semaphore(10)

        def run(number: int) -> None:
            with room:
                try:
                    with acting(Scope((self.agency.pk,))):
                        work(number)
                    outcome = "done"
                except InsufficientCredits:
                    outcome = "refused"
                finally:
                    connections.close_all()
            with lock:
                found[outcome] += 1

        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def test_two_hundred_at_once_get_exactly_fifty_holds(self) -> None:
        factories.add_credits(self.agency, 50)
        assert self.together(lambda n: hold(self.agency, f"call:{n}"), 200) == {"done": 50, "refused": 150}
        with self.acting_for(self.agency):
            assert (Hold.objects.open().count(), services.available(self.agency.pk)) == (50, 0)

    def test_one_call_reported_many_times_at_once_is_booked_once(self) -> None:
        factories.add_credits(self.agency, 5)
        with self.acting_for(self.agency):
            hold(self.agency, "a")
        assert self.together(lambda n: charge(self.agency, "a", 60 + n), 20) == {"done": 20}
        with self.acting_for(self.agency):
            rows = LedgerEntry.objects.calls()
            assert (rows.count(), Hold.objects.open().count()) == (1, 0)
            assert services.balance(self.agency.pk) == 5 * CREDIT + rows.get().amount
