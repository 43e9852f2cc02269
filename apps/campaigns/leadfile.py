"""A leads file becomes leads and nothing is lost: each row is imported or comes back with its reason (features 14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.campaigns.columns import Columns, reason_column, reason_title
from apps.core import phone
from apps.core.spreadsheet import Row, read_table, write_csv

MAX_VALUE = 2000

PROBLEMS: dict[str, str | Promise] = phone.PROBLEMS | {
    "missing_variable": _("“%(name)s” has no value, and the message needs one."),
    "value_too_long": _("“%(name)s” is longer than 2000 characters."),
    "duplicate": _("The same number as in row %(first_row)s."),
    "in_campaign": _("This number is in the campaign already."),
}


@dataclass(frozen=True, slots=True)
class GoodLead:
    """A row to import. `row` counts as a spreadsheet does; `warning` is a key of `phone.WARNINGS`."""

    row: int
    number: str
    variables: dict[str, str]
    warning: str | None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A refused row with its cells as they came. `kind` is a key of PROBLEMS."""

    row: int
    kind: str
    cells: list[str]
    name: str = ""

    @property
    def sentence(self) -> str:
        """Why, in the language in use."""
        return str(PROBLEMS[self.kind]) % {"name": self.name}


@dataclass(frozen=True, slots=True)
class DuplicateRow:
    """A row whose number came before: in `first_row` of the file, or, when that is None, in the campaign."""

    row: int
    number: str
    first_row: int | None
    cells: list[str]

    @property
    def sentence(self) -> str:
        kind = "in_campaign" if self.first_row is None else "duplicate"
        return str(PROBLEMS[kind]) % {"first_row": self.first_row}


Outcome = GoodLead | BadRow | DuplicateRow


class LeadReader:
    """Reads a file row by row; iterate once. Memory holds the numbers seen, not the rows.

    Args:
        data: the uploaded file.
        mapping: what each column is for; checked against the file's header (raises Invalid).
        country: ISO code for numbers in national format.
        template_variables: names that must have a value in every lead.
        existing_numbers: E.164 numbers that the campaign holds already.

    Raises BadFile at once or while rows are read. After the last row the counts are final: `data_rows` (rows that
    hold anything), `blank_rows_at_end`, `good`, `duplicates`, `bad` by kind.
    """

    def __init__(
        self,
        data: bytes,
        *,
        mapping: Columns,
        country: str | None = None,
        template_variables: Collection[str] = (),
        existing_numbers: Collection[str] = (),
    ) -> None:
        self._table = read_table(data)
        self._reason = reason_column(self._table.header)
        mapping.check(len(self._table.header))
        self._number = mapping.number or 0
        self._filling = [(name, column) for name, column in mapping.filling().items() if column != self._reason]
        self._needed = sorted(template_variables)
        self._country, self._existing = country, existing_numbers
        self._first_rows: dict[str, int] = {}
        self.header = _without(self._table.header, self._reason)
        self.delimiter = self._table.delimiter
        self.data_rows = self.blank_rows_at_end = self.good = self.duplicates = 0
        self.bad: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Outcome]:
        for row in self._table.rows:
            if row.is_blank:
                self.blank_rows_at_end += 1
                continue
            self.blank_rows_at_end = 0
            self.data_rows += 1
            yield self._counted(self._judge(row))

    def _judge(self, row: Row) -> Outcome:
        parsed = phone.parse(row.cells[self._number], self._country)
        if parsed.number is None:
            return self._bad(row, parsed.problem or "not_a_number")
        first = self._first_rows.get(parsed.number)
        if first is not None or parsed.number in self._existing:
            return DuplicateRow(row.number, parsed.number, first, _without(row.cells, self._reason))
        values = {name: row.cells[column].strip() for name, column in self._filling}
        for name in self._needed:
            if not values.get(name):
                return self._bad(row, "missing_variable", name)
        for name, value in values.items():
            if len(value) > MAX_VALUE:
                return self._bad(row, "value_too_long", name)
        self._first_rows[parsed.number] = row.number
        filled = {name: value for name, value in values.items() if value}
        return GoodLead(row.number, parsed.number, filled, parsed.warning)

    def _bad(self, row: Row, kind: str, name: str = "") -> BadRow:
        return BadRow(row.number, kind, _without(row.cells, self._reason), name)

    def _counted(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, GoodLead):
            self.good += 1
        elif isinstance(outcome, DuplicateRow):
            self.duplicates += 1
        else:
            self.bad[outcome.kind] += 1
        return outcome


@dataclass
class LeadFile:
    """A whole file, read. Counts as in LeadReader."""

    header: list[str]
    delimiter: str
    leads: list[GoodLead] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    duplicates: list[DuplicateRow] = field(default_factory=list)
    data_rows: int = 0
    blank_rows_at_end: int = 0

    @property
    def bad_by_kind(self) -> dict[str, list[int]]:
        """Row numbers of the bad rows, by kind."""
        kinds: dict[str, list[int]] = {}
        for row in self.bad:
            kinds.setdefault(row.kind, []).append(row.row)
        return kinds

    @property
    def refused(self) -> list[BadRow | DuplicateRow]:
        """Bad and duplicate rows in the order of the file."""
        return sorted([*self.bad, *self.duplicates], key=lambda row: row.row)


def read_leads(
    data: bytes,
    *,
    mapping: Columns,
    country: str | None = None,
    template_variables: Collection[str] = (),
    existing_numbers: Collection[str] = (),
) -> LeadFile:
    """The whole file in memory; arguments and errors as for LeadReader."""
    reader = LeadReader(
        data,
        mapping=mapping,
        country=country,
        template_variables=template_variables,
        existing_numbers=existing_numbers,
    )
    found = LeadFile(reader.header, reader.delimiter)
    for outcome in reader:
        if isinstance(outcome, GoodLead):
            found.leads.append(outcome)
        elif isinstance(outcome, DuplicateRow):
            found.duplicates.append(outcome)
        else:
            found.bad.append(outcome)
    found.data_rows, found.blank_rows_at_end = reader.data_rows, reader.blank_rows_at_end
    return found


def write_bad_rows(header: list[str], delimiter: str, rows: Iterable[BadRow | DuplicateRow]) -> Iterator[bytes]:
    """A CSV of refused rows in their original columns, with the reason in one more.

    Corrected, it can be uploaded as it is: the reason column is known again and ignored.
    """
    width = len(header)
    body = ([*row.cells[:width], row.sentence, *row.cells[width:]] for row in rows)
    return write_csv(chain([[*header, reason_title()]], body), delimiter)


def _without(cells: list[str], column: int | None) -> list[str]:
    return cells if column is None else cells[:column] + cells[column + 1 :]
