"""A wallet that is emptied stops calls that were reserved before, at the moment of sending (limits 8, R2)."""

from __future__ import annotations

from decimal import Decimal

from django.test import override_settings

from apps.billing.services import add_credits
from apps.calls.services.dial import mark_sending
from apps.organizations.services import SYSTEM
from tests import factories
from tests.campaigns.support import NOON, calls_of, leads_of, running_campaign, tick, wide
from tests.campaigns.test_tick import SECOND, TickCase


@override_settings(BILL_SIMULATED_CALLS=True)
class EmptyWalletTest(TickCase):
    def test_what_was_reserved_before_is_not_sent(self) -> None:
        factories.add_credits(self.agency, 10)
        campaign = running_campaign(self.client_org, 2)
        self.assertEqual(tick(campaign), 2)
        first, second = calls_of(campaign)
        with wide(self.client_org):
            self.assertIsNotNone(mark_sending(organization_id=self.client_org.pk, call_id=first.pk, now=NOON))
        with wide(self.agency):
            add_credits(organization=self.agency, credits=Decimal(-10), note="gone", actor=SYSTEM, key="gone", now=NOON)
        with wide(self.client_org):
            self.assertIsNone(mark_sending(organization_id=self.client_org.pk, call_id=second.pk, now=NOON))
        second = calls_of(campaign)[1]
        self.assertEqual((second.dial, second.refusal), ("refused", "no_credits"))
        tick(campaign, NOON + SECOND)
        lead = leads_of(campaign)[1]
        self.assertEqual((campaign.paused_by, lead.status, lead.attempts), ("balance", "pending", 0))
