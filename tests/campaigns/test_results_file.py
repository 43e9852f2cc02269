"""The results as CSV and XLSX: complete, harmless in a spreadsheet program, and importable again."""

from __future__ import annotations

import datetime as dt
import io
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
from django.test import TestCase

from apps.campaigns.columns import guess_columns
from apps.campaigns.leadfile import read_leads
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.campaigns.results import from_file, results_filename, write_results, write_workbook
from apps.core.spreadsheet import read_table
from apps.core.workbook import CONTENT_TYPE, write_xlsx
from tests import factories
from tests.campaigns.support import NOON, running_campaign, sandbox
from tests.cases import TenantCase

HOUR = dt.timedelta(hours=1)
NASTY = ("=HYPERLINK(\"http://x\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\tx", "\rx", "\nx", "'=1", "'t Hof", "0612345678", "＝1+1")


def workbook(campaign: Campaign) -> bytes:
    file = io.BytesIO()
    write_workbook(campaign, NOON, file)
    return file.getvalue()


class ResultsFileTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        self.enterContext(self.acting_for(self.client_org))
        self.campaign = running_campaign(self.client_org, 0, name="Spring = recall")

    def rows(self, data: bytes | None = None) -> list[dict[str, str]]:
        table = read_table(data or b"".join(write_results(self.campaign, NOON)))
        return [dict(zip(table.header, row.cells, strict=True)) for row in table.rows]

    def make_called_lead(self, **fields: Any) -> Lead:
        call = factories.make_call(
            self.client_org, summary="Wants Tuesday.", duration_seconds=84, cost=1_250_000,
            analysis_result={"interested": True, "tags": ["price", "time"], "day": None},
        )  # fmt: skip
        found = factories.make_lead(self.campaign, **{
            "phone_number": "+31600000001", "status": "completed", "reason": "finished", "result": "user_hangup", "attempts": 2,
            "last_attempt_at": NOON, "last_call_id": call.public_id, "timezone": "America/New_York", "variant": "b",
            "consent": "express", "consent_at": NOON, "consent_proof": "form 7",
            "variables": {"name": "Sam", "company": "=HYPERLINK(1)", "city": "Zoë"},
        } | fields)  # fmt: skip
        # An analysis belongs to a campaign by the attempt that made the call.
        factories._make(Attempt, self.client_org, lead=found, campaign=self.campaign, number=1, call=call, settled_at=NOON)
        return found

    def test_a_row_per_lead_with_its_last_call(self) -> None:
        lead = self.make_called_lead()
        factories.make_lead(self.campaign, phone_number="+31600000002", next_attempt_at=NOON + HOUR, variables={})
        for data in (b"".join(write_results(self.campaign, NOON)), workbook(self.campaign)):
            first, second = self.rows(data)
            self.assertEqual(
                [first[name] for name in ("Phone number", "Name", "Status", "Outcome", "Result", "Attempts", "Time zone")],
                ["+31600000001", "Sam", "Completed", "Answered", "Caller hung up", "2", "America/New_York"],
            )
            self.assertEqual(first["Last attempt (local time)"][:16], "2026-11-18 06:00")
            self.assertEqual(first["Last attempt (UTC)"][:16], "2026-11-18 11:00")
            self.assertEqual((first["Talk time (seconds)"], first["Cost (credits)"], first["Summary"]), ("84", "1.25", "Wants Tuesday."))
            self.assertEqual((first["Call"], first["Consent"], first["Proof of consent"], first["Compared as"]), (lead.last_call_id, "Express consent", "form 7", "B"))
            self.assertEqual((first["Analysis: interested"], first["Analysis: tags"], first["Analysis: day"]), ("true", "price, time", ""))
            self.assertEqual((first["city"], first["company"]), ("Zoë", "=HYPERLINK(1)"))
            self.assertEqual((second["Status"], second["Not called because"], second["Outcome"]), ("Pending", "Waiting to retry", "Still to be called"))
            self.assertEqual(second["Next attempt (UTC)"][:16], "2026-11-18 12:00")

    def test_what_looks_like_a_formula_is_inert_and_comes_back(self) -> None:
        for number, text in enumerate(NASTY):
            factories.make_lead(self.campaign, phone_number=f"+3160000{number:04}", variables={"company": text})
        raw = b"".join(write_results(self.campaign, NOON)).decode("utf-8-sig")
        self.assertIn("'=HYPERLINK", raw)
        self.assertIn("'+31600000000", raw)
        self.assertIsNone(next((cell for line in raw.splitlines() for cell in line.split(",") if cell[:1] in ("=", "+", "-", "@")), None))
        expected = [(f"+3160000{number:04}", text) for number, text in enumerate(NASTY)]
        for data in (raw.encode(), workbook(self.campaign)):
            self.assertEqual([(row["Phone number"], row["company"]) for row in self.rows(data)], expected)

    def test_what_was_exported_can_be_imported(self) -> None:
        for number in range(3):
            factories.make_lead(self.campaign, phone_number=f"+3161234567{number}", variables={"name": "Sam", "company": "=1+1"})
        for data in (b"".join(write_results(self.campaign, NOON)), workbook(self.campaign)):
            header = read_table(data).header
            found = read_leads(data, mapping=guess_columns(header), country="NL")
            self.assertEqual([lead.number for lead in found.leads], [f"+3161234567{number}" for number in range(3)])
            self.assertEqual({lead.variables["company"] for lead in found.leads}, {"=1+1"})
            self.assertEqual(found.bad, [])

    def test_texts_of_a_workbook_are_texts(self) -> None:
        factories.make_lead(self.campaign, phone_number="+31600000001", variables={"company": "=1+1"})
        sheet = openpyxl.load_workbook(io.BytesIO(workbook(self.campaign))).active
        cells = [cell for cell in sheet[2] if cell.value in ("=1+1", "+31600000001")]
        self.assertEqual([(cell.data_type, cell.quotePrefix, cell.number_format) for cell in cells], [("s", True, "@")] * 2)
        self.assertEqual(sheet.title, "Spring = recall")

    def test_queries_do_not_grow_with_leads(self) -> None:
        for _round in range(2):
            factories.make_lead(self.campaign, last_call_id=factories.make_call(self.client_org).public_id)
            with self.assertNumQueries(8):
                self.rows()

    def test_only_this_campaign_s_leads(self) -> None:
        factories.make_lead(factories.make_campaign(self.client_org))
        self.assertEqual(self.rows(), [])
        self.assertEqual(Lead.objects.count(), 1)

    def test_the_pages_send_files(self) -> None:
        self.make_called_lead()
        browser, base = self.as_(self.cleo), f"/o/{self.client_org.slug}/campaigns/{self.campaign.pk}"
        for name, kind in (("results.csv", "text/csv; charset=utf-8"), ("results.xlsx", CONTENT_TYPE)):
            answer = browser.get(f"{base}/{name}")
            self.assertEqual((answer.status_code, answer["Content-Type"]), (200, kind))
            self.assertEqual(answer["Content-Disposition"], f'attachment; filename="spring-recall-{name}"')
            self.assertEqual(len(self.rows(b"".join(answer) if answer.streaming else answer.content)), 1)


