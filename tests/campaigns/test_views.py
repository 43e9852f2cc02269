"""The pages of campaigns: who may do what, what is shown, and an import from the file to the last corrected row."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import json
import re
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.campaigns.models import Campaign, Lead, Upload
from apps.campaigns.pages import window_words
from apps.campaigns.pages_list import list_page
from apps.campaigns.pages_notices import opening_words
from apps.voice.models import Connection
from tests import factories
from tests.cases import TenantCase

DATA = Path(__file__).parent.parent / "data"
SAMPLE = (DATA / "leads-mixed-1000.csv").read_bytes()
EXPECTED = json.loads((DATA / "leads-mixed-1000.csv.expected.json").read_text())
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
HEADER = ["Name", "Telefon", "Firma", "Ort", "Termin", "Uhrzeit", "Bemerkung"]


class PageCase(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)
        self.assistant = factories.make_assistant(self.client_org, name="Robin")
        self.trunk = factories.make_trunk(self.client_org)
        self.number = factories.make_number(self.client_org, transfer_trunk=self.trunk)
        self.campaign = self.make(name="Spring recall")

    def make(self, **fields: Any) -> Campaign:
        return factories.make_campaign(self.client_org, **{"assistant": self.assistant} | fields)

    def url(self, name: str, *args: Any) -> str:
        return reverse(name, args=[self.client_org.slug, *args])

    def page(self, name: str, *args: Any, client: Client | None = None, **query: Any) -> str:
        answer = (client or self.browser).get(self.url(name, *args), query)
        self.assertEqual(answer.status_code, 200, answer.content[:500])
        return answer.content.decode()

    def queries(self, name: str, *args: Any) -> int:
        """How many a page needs by itself, without those of its frame."""
        self.browser.get(self.url(name, *args), headers=PARTIAL)
        with CaptureQueriesContext(connection) as captured:
            self.assertEqual(self.browser.get(self.url(name, *args), headers=PARTIAL).status_code, 200)
        return len(captured)

    def detail(self, campaign: Campaign | None = None, **query: Any) -> str:
        return self.page("campaign", (campaign or self.campaign).pk, **query)

    def stored(self, campaign: Campaign | None = None) -> Campaign:
        with self.acting_for(self.client_org):
            return Campaign.objects.get(pk=(campaign or self.campaign).pk)

    def change(self, **fields: Any) -> None:
        with self.acting_for(self.client_org):
            Campaign.objects.filter(pk=self.campaign.pk).update(**fields)

    def leads(self, campaign: Campaign | None = None) -> list[Lead]:
        with self.acting_for(self.client_org):
            return list(Lead.objects.filter(campaign=campaign or self.campaign).oldest())

    def values(self, **changes: Any) -> dict[str, Any]:
        return {
            "name": "Autumn recall", "assistant": str(self.assistant.pk), "number": "automatic",
            "system_message_template": "You call {{name}}.", "schedule_start_time": "09:30", "schedule_end_time": "17:00",
            "schedule_days": ["1", "2", "3"], "timezone": "Europe/Berlin", "max_attempts": "2", "retry_delay_minutes": "30",
            "max_concurrent_calls": "4", "purpose": "service",
        } | changes  # fmt: skip


class ListTest(PageCase):
    def test_an_empty_list_says_what_to_do_next(self) -> None:
        page = self.as_(self.dov).get(reverse("campaigns", args=[self.stranger.slug])).content.decode()
        self.assertIn("No campaigns yet", page)
        self.assertIn(reverse("campaign_create", args=[self.stranger.slug]), page)

    def test_rows_show_status_progress_and_hours(self) -> None:
        self.change(status="paused", paused_by="balance", schedule_days=[1, 2, 3, 4, 5])
        for status in ("completed", "failed", "pending", "pending"):
            factories.make_lead(self.campaign, status=status)
        page = self.page("campaigns")
        for words in ("Spring recall", "Robin", "Paused", "no balance", "2 of 4 leads done", "Mon–Fri 09:00–17:00"):
            self.assertIn(words, page)
        self.assertIn("Completed: 1", page)

    def test_a_deleted_campaign_is_gone(self) -> None:
        self.change(deleted_at=factories.NOW)
        self.assertNotIn("Spring recall", self.page("campaigns"))
        self.assertEqual(self.browser.get(self.url("campaign", self.campaign.pk)).status_code, 404)

    def test_as_many_queries_for_three_as_for_one(self) -> None:
        factories.make_lead(self.campaign)
        for _count in range(3):
            with self.acting_for(self.client_org), self.assertNumQueries(3):
                self.assertTrue(list_page(self.client_org, {}, factories.NOW)["rows"][0]["total"])
            factories.make_lead(self.make())


class FormTest(PageCase):
    def post(self, page: str, /, *args: Any, **changes: Any) -> Any:
        return self.browser.post(self.url(page, *args), self.values(**changes))

    def test_create_from_the_form(self) -> None:
        answer = self.post("campaign_create", number=str(self.number.pk))
        with self.acting_for(self.client_org):
            made = Campaign.objects.get(name="Autumn recall")
        self.assertRedirects(answer, self.url("campaign", made.pk), fetch_redirect_response=False)
        self.assertEqual((made.status, made.schedule_days, made.timezone), ("draft", [1, 2, 3], "Europe/Berlin"))
        self.assertEqual((made.schedule_start_time, made.max_attempts), (dt.time(9, 30), 2))
        self.assertEqual((made.number_id, made.has_own_number), (self.number.pk, True))

    def test_what_does_not_fit_comes_back_at_its_field_with_everything_typed(self) -> None:
        answer = self.post(
            "campaign_create", schedule_end_time="09:30", timezone="Europe/Nowhere", schedule_days=[], name="Kept"
        )
        page = html.unescape(answer.content.decode())
        self.assertEqual(answer.status_code, 422)
        for words in (
            "must be after their start",
            "There is no time zone “Europe/Nowhere”",
            "at least one day",
            'value="Kept"',
        ):
            self.assertIn(words, page)

    def test_only_own_active_assistants_and_own_numbers_can_be_chosen(self) -> None:
        other = factories.make_assistant(self.stranger, name="Stranger's")
        agencys = factories.make_assistant(self.agency, name="Agency's")
        off = factories.make_assistant(self.client_org, name="Switched off", is_active=False)
        line = factories.make_number(self.stranger, transfer_trunk=factories.make_trunk(self.stranger))
        page = html.unescape(self.page("campaign_create"))
        for words in ("Stranger's", "Agency's", "Switched off", str(line.pk)):
            self.assertNotIn(words, page)
        for assistant in (other, agencys, off):
            self.assertEqual(self.post("campaign_create", assistant=str(assistant.pk)).status_code, 422)
        self.assertEqual(self.post("campaign_create", number=str(line.pk)).status_code, 422)

    def test_without_a_number_that_can_dial_it_warns(self) -> None:
        page = self.as_(self.dov).get(reverse("campaign_create", args=[self.stranger.slug])).content.decode()
        self.assertIn("No number can call out yet", page)
        self.assertIn("There is no active assistant", page)

    def test_edit_and_the_stale_form(self) -> None:
        edit = ("campaign_edit", self.campaign.pk)
        self.assertEqual(self.post(*edit, version="1").status_code, 302)
        self.assertEqual(self.stored().name, "Autumn recall")
        answer = self.post(*edit, version="1", name="Mine", timezone="Europe/Paris")
        page = answer.content.decode()
        self.assertEqual(answer.status_code, 409)
        self.assertIn("data-conflict", page)
        self.assertEqual(self.stored().name, "Autumn recall")
        compared = page.partition("data-conflict")[2].partition("</table>")[0]
        for words in ("Mine", "Autumn recall", "Europe/Paris", "Europe/Berlin"):
            self.assertIn(words, compared)
        self.assertNotIn("max_attempts", compared)
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version
        self.assertEqual(self.post(*edit, version=version[1], name="Mine").status_code, 302)
        self.assertEqual(self.stored().name, "Mine")

    def test_the_assistant_of_a_campaign_stays_unless_it_was_deleted(self) -> None:
        second = factories.make_assistant(self.client_org, name="Second")
        self.post("campaign_edit", self.campaign.pk, version="1", assistant=str(second.pk))
        self.assertEqual(self.stored().assistant_id, self.assistant.pk)
        with self.acting_for(self.client_org):
            type(self.assistant).objects.filter(pk=self.assistant.pk).update(deleted_at=factories.NOW)
        self.post("campaign_edit", self.campaign.pk, version="2", assistant=str(second.pk))
        self.assertEqual(self.stored().assistant_id, second.pk)

    def test_a_lost_number_must_be_chosen_again(self) -> None:
        self.change(has_own_number=True, number=None)
        answer = self.post("campaign_edit", self.campaign.pk, version="1", number="")
        self.assertEqual(answer.status_code, 422)
        self.assertIn("Its number was deleted", answer.content.decode())
        self.assertEqual(self.post("campaign_edit", self.campaign.pk, version="1").status_code, 302)
        self.assertFalse(self.stored().has_own_number)

    def test_a_finished_campaign_is_not_edited_but_duplicated(self) -> None:
        self.change(status="completed")
        self.assertEqual(self.browser.get(self.url("campaign_edit", self.campaign.pk)).status_code, 409)
        page = self.page("campaign_create", copy=str(self.campaign.pk))
        self.assertIn("Copy of Spring recall", page)


class DetailTest(PageCase):
    def test_launch_problems_are_shown_with_where_to_mend_them(self) -> None:
        self.change(system_message_template="Hello {{company}}", has_own_number=True, number=None)
        factories.make_lead(self.campaign, phone_number="+442079460101")
        with self.acting_for(self.client_org):
            type(self.assistant).objects.filter(pk=self.assistant.pk).update(is_active=False)
        page = html.unescape(self.detail())
        for words in (
            "Robin is not active",
            "was deleted. Choose another",
            'variable "company" has no value',
            "+442079460101",
        ):
            self.assertIn(words, page)
        self.assertNotIn(self.url("campaign_start", self.campaign.pk), page)
        answer = self.browser.post(self.url("campaign_start", self.campaign.pk), follow=True)
        self.assertIn("Robin is not active", answer.content.decode())
        self.assertEqual(self.stored().status, "draft")

    def test_start_pause_resume_cancel_delete(self) -> None:
        for _count in range(3):
            factories.make_lead(self.campaign)
        self.assertIn("Start calling 3 leads", self.detail())
        self.assertIn("Start calling 3 leads?", self.page("campaign_start", self.campaign.pk))
        for action, status, shown in (
            ("start", "scheduled", "Pause"), ("pause", "paused", "Resume"), ("resume", "scheduled", "Pause"),
            ("cancel", "cancelled", "Cancelled"),
        ):  # fmt: skip
            answer = self.browser.post(self.url(f"campaign_{action}", self.campaign.pk), follow=True)
            self.assertEqual(self.stored().status, status)
            self.assertIn(shown, answer.content.decode())
        self.assertEqual({lead.status for lead in self.leads()}, {"skipped"})
        self.assertIn(
            "cannot be changed",
            self.browser.post(self.url("campaign_start", self.campaign.pk), follow=True).content.decode(),
        )
        self.browser.post(self.url("campaign_delete", self.campaign.pk))
        self.assertIsNotNone(self.stored().deleted_at)

    def test_asking_changes_nothing(self) -> None:
        factories.make_lead(self.campaign)
        for action in ("start", "cancel", "delete"):
            self.page(f"campaign_{action}", self.campaign.pk)
        self.assertEqual(self.browser.get(self.url("campaign_pause", self.campaign.pk)).status_code, 405)
        self.assertEqual((self.stored().status, self.stored().version), ("draft", 1))

    def test_it_refreshes_itself_only_while_it_runs(self) -> None:
        factories.make_lead(self.campaign)
        live = self.url("campaign_live", self.campaign.pk)
        for status, expected in (("draft", False), ("scheduled", True), ("completed", False)):
            self.change(status=status)
            page = self.detail()
            self.assertEqual(f'hx-get="{live}"' in page, expected, status)
            fragment = self.browser.get(live, headers=PARTIAL).content.decode()
            self.assertEqual("hx-trigger" in fragment, expected, status)
            self.assertNotIn("<html", fragment)

    def test_a_call_that_still_runs_keeps_a_paused_campaign_live(self) -> None:
        self.change(status="paused", paused_by="person")
        factories.make_lead(self.campaign, status="calling")
        self.assertIn('hx-trigger="every 2s"', self.detail())

    def test_the_engine_is_down_and_nobody_has_to_do_anything(self) -> None:
        factories.make_lead(self.campaign)
        always = {"schedule_start_time": dt.time(0), "schedule_end_time": dt.time(23, 59, 59)}
        self.change(status="scheduled", **always)
        page = self.page("campaign_live", self.campaign.pk)
        self.assertIn("No attempt is counted", page)
        with self.acting_for(self.client_org):
            Connection.objects.create(
                organization=self.client_org, name="Engine", base_url="http://127.0.0.1:1", api_key="x", hook_secret="y",
                engine={"kind": "x", "features": []}, engine_read_at=factories.NOW,
            )  # fmt: skip
        self.assertNotIn("No attempt is counted", self.page("campaign_live", self.campaign.pk))
        with self.acting_for(self.client_org):
            Connection.objects.update(failing_since=factories.NOW)
        self.assertIn("goes on by itself", self.page("campaign_live", self.campaign.pk))

    def test_the_next_opening_by_both_clocks(self) -> None:
        campaign = Campaign(timezone="America/New_York", schedule_days=[1, 2, 3, 4, 5])
        opening = campaign.window.next_opening(dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC))
        with timezone.override("Europe/Amsterdam"):
            words = opening_words(campaign, opening)
        self.assertEqual((words["there"], words["here"]), ("Monday 23 November 09:00", "Monday 23 November 15:00"))
        with timezone.override("America/New_York"):
            self.assertNotIn("here", opening_words(campaign, opening))
        self.assertEqual(window_words(campaign), "Mon–Fri 09:00–17:00")

    def test_values_are_text_and_never_markup(self) -> None:
        evil = "<script>alert(1)</script>{{7*7}}"
        self.change(name=evil, system_message_template="Hi {{" + "<b>x</b>" + "}}")
        factories.make_lead(self.campaign, variables={"name": evil, "<img src=x>": evil})
        for page in (
            self.detail(),
            self.page("campaigns"),
            self.page("lead_add", self.campaign.pk),
            self.page("campaign_edit", self.campaign.pk),
        ):
            for markup in ("<script>alert", "<img src=x", "<b>x</b>"):
                self.assertNotIn(markup, page)
            self.assertNotIn("49", re.findall(r"&lt;/script&gt;(..)", page))

    def test_as_many_queries_for_three_leads_as_for_one(self) -> None:
        factories.make_lead(self.campaign)
        counts = {"campaign_live": 15, "leads": 13}
        for _round in range(2):
            for name, count in counts.items():
                self.assertEqual(self.queries(name, self.campaign.pk), count, name)
            for _count in range(2):
                factories.make_lead(self.campaign)


class LeadTest(PageCase):
    def fragment(self, **query: Any) -> str:
        answer = self.browser.get(self.url("leads", self.campaign.pk), query, headers=PARTIAL)
        self.assertEqual(answer.status_code, 200)
        return answer.content.decode()

    def test_search_filter_and_pages(self) -> None:
        for number in range(60):
            factories.make_lead(
                self.campaign, phone_number=f"+4420794601{number:02d}", variables={"name": f"Person {number}"}
            )
        factories.make_lead(self.campaign, phone_number="+493023125001", status="failed", variables={"name": "Zoë"})
        page = self.fragment()
        self.assertIn("1–50 of 61", page)
        self.assertIn("page=2", page)
        self.assertIn("51–61 of 61", self.fragment(page="2"))
        self.assertIn("1–1 of 1", self.fragment(q="030 231 25001"))
        self.assertIn("1–1 of 1", self.fragment(q="zoë"))
        self.assertIn("1–1 of 1", self.fragment(status="failed"))
        self.assertIn("No lead matches", self.fragment(status="completed"))
        self.assertIn("1–1 of 1", self.detail(q="Zoë"))

    def test_one_reason_for_each_lead_that_waits(self) -> None:
        factories.make_lead(self.campaign)
        self.assertIn('data-status="not_started"', self.fragment())
        self.change(status="paused", paused_by="balance")
        self.assertIn('data-status="no_balance"', self.fragment())
        self.change(status="scheduled", paused_by="")
        with self.acting_for(self.client_org):
            Lead.objects.update(next_attempt_at=dt.datetime.now(dt.UTC) + dt.timedelta(days=9), attempts=1)
        page = self.fragment()
        self.assertIn('data-status="waiting_retry"', page)
        self.assertEqual(len(re.findall(r"data-status=", page)), 2)
        self.assertIn("1 / 3", page)

    def test_a_national_number_is_accepted(self) -> None:
        self.change(system_message_template="Hi {{name}}")
        add = self.url("lead_add", self.campaign.pk)
        answer = self.browser.post(add, {"country": "DE", "phone_number": "030 231 25001", "value-0": "Sam"})
        self.assertEqual(answer.status_code, 302)
        (lead,) = self.leads()
        self.assertEqual((lead.phone_number, lead.variables), ("+493023125001", {"name": "Sam"}))
        for data, words in (
            ({"phone_number": "030 231 25001", "value-0": "Sam"}, "in this campaign already"),
            ({"phone_number": "12", "value-0": "Sam"}, "too short"),
            ({"phone_number": "030 231 25002"}, "needs a value for “name”"),
        ):
            answer = self.browser.post(add, {"country": "DE"} | data)
            self.assertEqual(answer.status_code, 422)
            self.assertIn(words, html.unescape(answer.content.decode()))
            self.assertIn(data["phone_number"], answer.content.decode())
        self.assertEqual(len(self.leads()), 1)

    def test_remove_but_not_while_it_is_called(self) -> None:
        lead, busy = factories.make_lead(self.campaign), factories.make_lead(self.campaign, status="calling")
        for each in (lead, busy):
            self.browser.post(self.url("lead_remove", self.campaign.pk, each.pk))
        self.assertEqual([each.pk for each in self.leads()], [busy.pk])

    def test_results_as_a_file(self) -> None:
        factories.make_lead(self.campaign, phone_number="+442079460101", variables={"name": "=cmd()", "city": "Leeds"})
        answer = self.browser.get(self.url("campaign_results", self.campaign.pk))
        self.assertIn("attachment", answer["Content-Disposition"])
        header, row = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        self.assertEqual((header[0], header[-1]), ("Phone number", "city"))
        self.assertEqual((row[0], row[1], row[-1]), ("'+442079460101", "'=cmd()", "Leeds"))


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


class RoleTest(PageCase):
    def setUp(self) -> None:
        super().setUp()
        viewer = factories.make_user("Vic")
        factories.make_member(self.client_org, viewer, "viewer")
        self.viewer = self.as_(viewer)
        self.lead = factories.make_lead(self.campaign)
        self.acts = [
            ("campaign_create", ()), *((f"campaign_{name}", (self.campaign.pk,)) for name in ("edit", "start", "pause", "resume", "cancel", "delete")),
            ("lead_add", (self.campaign.pk,)), ("lead_import", (self.campaign.pk,)),
            ("lead_remove", (self.campaign.pk, self.lead.pk)),
        ]  # fmt: skip

    def test_a_viewer_reads_and_changes_nothing(self) -> None:
        page = self.page("campaign", self.campaign.pk, client=self.viewer)
        self.assertIn(self.campaign.name, page)
        for name, args in self.acts:
            self.assertNotIn(f'"{self.url(name, *args)}"', page, name)
            self.assertIn(self.viewer.post(self.url(name, *args), self.values()).status_code, (403, 302), name)
            self.assertEqual(self.viewer.post(self.url(name, *args), headers=PARTIAL).status_code, 403, name)
        self.assertEqual((self.stored().version, len(self.leads())), (1, 1))
        self.assertNotIn(self.url("campaign_create"), self.page("campaigns", client=self.viewer))
        self.page("campaign_results", self.campaign.pk, client=self.viewer)

    def test_people_of_the_agency_may_act(self) -> None:
        ben = self.as_(self.ben)
        self.assertEqual(ben.post(self.url("campaign_start", self.campaign.pk)).status_code, 302)
        self.assertEqual(self.stored().status, "scheduled")

    def test_a_stranger_finds_nothing(self) -> None:
        dov = self.as_(self.dov)
        own = reverse("campaign", args=[self.stranger.slug, self.campaign.pk])
        self.assertEqual(dov.get(own).status_code, 404)
        for name, args in [
            *self.acts,
            ("campaign", (self.campaign.pk,)),
            ("campaigns", ()),
            ("leads", (self.campaign.pk,)),
        ]:
            self.assertEqual(dov.get(self.url(name, *args)).status_code, 404, name)
            self.assertEqual(dov.post(self.url(name, *args)).status_code, 404, name)

    def test_an_upload_belongs_to_its_campaign(self) -> None:
        second = self.make()
        with self.acting_for(self.client_org):
            upload = Upload.objects.create(
                organization=self.client_org, campaign=second, filename="x.csv", content=SAMPLE
            )
        for name in ("lead_import_map", "lead_import_done", "lead_bad_rows"):
            self.assertEqual(self.browser.get(self.url(name, self.campaign.pk, upload.pk)).status_code, 404)
