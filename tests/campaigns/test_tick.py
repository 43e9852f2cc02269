"""Who is called next: order, limits, hours, money, refusals, and what stops a campaign."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.test import override_settings

from apps.billing.models import Hold
from apps.calls.models import Call
from apps.campaigns.dialler.tick import resume_campaign
from apps.campaigns.models import Campaign
from apps.campaigns.selectors import campaign_state, reason_of, to_tick
from apps.core.scope import acting
from apps.mail.models import Message
from apps.organizations.models import Limits, Notification
from apps.organizations.scopes import overview
from tests import factories
from tests.campaigns.support import (
    NOON,
    attempts_of,
    calls_of,
    end_call,
    failed,
    leads_of,
    make_line,
    running_campaign,
    sandbox,
    set_limits,
    tick,
    wide,
)
from tests.cases import TenantCase

SECOND = dt.timedelta(seconds=1)
NIGHT = NOON.replace(hour=22)


def statuses(campaign: Campaign) -> list[str]:
    return [lead.status for lead in leads_of(campaign)]


class TickCase(TenantCase):
    def setUp(self) -> None:
        self.connection = sandbox()
        self.line = make_line(self.client_org)

    def reason(self, campaign: Campaign, place: int = 0, now: dt.datetime = NOON) -> str | None:
        lead = leads_of(campaign)[place]
        with wide(self.client_org):
            return reason_of(lead, campaign_state(campaign, now))


class ClaimTest(TickCase):
    def test_each_lead_becomes_one_call_under_its_own_key(self) -> None:
        campaign = running_campaign(self.client_org, 2, system_message_template="You call {{name}}.")
        self.assertEqual(tick(campaign), 2)
        leads, calls = leads_of(campaign), calls_of(campaign)
        self.assertEqual([call.key for call in calls], [f"lead:{lead.pk}:1" for lead in leads])
        self.assertEqual([call.other_number for call in calls], [lead.phone_number for lead in leads])
        first = calls[0]
        self.assertEqual((first.dial, first.own_number), ("reserved", self.line.phone_number))
        self.assertEqual(first.metadata, {"campaign_id": str(campaign.pk), "lead_id": str(leads[0].pk)})
        self.assertEqual(first.config["system_message"], "You call {{name}}.")
        self.assertEqual(first.config["variables"], {"name": "Sam"})
        self.assertEqual(first.wanted_until, dt.datetime(2026, 11, 18, 16, 0, tzinfo=dt.UTC))
        self.assertEqual({lead.status for lead in leads}, {"calling"})
        self.assertEqual((leads[0].last_call_id, leads[0].last_attempt_at), (first.public_id, NOON))
        self.assertEqual([attempt.number for attempt in attempts_of(leads[0])], [1])

    def test_a_second_tick_starts_nothing_twice(self) -> None:
        campaign = running_campaign(self.client_org, 2)
        self.assertEqual([tick(campaign), tick(campaign, NOON + SECOND)], [2, 0])

    def test_oldest_first_and_never_more_than_at_once(self) -> None:
        campaign = running_campaign(self.client_org, 4, max_concurrent_calls=2)
        tick(campaign)
        self.assertEqual(statuses(campaign), ["calling", "calling", "pending", "pending"])
        self.assertEqual(self.reason(campaign, 2), "waiting_slot")
        end_call(calls_of(campaign)[0])
        tick(campaign, NOON + SECOND)
        self.assertEqual(statuses(campaign), ["completed", "calling", "calling", "pending"])

    def test_retries_go_after_fresh_leads(self) -> None:
        campaign = running_campaign(self.client_org, 3, max_concurrent_calls=1, retry_delay_minutes=5)
        tick(campaign)
        end_call(calls_of(campaign)[0], **failed("busy"))
        for minute in (10, 20):
            tick(campaign, NOON + dt.timedelta(minutes=minute))
            end_call(calls_of(campaign)[-1], NOON + dt.timedelta(minutes=minute))
        tick(campaign, NOON + dt.timedelta(minutes=30))
        order = [call.key.split(":")[1] for call in calls_of(campaign)]
        leads = [str(lead.pk) for lead in leads_of(campaign)]
        self.assertEqual(order, [*leads, leads[0]])

    def test_a_retry_waits_and_says_so(self) -> None:
        campaign = running_campaign(self.client_org, 1, retry_delay_minutes=30)
        tick(campaign)
        end_call(calls_of(campaign)[0], **failed("no_answer"))
        self.assertEqual(tick(campaign, NOON + dt.timedelta(minutes=29)), 0)
        self.assertEqual(self.reason(campaign), "waiting_retry")
        self.assertEqual(tick(campaign, NOON + dt.timedelta(minutes=30)), 1)
        self.assertEqual(calls_of(campaign)[-1].key, f"lead:{leads_of(campaign)[0].pk}:2")

    @override_settings(CAMPAIGN_MINUTE_SECONDS=0.1)
    def test_the_minute_of_a_retry_is_a_setting(self) -> None:
        campaign = running_campaign(self.client_org, 1, retry_delay_minutes=30)
        tick(campaign)
        end_call(calls_of(campaign)[0], **failed("no_answer"))
        tick(campaign, NOON)
        self.assertEqual(leads_of(campaign)[0].next_attempt_at, NOON + dt.timedelta(seconds=3))

    def test_numbers_on_the_list_are_skipped_and_others_take_their_place(self) -> None:
        campaign = running_campaign(self.client_org, 4, max_concurrent_calls=2)
        with wide(self.client_org):
            for lead in leads_of(campaign)[:2]:
                factories.make_refusal(self.client_org, lead.phone_number)
        self.assertEqual(tick(campaign), 2)
        self.assertEqual(statuses(campaign), ["skipped", "skipped", "calling", "calling"])
        self.assertEqual(self.reason(campaign), "do_not_call")
        self.assertEqual(len(calls_of(campaign)), 2)

    def test_a_claim_costs_the_same_for_five_and_fifty(self) -> None:
        costs = []
        for count in (5, 50):
            campaign = running_campaign(self.client_org, count, max_concurrent_calls=count)
            with self.assertNumQueries(20):
                costs.append(tick(campaign))
        self.assertEqual(costs, [5, 50])


class HoursTest(TickCase):
    def test_nothing_starts_outside_the_window(self) -> None:
        campaign = running_campaign(self.client_org)
        self.assertEqual(tick(campaign, NIGHT), 0)
        self.assertEqual(self.reason(campaign, now=NIGHT), "waiting_window")
        with acting(overview("this test")):
            self.assertEqual(to_tick(NIGHT), [])
            self.assertEqual(to_tick(NOON), [(self.client_org.pk, campaign.pk)])

    def test_what_ended_is_settled_at_night_too(self) -> None:
        campaign = running_campaign(self.client_org, 1)
        tick(campaign)
        end_call(calls_of(campaign)[0], NIGHT)
        with acting(overview("this test")):
            self.assertEqual(to_tick(NIGHT), [(self.client_org.pk, campaign.pk)])
        tick(campaign, NIGHT)
        self.assertEqual((statuses(campaign), campaign.status), (["completed"], "completed"))
        with acting(overview("this test")):
            self.assertEqual(to_tick(NOON), [])


class LimitTest(TickCase):
    def limit(self, organization: Any, calls: int) -> None:
        with wide(organization):
            Limits.objects.create(organization=organization, concurrent_calls=calls)

    def running(self, organization: Any, count: int) -> None:
        for _number in range(count):
            factories.make_call(
                organization, status="in-progress", direction="outbound", connection_id=self.connection.pk, ended_at=None
            )

    def test_the_engine_s_lines_are_shared_by_everybody(self) -> None:
        set_limits(self.connection, concurrent=3)
        self.running(self.stranger, 2)
        self.assertEqual(tick(running_campaign(self.client_org, 5)), 1)

    def test_the_organization_s_limit_counts_its_other_calls(self) -> None:
        self.limit(self.client_org, 3)
        self.running(self.client_org, 1)
        self.running(self.agency, 1)
        self.assertEqual(tick(running_campaign(self.client_org, 5)), 2)

    def test_the_agency_s_limit_counts_all_its_clients(self) -> None:
        self.limit(self.agency, 3)
        self.running(self.client_org, 1)
        self.running(self.agency, 1)
        self.running(self.stranger, 1)
        self.assertEqual(tick(running_campaign(self.client_org, 5)), 1)

    def test_ended_calls_hold_no_line(self) -> None:
        set_limits(self.connection, concurrent=1)
        factories.make_call(self.client_org, connection_id=self.connection.pk)
        self.assertEqual(tick(running_campaign(self.client_org, 5)), 1)

    def test_starts_are_paced_across_campaigns(self) -> None:
        set_limits(self.connection, starts_per_second=4)
        first, second = running_campaign(self.client_org, 6), running_campaign(self.client_org, 6)
        # Ten slots are planned; tests/campaigns/test_pacing.py has the rest.
        self.assertEqual([tick(first), tick(second)], [6, 4])

    def test_an_engine_without_a_free_line_is_asked_more_slowly(self) -> None:
        campaign = running_campaign(self.client_org, 50, max_concurrent_calls=50)
        self.assertEqual(tick(campaign), 50)
        for call in calls_of(campaign):
            end_call(call, status="failed", end_reason="error", dial="refused", refusal="capacity")
        self.assertEqual(tick(campaign, NOON), 23)
        self.assertEqual(min(call.dial_at for call in calls_of(campaign) if call.dial == "reserved"), NOON + 2 * SECOND)
        lead = leads_of(campaign)[0]
        self.assertEqual((lead.attempts, attempts_of(lead)[0].is_counted), (0, False))
        self.assertEqual(attempts_of(lead)[-1].number, 2)


class StopTest(TickCase):
    def test_a_deleted_assistant_pauses_for_good(self) -> None:
        campaign = running_campaign(self.client_org)
        with wide(self.client_org):
            campaign.assistant.change(NOON, deleted_at=NOON)
        with acting(overview("this test")):
            self.assertEqual(len(to_tick(NIGHT)), 1)
        tick(campaign, NIGHT)
        self.assertEqual((campaign.status, campaign.paused_by), ("paused", "assistant_deleted"))
        self.assertEqual(self.reason(campaign), "paused")
        self.assertFalse(self.resume(campaign))

    def test_a_switched_off_assistant_pauses(self) -> None:
        campaign = running_campaign(self.client_org)
        with wide(self.client_org):
            campaign.assistant.change(NOON, is_active=False)
        tick(campaign)
        self.assertEqual(campaign.paused_by, "assistant_inactive")

    def test_its_own_number_is_never_replaced_by_another(self) -> None:
        own = make_line(self.client_org)
        for change in ("inactive", "gone"):
            campaign = running_campaign(self.client_org, number=own, has_own_number=True)
            with wide(self.client_org):
                own.change(NOON, is_active=False) if change == "inactive" else own.delete()
            tick(campaign)
            self.assertEqual((campaign.status, campaign.paused_by), ("paused", "number_unavailable"))
            self.assertEqual(self.reason(campaign), "number_unavailable")
            self.assertEqual(calls_of(campaign), [])

    def test_without_a_number_of_its_own_any_that_can_dial_is_used(self) -> None:
        campaign = running_campaign(self.client_org, 1)
        with wide(self.client_org):
            self.line.change(NOON, is_active=False)
        other = make_line(self.client_org)
        self.assertEqual(tick(campaign), 1)
        self.assertEqual(calls_of(campaign)[0].own_number, other.phone_number)

    def test_a_suspension_pauses_until_it_is_over(self) -> None:
        for who in (self.client_org, self.agency):
            campaign = running_campaign(self.client_org, 1)
            with wide(self.client_org):
                who.change(NOON, suspended_at=NOON)
            tick(campaign)
            self.assertEqual((campaign.status, campaign.paused_by), ("paused", "suspended"))
            self.assertFalse(self.resume(campaign))
            with wide(self.client_org):
                who.change(NOON, suspended_at=None)
            self.assertTrue(self.resume(campaign))
            self.assertEqual(campaign.status, "scheduled")

    def test_an_engine_that_is_down_counts_nothing_and_goes_on_by_itself(self) -> None:
        campaign = running_campaign(self.client_org, 1)
        with acting(overview("write to nobody's row")), wide(self.client_org):
            self.connection.change(NOON, failing_since=NOON, last_error="refused")
        self.assertEqual(tick(campaign), 0)
        self.assertEqual((campaign.status, campaign.waits_for_engine_since), ("scheduled", NOON))
        self.assertEqual(self.reason(campaign), "engine_unavailable")
        with wide(self.client_org):
            self.connection.change(NOON, failing_since=None)
        self.assertEqual(tick(campaign, NOON + SECOND), 1)
        self.assertIsNone(campaign.waits_for_engine_since)

    def test_a_call_the_dead_engine_refused_is_not_counted_and_keeps_its_place(self) -> None:
        campaign = running_campaign(self.client_org, 2, max_concurrent_calls=1)
        tick(campaign)
        end_call(calls_of(campaign)[0], status="failed", end_reason="error", dial="refused", refusal="unavailable")
        self.assertEqual(tick(campaign, NOON + SECOND), 1)
        lead = leads_of(campaign)[0]
        self.assertEqual((lead.status, lead.attempts), ("calling", 0))
        self.assertEqual([attempt.number for attempt in attempts_of(lead)], [1, 2])

    def test_an_engine_never_asked_what_it_can_do_is_waited_for(self) -> None:
        with wide(self.client_org):
            self.connection.change(NOON, engine_read_at=None)
        campaign = running_campaign(self.client_org, 1)
        self.assertEqual(tick(campaign), 0)
        self.assertEqual(campaign.waits_for_engine_since, NOON)

    def resume(self, campaign: Campaign, now: dt.datetime = NOON) -> bool:
        with wide(self.client_org):
            done = resume_campaign(organization_id=self.client_org.pk, campaign_id=campaign.pk, now=now)
            campaign.refresh_from_db()
        campaign.organization = self.client_org
        return done


class MinutesTest(TickCase):
    """A plan's minutes of the month: of the client, or of its agency for all its clients together."""

    resume = StopTest.resume

    def limit(self, organization: Any, minutes: int | None) -> None:
        with self.acting_for(organization):
            Limits.objects.update_or_create(organization=organization, defaults={"minutes_per_month": minutes})

    def used_up(self) -> Campaign:
        self.limit(self.client_org, 10)
        factories.make_call(self.client_org, started_at=NOON - dt.timedelta(hours=1), duration_seconds=600)
        campaign = running_campaign(self.client_org, 2)
        self.assertEqual(tick(campaign), 0)
        return campaign

    def test_it_stops_with_a_reason_of_its_own_and_tells(self) -> None:
        campaign = self.used_up()
        self.assertEqual((campaign.status, campaign.paused_by), ("paused", "minutes"))
        self.assertEqual({self.reason(campaign, place) for place in (0, 1)}, {"minutes_used_up"})
        with wide(self.client_org):
            note = Notification.objects.for_organization(self.client_org).get()
            mail = Message.objects.get()
        self.assertEqual((note.title, note.text), (f"The campaign “{campaign.name}” has stopped", "minutes of this month used up"))
        self.assertEqual(mail.to, "cleo@example.com")
        tick(campaign, NOON + SECOND)
        with wide(self.client_org):
            self.assertEqual(Message.objects.count(), 1)

    def test_it_goes_on_when_the_month_turns(self) -> None:
        campaign = self.used_up()
        self.assertFalse(self.resume(campaign))
        first = (NOON.replace(day=1) + dt.timedelta(days=32)).replace(day=1, hour=0, minute=0)
        self.assertFalse(self.resume(campaign, first - SECOND))
        self.assertTrue(self.resume(campaign, first))
        self.assertEqual((campaign.status, campaign.paused_by), ("scheduled", ""))

    def test_it_goes_on_when_the_limit_is_raised_or_taken_away(self) -> None:
        for minutes in (11, None):
            campaign = self.used_up()
            self.limit(self.client_org, minutes)
            self.assertTrue(self.resume(campaign))
            self.assertEqual(tick(campaign), 2)

    def test_a_person_s_pause_stays(self) -> None:
        campaign = self.used_up()
        with wide(self.client_org):
            campaign.change(NOON, paused_by="person")
        self.limit(self.client_org, None)
        self.assertFalse(self.resume(campaign))

    def test_the_agency_s_limit_stops_its_clients(self) -> None:
        self.limit(self.agency, 0)
        campaign = running_campaign(self.client_org, 1)
        self.assertEqual((tick(campaign), campaign.paused_by), (0, "minutes"))


