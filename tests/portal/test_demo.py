"""The demo workspace as rows, its removal, and the commands that make organizations."""

from __future__ import annotations

import json
from io import StringIO

from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.assistants.models import Assistant
from apps.billing.models import CREDIT, LedgerEntry
from apps.billing.services import balance
from apps.calls.models import Call
from apps.calls.sql import search_calls
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.core import db
from apps.core.scope import Scope, acting
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Membership, Organization
from apps.organizations.scopes import operator, overview
from apps.organizations.services import SYSTEM
from apps.portal.services.demo import remove_demo
from tests import factories
from tests.cases import Api, CommittedCase, TenantCase


def run(*arguments: str, **options: object) -> dict:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out, **options)
    return json.loads(out.getvalue())


class DemoTest(TenantCase):
    def setUp(self) -> None:
        factories.installation()
        self.said = run("first_start")

    def counts(self, model: type) -> int:
        with acting(overview("count the demo")):
            return model.objects.filter(organization__is_demo=True).count()

    def test_the_first_start_prints_a_login_once(self) -> None:
        self.assertEqual(set(self.said), {"created", "email", "password", "api_key", "demo_brand_slug", "organization"})
        owner = User.objects.get(is_superuser=True)
        self.assertTrue(owner.check_password(self.said["password"]))
        self.assertEqual(run("first_start"), {"created": False})

    def test_the_workspace_is_whole(self) -> None:
        found = {model.__name__: self.counts(model) for model in (Assistant, PhoneNumber, Call, Campaign, Lead)}
        self.assertEqual(found, {"Assistant": 7, "PhoneNumber": 8, "Call": 300, "Campaign": 3, "Lead": 125})
        with acting(overview("statuses")):
            self.assertEqual(set(Campaign.objects.values_list("status", flat=True)), {"completed", "paused", "draft"})
            self.assertEqual(Call.objects.running().count(), 0)
            self.assertEqual(Attempt.objects.filter(settled_at=None).count(), 0)

    def test_the_agency_has_1000_credits_and_its_key_works(self) -> None:
        agency = self.agency_of_demo()
        with self.acting_for(agency):
            self.assertEqual(balance(agency.pk), 1000 * CREDIT)
        body = Api(agency, key=self.said["api_key"]).get("/organizations", {"include_children": "true"}).json()
        self.assertEqual((body["minutes_balance"], len(body["children"])), (1000, 2))

    def agency_of_demo(self) -> Organization:
        with acting(overview("the demo's agency")):
            return Organization.objects.get(is_demo=True, parent=None)

    def test_transcripts_can_be_found_by_their_words(self) -> None:
        with acting(overview("a client of the demo")):
            client = Organization.objects.get(is_demo=True, country="DE")
        with self.acting_for(client):
            self.assertGreater(len(search_calls("Zimmermann", 10)), 0)
        with self.acting_for(self.stranger):
            self.assertEqual(search_calls("Zimmermann", 10), [])


class RemoveTest(CommittedCase):
    def test_one_button_takes_the_demo_away_and_nothing_else(self) -> None:
        kept = factories.make_assistant(self.client_org)
        run("first_start")
        with operator("test"):
            agency = Organization.objects.get(is_demo=True, parent=None)
        for _twice in range(2):
            remove_demo(organization=agency, by=SYSTEM, now=db.now())
        with acting(overview("what is left")):
            left = {
                m.__name__: m.objects.filter(organization__is_demo=True).count()
                for m in (Assistant, PhoneNumber, Call, Campaign, Lead, Membership)
            }
            self.assertEqual(left, dict.fromkeys(left, 0))
            self.assertEqual(Organization.objects.live().filter(is_demo=True).count(), 0)
            self.assertEqual(LedgerEntry.objects.filter(organization=agency).count(), 1)
            self.assertEqual(list(Assistant.objects.all()), [kept])
        self.assertEqual(User.objects.filter(brand__slug="ringvale").count(), 0)


class CommandTest(TenantCase):
    def test_create_organization_prints_what_a_script_needs(self) -> None:
        said = run("create_organization", "Acme Voice", owner="Owner@Acme.example")
        self.assertEqual(set(said), {"organization_id", "slug", "api_key", "owner", "password"})
        self.assertEqual((said["slug"], said["owner"]), ("acme-voice", "owner@acme.example"))
        with acting(Scope(())):
            user = User.objects.at(factories.installation().pk, "owner@acme.example").get()
        self.assertTrue(user.check_password(said["password"]))
        child = run("create_organization", "Acme Child", owner="owner@acme.example", parent="acme-voice")
        self.assertIsNone(child["password"])

    def test_the_slug_of_a_namesake_gets_a_tail(self) -> None:
        said = [run("create_organization", "Same Name", owner=f"o{n}@example.com")["slug"] for n in (1, 2)]
        self.assertEqual(said[0], "same-name")
        self.assertRegex(said[1], r"^same-name-[0-9a-f]{6}$")

    def test_keys_and_credits(self) -> None:
        said = run("create_api_key", self.stranger.slug)
        self.assertEqual(Api(self.stranger, key=said["api_key"]).get("/assistants").status_code, 200)
        for _twice in range(2):
            call_command("add_credits", self.stranger.slug, "12.5", note="Test", key="once", stdout=StringIO())
        with self.acting_for(self.stranger):
            self.assertEqual(balance(self.stranger.pk), 12_500_000)

    def test_unknown_slugs_are_refused_in_words(self) -> None:
        for arguments in (["create_api_key", "nobody"], ["add_credits", "nobody", "1", "--note", "x"]):
            with self.assertRaisesMessage(CommandError, "There is no organization with the slug nobody."):
                call_command(*arguments)


class OrganizationApiTest(TenantCase):
    def test_an_agency_makes_a_client_and_its_key(self) -> None:
        answer = self.api(self.agency).post(
            "/organizations", {"name": "New client", "parent_org_id": str(self.agency.pk)}
        )
        self.assertEqual(answer.status_code, 201)
        body = answer.json()
        self.assertEqual(body["parent_org_id"], str(self.agency.pk))
        child = Api(self.agency, key=body["api_key"]).get("/organizations").json()
        self.assertEqual((child["id"], child["parent_org_id"]), (body["id"], str(self.agency.pk)))

    def test_who_may_not(self) -> None:
        for organization, parent in (
            (self.client_org, self.client_org),
            (self.client_org, None),
            (self.stranger, self.agency),
        ):
            body = {"name": "X"} | ({"parent_org_id": str(parent.pk)} if parent else {})
            self.assertEqual(self.api(organization).post("/organizations", body).status_code, 403)

    def test_retention_needs_both_and_content_is_not_longer(self) -> None:
        api = self.api(self.stranger)
        both = {"content_retention_days": 30, "metadata_retention_days": 180}
        self.assertEqual(api.patch("/organizations", both).json(), both)
        for body in (
            {"content_retention_days": 30},
            {"content_retention_days": 365, "metadata_retention_days": 90},
            both | {"content_retention_days": 31},
        ):
            self.assertEqual(api.patch("/organizations", body).status_code, 400)

    def test_account_is_deprecated(self) -> None:
        answer = self.api(self.stranger).get("/account")
        self.assertEqual((answer.status_code, answer["Deprecation"]), (200, "true"))
