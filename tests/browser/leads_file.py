"""The leads file as a customer sends it, whole or its first rows, and what its import must come to."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
SAMPLE = DATA / "leads-mixed-1000.csv"
EXPECTED = json.loads((DATA / "leads-mixed-1000.csv.expected.json").read_text())


@dataclass(frozen=True, slots=True)
class LeadsFile:
    content: bytes
    numbers: list[str]
    bad: int
    duplicates: int

    @property
    def good(self) -> int:
        return len(self.numbers)


def leads_file(rows: int) -> LeadsFile:
    """The first `rows` rows below the header; a row may be several lines long."""
    lines = SAMPLE.read_bytes().decode().splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=";")
    for _header_and_rows in range(rows + 1):
        next(reader)
    last = rows + 1  # the header is row 1
    bad = sum(row <= last for found in EXPECTED["bad_rows"].values() for row in found)
    duplicates = sum(row <= last for row in EXPECTED["duplicate_rows"])
    content = "".join(lines[: reader.line_num]).encode()
    return LeadsFile(content, EXPECTED["numbers"][: rows - bad - duplicates], bad, duplicates)
