"""The forecast: the same answers as the dialler gives, a finish that can be worked out by hand, and a figure for its speed."""

from __future__ import annotations

import datetime as dt
import time
from unittest import mock
from zoneinfo import ZoneInfo

from django.db import connection
from django.test import SimpleTestCase
from django.test.utils import CaptureQueriesContext

from apps.campaigns.dialler.gates import stops_among
from apps.campaigns.dialler.sql import Due
from apps.campaigns.finish import Pace, finish_of
from apps.campaigns.forecast import Experience, Forecast, experience_of, forecast_of, skipped_for
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules import Hours, Rules, place_of
from apps.core.scope import Scope, acting
from tests import factories
from tests.campaigns.support import NOON, make_line, sandbox, wide
from tests.cases import TenantCase

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = dt.datetime(2026, 11, 16, 9, tzinfo=BERLIN)

MANY = """
INSERT INTO campaigns_lead (id, organization_id, campaign_id, position, phone_number, variables, place, consent, status, reason,
    attempts, last_call_id, result, timezone, region, consent_proof, variant)
SELECT gen_random_uuid(), %s, %s, number, '+49' || (ARRAY['30', '40', '69', '89', '211'])[1 + number %% 5] || 1000000 + number,
    '{}', 'DE||Europe/Berlin', 'express', 'pending', '', 0, '', '', '', '', '', ''
FROM generate_series(1, 20000) AS number
"""


def office(place: str, now: dt.datetime) -> Hours:
    """09:00 to 17:00 every day: in Berlin, and elsewhere six hours later."""
    if place == "never":
        return Hours(False, None, None, Lead.Reason.NEVER_OPEN)
    opens = 9 if place == "early" else 15
    local = now.astimezone(BERLIN)
    start = local.replace(hour=opens, minute=0, second=0, microsecond=0)
    if start <= local < start + 8 * HOUR:
        return Hours(True, start + 8 * HOUR, now, None)
    return Hours(False, None, start if local < start else start + DAY, Lead.Reason.WAITING_WINDOW)


class FinishTest(SimpleTestCase):
    def finish(self, leads: dict[str, int], per_hour: float, *again: float, now: dt.datetime = MONDAY) -> list[dt.datetime | None]:
        found = finish_of(leads, office, Pace(1, 3600 / per_hour), again=list(again), delay=HOUR, now=now)
        return [found.first and found.first.astimezone(BERLIN), found.last and found.last.astimezone(BERLIN)]

    def test_it_is_the_number_over_the_pace(self) -> None:
        self.assertEqual(self.finish({"early": 40}, 10), [MONDAY, MONDAY + 4 * HOUR])

    def test_the_night_lies_between(self) -> None:
        self.assertEqual(self.finish({"early": 100}, 10), [MONDAY, MONDAY + DAY + 2 * HOUR])

    def test_before_the_hours_nothing_begins(self) -> None:
        self.assertEqual(self.finish({"early": 10}, 10, now=MONDAY - 3 * HOUR), [MONDAY, MONDAY + HOUR])

    def test_two_places_share_the_lines_while_both_are_open(self) -> None:
        # Six hours of "early" alone, then both until 17:00; what is left of "late" goes on alone.
        self.assertEqual(self.finish({"early": 65, "late": 15}, 10), [MONDAY, MONDAY + 8 * HOUR])
        self.assertEqual(self.finish({"early": 60, "late": 20}, 10), [MONDAY, MONDAY + 8 * HOUR])

    def test_a_second_attempt_waits_its_time(self) -> None:
        # 10 leads in one hour; half of them again, not before the last one's hour is over.
        self.assertEqual(self.finish({"early": 10}, 10, 0.5), [MONDAY, MONDAY + 2 * HOUR])
        self.assertEqual(self.finish({"early": 40}, 10, 0.5), [MONDAY, MONDAY + 6 * HOUR])

    def test_never(self) -> None:
        self.assertEqual(self.finish({"never": 10}, 10), [None, None])
        first, last = self.finish({"early": 10_000}, 1)
        self.assertEqual((first, last), (MONDAY, None))

    def test_starts_may_be_slower_than_lines(self) -> None:
        self.assertEqual(Pace(10, 10, 0.5).per_second, 0.5)
        self.assertEqual(Pace(10, 10, 5).per_second, 1.0)


