"""The list, creating, copying, switching and deleting."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.assistants.models import Assistant
from apps.core import db
from apps.numbers.models import PhoneNumber
from tests import factories
from tests.cases import TenantCase

HOME = "/o/bakker-dental/assistants"


class ListTest(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)

    def names(self, **query: Any) -> list[str]:
        return [each.name for each in self.browser.get(HOME, query).context["page"].object_list]

    def test_empty_says_what_to_do_next(self) -> None:
        self.assertContains(self.browser.get(HOME), "No assistants yet")
        self.assertContains(self.browser.get(HOME, {"q": "x"}), "No assistant matches")

    def test_search_filter_and_order(self) -> None:
        factories.make_assistant(self.client_org, name="Robin", business_name="Dental")
        factories.make_assistant(self.client_org, name="Noor", is_active=False)
        factories.make_assistant(self.stranger, name="Robin of others")
        self.assertEqual(self.names(), ["Noor", "Robin"])
        self.assertEqual(self.names(order="-name"), ["Robin", "Noor"])
        self.assertEqual(self.names(q="rob"), ["Robin"])
        self.assertEqual(self.names(q="dental"), ["Robin"])
        self.assertEqual(self.names(state="inactive"), ["Noor"])
        self.assertEqual(self.names(state="active", order="nonsense", page="99"), ["Robin"])

    def test_calls_of_seven_days_and_the_last_one(self) -> None:
        robin = factories.make_assistant(self.client_org, name="Robin")
        now = db.now()
        for days in (0.1, 6.9, 8):
            factories.make_call(self.client_org, assistant=robin, created_at=now - dt.timedelta(days=days))
        factories.make_assistant(self.client_org, name="Zed")
        rows = self.browser.get(HOME).context["page"].object_list
        self.assertEqual([(row.name, row.calls_7_days) for row in rows], [("Robin", 2), ("Zed", 0)])
        self.assertEqual(rows[0].last_call_at, now - dt.timedelta(days=0.1))
        self.assertIsNone(rows[1].last_call_at)

    def test_one_and_three_rows_take_the_same_queries(self) -> None:
        self.browser.get(HOME)  # the first page of a session notes the visit
        counts = []
        for more in (1, 2):
            for _n in range(more):
                factories.make_call(self.client_org, assistant=factories.make_assistant(self.client_org))
            with CaptureQueriesContext(connection) as queries:
                self.assertEqual(self.browser.get(HOME).status_code, 200)
            counts.append(len(queries))
        self.assertEqual(counts[0], counts[1])


class LifeTest(TenantCase):
    def setUp(self) -> None:
        self.browser = self.as_(self.cleo)

    def all(self) -> list[Assistant]:
        with self.acting_for(self.client_org):
            return list(Assistant.objects.for_organization(self.client_org).live().order_by("created_at"))

    def test_a_name_is_enough(self) -> None:
        answer = self.browser.post(f"{HOME}/new", {"name": "Robin", "starter": "blank"})
        made = self.all()[0]
        self.assertRedirects(answer, f"{HOME}/{made.pk}")
        self.assertEqual((made.name, made.first_message, made.llm_config["messages"]), ("Robin", None, []))

    def test_a_starting_point_speaks_its_language(self) -> None:
        for key, word in (("nl", "Goedendag"), ("de", "Guten Tag"), ("en", "Good day")):
            self.browser.post(f"{HOME}/new", {"name": key, "starter": key})
            made = self.all()[-1]
            self.assertTrue(made.first_message.startswith(word))
            self.assertEqual(made.stt_config["language"], key)
            self.assertEqual(made.llm_config["messages"][0]["role"], "system")

    def test_no_name_no_assistant(self) -> None:
        for name in ("", "   ", "x" * 201):
            answer = self.browser.post(f"{HOME}/new", {"name": name, "starter": "nl"})
            self.assertEqual((answer.status_code, list(answer.context["form"].errors)), (422, ["name"]))
            self.assertContains(answer, 'value="nl" checked', status_code=422)
        self.assertEqual(self.all(), [])

    def test_a_copy_is_switched_off(self) -> None:
        robin = factories.make_assistant(self.client_org, name="Robin")
        self.browser.post(f"{HOME}/{robin.pk}/duplicate")
        copy = self.all()[1]
        self.assertEqual((copy.name, copy.is_active, copy.llm_config), ("Copy of Robin", False, robin.llm_config))

    def test_the_switch_of_the_list(self) -> None:
        robin = factories.make_assistant(self.client_org, name="Robin")
        answer = self.browser.post(f"{HOME}/{robin.pk}/active", {"is_active": ""}, headers={"HX-Request": "true"})
        self.assertContains(answer, 'aria-checked="false"')
        self.assertIn("toast", answer.headers["HX-Trigger"])
        self.assertFalse(self.all()[0].is_active)
        self.assertRedirects(self.browser.post(f"{HOME}/{robin.pk}/active", {"is_active": "on"}), HOME)
        self.assertTrue(self.all()[0].is_active)

    def test_deleting_names_what_it_touches(self) -> None:
        robin = factories.make_assistant(self.client_org, name="Robin")
        factories.make_number(self.client_org, phone_number="+31201234567", assistant=robin)
        factories.make_campaign(self.client_org, name="Spring recall", assistant=robin, status="paused")
        factories.make_campaign(self.client_org, name="Finished", assistant=robin, status="completed")
        page = self.browser.get(f"{HOME}/{robin.pk}/delete")
        self.assertContains(page, "+31 20 123 4567")
        self.assertContains(page, "Spring recall")
        self.assertNotContains(page, "Finished")
        self.assertEqual(len(self.all()), 1)
        self.assertRedirects(self.browser.post(f"{HOME}/{robin.pk}/delete"), HOME)
        self.assertEqual(self.all(), [])
        with self.acting_for(self.client_org):
            self.assertIsNone(PhoneNumber.objects.get().assistant)
        self.assertEqual(self.browser.get(f"{HOME}/{robin.pk}").status_code, 404)
