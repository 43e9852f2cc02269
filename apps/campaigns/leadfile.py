"""A leads file becomes leads and nothing is lost: each row is imported or comes back with its reason (features 14)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.campaigns import intake
from apps.campaigns.columns import Columns
from apps.campaigns.intake import MAX_VALUE, NewLead, Refusal, read_about
from apps.core import phone
from apps.core.headers import reason_column, reason_title
from apps.core.spreadsheet import Row, read_table, write_csv

TOGETHER = 2000

PROBLEMS: dict[str, str | Promise] = intake.PROBLEMS | {"duplicate": _("The same number as in row %(first_row)s.")}


@dataclass(slots=True)
class GoodLead:
    """A row to import. `row` counts as a spreadsheet does; `warning` is a key of `phone.WARNINGS`; `about`: time zone,
    region and consent as NewLead has them."""

    row: int
    number: str
    variables: dict[str, str]
    warning: str | None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lead(self) -> NewLead:
        return NewLead(self.number, self.variables, **self.about) if self.about else NewLead(self.number, self.variables)


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
        zone: the campaign's, for times of consent without one.
        now: a consent that lies after it is refused.
        forbidden: asked with up to 2,000 numbers (E.164): those of them that are on a do-not-call list.

    Raises BadFile at once or while rows are read. After the last row the counts are final: `data_rows` (rows that
    hold anything), `blank_rows_at_end`, `good`, `warnings` among them, `duplicates`, `bad` by kind.
    """

    def __init__(
        self,
        data: bytes,
        *,
        mapping: Columns,
        country: str | None = None,
        template_variables: Collection[str] = (),
        existing_numbers: Collection[str] = (),
        zone: str = "UTC",
        now: dt.datetime | None = None,
        forbidden: Callable[[list[str]], Collection[str]] | None = None,
    ) -> None:
        self._table = read_table(data)
        self._reason = reason_column(self._table.header)
        mapping.check(len(self._table.header))
        self._number = mapping.number or 0
        self._filling = [(name, column) for name, column in mapping.filling().items() if column != self._reason]
        self._about = [(use, column) for use, column in mapping.about.items() if column != self._reason]
        self._needed = sorted(template_variables)
        self._country, self._existing = country, existing_numbers
        self._zone, self._now, self._forbidden = zone, now, forbidden
        self._first_rows: dict[str, int] = {}
        self.header = _without(self._table.header, self._reason)
        self.delimiter = self._table.delimiter
        self.data_rows = self.blank_rows_at_end = self.good = self.warnings = self.duplicates = 0
        self.bad: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Outcome]:
        rows = self._filled_rows()
        while together := list(islice(rows, TOGETHER)):
            judged = [self._judge(row) for row in together]
            good = [outcome.number for outcome in judged if isinstance(outcome, GoodLead)]
            refused = self._forbidden(good) if self._forbidden and good else ()
            for row, outcome in zip(together, judged, strict=True):
                if refused and isinstance(outcome, GoodLead) and outcome.number in refused:
                    outcome = self._bad(row, Refusal("do_not_call"))
                yield self._counted(outcome)

    def _filled_rows(self) -> Iterator[Row]:
        for row in self._table.rows:
            if row.is_blank:
                self.blank_rows_at_end += 1
                continue
            self.blank_rows_at_end = 0
            yield row

    def _judge(self, row: Row) -> Outcome:
        cells = row.cells
        parsed = phone.parse(cells[self._number], self._country, warns=True)
        number = parsed.number
        if number is None:
            return self._bad(row, Refusal(parsed.problem or "not_a_number"))
        first = self._first_rows.get(number)
        if first is not None or number in self._existing:
            return DuplicateRow(row.number, number, first, _without(cells, self._reason))
        values = {name: text for name, column in self._filling if (text := cells[column].replace("\x00", "").strip())}
        if (self._needed or sum(map(len, cells)) > MAX_VALUE) and (wrong := self._wrong(values)):
            return self._bad(row, wrong)
        about: dict[str, Any] | Refusal = self._read_about(cells, number) if self._about else {}
        if isinstance(about, Refusal):
            return self._bad(row, about)
        self._first_rows[number] = row.number
        return GoodLead(row.number, number, values, parsed.warning, about)

    def _wrong(self, values: Mapping[str, str]) -> Refusal | None:
        for name in self._needed:
            if name not in values:
                return Refusal("missing_variable", name)
        for name, text in values.items():
            if len(text) > MAX_VALUE:
                return Refusal("value_too_long", name)
        return None

    def _read_about(self, cells: list[str], number: str) -> dict[str, Any] | Refusal:
        texts = {use: cells[column] for use, column in self._about}
        return read_about(texts, number=number, zone=self._zone, country=self._country or "", now=self._now)

    def _bad(self, row: Row, why: Refusal) -> BadRow:
        return BadRow(row.number, why.kind, _without(row.cells, self._reason), why.name)

    def _counted(self, outcome: Outcome) -> Outcome:
        self.data_rows += 1
        if isinstance(outcome, GoodLead):
            self.good += 1
            self.warnings += outcome.warning is not None
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


def read_leads(data: bytes, *, mapping: Columns, **options: Any) -> LeadFile:
    """The whole file in memory; arguments and errors as for LeadReader."""
    reader = LeadReader(data, mapping=mapping, **options)
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
