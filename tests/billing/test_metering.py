"""From seconds to micro-credits (platform 3)."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from apps.billing.metering import as_credits, billed_seconds, cost_of, micro, price
from apps.billing.models import CREDIT, RateCard
from tests.cases import TenantCase
from tests.factories import NOW


@pytest.mark.parametrize(
    ("seconds", "micro_credits"), [(0, 0), (1, 16_700), (2, 33_300), (30, 500_000), (84, 1_400_000)]
)
def test_per_second_with_four_decimals(seconds: int, micro_credits: int) -> None:
    assert price(seconds, CREDIT) == micro_credits


@given(st.integers(0, 100_000), st.integers(0, 20 * CREDIT))
def test_the_integer_sum_is_the_decimal_one(seconds: int, rate: int) -> None:
    exact = Decimal(seconds) / 60 * Decimal(rate) / CREDIT
    # The division by sixty may not end: only a sum whose next digits are not exactly half can differ, and it does not.
    numerator = Decimal(seconds * rate)
    rounded = (numerator / 6000).quantize(Decimal(1), ROUND_HALF_UP) * 100
    assert price(seconds, rate) == rounded
    assert abs(as_credits(price(seconds, rate)) - exact) <= Decimal("0.0000501")


@pytest.mark.parametrize(
    ("seconds", "increment", "minimum", "billed"),
    [
        (61, 1, 0, 61),
        (61, 60, 0, 120),
        (60, 60, 0, 60),
        (0, 60, 0, 0),
        (5, 1, 30, 30),
        (5, 60, 30, 60),
        (0, 1, 30, 30),
        (31, 6, 0, 36),
    ],
)
def test_increment_and_minimum(seconds: int, increment: int, minimum: int, billed: int) -> None:
    with override_settings(BILLING_INCREMENT_SECONDS=increment, BILLING_MINIMUM_SECONDS=minimum):
        assert billed_seconds(seconds) == billed


def test_no_negative_time() -> None:
    with pytest.raises(ValueError, match="less than no time"):
        billed_seconds(-1)


@pytest.mark.parametrize(("credits", "amount"), [("1", CREDIT), ("0.00005", 100), ("0.00004", 0), ("-2.5", -2_500_000)])
def test_credits_by_hand(credits: str, amount: int) -> None:
    assert micro(Decimal(credits)) == amount


class RateTest(TenantCase):
    def test_the_rate_that_holds_counts(self) -> None:
        assert cost_of(60, NOW) == CREDIT
        RateCard.objects.create(valid_from=NOW, micro_per_minute=3 * CREDIT)
        RateCard.objects.create(valid_from=NOW + dt.timedelta(days=1), micro_per_minute=5 * CREDIT)
        assert cost_of(60, NOW - dt.timedelta(seconds=1)) == CREDIT
        assert cost_of(60, NOW) == 3 * CREDIT
        assert cost_of(60, NOW + dt.timedelta(days=2)) == 5 * CREDIT
