"""Value added tax on what an agency sells: which rate, and why (Directive 2006/112/EC, as amended)."""

from apps.billing.vat.decide import Party, Tax, decide, gross_of, tax_on
from apps.billing.vat.ids import vat_id_problem

__all__ = ["Party", "Tax", "decide", "gross_of", "tax_on", "vat_id_problem"]