class MoneyTest(StopTest):
    def test_free_calls_ignore_the_balance(self) -> None:
        self.assertEqual(tick(running_campaign(self.client_org, 2)), 2)

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_no_credit_pauses_tells_the_owner_once_and_resumes_above_the_threshold(self) -> None:
        campaign = running_campaign(self.client_org, 1)
        tick(campaign)
        self.assertEqual((campaign.status, campaign.paused_by), ("paused", "balance"))
        self.assertEqual(self.reason(campaign), "no_balance")
        with wide(self.client_org):
            self.assertEqual(list(Message.objects.values_list("to", flat=True)), ["cleo@example.com"])
        factories.add_credits(self.agency, 60)
        self.assertFalse(self.resume(campaign))
        factories.add_credits(self.agency, 1)
        self.assertTrue(self.resume(campaign))
        self.assertEqual(tick(campaign), 1)

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_a_person_s_pause_does_not_end_by_itself(self) -> None:
        campaign = running_campaign(self.client_org, 1, status="paused", paused_by="person")
        factories.add_credits(self.agency, 100)
        self.assertFalse(self.resume(campaign))

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_when_holds_use_up_the_balance_leads_wait(self) -> None:
        factories.add_credits(self.agency, 2)
        campaign = running_campaign(self.client_org, 5)
        self.assertEqual(tick(campaign), 2)
        with wide(self.client_org):
            self.assertEqual(Hold.objects.filter(organization=self.agency).open().count(), 2)
        self.assertEqual(tick(campaign, NOON + SECOND), 0)
        self.assertEqual((campaign.status, self.reason(campaign, 4)), ("scheduled", "no_balance"))

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_the_agency_pays_for_its_client(self) -> None:
        factories.add_credits(self.client_org, 100)
        campaign = running_campaign(self.client_org, 1)
        self.assertEqual(tick(campaign), 0)
        self.assertEqual(Call.Status.CONNECTING, "connecting")
        self.assertEqual(campaign.paused_by, "balance")
