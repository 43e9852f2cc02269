"""The agency's console: the table, one client's page, suspending, deleting, many at once, announcements and exports."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

from django.test import SimpleTestCase, override_settings

from apps.accounts.models import User
from apps.assistants.models import Assistant
from apps.billing.models import CREDIT, Invoice, LedgerEntry, Plan
from apps.calls.models import Call
from apps.core import db
from apps.core.errors import Invalid, NotFound
from apps.core.scope import acting
from apps.mail.models import Message
from apps.organizations.models import AuditEntry, Invitation, Job, Membership, Notification, Organization, OwnedModel
from apps.organizations.scopes import overview
from apps.organizations.services import SYSTEM
from apps.portal.models import Announcement
from apps.portal.selectors import ClientRow, clients_of, credit_cents
from apps.portal.services import announce, bulk, care, export
from tests import factories
from tests.cases import TenantCase

NEW = "/o/northwind-voice/clients"


class ConsoleCase(TenantCase):
    def setUp(self) -> None:
        self.now = db.now()
        self.ada_browser = self.as_(self.ada)

    def add_client(self, name: str, **fields: Any) -> Organization:
        return factories.make_organization(name, parent=self.agency, **fields)

    def row(self, name: str) -> ClientRow:
        with acting(overview("test")):
            return next(each for each in clients_of(self.agency, self.now).rows if each.organization.name == name)

    def actions(self, organization: Organization) -> list[str]:
        with acting(overview("test")):
            return list(AuditEntry.objects.for_organization(organization).order_by("created_at", "id").values_list("action", flat=True))


class FiguresTest(ConsoleCase):
    def test_figures_of_a_client(self) -> None:
        client = self.add_client("Cedar Clinic", has_wallet=True)
        other = self.add_client("Dune Dental", has_wallet=True)
        for organization, factor in ((client, 1), (other, 7)):
            factories._make(LedgerEntry, organization, key="a", kind="purchase", amount=factor * 50 * CREDIT, used_by=organization.pk)
            factories._make(LedgerEntry, organization, key="b", kind="call", amount=-factor * 2 * CREDIT, used_by=organization.pk, seconds=60)
            factories._make(
                LedgerEntry, self.agency, key=f"call:{factor}", kind="call", amount=-factor * 3 * CREDIT, used_by=organization.pk, seconds=factor * 180
            )
            factories._make(
                Invoice, organization, key="i", seller_id=uuid.uuid4(), kind="invoice", series="2026", sequence=factor, number=f"INV-{factor}",
                language="en", currency="EUR", issued_on=self.now.date(), seller={}, buyer={}, lines=[], net_cents=factor * 500, vat_cents=105,
            )  # fmt: skip
            for status in ("ended", "failed", "failed"):
                factories.make_call(organization, status=status)
        row = self.row("Cedar Clinic")
        self.assertEqual((row.balance, row.month_seconds, row.revenue_cents, row.cost_cents, row.margin_cents), (48 * CREDIT, 180, 500, 21, 479))
        self.assertEqual((row.calls_today, row.failed_today, row.calls), (3, 2, 3))
        self.assertIsNone(self.row("Bakker Dental").balance)

    def test_one_and_three_clients_cost_the_same_queries(self) -> None:
        with self.acting_for(self.client_org):
            Organization.objects.filter(pk=self.client_org.pk).update(has_wallet=True)
        with acting(overview("test")), self.assertNumQueries(QUERIES):
            clients_of(self.agency, self.now)
        for name in ("Cedar", "Dune"):
            self.add_client(name, has_wallet=True)
        with acting(overview("test")), self.assertNumQueries(QUERIES):
            self.assertEqual(clients_of(self.agency, self.now).clients, 3)

    def test_search_finds_names_and_people_and_never_a_strangers(self) -> None:
        cedar = self.add_client("Cedar Clinic")
        factories.make_member(cedar, factories.make_user("Zora", email="zora@cedar.example"), "viewer")
        hidden = factories.make_organization("Cedar of Dov", parent=self.stranger)
        factories.make_member(hidden, factories.make_user("Zora2", email="zora@dov.example"), "viewer")
        for text in ("cedar", "ZORA", "zora@cedar.example"):
            page = self.ada_browser.get(NEW, {"q": text})
            self.assertEqual([row.organization.name for row in page.context["page"]], ["Cedar Clinic"], text)
        self.assertEqual(list(self.ada_browser.get(NEW, {"q": "nobody"}).context["page"]), [])

    def test_order_and_state(self) -> None:
        self.add_client("Aardvark")
        late = self.add_client("Zebra")
        factories.make_call(late)
        care.suspend_client(client=late, by=SYSTEM, now=self.now)
        names = lambda **query: [row.organization.name for row in self.ada_browser.get(NEW, query).context["page"]]  # noqa: E731
        self.assertEqual(names(), ["Aardvark", "Bakker Dental", "Zebra"])
        self.assertEqual(names(order="-calls")[0], "Zebra")
        self.assertEqual(names(state="suspended"), ["Zebra"])
        self.assertEqual(names(state="active"), ["Aardvark", "Bakker Dental"])

    def test_money_is_rounded_half_up(self) -> None:
        with override_settings(CREDIT_PRICE_CENTS=7):
            self.assertEqual([credit_cents(each) for each in (0, 71_428, 71_429, 1_000_000, 1_214_286)], [0, 0, 1, 7, 9])

    def test_the_file_has_the_same_rows_and_no_formulas(self) -> None:
        self.add_client("=cmd()", slug="cmd")
        text = self.ada_browser.get(f"{NEW}/file").content.decode()
        self.assertEqual([line.split(",")[1] for line in text.splitlines()], ["name", "'=cmd()", "Bakker Dental"])

    def test_only_the_agency_has_a_console(self) -> None:
        for person, path in ((self.cleo, "/o/bakker-dental/clients"), (self.dov, NEW), (self.cleo, NEW)):
            self.assertEqual(self.as_(person).get(path).status_code, 404)
        self.assertEqual(self.as_(self.ben).get(NEW).status_code, 200)
        self.assertEqual(self.as_(self.ben).post(f"{NEW}/bakker-dental/suspend").status_code, 403)
        with acting(overview("test")):
            self.assertIsNone(Organization.objects.get(pk=self.client_org.pk).suspended_at)


class CareTest(ConsoleCase):
    def test_a_client_is_made_with_plan_wallet_and_invitation(self) -> None:
        plan = factories._make(Plan, self.agency, name="Small", limits={"assistants": 2}, features=["assistants"])
        answer = self.ada_browser.post(
            f"{NEW}/new", {"name": "Cedar Clinic", "email": "Cora@Cedar.example", "plan": str(plan.pk), "has_wallet": "on"}
        )
        self.assertRedirects(answer, f"{NEW}/cedar-clinic/overview")
        with acting(overview("test")):
            made = Organization.objects.get(slug="cedar-clinic")
            self.assertEqual((made.has_wallet, made.parent_id), (True, self.agency.pk))
            self.assertEqual(list(Invitation.objects.for_organization(made).values_list("email", "role")), [("cora@cedar.example", "owner")])
            self.assertEqual([each.to for each in Message.objects.filter(organization_id=made.pk)], ["cora@cedar.example"])
        self.assertEqual(self.row("Cedar Clinic").plan, "Small")

    def test_a_form_with_an_error_keeps_what_was_typed(self) -> None:
        answer = self.ada_browser.post(f"{NEW}/new", {"name": "Cedar", "email": "not an address"})
        self.assertEqual(answer.status_code, 422)
        self.assertContains(answer, 'value="Cedar"', status_code=422)

    def test_suspending_stops_the_api_and_is_undone(self) -> None:
        key = self.api(self.client_org)
        self.ada_browser.post(f"{NEW}/bakker-dental/suspend", {"reason": "unpaid"})
        self.assertEqual(key.get("/assistants").status_code, 403)
        self.assertContains(self.ada_browser.get(f"{NEW}/bakker-dental/overview"), "This client is suspended")
        self.ada_browser.post(f"{NEW}/bakker-dental/suspend", {"suspended": "0"})
        self.assertEqual(key.get("/assistants").status_code, 200)
        self.assertEqual(self.actions(self.client_org)[-2:], ["organization.suspend", "organization.release"])

    def test_deleting_asks_for_the_name_and_erases(self) -> None:
        factories.make_call(self.client_org)
        factories.make_assistant(self.client_org)
        page = f"{NEW}/bakker-dental/delete"
        self.assertEqual(self.ada_browser.post(page, {"name": "bakker"}).status_code, 422)
        with acting(overview("test")):
            self.assertEqual(Call.objects.for_organization(self.client_org).count(), 1)
        self.assertRedirects(self.ada_browser.post(page, {"name": "Bakker Dental"}), NEW)
        with acting(overview("test")):
            row = Organization.objects.get(pk=self.client_org.pk)
            self.assertEqual((row.name, bool(row.closed_at), row.slug.startswith("closed-")), ("Bakker Dental", True, True))
            left = [model.objects.for_organization(row).count() for model in (Assistant, Membership)]
            self.assertEqual(left, [0, 0])
        cleo = User.objects.get(pk=self.cleo.pk)
        self.assertEqual((cleo.is_active, cleo.name, cleo.email), (False, "", f"{cleo.pk.hex}@deleted.invalid"))
        self.assertTrue(User.objects.get(pk=self.ada.pk).is_active)

    def test_deleting_again_after_a_crash_finishes(self) -> None:
        for _time in range(2):
            care.delete_client(client=self.client_org, by=SYSTEM, now=self.now)
        with acting(overview("test")):
            self.assertTrue(Organization.objects.get(pk=self.client_org.pk).closed_at)

    def test_a_strangers_client_is_not_there(self) -> None:
        other = factories.make_organization("Dove Child", parent=self.stranger)
        with acting(overview("test")), self.assertRaises(NotFound):
            care.client_of(self.agency, other.slug)
        for path in ("overview", "delete"):
            self.assertEqual(self.ada_browser.get(f"{NEW}/dove-child/{path}").status_code, 404)


class BulkTest(ConsoleCase):
    def begin(self, action: str, *slugs: str, **options: Any) -> Job:
        with self.acting_for(self.agency):
            return bulk.begin_bulk(agency=self.agency, action=action, clients=slugs, by=SYSTEM, **options)

    def test_each_client_once_and_what_failed_is_said(self) -> None:
        self.add_client("Cedar")
        factories.make_organization("Dove Child", parent=self.stranger)
        job = self.begin("suspend", "bakker-dental", "cedar", "dove-child", "nobody")
        for _time in range(2):
            bulk.run_bulk(organization_id=self.agency.pk, job_id=job.pk)
        with acting(overview("test")):
            done = Job.objects.get(pk=job.pk)
            suspended = set(Organization.objects.exclude(suspended_at=None).values_list("slug", flat=True))
        self.assertEqual((done.status, done.done, done.total), ("done", 4, 4))
        self.assertEqual((done.data["done"], set(done.data["failed"])), (["bakker-dental", "cedar"], {"dove-child", "nobody"}))
        self.assertEqual(suspended, {"bakker-dental", "cedar"})
        self.assertEqual(self.actions(self.client_org), ["organization.suspend"])
        self.assertContains(self.ada_browser.get(NEW), "Not everything could be done")

    def test_it_goes_on_where_it_stood(self) -> None:
        self.add_client("Cedar")
        job = self.begin("suspend", "bakker-dental", "cedar")
        with self.acting_for(self.agency):
            Job.objects.filter(pk=job.pk).update(data=job.data | {"done": ["bakker-dental"]}, status="running")
        bulk.run_bulk(organization_id=self.agency.pk, job_id=job.pk)
        with acting(overview("test")):
            self.assertEqual(list(Organization.objects.exclude(suspended_at=None).values_list("slug", flat=True)), ["cedar"])

    def test_a_plan_for_many(self) -> None:
        plan = factories._make(Plan, self.agency, name="Small", limits={}, features=["assistants"])
        job = self.begin("plan", "bakker-dental", plan=plan.pk)
        bulk.run_bulk(organization_id=self.agency.pk, job_id=job.pk)
        self.assertEqual(self.row("Bakker Dental").plan, "Small")

    def test_nothing_selected_and_nothing_known(self) -> None:
        for action, slugs in (("suspend", ()), ("explode", ("bakker-dental",))):
            with self.assertRaises(Invalid):
                self.begin(action, *slugs)


class AnnouncementTest(ConsoleCase):
    def send(self, **values: Any) -> Announcement:
        data = {"title": "Maintenance", "text": "Tonight.\nAt ten.", "level": "warning", "is_banner": "on", "sends_mail": "on"} | values
        self.assertEqual(self.ada_browser.post(f"{NEW}/announcements", data).status_code, 302)
        with acting(overview("test")):
            row = Announcement.objects.get(title=data["title"])
        for _time in range(2):
            announce.send(organization_id=self.agency.pk, announcement_id=row.pk)
        return row

    def notes(self) -> list[tuple[str, str]]:
        with acting(overview("test")):
            return sorted(Notification.objects.values_list("organization__slug", "title"))

    def test_each_client_gets_it_once_and_puts_it_away(self) -> None:
        self.add_client("Cedar")
        factories.make_organization("Dove Child", parent=self.stranger)
        row = self.send()
        self.assertEqual(self.notes(), [("bakker-dental", "Maintenance"), ("cedar", "Maintenance")])
        with acting(overview("test")):
            self.assertEqual([each.to for each in Message.objects.filter(key__startswith="announcement:")], ["cleo@example.com"])
            note = Notification.objects.for_organization(self.client_org).get()
        cleo = self.as_(self.cleo)
        self.assertContains(cleo.get("/o/bakker-dental/assistants"), "Maintenance")
        cleo.post("/o/bakker-dental/notifications/put-away", {"ids": [str(note.pk)]})
        self.assertNotContains(cleo.get("/o/bakker-dental/assistants"), "Maintenance")
        self.ada_browser.post(f"{NEW}/announcements/{row.pk}/withdraw")
        announce.send(organization_id=self.agency.pk, announcement_id=row.pk)
        self.assertEqual(self.notes(), [])

    def test_to_one_client_only(self) -> None:
        cedar = self.add_client("Cedar")
        self.send(clients=[str(cedar.pk)])
        self.assertEqual(self.notes(), [("cedar", "Maintenance")])

    def test_a_time_that_is_over_is_refused_and_nothing_is_lost(self) -> None:
        answer = self.ada_browser.post(f"{NEW}/announcements", {"title": "Old", "text": "x", "level": "info", "until": "2020-01-01T10:00"})
        self.assertContains(answer, "Choose a time that is still to come.", status_code=422)
        self.assertContains(answer, 'value="Old"', status_code=422)


class ExportTest(ConsoleCase):
    def test_everything_of_one_organization_and_no_secret(self) -> None:
        factories.make_call(self.client_org, summary="Ours")
        factories.make_call(self.stranger, summary="Theirs-canary")
        factories.make_provider_key(self.client_org, "resend", "re_secret-canary")
        with self.acting_for(self.client_org):
            job = export.begin_export(organization=self.client_org, by=SYSTEM)
        export.run_export(organization_id=self.client_org.pk, job_id=job.pk)
        answer = self.ada_browser.get(f"{NEW}/bakker-dental/export/{job.pk}")
        archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
        self.assertEqual(len(texts), len(export.TABLES) + 1)
        calls = [json.loads(line) for line in texts["calls.call.jsonl"].splitlines()]
        self.assertEqual([each["summary"] for each in calls], ["Ours"])
        self.assertEqual([name for name, text in texts.items() if "canary" in text], [])
        self.assertEqual(self.as_(self.dov).get(f"/o/dove-and-co/clients/bakker-dental/export/{job.pk}").status_code, 404)
        export.forget_old(self.now + export.KEPT * 2)
        with self.acting_for(self.client_org), self.assertRaises(NotFound):
            export.exported_file(self.client_org, job.pk)


class TablesTest(SimpleTestCase):
    def test_every_table_is_exported_or_left_out_with_a_reason(self) -> None:
        owned = {model.__name__ for model in _subclasses(OwnedModel)}
        exported = {model.__name__ for model in export.TABLES}
        self.assertEqual(owned - exported, set(export.LEFT_OUT))
        self.assertEqual(exported & set(export.LEFT_OUT), set())


def _subclasses(model: type) -> list[type]:
    found = []
    for each in model.__subclasses__():
        found += _subclasses(each) if each._meta.abstract else [each]  # type: ignore[attr-defined]
    return found


QUERIES = 8
