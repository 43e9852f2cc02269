"""Leads files as customers send them. The sample's expectations were made by hand, beside it."""

import codecs
import csv
import io
import json
import time
from pathlib import Path

import openpyxl
import pytest
from django.utils import translation

from apps.campaigns.columns import Columns, guess_columns, reason_column, variable_name
from apps.campaigns.leadfile import BadRow, DuplicateRow, GoodLead, LeadReader, read_leads, write_bad_rows
from apps.core.errors import Invalid
from apps.core.spreadsheet import BadFile, read_table

DATA = Path(__file__).parent.parent / "data"
SAMPLE = (DATA / "leads-mixed-1000.csv").read_bytes()
EXPECTED = json.loads((DATA / "leads-mixed-1000.csv.expected.json").read_text())
RECORDS = list(csv.reader(io.StringIO(SAMPLE.decode("utf-8-sig"), newline=""), delimiter=";"))
HEADER = RECORDS[0]


def found(data, country="DE", **options):
    """What a file yields, in the shape of the expectations."""
    table = read_table(data)
    file = read_leads(data, mapping=guess_columns(table.header), country=country, **options)
    return {
        "data_rows": file.data_rows,
        "good": len(file.leads),
        "duplicates": len(file.duplicates),
        "bad": {kind: len(rows) for kind, rows in file.bad_by_kind.items()},
        "blank_rows_at_end": file.blank_rows_at_end,
        "distinct_numbers": len({lead.number for lead in file.leads}),
        "bad_rows": file.bad_by_kind,
        "duplicate_rows": [row.row for row in file.duplicates],
        "numbers": [lead.number for lead in file.leads],
    }


def as_text(records, delimiter, end="\r\n"):
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator=end).writerows(records)
    return stream.getvalue()


def as_book(records):
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for record in records:
        sheet.append([openpyxl.cell.WriteOnlyCell(sheet, value=cell or None) for cell in record])
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def relabelled(*header):
    return [list(header), *RECORDS[1:]]


def test_the_sample_gives_exactly_what_is_expected():
    assert found(SAMPLE) == EXPECTED


def without_smiley(text):
    return text.replace("😀", ":-)")


VARIANTS = {
    "tabs, Windows-1252": without_smiley(as_text(RECORDS, "\t")).encode("cp1252", "replace"),
    "tabs, UTF-16": as_text(RECORDS, "\t").encode("utf-16"),
    "commas, UTF-8 without mark": as_text(RECORDS, ",", "\n").encode(),
    "bars, UTF-16 big-endian": codecs.BOM_UTF16_BE + as_text(RECORDS, "|").encode("utf-16-be"),
    "semicolons, Windows-1252": without_smiley(as_text(RECORDS, ";")).encode("cp1252", "replace"),
    "Dutch": as_text(relabelled("Naam", "Telefoonnummer", "Bedrijf", "Plaats", "Datum", "Tijd", "Opmerking"), ";").encode("utf-8-sig"),
    "French": as_text(relabelled("Nom", "N° de téléphone", "Société", "Ville", "Date", "Heure", "Remarque"), ";").encode("cp1252", "replace"),
}  # fmt: skip


