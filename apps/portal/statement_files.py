"""A statement as a file with every line, and as a PDF in the brand's look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.billing.metering import as_credits
from apps.billing.models import LedgerQuerySet
from apps.branding.looks import look_of
from apps.branding.models import Brand
from apps.core.pdf import Document
from apps.core.templatetags.ui import credits, duration, money, number
from apps.portal.margins import Margin
from apps.portal.statements import Statement


def statement_rows(found: Statement, calls: LedgerQuerySet) -> Iterator[list[object]]:
    """Opening balance, each booking and each call by itself, closing balance, the documents."""
    yield [_("Time (UTC)"), _("Entry"), _("Call"), _("Seconds"), _("Credits used"), _("Credits added"), _("Note")]
    if found.client.has_wallet:
        yield [_instant(found.start), _("Opening balance"), "", "", *_split(found.opening), ""]
    for entry in found.entries:
        yield [_instant(entry.created_at), entry.get_kind_display(), "", "", *_split(entry.amount), entry.note]
    for entry in calls.iterator(2000):
        yield [_instant(entry.created_at), entry.get_kind_display(), entry.call_id, entry.seconds, *_split(entry.amount), ""]
    if found.client.has_wallet:
        yield [_instant(found.end), _("Closing balance"), "", "", *_split(found.closing), ""]
    for each in found.invoices:
        values = {"number": each.number, "net": _cents(each.net_cents), "vat": _cents(each.vat_cents), "currency": each.currency}
        note = _("%(number)s: %(net)s %(currency)s net, %(vat)s VAT") % values
        yield [each.issued_on.isoformat(), each.get_kind_display(), "", "", "", "", note]
    for check in found.checks:
        yield ["", _("Check"), "", "", check.left, check.right, check.name]


def margin_rows(rows: list[Margin], currency: str) -> Iterator[list[object]]:
    yield [_("Client"), _("Minutes"), _("Invoiced net"), _("Cost"), _("Margin"), _("Currency")]
    for each in rows:
        margin = _cents(abs(each.margin)) if each.margin >= 0 else f"({_cents(abs(each.margin))})"
        yield [each.name, f"{each.seconds / 60:.2f}", _signless(each.revenue), _cents(each.cost), margin, currency]


def statement_pdf(found: Statement, *, brand: Brand, language: str, now: dt.datetime) -> bytes:
    """Days instead of single calls; nothing in it names another brand than the client's."""
    with translation.override(language):
        parts = [found.client.name, _("as of %(when)s (UTC)") % {"when": f"{date_format(now, 'DATE_FORMAT')} {now:%H:%M}"}]
        title = _("Statement, %(month)s") % {"month": date_format(found.start, "F Y")}
        document = Document(look_of(brand), title=title, subtitle=" · ".join(parts), language=language, page_words=_("Page %(page)d"), now=now)
        _figures(document, found)
        _bookings(document, found)
        _calls(document, found)
        _invoices(document, found)
        _checks(document, found)
        return document.content()


def _figures(document: Document, found: Statement) -> None:
    boxes = [(_("Calls"), credits(found.used), _("%(count)s calls") % {"count": number(found.calls)})]
    if found.client.has_wallet:
        boxes = [
            (_("Opening balance"), credits(found.opening), _("credits")), (_("Credits added"), credits(found.came), _("credits")),
            *boxes, (_("Closing balance"), credits(found.closing), _("credits")),
        ]  # fmt: skip
    document.figures(boxes)


def _bookings(document: Document, found: Statement) -> None:
    if not found.entries:
        return
    document.heading(_("Credits"))
    rows = [(f"{each.get_kind_display()} {each.note}".strip(), f"{each.created_at:%Y-%m-%d}", f"{as_credits(each.amount):.4f}") for each in found.entries]
    document.grid([_("Entry"), _("Day"), _("Credits")], rows, widths=[5, 2, 2])


def _calls(document: Document, found: Statement) -> None:
    document.heading(_("Calls by day"))
    if not found.days:
        document.paragraph(_("No calls in this month."), quiet=True)
        return
    rows = [(f"{each.day:%Y-%m-%d}", number(each.calls), duration(each.seconds), f"{as_credits(each.amount):.4f}") for each in found.days]
    document.grid([_("Day"), _("Calls"), _("Talk"), _("Credits")], rows, widths=[3, 2, 2, 2])


def _invoices(document: Document, found: Statement) -> None:
    if not found.invoices:
        return
    document.heading(_("Invoices"))
    rows = [
        (each.number, f"{each.issued_on:%Y-%m-%d}", money(each.net_cents, each.currency), money(each.vat_cents, each.currency), money(each.gross_cents, each.currency))
        for each in found.invoices
    ]
    document.grid([_("Number"), _("Day"), _("Net"), _("VAT"), _("Total")], rows, widths=[3, 2, 2, 2, 2])


def _checks(document: Document, found: Statement) -> None:
    document.heading(_("Checked"))
    for each in found.checks:
        words = f"{each.name}: {each.left} = {each.right}" if each.is_right else f"{each.name}: {each.left} ≠ {each.right} {each.problem}"
        document.paragraph(words, quiet=True)


def _instant(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"


def _split(amount: int) -> tuple[str, str]:
    """Used and added stand apart, so that no number begins with a minus sign, which would be escaped."""
    text = f"{as_credits(abs(amount)):.4f}"
    return ("", text) if amount >= 0 else (text, "")


def _cents(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _signless(cents: int) -> str:
    return _cents(cents) if cents >= 0 else f"({_cents(-cents)})"
