"""Tables as people send them: CSV in any common dress, and workbooks. Read row by row, written safe to open."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import itertools
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from apps.core.errors import Invalid

MAX_ROWS = 100_000
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
SAMPLE_CHARACTERS = 64 * 1024
DELIMITERS = (";", ",", "\t", "|")

PROBLEMS: dict[str, str | Promise] = {
    "empty": _("The file is empty."),
    "no_header": _("The first row must hold the names of the columns; here it seems to hold data already."),
    "too_many_rows": _("The file has more than 100,000 rows. Split it and upload the parts one after the other."),
    "password": _("The workbook is protected with a password. Remove the protection and upload it again."),
    "corrupt": _("The workbook cannot be read. Open it in your spreadsheet program, save it as XLSX and upload that."),
    "too_large": _("The workbook is too large. Save the sheet as CSV and upload that."),
    "not_a_table": _("This is neither a CSV file nor a workbook (XLSX, XLS, ODS)."),
    "open_quote": _("A quotation mark is opened and never closed in row %(row)s."),
}

# What a spreadsheet program may take for the begin of a formula (OWASP, CSV injection); the wide ones as East Asian input has them.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")
_QUOTED = re.compile(r"'+[=+\-@\t\r\n\x00＝＋－＠0-9]")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = (b"%PDF", b"{\\rtf", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x1f\x8b")


class BadFile(Invalid):
    """The file as a whole cannot be used; `kind` is a key of PROBLEMS."""

    def __init__(self, kind: str, **values: object) -> None:
        super().__init__(str(PROBLEMS[kind]) % values, param="file")
        self.kind = kind


class Row(NamedTuple):
    """`number` as a spreadsheet program shows it: records, not lines, the header usually being 1."""

    number: int
    cells: list[str]

    @property
    def is_blank(self) -> bool:
        return not any(map(str.strip, self.cells))


@dataclass
class Table:
    """`rows` can be read once, and yields blank rows too; each has at least as many cells as the header."""

    header: list[str]
    rows: Iterator[Row]
    delimiter: str


def read_table(data: bytes) -> Table:
    """The table in a file of any kind we know.

    Text is CSV: UTF-8, UTF-16 or Windows-1252, with semicolons, commas, tabs or bars. Cells lose the one apostrophe
    that keeps a spreadsheet from reading them as a formula or a number. Raises BadFile, some kinds only while rows
    are read (too many of them, an open quotation mark).
    """
    if not data.strip(b"\x00 \t\r\n;,|\xef\xbb\xbf\xff\xfe"):
        raise BadFile("empty")
    if data.startswith((b"PK\x03\x04", _OLE)):
        return _table(_workbook_rows(data), ",")
    if data.startswith(_FOREIGN):
        raise BadFile("not_a_table")
    encoding = _encoding(data)
    sample = _text(data, encoding).read(SAMPLE_CHARACTERS)
    if sum(mark < " " and mark not in "\t\r\n\f" for mark in sample) * 200 > len(sample) or _is_markup(sample):
        raise BadFile("not_a_table")
    hint = re.match(r"sep=(.)\r?\n", sample)
    delimiter = hint[1] if hint else _delimiter(sample)
    return _table(_csv_rows(_text(data, encoding), delimiter, skip_first=bool(hint)), delimiter)


def write_csv(rows: Iterable[Sequence[object]], delimiter: str = ",") -> Iterator[bytes]:
    """UTF-8 that spreadsheet programs recognise, a chunk per row, with no cell that they would run as a formula."""
    yield codecs.BOM_UTF8
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def safe_cell(value: object) -> str:
    """The value as text, with an apostrophe in front where a spreadsheet program would see a formula.

    E.164 numbers are among those. A text that already begins as one so marked is marked once more, so that
    `plain_cell` always gives back what went in (limits 6).
    """
    text = "" if value is None else str(value)
    return f"'{text}" if is_formula(text) or is_marked(text) else text


def is_formula(text: str) -> bool:
    """A spreadsheet program would run it, or read a number into it."""
    return text.startswith(_FORMULA)


def is_marked(text: str) -> bool:
    """It begins as a text that was marked: reading it would take an apostrophe away."""
    return _QUOTED.match(text) is not None


def plain_cell(text: str) -> str:
    """The text without exactly one such apostrophe. An apostrophe before a letter ('t Hof) belongs to the text."""
    return text[1:] if text[:1] == "'" and _QUOTED.match(text) else text


def _table(rows: Iterator[Row], delimiter: str) -> Table:
    first = next((row for row in rows if not row.is_blank), None)
    if first is None:
        raise BadFile("empty")
    header = [cell.strip() for cell in first.cells]
    while not header[-1]:
        header.pop()
    if any(re.fullmatch(r"[+(0-9][0-9 ()./\-]{5,}", cell) and len(re.findall(r"\d", cell)) > 6 for cell in header):
        raise BadFile("no_header")
    return Table(header, _data_rows(rows, len(header)), delimiter)


def _data_rows(rows: Iterator[Row], width: int) -> Iterator[Row]:
    filled = 0
    for row in rows:
        filled += not row.is_blank
        if filled > MAX_ROWS:
            raise BadFile("too_many_rows")
        if len(row.cells) < width:
            row.cells.extend([""] * (width - len(row.cells)))
        yield row


def _workbook_rows(data: bytes) -> Iterator[Row]:
    if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data and data.startswith(_OLE):
        raise BadFile("password")
    try:
        if data.startswith(b"PK"):
            _refuse_bomb(data)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        visible = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        sheets = (book.get_sheet_by_name(name) for name in visible)
        sheet = next((sheet for sheet in sheets if sheet.start is not None), None)
    except PasswordError as error:
        raise BadFile("password") from error
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise BadFile("corrupt") from error
    if sheet is None:
        raise BadFile("empty")
    return (Row(number, [_cell(value) for value in row]) for number, row in enumerate(sheet.iter_rows(), 1))


def _refuse_bomb(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED_BYTES:
            raise BadFile("too_large")


def _cell(value: object) -> str:
    if isinstance(value, str):
        return plain_cell(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Every number in a workbook is a float; as a whole number it must not grow a ".0" or an exponent.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, dt.time):
        return value.isoformat("minutes")
    return str(value)


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = data[:4096]
    if start.count(0) * 4 > len(start):
        return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
    # One damaged byte must not turn every umlaut of a large file into two wrong characters, so it is a vote.
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    right = wrong = 0
    for at in range(0, len(data), 1 << 16):
        text = decoder.decode(data[at : at + (1 << 16)], final=at + (1 << 16) >= len(data))
        if not text.isascii():
            wrong += text.count("\ufffd")
            right += sum(mark > "\x7f" for mark in text)
    return "utf-8-sig" if right - wrong >= wrong * 10 else "cp1252"


def _text(data: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding=encoding, errors="replace", newline="")


def _is_markup(sample: str) -> bool:
    return re.match(r"\ufeff?\s*<(!doctype|html|\?xml|table)", sample, re.IGNORECASE) is not None


def _delimiter(sample: str) -> str:
    """The separator that cuts most rows into as many cells as the header has."""
    best, chosen = (0.0, 0), ","
    for candidate in DELIMITERS:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=candidate)
        rows = [row for row in reader if any(cell.strip() for cell in row)][:50]
        width = len(rows[0]) if rows else 0
        if width < 2:
            continue
        score = (round(sum(len(row) == width for row in rows) / len(rows), 1), width)
        if score > best:
            best, chosen = score, candidate
    return chosen


def _csv_rows(text: io.TextIOWrapper, delimiter: str, *, skip_first: bool) -> Iterator[Row]:
    quotes = at_last = number = 0
    marked = False
    cells: list[str] = []

    def lines() -> Iterator[str]:
        nonlocal quotes, marked
        for line in itertools.islice(text, int(skip_first), None):
            quotes += line.count('"')
            marked = marked or "'" in line
            yield line

    try:
        for number, cells in enumerate(csv.reader(lines(), delimiter=delimiter), 1):
            yield Row(number, list(map(plain_cell, cells)) if marked else cells)
            at_last, quotes, marked = quotes, 0, False
    except csv.Error as error:  # a cell of 128 KiB: nobody closed its quotation mark
        raise BadFile("open_quote", row=number + 1) from error
    # An open quotation mark swallows all that follows, so it shows in the last record.
    if at_last % 2 and any("\n" in cell or "\r" in cell for cell in cells):
        raise BadFile("open_quote", row=number)
