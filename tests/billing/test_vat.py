"""Which tax stands on a sale, and what a VAT ID must look like."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.billing.vat import Party, decide, gross_of, tax_on, vat_id_problem
from apps.billing.vat.rates import EU, RATES, standard_rate

DAY = dt.date(2026, 11, 18)
NL = Party("NL", vat_id="NL004495445B01")
DE_ID = "DE136695976"


@pytest.mark.parametrize(
    ("seller", "buyer", "rate", "reason"),
    [
        (NL, Party("NL"), 2100, ""),
        (NL, Party("NL", vat_id="NL004495445B01"), 2100, ""),
        (NL, Party(""), 2100, ""),
        (NL, Party("DE", vat_id=DE_ID), 0, "reverse_charge"),
        # A private person, a missing or a foreign ID: the seller's rate below the threshold, else the buyer's country's.
        (NL, Party("DE", vat_id=DE_ID, is_business=False), 2100, "sellers_rate"),
        (NL, Party("DE"), 2100, "sellers_rate"),
        (NL, Party("DE", vat_id="NL004495445B01"), 2100, "sellers_rate"),
        (NL, Party("DE", vat_id="DE136695977"), 2100, "sellers_rate"),
        (Party("NL", uses_one_stop_shop=True), Party("DE"), 1900, "one_stop_shop"),
        (Party("NL", uses_one_stop_shop=True), Party("FI"), 2550, "one_stop_shop"),
        (Party("NL", vat_id=NL.vat_id, uses_one_stop_shop=True), Party("DE", vat_id=DE_ID), 0, "reverse_charge"),
        # Without an ID of its own the seller cannot write such an invoice.
        (Party("NL"), Party("DE", vat_id=DE_ID), 2100, "sellers_rate"),
        (NL, Party("US"), 0, "outside"),
        (NL, Party("GB", vat_id="GB980780684"), 0, "outside"),
        (Party("NL", is_small_business=True), Party("NL"), 0, "small_business"),
        (Party("NL", is_small_business=True), Party("DE"), 0, "small_business"),
        (Party("DE", vat_id=DE_ID, is_small_business=True), Party("NL", vat_id="NL004495445B01"), 0, "reverse_charge"),
        (Party("NL", vat_rate=900), Party("NL"), 900, ""),
        (Party("GB"), Party("GB"), 2000, ""),
        (Party("GB"), Party("NL"), 0, "outside"),
        (Party("CH"), Party("CH"), 810, ""),
        (Party("GR", vat_id="EL094259216"), Party("GR"), 2400, ""),
        (NL, Party("GR", vat_id="EL094259216"), 0, "reverse_charge"),
    ],
)
def test_rate_and_reason(seller: Party, buyer: Party, rate: int, reason: str) -> None:
    tax = decide(seller=seller, buyer=buyer, on=DAY)
    assert (tax.rate, tax.reason) == (rate, reason)


def test_rates_hold_from_their_day() -> None:
    assert [standard_rate("EE", dt.date(2025, 6, 30)), standard_rate("EE", dt.date(2025, 7, 1))] == [2200, 2400]
    assert [standard_rate("RO", dt.date(2025, 7, 31)), standard_rate("RO", dt.date(2025, 8, 1))] == [1900, 2100]
    assert standard_rate("US", DAY) is None
    assert len(EU) == 27
    for rows in RATES.values():
        assert [day for day, _rate in rows] == sorted({day for day, _rate in rows})
        assert all(700 <= rate <= 2700 for _day, rate in rows)


@given(st.integers(-(10**9), 10**9), st.sampled_from([0, 700, 810, 1900, 2100, 2550]))
def test_tax_is_rounded_half_up_once(net: int, rate: int) -> None:
    tax = tax_on(net, rate)
    assert abs(tax * 10_000 - net * rate) <= 5_000
    assert tax_on(-net, rate) == -tax
    assert gross_of(net, rate) == net + tax


@pytest.mark.parametrize(
    ("vat_id", "country", "is_right"),
    [
        ("NL004495445B01", "NL", True), ("NL004495446B01", "NL", False), ("004495445B01", "NL", False), (DE_ID, "NL", False),
        (DE_ID, "DE", True), ("EL094259216", "GR", True), ("GR094259216", "GR", False), ("", "NL", True), ("GB980780684", "GB", True),
        ("GB980780685", "GB", False), ("12-3456789", "US", True),
    ],
)  # fmt: skip
def test_vat_ids(vat_id: str, country: str, is_right: bool) -> None:
    assert (vat_id_problem(vat_id, country) == "") is is_right
