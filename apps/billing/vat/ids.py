"""VAT IDs by their form and check digits alone: nobody is asked, so no register's outage stops a purchase."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from stdnum.ch import vat as swiss
from stdnum.eu import vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as british
from stdnum.no import mva as norwegian

from apps.billing.vat.rates import EU

# Greek IDs begin with another code than the country's.
_PREFIX = {"GR": "EL"}
# Whose IDs businesses there have (Article 7 of Directive 2006/112/EC).
_LIKE = {"MC": "FR", "IM": "GB"}
_ELSEWHERE: dict[str, Any] = {"GB": british, "CH": swiss, "NO": norwegian}


def compact(text: str) -> str:
    """The ID without blanks, dots and dashes, in capitals."""
    return "".join(mark for mark in text.upper() if mark.isalnum())


def country_of(vat_id: str) -> str:
    """The member state that a VAT ID names; empty for anything else."""
    prefix = compact(vat_id)[:2]
    country = next((country for country, code in _PREFIX.items() if code == prefix), prefix)
    return country if country in EU else ""


def is_valid(vat_id: str, country: str) -> bool:
    """Whether the ID has the form and the check digits of that country's IDs."""
    text = compact(vat_id)
    if country in EU:
        return text[:2] == _PREFIX.get(country, country) and bool(vat.is_valid(text))
    module = _ELSEWHERE.get(country)
    if module is None:
        return bool(text)
    try:
        module.validate(text.removeprefix("GB") if country == "GB" else text)
    except ValidationError:
        return False
    return True


def vat_id_problem(vat_id: str, country: str) -> str:
    """What is wrong with a VAT ID, as a sentence; empty when nothing is."""
    country = _LIKE.get(country, country)
    if not vat_id or is_valid(vat_id, country):
        return ""
    named = country_of(vat_id)
    if country in EU and named and named != country:
        return _("This VAT ID belongs to another country than the address.")
    if country in EU and not named:
        return _("Begin with the two letters of the country, such as %(prefix)s.") % {"prefix": _PREFIX.get(country, country)}
    return _("This VAT ID is not valid: its form or its check digits are wrong.")
