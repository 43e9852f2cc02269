"""What an ended call means for its lead: the table of features 14, row by row."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.campaigns.dialler.settle import settle_attempts
from apps.campaigns.models import Lead
from tests import factories
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


class VoicemailTest(OutcomeCase):
    VOICEMAIL = TALK | {"status": "ended", "end_reason": "voicemail"}

    def two(self, counts: str, message: str | None = "Please call back.") -> tuple[Lead, Lead]:
        """Two leads: the first met a voicemail, the second was busy; both are called again an hour later."""
        campaign = running_campaign(self.client_org, 2, voicemail_counts=counts)
        with wide(self.client_org):
            campaign.assistant.change(NOON, voicemail_message=message)
        tick(campaign)
        first, second = calls_of(campaign)
        end_call(first, **self.VOICEMAIL)
        end_call(second, **failed("busy"))
        tick(campaign, NOON + MINUTE / 60)
        tick(campaign, NOON + 61 * MINUTE)
        self.campaign = campaign
        one, other = leads_of(campaign)
        return one, other

    def test_a_message_is_left_once_and_for_nobody_else_withheld(self) -> None:
        met, busy = self.two("never")
        self.assertEqual((met.voicemail_left_at, busy.voicemail_left_at), (NOON, None))
        self.assertEqual((met.status, busy.status), ("calling", "calling"))
        again = {call.other_number: call.config["voicemail_message"] for call in calls_of(self.campaign)[2:]}
        self.assertEqual(again, {met.phone_number: None, busy.phone_number: "Please call back."})
        variables = {call.other_number: call.config["variables"] for call in calls_of(self.campaign)[2:]}
        self.assertEqual(variables[met.phone_number], met.variables)

    def test_it_may_count_always_without_a_message_too(self) -> None:
        met, _busy = self.two("always", None)
        self.assertEqual((met.status, met.result, met.voicemail_left_at), ("completed", "voicemail", None))

    def test_what_was_left_before_counts_when_the_campaign_changes_its_mind(self) -> None:
        met, _busy = self.two("never")
        with wide(self.client_org):
            self.campaign.change(NOON, voicemail_counts="message")
        (call,) = [call for call in calls_of(self.campaign)[2:] if call.other_number == met.phone_number]
        end_call(call, NOON + 62 * MINUTE, **self.VOICEMAIL)
        tick(self.campaign, NOON + 62 * MINUTE)
        lead = leads_of(self.campaign)[0]
        self.assertEqual((lead.status, lead.voicemail_left_at, lead.attempts), ("completed", NOON, 2))


class TermsCase(OutcomeCase):
    def run_once(self, call: dict[str, Any], at: dt.datetime = NOON, **campaign: Any) -> Lead:
        """To a lead in Amsterdam, where the campaign is."""
        self.campaign = running_campaign(self.client_org, 0, **campaign)
        factories.make_lead(self.campaign, timezone="Europe/Amsterdam")
        tick(self.campaign, at)
        return self.end_last(call, at)

    def end_last(self, call: dict[str, Any], at: dt.datetime) -> Lead:
        end_call(calls_of(self.campaign)[-1], at, **call)
        tick(self.campaign, at)
        return leads_of(self.campaign)[0]


class TermsTest(TermsCase):
    """A campaign's own rules, through the rows."""

    def test_each_outcome_waits_its_own_time_and_ends_after_its_own_attempts(self) -> None:
        rules = {"busy": {"attempts": 3, "delays": [5, 20]}, "no_answer": {"attempts": 1, "delays": [60]}}
        lead = self.run_once(failed("busy"), retry_rules=rules)
        self.assertEqual(lead.next_attempt_at, NOON + 5 * MINUTE)
        tick(self.campaign, at := NOON + 5 * MINUTE)
        lead = self.end_last(failed("busy"), at)
        self.assertEqual((lead.status, lead.next_attempt_at), ("pending", at + 20 * MINUTE))
        tick(self.campaign, at := at + 20 * MINUTE)
        self.assert_lead(self.end_last(failed("no_answer"), at), "failed", 3, "no_answer")
        self.assert_lead(self.run_once(failed("declined"), retry_rules=rules), "pending", 1, "declined", "")

    def test_a_short_talk_is_called_again_and_the_last_one_is_a_talk(self) -> None:
        rules = {"short_call": {"attempts": 2, "delays": [30], "seconds": 8}}
        short = TALK | {"status": "ended", "end_reason": "user_hangup", "duration_seconds": 7}
        self.assert_lead(self.run_once(short | {"duration_seconds": 8}, retry_rules=rules), "completed", 1, "user_hangup")
        self.assert_lead(self.run_once(short | {"opted_out_at": NOON}, retry_rules=rules), "completed", 1, "user_hangup")
        self.assert_lead(self.run_once(short), "completed", 1, "user_hangup")
        self.assert_lead(self.run_once(short, retry_rules=rules), "pending", 1, "user_hangup", "")
        tick(self.campaign, at := NOON + 30 * MINUTE)
        self.assert_lead(self.end_last(short, at), "completed", 2, "user_hangup")

    def test_no_more_than_so_many_a_day_by_the_lead_s_own_clock(self) -> None:
        late = NOON.replace(hour=22)  # 23:00 in Amsterdam, 17:00 in New York
        always = {"schedule_start_time": dt.time(0), "schedule_end_time": dt.time(23, 59, 59), "max_attempts_per_day": 2}
        for place, next_day in (("NL||Europe/Amsterdam", NOON.replace(hour=23)), ("US|NY|America/New_York", None)):
            self.campaign = running_campaign(self.client_org, 1, retry_delay_minutes=20, **always)
            with wide(self.client_org):
                leads_of(self.campaign)[0].change(NOON, place=place)
            tick(self.campaign, late)
            lead = self.end_last(failed("busy"), late)
            self.assertEqual((lead.next_attempt_at, lead.reason), (late + 20 * MINUTE, ""))
            tick(self.campaign, again := late + 20 * MINUTE)
            lead = self.end_last(failed("busy"), again)
            expected = (next_day, "day_limit") if next_day else (dt.datetime(2026, 11, 19, 5, tzinfo=dt.UTC), "day_limit")
            self.assertEqual((lead.next_attempt_at, lead.reason), expected)

    def test_the_next_attempt_comes_in_another_part_of_the_day(self) -> None:
        morning = NOON - 2 * 60 * MINUTE
        lead = self.run_once(failed("busy"), morning, spreads_day_parts=True, retry_delay_minutes=5)
        self.assertEqual(lead.next_attempt_at, NOON)  # 12:00: the afternoon begins
        tick(self.campaign, NOON)
        lead = self.end_last(failed("busy"), NOON)
        self.assertEqual(lead.next_attempt_at, morning.replace(hour=8) + dt.timedelta(days=1))  # no evening: until 17:00

    def test_attempts_are_settled_in_two_statements(self) -> None:
        campaign = running_campaign(self.client_org, 3, spreads_day_parts=True, max_attempts_per_day=1)
        tick(campaign)
        for call in calls_of(campaign):
            end_call(call, **failed("busy"))
        with wide(self.client_org), CaptureQueriesContext(connection) as captured:
            settle_attempts(campaign, now=NOON)
        written = [query["sql"] for query in captured if query["sql"].lstrip().startswith("UPDATE")]
        self.assertEqual(len(written), 2)


