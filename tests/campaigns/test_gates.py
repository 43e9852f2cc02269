"""Who is not called, and why: the hours of the person called, her number, her consent; what a campaign says about it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.models import Call
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules.places import place_of
from apps.campaigns.selectors import campaign_state, next_attempt_of, to_tick
from apps.core.scope import acting
from apps.organizations.models import Limits
from apps.organizations.scopes import overview
from tests import factories
from tests.campaigns.support import NOON, calls_of, end_call, failed, leads_of, running_campaign, tick, wide
from tests.campaigns.test_tick import SECOND, TickCase, statuses

AMSTERDAM, BERLIN, NEW_YORK = "+31201234567", "+493012345678", "+12125550123"
MINUTE = dt.timedelta(minutes=1)


class GateCase(TickCase):
    def campaign(self, *numbers: str, **fields: Any) -> Campaign:
        """Open from 9 to 17 by the person's clock; a lead per number, the place read from the number."""
        values = {"uses_lead_zone": True, "schedule_days": [1, 2, 3, 4, 5, 6, 7]} | fields
        campaign = running_campaign(self.client_org, 0, **values)
        for number in numbers:
            self.lead(campaign, phone_number=number)
        return campaign

    def lead(self, campaign: Campaign, **fields: Any) -> Lead:
        place = place_of(phone_number=fields["phone_number"], timezone=fields.get("timezone", ""))
        return factories.make_lead(campaign, **{"place": place} | fields)

    def next_attempt(self, campaign: Campaign, place: int = 0, now: dt.datetime = NOON) -> dt.datetime | None:
        with wide(self.client_org):
            return next_attempt_of(leads_of(campaign)[place], campaign_state(campaign, now))


class HoursTest(GateCase):
    def test_only_leads_whose_place_is_open_are_called(self) -> None:
        campaign = self.campaign(NEW_YORK, AMSTERDAM)
        self.assertEqual(tick(campaign), 1)
        self.assertEqual(statuses(campaign), ["pending", "calling"])
        self.assertEqual(self.reason(campaign, 0), "waiting_window")
        self.assertEqual(self.next_attempt(campaign, 0), NOON.replace(hour=14))
        self.assertEqual(tick(campaign, NOON.replace(hour=14)), 1)

    def test_a_call_is_wanted_until_its_own_place_closes(self) -> None:
        campaign = self.campaign(NEW_YORK, AMSTERDAM)
        tick(campaign, NOON.replace(hour=15))
        until = {call.other_number: call.wanted_until for call in calls_of(campaign)}
        self.assertEqual(until, {NEW_YORK: NOON.replace(hour=22), AMSTERDAM: NOON.replace(hour=16)})

    def test_a_closed_place_in_front_does_not_starve_an_open_one(self) -> None:
        campaign = self.campaign(*(f"+1212555{number:04d}" for number in range(100, 140)), AMSTERDAM, max_concurrent_calls=3)
        self.assertEqual(tick(campaign), 1)
        self.assertEqual([call.other_number for call in calls_of(campaign)], [AMSTERDAM])

    def test_the_position_decides_between_places(self) -> None:
        campaign = self.campaign(NEW_YORK, AMSTERDAM, BERLIN, "+31201234568", max_concurrent_calls=3)
        tick(campaign)
        self.assertEqual([call.other_number for call in calls_of(campaign)], [AMSTERDAM, BERLIN, "+31201234568"])

    def test_a_campaign_sleeps_while_nobody_may_be_called(self) -> None:
        campaign, night = self.campaign(AMSTERDAM), NOON.replace(hour=22)
        tick(campaign, night)
        self.assertEqual(campaign.sleeps_until, night + 15 * SECOND)
        self.assertEqual(self.found(night), [])
        self.assertEqual(self.found(night + 15 * SECOND), [(self.client_org.pk, campaign.pk)])
        self.lead(campaign, phone_number=NEW_YORK, timezone="Asia/Tokyo")
        self.assertEqual(tick(campaign, NOON.replace(day=19, hour=1)), 1)
        self.assertIsNone(campaign.sleeps_until)

    def test_it_sleeps_no_longer_than_until_the_next_opening(self) -> None:
        campaign, before = self.campaign(AMSTERDAM), NOON.replace(hour=7, minute=59, second=55)
        tick(campaign, before)
        self.assertEqual(campaign.sleeps_until, NOON.replace(hour=8))

    def test_where_calling_is_never_allowed_leads_are_given_up(self) -> None:
        campaign = self.campaign(AMSTERDAM, windows=[])
        tick(campaign)
        self.assertEqual((statuses(campaign), self.reason(campaign)), (["skipped"], "never_open"))
        tick(campaign)
        self.assertEqual(campaign.status, "completed")

    def found(self, now: dt.datetime) -> list[Any]:
        with acting(overview("this test")):
            return to_tick(now)


