"""Plans, what is different for one client, and a changed plan on its way to all."""

from __future__ import annotations

import datetime as dt
from unittest import mock

from apps.billing.models import Plan
from apps.core import db
from apps.core.errors import Conflict
from apps.organizations.features import ALL, closed
from apps.organizations.limits import set_limits
from apps.organizations.models import AuditEntry, Job, Limits, Organization
from apps.organizations.services import SYSTEM
from apps.portal.services import plans as service
from apps.portal.services.plans import (
    assign_plan,
    begin_without_plan,
    drop_exceptions,
    push_plan,
    run_push,
    set_exceptions,
)
from tests import factories
from tests.cases import TenantCase

SMALL = closed(["assistants", "place_calls", "campaigns"])


class PlanCase(TenantCase):
    def setUp(self) -> None:
        self.now = db.now()
        self.plan = factories._make(Plan, self.agency, name="Small", limits={"assistants": 2, "campaigns": 1}, features=sorted(SMALL))

    def limits(self, client: Organization | None = None) -> Limits:
        client = client or self.client_org
        with self.acting_for(client):
            return Limits.objects.for_organization(client).get()


class AssignTest(PlanCase):
    def test_a_plan_is_what_holds(self) -> None:
        assign_plan(client=self.client_org, plan=self.plan, by=SYSTEM, now=self.now)
        row = self.limits()
        self.assertEqual((row.assistants, row.campaigns, row.numbers), (2, 1, None))
        self.assertEqual(set(row.features), SMALL)
        self.assertEqual(row.plan_id, self.plan.pk)

    def test_without_a_plan_everything_is_on_again(self) -> None:
        assign_plan(client=self.client_org, plan=self.plan, by=SYSTEM, now=self.now)
        assign_plan(client=self.client_org, plan=None, by=SYSTEM, now=self.now)
        row = self.limits()
        self.assertEqual((row.assistants, row.features, row.plan_id), (None, None, None))

    def test_limits_of_its_own_stay_where_the_plan_says_nothing(self) -> None:
        with self.acting_for(self.client_org):
            set_limits(organization=self.client_org, values={"concurrent_calls": 3, "assistants": 9}, by=SYSTEM, now=self.now)
        assign_plan(client=self.client_org, plan=self.plan, by=SYSTEM, now=self.now)
        row = self.limits()
        self.assertEqual((row.concurrent_calls, row.assistants), (3, 2))

    def test_what_a_client_began_with_gives_way_to_its_first_plan(self) -> None:
        begin_without_plan(client=self.client_org, by=SYSTEM, now=self.now)
        self.assertNotIn("api_keys", self.limits().features)
        with_keys = factories._make(Plan, self.agency, name="Keys", features=["api_keys"])
        assign_plan(client=self.client_org, plan=with_keys, by=SYSTEM, now=self.now)
        self.assertEqual(self.limits().features, ["api_keys"])

    def test_exceptions_stay_when_the_plan_changes(self) -> None:
        assign_plan(client=self.client_org, plan=self.plan, by=SYSTEM, now=self.now)
        set_exceptions(client=self.client_org, limits={"assistants": 5, "campaigns": 1}, features=SMALL | {"recordings"}, by=SYSTEM, now=self.now)
        row = self.limits()
        self.assertEqual(row.exceptions, {"limits": {"assistants": 5}, "features": {"recordings": True}})
        other = factories._make(Plan, self.agency, name="Other", limits={"assistants": 1, "numbers": 4}, features=["numbers"])
        assign_plan(client=self.client_org, plan=other, by=SYSTEM, now=self.now)
        row = self.limits()
        self.assertEqual((row.assistants, row.numbers, row.campaigns), (5, 4, None))
        self.assertEqual(set(row.features), {"numbers", "recordings"})
        drop_exceptions(client=self.client_org, by=SYSTEM, now=self.now)
        self.assertEqual((self.limits().assistants, self.limits().features), (1, ["numbers"]))

    def test_a_switch_without_its_needs_is_off(self) -> None:
        set_exceptions(client=self.client_org, limits={}, features=ALL - {"place_calls"}, by=SYSTEM, now=self.now)
        features = set(self.limits().features)
        self.assertFalse(features & {"place_calls", "campaigns", "embeds"})

    def test_an_agencys_limit_is_set_without_a_plan(self) -> None:
        with self.acting_for(self.agency):
            set_limits(organization=self.agency, values={"concurrent_calls": 3}, by=SYSTEM, now=self.now)
        self.assertEqual(self.limits(self.agency).concurrent_calls, 3)


