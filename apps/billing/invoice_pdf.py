"""An invoice or credit note as a PDF in the look of a brand. Drawn from the row alone, so it is the same in ten years."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.billing.countries import country_name
from apps.billing.models import Invoice
from apps.billing.vat.words import reason_words
from apps.branding.looks import look_of
from apps.branding.models import Brand
from apps.core.pdf import INK, INNER, MARGIN, Document
from apps.core.templatetags.ui import money, number


def invoice_pdf(invoice: Invoice, *, brand: Brand) -> bytes:
    """The document in the invoice's own language."""
    with translation.override(invoice.language):
        title = _("Credit note") if invoice.corrects_id else _("Invoice")
        seller = invoice.seller
        document = Document(
            look_of(brand, seller.get("invoice_footer") or brand.name),
            title=f"{title} {invoice.number}", subtitle=_sender(seller), language=invoice.language,
            page_words=_("Page %(page)d"), now=invoice.created_at,
        )  # fmt: skip
        _heads(document, invoice)
        _lines(document, invoice)
        _sums(document, invoice)
        _notes(document, invoice)
        return document.content()


def file_name(invoice: Invoice) -> str:
    safe = "".join(mark if mark.isalnum() or mark in "-_." else "-" for mark in invoice.number)
    return f"{safe}.pdf"


def _sender(seller: dict[str, str]) -> str:
    place = " ".join(filter(None, (seller.get("postal_code"), seller.get("city"))))
    address = seller.get("address", "").replace("\n", ", ")
    return " · ".join(filter(None, (seller.get("legal_name"), address, place, country_name(seller.get("country", "")))))


def _heads(document: Document, invoice: Invoice) -> None:
    """The recipient at the left, what identifies the document at the right."""
    top = document.get_y() + 6
    buyer = invoice.buyer
    place = " ".join(filter(None, (buyer.get("postal_code"), buyer.get("city"))))
    left = [
        buyer.get("company"), buyer.get("contact"), *buyer.get("address", "").split("\n"), place,
        country_name(buyer.get("country", "")), _("VAT ID: %(id)s") % {"id": buyer["vat_id"]} if buyer.get("vat_id") else "",
    ]  # fmt: skip
    document.set_xy(MARGIN, top)
    document.set_font("Inter", "", 10)
    document.set_text_color(INK)
    for text in filter(None, left):
        document.set_x(MARGIN)
        document.cell(INNER / 2, 5, text[:60])
        document.ln(5)
    bottom = document.get_y()
    document.set_y(top)
    for label, value in _facts(invoice):
        document.set_x(MARGIN + INNER / 2)
        document.set_font("Inter", "", 9)
        document.cell(INNER / 4, 5, label)
        document.set_font("Inter", "B", 9)
        document.cell(INNER / 4, 5, value[:34], align="R")
        document.ln(5)
    document.set_y(max(bottom, document.get_y()) + 6)


def _facts(invoice: Invoice) -> list[tuple[str, str]]:
    found = [(_("Number"), invoice.number), (_("Date"), _day(invoice.issued_on))]
    if invoice.corrects:
        found.append((_("Corrects invoice"), invoice.corrects.number))
    if invoice.supplied_from and invoice.supplied_until and invoice.supplied_from != invoice.supplied_until:
        found.append((_("Period"), f"{_day(invoice.supplied_from)} – {_day(invoice.supplied_until)}"))
    else:
        found.append((_("Supplied on"), _day(invoice.supplied_from or invoice.issued_on)))
    if invoice.due_on:
        found.append((_("To be paid by"), _day(invoice.due_on)))
    if reference := invoice.buyer.get("reference"):
        found.append((_("Your reference"), reference))
    if vat_id := invoice.seller.get("vat_id"):
        found.append((_("Our VAT ID"), vat_id))
    if registration := invoice.seller.get("registration"):
        found.append((_("Registration"), registration))
    return found


def _lines(document: Document, invoice: Invoice) -> None:
    head = [_("Description"), _("Quantity"), _("Price"), pgettext("tax", "VAT"), _("Net")]
    rows = [
        [
            line["text"], number(Decimal(line["quantity"])), unit_price(line["unit_micros"], invoice.currency),
            rate_words(line["vat_rate"]), money(line["net_cents"], invoice.currency),
        ]
        for line in invoice.lines
    ]  # fmt: skip
    document.grid(head, rows, widths=(8, 2, 3, 2, 3))


def _sums(document: Document, invoice: Invoice) -> None:
    rates = sorted({line["vat_rate"] for line in invoice.lines})
    rows = [(_("Net"), invoice.net_cents, False)]
    for rate in rates:
        part = sum(line["vat_cents"] for line in invoice.lines if line["vat_rate"] == rate)
        rows.append((_("VAT %(rate)s") % {"rate": rate_words(rate)}, part, False))
    rows.append((_("Total"), invoice.gross_cents, True))
    for label, cents, strong in rows:
        document.set_x(MARGIN + INNER / 2)
        document.set_font("Inter", "B" if strong else "", 11 if strong else 9.5)
        document.cell(INNER / 4, 6.5, label)
        document.cell(INNER / 4, 6.5, money(cents, invoice.currency), align="R")
        document.ln(6.5)
    document.ln(4)


def _notes(document: Document, invoice: Invoice) -> None:
    if words := reason_words(invoice.vat_reason):
        document.paragraph(words, bold=True)
    if invoice.note:
        document.paragraph(invoice.note)
    seller = invoice.seller
    if invoice.due_on and seller.get("iban"):
        document.paragraph(
            _("Please transfer %(amount)s to %(holder)s, IBAN %(iban)s, BIC %(bic)s, and name %(number)s.") % {
                "amount": money(invoice.gross_cents, invoice.currency), "holder": seller.get("account_holder") or seller.get("legal_name"),
                "iban": seller["iban"], "bic": seller.get("bic") or "–", "number": invoice.number,
            }
        )  # fmt: skip


def rate_words(rate: int) -> str:
    """Basis points as people write them: 2100 → 21%."""
    share = Decimal(rate) / 100
    return f"{number(share, 0 if share == int(share) else 1 if share * 10 == int(share * 10) else 2)}%"


def unit_price(micros: int, currency: str) -> str:
    """The price of one; with up to four decimals where cents do not tell it."""
    if micros % 10_000 == 0:
        return money(micros // 10_000, currency)
    return f"{number(Decimal(micros) / 1_000_000, 4)} {currency}"


def _day(day: dt.date) -> str:
    return date_format(day, "DATE_FORMAT")
