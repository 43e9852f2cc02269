"""The page of one campaign: what it shows, what can be done there, and its leads."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import re
from typing import Any

from django.utils import timezone

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.pages import window_words
from apps.campaigns.pages_notices import opening_words
from apps.voice.models import Connection
from tests import factories
from tests.campaigns.page_case import PARTIAL, PageCase


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
        counts = {"campaign_live": 16, "leads": 14}
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