@pytest.mark.parametrize("data", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_same_leads_in_another_dress_give_the_same(data):
    assert found(data) == EXPECTED


def test_the_same_leads_as_a_workbook_give_the_same():
    records = [RECORDS[0], *([cell.replace("=HYPER", "HYPER") for cell in record] for record in RECORDS[1:1001])]
    assert found(as_book(records)) == EXPECTED | {"blank_rows_at_end": 0}


def test_numbers_that_a_workbook_holds_as_numbers():
    workbook = openpyxl.Workbook()
    for row in (["Telefon"], [493023125001], [3023125002], [4.93023125003e11], ["'+493023125004"], [12]):
        workbook.active.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    result = found(stream.getvalue())
    assert result["numbers"] == ["+493023125001", "+493023125002", "+493023125003", "+493023125004"]
    assert result["bad_rows"] == {"too_short": [6]}


def test_variables_carry_what_the_columns_hold():
    file = read_leads(SAMPLE, mapping=guess_columns(HEADER), country="DE")
    first = file.leads[0]
    assert first == GoodLead(
        2,
        "+14155550186",
        {
            "Name": "Katarzyna Schmidt", "name": "Katarzyna Schmidt", "Firma": "Café Zoë", "Ort": "New York",
            "Termin": "14.01.2026", "Uhrzeit": "18:00", "Bemerkung": "Zeile eins\nZeile zwei",
        },
        None,
    )  # fmt: skip
    assert "=HYPERLINK" in file.leads[12].variables["Bemerkung"], "kept as text"


def test_a_duplicate_names_the_row_it_repeats():
    file = read_leads(SAMPLE, mapping=guess_columns(HEADER), country="DE")
    rows = {lead.number: lead.row for lead in file.leads}
    assert all(row.first_row == rows[row.number] for row in file.duplicates)
    assert file.duplicates[0].sentence == f"The same number as in row {file.duplicates[0].first_row}."


def test_numbers_of_the_campaign_are_duplicates_too():
    known = set(EXPECTED["numbers"][:100])
    file = read_leads(SAMPLE, mapping=guess_columns(HEADER), country="DE", existing_numbers=known)
    assert len(file.leads) == 800
    assert sum(row.first_row is None for row in file.duplicates) >= 100
    assert file.duplicates[0].sentence == "This number is in the campaign already."


SMALL = (
    b"Name;Telefon;Firma\nAda;030 23125001;Acme\nBen;030 23125002;  \nCleo;030 23125001;Acme\nDov;030 23125002;Bolt\n"
)


def test_a_row_without_a_value_that_the_message_needs_is_refused():
    file = read_leads(
        SMALL, mapping=guess_columns(["Name", "Telefon", "Firma"]), country="DE", template_variables=["Firma"]
    )
    assert [(lead.row, lead.number) for lead in file.leads] == [(2, "+493023125001"), (5, "+493023125002")]
    assert file.bad == [BadRow(3, "missing_variable", ["Ben", "030 23125002", "  "], "Firma")]
    assert file.bad[0].sentence == "“Firma” has no value, and the message needs one."
    assert [(row.row, row.first_row) for row in file.duplicates] == [(4, 2)]


def test_a_variable_that_no_column_fills_refuses_every_row():
    mapping = guess_columns(["Name", "Telefon", "Firma"])
    assert mapping.unmapped(["Name", "name", "city"]) == ["city"]
    file = read_leads(SMALL, mapping=mapping, country="DE", template_variables=["city"])
    assert file.leads == []


def test_a_value_that_is_too_long_is_refused():
    data = f"Telefon;Text\n030 23125001;{'x' * 2001}\n030 23125002;{'x' * 2000}\n".encode()
    file = read_leads(data, mapping=guess_columns(["Telefon", "Text"]), country="DE")
    assert [lead.row for lead in file.leads] == [3]
    assert file.bad_by_kind == {"value_too_long": [2]}


def refused_file(data, **options):
    file = read_leads(data, mapping=guess_columns(read_table(data).header), country="DE", **options)
    return file, b"".join(write_bad_rows(file.header, file.delimiter, file.refused))


def test_refused_rows_come_back_with_their_reason_and_can_be_uploaded_again():
    file, returned = refused_file(SAMPLE)
    records = list(csv.reader(io.StringIO(returned.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert records[0] == [*HEADER, "Why this row was not imported"]
    assert len(records) == 1 + 70 + 30
    by_row = dict(zip([row.row for row in file.refused], records[1:], strict=True))
    for number, record in by_row.items():
        assert [cell.removeprefix("'") for cell in record[:7]] == [
            cell.removeprefix("'") for cell in RECORDS[number - 1]
        ]
        assert record[7]
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in record), "safe to open"

    again, _more = refused_file(returned)
    assert [row.cells for row in again.bad] == [row.cells for row in file.bad], "nothing is lost on the way"
    assert again.header == HEADER
    assert len(again.bad) == 70
    assert [lead.number for lead in again.leads] == list(dict.fromkeys(row.number for row in file.duplicates))

    second, final = refused_file(returned, existing_numbers={lead.number for lead in file.leads})
    assert second.leads == []
    assert final.splitlines()[0] == returned.splitlines()[0], "one reason column, not two"


def test_a_corrected_row_is_imported():
    file, returned = refused_file(SAMPLE)
    corrected = returned.decode().replace("bitte per Mail", "030 23125999", 1).encode()
    again, _rest = refused_file(corrected, existing_numbers={lead.number for lead in file.leads})
    assert [lead.number for lead in again.leads] == ["+493023125999"]
    assert "Why_this_row_was_not_imported" not in again.leads[0].variables


def test_the_reason_column_is_known_in_every_language_and_place():
    for language in ("en", "nl", "de"):
        with translation.override(language):
            _file, returned = refused_file(SMALL, template_variables=["Firma"])
        header = read_table(returned).header
        assert reason_column(header) == 3
        assert reason_column([header[3], "x"]) == 0
        assert 3 not in guess_columns(header).variables


def test_reading_row_by_row_counts_the_same():
    reader = LeadReader(SAMPLE, mapping=guess_columns(HEADER), country="DE")
    kinds = {GoodLead: 0, BadRow: 0, DuplicateRow: 0}
    for outcome in reader:
        kinds[type(outcome)] += 1
    assert list(kinds.values()) == [reader.good, reader.bad.total(), reader.duplicates] == [900, 70, 30]
    assert dict(reader.bad) == EXPECTED["bad"]
    assert (reader.data_rows, reader.blank_rows_at_end) == (1000, 3)


def test_blank_rows_in_the_middle_are_no_data_and_keep_the_count():
    data = b"Telefon\n030 23125001\n\n  \n030 23125002\n\n"
    result = found(data)
    assert (result["data_rows"], result["blank_rows_at_end"], result["good"]) == (2, 1, 2)


HEADERS = [
    (["phone", "Telefon", "phone_number", "number"], 2), (["number", "phone"], 1), (["Telefon", "Number"], 1),
    (["Kundennummer", "Telefon"], 1), (["Nummer", "Handy"], 1), (["Name", "Tel."], 1), (["Name", "Telefon-Nr."], 1),
    (["Name", "MOBIL"], 1), (["Naam", "telefoonnummer"], 1), (["naam", "Mobiel"], 1), (["Naam", "GSM-nummer"], 1), (["naam", "nummer"], 1),
    (["Nom", "Téléphone"], 1), (["Nom", "Numéro de téléphone"], 1), (["nombre", "teléfono"], 1), (["Nome", "Cellulare"], 1),
    (["nome", "telefone"], 1), (["Nazwisko", "Numer telefonu"], 1), (["Name", "Primary phone (work)"], 1), (["Name", "Contact"], None),
    (["Nachname", "Mobiltelefon privat", "Telefon"], 2),
]  # fmt: skip


@pytest.mark.parametrize(("header", "column"), HEADERS)
def test_the_number_column_is_guessed_in_many_languages(header, column):
    assert guess_columns(header).number == column


@pytest.mark.parametrize(
    ("header", "column"),
    [(["Name", "Tel"], 0), (["Tel", "Ansprechpartner"], 1), (["Vorname", "Nachname", "Tel"], 1), (["Tel", "Full name"], 1),
     (["Tel", "Klant"], 1), (["Tel", "Nom complet"], 1), (["Tel", "Ort"], None)],
)  # fmt: skip
def test_the_name_column_is_guessed(header, column):
    assert guess_columns(header).name == column


def test_without_a_telling_header_the_content_decides():
    sample = [["A1", "030 23125001", "12"], ["A2", "", "13"], ["A3", "030 23125002", "14"]]
    assert guess_columns(["a", "b", "c"], sample=sample, country="DE").number == 1
    assert guess_columns(["a", "c"], sample=[["A1", "12"]], country="DE").number is None


def test_variables_are_called_as_the_header_stands():
    assert variable_name(" Name of {company} ") == "Name_of_company"
    mapping = guess_columns(["Telefon", "First name", "", "Ort", "Ort"])
    assert mapping.variables == {1: "First_name", 3: "Ort", 4: "Ort_2"}
    assert guess_columns(["Tel", "FIRMA", "Größe"], wanted=["firma", "grosse"]).variables == {1: "firma", 2: "grosse"}
    assert guess_columns(["Tel", "Firma"], wanted=["Tel"]).variables == {0: "Tel", 1: "Firma"}


def test_a_mapping_survives_as_json():
    mapping = guess_columns(HEADER)
    assert Columns.from_json(json.loads(json.dumps(mapping.as_json()))) == mapping


@pytest.mark.parametrize(
    ("mapping", "param"),
    [
        (Columns(None, {0: "Name"}), "number"), (Columns(9), "number"), (Columns(1, {7: "x"}), "number"), (Columns(-1), "number"),
        (Columns(1, {0: " "}), "variables"), (Columns(1, {0: "a{b"}), "variables"), (Columns(1, {0: "a", 2: "a"}), "variables"),
        (Columns(0, {column: f"v{column}" for column in range(1, 52)}), "variables"),
    ],
)  # fmt: skip
def test_a_mapping_that_makes_no_sense_is_refused(mapping, param):
    width = 60 if len(mapping.variables) > 50 else 3
    with pytest.raises(Invalid) as caught:
        mapping.check(width)
    assert caught.value.param == param
    assert caught.value.text


def test_a_file_that_is_none_is_refused_before_its_rows():
    with pytest.raises(BadFile):
        read_leads(b"", mapping=Columns(0))
    with pytest.raises(Invalid):
        LeadReader(SMALL, mapping=Columns(3))


def test_a_hundred_thousand_rows_take_seconds():
    lines = "".join(f"Lead {n};+4930{n:08d};Acme;Berlin\r\n" for n in range(100_000))
    data = ("Name;Telefon;Firma;Ort\r\n" + lines).encode()
    began = time.process_time()
    reader = LeadReader(
        data, mapping=guess_columns(["Name", "Telefon", "Firma", "Ort"]), country="DE", template_variables=["Name"]
    )
    assert sum(isinstance(outcome, GoodLead) for outcome in reader) == 100_000
    assert time.process_time() - began < 10
