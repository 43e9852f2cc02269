"""What comes with a lead, what is remembered of a file, who may not be called, and taking an import back."""

from __future__ import annotations

from unittest.mock import patch

from apps.calls.services.do_not_call import refuse_number
from apps.campaigns.columns import Columns
from apps.campaigns.models import Lead, RememberedColumns, Upload
from apps.campaigns.services import preview_upload, undo
from apps.campaigns.services.undo import can_be_undone, undo_import
from apps.campaigns.services.uploads import forget_columns
from apps.core.errors import Conflict
from apps.organizations.models import AuditEntry, Job
from apps.organizations.services import SYSTEM
from tests import factories
from tests.campaigns.support import NOON, leads_of, make_line, sandbox, tick
from tests.campaigns.test_imports import ImportCase, table

ABOUT = (
    b"Telefon;Name;Zeitzone;Bundesland;Einwilligung;Einwilligung am;Nachweis\n"
    b"089 12345678;Ada;;Bayern;ja;14.01.2026 18:30;Formular 7\n"
    b"+14155550186;Ben;PT;CA;schriftlich;;\n"
    b"030 23125001;Cleo;Mars;;;;\n"
    b"030 23125002;Dov;;;vielleicht;;\n"
    b"030 23125003;Eve;;;ja;irgendwann;\n"
)
MAPPING = Columns(0, {1: "name"}, 1, {"timezone": 2, "region": 3, "consent": 4, "consent_at": 5, "consent_proof": 6})


class AboutTest(ImportCase):
    def test_zone_region_and_consent_arrive_and_bad_values_are_refused_by_name(self) -> None:
        upload = self.run_upload(self.store(ABOUT, country="DE"), MAPPING, "DE")
        self.assertEqual(self.counts(upload), (2, 3, 0))
        ada, ben = leads_of(self.campaign)
        self.assertEqual((ada.timezone, ada.region, ada.consent, ada.consent_proof), ("", "BY", "express", "Formular 7"))
        self.assertEqual((f"{ada.consent_at:%F %T}", ada.place), ("2026-01-14 17:30:00", "DE|BY|Europe/Berlin"))
        self.assertEqual((ben.timezone, ben.region, ben.consent, ben.consent_at), ("America/Los_Angeles", "CA", "written", None))
        self.assertEqual(ben.place, "US|CA|America/Los_Angeles")
        refused = bytes(upload.bad_rows or b"").decode()
        for name in ("“Mars” is no time zone", "“vielleicht” is no kind of consent", "“irgendwann” is no date of a consent"):
            self.assertIn(name, refused)

    def test_awkward_texts_arrive_as_they_are(self) -> None:
        proof = "tab\there, \\N and \"quotes\"\nnext line"
        cells = '"' + proof.replace('"', '""') + '"'
        content = f"phone,name,proof\n+31612345678,O\\'Neil \\t,{cells}\n+31612345679,plain,\\.\n".encode()
        self.run_upload(self.store(content), Columns(0, {1: "name"}, 1, {"consent_proof": 2}))
        first, second = leads_of(self.campaign)
        self.assertEqual((first.consent_proof, first.name), (proof, "O\\'Neil \\t"))
        self.assertEqual((second.consent_proof, second.name), ("\\.", "plain"))

    def test_what_no_database_holds_is_left_out_of_a_value(self) -> None:
        self.run_upload(self.store(table(500) + b"\n+31612345678,nul\x00byte"))
        self.assertEqual(leads_of(self.campaign)[-1].name, "nulbyte")

    def test_numbers_of_the_do_not_call_lists_are_refused_rows(self) -> None:
        refuse_number(organization=self.client_org, number="+31600000001", reason="", by=SYSTEM, now=NOON)
        with self.acting_for(self.agency):
            refuse_number(organization=self.agency, number="+31600000002", reason="", by=SYSTEM, now=NOON)
        with self.acting_for(self.stranger):
            refuse_number(organization=self.stranger, number="+31600000003", reason="", by=SYSTEM, now=NOON)
        upload = self.store(table(4))
        preview = preview_upload(upload, now=NOON)
        self.assertEqual((preview.good, dict(preview.bad)), (2, {"do_not_call": 2}))
        upload = self.run_upload(upload)
        self.assertEqual(self.counts(upload), (2, 2, 0))
        self.assertEqual([lead.phone_number[-1] for lead in leads_of(self.campaign)], ["0", "3"])
        self.assertEqual(bytes(upload.bad_rows or b"").decode().count("do-not-call list"), 2)

    def test_numbers_not_known_as_valid_are_imported_and_counted(self) -> None:
        upload = self.run_upload(self.store(b"phone\n+31612345678\n+31600000001\n+49 123"), country="NL")
        self.assertEqual((self.counts(upload), upload.warnings), ((2, 1, 0), 1))


