"""Real commits, several connections: two tickers, a pause in the middle, a broker that is gone."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.test import override_settings

from apps.billing.models import Hold
from apps.calls.models import Call
from apps.calls.services.dial import mark_sending
from apps.campaigns import tasks
from apps.campaigns.dialler.tick import tick_campaign
from apps.campaigns.models import Campaign
from apps.campaigns.services import pause_campaign
from apps.core import db
from apps.organizations.services import SYSTEM
from config.celery import app
from tests import factories
from tests.campaigns.support import NOON, calls_of, leads_of, make_line, running_campaign, sandbox, tick, wide
from tests.cases import CommittedCase


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


class PauseTest(RaceCase):
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
