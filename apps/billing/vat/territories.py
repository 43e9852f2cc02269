"""Addresses whose VAT is not that of the country they name, as dated data: who changes a territory adds or ends a row.

Sources: Directive 2006/112/EC, Article 6 (territories of member states where it does not hold; Campione d'Italia and the
Italian waters of Lake Lugano as amended by Directive (EU) 2019/475) and Article 7 (Monaco counts as France, the Isle of Man
as the United Kingdom); for Northern Ireland the Windsor Framework, Annex 3, which is about goods: a service there is one in
the United Kingdom. The postal codes are those of the national posts, named only where they hold nothing but the territory.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

LONG_AGO = dt.date(2015, 1, 1)


class Territory(NamedTuple):
    """`area`: whose VAT holds at an address in `country` whose postal code begins with one of `codes` (none: anywhere)."""

    country: str
    codes: tuple[str, ...]
    area: str
    first_day: dt.date = LONG_AGO


# The longest code decides. Areas without a row in the rates are outside; their keys are ISO 3166's, reserved ones too.
TERRITORIES = (
    # Büsingen, an enclave in Switzerland, is Swiss by that country's Mehrwertsteuergesetz, Article 3 a, and a treaty of 1964.
    Territory("DE", ("78266",), "CH"),
    Territory("DE", ("27498",), "DE-HELIGOLAND"),
    # Las Palmas and Santa Cruz de Tenerife; Ceuta and Melilla.
    Territory("ES", ("35", "38"), "IC"),
    Territory("ES", ("51", "52"), "EA"),
    Territory("FI", ("22",), "AX"),
    Territory("FR", ("971",), "GP"),
    Territory("FR", ("97133",), "BL"),
    Territory("FR", ("97150",), "MF"),
    Territory("FR", ("972",), "MQ"),
    Territory("FR", ("973",), "GF"),
    Territory("FR", ("974",), "RE"),
    Territory("FR", ("975",), "PM"),
    Territory("FR", ("976",), "YT"),
    Territory("FR", ("986",), "WF"),
    Territory("FR", ("987",), "PF"),
    Territory("FR", ("988",), "NC"),
    # Mount Athos: Karyes and Dafni.
    Territory("GR", ("63086", "63087"), "GR-ATHOS"),
    Territory("IT", ("22061",), "IT-CAMPIONE"),
    Territory("IT", ("23041",), "IT-LIVIGNO"),
    Territory("MC", (), "FR"),
    Territory("IM", (), "GB"),
    # One area by the treaty of 28 October 1994.
    Territory("LI", (), "CH"),
)
# Outside for everyone else, but under the law of their state when both sides are: Åland's lag 1993:1501, and for the
# overseas departments with VAT the Code général des impôts, Articles 294 and 296 (French Guiana and Mayotte have none).
LAW_OF = {"AX": "FI", "GP": "FR", "MQ": "FR", "RE": "FR"}


def area_of(country: str, postal_code: str, on: dt.date) -> str:
    """Whose VAT holds at an address on a day: the country's own, or another area's. Without a postal code the country's.

    `country`: ISO code; `postal_code` as it was typed, with or without the country's letters.
    """
    digits = "".join(mark for mark in postal_code if mark.isdigit())
    found: dict[str, str] = {}
    for row in TERRITORIES:
        if row.country == country and row.first_day <= on:
            found |= {code: row.area for code in row.codes or ("",) if digits.startswith(code)}
    return found[max(found, key=len)] if found else country


def law_of(area: str) -> str:
    """Under whose VAT law an area's own businesses sell."""
    return LAW_OF.get(area, area)
