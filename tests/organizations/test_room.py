"""How much of it: the limits of a plan are kept where things are made, whoever makes them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.allowed import minutes_used_up
from apps.core import db
from apps.organizations.limits import set_limits
from apps.organizations.models import Invitation, Organization
from apps.organizations.services import SYSTEM
from tests import factories
from tests.calls.support import make_connection
from tests.cases import TenantCase


class RoomCase(TenantCase):
    def limit(self, organization: Organization | None = None, **values: Any) -> None:
        owner = organization or self.client_org
        with self.acting_for(owner):
            set_limits(organization=owner, values=values, by=SYSTEM, now=db.now())


class MadeTest(RoomCase):
    def test_assistants(self) -> None:
        self.limit(assistants=1)
        key = self.api(self.client_org)
        self.assertEqual(key.post("/assistants", {"name": "One"}).status_code, 201)
        refused = key.post("/assistants", {"name": "Two"})
        self.assertEqual((refused.status_code, refused.json()["type"]), (409, "limit_reached"))
        self.assertEqual(refused.json()["message"], "Your plan holds 1 assistants. Remove one, or ask for more.")
        cleo = self.as_(self.cleo)
        cleo.post(f"/o/{self.client_org.slug}/assistants/new", {"name": "Three", "starter": "blank"})
        self.assertEqual(len(key.get("/assistants").json()["assistants"]), 1)

    def test_numbers(self) -> None:
        self.limit(numbers=0)
        refused = self.api(self.client_org).post("/numbers", {"phone_number": "+442079460123"})
        self.assertEqual((refused.status_code, refused.json()["type"]), (409, "limit_reached"))

    def test_campaigns_that_are_not_finished(self) -> None:
        self.limit(campaigns=1)
        assistant = factories.make_assistant(self.client_org)
        factories.make_campaign(self.client_org, assistant=assistant, status="completed")
        key, body = self.api(self.client_org), {"name": "Spring", "assistant_id": str(assistant.pk)}
        self.assertEqual(key.post("/campaigns", body).status_code, 201)
        refused = key.post("/campaigns", body)
        self.assertEqual((refused.status_code, refused.json()["type"]), (409, "limit_reached"))

    def test_members_and_open_invitations(self) -> None:
        self.limit(members=2)
        cleo, path = self.as_(self.cleo), f"/o/{self.client_org.slug}/settings/members"
        cleo.post(path, {"email": "one@example.com", "role": "member"})
        cleo.post(path, {"email": "two@example.com", "role": "member"})
        with self.acting_for(self.client_org):
            self.assertEqual([each.email for each in Invitation.objects.for_organization(self.client_org)], ["one@example.com"])

    def test_api_keys(self) -> None:
        self.limit(api_keys=0)
        cleo, path = self.as_(self.cleo), f"/o/{self.client_org.slug}/settings/api-keys"
        self.assertEqual(cleo.post(path, {"name": "Two", "key_id": "01990000-0000-7000-8000-000000000001"}).status_code, 409)

    def test_one_client_s_limit_is_not_the_others(self) -> None:
        self.limit(assistants=0)
        self.assertEqual(self.api(self.agency).post("/assistants", {"name": "One"}).status_code, 201)


class MinutesTest(RoomCase):
    NOW = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)

    def used_up(self) -> bool:
        with self.acting_for(self.client_org):
            return minutes_used_up(Organization.objects.get(pk=self.client_org.pk), self.NOW)

    def test_this_months_talk_counts(self) -> None:
        self.limit(minutes_per_month=10)
        factories.make_call(self.client_org, started_at=self.NOW - dt.timedelta(days=2), duration_seconds=599)
        factories.make_call(self.client_org, started_at=self.NOW - dt.timedelta(days=30), duration_seconds=9000)
        self.assertFalse(self.used_up())
        factories.make_call(self.client_org, started_at=self.NOW - dt.timedelta(days=1), duration_seconds=1)
        self.assertTrue(self.used_up())

    def test_without_a_limit_nothing_counts(self) -> None:
        factories.make_call(self.client_org, started_at=self.NOW, duration_seconds=9000)
        self.assertFalse(self.used_up())

    def test_no_call_begins_and_the_reason_is_said(self) -> None:
        self.limit(minutes_per_month=0)
        factories.add_credits(self.agency, 100)
        assistant = factories.make_assistant(self.client_org)
        make_connection()
        factories.make_number(self.client_org, assistant=assistant, transfer_trunk=factories.make_trunk(self.client_org))
        answer = self.api(self.client_org).post("/calls/outbound", {"assistant_id": str(assistant.pk), "destination": "+31612345678"})
        self.assertEqual((answer.status_code, answer.json()["type"]), (409, "limit_reached"))
        self.assertIn("All minutes of this month are used up", answer.json()["message"])
        self.assertContains(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/"), "All minutes of this month are used up")
