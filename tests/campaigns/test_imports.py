"""Files of leads through the services: preview, import, refused rows, large files, twice, and after a crash."""

from __future__ import annotations

import json
import time
from pathlib import Path
from unittest.mock import patch

from apps.campaigns.columns import Columns
from apps.campaigns.models import Campaign, Lead, Upload
from apps.campaigns.selectors import imports_to_do
from apps.campaigns.services import NewLead, add_lead, import_upload, imports, preview_upload, store_upload
from apps.campaigns.services.imports import run_import
from apps.core import db
from apps.core.errors import Conflict, Invalid
from apps.core.scope import acting
from apps.core.spreadsheet import BadFile
from apps.organizations.models import Job
from apps.organizations.scopes import overview
from apps.organizations.services import SYSTEM
from tests import factories
from tests.campaigns.support import NOON, leads_of
from tests.cases import TenantCase

DATA = Path(__file__).parent.parent / "data"
CUSTOMERS = (DATA / "leads-mixed-1000.csv").read_bytes()
EXPECTED = json.loads((DATA / "leads-mixed-1000.csv.expected.json").read_text())


def table(count: int, first: int = 0) -> bytes:
    rows = (f"+316{number:08d},Person {number}" for number in range(first, first + count))
    return "\n".join(["phone,name", *rows]).encode()


class ImportCase(TenantCase):
    def setUp(self) -> None:
        self.enterContext(self.acting_for(self.client_org))
        self.campaign = factories.make_campaign(self.client_org)

    def store(self, content: bytes, campaign: Campaign | None = None, country: str = "") -> Upload:
        return store_upload(
            campaign=campaign or self.campaign, filename="leads.csv", content=content, country=country, by=SYSTEM, now=NOON
        )

    def run_upload(self, upload: Upload, mapping: Columns | None = None, country: str = "") -> Upload:
        mapping = mapping or Columns.from_json(upload.mapping)
        return import_upload(upload=upload, mapping=mapping, country=country, by=SYSTEM, now=db.now())

    def counts(self, upload: Upload) -> tuple[int | None, int | None, int | None]:
        return upload.good, upload.bad, upload.duplicates


class CustomersFileTest(ImportCase):
    def test_it_imports_without_edits_to_exactly_what_is_expected(self) -> None:
        upload = self.store(CUSTOMERS, country="DE")
        header = preview_upload(upload, now=NOON).header
        mapping = Columns(header.index("Telefon"), Columns.from_json(upload.mapping).variables)
        upload = self.run_upload(upload, mapping, "DE")
        self.assertEqual([lead.phone_number for lead in leads_of(self.campaign)], EXPECTED["numbers"])
        self.assertEqual(self.counts(upload), (EXPECTED["good"], sum(EXPECTED["bad"].values()), EXPECTED["duplicates"]))
        self.assertEqual(bytes(upload.content), b"")

    def test_the_preview_counts_the_same(self) -> None:
        upload = self.store(CUSTOMERS, country="DE")
        preview = preview_upload(upload, now=NOON)
        self.assertEqual((preview.good, preview.duplicates), (EXPECTED["good"], EXPECTED["duplicates"]))
        self.assertEqual(dict(preview.bad), EXPECTED["bad"])
        self.assertFalse(preview.is_partial)
        self.assertEqual(leads_of(self.campaign), [])


