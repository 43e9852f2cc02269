"""What stops a campaign by itself: too many failed calls, a trunk that refuses, its budget, an hour's money."""

from __future__ import annotations

import datetime as dt

from django.test import SimpleTestCase, override_settings

from apps.billing.models import Hold, LedgerEntry
from apps.calls.models import Call
from apps.campaigns.dialler.brakes import REST, Sent, TrunkState, judged
from apps.campaigns.dialler.tick import resume_campaign
from apps.campaigns.models import Campaign
from apps.campaigns.services import start_campaign
from apps.core.scope import Scope, acting
from apps.mail.models import Message
from apps.organizations.models import Limits
from apps.organizations.services import SYSTEM
from tests import factories
from tests.campaigns.support import NOON, calls_of, end_call, failed, running_campaign, tick, wide
from tests.campaigns.test_tick import SECOND, TickCase

CREDIT = 1_000_000
ERROR = {"status": "ended-with-error", "end_reason": "error"}


class BreakerTest(TickCase):
    def trip(self, campaign: Campaign, errors: int, others: int) -> list[Call]:
        tick(campaign)
        calls = calls_of(campaign)
        for call in calls[:errors]:
            end_call(call, **ERROR)
        for call in calls[errors : errors + others]:
            end_call(call, **failed("busy"))
        return calls

    def test_half_of_five_failed_calls_pause_it_and_are_listed(self) -> None:
        campaign = running_campaign(self.client_org, 20, max_concurrent_calls=6)
        calls = self.trip(campaign, 3, 3)
        tick(campaign, NOON + SECOND)
        self.assertEqual((campaign.status, campaign.paused_by), ("paused", "breaker"))
        self.assertEqual(campaign.tripped, [call.public_id for call in calls[:3]])
        self.assertEqual(self.reason(campaign, 10), "breaker")
        with wide(self.client_org):
            mail = Message.objects.get()
        self.assertIn(calls[0].public_id, mail.text)
        self.assertIn("too many calls failed", mail.subject)

    def test_fewer_or_other_failures_do_not(self) -> None:
        for errors, others in ((2, 3), (4, 0), (0, 6)):
            campaign = running_campaign(self.client_org, 20, max_concurrent_calls=errors + others)
            self.trip(campaign, errors, others)
            tick(campaign, NOON + SECOND)
            self.assertEqual((campaign.status, campaign.tripped), ("scheduled", []), (errors, others))

    def test_what_the_engine_turned_away_is_no_failure(self) -> None:
        campaign = running_campaign(self.client_org, 20, max_concurrent_calls=6)
        tick(campaign)
        for call in calls_of(campaign):
            end_call(call, **ERROR, dial="refused", refusal="unavailable")
        tick(campaign, NOON + SECOND)
        self.assertEqual(campaign.status, "scheduled")

    def test_it_stays_paused_until_a_person_resumes_it_and_counts_anew(self) -> None:
        campaign = running_campaign(self.client_org, 30, max_concurrent_calls=6)
        first = self.trip(campaign, 6, 0)
        tick(campaign, NOON + SECOND)
        with wide(self.client_org):
            self.assertFalse(resume_campaign(organization_id=self.client_org.pk, campaign_id=campaign.pk, now=NOON + SECOND))
            start_campaign(campaign=campaign, by=SYSTEM, now=NOON + 2 * SECOND)
        self.assertEqual(tick(campaign, NOON + 3 * SECOND), 6)
        for call in calls_of(campaign)[6:10]:
            end_call(call, NOON + 4 * SECOND, **ERROR)
        tick(campaign, NOON + 5 * SECOND)
        self.assertEqual((campaign.status, len(campaign.tripped)), ("scheduled", len(first)))

    def test_failures_long_ago_are_forgotten(self) -> None:
        campaign = running_campaign(self.client_org, 20, max_concurrent_calls=4)
        self.trip(campaign, 4, 0)
        tick(campaign, NOON + SECOND)
        end_call(calls_of(campaign)[-1], NOON + 130 * SECOND, **ERROR)
        tick(campaign, NOON + 130 * SECOND)
        self.assertEqual(campaign.status, "scheduled")


def sent(*history: tuple[float, bool | None]) -> list[Sent]:
    return [Sent(NOON + second * SECOND, has_failed) for second, has_failed in history]