class NumberTest(GateCase):
    def test_two_campaigns_do_not_call_a_number_at_once(self) -> None:
        first, second = self.campaign(AMSTERDAM), self.campaign(AMSTERDAM, BERLIN)
        self.assertEqual([tick(first), tick(second)], [1, 1])
        self.assertEqual(self.reason(second), "number_gap")
        self.assertEqual([call.other_number for call in calls_of(second)], [BERLIN])
        self.assertEqual(self.next_attempt(second), NOON + 5 * MINUTE)

    def test_the_gap_begins_when_the_other_call_ends(self) -> None:
        first, second = self.campaign(AMSTERDAM), self.campaign(AMSTERDAM)
        tick(first)
        tick(second)
        end_call(calls_of(first)[0], NOON + MINUTE)
        self.assertEqual(tick(second, NOON + 5 * MINUTE), 0)
        self.assertEqual(leads_of(second)[0].next_attempt_at, NOON + 6 * MINUTE)
        self.assertEqual(tick(second, NOON + 6 * MINUTE), 1)

    def test_the_same_number_at_another_organization_is_another_matter(self) -> None:
        from_here = self.campaign(AMSTERDAM)
        factories.make_call(self.stranger, direction="outbound", other_number=AMSTERDAM, sent_at=NOON, ended_at=None, status="ringing")
        self.assertEqual(tick(from_here), 1)

    def test_a_waiting_lead_keeps_its_last_result(self) -> None:
        campaign = self.campaign(AMSTERDAM, retry_delay_minutes=5)
        tick(campaign)
        end_call(calls_of(campaign)[0], **failed("busy"))
        factories.make_call(
            self.client_org, direction="outbound", other_number=AMSTERDAM, status="in-progress", ended_at=None,
            sent_at=NOON + MINUTE, created_at=NOON + MINUTE,
        )  # fmt: skip
        tick(campaign, NOON + 5 * MINUTE)
        lead = leads_of(campaign)[0]
        self.assertEqual((lead.status, lead.reason, lead.result), ("pending", "number_gap", "busy"))

    def test_premium_numbers_and_countries_that_are_not_allowed_are_skipped(self) -> None:
        with wide(self.client_org):
            Limits.objects.create(organization=self.client_org, countries=["NL"])
        campaign = self.campaign("+319001234567", BERLIN, AMSTERDAM, max_concurrent_calls=5)
        tick(campaign)
        self.assertEqual(statuses(campaign), ["skipped", "skipped", "calling"])
        self.assertEqual([self.reason(campaign, place) for place in (0, 1)], ["not_allowed", "not_allowed"])


class ConsentTest(GateCase):
    def test_without_the_consent_that_the_rules_ask_for_a_lead_is_skipped(self) -> None:
        campaign = self.campaign(purpose="marketing")
        self.lead(campaign, phone_number=AMSTERDAM)
        self.lead(campaign, phone_number="+31201234568", consent="written", consent_at=NOON)
        tick(campaign)
        self.assertEqual(statuses(campaign), ["skipped", "calling"])
        self.assertEqual(self.reason(campaign), "no_consent")


class HurryTest(GateCase):
    def test_a_hurried_lead_goes_first_and_not_outside_its_hours(self) -> None:
        campaign = self.campaign(AMSTERDAM, BERLIN, max_concurrent_calls=1)
        self.lead(campaign, phone_number=NEW_YORK, hurried_at=NOON)
        self.lead(campaign, phone_number="+31201234568", hurried_at=NOON)
        tick(campaign)
        self.assertEqual([call.other_number for call in calls_of(campaign)], ["+31201234568"])
        self.assertIsNone(leads_of(campaign)[3].hurried_at)


class ReasonTest(GateCase):
    def test_the_next_attempt_lies_in_the_hours_of_its_place(self) -> None:
        campaign = self.campaign(AMSTERDAM, retry_delay_minutes=600)
        tick(campaign)
        end_call(calls_of(campaign)[0], **failed("busy"))
        tick(campaign, NOON + SECOND)
        self.assertEqual(leads_of(campaign)[0].next_attempt_at, NOON + 600 * MINUTE)
        self.assertEqual(self.next_attempt(campaign, now=NOON + SECOND), NOON.replace(day=19, hour=8))

    def test_there_is_none_for_who_is_called_now_or_not_any_more(self) -> None:
        campaign = self.campaign(AMSTERDAM, BERLIN, max_concurrent_calls=1)
        tick(campaign)
        self.assertEqual([self.next_attempt(campaign, place) for place in (0, 1)], [None, NOON])
        with wide(self.client_org):
            campaign.change(NOON, status="paused", paused_by="breaker")
        self.assertEqual((self.next_attempt(campaign, 1), self.reason(campaign, 1)), (None, "breaker"))

    def test_fifty_leads_cost_as_many_queries_as_one(self) -> None:
        costs = []
        for count in (1, 50):
            campaign = running_campaign(self.client_org, count)
            leads = leads_of(campaign)
            with wide(self.client_org), self.assertNumQueries(5):
                state = campaign_state(campaign, NOON)
                costs.append([next_attempt_of(lead, state) for lead in leads])
        self.assertEqual([len(each) for each in costs], [1, 50])


class UntilTest(GateCase):
    def test_what_is_not_sent_before_its_place_closes_waits_for_the_next_opening(self) -> None:
        """Limits 9, case 10."""
        campaign = self.campaign(AMSTERDAM)
        late = NOON.replace(hour=15, minute=59, second=59)
        tick(campaign, late)
        end_call(calls_of(campaign)[0], late, status="failed", end_reason="error", dial=Call.Dial.REFUSED, refusal="too_late")
        tick(campaign, late + 2 * SECOND)
        lead = leads_of(campaign)[0]
        self.assertEqual((lead.status, lead.attempts, len(calls_of(campaign))), ("pending", 0, 1))
        self.assertEqual(self.next_attempt(campaign, now=late + 2 * SECOND), NOON.replace(day=19, hour=8))
