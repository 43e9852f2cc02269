"""Which tax stands on a sale, and what a VAT ID must look like."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.billing.vat import Party, decide, gross_of, tax_on, vat_id_problem
from apps.billing.vat.rates import EU, RATES, standard_rate
from apps.billing.vat.territories import LONG_AGO, TERRITORIES, area_of

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


FR, ES, DE = Party("FR", vat_id="FR40303265045"), Party("ES", vat_id="ESB58378431"), Party("DE", vat_id=DE_ID)
SWISS, FINN = Party("CH"), Party("FI")
CANARY = Party("ES", postal_code="35001", vat_id="ESB58378431")


@pytest.mark.parametrize(
    ("seller", "buyer", "rate", "reason"),
    [
        # Outside the Union's VAT, whoever buys and from wherever in the Union: no rate, no reverse charge.
        *((seller, Party(country, postal_code=code), 0, "outside") for seller, country, code in (
            (NL, "ES", "35001"), (NL, "ES", "38 001"), (NL, "ES", "ES-51001"), (NL, "ES", "52006"), (ES, "ES", "35001"), (ES, "ES", "52006"),
            (NL, "FI", "22100"), (NL, "GR", "630 86"), (NL, "IT", "23041"), (NL, "IT", "22061"), (Party("IT"), "IT", "23041"),
            (NL, "DE", "78266"), (DE, "DE", "78266"), (DE, "DE", "27498"), (NL, "FR", "97400"), (NL, "FR", "97133"), (FR, "FR", "97300"),
            (FR, "FR", "97600"), (FR, "FR", "97150"), (NL, "GB", "BT1 5GS"), (NL, "IM", "IM1 1AF"), (NL, "LI", "9490"), (NL, "RE", ""),
        )),
        (NL, CANARY, 0, "outside"),
        (Party("NL", uses_one_stop_shop=True), Party("ES", postal_code="38001", is_business=False), 0, "outside"),
        # What begins likewise elsewhere is not meant, nor is a missing code.
        (NL, Party("FR", postal_code="35001"), 2100, "sellers_rate"),
        (NL, Party("ES", postal_code="28035", vat_id="ESB58378431"), 0, "reverse_charge"),
        (NL, Party("ES"), 2100, "sellers_rate"),
        (DE, Party("DE", postal_code="78267"), 1900, ""),
        (DE, Party("DE", postal_code="82380"), 1900, ""),
        # Monaco is France, the Isle of Man the United Kingdom; Liechtenstein and Büsingen are Switzerland.
        (NL, Party("MC", vat_id="FR40303265045"), 0, "reverse_charge"),
        (FR, Party("MC", postal_code="98000"), 2000, ""),
        (Party("MC"), Party("FR"), 2000, ""),
        (Party("NL", uses_one_stop_shop=True), Party("MC", is_business=False), 2000, "one_stop_shop"),
        (Party("GB"), Party("IM"), 2000, ""),
        (Party("GB"), Party("JE"), 0, "outside"),
        (SWISS, Party("LI"), 810, ""),
        (SWISS, Party("DE", postal_code="78266"), 810, ""),
        # Under their state's law when both sides are.
        (FINN, Party("FI", postal_code="22100"), 2550, ""),
        (FINN, Party("AX"), 2550, ""),
        (FR, Party("FR", postal_code="97400"), 850, ""),
        (FR, Party("GP"), 850, ""),
        (Party("FR", postal_code="97200"), Party("FR", postal_code="97200"), 850, ""),
        (Party("FR", postal_code="97200", vat_rate=210), Party("MQ"), 210, ""),
        # An agency there is outside itself.
        (CANARY, DE, 0, "outside"),
        (CANARY, Party("ES", postal_code="28001"), 0, "outside"),
        (Party("ES", postal_code="35001", vat_rate=700), Party("ES", postal_code="38001"), 700, ""),
    ],
)  # fmt: skip
def test_special_territories(seller: Party, buyer: Party, rate: int, reason: str) -> None:
    tax = decide(seller=seller, buyer=buyer, on=DAY)
    assert (tax.rate, tax.reason) == (rate, reason)


def test_every_territory_begins_some_day_and_has_one_area_a_code() -> None:
    codes = [(row.country, code) for row in TERRITORIES for code in row.codes or ("",)]
    assert len(codes) == len(set(codes))
    assert area_of("ES", "35001", dt.date(2014, 12, 31)) == "ES"
    assert area_of("ES", "35001", LONG_AGO) == "IC"


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
        ("FR40303265045", "MC", True), ("FR40303265046", "MC", False), ("GB980780684", "IM", True), ("XI980780684", "GB", True),
    ],
)  # fmt: skip
def test_vat_ids(vat_id: str, country: str, is_right: bool) -> None:
    assert (vat_id_problem(vat_id, country) == "") is is_right
