"""What an ended call means for its lead: the table of features 14, row by row."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.campaigns.models import Lead
from tests.campaigns.support import (
    NOON,
    attempts_of,
    calls_of,
    end_call,
    failed,
    leads_of,
    make_line,
    refused,
    running_campaign,
    sandbox,
    tick,
    wide,
)
from tests.cases import TenantCase

MINUTE = dt.timedelta(minutes=1)
TALK: dict[str, Any] = {"started_at": NOON, "report_at": NOON}


class OutcomeCase(TenantCase):
    def setUp(self) -> None:
        sandbox()
        make_line(self.client_org)

    def settle(self, call: dict[str, Any], *, max_attempts: int = 3, then: str = "", **assistant: Any) -> Lead:
        """A lead whose only call came to this end."""
        self.campaign = running_campaign(self.client_org, 2, max_attempts=max_attempts, max_concurrent_calls=1)
        if assistant:
            with wide(self.client_org):
                self.campaign.assistant.change(NOON, **assistant)
        tick(self.campaign)
        (self.call,) = calls_of(self.campaign)
        if then:
            with wide(self.client_org):
                self.campaign.change(NOON, status=then)
        end_call(self.call, **call)
        tick(self.campaign, NOON + MINUTE / 60)
        return leads_of(self.campaign)[0]

    def assert_lead(self, lead: Lead, status: str, attempts: int, result: str, reason: str = "finished") -> None:
        self.assertEqual((lead.status, lead.attempts, lead.result, lead.reason), (status, attempts, result, reason))


class OutcomeTest(OutcomeCase):
    def test_a_talk_completes_the_lead(self) -> None:
        for end in (
            {"status": "ended", "end_reason": "user_hangup"}, {"status": "transferred", "end_reason": "transferred"},
            {"status": "ended-with-error", "end_reason": "error"},
            {"status": "insufficient-credits", "end_reason": "insufficient_credits"},
        ):  # fmt: skip
            self.assert_lead(self.settle(end | TALK), "completed", 1, end["end_reason"])

    def test_a_voicemail_counts_as_reached_when_a_message_was_left(self) -> None:
        voicemail = TALK | {"status": "ended", "end_reason": "voicemail"}
        self.assert_lead(self.settle(voicemail, voicemail_message="Please call back."), "completed", 1, "voicemail")
        self.assert_lead(self.settle(voicemail), "pending", 1, "voicemail", "")

    def test_nobody_reached_is_tried_again_after_the_delay(self) -> None:
        for reason in ("no_answer", "busy", "declined", "error"):
            lead = self.settle(failed(reason))
            self.assert_lead(lead, "pending", 1, reason, "")
            self.assertEqual(lead.next_attempt_at, NOON + 60 * MINUTE)

    def test_the_last_attempt_fails_the_lead(self) -> None:
        self.assert_lead(self.settle(failed("busy"), max_attempts=1), "failed", 1, "busy")

    def test_an_invalid_number_fails_at_once(self) -> None:
        self.assert_lead(self.settle(failed("invalid_number")), "failed", 1, "invalid_number")

    def test_an_engine_that_refuses_the_request_counts(self) -> None:
        self.assert_lead(self.settle(refused("invalid")), "pending", 1, "error", "")

    def test_what_certainly_did_not_ring_does_not_count(self) -> None:
        for refusal in ("unavailable", "too_late", "suspended"):
            lead = self.settle(refused(refusal))
            self.assertEqual((lead.status, lead.attempts), ("calling", 0))
            self.assertEqual([attempt.number for attempt in attempts_of(lead)], [1, 2])

    def test_a_refusing_engine_is_asked_with_doubling_pauses(self) -> None:
        campaign = running_campaign(self.client_org, 1)
        tick(campaign)
        now, waits = NOON, []
        for _round in range(4):
            end_call(calls_of(campaign)[-1], now, **refused("unavailable"))
            tick(campaign, now)
            (lead,) = leads_of(campaign)
            due = lead.next_attempt_at or now
            waits.append((due - now).total_seconds())
            tick(campaign, now := due)
        self.assertEqual((waits, lead.attempts), ([0, 4, 8, 16], 0))

    def test_a_number_that_came_on_the_list_before_it_rang_is_skipped(self) -> None:
        self.assert_lead(self.settle(refused("do_not_call")), "skipped", 0, "do_not_call", "do_not_call")

    def test_after_a_cancellation_nobody_is_tried_again(self) -> None:
        self.assert_lead(self.settle(failed("busy"), then="cancelled"), "skipped", 1, "busy")
        self.assert_lead(self.settle({"status": "ended", "end_reason": "user_hangup"} | TALK, then="cancelled"), "completed", 1, "user_hangup")

    def test_an_end_without_a_talk_waits_for_the_report(self) -> None:
        lead = self.settle({"status": "ended", "end_reason": "user_hangup"})
        self.assertEqual(lead.status, "calling")
        end_call(self.call, status="ended", end_reason="user_hangup", **TALK)
        tick(self.campaign, NOON + MINUTE / 30)
        self.assert_lead(leads_of(self.campaign)[0], "completed", 1, "user_hangup")
        lead = self.settle({"status": "ended", "end_reason": "no_answer"})
        tick(self.campaign, NOON + MINUTE)
        self.assert_lead(leads_of(self.campaign)[0], "pending", 1, "no_answer", "")

    def test_an_erased_call_settles_its_lead(self) -> None:
        campaign = running_campaign(self.client_org, 1)
        tick(campaign)
        with wide(self.client_org):
            calls_of(campaign)[0].delete()
        tick(campaign)
        self.assert_lead(leads_of(campaign)[0], "failed", 1, "erased")


class DoubtTest(OutcomeCase):
    DOUBT = failed("in_doubt") | {"dial": "in_doubt"}

    def late(self, **call: Any) -> Lead:
        end_call(self.call, **call)
        tick(self.campaign, NOON + 2 * MINUTE)
        return leads_of(self.campaign)[0]

    def test_a_call_in_doubt_fails_its_lead_and_is_listed(self) -> None:
        self.assert_lead(self.settle(self.DOUBT), "failed", 1, "in_doubt", "in_doubt")

    def test_a_late_event_tells_that_somebody_talked(self) -> None:
        self.settle(self.DOUBT)
        self.assert_lead(self.late(status="ended", end_reason="user_hangup", **TALK), "completed", 1, "user_hangup")

    def test_a_late_busy_is_tried_again(self) -> None:
        self.settle(self.DOUBT)
        self.assert_lead(self.late(**failed("busy")), "pending", 1, "busy", "")

    def test_while_the_late_call_runs_nothing_changes(self) -> None:
        self.settle(self.DOUBT)
        lead = self.late(status="in-progress", end_reason=None, started_at=NOON, ended_at=None, settled_at=None)
        self.assert_lead(lead, "failed", 1, "in_doubt", "in_doubt")

    def test_a_completed_campaign_does_not_reopen(self) -> None:
        self.settle(self.DOUBT, then="completed")
        self.assert_lead(self.late(**failed("busy")), "failed", 1, "busy")
        self.settle(self.DOUBT, then="completed")
        self.assert_lead(self.late(status="ended", end_reason="user_hangup", **TALK), "completed", 1, "user_hangup")

    def test_the_truth_is_told_once(self) -> None:
        self.settle(self.DOUBT)
        self.late(**failed("busy"))
        tick(self.campaign, NOON + 3 * MINUTE)
        self.assertEqual(leads_of(self.campaign)[0].attempts, 1)
