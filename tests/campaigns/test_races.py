"""Real commits, several connections: two tickers, a pause in the middle, a broker that is gone."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.test import override_settings

from apps.billing.models import Hold
from apps.calls.models import Call
from apps.calls.services.dial import mark_sending, record_answer
from apps.calls.services.fate import leave_unknown
from apps.calls.services.reconcile import reconcile
from apps.calls.services.reserve import reserve_many
from apps.campaigns import tasks
from apps.campaigns.dialler import memory
from apps.campaigns.dialler.tick import tick_campaign
from apps.campaigns.models import Campaign
from apps.campaigns.rules import place_of
from apps.campaigns.services import delete_campaign, pause_campaign
from apps.core import db
from apps.organizations.services import SYSTEM
from apps.voice.outcomes import Dialled
from config.celery import app
from tests import factories
from tests.campaigns.support import (
    NOON,
    calls_of,
    end_call,
    leads_of,
    make_line,
    refused,
    running_campaign,
    sandbox,
    tick,
    wide,
)
from tests.cases import CommittedCase

SECOND = dt.timedelta(seconds=1)


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run all at once, each on a connection of its own; returns results and exceptions in order."""
    barrier, results = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            results[place] = work()
        except Exception as error:
            results[place] = error  # type: ignore[assignment]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


class RaceCase(CommittedCase):
    def setUp(self) -> None:
        super().setUp()
        self.connection = sandbox()
        make_line(self.client_org)
        # Tasks go nowhere: what they would do is done here by hand.
        app.conf.broker_url, self.broker = "memory://", app.conf.broker_url
        self.addCleanup(setattr, app.conf, "broker_url", self.broker)

    def ticks(self, campaign: Campaign, count: int, step: float = 0.0) -> Callable[[], int]:
        def work() -> int:
            started = 0
            for number in range(count):
                with wide(self.client_org):
                    started += tick_campaign(
                        organization_id=self.client_org.pk, campaign_id=campaign.pk,
                        now=NOON + dt.timedelta(seconds=number * step),
                    )  # fmt: skip
            return started

        return work

    def assert_once_each(self, campaign: Campaign) -> None:
        keys = Counter(call.key.rsplit(":", 1)[0] for call in calls_of(campaign))
        self.assertEqual([key for key, times in keys.items() if times > 1], [])


class TickersTest(RaceCase):
    def test_no_lead_is_claimed_twice(self) -> None:
        campaign = running_campaign(self.client_org, 40, max_concurrent_calls=30)
        results = together(*[self.ticks(campaign, 8) for _ticker in range(4)])
        self.assertEqual(sum(results), 30, results)
        self.assert_once_each(campaign)
        self.assertEqual(Counter(lead.status for lead in leads_of(campaign)), {"calling": 30, "pending": 10})

    def test_campaigns_of_two_organizations_share_an_engine_exactly(self) -> None:
        with wide(self.client_org):
            self.connection.change(db.now(), engine=self.connection.engine | {"limits": {"concurrent": 12}})
        make_line(self.stranger)
        campaigns = [running_campaign(org, 20, max_concurrent_calls=20) for org in (self.client_org, self.stranger)]
        works = []
        for campaign in campaigns:
            def work(campaign: Campaign = campaign) -> int:
                with wide(campaign.organization):
                    return sum(
                        tick_campaign(organization_id=campaign.organization_id, campaign_id=campaign.pk, now=NOON)
                        for _number in range(5)
                    )

            works += [work, work]
        results = together(*works)
        self.assertEqual(sum(results), 12, results)

    @override_settings(BILL_SIMULATED_CALLS=True)
    def test_credit_for_seven_starts_seven(self) -> None:
        factories.add_credits(self.agency, 7)
        campaigns = [running_campaign(self.client_org, 20, max_concurrent_calls=20) for _number in range(3)]
        results = together(*[self.ticks(campaign, 4) for campaign in campaigns])
        self.assertEqual(sum(results), 7, results)
        with wide(self.client_org):
            self.assertEqual(Hold.objects.open().count(), 7)


    def test_three_beats_on_hosts_whose_clocks_differ_claim_no_lead_twice(self) -> None:
        """Limits 9, case 5: each tick is told the time; whatever it is told, the rows decide."""
        campaign = running_campaign(self.client_org, 40, max_concurrent_calls=30)

        def host(skew: int) -> Callable[[], int]:
            def work() -> int:
                started = 0
                for number in range(6):
                    with wide(self.client_org):
                        started += tick_campaign(
                            organization_id=self.client_org.pk, campaign_id=campaign.pk,
                            now=NOON + dt.timedelta(seconds=skew + number),
                        )  # fmt: skip
                return started

            return work

        results = together(*[host(skew) for skew in (-5, 0, 5)])
        self.assertEqual(sum(results), 30, results)
        self.assert_once_each(campaign)

    def test_two_campaigns_with_the_same_numbers_call_each_of_them_once(self) -> None:
        """Limits 9, cases 8 and 9: the gap holds between claims that happen at the same time."""
        campaigns = [running_campaign(self.client_org, 0, max_concurrent_calls=30) for _number in range(2)]
        for place in range(20):
            for campaign in campaigns:
                factories.make_lead(campaign, phone_number=f"+4420794500{place:02d}", place="")
        results = together(*[self.ticks(campaign, 3) for campaign in campaigns for _ticker in range(2)])
        self.assertEqual(sum(results), 20, results)
        numbers = Counter(call.other_number for campaign in campaigns for call in calls_of(campaign))
        self.assertEqual(set(numbers.values()), {1})
        waiting = [lead for campaign in campaigns for lead in leads_of(campaign) if lead.status == "pending"]
        self.assertEqual({lead.reason for lead in waiting}, {"number_gap"})

    def test_a_lead_that_changes_without_the_lock_undoes_the_claim(self) -> None:
        campaign = running_campaign(self.client_org, 2)
        with wide(self.client_org):
            lead = leads_of(campaign)[1]

        def between(*args: Any, **kwargs: Any) -> Any:
            def skip() -> None:
                with wide(self.client_org):
                    lead.change(NOON, status="skipped")

            together(skip)
            return reserve_many(*args, **kwargs)

        with patch("apps.campaigns.dialler.claim.reserve_many", between), self.assertRaises(RuntimeError):
            tick(campaign)
        self.assertEqual([each.status for each in leads_of(campaign)], ["pending", "skipped"])
        self.assertEqual(calls_of(campaign), [])
        self.assertEqual(tick(campaign), 1)


