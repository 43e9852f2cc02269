"""Workbooks (XLSX) written row by row: memory does not grow with their length. Reading is in spreadsheet.py."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

from apps.core.spreadsheet import is_formula, is_marked

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# The parts of a workbook that are the same in each, by their names in it.
PARTS = {
    "[Content_Types].xml": "content_types.xml", "_rels/.rels": "relations.xml", "xl/styles.xml": "styles.xml",
    "xl/_rels/workbook.xml.rels": "book_relations.xml",
}  # fmt: skip
# Excel's own limits: characters of a cell, digits of a number, letters of a sheet's name.
MOST_CHARACTERS, MOST_DIGITS, MOST_LETTERS = 32_767, 15, 31
# Styles: plain, header, text that stays text (also after editing the cell), instant.
_BOLD, _TEXT, _INSTANT = 1, 2, 3
_DAY_ZERO = dt.datetime(1899, 12, 30)

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def write_xlsx(rows: Iterable[Sequence[object]], to: IO[bytes], *, sheet: str) -> None:
    """One sheet; the first row is its header. Texts are never formulas, whatever they begin with.

    Args:
        rows: texts, whole numbers, floats, booleans, naive instants, None for an empty cell.
        sheet: its name, cut to what Excel takes.
    """
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as packed:
        for name, source in PARTS.items():
            packed.write(Path(__file__).parent / "workbook_parts" / source, name)
        packed.writestr("xl/workbook.xml", _book(sheet))
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            view = '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView></sheetViews>'
            part.write(f'{_HEAD}<worksheet xmlns="{_MAIN}">{view}<sheetData>'.encode())
            for number, row in enumerate(rows, 1):
                cells = "".join(_cell(value, is_header=number == 1) for value in row)
                part.write(f'<row r="{number}">{cells}</row>'.encode())
            part.write(b"</sheetData></worksheet>")


def _book(sheet: str) -> str:
    name = escape(re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", sheet).strip("' ")[:MOST_LETTERS] or "1", {'"': "&quot;"})
    listed = f'<sheets><sheet name="{name}" sheetId="1" r:id="rId1"/></sheets>'
    return f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{listed}</workbook>'


def _cell(value: object, *, is_header: bool) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int) and len(str(abs(value))) <= MOST_DIGITS:
        return f"<c><v>{value}</v></c>"
    if isinstance(value, float) and value - value == 0:  # neither infinite nor no number
        return f"<c><v>{value!r}</v></c>"
    if isinstance(value, dt.datetime):
        return f'<c s="{_INSTANT}"><v>{(value - _DAY_ZERO) / dt.timedelta(days=1):.8f}</v></c>'
    text = str(value)[:MOST_CHARACTERS]
    # The style says "typed with an apostrophe"; a text that has one of its own needs a second, as in a CSV.
    style = _BOLD if is_header else _TEXT if is_formula(text) or text[:1].isdigit() else 0
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{_text(text)}</t></is></c>'


def _text(text: str) -> str:
    marked = f"'{text}" if is_marked(text) else text
    return escape(_LOOKS_ESCAPED.sub("_x005F_", _FORBIDDEN.sub("", marked)), {"\r": "&#13;"})
