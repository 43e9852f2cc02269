"""Tables in every dress people send them in, and CSV that no spreadsheet program runs."""

import codecs
import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import spreadsheet
from apps.core.spreadsheet import BadFile, plain_cell, read_table, safe_cell, write_csv


def read(data):
    """Header, rows as (number, cells), delimiter."""
    table = read_table(data)
    return table.header, [tuple(row) for row in table.rows], table.delimiter


def book(*rows, title=None):
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


TEXT = 'Näme{0}Tel\r\n"Zoë{0} ""A"""{0}030 1\r\n\r\nBen{0}"zwei\nZeilen"\r\n'
ROWS = [(3, ["", ""]), (4, ["Ben", "zwei\nZeilen"])]


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_in_every_dress(delimiter, encoding):
    header, rows, found = read(TEXT.format(delimiter).encode(encoding))
    assert header == ["Näme", "Tel"]
    assert rows == [(2, [f'Zoë{delimiter} "A"', "030 1"]), *ROWS]
    assert found == delimiter


def test_utf_16_marked_big_endian():
    assert read(codecs.BOM_UTF16_BE + TEXT.format(";").encode("utf-16-be"))[0] == ["Näme", "Tel"]


def test_one_broken_byte_does_not_turn_the_whole_file_into_another_alphabet():
    data = ("Name;Tel\n" + "Zoë;1\n" * 50).encode() + b"Zo\xff;2\n"
    rows = read(data)[1]
    assert rows[0] == (2, ["Zoë", "1"])
    assert rows[-1] == (52, ["Zo\ufffd", "2"])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end):
    assert read(f"a;b{end}1;2{end}".encode()) == (["a", "b"], [(2, ["1", "2"])], ";")


def test_a_line_that_names_the_separator_is_no_row():
    assert read(b"sep=,\r\na,b;c\r\n1,2\r\n") == (["a", "b;c"], [(2, ["1", "2"])], ",")


def test_the_delimiter_is_the_one_that_fits_the_rows():
    assert read(b"Name, first;Tel\nBen, A;1\nCleo;2\n")[0] == ["Name, first", "Tel"]
    assert read(b"Tel\n030 1\n")[0] == ["Tel"]
    assert read(b"Name,Note\nBen,a;b;c\nCleo,d;e\n")[0] == ["Name", "Note"]


def test_short_rows_are_filled_and_long_ones_kept():
    assert read(b"a;b;;\n1\n1;2;3;4;5\n")[:2] == (["a", "b"], [(2, ["1", ""]), (3, ["1", "2", "3", "4", "5"])])


def test_a_header_below_blank_rows_keeps_the_row_numbers_of_the_sheet():
    assert read(b"\n;\na;b\n1;2\n")[1] == [(4, ["1", "2"])]
    assert read(book([], [], ["a", "b"], ["1", "2"]))[1] == [(4, ["1", "2"])]


def test_a_workbook_gives_text():
    data = book(
        ["Name", "Tel", "n", "d", "t", "b"],
        ["Zoë", 493023125001, 1.5, dt.date(2026, 1, 14), dt.time(9, 15), True],
        [None, 4.93023125001e12, 0, dt.datetime(2026, 1, 14, 9, 15), None, "'=A1"],
    )
    header, rows, _delimiter = read(data)
    assert header == ["Name", "Tel", "n", "d", "t", "b"]
    assert rows == [
        (2, ["Zoë", "493023125001", "1.5", "2026-01-14", "09:15", "true"]),
        (3, ["", "4930231250010", "0", "2026-01-14 09:15", "", "=A1"]),
    ]


def test_the_first_sheet_that_is_seen_and_holds_something_is_read():
    workbook = openpyxl.Workbook()
    workbook.active.sheet_state = "visible"
    hidden = workbook.create_sheet("hidden")
    hidden.append(["secret"])
    hidden.sheet_state = "hidden"
    workbook.create_sheet("leads").append(["Tel"])
    stream = io.BytesIO()
    workbook.save(stream)
    assert read(stream.getvalue())[0] == ["Tel"]


def packed(**files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600
BAD = {
    "empty": [b"", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b";;;\n;;\n", b" ; \n", book(), book([None, " "])],
    "no_header": [b"Ben;+49 30 23125001\nCleo;030 23125002\n", b"0171/3920012\n", book(["x", "493023125001"])],
    "corrupt": [b"PK\x03\x04" + b"x" * 500, book(["a"])[:2000], packed(word="x"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000],
    "password": [ENCRYPTED],
    "not_a_table": [b"%PDF-1.7\n...", b"\x89PNG\r\n\x1a\n", bytes(range(256)) * 20, b"\x7fELF" + b"\0\1\2" * 400,
                    b"<html><table><tr><td>Tel</td></tr></table></html>", b"{\\rtf1 Tel}"],
    "open_quote": [b'a;b\n1;2\n3;"4\n5;6\n', b'a;b\n"' + b"x\n" * 200_000],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "data"), [(kind, data) for kind, files in BAD.items() for data in files])
def test_a_file_that_cannot_be_used_says_why(kind, data):
    with pytest.raises(BadFile) as caught:
        read(data)
    assert caught.value.kind == kind
    assert str(caught.value)
    assert caught.value.param == "file"


def test_an_open_quotation_mark_is_told_by_its_row():
    with pytest.raises(BadFile, match="row 3"):
        read(b'a;b\n1;2\n3;"4\n5;6\n')
    assert read(b'a;b\n5" pipe;"x\ny"\n2;6"\n')[1] == [(2, ['5" pipe', "x\ny"]), (3, ["2", '6"'])]


def test_a_packed_file_that_would_unfold_is_not_unfolded(monkeypatch):
    monkeypatch.setattr(spreadsheet, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(BadFile) as caught:
        read(packed(**{"xl/workbook.xml": "0" * 2000}))
    assert caught.value.kind == "too_large"


def test_a_hundred_thousand_rows_and_not_one_more():
    fits = b"a;b\n" + b"1;2\n" * 100_000 + b";\n" * 10
    assert sum(not row.is_blank for row in read_table(fits).rows) == 100_000
    with pytest.raises(BadFile) as caught:
        read(fits + b"1;2\n")
    assert caught.value.kind == "too_many_rows"


FORMULAS = ["=HYPERLINK(1)", "+1 Termin", "-", "@home", "\tx", "\rx", "+493023125001"]


def test_no_cell_that_is_written_begins_a_formula():
    written = b"".join(write_csv([["a", "b"], *([text, text] for text in FORMULAS)], ";"))
    assert written.startswith(codecs.BOM_UTF8)
    assert [safe_cell(text) for text in FORMULAS] == ["'" + text for text in FORMULAS]
    _header, rows, _delimiter = read(written)
    assert [cells for _number, cells in rows] == [[text, text] for text in FORMULAS], (
        "and what is read is what was meant"
    )


def test_an_apostrophe_that_belongs_to_the_text_stays():
    for text in ("'t Hof", "'s-Hertogenbosch", "'", "O'Brien", "it's"):
        assert safe_cell(text) == plain_cell(text) == text
    assert plain_cell("'06990009062") == "06990009062"
    assert plain_cell("''06990009062") == "'06990009062"
    assert safe_cell(None) == ""
    assert safe_cell(12) == "12"


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("'=+-@\t\n;,\"09")),
            min_size=2,
            max_size=2,
        ),
        max_size=5,
    )
)
def test_whatever_is_written_is_read_again(rows):
    data = b"".join(write_csv([["first", "second"], *rows], ";"))
    assert [cells for _number, cells in read(data)[1]] == rows
