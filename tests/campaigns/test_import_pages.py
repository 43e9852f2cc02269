"""The pages of imports: every file of a campaign, its downloads, taking it back, and what was remembered."""

from __future__ import annotations

import html

from django.urls import reverse

from apps.campaigns.columns import Columns
from apps.campaigns.models import Upload
from apps.organizations.models import Job
from tests import factories
from tests.campaigns.support import leads_of
from tests.campaigns.test_imports import ImportCase, table

QUERIES = 15


class PagesTest(ImportCase):
    def setUp(self) -> None:
        super().setUp()
        self.browser = self.as_(self.cleo)

    def url(self, name: str, upload: Upload | None = None) -> str:
        ids = [self.campaign.pk, *([upload.pk] if upload else [])]
        return reverse(name, args=[self.client_org.slug, *ids])

    def page(self, name: str, upload: Upload | None = None) -> str:
        return html.unescape(self.browser.get(self.url(name, upload)).content.decode())

    def test_the_list_names_each_file_and_what_came_of_it(self) -> None:
        self.assertIn("No file imported yet", self.page("lead_imports"))
        self.run_upload(self.store(table(3) + b"\nunknown,x"))
        page = self.page("lead_imports")
        for text in ("leads.csv", "Imported", "system", "Undo"):
            self.assertIn(text, page)
        self.store(b"phone,kind\n+31612345678,a")
        self.assertIn("Not imported yet", self.page("lead_imports"))
        large = self.run_upload(self.store(table(2001, first=100)))
        page = self.page("lead_imports")
        self.assertIn("0 of 2,001 rows read", page)
        self.assertIn("every 2s", page)
        Job.objects.filter(pk=large.job_id).update(status="failed")
        self.assertIn("Stopped", self.page("lead_imports"))

    def test_as_many_queries_for_three_files_as_for_one(self) -> None:
        self.run_upload(self.store(table(1)))
        self.page("lead_imports")
        for more in (1, 2):
            with self.assertNumQueries(QUERIES):
                self.browser.get(self.url("lead_imports"))
            self.run_upload(self.store(table(1, first=10 * more)))

    def test_undo_from_the_page_says_what_went(self) -> None:
        upload = self.run_upload(self.store(table(3)))
        self.assertIn("Undo", self.page("lead_import_done", upload))
        answer = self.browser.post(self.url("lead_import_undo", upload), follow=True)
        self.assertIn("3 leads removed.", html.unescape(answer.content.decode()))
        self.assertEqual(leads_of(self.campaign), [])
        self.assertIn("Undone", self.page("lead_imports"))
        self.assertNotIn("/undo", self.page("lead_import_done", upload))

    def test_numbers_to_check_are_a_file(self) -> None:
        upload = self.run_upload(self.store(b"phone,name\n+31612345678,Sam\n+31600000001,=Eve"))
        self.assertIn("1 imported number is possible", self.page("lead_import_done", upload))
        content = b"".join(self.browser.get(self.url("lead_warned", upload)).streaming_content).decode("utf-8-sig")
        self.assertEqual(content.splitlines()[1:], ["'+31600000001,'=Eve,\"Possible, but not known as a number in use.\""])

    def test_what_was_remembered_is_said_and_can_be_forgotten(self) -> None:
        self.assertNotIn("Chosen as the last time", self.page("lead_import_map", self.store(table(1))))
        self.run_upload(self.store(table(1)), Columns(0), "BE")
        again = self.store(table(1, first=5))
        self.assertIn("Chosen as the last time", self.page("lead_import_map", again))
        page = html.unescape(self.browser.post(self.url("lead_import_forget", again), follow=True).content.decode())
        self.assertNotIn("Chosen as the last time", page)
        again.refresh_from_db()
        self.assertEqual(Columns.from_json(again.mapping).variables, {1: "name"})

    def test_a_viewer_looks_and_takes_nothing_back(self) -> None:
        upload = self.run_upload(self.store(table(2)))
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        browser = self.as_(viewer)
        self.assertNotIn(b"/undo", browser.get(self.url("lead_imports")).content)
        self.assertEqual(browser.post(self.url("lead_import_undo", upload)).status_code, 403)
        self.assertEqual(len(leads_of(self.campaign)), 2)

    def test_zone_and_consent_can_be_chosen(self) -> None:
        upload = self.store(b"phone,where,ok\n+31612345678,Europe/Berlin,ja")
        choice = {"country": "NL", "use-0": "number", "use-1": "timezone", "use-2": "consent", "variable-1": "where", "variable-2": "ok"}
        self.browser.post(self.url("lead_import_run", upload), choice)
        lead = leads_of(self.campaign)[0]
        self.assertEqual((lead.timezone, lead.consent, lead.variables), ("Europe/Berlin", "express", {}))
        twice = self.browser.post(self.url("lead_import_map", self.store(b"a,b,c\n1,2,3")), {"use-0": "number", "use-1": "timezone", "use-2": "timezone"})
        self.assertIn("Only one column can be used as “Time zone”", html.unescape(twice.content.decode()))
