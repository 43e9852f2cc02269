"""From seconds to micro-credits, in integers (platform 3)."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings

from apps.billing.models import CREDIT, RateCard

STEP = 100  # four decimals of a credit


def cost_of(seconds: int, now: dt.datetime, rate: int | None = None) -> int:
    """What `seconds` of talk cost in micro-credits, by the account's own rate, else the one that holds at `now`.

    Minutes × rate, four decimals, half up. Raises ValueError for negative seconds.
    """
    return price(billed_seconds(seconds), RateCard.at(now) if rate is None else rate)


def billed_seconds(seconds: int) -> int:
    """Seconds raised to BILLING_MINIMUM_SECONDS, then rounded up to BILLING_INCREMENT_SECONDS."""
    if seconds < 0:
        raise ValueError("a call cannot last less than no time")
    increment = max(1, settings.BILLING_INCREMENT_SECONDS)
    least = max(seconds, settings.BILLING_MINIMUM_SECONDS)
    return -(-least // increment) * increment


def price(seconds: int, micro_per_minute: int) -> int:
    """Micro-credits for exactly these seconds: a multiple of 100, half up."""
    return STEP * ((2 * seconds * micro_per_minute + 60 * STEP) // (2 * 60 * STEP))


def micro(credits: Decimal) -> int:
    """A number of credits as micro-credits, four decimals, half up."""
    return int((credits * CREDIT / STEP).quantize(Decimal(1), ROUND_HALF_UP)) * STEP


def as_credits(amount: int) -> Decimal:
    """Micro-credits as credits."""
    return Decimal(amount) / CREDIT
