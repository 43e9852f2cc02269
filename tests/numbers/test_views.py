"""Numbers and trunks as people type, assign, replace and delete them."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import Limits
from tests import factories
from tests.assistants.pages import inputs_of
from tests.cases import TenantCase

HOME = "/o/bakker-dental/"


class NumberCase(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)

    def numbers(self) -> list[PhoneNumber]:
        with self.acting_for(self.client_org):
            found = PhoneNumber.objects.for_organization(self.client_org)
            return list(found.select_related("assistant", "transfer_trunk").order_by("created_at"))

    def register(self, text: str, **more: Any) -> Any:
        return self.browser.post(f"{HOME}numbers/new", {"phone_number": text, "country": "NL"} | more)


class RegisterTest(NumberCase):
    def test_the_country_of_the_organization_is_proposed(self) -> None:
        form = self.browser.get(f"{HOME}numbers/new").context["form"]
        self.assertEqual(form["country"].value(), "NL")

    def test_national_numbers_are_stored_as_e164(self) -> None:
        cases = [
            ("020 123 45 67", "NL", "+31201234567"),
            ("(030) 901820", "DE", "+4930901820"),
            ("0044 7700 900001", "NL", "+447700900001"),
            ("+49 170 1234567", "NL", "+491701234567"),
        ]
        for text, country, expected in cases:
            self.assertEqual(self.register(text, country=country).status_code, 302, text)
            self.assertEqual(self.numbers()[-1].phone_number, expected)

    def test_what_is_no_number_is_refused_and_stays_typed(self) -> None:
        for text in ("", "12", "call me", "020 1234567 / 020 7654321", "1" * 30):
            answer = self.register(text, name="Main line")
            self.assertEqual(answer.status_code, 422, text)
            self.assertIn("phone_number", answer.context["form"].errors)
            self.assertContains(answer, 'value="Main line"', status_code=422)
        self.assertEqual(self.numbers(), [])

    def test_a_possible_but_unknown_number_is_a_warning(self) -> None:
        answer = self.browser.post(f"{HOME}numbers/new", {"phone_number": "+31850000001", "country": "NL"}, follow=True)
        levels = {message.level_tag for message in answer.context["messages"]}
        self.assertEqual(levels, {"success"})
        answer = self.browser.post(f"{HOME}numbers/new", {"phone_number": "099 999 9999", "country": "NL"}, follow=True)
        self.assertContains(answer, "not known as a number in use")
        self.assertEqual(self.numbers()[-1].phone_number, "+31999999999")

    def test_a_number_that_is_taken_anywhere_is_a_conflict(self) -> None:
        factories.make_number(self.stranger, phone_number="+31201234567")
        answer = self.register("020 123 4567")
        self.assertEqual(answer.status_code, 409)
        self.assertContains(answer, "already registered", status_code=409)
        self.assertNotContains(answer, "Dove", status_code=409)

    def test_a_trunk_of_the_agency_another_client_or_a_stranger_is_never_offered(self) -> None:
        sibling = factories.make_organization("Visser Garage", parent=self.agency)
        foreign = {each: factories.make_trunk(each, name=f"Line of {each.name}") for each in (self.agency, sibling, self.stranger)}
        own = factories.make_trunk(self.client_org, name="Line of ours")
        page = self.browser.get(f"{HOME}numbers/new").content.decode()
        self.assertIn(f'value="{own.pk}"', page)
        for owner, trunk in foreign.items():
            self.assertNotIn(str(trunk.pk), page)
            self.assertNotIn(trunk.name, page)
            with self.subTest(owner.name):
                self.assertEqual(self.register("020 123 4567", transfer_trunk=str(trunk.pk)).status_code, 422)
        self.assertEqual(self.numbers(), [])
        # The agency's own person in the client's workspace chooses among the same.
        shown = self.as_(self.ada).get(f"{HOME}numbers/new", follow=True).content.decode()
        self.assertNotIn(str(foreign[self.agency].pk), shown)

    def test_who_has_no_trunks_of_its_own_is_told_who_sets_them_up(self) -> None:
        self.assertIn("Needed for outgoing calls", self.browser.get(f"{HOME}numbers/new").content.decode())
        factories._make(Limits, self.client_org, features=["assistants", "numbers"])
        self.assertIn("Your provider sets it up for you.", self.browser.get(f"{HOME}numbers/new").content.decode())

    def test_only_own_assistants_and_trunks_can_be_chosen(self) -> None:
        theirs = factories.make_assistant(self.stranger)
        answer = self.register("020 123 4567", assistant=str(theirs.pk))
        self.assertEqual((answer.status_code, list(answer.context["form"].errors)), (422, ["assistant"]))
        own, trunk = factories.make_assistant(self.client_org), factories.make_trunk(self.client_org)
        self.register("020 123 4567", assistant=str(own.pk), transfer_trunk=str(trunk.pk))
        number = self.numbers()[0]
        self.assertEqual((number.assistant, number.transfer_trunk, number.is_active), (own, trunk, True))


class AssignTest(NumberCase):
    def setUp(self) -> None:
        super().setUp()
        self.assistant, self.trunk = factories.make_assistant(self.client_org), factories.make_trunk(self.client_org)
        self.number = factories.make_number(self.client_org, assistant=self.assistant, transfer_trunk=self.trunk)

    def url(self, tail: str = "") -> str:
        return f"{HOME}numbers/{self.number.pk}{tail}"

    def test_the_list_changes_one_thing_at_a_time(self) -> None:
        answer = self.browser.post(self.url("/assign"), {"assistant": ""}, headers={"HX-Request": "true"})
        self.assertEqual((answer.status_code, answer.headers["HX-Reswap"]), (200, "none"))
        number = self.numbers()[0]
        self.assertEqual((number.assistant, number.transfer_trunk), (None, self.trunk))
        self.assertRedirects(self.browser.post(self.url("/assign"), {"transfer_trunk": ""}), f"{HOME}numbers")
        self.assertIsNone(self.numbers()[0].transfer_trunk)

    def test_others_rows_are_refused(self) -> None:
        theirs = factories.make_trunk(self.stranger)
        answer = self.browser.post(
            self.url("/assign"), {"transfer_trunk": str(theirs.pk)}, headers={"HX-Request": "true"}
        )
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(self.numbers()[0].transfer_trunk, self.trunk)

    def test_off_and_on(self) -> None:
        answer = self.browser.post(self.url("/active"), {"is_active": ""}, headers={"HX-Request": "true"})
        self.assertContains(answer, 'aria-checked="false"')
        self.assertFalse(self.numbers()[0].is_active)
        self.browser.post(self.url("/active"), {"is_active": "on"})
        self.assertTrue(self.numbers()[0].is_active)

    def test_edit_and_stale(self) -> None:
        first = inputs_of(self.browser.get(self.url()), "number-form")
        second = first | {"name": "Second"}
        self.assertEqual(self.browser.post(self.url(), first | {"name": "First"}).status_code, 302)
        answer = self.browser.post(self.url(), second)
        self.assertEqual(answer.status_code, 409)
        self.assertEqual(
            answer.context["conflict"]["fields"], [{"label": "Label", "theirs": "First", "yours": "Second"}]
        )
        self.assertEqual(self.browser.post(self.url(), inputs_of(answer, "number-form")).status_code, 302)
        self.assertEqual(self.numbers()[0].name, "Second")

    def test_the_page_names_the_last_incoming_call(self) -> None:
        self.assertContains(self.browser.get(self.url()), "None yet")
        factories.make_call(self.client_org, number=self.number, direction="outbound")
        call = factories.make_call(self.client_org, number=self.number)
        answer = self.browser.get(self.url())
        self.assertEqual(answer.context["last_call"], call)
        self.assertContains(answer, call.public_id)

    def test_delete_asks_first(self) -> None:
        self.assertContains(self.browser.get(self.url("/delete")), "rejected from now on")
        self.assertEqual(len(self.numbers()), 1)
        self.assertRedirects(self.browser.post(self.url("/delete")), f"{HOME}numbers")
        self.assertEqual(self.numbers(), [])

    def test_strangers_and_viewers(self) -> None:
        vera = factories.make_user("Vera")
        factories.make_member(self.client_org, vera, "viewer")
        theirs = factories.make_number(self.stranger)
        trunk = factories.make_trunk(self.stranger)
        for tail in ("", "/assign", "/active", "/delete"):
            self.assertEqual(self.as_(self.dov).post(self.url(tail)).status_code, 404, tail)
            self.assertEqual(
                self.browser.post(f"{HOME}numbers/{theirs.pk}{tail}", {"is_active": ""}).status_code, 404, tail
            )
            self.assertEqual(self.as_(vera).post(self.url(tail)).status_code, 403, tail)
        self.assertEqual(self.browser.post(f"{HOME}trunks/{trunk.pk}/delete").status_code, 404)
        self.assertEqual(self.as_(vera).post(f"{HOME}trunks/{self.trunk.pk}/delete").status_code, 403)
        page = self.as_(vera).get(self.url())
        self.assertNotContains(page, "data-save-bar")
        self.assertNotContains(self.as_(vera).get(f"{HOME}numbers"), "<select")


class ListTest(NumberCase):
    def test_search(self) -> None:
        factories.make_number(self.client_org, phone_number="+31201234567", name="Main")
        factories.make_number(self.client_org, phone_number="+31207654321", name="Recall")
        factories.make_number(self.stranger, phone_number="+31209999999", name="Main")
        for text, expected in (
            ("main", ["+31201234567"]),
            ("020 765", ["+31207654321"]),
            ("", ["+31201234567", "+31207654321"]),
            ("zzz", []),
        ):
            page = self.browser.get(f"{HOME}numbers", {"q": text}).context["page"]
            self.assertEqual([number.phone_number for number in page.object_list], expected, text)

    def test_one_and_three_rows_take_the_same_queries(self) -> None:
        for path, make in (("numbers", self.number), ("trunks", self.trunk)):
            make()
            self.browser.get(HOME + path)  # the first page of a session notes the visit
            counts = []
            for more in (0, 2):
                for _n in range(more):
                    make()
                with CaptureQueriesContext(connection) as queries:
                    self.assertEqual(self.browser.get(HOME + path).status_code, 200)
                counts.append(len(queries))
            self.assertEqual(counts[0], counts[1], path)

    def number(self) -> None:
        assistant, trunk = factories.make_assistant(self.client_org), self.trunk()
        number = factories.make_number(self.client_org, assistant=assistant, transfer_trunk=trunk)
        factories.make_call(self.client_org, number=number)

    def trunk(self) -> SipTrunk:
        return factories.make_trunk(self.client_org)


class TrunkTest(NumberCase):
    def make(self, **more: str) -> Any:
        return self.browser.post(
            f"{HOME}trunks/new",
            {
                "name": "New",
                "transport": "tls",
                "address": "sip.example.com:5061",
                "auth_username": "u",
                "auth_password": "p4ss",
            }
            | more,
        )

    def trunks(self) -> list[SipTrunk]:
        with self.acting_for(self.client_org):
            return list(SipTrunk.objects.for_organization(self.client_org).order_by("created_at"))

    def test_the_password_is_stored_and_never_shown(self) -> None:
        self.assertRedirects(self.make(), f"{HOME}trunks")
        trunk = self.trunks()[0]
        with self.acting_for(self.client_org):
            self.assertEqual(SipTrunk.objects.get(pk=trunk.pk).auth_password, "p4ss")
        for path in ("trunks", f"trunks/{trunk.pk}/delete", "trunks/new"):
            self.assertNotContains(self.browser.get(HOME + path), "p4ss")

    def test_an_address_is_a_host(self) -> None:
        self.make(address="sip:pbx.example.com/")
        self.assertEqual(self.trunks()[0].address, "pbx.example.com")
        answer = self.make(address="https://pbx.example.com/x")
        self.assertEqual((answer.status_code, list(answer.context["form"].errors)), (422, ["address"]))
        self.assertContains(answer, 'value="https://pbx.example.com/x"', status_code=422)

    def test_a_new_trunk_takes_over_the_numbers_of_the_old(self) -> None:
        old = factories.make_trunk(self.client_org, name="Old")
        number = factories.make_number(self.client_org, transfer_trunk=old)
        answer = self.browser.post(
            f"{HOME}trunks/new", {"name": "New", "transport": "udp", "replaces": str(old.pk)}, follow=True
        )
        self.assertContains(answer, "1 number moved to “New”.")
        self.assertEqual(self.numbers()[0].transfer_trunk.name, "New")
        self.assertEqual(self.numbers()[0].version, number.version + 1)
        theirs = factories.make_trunk(self.stranger)
        self.assertEqual(self.make(replaces=str(theirs.pk)).status_code, 422)

    def test_delete_says_which_numbers_lose_it(self) -> None:
        trunk = factories.make_trunk(self.client_org)
        for _n in range(2):
            factories.make_number(self.client_org, transfer_trunk=trunk)
        page = self.browser.get(f"{HOME}trunks/{trunk.pk}/delete")
        self.assertContains(page, "2 numbers lose their trunk")
        self.assertEqual(len(self.trunks()), 1)
        self.assertRedirects(self.browser.post(f"{HOME}trunks/{trunk.pk}/delete"), f"{HOME}trunks")
        self.assertEqual([number.transfer_trunk for number in self.numbers()], [None, None])