class MemoryTest(RaceCase):
    """The claim remembers where it stopped, once that is committed; nothing is forgotten for it."""

    def test_what_comes_back_to_its_place_goes_first_again(self) -> None:
        campaign = running_campaign(self.client_org, 3, max_concurrent_calls=1)
        tick(campaign)
        self.assertIsNotNone(memory.recall(campaign.pk))
        end_call(calls_of(campaign)[0], **refused("unavailable"))
        self.assertEqual(tick(campaign, NOON + SECOND), 1)
        self.assertEqual([lead.status for lead in leads_of(campaign)], ["calling", "pending", "pending"])

    def test_a_lead_in_front_of_the_mark_is_called_when_those_behind_it_are(self) -> None:
        campaign = running_campaign(self.client_org, 4, max_concurrent_calls=2)
        tick(campaign)
        first = leads_of(campaign)[0]
        for call in calls_of(campaign):
            end_call(call)
        with wide(self.client_org):
            factories.make_lead(campaign, phone_number="+442079450099", position=first.position - 1)
        self.assertEqual([tick(campaign, NOON + number * SECOND) for number in (1, 2)], [2, 0])
        for call in calls_of(campaign)[2:]:
            end_call(call)
        self.assertEqual(tick(campaign, NOON + 3 * SECOND), 1)
        self.assertEqual([lead.status for lead in leads_of(campaign)], ["calling", *["completed"] * 4])

    def test_a_new_place_is_seen_when_the_known_ones_have_nobody_left(self) -> None:
        campaign = running_campaign(self.client_org, 2)
        tick(campaign)
        factories.make_lead(campaign, phone_number="+31201234567", place=place_of(phone_number="+31201234567"))
        self.assertEqual(tick(campaign, NOON + SECOND), 1)

    def test_what_was_not_committed_is_not_remembered(self) -> None:
        campaign = running_campaign(self.client_org, 2)
        with patch("apps.campaigns.dialler.tick.note_wants", side_effect=RuntimeError), self.assertRaises(RuntimeError):
            with wide(self.client_org):
                self.connection.change(db.now(), engine=self.connection.engine | {"limits": {"concurrent": 12}})
            tick(campaign)
        self.assertIsNone(memory.recall(campaign.pk))
        self.assertEqual(tick(campaign), 2)


