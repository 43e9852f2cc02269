"""Money and credits as people type them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms


class CentsField(forms.DecimalField):
    """An amount with two decimals; its value is whole cents, or None."""

    def __init__(self, *, currency: str = "", **kwargs: Any) -> None:
        options: dict[str, Any] = {"max_digits": 11, "decimal_places": 2, "min_value": Decimal(0)}
        super().__init__(**options | kwargs)
        if currency:
            self.say_currency(currency)

    def say_currency(self, currency: str) -> None:
        self.widget.attrs["data-unit"] = currency

    def clean(self, value: Any) -> int | None:  # type: ignore[override]
        found = super().clean(value)
        return None if found is None else int(found * 100)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value) / 100 if isinstance(value, int) else value


class MicrosField(CentsField):
    """An amount with up to four decimals; its value is whole millionths, or None."""

    def __init__(self, **kwargs: Any) -> None:
        options: dict[str, Any] = {"decimal_places": 4}
        super().__init__(**options | kwargs)

    def clean(self, value: Any) -> int | None:  # type: ignore[override]
        found = forms.DecimalField.clean(self, value)
        return None if found is None else int(found * 1_000_000)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value) / 1_000_000 if isinstance(value, int) else value


class RateField(CentsField):
    """A percentage with up to two decimals; its value is basis points, or None."""

    def __init__(self, **kwargs: Any) -> None:
        options: dict[str, Any] = {"max_digits": 5, "max_value": Decimal(50)}
        super().__init__(**options | kwargs)
        self.widget.attrs["data-unit"] = "%"