class LongFileTest(TestCase):
    def test_what_is_long_leaves_as_a_stream(self) -> None:
        short = from_file([b"a,b\n"], content_type="text/csv", filename="x.csv")
        self.assertEqual((short.content, short["Content-Disposition"]), (b"a,b\n", 'attachment; filename="x.csv"'))
        long = from_file((b"x" * 1000 for _number in range(2000)), content_type="text/csv", filename="x.csv")
        self.assertEqual((long.streaming, len(b"".join(long))), (True, 2_000_000))
        long.close()

    def test_a_long_workbook_needs_little_memory(self) -> None:
        def rows() -> Iterator[list[object]]:
            for number in range(20_000):
                yield [f"+3161{number:07}", number, 1.5, None, True, "text " * 5]

        with io.BytesIO() as file:
            write_xlsx(iter([["short"]]), file, sheet="warm")
        tracemalloc.start()
        with tempfile.TemporaryFile() as file:
            write_xlsx(rows(), file, sheet="Long")
            _now, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            with zipfile.ZipFile(file) as packed:
                size = packed.getinfo("xl/worksheets/sheet1.xml").file_size
        self.assertGreater(size, 4_000_000)
        self.assertLess(peak, 1_000_000)

    def test_cells(self) -> None:
        moment = dt.datetime(2026, 3, 29, 2, 30, 15)
        row = ["a<b>&", "_x0041_", 12345678901234567890, 0.1, False, moment, "x" * 40_000, "\x0b\x00ok", "line\r\nline"]
        file = io.BytesIO()
        write_xlsx([["h"], row], file, sheet="a/b[c]")
        cells = [cell.value for cell in openpyxl.load_workbook(file).active[2]]
        self.assertEqual(cells, ["a<b>&", "_x005F_x0041_", "12345678901234567890", 0.1, False, moment, "x" * 32_767, "ok", "line\r\nline"])


class NameTest(TestCase):
    def test_filename(self) -> None:
        self.assertEqual(results_filename(Campaign(name="Spring = recall")), "spring-recall-results.csv")
        self.assertEqual(results_filename(Campaign(name="日本"), "pdf"), "campaign-results.pdf")
