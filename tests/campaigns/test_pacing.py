"""Lines and starts that campaigns share: limits, reserves, floors and priorities, exact under parallel ticks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.models import Call
from apps.campaigns.dialler.room import PLANNED
from apps.campaigns.models import Campaign
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import Limits
from apps.organizations.scopes import overview
from tests import factories
from tests.calls.support import make_connection
from tests.campaigns.support import (
    NOON,
    calls_of,
    end_call,
    failed,
    make_line,
    running_campaign,
    sandbox,
    set_limits,
    tick,
)
from tests.campaigns.test_races import RaceCase, together
from tests.cases import TenantCase

SECOND = dt.timedelta(seconds=1)


class PacingCase(TenantCase):
    def setUp(self) -> None:
        self.connection = sandbox()
        self.line = make_line(self.client_org)

    def limit(self, organization: Any, **values: Any) -> None:
        with acting(Scope((organization.pk,))):
            Limits.objects.update_or_create(organization=organization, defaults=values)

    def running(self, organization: Any, count: int, direction: str = "outbound", **fields: Any) -> None:
        values = {"status": "in-progress", "direction": direction, "connection_id": self.connection.pk, "ended_at": None} | fields
        for _number in range(count):
            factories.make_call(organization, **values)

    def forget(self) -> None:
        """All calls end, and nobody wants more."""
        with acting(Scope((self.client_org.pk,))):
            Call.objects.update(status="ended", dial="refused", refusal="cancelled", ended_at=NOON, settled_at=NOON)
            Campaign.objects.update(status="cancelled")

    def engine(self, **values: Any) -> None:
        with acting(Scope(())):
            self.connection.change(db.now(), **values)


class LinesTest(PacingCase):
    def test_the_smaller_of_the_announced_and_our_own_limit_holds_at_the_engine(self) -> None:
        set_limits(self.connection, concurrent=5)
        self.engine(concurrent_calls=3)
        self.assertEqual(tick(running_campaign(self.client_org, 9)), 3)
        self.engine(concurrent_calls=9)
        self.assertEqual(tick(running_campaign(self.client_org, 9)), 2)

    def test_a_trunk_has_lines_of_its_own(self) -> None:
        with acting(Scope((self.client_org.pk,))):
            self.line.transfer_trunk.change(db.now(), concurrent_calls=3)
        self.running(self.client_org, 1, trunk=self.line.transfer_trunk)
        self.running(self.client_org, 4)
        self.assertEqual(tick(running_campaign(self.client_org, 9)), 2)

    def test_lines_for_inbound_calls_are_left_alone_and_used_up_by_them_first(self) -> None:
        """At the client, its agency and the engine alike."""
        for place in ("client", "agency", "engine"):
            with self.subTest(place=place):
                self.limit(self.client_org, concurrent_calls=5 if place == "client" else None, inbound_lines=2 * (place == "client"))
                self.limit(self.agency, concurrent_calls=5 if place == "agency" else None, inbound_lines=2 * (place == "agency"))
                self.engine(concurrent_calls=5 if place == "engine" else None, inbound_lines=2 * (place == "engine"))
                campaign = running_campaign(self.client_org, 9)
                self.assertEqual(tick(campaign), 3)
                self.forget()
                self.running(self.client_org, 1, "inbound")
                campaign = running_campaign(self.client_org, 9)
                self.assertEqual(tick(campaign), 3)
                self.running(self.client_org, 2, "inbound")
                end_call(calls_of(campaign)[0])
                self.assertEqual(tick(campaign), 0)
                end_call(calls_of(campaign)[1])
                self.assertEqual(tick(campaign), 1)
                self.forget()

    def test_a_reserve_without_a_limit_takes_nothing(self) -> None:
        self.limit(self.client_org, inbound_lines=3)
        self.assertEqual(tick(running_campaign(self.client_org, 4)), 4)

    def test_more_calls_than_lines_is_no_negative_room(self) -> None:
        self.limit(self.client_org, concurrent_calls=2)
        self.running(self.client_org, 5)
        self.assertEqual(tick(running_campaign(self.client_org, 4)), 0)

    def test_ended_calls_give_their_lines_back_at_once(self) -> None:
        self.limit(self.agency, concurrent_calls=2)
        campaign = running_campaign(self.client_org, 9)
        self.assertEqual([tick(campaign), tick(campaign)], [2, 0])
        end_call(calls_of(campaign)[0])
        self.assertEqual(tick(campaign), 1)


class FairTest(PacingCase):
    """`huge` has taken all ten lines; `other` comes later. Lines that end go to whoever is below its share."""

    def setUp(self) -> None:
        super().setUp()
        set_limits(self.connection, concurrent=10)
        make_line(self.stranger)

    def compete(self, seconds: int, *campaigns: Campaign, ends: int = 2) -> list[int]:
        """Each second `ends` of the oldest calls end, then everybody ticks. Returns the lines each holds at last."""
        for second in range(1, seconds + 1):
            now = NOON + second * SECOND
            with acting(overview("the oldest calls")):
                oldest = list(Call.objects.running().order_by("pk")[:ends])
            for call in oldest:
                end_call(call, now, **failed("busy"))
            for campaign in campaigns:
                tick(campaign, now)
        with acting(overview("lines")):
            return [Call.objects.running().filter(origin=campaign.origin).count() for campaign in campaigns]

    def pair(self, organization: Any, leads: int = 60, **fields: Any) -> tuple[Campaign, Campaign]:
        huge = running_campaign(self.client_org, 60, max_concurrent_calls=50)
        self.assertEqual(tick(huge), 10)
        other = running_campaign(organization, leads, **{"max_concurrent_calls": 50} | fields)
        self.assertEqual(tick(other), 0)
        return huge, other

    def test_two_agencies_end_with_half_each(self) -> None:
        self.assertEqual(self.compete(8, *self.pair(self.stranger)), [5, 5])

    def test_a_small_campaign_gets_all_that_it_asks(self) -> None:
        huge, small = self.pair(self.stranger, leads=2)
        self.assertEqual(self.compete(2, huge, small), [8, 2])

    def test_priorities_divide_one_to_four(self) -> None:
        huge, other = self.pair(self.client_org, priority=Campaign.Priority.HIGH)
        with acting(Scope((self.client_org.pk,))):
            huge.change(NOON, priority=Campaign.Priority.LOW)
        self.assertEqual(self.compete(12, huge, other), [2, 8])

    def test_a_floor_is_given_before_the_shares(self) -> None:
        huge, other = self.pair(self.client_org, floor_calls=7, priority=Campaign.Priority.LOW)
        self.assertEqual(self.compete(12, huge, other), [3, 7])

    def test_lines_guaranteed_to_a_client(self) -> None:
        self.limit(self.stranger, guaranteed_calls=8)
        self.assertEqual(self.compete(12, *self.pair(self.stranger)), [2, 8])

    def test_what_nobody_wants_any_more_is_lent(self) -> None:
        huge, other = self.pair(self.stranger, leads=3, floor_calls=9)
        self.assertEqual(self.compete(5, huge, other)[1], 3)
        with acting(Scope((self.stranger.pk,))):
            Call.objects.filter(origin=other.origin).update(status="ended", end_reason="user_hangup", started_at=NOON, report_at=NOON, ended_at=NOON, settled_at=NOON)
        self.assertEqual(self.compete(4, huge, other, ends=0), [10, 0])

    def test_a_campaign_that_wants_nothing_notes_nothing(self) -> None:
        campaign = running_campaign(self.client_org, 3)
        tick(campaign)
        self.assertEqual((campaign.wants, campaign.wants_at), (0, None))
        more = running_campaign(self.client_org, 9, max_concurrent_calls=50)
        tick(more)
        self.assertEqual((more.wants, more.wants_at), (2, NOON))


class StartsTest(PacingCase):
    """Planned by the tick; booked exactly when they are sent (tests/calls/test_slots.py)."""

    def test_without_a_limit_all_start_at_once(self) -> None:
        campaign = running_campaign(self.client_org, 8)
        self.assertEqual(tick(campaign), 8)
        self.assertEqual({call.dial_at for call in calls_of(campaign)}, {None})

    def test_each_limit_plans_as_many_as_fall_due(self) -> None:
        """Three a second fall due 7.5 times in two and a half seconds; spread, the first at once."""
        for place in ("campaign", "client", "agency", "engine", "trunk"):
            with self.subTest(place=place):
                own = {"starts": 3} if place == "campaign" else {}
                self.limit(self.client_org, starts=3 if place == "client" else None)
                self.limit(self.agency, starts=3 if place == "agency" else None)
                self.engine(starts=3 if place == "engine" else None)
                with acting(Scope((self.client_org.pk,))):
                    self.line.transfer_trunk.change(db.now(), starts=3 if place == "trunk" else None)
                campaign = running_campaign(self.client_org, 20, max_concurrent_calls=30, **own)
                self.assertEqual(tick(campaign), 8)
                slots = [call.dial_at for call in calls_of(campaign)]
                self.assertEqual((slots[0], slots), (NOON, sorted(slots)))
                self.assertLess(slots[-1], NOON + PLANNED)
                # They wait; nothing more is planned before some were sent.
                self.assertEqual(tick(campaign), 0)
                self.assertEqual([call.config.get("pace") for call in calls_of(campaign)], [[3, 1] if own else None] * 8)
                self.forget()

    def test_a_slow_limit_plans_one_when_its_time_is_near(self) -> None:
        self.engine(starts=1, starts_seconds=10)
        campaign = running_campaign(self.client_org, 5)
        factories.make_call(self.stranger, direction="outbound", connection_id=self.connection.pk, sent_at=NOON)
        self.assertEqual([tick(campaign, NOON + second * SECOND) for second in (1, 5, 8)], [0, 0, 1])

    def test_a_huge_campaign_leaves_a_small_one_its_slots(self) -> None:
        self.engine(starts=4)
        make_line(self.stranger)
        huge = running_campaign(self.client_org, 60, max_concurrent_calls=50)
        self.assertEqual(tick(huge), 10)
        small = running_campaign(self.stranger, 4)
        # At once, although the slots are planned: who books first when sending goes first.
        self.assertEqual(tick(small), 4)
        self.assertEqual(calls_of(small)[0].dial_at, NOON)

    def test_an_engine_that_asked_for_patience_is_left_alone_on_that_trunk(self) -> None:
        """Case 12: 30 s without a new call through the trunk; another trunk goes on."""
        refused = {"status": "failed", "dial": "refused", "refusal": "capacity", "connection_id": self.connection.pk}
        factories.make_call(self.client_org, direction="outbound", trunk=self.line.transfer_trunk, next_check_at=NOON + 30 * SECOND, **refused)
        campaign = running_campaign(self.client_org, 5, number=self.line, has_own_number=True)
        self.assertEqual([tick(campaign, NOON + second * SECOND) for second in (0, 29)], [0, 0])
        other = running_campaign(self.client_org, 5, number=make_line(self.client_org), has_own_number=True)
        self.assertEqual(tick(other), 5)
        self.assertEqual(tick(campaign, NOON + 30 * SECOND), 5)


class ParallelTest(RaceCase):
    def test_an_agency_s_lines_hold_although_its_clients_use_two_engines(self) -> None:
        with acting(Scope((self.agency.pk,))):
            Limits.objects.create(organization=self.agency, concurrent_calls=7)
        make_connection(self.client_org)
        make_line(self.agency)
        first = running_campaign(self.client_org, 20, max_concurrent_calls=3)
        self.assertEqual(tick(first), 3)
        ours, theirs = (running_campaign(each, 20, max_concurrent_calls=20) for each in (self.client_org, self.agency))

        def work(campaign: Campaign) -> Any:
            return lambda: sum(tick(campaign) for _second in range(3))

        self.assertEqual(sum(together(work(theirs), work(ours), work(theirs), work(ours))), 4)
        calls = [call for campaign in (first, ours, theirs) for call in calls_of(campaign)]
        self.assertEqual((len(calls), len({call.connection_id for call in [calls_of(first)[0], *calls_of(theirs)]})), (7, 2 if calls_of(theirs) else 1))