class JudgedTest(SimpleTestCase):
    FIVE = ((0, True), (1, True), (2, False), (3, True), (4, True))

    def judge(self, *history: tuple[float, bool | None], at: float) -> TrunkState:
        return judged(sent(*history), NOON + at * SECOND)

    def test_half_of_five_open_it(self) -> None:
        self.assertEqual(self.judge(*self.FIVE, at=5), TrunkState("open", NOON + 4 * SECOND + REST))
        self.assertEqual(self.judge(*self.FIVE[:4], at=5), TrunkState())
        self.assertEqual(self.judge((0, False), (0, False), (0, False), *self.FIVE[:4], at=5), TrunkState())

    def test_after_its_rest_one_call_is_tried(self) -> None:
        self.assertEqual(self.judge(*self.FIVE, at=14).state, "half_open")
        self.assertEqual(self.judge(*self.FIVE, (14, None), at=15).state, "open")
        self.assertEqual(self.judge(*self.FIVE, (14, False), at=15), TrunkState())
        self.assertEqual(self.judge(*self.FIVE, (14, True), at=15), TrunkState("open", NOON + 34 * SECOND))

    def test_what_was_on_its_way_when_it_opened_says_nothing(self) -> None:
        self.assertEqual(self.judge(*self.FIVE, (5, False), (6, True), at=7).state, "open")

    def test_failures_two_minutes_apart_do_not_add_up(self) -> None:
        history = tuple((130 * number, True) for number in range(6))
        self.assertEqual(self.judge(*history, at=700), TrunkState())


class TrunkTest(TickCase):
    """Limits 9, case 13."""

    def storm(self, campaign: Campaign, count: int = 6) -> None:
        tick(campaign)
        calls = calls_of(campaign)[-count:]
        for place, call in enumerate(calls):
            if place % 3 == 0:
                end_call(call, status="connecting", dial="unknown", ended_at=None, settled_at=None, sent_at=NOON)
            else:
                end_call(call, **ERROR, dial="refused", refusal="unavailable", sent_at=NOON)

    def test_a_trunk_that_fails_rests_for_all_campaigns_and_is_tried_with_one_call(self) -> None:
        campaign, other = (running_campaign(self.client_org, 20, max_concurrent_calls=6) for _number in range(2))
        self.storm(campaign)
        self.assertEqual([tick(campaign, NOON + SECOND), tick(other, NOON + SECOND)], [0, 0])
        self.assertEqual((campaign.status, other.status), ("scheduled", "scheduled"))
        self.assertEqual(self.reason(other, now=NOON + SECOND), "trunk_failing")
        after = NOON + REST
        self.assertEqual([tick(other, after), tick(campaign, after)], [1, 0])
        end_call(calls_of(other)[0], after, status="in-progress", dial="accepted", ended_at=None, settled_at=None, sent_at=after)
        self.assertEqual(tick(other, after + SECOND), 5)

    def test_another_trunk_is_not_touched(self) -> None:
        campaign = running_campaign(self.client_org, 20, max_concurrent_calls=6)
        self.storm(campaign)
        number = factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org))
        elsewhere = running_campaign(self.client_org, 3, number=number, has_own_number=True)
        self.assertEqual(tick(elsewhere, NOON + SECOND), 3)


@override_settings(BILL_SIMULATED_CALLS=True)
class MoneyTest(TickCase):
    def setUp(self) -> None:
        super().setUp()
        factories.add_credits(self.agency, 100)

    def book(self, call: Call, cost: int) -> None:
        end_call(call, status="ended", end_reason="user_hangup", started_at=NOON, report_at=NOON, cost=cost)
        with acting(Scope((self.agency.pk,))):
            Hold.objects.filter(key=call.money_key).update(released_at=NOON)

    def test_what_runs_is_counted_and_at_the_cap_it_pauses(self) -> None:
        campaign = running_campaign(self.client_org, 10, budget=3 * CREDIT)
        self.assertEqual(tick(campaign), 3)
        self.assertEqual(tick(campaign, NOON + SECOND), 0)
        self.assertEqual(campaign.status, "scheduled")
        for call in calls_of(campaign):
            self.book(call, CREDIT // 2)
        self.assertEqual(tick(campaign, NOON + 2 * SECOND), 1)
        self.book(calls_of(campaign)[-1], CREDIT)
        tick(campaign, NOON + 3 * SECOND)
        self.assertEqual((campaign.status, campaign.paused_by), ("paused", "budget"))
        self.assertEqual(self.reason(campaign, 9), "budget")
        with wide(self.client_org):
            self.assertIn("budget used up", Message.objects.get().subject)

    def test_an_hour_s_money_pauses(self) -> None:
        with wide(self.client_org):
            Limits.objects.create(organization=self.client_org, spend_per_hour=2 * CREDIT)
        campaign = running_campaign(self.client_org, 10)
        self.assertEqual(tick(campaign), 2)
        self.assertEqual((tick(campaign, NOON + SECOND), campaign.status), (0, "scheduled"))
        self.spend(2 * CREDIT)
        for call in calls_of(campaign):
            self.book(call, CREDIT)
        tick(campaign, NOON + 2 * SECOND)
        self.assertEqual((campaign.status, campaign.paused_by), ("paused", "spend"))

    def spend(self, amount: int) -> None:
        with acting(Scope((self.agency.pk,))):
            LedgerEntry.objects.create(
                organization=self.agency, key="spent", kind="call", amount=-amount, used_by=self.client_org.pk,
                created_at=NOON - dt.timedelta(minutes=1),
            )  # fmt: skip


