"""A comparison while it runs: each lead on its side, its call with that side's assistant or version."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.assistants.models import AssistantVersion
from apps.calls.models import Call
from apps.campaigns.models import Campaign
from apps.campaigns.selectors import campaigns_of_assistant
from apps.campaigns.services.launch import launch_problems
from apps.campaigns.variants import side_of, why_not_second
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
    tick,
)
from tests.cases import TenantCase

VALUES = {"first_message": "An older greeting.", "webhook_url": "https://old.example.com", "is_active": False}


class VariantTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        make_line(self.client_org)
        factories.add_credits(self.agency, 1000)
        self.first = factories.make_assistant(self.client_org, name="First", first_message="Hello from A.")
        self.second = factories.make_assistant(self.client_org, name="Second", first_message="Hello from B.")

    def campaign(self, leads: int = 12, **fields: Any) -> Campaign:
        values = {"assistant": self.first, "max_concurrent_calls": 50} | fields
        return running_campaign(self.client_org, leads, **values)

    def said(self, campaign: Campaign) -> dict[str, str]:
        """What each lead would hear first, by number."""
        return {call.other_number or "": call.config["first_message"] for call in calls_of(campaign)}

    def test_two_assistants(self) -> None:
        campaign = self.campaign(variant_assistant=self.second, variant_percent=50)
        self.assertEqual(tick(campaign), 12)
        leads = leads_of(campaign)
        self.assertEqual({lead.variant for lead in leads}, {"a", "b"})
        self.assertEqual([lead.variant for lead in leads], [side_of(campaign.pk, lead.pk, 50) for lead in leads])
        self.assertEqual([attempts_of(lead)[0].variant for lead in leads], [lead.variant for lead in leads])
        words = {"a": "Hello from A.", "b": "Hello from B."}
        self.assertEqual(self.said(campaign), {lead.phone_number: words[lead.variant] for lead in leads})
        names = {call.other_number: call.assistant_id for call in calls_of(campaign)}
        self.assertEqual(names, {lead.phone_number: (self.second if lead.variant == "b" else self.first).pk for lead in leads})

    def test_an_earlier_version_speaks_but_reports_where_the_assistant_does_now(self) -> None:
        factories._make(AssistantVersion, self.client_org, assistant=self.first, version=1, values=VALUES)
        campaign = self.campaign(variant_version=1, variant_percent=99)
        tick(campaign)
        by_variant = {lead.phone_number: lead.variant for lead in leads_of(campaign)}
        self.assertIn("b", by_variant.values())
        for call in calls_of(campaign):
            expected = "An older greeting." if by_variant[call.other_number or ""] == "b" else "Hello from A."
            self.assertEqual((call.config["first_message"], call.assistant_id), (expected, self.first.pk))
            with self.acting_for(self.client_org):
                self.assertNotIn("old.example.com", Call.objects.for_organization(self.client_org).get(pk=call.pk).webhook)

    def test_a_lead_stays_on_its_side_when_the_share_changes(self) -> None:
        campaign = self.campaign(variant_assistant=self.second, variant_percent=50)
        tick(campaign)
        before = {lead.pk: lead.variant for lead in leads_of(campaign)}
        for call in calls_of(campaign):
            end_call(call, **failed("busy"))
        with self.acting_for(self.client_org):
            campaign.change(NOON, variant_percent=1)
        tick(campaign)
        tick(campaign, NOON + dt.timedelta(hours=2))
        leads = leads_of(campaign)
        self.assertEqual({lead.pk: lead.variant for lead in leads}, before)
        self.assertEqual([[each.variant for each in attempts_of(lead)] for lead in leads], [[lead.variant] * 2 for lead in leads])

    def test_deleting_the_second_assistant_names_the_campaign(self) -> None:
        campaign = self.campaign(1, variant_assistant=self.second, variant_percent=50)
        self.campaign(1, variant_assistant=self.second, status="completed", variant_percent=50)
        with self.acting_for(self.client_org):
            self.assertEqual(campaigns_of_assistant(self.second), [campaign])

    def test_without_a_comparison_nobody_is_on_a_side(self) -> None:
        campaign = self.campaign(2)
        tick(campaign)
        self.assertEqual({(lead.variant, attempts_of(lead)[0].variant) for lead in leads_of(campaign)}, {("", "")})

    def test_it_pauses_when_the_second_cannot_talk(self) -> None:
        for fields, expected in (
            ({"variant_assistant": factories.make_assistant(self.client_org, is_active=False)}, "assistant_inactive"),
            ({"variant_assistant": factories.make_assistant(self.client_org, deleted_at=NOON)}, "assistant_deleted"),
            ({"variant_version": 7}, "assistant_deleted"),
        ):
            campaign = self.campaign(2, variant_percent=50, **fields)
            self.assertEqual(tick(campaign), 0)
            self.assertEqual((campaign.status, campaign.paused_by), ("paused", expected))
            with self.acting_for(self.client_org):
                self.assertIn("What a share of the leads would talk to", " ".join(launch_problems(campaign, now=NOON)))
            with self.acting_for(self.client_org):
                self.assertIsNone(why_not_second(Campaign(organization=self.client_org, assistant=self.first, **fields)))