class RememberTest(ImportCase):
    FILE = b"A;B;C\n+31612345678;Sam;x\n"

    def test_the_next_file_with_the_same_columns_opens_as_the_last_was_imported(self) -> None:
        chosen = Columns(0, {1: "who"}, 1)
        self.run_upload(self.store(self.FILE), chosen, "BE")
        again = self.store(self.FILE.replace(b"78", b"79"), country="NL")
        self.assertEqual((Columns.from_json(again.mapping), again.country), (chosen, "BE"))
        other = self.store(b"A;B;D\n+31612345678;Sam;x\n", country="NL")
        self.assertEqual(other.country, "NL")
        with self.acting_for(self.stranger):
            theirs = self.store(self.FILE, factories.make_campaign(self.stranger), "NL")
        self.assertEqual(theirs.country, "NL")

    def test_what_another_message_asks_for_is_filled_too(self) -> None:
        self.run_upload(self.store(b"phone;City\n+31612345678;Ede\n"), Columns(0), "NL")
        campaign = factories.make_campaign(self.client_org, system_message_template="From {{City}}.")
        again = self.store(b"phone;City\n+31612345678;Ede\n", campaign)
        self.assertEqual(Columns.from_json(again.mapping).variables, {1: "City"})

    def test_it_can_be_forgotten(self) -> None:
        self.run_upload(self.store(self.FILE), Columns(0, {1: "who"}), "BE")
        again = self.store(self.FILE.replace(b"78", b"79"))
        forget_columns(upload=Upload.objects.select_related("campaign__organization").get(pk=again.pk), now=NOON)
        again.refresh_from_db()
        self.assertEqual(RememberedColumns.objects.count(), 0)
        self.assertEqual(Columns.from_json(again.mapping).variables, {1: "B", 2: "C"})


class UndoTest(ImportCase):
    def undo(self, upload: Upload) -> tuple[int, int]:
        done = undo_import(upload=Upload.objects.select_related("campaign", "job").get(pk=upload.pk), by=SYSTEM)
        return done.removed, done.kept

    def test_who_was_never_called_goes_and_who_was_stays(self) -> None:
        sandbox()
        make_line(self.client_org)
        factories.add_credits(self.agency, 100)
        self.campaign.change(NOON, status="scheduled", max_concurrent_calls=1, started_at=NOON)
        other = self.run_upload(self.store(table(1, first=50)))
        upload = self.run_upload(self.store(table(5)))
        Lead.objects.filter(upload=other).delete()
        self.assertEqual(tick(self.campaign), 1)
        self.assertEqual(self.undo(upload), (4, 1))
        upload.refresh_from_db()
        self.assertIsNotNone(upload.undone_at)
        self.assertEqual([lead.status for lead in leads_of(self.campaign)], ["calling"])
        entry = AuditEntry.objects.filter(action="campaign.import_undo").get()
        self.assertEqual((entry.data["removed"], entry.data["kept"]), (4, 1))
        self.assertFalse(can_be_undone(Upload.objects.select_related("campaign", "job").get(pk=upload.pk)))

    def test_leads_of_other_files_and_by_hand_stay(self) -> None:
        first, second = self.run_upload(self.store(table(2))), self.run_upload(self.store(table(2, first=10)))
        factories.make_lead(self.campaign)
        self.assertEqual(self.undo(first), (2, 0))
        left = [lead.upload_id for lead in leads_of(self.campaign)]
        self.assertCountEqual(left, [second.pk, second.pk, None])

    def test_it_goes_on_after_a_crash(self) -> None:
        upload = self.run_upload(self.store(table(5)))
        dies = patch.object(undo, "_finish", side_effect=KeyboardInterrupt)
        with patch.object(undo, "BATCH", 2), dies, self.assertRaises(KeyboardInterrupt):
            self.undo(upload)
        Lead.objects.create(organization=self.client_org, campaign=self.campaign, upload=upload, phone_number="+31612345670")
        self.assertEqual(self.undo(upload), (1, 0))
        self.assertEqual(AuditEntry.objects.filter(action="campaign.import_undo").count(), 1)

    def test_not_while_it_runs_nor_once_the_campaign_is_over(self) -> None:
        upload = self.run_upload(self.store(table(2001)))
        with self.assertRaises(Conflict):
            self.undo(upload)
        Job.objects.filter(pk=upload.job_id).update(status="failed")
        self.assertEqual(self.undo(upload), (0, 0))
        small = self.run_upload(self.store(table(2, first=9000)))
        self.campaign.change(NOON, status="cancelled")
        with self.assertRaises(Conflict):
            self.undo(small)


class AddWhileRunningTest(ImportCase):
    def test_leads_that_come_while_it_runs_are_dialled_by_the_next_tick(self) -> None:
        sandbox()
        make_line(self.client_org)
        factories.add_credits(self.agency, 100)
        self.campaign.change(NOON, status="scheduled", max_concurrent_calls=9, started_at=NOON, sleeps_until=NOON.replace(hour=20))
        upload = self.run_upload(self.store(table(3)))
        self.campaign.refresh_from_db()
        self.assertIsNone(self.campaign.sleeps_until)
        self.assertEqual(tick(self.campaign), 3)
        self.assertEqual({lead.status for lead in leads_of(self.campaign) if lead.upload_id == upload.pk}, {"calling"})