class PauseTest(RaceCase):
    def test_fifty_that_were_claimed_and_wait_go_back_within_a_second(self) -> None:
        """Limits 9, case 6."""
        campaign = running_campaign(self.client_org, 50, max_concurrent_calls=50)
        self.assertEqual(tick(campaign), 50)
        with self.acting_for(self.client_org):
            began = time.monotonic()
            pause_campaign(campaign=campaign, by=SYSTEM, now=NOON)
            self.assertLess(time.monotonic() - began, 1)
        leads = leads_of(campaign)
        self.assertEqual({(lead.status, lead.attempts, lead.next_attempt_at) for lead in leads}, {("pending", 0, None)})
        self.assertEqual({(call.dial, call.refusal) for call in calls_of(campaign)}, {("refused", "cancelled")})
        with self.acting_for(self.client_org):
            sent = [mark_sending(organization_id=self.client_org.pk, call_id=each.pk, now=NOON) for each in calls_of(campaign)]
        self.assertEqual(set(sent), {None})

    def test_a_deleted_campaign_sends_nothing_and_what_runs_comes_to_its_end(self) -> None:
        """Limits 9, case 7."""
        campaign = running_campaign(self.client_org, 4, max_concurrent_calls=4)
        tick(campaign)
        running, *others = calls_of(campaign)
        with self.acting_for(self.client_org):
            self.assertIsNotNone(mark_sending(organization_id=self.client_org.pk, call_id=running.pk, now=NOON))
            delete_campaign(campaign=campaign, by=SYSTEM, now=NOON)
            sent = [mark_sending(organization_id=self.client_org.pk, call_id=each.pk, now=NOON) for each in others]
        self.assertEqual(sent, [None, None, None])
        self.assertEqual(Counter(call.dial for call in calls_of(campaign)), {"sending": 1, "refused": 3})

    def test_a_suspended_organization_sends_nothing(self) -> None:
        """Limits 9, case 7: at once, whatever the tick does about it a second later."""
        campaign = running_campaign(self.client_org, 3)
        tick(campaign)
        with wide(self.client_org):
            self.client_org.change(NOON, suspended_at=NOON)
        with self.acting_for(self.client_org):
            for call in calls_of(campaign):
                self.assertIsNone(mark_sending(organization_id=self.client_org.pk, call_id=call.pk, now=NOON))
        tick(campaign, NOON + dt.timedelta(seconds=1))
        self.assertEqual((campaign.status, campaign.paused_by), ("paused", "suspended"))
        self.assertEqual({(lead.status, lead.attempts) for lead in leads_of(campaign)}, {("pending", 0)})

    def test_a_worker_that_slept_through_its_lease_changes_nothing_any_more(self) -> None:
        """Limits 9, case 4: what it had sent was taken over under a new fence."""
        campaign = running_campaign(self.client_org, 1)
        tick(campaign)
        call = calls_of(campaign)[0]
        now = db.now()
        with self.acting_for(self.client_org):
            call.change(now, wanted_until=None)
            sending = mark_sending(organization_id=self.client_org.pk, call_id=call.pk, now=now - dt.timedelta(seconds=120))
            assert sending is not None
            answer = Dialled("accepted", ref="late", status=201)
            with patch("apps.calls.services.reconcile._look", return_value=leave_unknown):
                reconcile(organization_id=self.client_org.pk, call_id=call.pk)
            recorded = record_answer(
                organization_id=self.client_org.pk, call_id=call.pk, fence=sending.fence, answer=answer, now=db.now()
            )
        after = calls_of(campaign)[0]
        self.assertEqual((recorded, after.dial, after.ref, after.fence), (False, "unknown", None, sending.fence + 1))

    def test_after_a_pause_nothing_is_sent(self) -> None:
        """Claimed calls, four workers about to send them, and somebody who pauses: what is sent was sent before."""
        campaign = running_campaign(self.client_org, 24, max_concurrent_calls=24)
        tick(campaign)
        calls, paused_at, sent_at = calls_of(campaign), [], []

        def worker(own: list[Call]) -> None:
            for call in own:
                with self.acting_for(self.client_org):
                    if mark_sending(organization_id=self.client_org.pk, call_id=call.pk, now=NOON):
                        sent_at.append(db.now())

        def pause() -> None:
            with self.acting_for(self.client_org):
                pause_campaign(campaign=campaign, by=SYSTEM, now=NOON)
                paused_at.append(db.now())

        results = together(*[lambda own=calls[n::4]: worker(own) for n in range(4)], pause)
        self.assertEqual([each for each in results if each], [])
        self.assertTrue(all(moment <= paused_at[0] for moment in sent_at))
        states = Counter(call.dial for call in calls_of(campaign))
        self.assertEqual(states["sending"] + states["refused"], 24)
        self.assertEqual(states["sending"], len(sent_at))
        self.assertEqual(Counter(lead.status for lead in leads_of(campaign))["calling"], len(sent_at))


class BrokerTest(RaceCase):
    def test_a_broker_that_is_gone_undoes_no_claim(self) -> None:
        app.conf.broker_url = "redis://127.0.0.1:1/0"
        self.enterContext(patch.object(app, "_pool", None))
        app.amqp._producer_pool, pool = None, app.amqp._producer_pool
        self.addCleanup(setattr, app.amqp, "_producer_pool", pool)
        campaign = running_campaign(self.client_org, 2)
        with self.assertLogs("apps.calls.tasks", "WARNING"):
            self.assertEqual(tick(campaign), 2)
        self.assertEqual([call.dial for call in calls_of(campaign)], ["reserved", "reserved"])

    def test_the_tick_s_task_finds_its_campaigns(self) -> None:
        campaign = running_campaign(self.client_org, 1, schedule_start_time=dt.time(0), schedule_end_time=dt.time(23, 59, 59))
        app.conf.task_always_eager, before = True, app.conf.task_always_eager
        self.addCleanup(setattr, app.conf, "task_always_eager", before)
        with wide(self.client_org):
            self.connection.change(db.now(), failing_since=db.now())
        tasks.tick()
        tasks.sweep()
        with wide(self.client_org):
            campaign.refresh_from_db()
        self.assertIsNotNone(campaign.waits_for_engine_since)