class ForecastTest(TenantCase):
    def setUp(self) -> None:
        make_line(self.client_org)
        self.connection = sandbox(engine={"kind": "sandbox", "simulated": False, "features": []}, engine_read_at=NOON)
        self.campaign = factories.make_campaign(
            self.client_org, purpose="marketing", uses_lead_zone=True, timezone="Europe/Amsterdam", max_concurrent_calls=4,
            max_attempts=2,
        )  # fmt: skip

    def lead(self, number: str, **fields: object) -> Lead:
        values = {"phone_number": number, "place": place_of(phone_number=number), "consent": "express"} | fields
        return factories.make_lead(self.campaign, **values)

    def forecast(self) -> Forecast:
        with wide(self.client_org):
            return forecast_of(self.campaign, NOON)

    def mixed(self) -> None:
        """One for each answer, twice as many that are called, and a stranger's list that says nothing here."""
        self.lead("+4915112345601")
        self.lead("+4915112345602")
        self.lead("+4915112345603", consent="")
        self.lead("+4915112345604")
        self.lead("+4990012345678")
        self.lead("+4915112345605", status="completed")
        factories.make_refusal(self.client_org, "+4915112345604")
        factories.make_refusal(self.stranger, "+4915112345601")

    def test_it_says_what_the_dialler_will_do(self) -> None:
        self.mixed()
        found = self.forecast()
        self.assertEqual(found.pending, 5)
        self.assertEqual(found.skipped, {"no_consent": 1, "do_not_call": 1, "not_allowed": 1})
        self.assertEqual((found.called, found.about), (2, False))
        self.assertEqual(self.stopped(), found.skipped)

    def stopped(self) -> dict[str, int]:
        """What the dialler's own gates say of the same leads."""
        with wide(self.client_org):
            leads = Lead.objects.for_organization(self.client_org).filter(campaign=self.campaign).pending()
            due = [
                Due(1, each.pk, each.phone_number, each.place, {}, each.consent, None, "", None, None, each.position, 1)
                for each in leads
            ]
            stops = stops_among(self.campaign, due, Rules.of(self.campaign, NOON), NOON)
        counts: dict[str, int] = {}
        for stop in stops.values():
            counts[str(stop.reason)] = counts.get(str(stop.reason), 0) + 1
        return counts

    def test_the_link_behind_each_count_finds_as_many(self) -> None:
        self.mixed()
        for most in (2000, 1):
            with mock.patch("apps.campaigns.forecast.ONE_BY_ONE", most), wide(self.client_org):
                found = forecast_of(self.campaign, NOON)
                rules = Rules.of(self.campaign, NOON)
                leads = Lead.objects.for_organization(self.client_org).filter(campaign=self.campaign).pending()
                counts = {
                    reason: leads.filter(skipped_for(self.campaign, reason, rules, NOON)).count() for reason in found.skipped
                }
            self.assertEqual(counts, found.skipped)
            self.assertEqual(sum(counts.values()), 3)

    def test_a_window_of_which_nothing_is_legal(self) -> None:
        # German law leaves no hour of the night; the campaign wants nothing else.
        self.lead("+4915112345601")
        self.change(windows=[{"days": [7], "start": "02:00", "end": "03:00"}])
        found = self.forecast()
        self.assertEqual(found.skipped, {"never_open": 1})
        self.assertEqual((found.called, found.finish.first), (0, None))

    def change(self, **fields: object) -> None:
        with acting(Scope((self.client_org.pk,))):
            Campaign.objects.for_organization(self.client_org).filter(pk=self.campaign.pk).update(**fields)
            self.campaign.refresh_from_db()

    def test_the_last_calls_of_the_assistant_or_an_assumption(self) -> None:
        with wide(self.client_org):
            self.assertEqual(experience_of(self.campaign), Experience())
        values = {"assistant": self.campaign.assistant, "direction": "outbound", "dial": "accepted", "is_simulated": False}
        for number in range(20):
            answered = {} if number < 5 else {"started_at": None, "status": "failed", "end_reason": "no_answer"}
            factories.make_call(self.client_org, **values | {"duration_seconds": 60 + number % 2, "origin": "api"} | answered)
        factories.make_call(self.client_org, **values | {"duration_seconds": 9999, "origin": f"test:{self.campaign.pk}"})
        with wide(self.client_org):
            found = experience_of(self.campaign)
        self.assertEqual((found.calls, found.answered), (20, 0.25))
        self.assertAlmostEqual(found.seconds, 60.4)
        self.assertTrue(0.1 < found.answered_low < 0.25 < found.answered_high < 0.5)

    def test_cost_is_a_range_that_the_balance_is_compared_with(self) -> None:
        for number in range(10):
            self.lead(f"+49151123456{number:02d}")
        factories.add_credits(self.agency, 3)
        cost = self.forecast().cost
        # 10 leads, two attempts; 20 % to 60 % are answered, 45 s to 180 s at one credit a minute.
        self.assertEqual((cost.low, cost.high), (round(10 * 0.36 * 750_000), round(10 * 0.84 * 3_000_000)))
        self.assertEqual((cost.rate, cost.have), (1_000_000, 3_000_000))

    def test_simulated_calls_cost_nothing(self) -> None:
        self.lead("+4915112345601")
        with acting(Scope(())):
            self.connection.change(NOON, engine=self.connection.engine | {"simulated": True})
        self.assertIsNone(self.forecast().cost)

    def test_as_many_queries_for_three_as_for_one(self) -> None:
        for _round in range(2):
            self.lead(f"+4915112345{600 + _round}")
            with wide(self.client_org), CaptureQueriesContext(connection) as captured:
                forecast_of(self.campaign, NOON)
            self.assertEqual(len(captured), 14)
            self.lead(f"+4915112345{700 + _round}")

    def test_twenty_thousand_leads_take_a_moment(self) -> None:
        with wide(self.client_org):
            with connection.cursor() as cursor:
                cursor.execute(MANY, [self.client_org.pk, self.campaign.pk])
            forecast_of(self.campaign, NOON)
            started = time.perf_counter()
            found = forecast_of(self.campaign, NOON)
            took = time.perf_counter() - started
        self.assertEqual((found.pending, found.called, found.about), (20_000, 20_000, True))
        self.assertLess(took, 2, f"{took:.2f} s")
