"""The page on which an agency gives a client its plan and exceptions; and the form of switches behind it."""

from __future__ import annotations

import re
from typing import Any

from apps.billing.models import Plan
from apps.core import db
from apps.organizations.features import ALL, USUAL, closed
from apps.organizations.models import Limits
from apps.portal.forms_access import AccessForm
from apps.voice.models import Connection
from tests import factories
from tests.cases import TenantCase


class FormTest(TenantCase):
    def form(self, features: Any, data: Any = None, **more: Any) -> AccessForm:
        return AccessForm(data, limits={"assistants": 3}, features=features, **more)

    def test_everything_on_is_null(self) -> None:
        form = self.form(None, {"features": list(ALL), "assistants": "4"})
        self.assertTrue(form.is_valid())
        limits, features = form.values()
        self.assertEqual((limits["assistants"], limits["numbers"], features), (4, None, None))

    def test_a_child_whose_parent_is_off_is_off_and_says_why(self) -> None:
        form = self.form(None, {"features": list(ALL - {"place_calls"})})
        self.assertTrue(form.is_valid())
        self.assertEqual(ALL - set(form.values()[1] or []), {"place_calls", "campaigns", "embeds"})
        rows = {row.name: row for row in form.rows()}
        self.assertEqual([str(each) for each in rows["campaigns"].lacks], ["Place calls"])
        self.assertEqual(set(rows), ALL)
        self.assertEqual([name for name in rows if name in ("choose_models", "provider_keys", "templates")], ["choose_models", "provider_keys", "templates"])
        self.assertEqual((rows["place_calls"].depth, rows["campaigns"].depth, rows["provider_keys"].depth), (0, 1, 3))

    def test_what_differs_from_the_plan_is_marked(self) -> None:
        rows = self.form(["assistants", "recordings"], plan_features=["assistants"]).rows()
        self.assertEqual([row.name for row in rows if row.is_exception], ["recordings"])

    def test_nonsense_is_not_switched_on(self) -> None:
        form = self.form([], {"features": ["everything", "recordings"]})
        self.assertTrue(form.is_valid())
        self.assertEqual(form.values()[1], ["recordings"])


class PageTest(TenantCase):
    def setUp(self) -> None:
        self.path = f"/o/{self.agency.slug}/clients/{self.client_org.slug}/access"
        self.plan = factories._make(Plan, self.agency, name="Small", limits={"assistants": 2}, features=["assistants", "recordings"])

    def limits(self) -> Limits:
        with self.acting_for(self.client_org):
            return Limits.objects.for_organization(self.client_org).get()

    def send(self, **values: Any) -> Any:
        return self.as_(self.ada).post(self.path, values)

    def test_a_plan_is_assigned_and_exceptions_are_made_and_dropped(self) -> None:
        self.assertEqual(self.send(do="plan", plan=str(self.plan.pk)).status_code, 302)
        self.assertEqual((self.limits().assistants, self.limits().features), (2, ["assistants", "recordings"]))
        self.send(do="access", features=["assistants", "recordings", "exports"], assistants="5")
        self.assertEqual(self.limits().exceptions, {"limits": {"assistants": 5}, "features": {"exports": True}})
        page = self.as_(self.ada).get(self.path)
        for words in ("Small", "not as in the plan", "Not everything is as in the plan", 'value="5"', "Needs: Edit assistants"):
            self.assertContains(page, words)
        self.send(do="reset")
        self.assertEqual((self.limits().assistants, self.limits().features), (2, ["assistants", "recordings"]))
        self.send(do="plan", plan="")
        self.assertEqual((self.limits().plan_id, self.limits().features), (None, None))

    def test_what_was_typed_wrong_stays(self) -> None:
        answer = self.send(do="access", features=["assistants"], assistants="-1")
        self.assertEqual(answer.status_code, 422)
        self.assertContains(answer, 'value="-1"', status_code=422)

    def test_the_client_feels_it_at_once(self) -> None:
        cleo = self.as_(self.cleo)
        self.assertEqual(cleo.get(f"/o/{self.client_org.slug}/campaigns").status_code, 200)
        self.send(do="access", features=sorted(closed(ALL - {"campaigns"})))
        self.assertContains(cleo.get(f"/o/{self.client_org.slug}/campaigns"), "is not switched on", status_code=403)

    def test_nobody_elses_plan_and_nobody_elses_client(self) -> None:
        foreign = factories._make(Plan, self.stranger, name="Theirs")
        self.assertEqual(self.send(do="plan", plan=str(foreign.pk)).status_code, 404)
        ada = self.as_(self.ada)
        self.assertEqual(ada.get(f"/o/{self.agency.slug}/clients/{self.stranger.slug}/access").status_code, 404)
        self.assertEqual(self.as_(self.ben).get(self.path).status_code, 403)
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/clients/x/access").status_code, 404)
        self.assertEqual(self.as_(self.dov).get(self.path).status_code, 404)


class PlainWordsTest(TenantCase):
    """Who is told of no engine reads what it means for her: calls are possible, or they are not."""

    PAGES = ("", "assistants", "numbers", "numbers/new", "calls", "campaigns", "usage", "notifications", "settings/privacy", "settings/audit", "help")

    def setUp(self) -> None:
        with self.acting_for(self.client_org):
            factories._make(Limits, self.client_org, features=sorted(closed(USUAL)))
            self.connection = factories._make(
                Connection, self.client_org, name="Engine", base_url="http://127.0.0.1:1", api_key="x", hook_secret="y",
                engine={"kind": "x", "features": []}, engine_read_at=factories.NOW,
            )  # fmt: skip
            assistant = factories.make_assistant(self.client_org)
            number = factories.make_number(self.client_org, assistant=assistant, transfer_trunk=factories.make_trunk(self.client_org))
            self.call = factories.make_call(self.client_org, assistant=assistant, number=number)

    def words(self, path: str) -> str:
        answer = self.as_(self.cleo).get(f"/o/{self.client_org.slug}/{path}", follow=True)
        self.assertEqual(answer.status_code, 200, path)
        return re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(script|style|head)\b.*?</\1>", "", answer.content.decode()))

    def test_no_page_speaks_of_an_engine(self) -> None:
        states: tuple[dict[str, Any], ...] = ({}, {"failing_since": db.now()}, {"is_active": False})
        for state in states:
            with self.acting_for(self.client_org):
                Connection.objects.filter(pk=self.connection.pk).update(**state)
            for path in (*self.PAGES, f"calls/{self.call.public_id}"):
                with self.subTest(path=path, state=list(state)):
                    self.assertNotRegex(self.words(path), r"(?i)\bengines?\b")