class CallBackTest(TermsCase):
    WANTED = NOON + 3 * 60 * MINUTE
    TALKED = TALK | {"status": "ended", "end_reason": "user_hangup"}

    def test_who_asks_is_called_at_that_time(self) -> None:
        lead = self.run_once(self.TALKED | {"callback_at": self.WANTED})
        self.assert_lead(lead, "pending", 1, "user_hangup", "call_back")
        self.assertEqual(lead.next_attempt_at, self.WANTED)
        self.assertEqual(tick(self.campaign, self.WANTED - MINUTE), 0)
        self.assertEqual(tick(self.campaign, self.WANTED), 1)

    def test_a_time_outside_the_hours_waits_for_them(self) -> None:
        lead = self.run_once(self.TALKED | {"callback_at": NOON.replace(hour=20)})
        self.assertEqual(lead.next_attempt_at, NOON.replace(hour=8) + dt.timedelta(days=1))

    def test_there_is_one_attempt_more_than_the_limit_and_not_a_second(self) -> None:
        lead = self.run_once(self.TALKED | {"callback_at": self.WANTED}, max_attempts=1)
        self.assertEqual((lead.status, lead.attempts), ("pending", 1))
        tick(self.campaign, self.WANTED)
        lead = self.end_last(self.TALKED | {"callback_at": self.WANTED + 60 * MINUTE}, self.WANTED)
        self.assert_lead(lead, "completed", 2, "user_hangup")

    def test_the_extra_attempt_that_reaches_nobody_is_the_last(self) -> None:
        self.run_once(self.TALKED | {"callback_at": self.WANTED}, max_attempts=1)
        tick(self.campaign, self.WANTED)
        self.assert_lead(self.end_last(failed("busy"), self.WANTED), "failed", 2, "busy")

    def test_whoever_opted_out_is_not_called_back(self) -> None:
        lead = self.run_once(self.TALKED | {"callback_at": self.WANTED, "opted_out_at": NOON})
        self.assert_lead(lead, "completed", 1, "user_hangup")

    def test_a_time_in_the_past_or_far_away_is_no_request(self) -> None:
        for days in (-1, 61):
            lead = self.run_once(self.TALKED | {"callback_at": NOON + dt.timedelta(days=days)})
            self.assert_lead(lead, "completed", 1, "user_hangup")

    def analysed(self, **call: Any) -> Lead:
        """A lead whose call is analysed for the field, right after it ended."""
        plan = {"structured_data_plan": {"enabled": True, "schema": {"properties": {"callback_at": {"type": "string"}}}}}
        self.campaign = running_campaign(self.client_org, 0)
        factories.make_lead(self.campaign, timezone="Europe/Amsterdam")
        with wide(self.client_org):
            self.campaign.assistant.change(NOON, analysis_plan=plan)
        tick(self.campaign)
        return self.end_last(self.TALKED | call, NOON)

    def test_a_field_of_the_analysis_is_waited_for_and_read_by_the_lead_s_clock(self) -> None:
        lead = self.analysed()
        self.assertEqual(lead.status, "calling")
        lead = self.end_last(self.TALKED | {"analysis_result": {"callback_at": "2026-11-18T16:30"}}, NOON)
        self.assert_lead(lead, "pending", 1, "user_hangup", "call_back")
        self.assertEqual(lead.next_attempt_at, NOON.replace(hour=15, minute=30))

    def test_an_analysis_that_never_comes_holds_up_nobody(self) -> None:
        self.analysed()
        tick(self.campaign, NOON + 2 * MINUTE)
        self.assert_lead(leads_of(self.campaign)[0], "completed", 1, "user_hangup")
        self.assert_lead(self.analysed(analysis_problem="none"), "completed", 1, "user_hangup")
        self.assert_lead(self.analysed(is_private=True), "completed", 1, "user_hangup")

    def test_an_analysis_that_names_no_time_settles_at_once(self) -> None:
        self.assert_lead(self.analysed(analysis_result={"callback_at": None}), "completed", 1, "user_hangup")
