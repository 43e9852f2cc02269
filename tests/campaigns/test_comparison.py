"""Which side a lead is on, and whether a difference is more than chance."""

from __future__ import annotations

import uuid
from unittest import TestCase

from apps.campaigns.comparison import Interval, compared, difference, leads_needed, mean_difference, wilson
from apps.campaigns.comparison_words import verdict
from apps.campaigns.results.figures import Talk, figures_of
from apps.campaigns.variants import side_of
from tests import factories
from tests.campaigns.support import running_campaign, sandbox
from tests.campaigns.test_results_page import PLAN, make_attempt, missed
from tests.cases import TenantCase

# Newcombe 1998, Statistics in Medicine 17:873, table II, method 10: p1, p2 and the interval of p1 - p2.
NEWCOMBE = (
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0000),
    ((10, 10), (0, 10), 0.6075, 1.0000),
)
# Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
WILSON = (((81, 263), 0.2553, 0.3662), ((15, 148), 0.0624, 0.1605), ((0, 20), 0.0, 0.1611), ((1, 29), 0.0061, 0.1718))


class IntervalTest(TestCase):
    def test_published_values_of_a_share(self) -> None:
        for (hits, total), low, high in WILSON:
            self.assertEqual(tuple(round(each, 4) for each in wilson(hits, total)), (low, high))

    def test_published_values_of_a_difference(self) -> None:
        for (b_hits, b_total), (a_hits, a_total), low, high in NEWCOMBE:
            found = difference(a_hits, a_total, b_hits, b_total)
            assert found is not None
            self.assertEqual((round(found.low, 4), round(found.high, 4)), (low, high))
            turned = difference(b_hits, b_total, a_hits, a_total)
            assert turned is not None
            self.assertAlmostEqual(turned.low, -found.high)

    def test_significant_means_that_zero_lies_outside(self) -> None:
        self.assertEqual([Interval(0.1, low, high).is_significant for low, high in ((0.01, 0.2), (-0.01, 0.2), (-0.3, -0.1))], [True, False, True])
        self.assertIsNone(difference(0, 0, 1, 2))

    def test_means(self) -> None:
        """Deviations 30 and 40 over 100 talks each: the error is 5 seconds, 1.96 of it to each side."""
        a, b = Talk(answered=100, mean=60.0, deviation=30.0), Talk(answered=100, mean=72.0, deviation=40.0)
        found = mean_difference(a, b)
        assert found is not None
        self.assertEqual((found.difference, round(found.low, 2), round(found.high, 2)), (12.0, 2.2, 21.8))
        self.assertIsNone(mean_difference(Talk(answered=29, mean=1.0, deviation=1.0), b))

    def test_leads_needed(self) -> None:
        """50 % against 60 % at 5 % and power 80 %: 388 a side (Fleiss, table A.4 less the continuity correction)."""
        self.assertEqual(leads_needed(0.5, 0.6), 388)
        self.assertEqual(leads_needed(0.6, 0.5), 388)
        self.assertIsNone(leads_needed(0.3, 0.3))


# By sha256sum over the bytes of both ids.
SIDES = "babaaaabaaba"


class SideTest(TestCase):
    campaign = uuid.UUID("018f0000-0000-7000-8000-000000000001")

    def test_the_same_every_time_on_every_machine(self) -> None:
        leads = [uuid.UUID(int=number) for number in range(12)]
        self.assertEqual("".join(side_of(self.campaign, lead, 50) for lead in leads), SIDES)

    def test_a_larger_share_only_moves_leads_to_b(self) -> None:
        leads = [uuid.UUID(int=number) for number in range(20_000)]
        before: set[uuid.UUID] = set()
        for percent in (0, 1, 10, 50, 99, 100):
            found = {lead for lead in leads if side_of(self.campaign, lead, percent) == "b"}
            self.assertLessEqual(before, found)
            self.assertLess(abs(len(found) - 200 * percent), 300, percent)
            before = found
        self.assertEqual(len(before), 20_000)

    def test_campaigns_split_the_same_leads_differently(self) -> None:
        leads = [uuid.UUID(int=number) for number in range(1000)]
        other = uuid.uuid4()
        both = sum(side_of(self.campaign, lead, 50) == side_of(other, lead, 50) for lead in leads)
        self.assertTrue(400 < both < 600, both)


class ComparedTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        self.enterContext(self.acting_for(self.client_org))
        assistant = factories.make_assistant(self.client_org, analysis_plan=PLAN)
        other = factories.make_assistant(self.client_org, name="Second voice")
        self.campaign = running_campaign(self.client_org, 0, assistant=assistant, variant_assistant=other, variant_percent=50)

    def add(self, variant: str, status: str, result: str, interested: bool | None = None) -> None:
        lead = factories.make_lead(self.campaign, status=status, result=result, reason="finished", variant=variant)
        said = None if interested is None else {"interested": interested}
        make_attempt(lead, {"analysis_result": said} if result == "user_hangup" else missed(result), variant=variant)

    def test_both_sides(self) -> None:
        for interested in (True, False, True):
            self.add("a", "completed", "user_hangup", interested)
        self.add("a", "failed", "busy")
        self.add("b", "completed", "user_hangup", True)
        self.add("b", "failed", "no_answer")
        self.add("b", "pending", "no_answer")
        found = compared(self.campaign, figures_of(self.campaign), "interested")
        assert found is not None
        self.assertEqual((found.b_name, found.fields, found.success), ("Second voice", ["interested"], "interested"))
        self.assertEqual((found.a.leads, found.a.finished, found.a.answered, found.a.successes), (4, 4, 3, 2))
        self.assertEqual((found.b.leads, found.b.finished, found.b.answered, found.b.successes), (3, 2, 1, 1))
        self.assertEqual(found.answers, difference(3, 4, 1, 2))
        self.assertEqual(found.successes, difference(2, 4, 1, 2))
        self.assertIn("Measured by “interested”: the difference is not significant", verdict(found))
        self.assertIn("fewer than 200 leads", verdict(found))
        completed = compared(self.campaign, figures_of(self.campaign), "nonsense")
        assert completed is not None
        self.assertEqual((completed.success, completed.a.successes, completed.b.successes), ("", 3, 1))

    def test_a_clear_difference_is_named(self) -> None:
        for _number in range(12):
            self.add("a", "failed", "busy")
            self.add("b", "completed", "user_hangup")
        found = compared(self.campaign, figures_of(self.campaign))
        assert found is not None
        self.assertTrue(verdict(found).startswith("Measured by “Completed”: B is ahead of A"))

    def test_nothing_to_compare(self) -> None:
        plain = running_campaign(self.client_org, 1)
        self.assertIsNone(compared(plain, figures_of(plain)))
        found = compared(self.campaign, figures_of(self.campaign))
        assert found is not None
        self.assertIsNone(found.successes)
        self.assertIn("until each side", verdict(found))
