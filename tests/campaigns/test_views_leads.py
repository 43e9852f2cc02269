"""Leads on the pages of a running campaign: the one reason each has, filters, one lead's page, and what a person decides."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any
from unittest import mock

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.campaigns.models import Attempt, Campaign, Lead
from apps.campaigns.reasons import count_reasons, with_reason
from apps.campaigns.rules import place_of
from apps.campaigns.selectors import campaign_state, next_attempt_of, reason_of
from apps.core import db
from apps.voice.models import Connection
from tests import factories
from tests.campaigns.page_case import PARTIAL, PageCase
from tests.campaigns.support import NOON, wide

ALWAYS = {"schedule_start_time": dt.time(0), "schedule_end_time": dt.time(23, 59, 59)}
HOUR = dt.timedelta(hours=1)


class RunningCase(PageCase):
    """A campaign that may call at any hour, and an engine that is there."""

    def setUp(self) -> None:
        super().setUp()
        self.change(status="scheduled", started_at=factories.NOW, **ALWAYS)
        with self.acting_for(self.client_org):
            self.engine = Connection.objects.create(
                organization=self.client_org, name="Engine", base_url="http://127.0.0.1:1", api_key="x", hook_secret="y",
                engine={"kind": "x", "features": [], "simulated": True}, engine_read_at=db.now(),
            )  # fmt: skip

    def lead(self, **fields: Any) -> Lead:
        number = fields.get("phone_number")
        return factories.make_lead(self.campaign, **({"place": place_of(phone_number=number)} if number else {}) | fields)

    def act(self, name: str, lead: Lead, client: Any = None, **data: Any) -> Any:
        return (client or self.browser).post(self.url(name, self.campaign.pk, lead.pk), data, follow=True)

    def fresh(self, lead: Lead) -> Lead:
        with self.acting_for(self.client_org):
            return Lead.objects.get(pk=lead.pk)


class ReasonTest(RunningCase):
    def make_all(self) -> None:
        """Leads of every kind, in places that are open, closed and never open at noon on a Wednesday in Europe."""
        later, soon = NOON + 30 * HOUR, NOON + dt.timedelta(minutes=5)
        for number in ("+4915112345601", "+12125550101", "+81312345601"):
            for fields in (
                {}, {"next_attempt_at": soon, "attempts": 1}, {"next_attempt_at": later, "attempts": 1},
                {"next_attempt_at": later, "reason": "call_back"}, {"next_attempt_at": soon, "reason": "number_gap"},
                {"next_attempt_at": NOON - HOUR}, {"status": "calling"},
            ):  # fmt: skip
                self.lead(**{"place": place_of(phone_number=number)} | fields)
        self.lead(status="skipped", reason="skipped")
        self.lead(status="skipped", reason="do_not_call")
        self.lead(status="failed", reason="in_doubt")
        self.lead(status="failed", reason="")
        self.lead(status="completed", reason="finished")

    def judged(self) -> dict[str | None, set[Any]]:
        """Leads by reason as `reason_of` says one by one; the conditions must choose the same."""
        with wide(self.client_org):
            campaign = Campaign.objects.select_related("organization", "assistant").get(pk=self.campaign.pk)
            state = campaign_state(campaign, NOON)
            leads = Lead.objects.for_organization(self.client_org).filter(campaign=campaign)
            expected: dict[str | None, set[Any]] = {}
            for lead in leads:
                expected.setdefault(reason_of(lead, state), set()).add(lead.pk)
            calling = expected.pop(None)
            self.assertEqual(len(calling), 3)
            found = {
                reason: set(with_reason(leads, reason, state).values_list("pk", flat=True)) for reason in Lead.Reason.values
            }
            counts = count_reasons(leads, state)
        self.assertEqual({reason: pks for reason, pks in found.items() if pks}, expected)
        self.assertEqual(counts, {reason: len(pks) for reason, pks in expected.items()})
        return expected

    def test_the_filter_chooses_what_the_one_reason_says(self) -> None:
        self.make_all()
        always = set(self.judged())
        self.assertLessEqual({"waiting_slot", "waiting_retry", "call_back", "number_gap", "in_doubt"}, always)
        self.change(uses_lead_zone=True, schedule_start_time=dt.time(9), schedule_end_time=dt.time(17))
        self.assertIn("waiting_window", self.judged())
        self.change(schedule_start_time=dt.time(9), schedule_end_time=dt.time(17), purpose="marketing")
        self.assertIn("waiting_window", self.judged())
        with self.acting_for(self.client_org):
            Connection.objects.update(failing_since=NOON)
        self.assertIn("engine_unavailable", self.judged())
        for status, paused_by, reason in (
            ("paused", "breaker", "breaker"), ("paused", "person", "paused"), ("paused", "balance", "no_balance"),
            ("paused", "minutes", "minutes_used_up"), ("draft", "", "paused"),
        ):  # fmt: skip
            self.change(status=status, paused_by=paused_by)
            self.assertIn(reason, self.judged())

    def test_filters_show_their_counts_and_narrow_the_list(self) -> None:
        self.lead(phone_number="+4915112345601", status="skipped", reason="do_not_call")
        self.lead(phone_number="+4915112345602", status="completed", reason="finished", result="user_hangup")
        self.lead(phone_number="+442079460101")
        page = html.unescape(self.detail())
        for words in ("Do not call (1)", "Caller hung up (1)", "DE · Europe/Berlin (2)", "Completed (1)"):
            self.assertIn(words, page)
        for query, numbers in (
            ({"reason": "do_not_call"}, ["601"]), ({"result": "user_hangup"}, ["602"]), ({"place": "DE||Europe/Berlin"}, ["601", "602"]),
            ({"reason": "waiting_slot"}, ["101"]), ({"status": "completed", "reason": "do_not_call"}, []),
        ):  # fmt: skip
            page = self.browser.get(self.url("leads", self.campaign.pk), query, headers=PARTIAL).content.decode()
            shown = [end for end, words in (("601", "2345601<"), ("602", "2345602<"), ("101", "7946 0101<")) if words in page]
            self.assertEqual(shown, numbers, query)

    def test_the_next_attempt_is_told_by_the_leads_clock(self) -> None:
        at = dt.datetime(2031, 7, 1, 16, 0, tzinfo=dt.UTC)
        self.change(uses_lead_zone=True)
        lead = self.lead(phone_number="+12125550101", next_attempt_at=at, attempts=1)
        with wide(self.client_org):
            campaign = Campaign.objects.select_related("organization", "assistant").get(pk=self.campaign.pk)
            self.assertEqual(next_attempt_of(lead, campaign_state(campaign, db.now())), at)
        page = self.browser.get(self.url("leads", self.campaign.pk), headers=PARTIAL).content.decode()
        self.assertIn("Tue 1 Jul 12:00", page)
        self.assertIn("America/New_York", page)
        self.assertIn("for you Tue 1 Jul", page)


class DecideTest(RunningCase):
    def test_skip_and_put_back(self) -> None:
        at = db.now() + HOUR
        lead = self.lead(next_attempt_at=at, attempts=1, reason="number_gap")
        self.assertIn("is skipped", self.act("lead_skip", lead).content.decode())
        self.assertEqual((self.fresh(lead).status, self.fresh(lead).reason), ("skipped", "skipped"))
        self.assertIn("not waiting any more", self.act("lead_skip", lead).content.decode())
        self.assertIn("waits again", self.act("lead_put_back", lead).content.decode())
        found = self.fresh(lead)
        self.assertEqual((found.status, found.reason, found.next_attempt_at), ("pending", "waiting_retry", at))

    def test_what_nobody_skipped_is_not_put_back(self) -> None:
        for fields in ({"status": "skipped", "reason": "do_not_call"}, {"status": "completed"}, {}):
            lead = self.lead(**fields)
            self.assertIn("Nobody has skipped", self.act("lead_put_back", lead).content.decode())
            self.assertEqual(self.fresh(lead).status, lead.status)

    def test_a_lead_that_is_called_is_not_skipped(self) -> None:
        lead = self.lead(status="calling")
        self.assertIn("is being called", self.act("lead_skip", lead).content.decode())
        self.assertEqual(self.fresh(lead).status, "calling")

    def test_after_its_end_nothing_is_decided_any_more(self) -> None:
        lead = self.lead(status="skipped", reason="skipped")
        self.change(status="completed")
        self.assertIn("cannot be changed", self.act("lead_put_back", lead).content.decode())
        self.assertEqual(self.fresh(lead).status, "skipped")

    def test_call_now_comes_first(self) -> None:
        lead = self.lead(next_attempt_at=db.now() + HOUR, attempts=1)
        self.assertIn("is called next", self.act("lead_call", lead).content.decode())
        found = self.fresh(lead)
        self.assertIsNotNone(found.hurried_at)
        self.assertEqual((found.next_attempt_at, found.reason), (None, ""))

    def test_call_now_outside_the_hours_is_refused_with_the_time_and_can_wait(self) -> None:
        lead = self.lead()
        self.change(schedule_days=[(db.now().isoweekday() + 2) % 7 + 1])
        answer = self.browser.post(self.url("lead_call", self.campaign.pk, lead.pk))
        page = answer.content.decode()
        self.assertEqual(answer.status_code, 409)
        self.assertIn("outside the calling hours", page)
        self.assertIn("Call as soon as allowed", page)
        self.assertIn("00:00", page)
        self.assertIsNone(self.fresh(lead).hurried_at)
        self.act("lead_call", lead, whenever="1")
        self.assertIsNotNone(self.fresh(lead).hurried_at)

    def test_call_now_never_passes_the_do_not_call_list(self) -> None:
        lead = self.lead(phone_number="+442079460199")
        factories.make_refusal(self.agency, "+442079460199")
        for data in ({}, {"whenever": "1"}):
            answer = self.browser.post(self.url("lead_call", self.campaign.pk, lead.pk), data)
            self.assertEqual(answer.status_code, 409)
            self.assertIn("do-not-call list", answer.content.decode())
            self.assertNotIn("Call as soon as allowed", answer.content.decode())
        self.assertIsNone(self.fresh(lead).hurried_at)

    def test_a_number_that_was_called_a_moment_ago_waits(self) -> None:
        lead = self.lead(phone_number="+442079460199")
        ended = db.now()
        factories.make_call(
            self.client_org, direction="outbound", other_number="+442079460199", dial="accepted", origin="api", sent_at=ended,
            ended_at=ended,
        )  # fmt: skip
        answer = self.browser.post(self.url("lead_call", self.campaign.pk, lead.pk))
        self.assertIn("called a moment ago", answer.content.decode())
        self.act("lead_call", lead, whenever="1")
        found = self.fresh(lead)
        self.assertEqual((found.reason, found.next_attempt_at), ("number_gap", ended + dt.timedelta(minutes=5)))

    def test_a_campaign_that_does_not_run_calls_nobody(self) -> None:
        lead = self.lead()
        self.change(status="paused", paused_by="person")
        self.assertIn("not running", self.act("lead_call", lead).content.decode())
        self.assertIsNone(self.fresh(lead).hurried_at)

    def test_many_at_once_after_a_question(self) -> None:
        for number in range(3):
            self.lead(phone_number=f"+44207946010{number}", variables={"name": "Sam" if number else "Zoë"})
        other = factories.make_lead(self.make(), variables={"name": "Sam"})
        url = self.url("leads_skip", self.campaign.pk) + "?q=sam"
        page = self.browser.get(url).content.decode()
        self.assertIn("2 waiting leads of this selection", page)
        self.assertEqual({lead.status for lead in self.leads()}, {"pending"})
        self.assertIn("2 leads are skipped", self.browser.post(url, follow=True).content.decode())
        self.assertEqual([lead.status for lead in self.leads()], ["pending", "skipped", "skipped"])
        self.assertEqual(self.fresh(other).status, "pending")


class LeadPageTest(RunningCase):
    def test_what_the_person_would_hear_with_gaps_marked(self) -> None:
        self.change(system_message_template="You call {{name}} of {{company}}.")
        with self.acting_for(self.client_org):
            self.assistant.change(factories.NOW, first_message="Hello {{name}}!")
        lead = self.lead(phone_number="+442079460101", variables={"name": "<b>Sam</b>"})
        page = self.page("lead", self.campaign.pk, lead.pk)
        self.assertIn('Hello <strong class="text-brand-ink">&lt;b&gt;Sam&lt;/b&gt;</strong>!', page)
        self.assertRegex(page, r"<mark[^>]*>\{\{company\}\}</mark>")
        self.assertIn("May be called.", page)

    def test_every_attempt_with_its_call(self) -> None:
        lead = self.lead(attempts=1)
        for number, (outcome, counted) in enumerate([("capacity", False), ("no_answer", True), ("", True)], 1):
            call = factories.make_call(self.client_org, origin=self.campaign.origin, direction="outbound")
            settled = None if not outcome else factories.NOW
            factories._make(
                Attempt, self.client_org, lead=lead, campaign=self.campaign, number=number, call=call, outcome=outcome,
                is_counted=counted, settled_at=settled,
            )  # fmt: skip
        page = self.page("lead", self.campaign.pk, lead.pk)
        self.assertEqual(page.count("Open call"), 3)
        self.assertEqual(page.count("not counted"), 1)
        self.assertLess(page.index('data-status="no_answer"'), page.index('data-status="capacity"'))

    def test_another_campaigns_lead_is_not_found(self) -> None:
        lead = factories.make_lead(self.make())
        self.assertEqual(self.browser.get(self.url("lead", self.campaign.pk, lead.pk)).status_code, 404)
        for name in ("lead_skip", "lead_put_back", "lead_call"):
            self.assertEqual(self.browser.post(self.url(name, self.campaign.pk, lead.pk)).status_code, 404, name)

    def test_as_many_queries_for_three_attempts_as_for_one(self) -> None:
        lead, counts = self.lead(), []
        self.page("lead", self.campaign.pk, lead.pk)
        for number in range(1, 4):
            call = factories.make_call(self.client_org, origin=self.campaign.origin, direction="outbound")
            factories._make(Attempt, self.client_org, lead=lead, campaign=self.campaign, number=number, call=call)
            with CaptureQueriesContext(connection) as captured:
                self.page("lead", self.campaign.pk, lead.pk)
            counts.append(len(captured))
        self.assertEqual(counts[0], counts[2])


class TestCallTest(RunningCase):
    def setUp(self) -> None:
        super().setUp()
        self.change(system_message_template="You call {{name}}.")
        self.first = self.lead(phone_number="+442079460101", variables={"name": "Sam"})
        self.second = self.lead(phone_number="+442079460102", variables={"name": "Zoë"})

    def post(self, **data: Any) -> tuple[Any, list[Any]]:
        values = {
            "lead": str(self.second.pk), "country": "NL", "phone_number": "06 12345678",
            "key": "01890000-0000-7000-8000-000000000001",
        }  # fmt: skip
        asked: list[Any] = []

        def start(*, request: Any, now: Any) -> Any:
            asked.append(request)
            return factories.make_call(self.client_org, direction="outbound", origin=request.origin)

        with mock.patch("apps.campaigns.services.trial.start_call", start):
            answer = self.browser.post(self.url("campaign_test", self.campaign.pk), values | data)
        return answer, asked

    def test_my_phone_rings_with_the_leads_values(self) -> None:
        answer, (asked,) = self.post()
        self.assertEqual(answer.status_code, 302)
        self.assertEqual((asked.to, asked.variables, asked.system_message), ("+31612345678", {"name": "Zoë"}, "You call {{name}}."))
        self.assertEqual((asked.origin, asked.assistant), (f"test:{self.campaign.pk}", self.assistant))
        self.assertEqual((self.fresh(self.second).status, self.fresh(self.second).attempts), ("pending", 0))
        self.assertIn("+31612345678", self.page("campaign_test", self.campaign.pk))

    def test_the_preview_follows_the_chosen_lead(self) -> None:
        self.assertIn(">Sam</strong>", self.page("campaign_test", self.campaign.pk))
        self.assertIn(">Zoë</strong>", self.page("campaign_test", self.campaign.pk, lead=str(self.second.pk)))
        self.assertIn(">Sam</strong>", self.page("campaign_test", self.campaign.pk, lead="nonsense"))

    def test_what_is_no_number_comes_back(self) -> None:
        answer, asked = self.post(phone_number="12")
        self.assertEqual((answer.status_code, asked), (422, []))
        self.assertIn("too short", answer.content.decode())

    def test_a_strangers_lead_is_no_choice(self) -> None:
        foreign = factories.make_lead(factories.make_campaign(self.stranger))
        answer, asked = self.post(lead=str(foreign.pk))
        self.assertEqual((answer.status_code, asked), (422, []))
        self.assertNotIn(foreign.phone_number, self.page("campaign_test", self.campaign.pk, lead=str(foreign.pk)))

    def test_a_number_on_the_list_is_refused(self) -> None:
        factories.make_refusal(self.client_org, "+31612345678")
        data = {"lead": str(self.first.pk), "country": "NL", "phone_number": "06 12345678", "key": "01890000-0000-7000-8000-000000000002"}
        answer = self.browser.post(self.url("campaign_test", self.campaign.pk), data)
        self.assertEqual(answer.status_code, 422)
        self.assertIn("do-not-call list", answer.content.decode())
