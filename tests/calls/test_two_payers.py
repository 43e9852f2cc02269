"""A client with a wallet places and takes calls: both accounts must have credits, each is told its own words."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.test import override_settings

from apps.billing.models import CREDIT, Account, Hold, LedgerEntry
from apps.billing.services import balance
from apps.calls.models import Call
from apps.calls.services.balances import calls_at_zero
from apps.calls.services.dial import mark_sending
from apps.calls.services.draft import Draft
from apps.calls.services.inbound_call import hold_for
from apps.calls.services.settle import settle
from apps.campaigns.dialler.tick import resume_campaign
from apps.campaigns.models import Campaign
from tests import factories
from tests.campaigns.support import NOON, calls_of, running_campaign, tick, wide
from tests.campaigns.test_tick import TickCase


@override_settings(BILL_SIMULATED_CALLS=True)
class TwoPayersTest(TickCase):
    def setUp(self) -> None:
        super().setUp()
        self.client_org.has_wallet = True
        with wide(self.client_org):
            self.client_org.save(update_fields=["has_wallet"])

    def take(self, organization: Any, credits: int) -> None:
        factories._make(
            LedgerEntry, organization, key=f"take:{credits}:{organization.slug}", kind="correction", amount=-credits * CREDIT, used_by=organization.pk
        )

    def campaign_state(self, campaign: Campaign) -> tuple[str, str]:
        with wide(self.client_org):
            return Campaign.objects.for_organization(self.client_org).values_list("status", "paused_by").get(pk=campaign.pk)

    def resume(self, campaign: Campaign) -> bool:
        with wide(self.client_org):
            return resume_campaign(organization_id=self.client_org.pk, campaign_id=campaign.pk, now=NOON)

    def test_a_campaign_starts_as_many_as_both_accounts_hold(self) -> None:
        factories.add_credits(self.agency, 10)
        factories.add_credits(self.client_org, 2)
        campaign = running_campaign(self.client_org, 5)
        self.assertEqual(tick(campaign), 2)
        with wide(self.client_org):
            held = sorted(Hold.objects.open().values_list("organization_id", flat=True))
        self.assertEqual(held, sorted([self.agency.pk, self.client_org.pk] * 2))

    def test_an_empty_wallet_pauses_and_credits_resume(self) -> None:
        factories.add_credits(self.agency, 100)
        campaign = running_campaign(self.client_org, 2)
        self.assertEqual(tick(campaign), 0)
        self.assertEqual(self.campaign_state(campaign), ("paused", "balance"))
        factories.add_credits(self.client_org, 60)
        self.assertFalse(self.resume(campaign))
        factories.add_credits(self.client_org, 1)
        self.assertTrue(self.resume(campaign))
        self.assertEqual(tick(campaign), 2)

    def test_an_empty_agency_pauses_too(self) -> None:
        factories.add_credits(self.client_org, 100)
        campaign = running_campaign(self.client_org, 2)
        self.assertEqual(tick(campaign), 0)
        self.assertEqual(self.campaign_state(campaign), ("paused", "balance"))
        self.assertFalse(self.resume(campaign))

    def test_what_was_reserved_is_not_sent_and_says_whose_credits_are_missing(self) -> None:
        for number, (emptied, words) in enumerate(((self.client_org, "No credits left"), (self.agency, "temporarily unavailable"))):
            with self.subTest(emptied.name):
                for organization in (self.agency, self.client_org):
                    factories.add_credits(organization, 10)
                campaign = running_campaign(self.client_org, 1)
                self.assertEqual(tick(campaign), 1)
                call = calls_of(campaign)[0]
                with wide(self.client_org):
                    left = balance(emptied.pk) // CREDIT
                self.take(emptied, left + number)
                with wide(self.client_org):
                    self.assertIsNone(mark_sending(organization_id=self.client_org.pk, call_id=call.pk, now=NOON))
                call = calls_of(campaign)[0]
                self.assertEqual((call.dial, call.refusal), ("refused", "no_credits"))
                self.assertIn(words, call.error)
                factories.add_credits(emptied, left + number)

    def call(self, **fields: Any) -> Call:
        return factories.make_call(self.client_org, is_charged=True, is_simulated=False, **fields)

    def test_an_inbound_call_needs_both(self) -> None:
        factories.add_credits(self.agency, 10)
        call = self.call(status="ringing")
        with wide(self.client_org), transaction.atomic():
            self.assertEqual(hold_for(call, NOON), "insufficient_credits")
            self.assertFalse(Hold.objects.open().exists())
        factories.add_credits(self.client_org, 1)
        with wide(self.client_org), transaction.atomic():
            self.assertIsNone(hold_for(call, NOON))
            self.assertEqual(Hold.objects.open().count(), 2)

    def test_settling_books_both_and_the_call_shows_the_wallets_price(self) -> None:
        factories.add_credits(self.agency, 10)
        factories.add_credits(self.client_org, 10)
        factories._make(Account, self.agency, micro_per_minute=500_000)
        factories._make(Account, self.client_org, micro_per_minute=2 * CREDIT)
        call = self.call()
        with wide(self.client_org), transaction.atomic():
            draft = Draft(call, NOON)
            settle(draft, 90)
            draft.save()
            self.assertEqual((balance(self.agency.pk), balance(self.client_org.pk)), (9_250_000, 7 * CREDIT))
        self.assertEqual(call.cost, 3 * CREDIT)

    def test_a_running_call_is_cut_when_either_account_is_used_up(self) -> None:
        factories.add_credits(self.agency, 10)
        factories.add_credits(self.client_org, 1)
        call = self.call(status="in-progress", started_at=NOON)
        later = NOON.replace(minute=NOON.minute + 1)
        self.assertEqual(calls_at_zero(NOON), [])
        self.assertEqual(calls_at_zero(later), [(self.client_org.pk, call.pk)])
        factories._make(Account, self.client_org, credit_line=5 * CREDIT)
        self.assertEqual(calls_at_zero(later), [])
        self.take(self.agency, 10)
        self.assertEqual(calls_at_zero(later), [(self.client_org.pk, call.pk)])

    def test_the_api_tells_the_wallet(self) -> None:
        factories.add_credits(self.agency, 500)
        factories.add_credits(self.client_org, 12)
        body = self.api(self.client_org).get("/organizations").json()
        self.assertEqual((body["minutes_balance"], body["credits_balance"]), (12.0, 12.0))
        self.assertEqual(self.api(self.agency).get("/organizations").json()["minutes_balance"], 500.0)
