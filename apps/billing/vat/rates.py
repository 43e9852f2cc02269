"""Standard rates as dated data, in basis points (2100 = 21 %): who changes a rate adds a row.

Source of the member states: European Commission, "Taxes in Europe Database" and its list of VAT rates
(taxation-customs.ec.europa.eu/taxation/vat), read for the rates in force in 2026; the acts that changed a rate since 2023
stand beside their rows. What is outside the Union's VAT stands in `territories`. Regions inside it with rates of their own
(Madeira, the Azores, Jungholz and Mittelberg, some Greek islands) are not told apart: an agency there sets its own rate.
"""

from __future__ import annotations

import datetime as dt

LONG_AGO = dt.date(2015, 1, 1)

# Country → rows of (first day, rate), the newest last.
RATES: dict[str, tuple[tuple[dt.date, int], ...]] = {
    "AT": ((LONG_AGO, 2000),),
    "BE": ((LONG_AGO, 2100),),
    "BG": ((LONG_AGO, 2000),),
    "CY": ((LONG_AGO, 1900),),
    "CZ": ((LONG_AGO, 2100),),
    "DE": ((LONG_AGO, 1900),),
    "DK": ((LONG_AGO, 2500),),
    # Käibemaksuseadus, amended 2023 and 2024.
    "EE": ((LONG_AGO, 2000), (dt.date(2024, 1, 1), 2200), (dt.date(2025, 7, 1), 2400)),
    "ES": ((LONG_AGO, 2100),),
    # Laki 454/2024.
    "FI": ((LONG_AGO, 2400), (dt.date(2024, 9, 1), 2550)),
    "FR": ((LONG_AGO, 2000),),
    "GR": ((LONG_AGO, 2400),),
    "HR": ((LONG_AGO, 2500),),
    "HU": ((LONG_AGO, 2700),),
    "IE": ((LONG_AGO, 2300),),
    "IT": ((LONG_AGO, 2200),),
    "LT": ((LONG_AGO, 2100),),
    # 2023 only: loi du 26 octobre 2022.
    "LU": ((LONG_AGO, 1700), (dt.date(2023, 1, 1), 1600), (dt.date(2024, 1, 1), 1700)),
    "LV": ((LONG_AGO, 2100),),
    "MT": ((LONG_AGO, 1800),),
    "NL": ((LONG_AGO, 2100),),
    "PL": ((LONG_AGO, 2300),),
    "PT": ((LONG_AGO, 2300),),
    # Legea 141/2025.
    "RO": ((LONG_AGO, 1900), (dt.date(2025, 8, 1), 2100)),
    "SE": ((LONG_AGO, 2500),),
    "SI": ((LONG_AGO, 2200),),
    # Zákon 278/2024.
    "SK": ((LONG_AGO, 2000), (dt.date(2025, 1, 1), 2300)),
    # Outside the Union: for agencies that are established there.
    "CH": ((LONG_AGO, 770), (dt.date(2024, 1, 1), 810)),
    "GB": ((LONG_AGO, 2000),),
    "NO": ((LONG_AGO, 2500),),
    # Code général des impôts, Article 296: French VAT at a rate of its own, outside the Union's.
    "GP": ((LONG_AGO, 850),),
    "MQ": ((LONG_AGO, 850),),
    "RE": ((LONG_AGO, 850),),
}
EU = frozenset(RATES) - {"CH", "GB", "NO", "GP", "MQ", "RE"}


def standard_rate(country: str, on: dt.date) -> int | None:
    """The standard rate of a country on a day; None: not in the table."""
    rate = None
    for first_day, each in RATES.get(country, ()):
        if first_day <= on:
            rate = each
    return rate
