"""Which tax stands on a sale of calling minutes, an electronically supplied service.

Articles of Directive 2006/112/EC: 44 and 196 (business in another member state: reverse charge), 58 and 59c (consumers: the
buyer's country, or the seller's below the threshold of 10,000 euros), 59 (outside the Union), 284 (small businesses).
"Country" is the area whose VAT holds at the address: of a member state's special territories it is not the state's.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from apps.billing.vat.ids import is_valid
from apps.billing.vat.rates import EU, standard_rate
from apps.billing.vat.territories import area_of, law_of

REVERSE, OSS, ORIGIN, OUTSIDE, SMALL = "reverse_charge", "one_stop_shop", "sellers_rate", "outside", "small_business"


@dataclass(frozen=True)
class Party:
    """Seller or buyer. `vat_rate` (basis points), `is_small_business` and `uses_one_stop_shop` are a seller's."""

    country: str
    postal_code: str = ""
    vat_id: str = ""
    is_business: bool = True
    vat_rate: int | None = None
    is_small_business: bool = False
    uses_one_stop_shop: bool = False


@dataclass(frozen=True)
class Tax:
    """`rate` in basis points; `reason`: a key of words.REASONS, empty for the ordinary domestic rate."""

    rate: int
    reason: str = ""


def decide(*, seller: Party, buyer: Party, on: dt.date) -> Tax:
    """The tax of a sale on a day. A buyer without a country counts as one at home."""
    home = area_of(seller.country, seller.postal_code, on)
    there = area_of(buyer.country, buyer.postal_code, on) if buyer.country else home
    if _is_reverse_charge(seller, buyer, home, there):
        return Tax(0, REVERSE)
    if seller.is_small_business:
        return Tax(0, SMALL)
    if there == home:
        return Tax(_home_rate(seller, home, on))
    if law_of(there) == law_of(home):
        return Tax(_rate_in(there, on))
    if there not in EU:
        return Tax(0, OUTSIDE)
    if seller.uses_one_stop_shop:
        return Tax(_rate_in(there, on), OSS)
    return Tax(_home_rate(seller, home, on), ORIGIN) if home in EU else Tax(0, OUTSIDE)


def tax_on(net_cents: int, rate: int) -> int:
    """The tax in cents, rounded half up, once."""
    return int((Decimal(net_cents) * rate / 10_000).quantize(Decimal(1), ROUND_HALF_UP))


def gross_of(net_cents: int, rate: int) -> int:
    return net_cents + tax_on(net_cents, rate)


def _is_reverse_charge(seller: Party, buyer: Party, home: str, there: str) -> bool:
    """A business with a valid ID in another member state; the seller needs an ID to name on the invoice."""
    return bool(
        home in EU and there in EU and there != home and buyer.is_business
        and buyer.vat_id and is_valid(buyer.vat_id, there) and seller.vat_id
    )  # fmt: skip


def _home_rate(seller: Party, home: str, on: dt.date) -> int:
    return _rate_in(home, on) if seller.vat_rate is None else seller.vat_rate


def _rate_in(area: str, on: dt.date) -> int:
    """An area's own rate, else that of its law; 0 where no VAT is known."""
    own = standard_rate(area, on)
    return (standard_rate(law_of(area), on) or 0) if own is None else own
