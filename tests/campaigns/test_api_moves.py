"""Skip, call now and call again over the API."""

from __future__ import annotations

import datetime as dt
from typing import Any
from unittest import mock
from uuid import uuid4

from apps.campaigns.models import Campaign, Lead
from apps.core import db
from tests import factories
from tests.campaigns.support import NOON
from tests.cases import TenantCase


class MovesCase(TenantCase):
    def setUp(self) -> None:
        self.key = self.api(self.client_org)
        self.campaign = factories.make_campaign(self.client_org, status="scheduled", started_at=NOON)
        self.lead = factories.make_lead(self.campaign)

    def fresh(self, lead: Lead) -> Lead:
        with self.acting_for(self.client_org):
            return Lead.objects.get(pk=lead.pk)

    def post(self, what: str, body: Any = None, *, key: Any = None, at: dt.datetime = NOON, **headers: Any) -> Any:
        with mock.patch.object(db, "now", return_value=at):
            return (key or self.key).post(f"/campaigns/{self.campaign.pk}/{what}", body or {}, **headers)

    def on_lead(self, what: str, body: Any = None, **options: Any) -> Any:
        return self.post(f"leads/{self.lead.pk}/{what}", body, **options)


class SkipTest(MovesCase):
    def test_a_skipped_lead_stays_skipped(self) -> None:
        for _time in range(2):
            answer = self.on_lead("skip")
            self.assertEqual((answer.status_code, answer.json()["lead"]["status"]), (200, "skipped"), answer.content)
        self.assertEqual(self.fresh(self.lead).reason, "skipped")

    def test_not_while_it_is_called_and_not_once_it_is_over(self) -> None:
        for status in ("calling", "completed"):
            lead = factories.make_lead(self.campaign, status=status)
            self.assertEqual(self.post(f"leads/{lead.pk}/skip").status_code, 409)
            self.assertEqual(self.fresh(lead).status, status)

    def test_only_the_organizations_own(self) -> None:
        other = self.api(self.stranger)
        for what in ("skip", "call-now"):
            self.assertEqual(self.on_lead(what, key=other).status_code, 404)
            self.assertEqual(self.post(f"leads/{uuid4()}/{what}").status_code, 404)
        self.assertEqual(self.post("redial", key=other).status_code, 404)
        self.assertEqual((self.fresh(self.lead).status, self.fresh(self.lead).hurried_at), ("pending", None))

    def test_a_read_only_key_may_not(self) -> None:
        key = self.api(self.client_org, read_only=True)
        for answer in (self.on_lead("skip", key=key), self.on_lead("call-now", key=key), self.post("redial", key=key)):
            self.assertEqual(answer.status_code, 403)


class CallNowTest(MovesCase):
    def test_it_is_next(self) -> None:
        answer = self.on_lead("call-now")
        self.assertEqual((answer.status_code, answer.json()["lead"]["id"]), (200, str(self.lead.pk)), answer.content)
        self.assertEqual(self.fresh(self.lead).hurried_at, NOON)

    def test_outside_the_hours_it_is_refused_with_the_time_or_waits_for_it(self) -> None:
        night = NOON.replace(hour=1)
        answer = self.on_lead("call-now", at=night)
        body = answer.json()
        self.assertEqual((answer.status_code, body["type"]), (409, "not_now"), body)
        self.assertGreater(body["allowed_at"], f"{night:%Y-%m-%dT%H:%M}")
        self.assertIsNone(self.fresh(self.lead).hurried_at)
        self.assertEqual(self.on_lead("call-now", {"whenever": True}, at=night).status_code, 200)
        self.assertEqual(self.fresh(self.lead).hurried_at, night)

    def test_not_in_a_campaign_that_does_not_run(self) -> None:
        with self.acting_for(self.client_org):
            Campaign.objects.filter(pk=self.campaign.pk).update(status="draft")
        self.assertEqual(self.on_lead("call-now").status_code, 409)

    def test_what_is_not_true_or_false_is_refused(self) -> None:
        answer = self.on_lead("call-now", {"whenever": "perhaps"})
        self.assertEqual((answer.status_code, answer.json()["param"]), (400, "whenever"))


class RedialTest(MovesCase):
    def setUp(self) -> None:
        super().setUp()
        for result in ("no_answer", "busy", "declined"):
            factories.make_lead(self.campaign, status="failed", result=result)

    def test_a_draft_with_those_who_were_not_reached(self) -> None:
        body = self.post("redial").json()["campaign"]
        self.assertEqual((body["status"], body["total_leads"], body["name"]), ("draft", 2, f"{self.campaign.name} (again)"))
        one = self.post("redial", {"name": "Once more", "outcomes": ["declined"]}).json()["campaign"]
        self.assertEqual((one["total_leads"], one["name"]), (1, "Once more"))
        with self.acting_for(self.client_org):
            self.assertEqual(set(Campaign.objects.filter(parent=self.campaign).values_list("name", flat=True)), {body["name"], "Once more"})

    def test_a_repeat_makes_no_second_one(self) -> None:
        made = [self.post("redial", **{"Idempotency-Key": "once"}) for _time in range(2)]
        self.assertEqual([each.status_code for each in made], [201, 201])
        self.assertEqual(made[0].json(), made[1].json())
        with self.acting_for(self.client_org):
            self.assertEqual(Campaign.objects.filter(parent=self.campaign).count(), 1)

    def test_nobody_to_call_again(self) -> None:
        for body in ({"outcomes": ["waiting"]}, {"outcomes": ["skipped:do_not_call"]}, {"outcomes": []}, {"outcomes": ["nonsense"]}):
            answer = self.post("redial", body)
            self.assertEqual((answer.status_code, answer.json()["param"].split(".")[0]), (400, "outcomes"), answer.content)
