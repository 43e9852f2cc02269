"""Why a lead is not being called, how far a campaign is, and its results as a file."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.results import from_file, results_filename, write_results
from apps.campaigns.selectors import (
    campaign_state,
    campaigns_of_assistant,
    campaigns_with_progress,
    progress,
    reason_of,
)
from apps.core.spreadsheet import read_table
from tests import factories
from tests.campaigns.support import NOON, make_line, running_campaign, sandbox
from tests.cases import TenantCase

NIGHT = NOON.replace(hour=22)
HOUR = dt.timedelta(hours=1)


class ReasonTest(TenantCase):
    def setUp(self) -> None:
        self.connection = sandbox()
        make_line(self.client_org)
        self.enterContext(self.acting_for(self.client_org))

    def reason(self, now: dt.datetime = NOON, lead: dict[str, Any] | None = None, **campaign: Any) -> str | None:
        row = running_campaign(self.client_org, 0, **campaign)
        return reason_of(factories.make_lead(row, **(lead or {})), campaign_state(row, now))

    def test_exactly_one_for_each_case(self) -> None:
        paused: dict[str, Any] = {"status": "paused"}
        for expected, now, lead, campaign in (
            ("waiting_slot", NOON, {}, {}),
            ("waiting_window", NIGHT, {}, {}),
            ("waiting_window", NIGHT, {"next_attempt_at": NIGHT + HOUR}, {}),
            ("waiting_retry", NOON, {"next_attempt_at": NOON + HOUR}, {}),
            ("waiting_retry", NIGHT, {"next_attempt_at": NIGHT + 15 * HOUR}, {}),
            ("paused", NOON, {}, {"status": "draft"}),
            ("paused", NIGHT, {"next_attempt_at": NOON + HOUR}, paused | {"paused_by": "person"}),
            ("paused", NOON, {}, paused | {"paused_by": "suspended"}),
            ("paused", NOON, {}, paused | {"paused_by": "assistant_deleted"}),
            ("no_balance", NOON, {}, paused | {"paused_by": "balance"}),
            ("number_unavailable", NOON, {}, paused | {"paused_by": "number_unavailable"}),
            ("engine_unavailable", NOON, {}, {"waits_for_engine_since": NOON}),
            (None, NOON, {"status": "calling"}, {}),
            ("finished", NOON, {"status": "completed", "reason": "finished"}, {}),
            ("in_doubt", NOON, {"status": "failed", "reason": "in_doubt"}, {}),
            ("do_not_call", NOON, {"status": "skipped", "reason": "do_not_call"}, {"status": "completed"}),
        ):
            self.assertEqual(self.reason(now, lead, **campaign), expected, (lead, campaign))

    def test_an_engine_that_just_went_down_is_named_before_the_tick_sees_it(self) -> None:
        self.connection.change(NOON, failing_since=NOON)
        self.assertEqual(self.reason(), "engine_unavailable")


class ProgressTest(TenantCase):
    def setUp(self) -> None:
        self.enterContext(self.acting_for(self.client_org))

    def test_leads_by_status_and_result(self) -> None:
        campaign = factories.make_campaign(self.client_org)
        for status, result in (("completed", "user_hangup"), ("failed", "busy"), ("pending", "busy"), ("calling", "busy"), ("pending", "")):
            factories.make_lead(campaign, status=status, result=result)
        with self.assertNumQueries(1):
            found = progress(campaign)
        self.assertEqual((found.total, found.done, found.percent), (5, 2, 40))
        self.assertEqual(dict(found.results), {"user_hangup": 1, "busy": 2})

    def test_all_campaigns_in_two_queries(self) -> None:
        for count in (1, 3):
            factories.make_lead(factories.make_campaign(self.client_org))
            factories.make_campaign(self.client_org, deleted_at=NOON)
            with self.assertNumQueries(2):
                found = campaigns_with_progress(self.client_org)
            self.assertEqual([counts.total for _campaign, counts in found], [1] * len(found))
            self.assertGreaterEqual(len(found), count - 1)

    def test_campaigns_that_losing_an_assistant_would_stop(self) -> None:
        assistant = factories.make_assistant(self.client_org)
        running = factories.make_campaign(self.client_org, assistant=assistant, status="scheduled")
        factories.make_campaign(self.client_org, assistant=assistant, status="completed")
        self.assertEqual(campaigns_of_assistant(assistant), [running])


class ResultsTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        self.enterContext(self.acting_for(self.client_org))
        self.campaign = running_campaign(self.client_org, 0, name="Spring = recall")

    def table(self, campaign: Campaign | None = None) -> tuple[list[str], list[list[str]]]:
        table = read_table(b"".join(write_results(campaign or self.campaign, NOON)))
        return table.header, [row.cells for row in table.rows]

    def test_a_row_per_lead_with_its_last_call(self) -> None:
        call = factories.make_call(self.client_org, summary="Wants Tuesday.", duration_seconds=84)
        variables = {"name": "Sam", "company": "=HYPERLINK(1)", "city": "Zoë"}
        factories.make_lead(
            self.campaign, phone_number="+31600000001", status="completed", reason="finished", result="user_hangup",
            attempts=2, last_attempt_at=NOON, last_call_id=call.public_id, variables=variables,
        )  # fmt: skip
        factories.make_lead(self.campaign, phone_number="+31600000002", next_attempt_at=NOON + HOUR, variables={})
        header, rows = self.table()
        self.assertEqual(header[-2:], ["city", "company"])
        self.assertEqual(rows[0][:6], ["+31600000001", "Sam", "Completed", "Finished", "Caller hung up", "2"])
        self.assertEqual(rows[0][6], "2026-11-18 12:00:00")
        self.assertEqual(rows[0][8:], ["84", "Wants Tuesday.", call.public_id, "Zoë", "=HYPERLINK(1)"])
        self.assertEqual(rows[1][2:8], ["Pending", "Waiting to retry", "", "0", "", "2026-11-18 13:00:00"])

    def test_no_cell_is_run_as_a_formula(self) -> None:
        factories.make_lead(self.campaign, phone_number="+31600000001", variables={"company": "=HYPERLINK(1)"})
        raw = b"".join(write_results(self.campaign, NOON)).decode("utf-8-sig")
        self.assertIn("'=HYPERLINK(1)", raw)
        self.assertIn("'+31600000001", raw)

    def test_queries_do_not_grow_with_leads(self) -> None:
        for _round in range(2):
            factories.make_lead(self.campaign, last_call_id=factories.make_call(self.client_org).public_id)
            with self.assertNumQueries(4):
                self.table()

    def test_what_is_long_leaves_as_a_stream(self) -> None:
        self.assertEqual(results_filename(self.campaign), "spring-recall-results.csv")
        short = from_file([b"a,b\n"], content_type="text/csv", filename="x.csv")
        self.assertEqual((short.content, short["Content-Disposition"]), (b"a,b\n", 'attachment; filename="x.csv"'))
        long = from_file((b"x" * 1000 for _number in range(2000)), content_type="text/csv", filename="x.csv")
        self.assertEqual((long.streaming, len(b"".join(long))), (True, 2_000_000))
        long.close()

    def test_only_this_campaign_s_leads(self) -> None:
        factories.make_lead(factories.make_campaign(self.client_org))
        self.assertEqual(self.table()[1], [])
        self.assertEqual(Lead.objects.count(), 1)