class PushTest(PlanCase):
    def test_a_changed_plan_reaches_its_clients_and_nobody_else(self) -> None:
        other = factories.make_organization("Visser Garage", parent=self.agency)
        without = factories.make_organization("De Boer Fietsen", parent=self.agency)
        for client in (self.client_org, other):
            assign_plan(client=client, plan=self.plan, by=SYSTEM, now=self.now)
        set_exceptions(client=other, limits={"campaigns": 7}, features=SMALL, by=SYSTEM, now=self.now)
        with self.acting_for(self.agency):
            self.plan.change(self.now, limits={"assistants": 4, "campaigns": 2}, features=None)
            job = push_plan(plan=self.plan, by=SYSTEM)
        for _again in range(2):
            self.assertTrue(run_push(organization_id=self.agency.pk, job_id=job.pk, now=self.now))
        self.assertEqual((self.limits().assistants, self.limits().campaigns, self.limits().features), (4, 2, None))
        self.assertEqual((self.limits(other).assistants, self.limits(other).campaigns), (4, 7))
        with self.acting_for(without):
            self.assertFalse(Limits.objects.for_organization(without).exists())
        with self.acting_for(self.agency):
            job.refresh_from_db()
        self.assertEqual((job.status, job.done, job.total), (Job.Status.DONE, 2, 2))
        with self.acting_for(other):
            self.assertEqual(AuditEntry.objects.for_organization(other).filter(action="organization.plan").count(), 2)

    def start(self) -> Job:
        assign_plan(client=self.client_org, plan=self.plan, by=SYSTEM, now=self.now)
        with self.acting_for(self.agency):
            self.plan.change(self.now, limits={"assistants": 4})
            return push_plan(plan=self.plan, by=SYSTEM)

    def test_the_page_shows_how_far_it_is_and_then_what_came_of_it(self) -> None:
        job, browser = self.start(), self.as_(self.ada)
        path = f"/o/{self.agency.slug}/sales/plans"
        for answer in (browser.get(path), browser.get(f"{path}/progress")):
            self.assertContains(answer, "“Small” is on its way to its clients")
            self.assertContains(answer, f'hx-get="{path}/progress"')
        run_push(organization_id=self.agency.pk, job_id=job.pk, now=db.now())
        done = browser.get(f"{path}/progress")
        self.assertContains(done, "Done for 1 client.")
        self.assertNotContains(done, "hx-get")
        with self.acting_for(self.agency):
            Job.objects.filter(pk=job.pk).update(updated_at=self.now - dt.timedelta(hours=1))
        self.assertNotContains(browser.get(path), "Done for")

    def test_a_client_that_cannot_have_it_is_named_and_the_others_get_it(self) -> None:
        other = factories.make_organization("Visser Garage", parent=self.agency)
        assign_plan(client=other, plan=self.plan, by=SYSTEM, now=self.now)
        job, real = self.start(), service._recompute_one

        def refuse(client_id: object, *rest: object) -> None:
            if client_id == other.pk:
                raise Conflict("Somebody changes it right now.")
            real(client_id, *rest)  # type: ignore[arg-type]

        with mock.patch.object(service, "_recompute_one", refuse):
            run_push(organization_id=self.agency.pk, job_id=job.pk, now=db.now())
        self.assertEqual(self.limits().assistants, 4)
        answer = self.as_(self.ada).get(f"/o/{self.agency.slug}/sales/plans")
        self.assertContains(answer, "Done for 1 client. Not done for 1 client:")
        self.assertContains(answer, "Visser Garage")
        self.assertContains(answer, "Somebody changes it right now.")

    def test_another_agency_sees_nothing_of_it(self) -> None:
        self.start()
        path = f"/o/{self.stranger.slug}/sales/plans/progress"
        self.assertNotContains(self.as_(self.dov).get(path), "Small")
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/sales/plans/progress").status_code, 404)
