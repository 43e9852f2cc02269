"""What a column of somebody's table is for, told by its header in many languages or by what stands in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from apps.core import phone

# Compared without case, accents, blanks and signs; the earlier wins. The first three are the API's own names.
NUMBER = (
    "phonenumber", "phone", "number",
    "mobilephone", "mobilephonenumber", "mobilenumber", "cellphone", "cellphonenumber", "cell",
    "telephone", "telephonenumber", "contactnumber", "customernumber", "tel", "telno", "msisdn", "e164",
    "telefon", "telefonnummer", "telefonnr", "rufnummer", "handy", "handynummer", "handynr", "mobil", "mobilnummer",
    "mobiltelefon", "mobilfunk", "mobilfunknummer", "festnetz", "festnetznummer", "fon",
    "telefoon", "telefoonnummer", "telefoonnr", "telnummer", "telnr", "mobiel", "mobielnummer", "mobielnr", "gsm",
    "gsmnummer", "06nummer", "vastnummer",
    "mobile", "portable", "telportable", "telephoneportable", "numerodetelephone", "numtel", "notel", "telephonemobile",
    "telefono", "movil", "celular", "telefonomovil", "numerodetelefono", "cellulare", "telefonocellulare",
    "numeroditelefono", "telefone", "telemovel", "numerodetelefone", "numertelefonu", "nrtelefonu", "komorka",
    "telefonkomorkowy", "telefonnicislo", "puhelin", "puhelinnumero", "matkapuhelin", "telefonszam", "numardetelefon",
    "ceptelefonu", "telefonnumarasi", "телефон", "номертелефона", "τηλεφωνο", "κινητο",
    "nummer", "numero", "numer",
)  # fmt: skip
_PARTS = ("telefon", "telephon", "telefoon", "phone", "mobil", "handy", "rufnummer")


def key_of(header: str) -> str:
    """A header as it is compared."""
    plain = unicodedata.normalize("NFKD", header.casefold())
    return "".join(mark for mark in plain if mark.isalnum())


def first_of(keys: Sequence[str], names: Sequence[str]) -> int | None:
    """The column whose key comes first among the names."""
    return next((keys.index(name) for name in names if name in keys), None)


def number_column(keys: Sequence[str], sample: Sequence[Sequence[str]], country: str | None) -> int | None:
    """The column of the phone numbers: by its header, by a part of it, else the one that reads as numbers.

    Args:
        keys: `key_of` each header.
        sample: cells of the first rows.
        country: of numbers in national format.
    """
    found = first_of(keys, NUMBER)
    if found is None:
        found = next((column for column, key in enumerate(keys) if any(part in key for part in _PARTS)), None)
    return _by_content(sample, len(keys), country) if found is None else found


def reason_title() -> str:
    """Header of the column that says why a row was refused."""
    return _("Why this row was not imported")


def reason_column(header: Sequence[str]) -> int | None:
    """Where a file of refused rows, corrected and uploaded again, says why; in whatever language it was written."""
    titles = set()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            titles.add(reason_title())
    return next((column for column, name in enumerate(header) if name in titles), None)


def _by_content(sample: Sequence[Sequence[str]], width: int, country: str | None) -> int | None:
    def numbers(column: int) -> int:
        return sum(phone.parse(cells[column], country).number is not None for cells in sample)

    best = max(range(width), key=numbers, default=None)
    return best if best is not None and sample and numbers(best) * 2 > len(sample) else None
