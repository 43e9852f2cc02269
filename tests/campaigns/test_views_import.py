"""An import on its pages, from the file to the last corrected row."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.campaigns.models import Upload
from tests.campaigns.page_case import DATA, PARTIAL, SAMPLE, PageCase

EXPECTED = json.loads((DATA / "leads-mixed-1000.csv.expected.json").read_text())
HEADER = ["Name", "Telefon", "Firma", "Ort", "Termin", "Uhrzeit", "Bemerkung"]


class ImportTest(PageCase):
    def setUp(self) -> None:
        super().setUp()
        self.change(system_message_template="You call {{Name}} of {{Firma}} in {{Ort}}.")

    def upload(self, data: bytes, name: str = "leads.csv", client: Client | None = None) -> Any:
        file = SimpleUploadedFile(name, data)
        return (client or self.browser).post(self.url("lead_import", self.campaign.pk), {"file": file})

    def uploaded(self, data: bytes) -> Upload:
        answer = self.upload(data)
        self.assertEqual(answer.status_code, 302, answer.content[:300])
        with self.acting_for(self.client_org):
            return Upload.objects.get(pk=answer["Location"].split("/")[-1])

    def choice(self, country: str = "DE", **changes: str) -> dict[str, str]:
        uses = {f"use-{index}": "variable" for index in range(7)} | {"use-0": "name", "use-1": "number"}
        return uses | {f"variable-{index}": name for index, name in enumerate(HEADER)} | {"country": country} | changes

    def preview(self, upload: Upload, **choice: str) -> str:
        url = self.url("lead_import_map", self.campaign.pk, upload.pk)
        answer = self.browser.post(url, self.choice(**choice), headers=PARTIAL)
        self.assertEqual(answer.status_code, 200)
        page = answer.content.decode()
        self.assertNotIn("<html", page)
        return html.unescape(page)

    def run_import(self, upload: Upload, **choice: str) -> str:
        answer = self.browser.post(
            self.url("lead_import_run", self.campaign.pk, upload.pk), self.choice(**choice), follow=True
        )
        return html.unescape(answer.content.decode())

    def counts(self, page: str) -> dict[str, int]:
        return {kind: int(count) for kind, count in re.findall(r'data-count="(\w+)">(\d+)', page)}

    def test_the_sample_from_the_file_to_the_last_corrected_row(self) -> None:
        upload = self.uploaded(SAMPLE)
        page = html.unescape(self.page("lead_import_map", self.campaign.pk, upload.pk))
        self.assertRegex(page, r'(?s)name="use-1"[^>]*>\s*<option value="number" selected')
        self.assertIn("Katarzyna Schmidt", page)
        preview = self.preview(upload)
        self.assertEqual(self.counts(preview), {"good": 900, "bad": 70, "duplicates": 30})
        self.assertIn("You call Katarzyna Schmidt of Café Zoë in New York.", preview)
        for kind, rows in EXPECTED["bad_rows"].items():
            self.assertIn(f">{len(rows)}</b>", preview, kind)
            self.assertIn(", ".join(map(str, rows[:5])), preview, kind)
        self.assertEqual(self.leads(), [], "looking stores nothing")

        self.assertIn("900 leads imported, 70 rows refused, 30 duplicates", self.run_import(upload))
        self.assertEqual([lead.phone_number for lead in self.leads()], EXPECTED["numbers"])
        self.assertEqual(self.leads()[0].variables["Ort"], "New York")
        self.run_import(upload)
        self.assertEqual(len(self.leads()), 900, "twice adds nothing")

        answer = self.browser.get(self.url("lead_bad_rows", self.campaign.pk, upload.pk))
        refused = b"".join(answer.streaming_content).decode()
        self.assertEqual(len(list(csv.reader(io.StringIO(refused), delimiter=";"))), 101)
        self.assertIn("leads-refused.csv", answer["Content-Disposition"])
        again = self.uploaded(refused.replace("bitte per Mail", "030 23125999", 1).encode())
        page = html.unescape(self.page("lead_import_map", self.campaign.pk, again.pk))
        self.assertNotIn('name="use-7"', page, "the reason's column is not offered")
        self.assertIn("1 lead imported", self.run_import(again))
        self.assertEqual(self.leads()[-1].phone_number, "+493023125999")

    def test_another_country_or_mapping_gives_another_preview(self) -> None:
        upload = self.uploaded(SAMPLE)
        self.assertNotEqual(self.counts(self.preview(upload, country="NL")), self.counts(self.preview(upload)))
        none = self.preview(upload, **{"use-1": "ignore"})
        self.assertIn("Choose the column that holds the phone number", none)
        self.assertIn("Nothing to import", none)
        self.assertIn("Only one column can be the phone number", self.preview(upload, **{"use-0": "number"}))
        self.assertIn("Two columns are both called “Ort”", self.preview(upload, **{"variable-2": "Ort"}))
        missing = self.preview(upload, **{"use-2": "ignore"})
        self.assertIn("The message needs more", missing)
        self.assertEqual(self.counts(missing)["good"], 0)

    def test_a_choice_that_makes_no_sense_imports_nothing_and_stays_as_it_was(self) -> None:
        upload = self.uploaded(SAMPLE)
        page = self.run_import(upload, **{"use-0": "number", "variable-3": "Stadt"})
        self.assertIn("Only one column can be the phone number", page)
        self.assertIn("What is in the columns?", page)
        self.assertEqual(self.leads(), [])

    def test_a_file_that_is_none(self) -> None:
        for data, words in (
            (b"", "empty"), (b"%PDF-1.7 x", "neither a CSV file nor a workbook"), (b"PK\x03\x04broken", "cannot be read"),
            (b"+493023125001\n+493023125002\n", "first row must hold the names"),
        ):  # fmt: skip
            answer = self.upload(data)
            self.assertEqual(answer.status_code, 422)
            page = html.unescape(answer.content.decode())
            self.assertIn(words, page)
        self.assertEqual(self.browser.post(self.url("lead_import", self.campaign.pk)).status_code, 422)

    def test_values_of_a_file_are_text(self) -> None:
        upload = self.uploaded(
            b"Telefon;<script>alert(1)</script>\n030 23125001;<script>alert(2)</script>\nx;<script>alert(3)</script>\n"
        )
        page = self.page("lead_import_map", self.campaign.pk, upload.pk)
        self.assertNotIn("<script>alert", page)
        self.assertIn("&lt;script&gt;alert(2)", page)

    def test_a_large_file_is_imported_in_the_background(self) -> None:
        self.change(system_message_template=None)
        upload = self.uploaded(b"Telefon\n" + b"".join(b"+4930%08d\n" % number for number in range(2001)))
        answer = self.browser.post(
            self.url("lead_import_run", self.campaign.pk, upload.pk), {"country": "DE", "use-0": "number"}, follow=True
        )
        page = answer.content.decode()
        self.assertIn("0 of 2,001 rows read", page)
        self.assertIn('hx-trigger="every 1s"', page)

    def test_an_import_into_a_finished_campaign_is_refused(self) -> None:
        self.change(status="cancelled")
        answer = self.browser.post(
            self.url("lead_import", self.campaign.pk), {"file": SimpleUploadedFile("x.csv", SAMPLE)}, follow=True
        )
        self.assertNotIn(answer.status_code, (200, 500))
