"""The gap and the rolling limit by number, across campaigns, and the numbers that nobody calls."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import override_settings

from apps.billing.models import CREDIT, Hold, LedgerEntry
from apps.calls.allowed import forbidden_among, spend_left
from apps.calls.by_number import GAP, LIMIT, Wait, number_waits
from apps.calls.models import Call, CallingRules
from apps.organizations.models import Limits, Organization
from tests import factories
from tests.calls.support import scope_of
from tests.cases import TenantCase

NOW = dt.datetime(2026, 11, 18, 11, 0, tzinfo=dt.UTC)
SAM, KIM = "+31612345678", "+31687654321"


@dataclass(frozen=True)
class AtMost:
    calls: int
    days: int


def ago(minutes: float) -> dt.datetime:
    return NOW - dt.timedelta(minutes=minutes)


def called(organization: Organization, minutes: float, number: str = SAM, **fields: Any) -> Call:
    """A call that was sent so many minutes ago and lasted one."""
    values = {
        "direction": "outbound", "dial": "accepted", "other_number": number, "sent_at": ago(minutes),
        "ended_at": ago(minutes - 1),
    }  # fmt: skip
    call = factories.make_call(organization, **values | fields)
    with scope_of(organization):
        Call.objects.filter(pk=call.pk).update(created_at=ago(minutes))
    return call


class WaitTest(TenantCase):
    def waits(self, *numbers: str, organization: Organization | None = None, **options: Any) -> dict[str, Wait]:
        organization = organization or self.client_org
        with scope_of(organization):
            return number_waits(organization=organization, numbers=numbers or [SAM], now=NOW, **options)

    def rules(self, organization: Organization | None = None, **fields: Any) -> None:
        organization = organization or self.client_org
        with scope_of(organization):
            CallingRules.objects.create(organization=organization, **fields)

    def test_the_gap_begins_at_the_end_of_the_last_call(self) -> None:
        called(self.client_org, 4)
        self.assertEqual(self.waits(SAM, KIM), {SAM: Wait(GAP, ago(-2))})

    def test_after_the_gap_nothing_holds_it_back(self) -> None:
        called(self.client_org, 6)
        self.assertEqual(self.waits(), {})

    def test_a_running_call_holds_back_the_next(self) -> None:
        called(self.client_org, 40, status="in-progress", ended_at=None)
        self.assertEqual(self.waits(), {SAM: Wait(GAP, ago(-5))})

    def test_one_that_is_reserved_for_later_too(self) -> None:
        fields = {"status": "connecting", "dial": "reserved", "sent_at": None, "ended_at": None, "dial_at": ago(-3)}
        called(self.client_org, 0, **fields)
        self.assertEqual(self.waits(), {SAM: Wait(GAP, ago(-8))})

    def test_what_counts_and_what_does_not(self) -> None:
        for fields in ({"dial": "refused"}, {"direction": "inbound"}, {"direction": "web"}):
            called(self.client_org, 2, **fields)
        called(self.client_org, 2, KIM, dial="in_doubt")
        called(self.stranger, 2)
        called(self.agency, 2)
        self.assertEqual(self.waits(SAM, KIM), {KIM: Wait(GAP, ago(-4))})

    def test_the_limit_rolls(self) -> None:
        self.rules(min_gap_minutes=0, number_attempts=2, number_days=1)
        called(self.client_org, 24 * 60 + 1)
        called(self.client_org, 600, origin="campaign:one")
        self.assertEqual(self.waits(), {})
        called(self.client_org, 60, origin="api")
        self.assertEqual(self.waits(), {SAM: Wait(LIMIT, ago(600 - 24 * 60))})

    def test_the_stricter_of_rules_and_pack_holds_and_the_longer_wait_is_named(self) -> None:
        self.rules(min_gap_minutes=90, number_attempts=3, number_days=1)
        called(self.client_org, 60)
        called(self.client_org, 5 * 24 * 60)
        self.assertEqual(self.waits(), {SAM: Wait(GAP, ago(59 - 90))})
        limits = {SAM: [AtMost(calls=2, days=7)], KIM: [AtMost(calls=1, days=1)]}
        self.assertEqual(self.waits(SAM, KIM, limits=limits), {SAM: Wait(LIMIT, ago(-2 * 24 * 60))})

    @override_settings(CAMPAIGN_MINUTE_SECONDS=1)
    def test_the_gap_runs_with_the_campaigns_minute(self) -> None:
        called(self.client_org, 1.05)
        self.assertEqual(self.waits(), {SAM: Wait(GAP, ago(0.05) + dt.timedelta(seconds=5))})

    def test_fifty_numbers_are_one_query(self) -> None:
        numbers = [f"+3161234{each:04d}" for each in range(50)]
        for number in numbers:
            called(self.client_org, 2, number)
        with scope_of(self.client_org), self.assertNumQueries(1):
            found = number_waits(organization=self.client_org, numbers=numbers, now=NOW)
        self.assertEqual(len(found), 50)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+31612345678", None), ("+31201234567", None), ("+4930231250", None), ("+12025550123", None),
        # The examples of the specification and the magic numbers of the sandbox.
        *[(f"+4477009000{each:02d}", None) for each in range(1, 9)],
        ("+31600000001", None), ("+31850000001", None), ("+31600000007", None),
        ("+31900123456", "premium"), ("+319069999", "premium"), ("+491801234567", "premium"), ("+447012345678", "premium"),
        ("+19005551234", "premium"), ("+448451234567", "premium"), ("+3190012345678", "premium"), ("+49900123456789", "premium"),
        ("+979123456789", "satellite"), ("+80812345678", "satellite"), ("+870773111632", "satellite"),
        ("+878101234567890", "satellite"), ("+881612345678", "satellite"), ("+882161234567", "satellite"),
        ("+8835100012345", "satellite"), ("+888123456789", "satellite"),
    ],
)  # fmt: skip
@pytest.mark.django_db(databases=["default", "owner"])
def test_numbers_that_nobody_calls(number: str, why: str | None) -> None:
    organization = factories.make_organization("Northwind Voice")
    with scope_of(organization):
        assert forbidden_among(organization, [number], NOW) == ({number: why} if why else {})


class CountryTest(TenantCase):
    def allow(self, organization: Organization, *countries: str) -> None:
        with scope_of(organization):
            Limits.objects.create(organization=organization, countries=list(countries))

    def forbidden(self, organization: Organization, *numbers: str) -> dict[str, str]:
        with scope_of(organization):
            return forbidden_among(organization, numbers, NOW)

    def test_the_organizations_and_its_agencys_list_both_hold(self) -> None:
        self.allow(self.client_org, "NL", "DE")
        self.allow(self.agency, "NL", "BE")
        self.allow(self.stranger, "US")
        found = self.forbidden(self.client_org, "+31612345678", "+4930231250", "+3223456789")
        self.assertEqual(found, {"+4930231250": "country", "+3223456789": "country"})
        self.assertEqual(self.forbidden(self.agency, "+31612345678", "+4930231250"), {"+4930231250": "country"})

    def test_a_number_that_is_not_known_as_valid_is_its_codes_country(self) -> None:
        self.allow(self.agency, "NL", "GB", "US")
        numbers = ("+31600000001", "+447700900001", "+12025550123", "+18765551234", "+13115552368", "+99912345678")
        expected = dict.fromkeys(("+18765551234", "+13115552368", "+99912345678"), "country")
        self.assertEqual(self.forbidden(self.agency, *numbers), expected)

    def test_an_empty_list_allows_nothing(self) -> None:
        self.allow(self.agency)
        self.assertEqual(self.forbidden(self.client_org, "+31612345678"), {"+31612345678": "country"})

    def test_fifty_numbers_are_one_query(self) -> None:
        self.allow(self.agency, "NL")
        with scope_of(self.client_org), self.assertNumQueries(1):
            found = forbidden_among(self.client_org, [f"+49302312{each:02d}" for each in range(50)], NOW)
        self.assertEqual(len(found), 50)


class SpendTest(TenantCase):
    def limit(self, organization: Organization, credits: int) -> None:
        with scope_of(organization):
            Limits.objects.create(organization=organization, spend_per_hour=credits * CREDIT)

    def spend(self, used_by: Organization, credits: float, minutes: float = 10, **fields: Any) -> None:
        payer = used_by.parent or used_by
        values = {"key": f"test:{used_by.slug}:{credits}:{minutes}", "kind": "call", "amount": -int(credits * CREDIT), "used_by": used_by.pk, "created_at": ago(minutes)}
        with scope_of(payer):
            LedgerEntry.objects.create(organization=payer, **values | fields)

    def left(self, organization: Organization) -> int | None:
        with scope_of(organization):
            return spend_left(organization, NOW)

    def test_without_a_limit_there_is_none(self) -> None:
        self.spend(self.client_org, 100)
        self.assertIsNone(self.left(self.client_org))

    def test_the_last_hour_and_what_is_held(self) -> None:
        self.limit(self.client_org, 20)
        self.spend(self.client_org, 3, 59)
        self.spend(self.client_org, 7, 61)
        self.spend(self.client_org, 50, kind="credit", amount=50 * CREDIT)
        self.spend(self.agency, 11)
        with scope_of(self.agency):
            Hold.objects.create(organization=self.agency, key="a", amount=CREDIT, used_by=self.client_org.pk)
            Hold.objects.create(organization=self.agency, key="b", amount=CREDIT, used_by=self.client_org.pk, released_at=NOW)
            Hold.objects.create(organization=self.agency, key="c", amount=CREDIT, used_by=self.agency.pk)
        self.assertEqual(self.left(self.client_org), 16 * CREDIT)
        self.limit(self.agency, 17)
        self.assertEqual((self.left(self.client_org), self.left(self.agency)), (CREDIT, CREDIT))
        self.assertIsNone(self.left(self.stranger))
