"""Why a lead is not being called, and how far a campaign is."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.campaigns.selectors import (
    campaign_state,
    campaigns_of_assistant,
    campaigns_with_progress,
    progress,
    reason_of,
)
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
            ("minutes_used_up", NOON, {}, paused | {"paused_by": "minutes"}),
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
