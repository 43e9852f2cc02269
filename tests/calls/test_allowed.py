"""Toll fraud: what is refused when a call is reserved, when it is sent, and when somebody asks for a transfer (limits 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from apps.billing.models import CREDIT, Hold
from apps.billing.services import available
from apps.calls.models import Call, CallCommand
from apps.calls.services.control import read_command, send_command
from apps.calls.services.dial import mark_sending, start_call
from apps.calls.services.reserve import reserve_many
from apps.core import db
from apps.core.db import writes
from apps.core.errors import Conflict, Invalid
from apps.organizations.models import Limits, Organization
from tests import factories
from tests.calls.support import make_connection, reserve, running_call, scope_of, wanted
from tests.cases import TenantCase

PREMIUM = "+31900123456"


class GuardCase(TenantCase):
    def setUp(self) -> None:
        self.enterContext(scope_of(self.client_org))
        self.connection = make_connection()
        self.assistant = factories.make_assistant(self.client_org)
        self.number = factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org))

    def wanted(self, to: str = "+31612345678", **fields: Any) -> Any:
        return wanted(self.client_org, self.connection, assistant=self.assistant, number=self.number, to=to, **fields)

    def limit(self, organization: Organization, **fields: Any) -> None:
        Limits.objects.update_or_create(organization=organization, defaults=fields)

    def refused(self, to: str) -> Invalid:
        with pytest.raises(Invalid) as refused:
            reserve(self.wanted(to))
        self.assertEqual((refused.value.status, refused.value.param), (400, "destination"))
        return refused.value

    def sent(self, call: Call) -> Call:
        mark_sending(organization_id=call.organization_id, call_id=call.pk, now=db.now())
        call.refresh_from_db()
        return call


class DestinationTest(GuardCase):
    def test_a_stolen_key_dials_premium_numbers_at_night(self) -> None:
        key = self.api(self.client_org)
        for number in (PREMIUM, "+882161234567"):
            answer = key.post("/calls/outbound", {"assistant_id": str(self.assistant.pk), "destination": number})
            body = answer.json()
            self.assertEqual((answer.status_code, body["type"], body["param"]), (400, "invalid_value", "destination"), body)
            self.assertIn(number, body["message"])
        self.assertEqual(Call.objects.count(), 0)

    def test_a_country_that_is_not_allowed(self) -> None:
        self.limit(self.agency, countries=["NL"])
        self.assertIn("+4930231250", self.refused("+4930231250").text)
        self.assertEqual(reserve(self.wanted()).dial, "reserved")

    def test_a_country_that_was_taken_away_before_the_call_was_sent(self) -> None:
        call = reserve(self.wanted())
        self.limit(self.client_org, countries=["DE"])
        self.sent(call)
        self.assertEqual((call.dial, call.refusal, call.status, call.sent_at), ("refused", "not_allowed", "failed", None))
        self.assertIn("+31612345678", call.error)

    def test_a_transfer_to_a_satellite(self) -> None:
        call = running_call(self.client_org, self.connection, to="+31612345678", assistant=self.assistant, number=self.number)
        call.change(db.now(), status="in-progress")
        for destination in ("+882161234567", "sip:+882161234567@example.com", PREMIUM):
            with pytest.raises(Invalid) as refused:
                send_command(
                    call=call, body=read_command({"type": "transfer", "destination": destination}), by="test", now=db.now()
                )
            self.assertEqual(refused.value.param, "destination")
        self.assertEqual(CallCommand.objects.count(), 0)


class SpendTest(GuardCase):
    def setUp(self) -> None:
        super().setUp()
        factories.add_credits(self.agency, 100)

    def charged(self, **fields: Any) -> Any:
        return self.wanted(simulated=False, **fields)

    def test_a_call_that_would_exceed_the_hour_is_refused_and_holds_nothing(self) -> None:
        self.limit(self.client_org, spend_per_hour=2 * CREDIT)
        reserve(self.charged())
        reserve(self.charged(to="+31612345679"))
        with pytest.raises(Conflict) as refused:
            reserve(self.charged(to="+31612345670"))
        self.assertEqual((refused.value.status, refused.value.type), (409, "spend_limit"))
        self.assertEqual((Call.objects.count(), Hold.objects.count(), available(self.agency.pk)), (2, 2, 98 * CREDIT))
        self.assertEqual(reserve(self.wanted("+31612345670")).is_charged, False)

    def test_a_batch_ends_where_the_money_of_the_hour_ends(self) -> None:
        self.limit(self.agency, spend_per_hour=3 * CREDIT + 1)
        requests = [self.charged(to=f"+3161234567{each}") for each in range(5)]

        @writes
        def batch() -> Sequence[Any]:
            return reserve_many(requests=requests, number=self.number, now=db.now())

        self.assertEqual(len(batch()), 3)
        self.assertEqual(sorted(Call.objects.values_list("other_number", flat=True)), [f"+3161234567{each}" for each in range(3)])
        self.assertEqual(Hold.objects.count(), 3)

    def test_a_limit_that_was_lowered_before_the_call_was_sent(self) -> None:
        call = reserve(self.charged())
        self.limit(self.client_org, spend_per_hour=CREDIT // 2)
        self.sent(call)
        self.assertEqual((call.dial, call.refusal, call.status), ("refused", "spend", "failed"))
        self.assertEqual(available(self.agency.pk), 100 * CREDIT)

    def test_who_started_it_is_told(self) -> None:
        self.limit(self.client_org, spend_per_hour=CREDIT // 2)
        with pytest.raises(Conflict) as refused:
            start_call(request=self.charged(), now=db.now())
        self.assertEqual(refused.value.type, "spend_limit")


