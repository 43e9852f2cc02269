"""What an invoice must say about its tax, in the invoice's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.billing.vat.decide import OSS, OUTSIDE, REVERSE, SMALL

# Articles 226 (11) and (11a), 284 of Directive 2006/112/EC ask for these; the domestic rate needs no words.
REASONS = {
    REVERSE: _("Reverse charge: the recipient owes the VAT (Articles 44 and 196 of Directive 2006/112/EC)."),
    OSS: _("VAT of the recipient's country, declared through the One-Stop Shop."),
    OUTSIDE: _("Not taxable: the place of supply is outside (Articles 44 and 59 of Directive 2006/112/EC)."),
    SMALL: _("No VAT is charged: exemption for small businesses."),
}


def reason_words(reason: str) -> str:
    return str(REASONS.get(reason, ""))
