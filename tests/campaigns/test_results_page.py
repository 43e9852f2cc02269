"""Figures, the results page, and calling leads again."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.models import Call
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.campaigns.results.fields import fields_of
from apps.campaigns.results.figures import figures_of
from apps.campaigns.results.outcomes import leads_with, outcome_of
from apps.core.scope import Scope, acting
from tests import factories
from tests.campaigns.support import NOON, running_campaign, sandbox
from tests.cases import TenantCase

SCHEMA = {
    "type": "object",
    "properties": {
        "interested": {"type": "boolean", "title": "Is interested"},
        "plan": {"type": "string", "enum": ["small", "large", "none"]},
        "seats": {"type": "integer"},
        "note": {"type": "string"},
    },
}
PLAN = {"structured_data_plan": {"enabled": True, "schema": SCHEMA}}
FATES = (
    ("completed", "finished", "user_hangup", "answered"),
    ("completed", "finished", "transferred", "answered"),
    ("completed", "finished", "voicemail", "voicemail"),
    ("failed", "finished", "voicemail", "voicemail"),
    ("failed", "finished", "no_answer", "no_answer"),
    ("failed", "finished", "busy", "busy"),
    ("failed", "finished", "declined", "declined"),
    ("failed", "finished", "invalid_number", "invalid_number"),
    ("failed", "in_doubt", "in_doubt", "in_doubt"),
    ("failed", "finished", "error", "error"),
    ("failed", "", "", "error"),
    ("skipped", "do_not_call", "do_not_call", "skipped:do_not_call"),
    ("skipped", "no_consent", "", "skipped:no_consent"),
    ("skipped", "finished", "cancelled", "skipped:cancelled"),
    ("skipped", "finished", "", "skipped:cancelled"),
    ("pending", "", "busy", "waiting"),
    ("calling", "", "", "waiting"),
)


def make_attempt(lead: Lead, call: dict[str, Any] | None = None, **fields: Any) -> Call:
    """A settled try with its call; a talk of 84 seconds that cost a credit unless said otherwise."""
    values = {"direction": "outbound", "cost": 1_000_000, "is_charged": True, "sent_at": NOON, "analysis_result": None} | (call or {})
    made = factories.make_call(lead.organization, **values)
    with acting(Scope((lead.organization_id,))):
        number = Attempt.objects.for_organization(lead.organization_id).filter(lead=lead).count() + 1
        lead.change(NOON, last_call_id=made.public_id)
    factories._make(Attempt, lead.organization, lead=lead, campaign=lead.campaign, number=number, call=made, settled_at=NOON, **fields)
    return made


def missed(reason: str) -> dict[str, Any]:
    return {"status": "failed", "end_reason": reason, "started_at": None, "duration_seconds": None, "cost": 0}


class OutcomeTest(TenantCase):
    def test_every_lead_is_found_under_its_outcome_and_no_other(self) -> None:
        campaign = factories.make_campaign(self.client_org)
        with self.acting_for(self.client_org):
            for status, reason, result, _outcome in FATES:
                factories.make_lead(campaign, status=status, reason=reason, result=result)
            leads = list(Lead.objects.for_organization(self.client_org))
            self.assertEqual([outcome_of(lead.status, lead.reason, lead.result) for lead in sorted(leads, key=lambda each: each.position)], [fate[3] for fate in FATES])
            for outcome in {fate[3] for fate in FATES}:
                found = Lead.objects.for_organization(self.client_org).filter(leads_with(outcome))
                self.assertEqual({lead.pk for lead in found}, {lead.pk for lead in leads if outcome_of(lead.status, lead.reason, lead.result) == outcome}, outcome)
            self.assertFalse(Lead.objects.for_organization(self.client_org).filter(leads_with("nonsense")).exists())


class FiguresTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        self.enterContext(self.acting_for(self.client_org))
        assistant = factories.make_assistant(self.client_org, analysis_plan=PLAN)
        self.campaign = running_campaign(self.client_org, 0, assistant=assistant, timezone="America/New_York")
        # A neighbour whose rows must not be counted.
        other = running_campaign(self.client_org, 0)
        make_attempt(factories.make_lead(other, status="completed", result="user_hangup"), {"duration_seconds": 999, "analysis_result": {"interested": True}})

    def lead(self, status: str = "completed", result: str = "user_hangup", **fields: Any) -> Lead:
        return factories.make_lead(self.campaign, status=status, result=result, reason="finished", **fields)

    def test_calls_talk_and_money(self) -> None:
        for seconds in (5, 40, 100):
            make_attempt(self.lead(), {"duration_seconds": seconds})
        reached = self.lead()
        make_attempt(reached, missed("busy"))
        make_attempt(reached, {"duration_seconds": 300, "cost": 3_000_000})
        make_attempt(self.lead("failed", "voicemail"), {"end_reason": "voicemail", "duration_seconds": 20})
        make_attempt(self.lead("pending", "cancelled"), missed("cancelled") | {"dial": "refused"}, is_counted=False)
        make_attempt(self.lead("calling", ""), {"status": "in-progress", "end_reason": None})
        with self.assertNumQueries(3):
            found = figures_of(self.campaign)
        talk = found.talk
        self.assertEqual((talk.calls, talk.answered, talk.seconds, talk.mean, talk.median), (6, 4, 445, 111.25, 70.0))
        self.assertEqual((talk.cost, talk.cost_per_answered, talk.unpaid), (7_000_000, 1_750_000, 0))
        self.assertEqual(talk.lengths, (1, 0, 1, 1, 0, 1))
        self.assertEqual((found.total, found.finished, found.answered, found.answer_rate), (7, 5, 4, 0.8))

    def test_hours_are_those_of_the_campaign_s_zone(self) -> None:
        """In New York the clocks went back on 1 November 2026: 11:30 UTC is 07:30 before and 06:30 after."""
        for day in (dt.datetime(2026, 10, 31, 11, 30, tzinfo=dt.UTC), dt.datetime(2026, 11, 2, 11, 30, tzinfo=dt.UTC)):
            make_attempt(self.lead(), {"sent_at": day})
        make_attempt(self.lead("failed", "busy"), missed("busy") | {"sent_at": dt.datetime(2026, 11, 2, 3, 0, tzinfo=dt.UTC)})
        found = figures_of(self.campaign)
        self.assertEqual(found.hours, {(6, 7): (1, 1), (1, 6): (1, 1), (7, 22): (1, 0)})
        self.assertEqual([pair for pair in found.by_weekday() if pair != (0, 0)], [(1, 1), (1, 1), (1, 0)])
        self.assertEqual((found.by_hour()[6], found.by_hour()[22]), ((1, 1), (1, 0)))

    def test_analysis_fields(self) -> None:
        for said in (
            {"interested": True, "plan": "small", "seats": 3, "note": "a", "tags": ["x", "y"]},
            {"interested": False, "plan": "small", "seats": 8, "note": "b", "tags": ["x"]},
            {"interested": True, "plan": None, "seats": 4.5, "note": "a", "nested": {"deep": 1}},
        ):
            make_attempt(self.lead(), {"analysis_result": said})
        make_attempt(self.lead(), {"analysis_result": ["no", "object"]})
        with self.assertNumQueries(1):
            found = {field.name: field for field in fields_of(self.campaign)}
        self.assertEqual(list(found), ["interested", "plan", "seats", "note", "tags"])
        self.assertEqual((found["interested"].title, found["interested"].kind, found["interested"].answers), ("Is interested", "boolean", [("true", 2), ("false", 1)]))
        self.assertEqual((found["plan"].kind, found["plan"].answers), ("choice", [("small", 2), ("large", 0), ("none", 0)]))
        self.assertEqual((found["seats"].kind, found["seats"].spread), ("number", (3.0, 15.5 / 3, 4.5, 8.0)))
        self.assertEqual((found["note"].kind, found["note"].answers, found["note"].different), ("text", [("a", 2), ("b", 1)], 2))
        self.assertEqual((found["tags"].answers, found["tags"].total), ([("x", 2), ("y", 1)], 3))

    def test_a_text_field_shows_the_commonest_and_counts_the_rest(self) -> None:
        for number in range(14):
            make_attempt(self.lead(), {"analysis_result": {"note": f"n{max(0, number - 2):02}"}})
        (field,) = [field for field in fields_of(self.campaign) if field.name == "note"]
        self.assertEqual((field.answers[0], len(field.answers), field.total, field.different, field.rest), (("n00", 3), 10, 14, 12, 2))


class ResultsPageTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        assistant = factories.make_assistant(self.client_org, analysis_plan=PLAN)
        self.campaign = running_campaign(self.client_org, 0, assistant=assistant)
        self.base = f"/o/{self.client_org.slug}/campaigns/{self.campaign.pk}"
        self.browser = self.as_(self.cleo)

    def fill(self, count: int) -> None:
        with self.acting_for(self.client_org):
            for _number in range(count):
                lead = factories.make_lead(self.campaign, status="completed", result="user_hangup", reason="finished", variant="a")
                make_attempt(lead, {"analysis_result": {"interested": True, "note": "<b>x</b>"}}, variant="a")

    def test_empty(self) -> None:
        answer = self.browser.get(f"{self.base}/results")
        self.assertContains(answer, "No results yet")
        self.assertNotContains(answer, "report.pdf")

    def test_the_same_queries_for_one_lead_and_three(self) -> None:
        counts = []
        self.browser.get(f"{self.base}/results")
        for number in (1, 2):
            self.fill(number)
            with self.assertNumQueries(18):
                answer = self.browser.get(f"{self.base}/results")
            counts.append(answer.context["figures"].answered)
        self.assertEqual(counts, [1, 3])
        self.assertContains(answer, "Is interested")
        self.assertContains(answer, "&lt;b&gt;x&lt;/b&gt;")
        self.assertNotContains(answer, "<b>x</b>")
        self.assertContains(answer, f'{self.base}?outcome=answered#lead-list"')
        self.assertContains(answer, "Comparison")

    def test_the_link_of_an_outcome_lists_its_leads(self) -> None:
        self.fill(1)
        with self.acting_for(self.client_org):
            factories.make_lead(self.campaign, status="failed", result="busy", reason="finished", phone_number="+31600000099")
        answer = self.browser.get(f"{self.base}?outcome=busy")
        self.assertContains(answer, "+31 6 00000099")
        self.assertEqual(len(answer.context["rows"]), 1)

    def test_report(self) -> None:
        self.fill(1)
        answer = self.browser.get(f"{self.base}/report.pdf")
        self.assertEqual((answer.status_code, answer["Content-Type"], answer.content[:5]), (200, "application/pdf", b"%PDF-"))

    def test_a_viewer_reads_and_does_not_call_again(self) -> None:
        self.fill(1)
        viewer = factories.make_user("Vic")
        factories.make_member(self.client_org, viewer, "viewer")
        browser = self.as_(viewer)
        self.assertNotContains(browser.get(f"{self.base}/results"), "/again")
        self.assertEqual(browser.get(f"{self.base}/again").status_code, 403)
        self.assertEqual(browser.post(f"{self.base}/again", {"name": "x", "outcomes": ["answered"]}).status_code, 403)


class RedialTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        self.campaign = running_campaign(self.client_org, 0, name="Spring", max_attempts=5, purpose="marketing", budget=7, timezone="Europe/London")
        for position, (status, reason, result, _outcome) in enumerate(FATES):
            factories.make_lead(
                self.campaign, status=status, reason=reason, result=result, attempts=3, phone_number=f"+3160000{position:04}",
                variables={"name": f"Lead {position}"}, timezone="Europe/Rome", place="IT||Europe/Rome", consent="written",
                consent_at=NOON, consent_proof="paper", next_attempt_at=NOON, last_call_id="call-x", variant="b", position=position,
            )  # fmt: skip
        self.url = f"/o/{self.client_org.slug}/campaigns/{self.campaign.pk}/again"
        self.browser = self.as_(self.cleo)

    def children(self) -> list[Campaign]:
        with self.acting_for(self.client_org):
            return list(Campaign.objects.for_organization(self.client_org).filter(parent=self.campaign))

    def test_a_draft_with_the_chosen_leads(self) -> None:
        page = self.browser.get(self.url)
        values = [value for value, _label in page.context["form"].fields["outcomes"].choices]
        self.assertIn("skipped:no_consent", values)
        self.assertNotIn("skipped:do_not_call", values)
        self.assertNotIn("waiting", values)
        self.assertEqual(page.context["form"]["outcomes"].value(), ["voicemail", "no_answer", "busy"])
        answer = self.browser.post(self.url, {"name": "Spring (again)", "outcomes": ["busy", "voicemail"]})
        (child,) = self.children()
        self.assertRedirects(answer, f"/o/{self.client_org.slug}/campaigns/{child.pk}", fetch_redirect_response=False)
        self.assertEqual(
            (child.status, child.name, child.max_attempts, child.purpose, child.budget, child.timezone, child.assistant_id),
            ("draft", "Spring (again)", 5, "marketing", 7, "Europe/London", self.campaign.assistant_id),
        )
        self.assertEqual((child.started_at, child.variant_percent, child.hook_id), (None, 0, None))
        with self.acting_for(self.client_org):
            leads = list(Lead.objects.for_organization(self.client_org).filter(campaign=child).oldest())
            self.assertEqual([lead.phone_number for lead in leads], ["+31600000002", "+31600000003", "+31600000005"])
            first = leads[0]
        self.assertEqual((first.status, first.attempts, first.result, first.last_call_id, first.next_attempt_at, first.variant), ("pending", 0, "", "", None, ""))
        self.assertEqual((first.variables, first.timezone, first.place), ({"name": "Lead 2"}, "Europe/Rome", "IT||Europe/Rome"))
        self.assertEqual((first.consent, first.consent_at, first.consent_proof), ("written", NOON, "paper"))

    def test_parent_and_child_name_each_other(self) -> None:
        self.browser.post(self.url, {"name": "Spring (again)", "outcomes": ["busy"]})
        (child,) = self.children()
        self.assertContains(self.browser.get(self.url.replace("again", "results")), "Spring (again)")
        page = self.browser.get(f"/o/{self.client_org.slug}/campaigns/{child.pk}/results")
        self.assertContains(page, f'/campaigns/{self.campaign.pk}/results">Spring</a>')

    def test_nobody_is_smuggled_in(self) -> None:
        """Whoever asked not to be called, or still waits, is no choice; a form that names them all the same is refused."""
        for outcome in ("skipped:do_not_call", "waiting", "nonsense"):
            answer = self.browser.post(self.url, {"name": "x", "outcomes": [outcome]})
            self.assertEqual((answer.status_code, self.children()), (422, []), outcome)
        self.assertEqual(self.browser.post(self.url, {"name": "x"}).status_code, 422)
