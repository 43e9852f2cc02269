"""How tax and prices are written."""

from __future__ import annotations

from django import template

from apps.billing.invoice_pdf import rate_words, unit_price

register = template.Library()


@register.filter
def basis_points(rate: int | None) -> str:
    """2100 becomes 21%."""
    return "–" if rate is None else rate_words(rate)


@register.filter
def per_unit(micros: int | None, currency: str) -> str:
    """Millionths of the currency as a price, with up to four decimals."""
    return "–" if micros is None else unit_price(micros, currency)