class ImportTest(ImportCase):
    def test_refused_rows_come_back_and_can_be_corrected(self) -> None:
        upload = self.run_upload(self.store(b"phone;name\n+31600000001;Sam\nnonsense;Eve\n+31600000001;Sam again"))
        self.assertEqual(self.counts(upload), (1, 1, 1))
        refused = bytes(upload.bad_rows or b"")
        self.assertEqual(len(refused.splitlines()), 3)
        again = self.run_upload(self.store(refused.replace(b"nonsense", b"+31600000002")))
        self.assertEqual(self.counts(again), (1, 0, 1))
        self.assertEqual([lead.name for lead in leads_of(self.campaign)], ["Sam", "Eve"])

    def test_numbers_of_the_campaign_are_duplicates(self) -> None:
        add_lead(campaign=self.campaign, lead=NewLead("+31600000001"), by=SYSTEM, now=NOON)
        upload = self.run_upload(self.store(b"phone,name\n06 00000001,Sam\n06 00000002,Eve", country="NL"), country="NL")
        self.assertEqual(self.counts(upload), (1, 0, 1))
        self.assertIn("in the campaign already", bytes(upload.bad_rows or b"").decode())

    def test_one_number_in_three_spellings_is_one_lead(self) -> None:
        upload = self.run_upload(self.store(b"phone,x\n0612345678,a\n+31612345678,b\n0031612345678,c", country="NL"), country="NL")
        self.assertEqual(self.counts(upload), (1, 0, 2))

    def test_the_same_upload_twice_adds_nothing(self) -> None:
        upload = self.run_upload(self.store(table(3)))
        again = self.run_upload(Upload.objects.get(pk=upload.pk), Columns(0))
        self.assertEqual((self.counts(again), len(leads_of(self.campaign))), ((3, 0, 0), 3))

    def test_a_value_the_message_needs(self) -> None:
        campaign = factories.make_campaign(self.client_org, system_message_template="You call {{company}}.")
        upload = self.store(b"phone,Company\n+31600000001,Acme\n+31600000002,", campaign)
        self.assertEqual(preview_upload(upload, now=NOON).unmapped, [])
        upload = self.run_upload(upload)
        self.assertEqual(self.counts(upload), (1, 1, 0))
        self.assertEqual(leads_of(campaign)[0].variables, {"company": "Acme"})

    def test_a_mapping_that_does_not_fit_is_refused_and_stores_nothing(self) -> None:
        upload = self.store(table(3))
        with self.assertRaises(Invalid):
            self.run_upload(upload, Columns(7))
        with self.assertRaises(Invalid):
            preview_upload(upload, now=NOON, mapping=Columns(0, {0: "a", 1: "a"}))
        upload.refresh_from_db()
        self.assertIsNone(upload.imported_at)

    def test_without_a_number_column_there_is_a_sample_to_choose_from(self) -> None:
        preview = preview_upload(self.store(b"first,second\na,b\nc,d"), now=NOON)
        self.assertEqual((preview.mapping.number, preview.sample, preview.rows), (None, [["a", "b"], ["c", "d"]], 0))

    def test_a_file_that_is_no_table_is_refused_at_once(self) -> None:
        for content in (b"", b"%PDF-1.7 ...", b'phone,name\n+31600000001,"open\n+31600000002,b'):
            with self.assertRaises(BadFile):
                self.store(content)
        self.assertEqual(Upload.objects.count(), 0)

    def test_what_is_over_takes_no_leads(self) -> None:
        upload = self.store(table(3))
        self.campaign.change(NOON, status="cancelled")
        with self.assertRaises(Conflict):
            self.run_upload(upload)
        with self.assertRaises(Conflict):
            self.store(table(3))

    def test_a_running_campaign_may_get_more(self) -> None:
        self.campaign.change(NOON, status="scheduled")
        self.run_upload(self.store(table(2)))
        self.run_upload(self.store(table(2, first=10)))
        self.assertEqual([lead.position for lead in leads_of(self.campaign)], [1, 2, 3, 4])

    def test_a_lead_added_meanwhile_is_listed_as_refused(self) -> None:
        upload = self.store(table(3))
        store = imports.store_leads

        def late(**values: object) -> int:
            if not self.campaign.leads.exists():
                own = {"organization": self.client_org, "campaign": self.campaign, "position": 1}
                Lead.objects.create(phone_number="+31600000001", **own)
            return store(**values)  # type: ignore[arg-type]

        with patch.object(imports, "store_leads", late):
            upload = self.run_upload(upload)
        self.assertEqual((self.counts(upload), len(leads_of(self.campaign))), ((2, 0, 1), 3))


class LargeTest(ImportCase):
    def test_five_thousand_rows_go_by_copy_in_the_background(self) -> None:
        upload = self.run_upload(self.store(table(5000)))
        assert upload.job is not None
        self.assertEqual((upload.job.status, upload.job.total, len(leads_of(self.campaign))), ("waiting", 5000, 0))
        began = time.monotonic()
        with self.assertNumQueries(30):
            self.assertTrue(self.work(upload))
        self.assertLess(time.monotonic() - began, 10)
        upload.refresh_from_db()
        self.assertEqual((self.counts(upload), upload.job.done), ((5000, 0, 0), 5000))
        self.assertEqual(leads_of(self.campaign)[-1].phone_number, "+31600004999")
        self.assertFalse(self.work(upload))

    def test_a_second_worker_waits_and_takes_over_from_a_dead_one(self) -> None:
        upload = self.run_upload(self.store(table(2500)))
        dies = patch.object(imports, "_finish", side_effect=KeyboardInterrupt)
        with patch.object(imports, "BATCH", 1000), dies, self.assertRaises(KeyboardInterrupt):
            self.work(upload)
        self.assertEqual(len(leads_of(self.campaign)), 2500)
        self.assertFalse(self.work(upload))
        self.assertEqual(self.to_do(), [])
        Job.objects.filter(pk=upload.job_id).update(updated_at=NOON)
        self.assertEqual(self.to_do(), [(self.client_org.pk, upload.pk)])
        self.assertTrue(self.work(upload))
        upload.refresh_from_db()
        self.assertEqual((self.counts(upload), len(leads_of(self.campaign))), ((2500, 0, 0), 2500))

    def test_a_campaign_cancelled_under_way_ends_the_import(self) -> None:
        upload = self.run_upload(self.store(table(2500)))
        self.campaign.change(NOON, status="cancelled")
        self.work(upload)
        job = Job.objects.get(pk=upload.job_id)
        self.assertEqual(job.status, "failed")
        self.assertIn("cancelled", job.error)

    def work(self, upload: Upload) -> bool:
        return run_import(organization_id=self.client_org.pk, upload_id=upload.pk, now=db.now())

    def to_do(self) -> object:
        with acting(overview("this test")):
            return imports_to_do(db.now())
