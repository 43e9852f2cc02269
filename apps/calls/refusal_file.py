"""A file of numbers that are not to be called, row by row: nothing is lost, each is listed or comes back with its reason."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import phone
from apps.core.errors import Invalid
from apps.core.headers import first_of, key_of, number_column, reason_column, reason_title
from apps.core.spreadsheet import Row, read_table, write_csv

SAMPLE = 50
LONGEST_REASON = 300
PROBLEMS: dict[str, str | Promise] = phone.PROBLEMS | {
    "duplicate": gettext_lazy("The same number as in row %(first_row)s."),
    "other_country": gettext_lazy(
        "No phone of the chosen country has this number. Check the country, or write it with + and the country code."
    ),
}
_REASON = ("reason", "note", "notes", "comment", "remark", "reden", "opmerking", "grund", "bemerkung", "motif", "raison", "motivo")
_DATE = (
    "date", "listed", "added", "optoutdate", "refusedon", "dateadded", "datum", "toegevoegd", "datumtoegevoegd", "hinzugefugt",
    "eingetragen", "dateajoutee", "ajoutele", "fecha", "data",
)  # fmt: skip
_INTERNATIONAL = re.compile(r"\(?\+|00")
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ ,T]+(\d{1,2}):(\d{2})(?::\d{2})?)?")


class Refusal(NamedTuple):
    """A number (E.164) to list. `listed_at`: as the file says; None: it says nothing that can be read."""

    number: str
    reason: str
    listed_at: dt.datetime | None


class BadRow(NamedTuple):
    """A row that lists nobody, with its cells as they came. `kind`: a key of PROBLEMS."""

    cells: list[str]
    kind: str
    first_row: int = 0

    @property
    def sentence(self) -> str:
        return str(PROBLEMS[self.kind]) % {"first_row": self.first_row}


@dataclass(frozen=True)
class Columns:
    """Which column is what, by index from 0."""

    number: int
    reason: int | None
    date: int | None
    why: int | None


class RefusalReader:
    """Reads a file once. After the last row `rows` and `bad` are final.

    Args:
        country: ISO code for numbers in national format.
        zone: of dates without one.

    Raises BadFile at once or while rows are read, and Invalid when no column holds phone numbers.
    """

    def __init__(self, data: bytes, *, country: str, zone: dt.tzinfo) -> None:
        self._table = read_table(data)
        self._country, self._zone = country or None, zone
        self.header, self.delimiter = self._table.header, self._table.delimiter
        filled = (row for row in self._table.rows if not row.is_blank)
        sample = list(islice(filled, SAMPLE))
        self.columns = _columns(self.header, [row.cells for row in sample], self._country)
        self._rows, self._first = chain(sample, filled), dict[str, int]()
        self.rows = self.bad = 0

    def __iter__(self) -> Iterator[Refusal | BadRow]:
        for row in self._rows:
            self.rows += 1
            found = self._judge(row)
            self.bad += isinstance(found, BadRow)
            yield found

    def count_rows(self) -> int:
        """How many rows hold anything, without looking at their numbers. Instead of iterating."""
        return sum(1 for _row in self._rows)

    def bad_file(self, rows: Iterable[BadRow]) -> Iterator[bytes]:
        """A CSV of the refused rows as they came, with the reason in one more column; known again when uploaded."""
        why, width = self.columns.why, len(self.header)
        body = ([*_without(row.cells[:width], why), row.sentence] for row in rows)
        return write_csv(chain([[*_without(self.header, why), reason_title()]], body), self.delimiter)

    def _judge(self, row: Row) -> Refusal | BadRow:
        text = row.cells[self.columns.number].strip().lstrip("'")
        parsed = phone.parse(text, self._country, warns=True)
        if parsed.number is None:
            return BadRow(row.cells, parsed.problem or "not_a_number")
        if parsed.warning and not _INTERNATIONAL.match(text):
            # Read in the wrong country, it would keep nobody from being called.
            return BadRow(row.cells, "other_country")
        first = self._first.setdefault(parsed.number, row.number)
        if first != row.number:
            return BadRow(row.cells, "duplicate", first)
        reason, date = _cell(row.cells, self.columns.reason), _cell(row.cells, self.columns.date)
        return Refusal(parsed.number, reason.replace("\x00", "")[:LONGEST_REASON], _moment(date, self._zone))


def _columns(header: Sequence[str], sample: Sequence[Sequence[str]], country: str | None) -> Columns:
    why = reason_column(header)
    keys = ["" if column == why else key_of(name) for column, name in enumerate(header)]
    number = number_column(keys, sample, country)
    if number is None:
        raise Invalid(_("No column holds phone numbers. Name it “Phone number”, and check the country."), param="file")
    rest = ["" if column == number else key for column, key in enumerate(keys)]
    return Columns(number, first_of(rest, _REASON), first_of(rest, _DATE), why)


def _without(cells: Sequence[str], column: int | None) -> list[str]:
    return [cell for at, cell in enumerate(cells) if at != column]


def _cell(cells: Sequence[str], column: int | None) -> str:
    return "" if column is None else cells[column].strip()


def _moment(text: str, zone: dt.tzinfo) -> dt.datetime | None:
    """ISO 8601, or day, month, year as Europe writes them."""
    try:
        if found := _DAY_FIRST.fullmatch(text):
            day, month, year, hour, minute = (int(part or 0) for part in found.groups())
            read = dt.datetime(year, month, day, hour, minute)
        else:
            read = dt.datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
