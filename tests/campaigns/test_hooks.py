"""The address at which customers' systems post leads: who may, what is taken, once only, and its page."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import re
import time
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import reverse

from apps.calls.services.do_not_call import refuse_number
from apps.campaigns.hookfields import read_posted
from apps.campaigns.models import Campaign, HookLead
from apps.campaigns.services.hooked import map_fields, rotate_secret, switch_off, switch_on
from apps.campaigns.services.leads import remove_lead
from apps.core import rate
from apps.organizations.services import SYSTEM
from tests import factories
from tests.campaigns.support import NOON, leads_of
from tests.cases import CommittedCase, TenantCase
from tests.web import Web


def signed(secret: str, body: bytes, at: float | None = None) -> dict[str, str]:
    stamp = str(int(at or time.time()))
    sign = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": f"sha256={sign}"}


class HookCase(TenantCase):
    def setUp(self) -> None:
        self.campaign = factories.make_campaign(self.client_org)
        with self.acting_for(self.client_org):
            self.secret = switch_on(campaign=self.campaign, by=SYSTEM, now=NOON)
            self.campaign = Campaign.objects.select_related("organization").get(pk=self.campaign.pk)
        self.path = f"/hooks/leads/{self.client_org.pk}/{self.campaign.hook_id}"
        cache.clear()

    def post(self, body: Any, *, path: str = "", **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = headers or {"Authorization": f"Bearer {self.secret}"}
        return Client().post(path or self.path, raw, content_type="application/json", headers=sent)

    def results(self, body: Any, **headers: str) -> list[tuple[str, str]]:
        answer = self.post(body, **headers)
        self.assertEqual(answer.status_code, 200, answer.content)
        return [(each["status"], each.get("code", "")) for each in answer.json()["results"]]

    def numbers(self) -> list[str]:
        return [lead.phone_number for lead in leads_of(self.campaign)]


class DoorTest(HookCase):
    LEAD = {"phone_number": "+31612345678", "name": "Sam"}

    def test_signed_or_with_the_secret(self) -> None:
        body = json.dumps(self.LEAD).encode()
        self.assertEqual(self.post(body, **signed(self.secret, body)).status_code, 200)
        self.assertEqual(self.post({"phone_number": "+31612345679"}).status_code, 200)
        self.assertEqual(self.numbers(), ["+31612345678", "+31612345679"])

    def test_who_is_not_known_adds_nothing(self) -> None:
        body = json.dumps(self.LEAD).encode()
        wrong = [
            {"Authorization": "Bearer whsec_wrong"}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {self.secret}"},
            signed("whsec_wrong", body), signed(self.secret, body, time.time() - 301), signed(self.secret, b"{}"),
            {"X-Webhook-Signature": signed(self.secret, body)["X-Webhook-Signature"]}, {"Accept": "*/*"},
        ]  # fmt: skip
        for headers in wrong:
            with self.subTest(headers=headers):
                self.assertEqual(self.post(body, **headers).status_code, 401)
        self.assertEqual(self.numbers(), [])

    def test_an_address_of_nobody_is_the_same_404_whatever_is_wrong(self) -> None:
        other = factories.make_campaign(self.stranger)
        with self.acting_for(self.stranger):
            secret = switch_on(campaign=other, by=SYSTEM, now=NOON)
            other = Campaign.objects.select_related("organization").get(pk=other.pk)
        paths = [
            f"/hooks/leads/{uuid4()}/{self.campaign.hook_id}", f"/hooks/leads/{self.stranger.pk}/{self.campaign.hook_id}",
            f"/hooks/leads/{self.client_org.pk}/{other.hook_id}", f"/hooks/leads/{self.client_org.pk}/nothing",
        ]  # fmt: skip
        answers = {self.post(self.LEAD, path=path, Authorization=f"Bearer {each}").content for path in paths for each in (self.secret, secret)}
        self.assertEqual(len(answers), 1)
        self.assertEqual(self.post(self.LEAD, path=paths[0]).status_code, 404)
        self.assertEqual((self.numbers(), leads_of(other)), ([], []))

    def test_a_new_secret_takes_the_place_of_the_old_and_off_is_off(self) -> None:
        with self.acting_for(self.client_org):
            fresh = rotate_secret(campaign=self.campaign, by=SYSTEM, now=NOON)
        self.assertEqual(self.post(self.LEAD).status_code, 401)
        self.assertEqual(self.post(self.LEAD, Authorization=f"Bearer {fresh}").status_code, 200)
        with self.acting_for(self.client_org):
            switch_off(campaign=self.campaign, by=SYSTEM, now=NOON)
        self.assertEqual(self.post(self.LEAD, Authorization=f"Bearer {fresh}").status_code, 404)

    def test_what_is_no_lead_at_all(self) -> None:
        for body, status in (
            (b"", 400), (b"{}", 400), (b"[]", 400), (b"no json", 400), (b'[{}],"leads":[{}]', 400), (b'"text"', 400),
            (json.dumps([{"phone_number": "x"}] * 1001).encode(), 400), (b'{"a":"' + b"x" * 2**20 + b'"}', 413),
        ):  # fmt: skip
            with self.subTest(body=body[:20]):
                answer = self.post(body)
                self.assertEqual((answer.status_code, set(answer.json()) >= {"error", "type"}), (status, True))
        self.assertEqual(Client().get(self.path).status_code, 405)

    def test_a_campaign_that_is_over_takes_none(self) -> None:
        with self.acting_for(self.client_org):
            self.campaign.change(NOON, status="completed")
        self.assertEqual(self.post(self.LEAD).status_code, 409)

    def test_it_counts_as_an_api_key_does(self) -> None:
        with override_settings(API_REQUESTS_PER_MINUTE=2), patch.object(rate.time, "time", return_value=time.time()):
            found = [self.post(self.LEAD) for _each in range(3)]
        self.assertEqual([answer.status_code for answer in found], [200, 200, 429])
        self.assertEqual(found[1]["X-RateLimit-Remaining"], "0")

    def test_it_answers_on_every_host(self) -> None:
        self.assertEqual(self.post(self.LEAD, Host="gone.example", Authorization=f"Bearer {self.secret}").status_code, 200)


class TakeTest(HookCase):
    def test_good_ones_are_kept_and_each_refused_one_says_why(self) -> None:
        with self.acting_for(self.agency):
            refuse_number(organization=self.agency, number="+31612345671", reason="", by=SYSTEM, now=NOON)
        found = self.results([
            {"phone": "06 12345670", "variables": {"age": 41, "vip": True}}, {"number": "+31612345671"}, {"phone_number": "nonsense"},
            {"phone": "+31612345670"}, "text", {"phone": "+31612345672", "timezone": "Mars"}, {"phone": "+31612345673", "consent": "ja"},
        ])  # fmt: skip
        self.assertEqual(found, [
            ("stored", ""), ("refused", "do_not_call"), ("refused", "letters"), ("refused", "in_campaign"),
            ("refused", "not_an_object"), ("refused", "bad_timezone"), ("stored", ""),
        ])  # fmt: skip
        first, second = leads_of(self.campaign)
        self.assertEqual((first.phone_number, first.variables), ("+31612345670", {"age": "41", "vip": "true"}))
        self.assertEqual((second.consent, second.place.split("|")[0]), ("express", "NL"))

    def test_a_value_the_message_needs(self) -> None:
        with self.acting_for(self.client_org):
            self.campaign.change(NOON, system_message_template="Of {{company}}.")
        self.assertEqual(self.results({"phone": "+31612345670"}), [("refused", "missing_variable")])

    def test_the_same_id_or_key_adds_once_and_a_refused_one_may_come_again(self) -> None:
        lead = {"id": 7, "phone": "+31612345670"}
        self.assertEqual(self.results(lead), [("stored", "")])
        self.assertEqual(self.results(lead | {"phone": "+31612345679"}), [("repeated", "")])
        bearer = {"Authorization": f"Bearer {self.secret}", "Idempotency-Key": "batch-1"}
        batch = [{"phone": "+31612345671"}, {"phone": "x"}]
        self.assertEqual(self.results(batch, **bearer), [("stored", ""), ("refused", "letters")])
        mended = [batch[0], {"phone": "+31612345672"}]
        self.assertEqual(self.results(mended, **bearer), [("repeated", ""), ("stored", "")])
        self.assertEqual([number[-1] for number in self.numbers()], ["0", "1", "2"])
        first = leads_of(self.campaign)[0]
        with self.acting_for(self.client_org):
            remove_lead(campaign=self.campaign, lead_id=first.pk, by=SYSTEM, now=NOON)
        self.assertEqual(self.results(lead), [("repeated", "")])
        self.assertEqual([number[-1] for number in self.numbers()], ["1", "2"])

    def test_their_fields_become_ours(self) -> None:
        fields = {
            "properties.mobile": "number", "contact.full.name": "name", "vid": "id", "properties.co": "variable:company",
            "tags.0": "variable:tag", "zone": "timezone",
        }  # fmt: skip
        with self.acting_for(self.client_org):
            map_fields(campaign=self.campaign, fields=fields, country="DE", by=SYSTEM, now=NOON)
        body = {
            "vid": 12, "properties": {"mobile": "0151 23456789", "co": "Acme"}, "contact": {"full": {"name": "Sam"}},
            "tags": ["warm"], "zone": "Amsterdam", "noise": {"a": [1, 2]},
        }  # fmt: skip
        self.assertEqual(self.results([body, body]), [("stored", ""), ("refused", "in_campaign")])
        lead = leads_of(self.campaign)[0]
        self.assertEqual(lead.phone_number, "+4915123456789")
        self.assertEqual(lead.variables, {"company": "Acme", "name": "Sam", "tag": "warm"})
        self.assertEqual(lead.timezone, "Europe/Amsterdam")

    def test_what_is_kept_of_a_post_holds_no_number(self) -> None:
        self.results([{"id": "a", "phone": "+31612345670"}, {"id": "b", "phone": "12"}])
        with self.acting_for(self.client_org):
            kept = [(row.key, row.status, row.answer) for row in HookLead.objects.order_by("key")]
        self.assertEqual(kept, [("id:a", 201, {"warning": None}), ("id:b", 400, {"code": "too_short", "name": ""})])

    def test_a_field_whose_own_name_has_dots_goes_first(self) -> None:
        posted = read_posted({"a.b": "1", "a": {"b": "2"}}, mapping={"fields": {"a.b": "variable:x"}}, header="", place=0)
        self.assertEqual(posted.variables, {"x": "1"})


class PageTest(HookCase):
    def setUp(self) -> None:
        super().setUp()
        self.browser = self.as_(self.cleo)
        self.url = reverse("campaign_hook", args=[self.client_org.slug, self.campaign.pk])

    def page(self, **posted: Any) -> str:
        answer = self.browser.post(self.url, posted, follow=True) if posted else self.browser.get(self.url)
        return html.unescape(answer.content.decode())

    def test_the_secret_is_shown_once_and_the_example_works(self) -> None:
        page = self.page(do="rotate")
        secret = re.search(r"whsec_[\w-]+", page)
        assert secret is not None
        self.assertNotIn("whsec_", self.page())
        lead = re.search(r"-d '(\{.*\})'", page)
        assert lead is not None
        self.assertEqual(self.results(lead[1].encode(), Authorization=f"Bearer {secret[0]}"), [("stored", "")])
        self.assertIn("crm-1", self.page())

    def test_off_and_on(self) -> None:
        self.assertIn("Switch on", self.page(do="off"))
        self.assertIn(f"/hooks/leads/{self.client_org.pk}/", self.page(do="on"))

    def test_fields_are_saved_and_what_makes_no_sense_stays_as_typed(self) -> None:
        self.page(do="fields", path=["a.phone", "b", ""], use=["number", "variable", "name"], variable=["", "", ""], country="NL")
        with self.acting_for(self.client_org):
            self.campaign.refresh_from_db()
        self.assertEqual(self.campaign.hook_mapping, {"country": "NL", "fields": {"a.phone": "number", "b": "variable:b"}})
        answer = self.browser.post(self.url, {"do": "fields", "path": ["x", "y"], "use": ["number", "number"], "variable": ["", ""]})
        self.assertEqual((answer.status_code, b'value="x"' in answer.content), (422, True))

    def test_a_viewer_sees_no_way_to_change_it(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        browser = self.as_(viewer)
        self.assertNotIn(b'value="rotate"', browser.get(self.url).content)
        self.assertEqual(browser.post(self.url, {"do": "off"}).status_code, 403)
        with self.acting_for(self.client_org):
            self.assertIsNotNone(Campaign.objects.get(pk=self.campaign.pk).hook_id)

    def test_as_many_queries_for_three_as_for_one(self) -> None:
        self.results({"id": "a", "phone": "+31612345670"})
        self.page()
        with self.assertNumQueries(QUERIES):
            self.browser.get(self.url)
        self.results([{"id": "b", "phone": "+31612345671"}, {"id": "c", "phone": "12"}])
        with self.assertNumQueries(QUERIES):
            self.browser.get(self.url)


QUERIES = 13


class WireTest(CommittedCase):
    """Over real HTTP, from two sides at once the same id."""

    @classmethod
    def tearDownClass(cls) -> None:
        Web.end_shared()
        super().tearDownClass()

    def test_a_signed_post_arrives_once(self) -> None:
        campaign = factories.make_campaign(self.client_org)
        with self.acting_for(self.client_org):
            secret = switch_on(campaign=campaign, by=SYSTEM, now=NOON)
            campaign = Campaign.objects.select_related("organization").get(pk=campaign.pk)
        path = f"/hooks/leads/{self.client_org.pk}/{campaign.hook_id}"
        body = b'[{"id":"a","phone":"+31612345670"},{"id":"b","phone":"+31612345671"}]'
        web = Web.shared()
        found = [web.send("POST", path, body=body, headers=signed(secret, body)) for _each in range(2)]
        self.assertEqual([(each.status, each.json()["stored"], each.json()["repeated"]) for each in found], [(200, 2, 0), (200, 0, 2)])
        self.assertEqual(web.send("POST", path, body=iter([body]), headers=signed(secret, body)).json()["repeated"], 2)
        self.assertEqual(web.send("POST", path, body=body, headers=signed("whsec_x", body)).status, 401)
        self.assertEqual(len(leads_of(campaign)), 2)
