"""Settings: rules by country. Who reads, who changes, what is kept, what is taken back."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.campaigns.models import RulePack
from apps.campaigns.rules import Rules, place_of
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import AuditEntry, Organization
from tests import factories
from tests.campaigns.support import wide
from tests.cases import TenantCase

TODAY = dt.date(2026, 1, 1)


def typed(**values: Any) -> dict[str, Any]:
    """A form as it is filled in: 10 to 12 on weekdays, written consent, two limits."""
    hours = {f"day_{day}": "10-12" for day in range(1, 6)} | {"day_6": "", "day_7": ""}
    form = hours | {
        "valid_from": "2026-01-01", "has_hours": "on", "special_days": "12-24 00:00-11:00", "calls_1": "2", "days_1": "7",
        "calls_2": "", "days_2": "", "silence_days": "30", "consent": ["written"], "hints": ["identify"],
        "sources": "Our lawyer, letter of May https://example.com/letter", "note": "Asked for by Legal",
    }  # fmt: skip
    return form | values


def make_pack(organization: Organization | None, country: str = "NL", day: dt.date = TODAY, **fields: Any) -> RulePack:
    values = {"country": country, "valid_from": day, "rules": {"marketing": {}}, "sources": []} | fields
    scope = Scope((organization.pk,)) if organization else Scope(operator=True)
    with acting(scope):
        return RulePack.objects.create(organization=organization, **values)


def packs(organization: Organization) -> list[RulePack]:
    with acting(Scope((organization.pk,))):
        return list(RulePack.objects.filter(organization=organization).order_by("valid_from"))


class PageCase(TenantCase):
    def setUp(self) -> None:
        self.at = f"/o/{self.client_org.slug}/settings/country-rules"
        self.cleo_web = self.as_(self.cleo)
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        self.viewer = self.as_(viewer)
        member = factories.make_user("Max")
        factories.make_member(self.client_org, member, "member")
        self.member = self.as_(member)

    def post(self, browser: Any = None, query: str = "country=NL", **values: Any) -> Any:
        return (browser or self.cleo_web).post(f"{self.at}/edit?{query}", typed(**values))


class ReadTest(PageCase):
    def test_everybody_reads_what_holds_in_words_and_who_answers_for_it(self) -> None:
        page = self.viewer.get(self.at).content.decode()
        for words in ("You answer for these rules", "not legal advice", "Netherlands", "Mon–Fri 09:00–22:00", "Sat 10:00–16:00",
                      "European Union", "All other countries", "4 calls to a number in 30 days", "60 days after a refusal"):  # fmt: skip
            self.assertIn(words, page)
        self.assertNotIn("Another country", page)
        self.assertIn("Another country", self.cleo_web.get(self.at).content.decode())

    def test_a_country_shows_sources_regions_and_history(self) -> None:
        page = self.viewer.get(f"{self.at}/country?country=US").content.decode()
        for words in ("47 CFR 64.1200", "https://www.ecfr.gov/current/title-47/section-64.1200", "looked at on 2026-11-21", "FL",
                      "Mon–Sat 09:00–21:00", "Holds now", "Feb. 8, 2024", "Dec. 20, 1995"):  # fmt: skip
            self.assertIn(words, page)
        self.assertNotIn("Change the rules", page)
        florida = self.viewer.get(f"{self.at}/country?country=US&region=FL").content.decode()
        self.assertIn("3 calls to a number in 24 hours", florida)
        self.assertIn("Second-hand source", florida)

    def test_a_member_of_the_union_shows_what_the_union_asks(self) -> None:
        page = self.viewer.get(f"{self.at}/country?country=NL").content.decode()
        self.assertIn("What the European Union asks as well", page)
        self.assertIn("Say at the start of the call that an AI is speaking.", page)
        self.assertNotIn("European Union asks", self.viewer.get(f"{self.at}/country?country=GB").content.decode())

    def test_unknown_countries_and_regions_are_not_found(self) -> None:
        self.assertEqual(self.viewer.get(f"{self.at}/country?country=QQ").status_code, 404)
        self.assertEqual(self.viewer.get(f"{self.at}/country?country=NL&region=Atlantis").status_code, 404)
        self.assertRedirects(self.viewer.get(f"{self.at}/country"), self.at)

    def test_the_list_costs_the_same_queries_for_one_edit_and_three(self) -> None:
        self.viewer.get(self.at)  # the first page of a session stores the visit
        for countries in (["NL"], ["DE", "JP"]):
            for country in countries:
                make_pack(self.client_org, country)
            with self.subTest(countries), self.assertNumQueries(13):
                self.viewer.get(self.at)

    def test_the_agencys_rules_hold_for_its_client_without_its_notes(self) -> None:
        rules = {"marketing": {"hours": {str(day): [["11:00", "12:00"]] for day in range(1, 8)}}}
        make_pack(self.agency, rules=rules, note="Secret-canary", actor="Secret-canary")
        make_pack(self.stranger, rules={"marketing": {"hours": {"1": [["03:00", "04:00"]]}}}, note="Secret-canary")
        listed, page = self.viewer.get(self.at).content.decode(), self.viewer.get(f"{self.at}/country?country=NL").content.decode()
        self.assertIn("Set by your agency", listed)
        self.assertIn("Every day 11:00–12:00", listed)
        for shown in (listed, page):
            self.assertNotIn("ecret-canary", shown)
            self.assertNotIn("03:00", shown)
        agency = self.as_(self.ada).get(f"/o/{self.agency.slug}/settings/country-rules/country?country=NL").content.decode()
        self.assertIn("Secret-canary", agency)

    def test_an_agency_does_not_work_under_its_clients_rules(self) -> None:
        make_pack(self.client_org, rules={"marketing": {"hours": {"1": [["03:00", "04:00"]]}}})
        page = self.as_(self.ada).get(f"/o/{self.agency.slug}/settings/country-rules").content.decode()
        self.assertNotIn("03:00", page)


class EditTest(PageCase):
    def test_an_admin_sets_the_rules_from_a_day_on(self) -> None:
        answer = self.post()
        self.assertRedirects(answer, f"{self.at}/country?country=NL")
        (row,) = packs(self.client_org)
        hours = {str(day): [["10:00", "12:00"]] for day in range(1, 6)} | {"6": [], "7": []}
        self.assertEqual((row.country, row.region, row.valid_from, row.note), ("NL", "", TODAY, "Asked for by Legal"))
        self.assertEqual(row.rules, {
            "marketing": {
                "hours": hours, "open_on_holidays": False, "special_days": [{"date": "12-24", "hours": [["00:00", "11:00"]]}],
                "attempts": [{"calls": 2, "days": 7}], "silence_days": 30, "consent": ["written"], "attestation": False,
            },
            "service": {}, "hints": ["identify"],
        })  # fmt: skip
        self.assertEqual([(each["text"], each["url"], each["kind"]) for each in row.sources],
                         [("Our lawyer, letter of May", "https://example.com/letter", "own")])  # fmt: skip
        page = self.cleo_web.get(f"{self.at}/country?country=NL").content.decode()
        for words in ("Set by you", "Mon–Fri 10:00–12:00", "Sat–Sun never", "2 calls to a number in 7 days", "until 11:00", "Overruled"):
            self.assertIn(words, page)
        with acting(Scope((self.client_org.pk,))):
            entry = AuditEntry.objects.get(organization=self.client_org, action="rules.change")
        self.assertEqual(entry.data["rules"], row.rules)

    def test_the_dialler_follows_it_at_once_and_wakes(self) -> None:
        now = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)  # 13:00 in Amsterdam
        campaign = factories.make_campaign(
            self.client_org, purpose="marketing", uses_lead_zone=True, status="scheduled", sleeps_until=now + dt.timedelta(hours=1)
        )
        there = place_of(phone_number="+31612345678")
        with wide(self.client_org):
            self.assertTrue(Rules.of(campaign, now).hours(there, now).is_open)
        self.post()
        with wide(self.client_org):
            campaign.refresh_from_db()
            hours = Rules.of(campaign, now).hours(there, now)
        self.assertEqual((hours.reason, hours.next_at), ("outside_hours", dt.datetime(2026, 11, 19, 9, tzinfo=dt.UTC)))
        self.assertIsNone(campaign.sleeps_until)

    def test_the_same_day_again_takes_the_place_of_the_first(self) -> None:
        self.post()
        self.post(silence_days="")
        (row,) = packs(self.client_org)
        self.assertIsNone(row.rules["marketing"]["silence_days"])
        self.post(valid_from="2099-01-01")
        self.assertEqual(len(packs(self.client_org)), 2)
        self.assertIn("Still to come", self.cleo_web.get(f"{self.at}/country?country=NL").content.decode())

    def test_hours_for_service_calls_too(self) -> None:
        self.post(holds_for_service="on")
        (row,) = packs(self.client_org)
        self.assertEqual(row.rules["service"]["hours"]["1"], [["10:00", "12:00"]])
        self.assertTrue(self.cleo_web.get(f"{self.at}/edit?country=NL").context["form"]["holds_for_service"].value())

    def test_a_new_country_starts_from_the_cautious_rules_a_region_from_none(self) -> None:
        form = self.cleo_web.get(f"{self.at}/edit?country=JP").context["form"]
        self.assertEqual((form["day_1"].value(), form["day_7"].value(), form["calls_1"].value()), ("09:00-20:00", "", 3))
        self.assertFalse(self.cleo_web.get(f"{self.at}/edit?country=DE&region=BY").context["form"]["has_hours"].value())
        self.assertRedirects(self.post(query="country=DE&region=BY"), f"{self.at}/country?country=DE&region=BY")

    def test_what_is_wrong_is_named_at_its_field_and_what_was_typed_stays(self) -> None:
        for values, field in (
            ({"day_1": "noon"}, "day_1"), ({"day_1": "12-10"}, "day_1"), ({"day_2": "09:00-13:00, 12:00-14:00"}, "day_2"),
            ({"day_3": "25-26"}, "day_3"), ({"special_days": "13-40 09-10"}, "special_days"), ({"special_days": "12-24"}, "special_days"),
            ({"calls_1": "3", "days_1": ""}, "calls_1"), ({"calls_1": "0"}, "calls_1"), ({"silence_days": "99999"}, "silence_days"),
            ({"sources": ""}, "sources"), ({"sources": "see http://"}, "sources"), ({"valid_from": "1900-01-01"}, "valid_from"),
            ({"valid_from": ""}, "valid_from"), ({"consent": ["oral"]}, "consent"), ({"hints": ["nonsense"]}, "hints"),
        ):  # fmt: skip
            with self.subTest(values):
                answer = self.post(note="Kept as typed", **values)
                self.assertEqual(answer.status_code, 422)
                self.assertEqual(list(answer.context["form"].errors), [field])
                self.assertIn("Kept as typed", answer.content.decode())
        self.assertEqual(packs(self.client_org), [])

    def test_viewers_and_members_change_nothing(self) -> None:
        row = make_pack(self.client_org)
        for browser in (self.viewer, self.member):
            self.assertEqual(browser.get(f"{self.at}/edit?country=NL").status_code, 403)
            self.assertEqual(self.post(browser).status_code, 403)
            self.assertEqual(browser.post(f"{self.at}/{row.pk}/take-back").status_code, 403)
        self.assertEqual([each.rules for each in packs(self.client_org)], [{"marketing": {}}])


class TakeBackTest(PageCase):
    def test_what_held_before_holds_again(self) -> None:
        self.post()
        (row,) = packs(self.client_org)
        self.assertIn("Take this edit back?", self.cleo_web.get(f"{self.at}/country?country=NL").content.decode())
        answer = self.cleo_web.post(f"{self.at}/{row.pk}/take-back")
        self.assertRedirects(answer, f"{self.at}/country?country=NL")
        self.assertEqual(packs(self.client_org), [])
        self.assertIn("Mon–Fri 09:00–22:00", self.cleo_web.get(self.at).content.decode())
        with acting(Scope((self.client_org.pk,))):
            entry = AuditEntry.objects.get(organization=self.client_org, action="rules.take_back")
        self.assertEqual(entry.data["rules"], row.rules)

    def test_only_ones_own(self) -> None:
        for row in (make_pack(self.agency), make_pack(self.stranger), make_pack(None)):
            self.assertEqual(self.cleo_web.post(f"{self.at}/{row.pk}/take-back").status_code, 404)
        with acting(Scope(operator=True)):
            self.assertEqual(RulePack.objects.count(), 3)


class AdminTest(TenantCase):
    def setUp(self) -> None:
        self.operator = factories.make_user("Otto", is_superuser=True)
        self.browser = self.as_(self.operator)

    def post(self, **values: Any) -> Any:
        form = {"country": "NL", "region": "", "valid_from": "2026-01-01", "rules": '{"marketing": {"silence_days": 9}}', "sources": "[]"}
        return self.browser.post("/admin/campaigns/rulepack/add/", form | values)

    def test_the_operator_sets_rules_for_everybody(self) -> None:
        self.assertEqual(self.post().status_code, 302)
        campaign = factories.make_campaign(self.client_org, purpose="marketing")
        with wide(self.client_org):
            self.assertEqual(Rules.of(campaign, db.now()).silence_days(place_of(phone_number="+31612345678")), 9)
        page = self.as_(self.cleo).get(f"/o/{self.client_org.slug}/settings/country-rules").content.decode()
        self.assertIn("Set for this installation", page)

    def test_what_is_wrong_is_named(self) -> None:
        answer = self.post(rules='{"marketing": {"hours": {"1": [["12:00", "10:00"]]}}}')
        self.assertContains(answer, "marketing.hours.1")
        self.assertContains(self.post(sources='[{"text": "x", "url": "javascript:alert(1)"}]'), "A list of")
        self.assertContains(self.post(country="QQ"), "Choose a country.")
        with acting(Scope(operator=True)):
            self.assertEqual(RulePack.objects.count(), 0)

    def test_an_organizations_own_are_only_read(self) -> None:
        row = make_pack(self.client_org, note="Own")
        self.assertEqual(self.browser.get(f"/admin/campaigns/rulepack/{row.pk}/change/").status_code, 200)
        answer = self.browser.post(f"/admin/campaigns/rulepack/{row.pk}/change/", {"country": "DE"})
        self.assertEqual(answer.status_code, 403)
