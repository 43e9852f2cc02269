"""What the page of a campaign shows while it runs: why nothing is dialled, figures, the chart; and the list of campaigns."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from typing import Any
from zoneinfo import ZoneInfo

from apps.calls.models import Call
from apps.campaigns.activity import activity_of, figures_of
from apps.campaigns.models import Campaign
from apps.core import db
from apps.organizations.models import AuditEntry
from apps.voice.models import Connection
from tests import factories
from tests.campaigns.page_case import PARTIAL, PageCase
from tests.campaigns.test_views_leads import RunningCase

MADRID = ZoneInfo("Europe/Madrid")


class NoticeTest(RunningCase):
    def live(self) -> str:
        return html.unescape(self.page("campaign_live", self.campaign.pk))

    def test_it_runs_and_nothing_is_said(self) -> None:
        self.lead()
        self.assertNotIn('class="note', self.live())

    def test_every_pause_says_why_and_what_to_do(self) -> None:
        self.lead()
        edit = self.url("campaign_edit", self.campaign.pk)
        for paused_by, words, link in (
            ("balance", "goes on by itself", self.url("usage")), ("suspended", "goes on by itself", ""),
            ("minutes", "goes on by itself next month", self.url("usage")),
            ("assistant_deleted", "Choose another assistant", edit),
            ("assistant_inactive", "Switch it on again", self.url("assistant", self.assistant.pk)),
            ("number_unavailable", "no number to call from", self.url("numbers")),
            ("budget", "Raise the budget", edit), ("spend", "limit against fraud", self.url("usage")),
            ("person", "until somebody resumes it", ""),
        ):  # fmt: skip
            self.change(status="paused", paused_by=paused_by)
            page = self.live()
            self.assertIn(words, page, paused_by)
            if link:
                self.assertIn(f'href="{link}"', page, paused_by)

    def test_the_calls_that_tripped_the_breaker_are_listed(self) -> None:
        self.lead()
        call = factories.make_call(self.client_org, origin=self.campaign.origin, direction="outbound")
        self.change(status="paused", paused_by="breaker", tripped=[call.public_id])
        page = self.live()
        self.assertIn("Too many calls failed", page)
        self.assertIn(f'href="{self.url("call", call.public_id)}"', page)

    def test_whoever_paused_it_is_named(self) -> None:
        self.lead()
        self.browser.post(self.url("campaign_pause", self.campaign.pk))
        with self.acting_for(self.client_org):
            actor = AuditEntry.objects.get(action="campaign.pause").actor
        self.assertIn(f"Paused by {actor}", self.live())

    def test_closed_hours_say_when_they_open(self) -> None:
        self.lead()
        self.change(schedule_days=[(db.now().isoweekday() + 2) % 7 + 1], uses_lead_zone=False)
        page = self.live()
        self.assertIn("Outside the calling hours", page)
        self.assertRegex(page, r"next calls start on \w+day \d+ \w+ 00:00 \(Europe/Amsterdam\)")

    def test_an_engine_that_is_away_since(self) -> None:
        self.lead()
        with self.acting_for(self.client_org):
            Connection.objects.update(failing_since=db.now())
        self.assertIn("No attempt is counted", self.live())


class ActivityTest(RunningCase):
    def call(self, at: dt.datetime, **fields: Any) -> Call:
        values = {"origin": self.campaign.origin, "direction": "outbound", "dial": "accepted", "created_at": at}
        return factories.make_call(self.client_org, **values | fields)

    def bars(self, now: dt.datetime) -> tuple[str, list[tuple[str, int, int]]]:
        with self.acting_for(self.client_org):
            campaign = Campaign.objects.get(pk=self.campaign.pk)
            found = activity_of(campaign, MADRID, now)
        return found.width, [(f"{bar.start.astimezone(MADRID):%d %H:%M}", bar.started, bar.answered) for bar in found.bars]

    def test_five_minutes_then_hours_then_days(self) -> None:
        start = dt.datetime(2026, 3, 28, 11, 2, tzinfo=dt.UTC)  # the day before the clocks change
        self.change(started_at=start)
        self.call(start)
        self.call(start + dt.timedelta(minutes=2, seconds=59), started_at=None)
        self.call(start + dt.timedelta(minutes=3))
        self.call(start + dt.timedelta(minutes=4), dial="refused")
        self.call(start, origin=f"test:{self.campaign.pk}")
        self.call(start, origin="campaign:another")
        width, bars = self.bars(start + dt.timedelta(minutes=14))
        self.assertEqual((width, bars), ("minutes", [("28 12:00", 2, 1), ("28 12:05", 1, 1), ("28 12:10", 0, 0), ("28 12:15", 0, 0)]))
        width, bars = self.bars(start + dt.timedelta(hours=7))
        self.assertEqual((width, bars[0], len(bars)), ("hour", ("28 12:00", 3, 2), 8))
        self.call(start + dt.timedelta(days=1))
        width, bars = self.bars(start + dt.timedelta(days=5))
        self.assertEqual((width, bars[:3]), ("day", [("28 00:00", 3, 2), ("29 00:00", 1, 1), ("30 00:00", 0, 0)]))
        self.assertEqual(len(bars), 6)

    def test_the_chart_and_the_table_say_the_same(self) -> None:
        self.change(started_at=db.now())
        self.call(db.now())
        page = self.browser.get(self.url("campaign_activity", self.campaign.pk), headers=PARTIAL).content.decode()
        data = json.loads(re.search(r'<script id="activity-data"[^>]*>(.*?)</script>', page)[1])  # type: ignore[index]
        self.assertEqual([sum(series["data"]) for series in data["series"]], [1, 1])
        self.assertEqual(page.count('<th scope="row"'), 1)
        self.assertIn('hx-trigger="every 10s"', page)
        self.change(status="completed")
        page = self.browser.get(self.url("campaign_activity", self.campaign.pk), headers=PARTIAL).content.decode()
        self.assertNotIn("hx-trigger", page)

    def test_figures(self) -> None:
        now = db.now()
        self.call(now, cost=1_500_000, is_charged=True)
        self.call(now - dt.timedelta(minutes=4), cost=500_000, is_charged=True)
        self.call(now - dt.timedelta(minutes=6), cost=7_000_000, is_charged=False)
        with self.acting_for(self.client_org):
            found = figures_of(Campaign.objects.get(pk=self.campaign.pk), now)
        self.assertEqual((found.running, found.per_minute, found.spent), (0, 0.4, 2_000_000))


class ListPageTest(PageCase):
    def test_pages_and_the_filter(self) -> None:
        for number in range(26):
            self.make(name=f"Campaign {number:02d}", status="completed")
        page = self.page("campaigns")
        self.assertIn("1–25 of 27", page)
        self.assertIn("Campaign 25", page)
        self.assertNotIn("Spring recall", page)
        self.assertIn("Spring recall", self.page("campaigns", page="2"))
        page = self.page("campaigns", status="draft")
        self.assertIn("1–1 of 1", page)
        self.assertIn("Spring recall", page)
        self.assertIn("No campaign with this status", self.page("campaigns", status="cancelled"))

    def test_what_each_waits_for(self) -> None:
        factories.make_lead(self.campaign)
        self.change(status="scheduled", sleeps_until=db.now() + dt.timedelta(seconds=10))
        self.assertIn("waits for the calling hours", self.page("campaigns"))
        self.change(sleeps_until=None, waits_for_engine_since=db.now())
        self.assertIn("waits until calls are possible", self.page("campaigns"))
        self.change(status="paused", paused_by="breaker")
        self.assertIn("too many calls failed", self.page("campaigns"))
