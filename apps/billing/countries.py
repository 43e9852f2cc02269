"""Countries by name, for addresses and invoices."""

from __future__ import annotations

from apps.core import phone


def country_names() -> list[tuple[str, str]]:
    """ISO codes with their names in the language in use, sorted by name."""
    return [(code, name.partition(" (+")[0]) for code, name in phone.country_choices()]


def country_name(code: str) -> str:
    """The name of one country; the code itself when it is not known."""
    return dict(country_names()).get(code, code)
