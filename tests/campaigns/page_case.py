"""A client's campaign with its assistant and number, and its pages by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.campaigns.models import Campaign, Lead
from tests import factories
from tests.cases import TenantCase

DATA = Path(__file__).parent.parent / "data"
SAMPLE = (DATA / "leads-mixed-1000.csv").read_bytes()
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


class PageCase(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)
        self.assistant = factories.make_assistant(self.client_org, name="Robin")
        self.trunk = factories.make_trunk(self.client_org)
        self.number = factories.make_number(self.client_org, transfer_trunk=self.trunk)
        self.campaign = self.make(name="Spring recall")

    def make(self, **fields: Any) -> Campaign:
        return factories.make_campaign(self.client_org, **{"assistant": self.assistant} | fields)

    def url(self, name: str, *args: Any) -> str:
        return reverse(name, args=[self.client_org.slug, *args])

    def page(self, name: str, *args: Any, client: Client | None = None, **query: Any) -> str:
        answer = (client or self.browser).get(self.url(name, *args), query)
        self.assertEqual(answer.status_code, 200, answer.content[:500])
        return answer.content.decode()

    def queries(self, name: str, *args: Any) -> int:
        """How many a page needs by itself, without those of its frame."""
        self.browser.get(self.url(name, *args), headers=PARTIAL)
        with CaptureQueriesContext(connection) as captured:
            self.assertEqual(self.browser.get(self.url(name, *args), headers=PARTIAL).status_code, 200)
        return len(captured)

    def detail(self, campaign: Campaign | None = None, **query: Any) -> str:
        return self.page("campaign", (campaign or self.campaign).pk, **query)

    def stored(self, campaign: Campaign | None = None) -> Campaign:
        with self.acting_for(self.client_org):
            return Campaign.objects.get(pk=(campaign or self.campaign).pk)

    def change(self, **fields: Any) -> None:
        with self.acting_for(self.client_org):
            Campaign.objects.filter(pk=self.campaign.pk).update(**fields)

    def leads(self, campaign: Campaign | None = None) -> list[Lead]:
        with self.acting_for(self.client_org):
            return list(Lead.objects.filter(campaign=campaign or self.campaign).oldest())

    def values(self, **changes: Any) -> dict[str, Any]:
        return {
            "name": "Autumn recall", "assistant": str(self.assistant.pk), "number": "automatic",
            "system_message_template": "You call {{name}}.", "schedule_start_time": "09:30", "schedule_end_time": "17:00",
            "schedule_days": ["1", "2", "3"], "timezone": "Europe/Berlin", "max_attempts": "2", "retry_delay_minutes": "30",
            "max_concurrent_calls": "4", "purpose": "service",
        } | changes  # fmt: skip
